"""`seqdrop doctor` against a runtime: it has references and letters, but no hosts."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.command import Command
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


def test_of_the_runtime_only_what_it_has_is_examined(lab: Lab, tmp_path: Path) -> None:
    command = Command(tmp_path, lab.runtime.url)
    found = examined(command)
    assert [one["verdict"] for one in found["account"]] == ["ok"]
    assert "123456789012 in us-east-1" in found["account"][0]["says"]
    assert [one["verdict"] for one in found["hosts"]] == ["ok"]
    assert "quotas" not in found
    assert [one["says"] for one in found["stack"]] == ["CREATE_COMPLETE"]
    assert "fail" in {one["verdict"] for one in found["references"]}
    (reference,) = found["references"]
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
    command = Command(tmp_path, lab.runtime.url)
    found = examined(command, "--env", "dev", verdict="ok")
    assert found["images"][0]["says"].startswith("CpuImage is not given: `seqdrop deploy` builds")
    (quotas,) = found["quotas"]
    assert quotas["verdict"] == "warn"
    assert "could not be asked" in quotas["says"]
    assert "GetAWSDefaultServiceQuota: the embedded runtime does not play this" in quotas["says"]
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
    assert found.keys() == {"account", "parameters", "programs"}
    assert {one["verdict"] for one in found["parameters"]} == {"fail"}
    assert "nothing answers at http://127.0.0.1:9" in found["account"][0]["says"]


def test_what_a_person_reads_has_a_line_for_each_finding(lab: Lab, tmp_path: Path) -> None:
    ended = Command(tmp_path, lab.runtime.url).run("doctor", "--env", "prod-us")
    assert ended.returncode == 1
    assert ended.stdout.splitlines()[0].startswith("warn  account ")
    assert "-> unset AWS_ENDPOINT_URL to ask about an account of yours" in ended.stdout
    assert "-> mend samconfig.toml" in ended.stdout
