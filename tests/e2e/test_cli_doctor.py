"""`seqdrop doctor` against a runtime: it has references and letters, but no hosts."""

import ast
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cli.deployment import Environment
from cli.doctor.account import Account
from cli.doctor.examination import wanted_of
from cli.doctor.findings import Verdict
from cli.doctor.grants import Location, grants_of
from cli.doctor.roles import check_stack_roles
from cli.doctor.simulator import Simulator
from local.deploy import ACCOUNT, REGION, STACK
from tests.e2e.command import Command
from tests.iam_support import Document, FakeSimulator, matches
from tests.lab import Lab, fasta, make_genome, open_lab


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with open_lab(tmp_path_factory.mktemp("doctor"), fpga_slots=2) as lab:
        yield lab


def examined(
    command: Command, *arguments: str, verdict: str = "fail"
) -> dict[str, list[dict[str, Any]]]:
    """What it says of each check; here something is missing, unless told otherwise."""
    ended = command.run("doctor", "--json", *arguments)
    assert ended.stderr == ""
    document = json.loads(ended.stdout)
    assert document["verdict"] == verdict
    assert ended.returncode == (verdict == "fail")
    found: dict[str, list[dict[str, Any]]] = {}
    for one in document["checks"]:
        found.setdefault(one["check"], []).append(one)
    return found


def with_docker(command: Command) -> Command:
    """The same command where a Docker engine answers."""
    docker = command.folder / "bin/docker"
    docker.parent.mkdir()
    docker.write_text("#!/bin/sh\n")
    docker.chmod(0o755)
    command.environment["PATH"] = f"{docker.parent}:{os.environ['PATH']}"
    return command


def test_of_the_runtime_only_what_it_has_is_examined(lab: Lab, tmp_path: Path) -> None:
    command = Command(tmp_path, lab.runtime.url)
    found = examined(command, verdict="ok")
    assert [one["verdict"] for one in found["account"]] == ["ok"]
    assert "123456789012 in us-east-1" in found["account"][0]["says"]
    assert [one["verdict"] for one in found["hosts"]] == ["ok"]
    assert "quotas" not in found
    assert [one["says"] for one in found["stack"]] == ["CREATE_COMPLETE"]
    (reference,) = found["references"]
    assert reference["verdict"] == "warn"
    assert reference["says"].startswith("wgs, wgs-cpu, wes, amplicon: there is no ready version")
    assert reference["do"] == "seqdrop reference add GRCh38 VERSION FASTA"
    assert [one["verdict"] for one in found["dead letters"]] == ["ok"]


def test_a_reference_and_a_letter_are_seen(lab: Lab, tmp_path: Path) -> None:
    command = Command(tmp_path, lab.runtime.url)
    lab.add_reference("GRCh38", fasta(make_genome(5_000)))
    queues = lab.client("sqs").list_queues()["QueueUrls"]
    (url,) = [one for one in queues if "UploadsDeadLetters" in one]
    lab.client("sqs").send_message(QueueUrl=url, MessageBody="{}")
    found = examined(command, verdict="ok")
    says = {one["says"]: one["verdict"] for one in found["references"]}
    assert says["wgs, wgs-cpu: GRCh38 1 is ready"] == "ok"
    assert says["wes: GRCh38 1 has no target regions 'exome'"] == "warn"
    (letters,) = found["dead letters"]
    assert letters["do"] == "seqdrop redrive UploadsDeadLetters --dry-run"


def test_an_environment_is_examined_before_there_is_a_stack(lab: Lab, tmp_path: Path) -> None:
    command = with_docker(Command(tmp_path, lab.runtime.url))
    found = examined(command, "--env", "dev", verdict="ok")
    assert found["images"][0]["says"].startswith("CpuImage: `seqdrop deploy` builds seqdrop/cpu:")
    quotas = found["quotas"]
    assert {one["verdict"] for one in quotas} == {"warn"}
    assert len(quotas) == 3, "one that can't be asked does not end the others"
    assert all("could not be asked" in one["says"] for one in quotas)
    assert "GetAWSDefaultServiceQuota: the embedded runtime does not play this" in quotas[0]["says"]
    (*_, roles) = found["roles"]
    assert "SimulatePrincipalPolicy: the embedded runtime does not play this" in roles["says"]
    assert found["stack"][0]["says"] == "it is not deployed yet"
    assert "references" not in found


def test_an_environment_of_another_region_is_asked_about_that_region(
    lab: Lab, tmp_path: Path
) -> None:
    found = examined(Command(tmp_path, lab.runtime.url), "--env", "prod-eu")
    assert "in eu-west-2" in found["account"][0]["says"]
    assert found["F2 hosts"][0]["says"].startswith("f2.6xlarge is offered in eu-west-2")
    assert any(one["says"].startswith("SubnetIds: it still has") for one in found["parameters"])


def test_parameters_of_the_command_line_count_most(lab: Lab, tmp_path: Path) -> None:
    command = Command(tmp_path, lab.runtime.url)
    found = examined(command, "--parameter", "MaxCpuVcpus=8", "--parameter", "SubnetIds=subnet-1")
    assert found["parameters"][0]["says"] == "MaxCpuVcpus: '8' is less than 16"
    assert found["network"][0]["says"] == "there is no subnet subnet-1 in us-east-1"


def test_an_unknown_environment_is_one_line(lab: Lab, tmp_path: Path) -> None:
    said = Command(tmp_path, lab.runtime.url).bad("doctor", "--env", "moon")
    assert "samconfig.toml has no environment 'moon'" in said


