"""`seqdrop deploy`: which programs it runs, and what it says before it runs any."""

import json
import os
import re
import shutil
import stat
from pathlib import Path
from typing import Any, ClassVar

import boto3
import pytest
from moto import mock_aws
from samtranslator.yaml_helper import yaml_parse
from typer.testing import CliRunner

from cli import deployment
from cli.deploy import bootstrap_command, deploy_command
from cli.deployment import (
    BOOTSTRAP,
    PROJECT,
    Environment,
    faults,
    image_parameters,
    images_given,
    parse_parameters,
    read_environment,
    template_parameters,
)
from cli.doctor.account import Account
from cli.faults import CommandFailed, explain
from cli.images import (
    SHARED,
    Recipe,
    Registry,
    images_needed,
    push_image,
    recipes,
    recipes_for,
)
from cli.main import app
from cli.shell import Shell
from infrastructure.expansion import expand
from seqdrop.library import Library
from tests.infrastructure.stack import made

LIBRARY = Library(str(PROJECT / "pipelines"))
DECLARED: dict[str, dict[str, Any]] = {
    "Image": {"Type": "String", "MinLength": 1, "MaxLength": 9},
    "Size": {"Type": "Number", "Default": 16, "MinValue": 16, "MaxValue": 512},
    "Fpga": {"Type": "String", "Default": False, "AllowedValues": [True, False]},
    "Ami": {"Type": "String", "Default": "", "AllowedPattern": "(ami-[0-9a-f]+)?",
            "ConstraintDescription": "an AMI's id"},
    "Subnets": {"Type": "CommaDelimitedList", "Default": "", "AllowedPattern": "(subnet-.+)?"},
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value", "wrong"),
    [
        ("Image", "", "'' is too short"),
        ("Image", "0123456789", "'0123456789' is too long"),
        ("Image", "CHOOSE-an-image", "it still has samconfig.toml's placeholder"),
        ("Size", "15", "'15' is less than 16"),
        ("Size", "513", "'513' is more than 512"),
        ("Size", "many", "'many' is not a number"),
        ("Fpga", "yes", "'yes' is none of true, false"),
        ("Ami", "ami-", "'ami-' is not as it should be: an AMI's id"),
        ("Subnets", "subnet-1,other", "is not as it should be"),
        ("Colour", "red", "the template has no such parameter"),
    ],
)
def test_a_parameter_out_of_its_bounds_is_told(name: str, value: str, wrong: str) -> None:
    ((found, why),) = faults(DECLARED, {"Image": "good", name: value})
    assert found == name
    assert wrong in why


def test_parameters_within_their_bounds_are_taken() -> None:
    given = {"Image": "good", "Size": "512", "Fpga": "true", "Ami": "", "Subnets": "subnet-1"}
    assert list(faults(DECLARED, given)) == []
    assert list(faults(DECLARED, {})) == [("Image", "it has no value, and no default")]


def test_every_environment_is_whole_and_names_known_parameters() -> None:
    names = ("dev", "prod-us", "prod-eu")
    found = [read_environment(name) for name in names]
    assert len({(one.region, one.stack) for one in found}) == len(names)
    for environment in found:
        wrong = dict(faults(template_parameters(), environment.parameters))
        assert set(wrong.values()) <= {"it still has samconfig.toml's placeholder"}


def test_an_environment_that_is_not_there_is_answered_with_those_that_are() -> None:
    with pytest.raises(CommandFailed, match=r"no environment 'test' \(it has: dev, prod-eu, "):
        read_environment("test")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x = ", "is not TOML"),
        ("[a.deploy.parameters]\nstack_name = 'a'", "a.deploy.parameters has no region"),
        (
            "[a.deploy.parameters]\nstack_name = 'a'\nregion = 'r'\nparameter_overrides = 'A=b'",
            "a list",
        ),
    ],
)
def test_a_broken_configuration_is_told(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "samconfig.toml"
    path.write_text(text)
    with pytest.raises(CommandFailed, match=says):
        read_environment("a", path)


def test_parameters_are_names_and_values() -> None:
    assert parse_parameters(["A=b=c", "B="]) == {"A": "b=c", "B": ""}
    with pytest.raises(CommandFailed, match="'A' is not Name=value"):
        parse_parameters(["A"])


def test_the_template_is_read_with_its_short_functions() -> None:
    declared = template_parameters()
    assert declared["MaxCpuVcpus"]["Type"] == "Number"
    assert all(isinstance(one["Description"], str) for one in declared.values())


def test_sam_is_told_every_parameter_in_one_argument_each() -> None:
    environment = Environment("prod-us", "seqdrop", "us-east-1")
    command = deploy_command(environment, {"B": "x,y", "A": "1", "C": ""}, ask=True, guided=False)
    assert command[1:] == [
        "deploy", "--config-env", "prod-us", "--confirm-changeset",
        "--parameter-overrides", "A=1", "B=x,y", 'C=""',
    ]  # fmt: skip
    assert "--no-confirm-changeset" in deploy_command(environment, {}, ask=False, guided=False)
    assert "--guided" in deploy_command(environment, {}, ask=True, guided=True)
    assert "--no-confirm-changeset" in bootstrap_command(environment, ask=False)


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["deploy", *arguments])


