"""The image repositories' own stack, before anyone deploys it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws
from samtranslator.yaml_helper import yaml_parse

from cli.deployment import KINDS, image_parameters
from cli.doctor.account import Account
from cli.images import Registry
from infrastructure.expansion import expand
from seqdrop.library import Library

PROJECT = Path(__file__).resolve().parents[2]
TEMPLATE = PROJECT / "bootstrap/template.yaml"
SOURCE: dict[str, Any] = expand(yaml_parse(TEMPLATE.read_text("utf-8")))
REPOSITORIES: dict[str, dict[str, Any]] = SOURCE["Resources"]


def test_cfn_lint_has_nothing_to_say(tmp_path: Path) -> None:
    expanded = tmp_path / "template.json"
    expanded.write_text(json.dumps(SOURCE))
    lint = [str(Path(sys.executable).with_name("cfn-lint")), str(expanded)]
    answer = subprocess.run(lint, capture_output=True, text=True, check=False)
    assert answer.stdout + answer.stderr == ""
    assert answer.returncode == 0


def test_every_image_has_a_repository_and_says_where_it_is() -> None:
    slots = Library(str(PROJECT / "pipelines")).images().slots
    names = [*KINDS.values(), *(name.title() for name in slots)]
    assert REPOSITORIES.keys() == {f"{name}Repository" for name in names}
    assert SOURCE["Outputs"].keys() == REPOSITORIES.keys()


@pytest.mark.parametrize("name", REPOSITORIES)
def test_no_image_that_a_result_names_is_ever_lost_or_changed(name: str) -> None:
    repository = REPOSITORIES[name]
    # A first try that fails leaves none behind, which would be in the way of the second.
    assert repository["DeletionPolicy"] == "RetainExceptOnCreate"
    assert repository["UpdateReplacePolicy"] == "Retain"
    properties = repository["Properties"]
    assert properties["ImageTagMutability"] == "IMMUTABLE"
    assert properties["ImageScanningConfiguration"] == {"ScanOnPush": True}
    assert "EncryptionConfiguration" in properties
    rules = json.loads(properties["LifecyclePolicy"]["LifecyclePolicyText"])["rules"]
    assert {rule["selection"]["tagStatus"] for rule in rules} == {"untagged"}


def test_it_can_be_deployed_and_images_go_where_the_command_pushes_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with mock_aws():
        client = boto3.client("cloudformation", region_name="us-east-1")
        client.create_stack(StackName="images", TemplateBody=json.dumps(SOURCE))
        stack = client.describe_stacks(StackName="images")["Stacks"][0]
        outputs = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}
        registry = Registry(Account(lambda _: None, "us-east-1"), "123456789012")
    assert set(outputs.values()) == {
        registry.repository(name)
        for name in image_parameters(Library(str(PROJECT / "pipelines")).images().slots)
    }