def test_without_an_endpoint_that_answers_the_account_fails(tmp_path: Path) -> None:
    found = examined(Command(tmp_path, "http://127.0.0.1:9"))
    assert found.keys() == {"account"}
    found = examined(Command(tmp_path, "http://127.0.0.1:9"), "--env", "prod-us")
    assert found.keys() == {"account", "pipelines", "parameters", "programs"}
    assert {one["verdict"] for one in found["parameters"]} == {"fail"}
    assert "nothing answers at http://127.0.0.1:9" in found["account"][0]["says"]


def test_what_a_person_reads_has_a_line_for_each_finding(lab: Lab, tmp_path: Path) -> None:
    ended = Command(tmp_path, lab.runtime.url).run("doctor", "--env", "prod-us")
    assert ended.returncode == 1
    assert ended.stdout.splitlines()[0].startswith("warn  account ")
    assert "-> unset AWS_ENDPOINT_URL to ask about an account of yours" in ended.stdout
    assert "-> mend samconfig.toml" in ended.stdout


def test_a_disk_is_looked_at_where_the_runtime_has_its_files(lab: Lab, tmp_path: Path) -> None:
    """Not at the folder of another runtime, which had this port before."""
    command = Command(tmp_path, lab.runtime.url)
    command.environment["XDG_CACHE_HOME"] = str(tmp_path)
    (tmp_path / "seqdrop" / lab.runtime.url.rpartition(":")[2]).mkdir(parents=True)
    assert disk_of(command)["says"].startswith(f"{lab.runtime.settings.folder} has ")


def test_the_disk_of_a_runtime_that_does_not_tell_its_folder_is_not_guessed(
    lab: Lab, tmp_path: Path
) -> None:
    command = Command(tmp_path, lab.runtime.url)
    command.environment["SEQDROP_STACK"] = "another"
    disk = disk_of(command)
    assert disk["verdict"] == "warn"
    assert disk["says"].endswith("it does not tell where it keeps its files")


def disk_of(command: Command) -> dict[str, Any]:
    checks = json.loads(command.run("doctor", "--json").stdout)["checks"]
    (disk,) = [one for one in checks if one["check"] == "disk"]
    return dict(disk)


@dataclass
class DeployedIam(FakeSimulator):
    """A simulator over the roles of a deployed stack."""

    client: Any = None

    def get_role(self, **asked: Any) -> Any:
        return self.client.get_role(**asked)


@pytest.fixture
def policies(lab: Lab) -> dict[str, dict[str, Document]]:
    """What the roles of the stack really hold, as its deployment resolved the template."""
    iam = lab.client("iam")
    return {
        role["RoleName"]: {name: document(iam, role["RoleName"], name) for name in names}
        for role in iam.list_roles()["Roles"]
        if (names := iam.list_role_policies(RoleName=role["RoleName"])["PolicyNames"])
    }


def document(iam: Any, role: str, name: str) -> Document:
    """A policy. moto leaves the end of a log group's ARN out that CloudFormation gives it."""
    found = str(iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"])
    whole = re.sub(r"(:log-group:[^':*]+)(?=')", r"\1:*", found)
    return dict(ast.literal_eval(whole))


def statements(documents: dict[str, Document]) -> Iterator[tuple[str, int, dict[str, Any]]]:
    for name, one in documents.items():
        for index, statement in enumerate(as_list(one["Statement"])):
            yield name, index, statement


def test_a_good_deployment_is_told_to_be_good(
    lab: Lab, policies: dict[str, dict[str, Document]]
) -> None:
    iam = DeployedIam(policies, client=lab.client("iam"))
    account = Account(lambda name: iam if name == "iam" else lab.client(name), REGION)
    stack = account.stack(STACK)
    wanted = wanted_of(Environment("", STACK, REGION), [], stack, with_resources=False)
    (finding,) = check_stack_roles(wanted, account)
    assert finding.verdict is Verdict.OK
    assert f"IAM lets {len(policies)} of {len(policies)} roles" in finding.says


def test_whatever_is_taken_from_a_role_is_told(
    lab: Lab, policies: dict[str, dict[str, Document]]
) -> None:
    """Each action and each statement of each role, one by one: all that was deployed is asked."""
    account = Account(lab.client, REGION)
    stack = account.stack(STACK)
    assert stack is not None
    template = account.template(STACK)
    grants = {
        one.role_name: one for one in grants_of(template, stack, Location("aws", REGION, ACCOUNT))
    }
    assert grants.keys() == policies.keys()
    taken = 0
    for role, documents in policies.items():
        for name, index, statement in statements(documents):
            for action in as_list(statement["Action"]):
                less = {**documents, name: without(documents[name], index, action)}
                arn = f"arn:aws:iam::{ACCOUNT}:role/{role}"
                found = Simulator(FakeSimulator({role: less}), REGION).denials(
                    arn, grants[role].questions
                )
                denied = {one.resource for one in found if one.action == action}
                for pattern in as_list(statement["Resource"]):
                    assert any(matches(pattern, one, case=True) for one in denied), (role, action)
                taken += 1
    assert taken > 50


def without(one: Document, index: int, action: str) -> dict[str, Any]:
    """A policy without one action of one of its statements."""
    kept = [dict(each) for each in as_list(one["Statement"])]
    kept[index]["Action"] = [a for a in as_list(kept[index]["Action"]) if a != action]
    return {**one, "Statement": kept}


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