def test_a_dry_run_prints_every_command_and_runs_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("something was run")

    monkeypatch.setattr("cli.shell.subprocess.run", refuse)
    answer = run("--dry-run", "--env", "dev", "--parameter", "CpuImage=lab/cpu@sha256:" + "a" * 64)
    commands = [line for line in answer.stdout.splitlines() if line.startswith("+ ")]
    assert commands[0] == "+ make .venv-sam/.ready bootstrap/template.expanded.json"
    assert "bootstrap/template.expanded.json" in commands[1]
    built = [command for command in commands if command.startswith("+ docker build")]
    assert [command.partition("--file ")[2].split()[0] for command in built] == [
        "containers/report/Dockerfile"
    ], "what the assays' pipelines name, and nobody gave"
    assert commands[-2] == "+ make build"
    assert "--config-env dev" in commands[-1]
    assert "CpuImage=lab/cpu@sha256:" in commands[-1]


def test_an_image_that_nobody_gave_is_built_here() -> None:
    answer = run("--dry-run", "--env", "dev")
    commands = [line for line in answer.stdout.splitlines() if line.startswith("+ ")]
    ran = [command.rpartition(" | ")[2].removeprefix("+ ") for command in commands[2:5]]
    assert [command.split()[:2] for command in ran] == [
        ["docker", "build"], ["docker", "login"], ["docker", "push"],
    ]  # fmt: skip
    assert "--file containers/cpu/Dockerfile" in commands[2]
    assert commands[3].startswith("+ aws ecr get-login-password --region us-east-1 | docker login")
    assert "seqdrop/cpu@DIGEST" in commands[-1]
    assert (
        "Image1=report=ACCOUNT.dkr.ecr.us-east-1.amazonaws.com/seqdrop/report@DIGEST"
        in commands[-1]
    )


def test_images_alone_need_no_other_parameter() -> None:
    answer = run("--dry-run", "--env", "prod-us", "--images-only")
    commands = [line for line in answer.stdout.splitlines() if line.startswith("+ ")]
    assert "bootstrap/template.expanded.json" in commands[1]
    assert commands[-1].startswith("+ docker push ")
    printed = [line.partition("@")[0] for line in answer.stdout.splitlines()[-2:]]
    registry = "ACCOUNT.dkr.ecr.us-east-1.amazonaws.com/seqdrop"
    assert printed == [f"CpuImage={registry}/cpu", f"Image1=report={registry}/report"]


def test_placeholders_stop_a_deployment_before_anything_is_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    for arguments in ["--env", "prod-us"], ["--env", "prod-us", "--dry-run"]:
        answer = run(*arguments)
        assert isinstance(answer.exception, CommandFailed)
        assert "FpgaGenomeAmi: it still has samconfig.toml's placeholder" in str(answer.exception)
        assert "CpuImage" not in str(answer.exception), "it is built here"
        assert "+ " not in answer.stdout


def test_placeholders_of_what_is_not_deployed_are_empty_also_for_sam() -> None:
    cpu_only = ("--env", "prod-eu", "--dry-run", "--parameter", "EnableFpga=false")
    subnets = ("--parameter", "SubnetIds=subnet-1", "--parameter", "SecurityGroupIds=sg-1")
    answer = run(*cpu_only, *subnets)
    assert answer.exit_code == 0, answer.exception
    command = answer.stdout.splitlines()[-1]
    assert "CHOOSE" not in command
    assert """'FpgaGenomeAmi=""'""" in command
    assert """'DragenLicenceSecretArn=""'""" in command
    answer = run(*cpu_only, "--parameter", "CreateNetwork=true")
    assert answer.exit_code == 0, answer.exception
    said = str(run(*cpu_only).exception)
    assert "SubnetIds: it still has samconfig.toml's placeholder" in said
    assert "Fpga" not in said


@pytest.mark.parametrize(
    ("switch", "value", "names"),
    [
        (switch, "false" if value == "true" else "true", names)
        for (switch, value), names in deployment._USED_ONLY_WITH.items()
    ],
)
def test_what_counts_as_not_deployed_is_used_by_no_resource(
    switch: str, value: str, names: tuple[str, ...]
) -> None:
    resources = json.dumps(made(**{switch: value}))
    used = {one or other for one, other in re.findall(r'"Ref": "(\w+)"|\$\{(\w+)', resources)}
    assert used & {"CpuImage", "MaxCpuVcpus"}
    assert not used & set(names)


@pytest.mark.parametrize(
    ("parameter", "says"),
    [
        ("CreateNetwork=false", "Hosts need a network: give SubnetIds"),
        ("EnableFpga=true", "EnableFpga=true needs FpgaGenomeAmi"),
        ("NetworkZones=us-east-1a,eu-west-2b", "NetworkZones: eu-west-2b is no zone of us-east-1"),
        ("CpuImage=lab/cpu:latest", "CpuImage: 'lab/cpu:latest' is not as it should be"),
        (f"NextflowImage=lab/nextflow@sha256:{0:064}", "give SubnetIds behind a NAT gateway"),
    ],
)
def test_what_the_template_would_refuse_is_refused_before_anything_is_run(
    parameter: str, says: str
) -> None:
    answer = run("--dry-run", "--env", "dev", "--parameter", parameter)
    assert says in str(answer.exception)
    assert "+ " not in answer.stdout


def test_a_workflow_of_an_assay_needs_a_network_with_a_way_out_and_gets_its_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = shutil.copytree(PROJECT / "pipelines", tmp_path / "pipelines")
    with (folder / "assays.yaml").open("a") as assays:
        assays.write("  workflow: {pipeline: sarek, reference: GRCh38}\n")
    for module in ("cli.stack", "cli.doctor.inputs", "cli.doctor.examination"):
        monkeypatch.setattr(f"{module}.PIPELINES", folder)
    closed = run("--dry-run", "--env", "dev")
    assert "give SubnetIds behind a NAT gateway" in str(closed.exception)
    assert "+ " not in closed.stdout
    given = ("CreateNetwork=false", "SubnetIds=subnet-1", "SecurityGroupIds=sg-1")
    answer = run("--dry-run", "--env", "dev", *(p for one in given for p in ("--parameter", one)))
    assert answer.exit_code == 0, answer.exception
    assert "NextflowImage=ACCOUNT" in answer.stdout.splitlines()[-1]
    assert "containers/nextflow/Dockerfile" in answer.stdout


@pytest.mark.parametrize("command", [["deploy"], ["deploy", "--dry-run"], ["doctor"]])
def test_a_broken_pipeline_is_told_and_nothing_is_deployed(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = shutil.copytree(PROJECT / "pipelines", tmp_path / "pipelines")
    assays = folder / "assays.yaml"
    assays.write_text(assays.read_text().replace("default: wgs", "default: wgx", 1))
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setattr("cli.stack.PIPELINES", folder)
    monkeypatch.setattr("cli.doctor.inputs.PIPELINES", folder)
    answer = CliRunner().invoke(app, [*command, "--env", "dev"])
    assert answer.exit_code == 1
    assert f"{assays}, line 4: the default 'wgx' is not one of the assays" in answer.output
    assert "+ make" not in answer.output


def test_it_does_not_deploy_into_an_endpoint_by_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
    for arguments in ["--env", "dev"], ["--env", "dev", "--dry-run"]:
        assert "unset it" in str(run(*arguments).exception)


def test_a_program_that_fails_or_is_not_there_is_one_line(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    with pytest.raises(CommandFailed, match="`false` ended with exit code 1"):
        shell.run(["false"])
    with pytest.raises(CommandFailed, match="no-such-program is not there"):
        shell.run(["no-such-program", "now"])
    assert not shell.answers("no-such-program")
    assert shell.answers("true")


def make_recipe(project: Path) -> Recipe:
    for name in SHARED:
        path = project / name
        file = path if "." in path.name else path / "file"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)
    (project / "containers/cpu").mkdir()
    (project / "containers/cpu/Dockerfile").write_text("ARG BASE_IMAGE=debian:x\n")
    (found,) = recipes(project, {"cpu": "CpuImage", "report": "Image1"})
    return found


def test_an_images_tag_is_the_hash_of_what_it_is_made_of(tmp_path: Path) -> None:
    recipe = make_recipe(tmp_path)
    assert (recipe.name, recipe.parameter) == ("cpu", "CpuImage")
    first = recipe.tag()
    (tmp_path / "containers/runner/__pycache__").mkdir()
    (tmp_path / "containers/runner/__pycache__/a.pyc").write_bytes(b"x")
    assert recipe.tag() == first
    (tmp_path / "containers/runner/file").write_text("changed")
    assert recipe.tag() != first


DOCKERFILES = sorted(path.parent.name for path in (PROJECT / "containers").glob("*/Dockerfile"))


@pytest.mark.parametrize("name", DOCKERFILES)
def test_an_image_is_made_of_nothing_but_what_its_tag_stands_for(name: str) -> None:
    dockerfile = (PROJECT / "containers" / name / "Dockerfile").read_text("utf-8")
    copied = [
        source
        for sources in re.findall(r"^COPY (.+) \S+$", dockerfile, re.MULTILINE)
        for source in sources.split()
    ]
    assert copied
    own = (*SHARED, f"containers/{name}", f"locks/{name}.txt")
    for source in copied:
        assert (PROJECT / source).exists(), source
        assert any(source == name or source.startswith(f"{name}/") for name in own), source
    let_in = [
        line.removeprefix("!")
        for line in (PROJECT / ".dockerignore").read_text("utf-8").splitlines()
        if line.startswith("!")
    ]
    for source in copied:
        assert any(source == name or source.startswith(f"{name}/") for name in let_in), source


def test_an_image_has_what_the_runner_imports_and_the_project_tests_with() -> None:
    project, runner = (
        dict(re.findall(r"^([a-z0-9-]+)==(\S+)", path.read_text("utf-8"), re.MULTILINE))
        for path in (PROJECT / "locks/project.txt", PROJECT / "locks/runner.txt")
    )
    assert {"botocore", "isal", "msgspec"} <= runner.keys()
    assert runner.items() <= project.items()


def library_with(folder: Path, **files: str) -> Library:
    """The project's library, with other files in the place of some."""
    there = shutil.copytree(PROJECT / "pipelines", folder / "pipelines")
    for name, text in files.items():
        (there / f"{name}.yaml").write_text(text)
    return Library(str(there))


def test_only_images_of_pipelines_that_assays_name_are_built(tmp_path: Path) -> None:
    assert images_needed(LIBRARY, has_fpga=False) == {"cpu", "report"}
    assert {"fpga-genome", "fpga-exome"} < images_needed(LIBRARY, has_fpga=True)
    own = library_with(
        tmp_path,
        assays="default: a\nassays:\n  a: {pipeline: own, reference: r}\n",
        own="name: own\ndescription: d\nstages:\n  one:\n    queue: cpu\n    image: snpeff\n"
        "    size: {vcpus: 1, memory_mib: {base: 1}, seconds: {base: 1}}\n"
        "    steps: [{pipe: [[echo]], stdout: '{out}/x'}]\n    outputs: [{name: x}]\n",
    )
    assert images_needed(own, has_fpga=False) == {"cpu", "snpeff"}
    built = {one.parameter: one.name for one in recipes_for({}, own)}
    assert built == {"CpuImage": "cpu", "Image2": "snpeff"}
    given = {"CpuImage": "CHOOSE-image", "Image2": "snpeff=lab/snpeff@sha256:1"}
    assert [one.name for one in recipes_for(given, own)] == ["cpu"]


def test_an_image_keeps_its_slot_whatever_is_deployed_beside_it() -> None:
    slots = LIBRARY.images().slots
    assert image_parameters(slots)["report"] == "Image1"
    assert image_parameters((*slots, "mine"))["report"] == "Image1"
    given = {"CpuImage": "a@1", "Image2": "snpeff=b@2", "FpgaGenomeImage": "CHOOSE-image"}
    found = images_given(given, slots)
    assert found == {"CpuImage": ("cpu", "a@1"), "Image2": ("snpeff", "b@2")}


def registry_of(ecr: Any) -> Registry:
    return Registry(Account(lambda _: ecr, "us-east-1"), "123456789012")


def test_without_docker_an_image_that_is_not_there_is_one_clear_line(
    images_stack: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Bare, "lacks", {"docker"})
    monkeypatch.setattr("cli.deploy.Shell", Bare)
    answer = run("--env", "dev")
    says = r"no Docker engine answers.*--images-only.*CpuImage"
    assert re.search(says, str(answer.exception))
    for recipe in recipes_for({}, LIBRARY):
        put_image(images_stack, recipe.tag(), recipe.name)
    answer = run("--env", "dev")
    assert "was run" in str(answer.exception), "nothing is in the way of the first command"


class Bare(Shell):
    """A machine that lacks programs, and on which nothing may be run."""

    lacks: ClassVar[set[str]] = set()

    def answers(self, *command: str) -> bool:
        return command[0] not in self.lacks

    def run(self, *command: Any) -> None:
        raise AssertionError(f"{command} was run")


@pytest.mark.parametrize(
    ("lacks", "says"),
    [
        ("make", "needs make and Lambda's Python 3.13"),
        ("docker", "seqdrop/cpu has no [0-9a-f]+ yet, and no Docker engine answers"),
    ],
)
def test_what_the_machine_lacks_is_told_before_anything_is_run_or_made(
    lacks: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In an account that is empty: there is not even a repository."""
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setattr(Bare, "lacks", {lacks})
    monkeypatch.setattr("cli.deploy.Shell", Bare)
    with mock_aws():
        answer = run("--env", "dev")
    assert isinstance(answer.exception, CommandFailed)
    assert re.search(says, str(answer.exception))


def test_an_image_that_hosts_would_not_run_is_refused_before_anything_is_run(
    images_stack: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.deploy.Shell", Bare)
    repository = "123456789012.dkr.ecr.us-east-1.amazonaws.com/seqdrop/cpu"

    def refusal(architecture: str) -> str:
        image = f"CpuImage={repository}@{put_list(images_stack, architecture)}"
        return str(run("--env", "dev", "--parameter", image).exception)

    says = "CpuImage is in seqdrop/cpu, but it is for linux/arm64: the hosts are linux/amd64"
    assert says in refusal("arm64")
    assert "was run" in refusal("amd64"), "nothing is in the way of the first command"


@pytest.mark.parametrize("name", ["seqdrop-dev", "seqdrop-images"])
def test_over_a_first_try_that_failed_nothing_is_built_or_made(
    name: str, images_stack: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def status(_: Account, asked: str) -> str:
        return "ROLLBACK_COMPLETE" if asked == name else ""

    monkeypatch.setattr(Account, "stack_status", status)
    monkeypatch.setattr(Bare, "lacks", set())
    monkeypatch.setattr("cli.deploy.Shell", Bare)
    says = f"{name} is ROLLBACK_COMPLETE: the first try failed"
    assert says in str(run("--env", "dev").exception)
    alone = str(run("--env", "dev", "--images-only").exception)
    assert (says in alone) == (name == "seqdrop-images")
    assert ("was run" in alone) == (name == "seqdrop-dev")


def test_images_alone_are_made_whatever_image_was_given(
    images_stack: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.deploy.Shell", Bare)
    name = f"123456789012.dkr.ecr.us-east-1.amazonaws.com/seqdrop/cpu@sha256:{'c' * 64}"
    given = ("--env", "dev", "--parameter", f"CpuImage={name}")
    assert f"seqdrop/cpu has no sha256:{'c' * 64}" in str(run(*given).exception)
    assert "was run" in str(run(*given, "--images-only").exception)


def test_without_credentials_nothing_is_run(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setattr("cli.deploy.Shell", Bare)
    answer = run("--env", "dev")
    assert answer.exception is not None
    said = explain(answer.exception)
    assert said.startswith("there are no AWS credentials: ")
    assert "AWS_PROFILE" in said
    assert "AWS_ENDPOINT_URL" not in said, "with which deploy would refuse to run"
    answer = CliRunner().invoke(app, ["doctor", "--env", "dev"])
    assert f"account     {said}" in answer.stdout
    assert "AWS_ENDPOINT_URL" in CliRunner().invoke(app, ["doctor"]).stdout


FAKE_DOCKER = """#!/bin/sh
echo "$@" >> docker.log
case "$1" in
    login) cat > password ;;
    push) : > pushed ;;
    image) echo "mirror/debian@sha256:1 debian@sha256:2" ;;
esac
"""


@pytest.fixture
def images_stack(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client = boto3.client("cloudformation", region_name="us-east-1")
        body = json.dumps(expand(yaml_parse(BOOTSTRAP.read_text("utf-8"))))
        client.create_stack(StackName="seqdrop-images", TemplateBody=body)
        yield boto3.client("ecr", region_name="us-east-1")


MANIFEST = {
    "schemaVersion": 2,
    "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
    "config": {"digest": f"sha256:{'b' * 64}", "size": 1},
    "layers": [],
}


def put_list(ecr: Any, architecture: str) -> str:
    """A list of one image for Linux, as Docker pushes it."""
    manifest = {**MANIFEST, "config": {"digest": f"sha256:{'d' * 64}", "size": len(architecture)}}
    answer = ecr.put_image(repositoryName="seqdrop/cpu", imageManifest=json.dumps(manifest))
    one = {
        "mediaType": MANIFEST["mediaType"],
        "digest": answer["image"]["imageId"]["imageDigest"],
        "size": 1,
        "platform": {"os": "linux", "architecture": architecture},
    }
    kind = "application/vnd.oci.image.index.v1+json"
    document = {"schemaVersion": 2, "mediaType": kind, "manifests": [one]}
    answer = ecr.put_image(repositoryName="seqdrop/cpu", imageManifest=json.dumps(document))
    return str(answer["image"]["imageId"]["imageDigest"])


def put_image(ecr: Any, tag: str, name: str = "cpu") -> str:
    manifest = json.dumps({**MANIFEST, "annotations": {"name": name}})
    repository = f"seqdrop/{name}"
    answer = ecr.put_image(repositoryName=repository, imageManifest=manifest, imageTag=tag)
    return str(answer["image"]["imageId"]["imageDigest"])


def test_an_image_that_is_there_is_not_built_again(tmp_path: Path, images_stack: Any) -> None:
    recipe = make_recipe(tmp_path)
    digest = put_image(images_stack, recipe.tag())
    registry = registry_of(images_stack)
    name = push_image(recipe, registry, Shell(tmp_path / "no such folder"))
    assert name == f"123456789012.dkr.ecr.us-east-1.amazonaws.com/seqdrop/cpu@{digest}"


def test_a_new_image_is_built_and_pushed_and_its_password_is_no_argument(
    tmp_path: Path,
    images_stack: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    recipe = make_recipe(tmp_path)
    docker = tmp_path / "bin/docker"
    docker.parent.mkdir()
    docker.write_text(FAKE_DOCKER)
    docker.chmod(docker.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{docker.parent}:{os.environ['PATH']}")
    registry = registry_of(images_stack)

    class Pushing(Shell):
        """ECR has the image once Docker has pushed it."""

        def run(self, command: Any, standard_input: str = "") -> None:
            super().run(command, standard_input)
            if command[1] == "push":
                put_image(images_stack, recipe.tag())

    name = push_image(recipe, registry, Pushing(tmp_path))
    assert "@sha256:" in name
    ran = (tmp_path / "docker.log").read_text().splitlines()
    assert [line.split()[0] for line in ran] == ["pull", "image", "build", "login", "push"]
    assert "--build-arg BASE_IMAGE=debian@sha256:2 " in ran[2]
    for label in ("name=debian", "digest=sha256:2"):
        assert f"--label org.opencontainers.image.base.{label} " in ran[2]
    assert (tmp_path / "pushed").exists()
    password = (tmp_path / "password").read_text()
    assert password
    assert password not in (tmp_path / "docker.log").read_text() + capsys.readouterr().out


def test_samconfig_holds_no_secret() -> None:
    text = deployment.SAMCONFIG.read_text("utf-8").lower()
    assert not [word for word in ("password", "aws_secret", "lic-server") if word in text]


def test_the_bootstrap_template_is_the_one_that_is_deployed() -> None:
    command = bootstrap_command(read_environment("dev"), ask=True)
    given = PROJECT / command[command.index("--template-file") + 1]
    assert given == BOOTSTRAP.with_name("template.expanded.json")
    makefile = (PROJECT / "Makefile").read_text("utf-8")
    assert f"\nREPOSITORIES := {given.relative_to(PROJECT)}\n" in makefile


def test_every_parameter_is_explained_with_its_default() -> None:
    page = (PROJECT / "docs/deploy.md").read_text("utf-8")
    table = page.partition("## 6. Parameters")[2].partition("\n## ")[0]
    rows = [line.split("|")[1:3] for line in table.splitlines() if line.startswith("| `")]
    explained = {
        name: value.strip() for names, value in rows for name in re.findall("`(.+?)`", names)
    }
    declared = template_parameters()
    assert explained == {
        name: str(one["Default"] if one["Default"] != "" else "empty") if "Default" in one else "–"
        for name, one in declared.items()
    }
