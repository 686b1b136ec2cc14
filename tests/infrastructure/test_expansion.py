"""Loops are expanded as CloudFormation expands them, and refused where it would not."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from samtranslator.yaml_helper import yaml_parse

from infrastructure.expansion import expand
from tests.infrastructure.stack import TEMPLATE, source, transformed


def resources(text: str, mappings: str = "{}") -> Any:
    """The resources of a template after its loops."""
    return expand(yaml_parse(f"Mappings: {mappings}\nResources:\n{text}"))["Resources"]


def test_a_loop_stands_for_its_fragment_once_for_each_item() -> None:
    text = """
  Fn::ForEach::Topics:
    - Name
    - [Good, Bad]
    - ${Name}Topic: {Type: T, Properties: {Title: !Ref Name, Text: !Sub "${AWS::Region}-${Name}"}}
  Last: {Type: T, Properties: {Topic: !Ref BadTopic}}
"""
    assert list(resources(text)) == ["GoodTopic", "BadTopic", "Last"]
    assert resources(text)["BadTopic"]["Properties"] == {
        "Title": "Bad",
        "Text": {"Fn::Sub": "${AWS::Region}-Bad"},
    }


def test_a_loop_in_a_loop_stands_for_every_pair() -> None:
    text = """
  Fn::ForEach::Kinds:
    - Kind
    - [A, B]
    - Fn::ForEach::Sizes:
        - Size
        - [S, L]
        - ${Kind}${Size}: {Type: T, Properties: {Of: {Ref: !Sub "${Kind}Base"}, Size: !Ref Size}}
"""
    found = resources(text)
    assert list(found) == ["AS", "AL", "BS", "BL"]
    assert found["BL"]["Properties"] == {"Of": {"Ref": "BBase"}, "Size": "L"}


def test_what_is_looked_up_by_known_keys_is_written_out() -> None:
    text = """
  Fn::ForEach::Queues:
    - Queue
    - [Urgent]
    - ${Queue}Queue:
        Type: T
        Properties:
          Name: !Sub ["${AWS::StackName}-${Name}", {Name: !FindInMap [Names, !Ref Queue, Name]}]
          Arn: !Sub ["${Arn}/*", {Arn: !GetAtt [!Sub "${Queue}Queue", Arn]}]
          Asked: !FindInMap [Names, !Ref Parameter, Name]
          Text: !Join ["", [a, !FindInMap [Names, Urgent, Name]]]
"""
    found = resources(text, "{Names: {Urgent: {Name: urgent}}}")["UrgentQueue"]["Properties"]
    assert found == {
        "Name": {"Fn::Sub": "${AWS::StackName}-urgent"},
        "Arn": {"Fn::Sub": "${UrgentQueue.Arn}/*"},
        "Asked": {"Fn::FindInMap": ["Names", {"Ref": "Parameter"}, "Name"]},
        "Text": "aurgent",
    }


@pytest.mark.parametrize(
    ("fragment", "told"),
    [
        ('${N}: {Type: T, Properties: {A: !If ["Has${N}", 1, 2]}}', "keys, Ref and Fn::Sub"),
        ('${N}: {Type: T, Condition: "Has${N}"}', "keys, Ref and Fn::Sub"),
        ("Fixed: {Type: T}", "Fixed is there already"),
        ("${N}: {Type: T, Properties: {A: !FindInMap [Names, !Ref N, Name]}}", "no Names.B"),
    ],
)
def test_what_cloudformation_would_not_expand_is_refused(fragment: str, told: str) -> None:
    text = f"  Fn::ForEach::L:\n    - N\n    - [A, B]\n    - {fragment}\n"
    with pytest.raises(ValueError, match=told):
        resources(text, "{Names: {A: {Name: a}}}")


@pytest.mark.parametrize("given", ["[N, [A]]", "[N, !Ref Names, {}]", "[N, [1], {'${N}': {}}]"])
def test_a_loop_that_is_none_is_refused_by_its_name(given: str) -> None:
    with pytest.raises(ValueError, match="Fn::ForEach::Loop"):
        resources(f"  Fn::ForEach::Loop: {given}\n")


def test_nothing_of_a_loop_is_left_in_the_template() -> None:
    assert "Fn::ForEach" in TEMPLATE.read_text("utf-8")
    assert "Fn::ForEach" not in json.dumps(source())
    assert source()["Transform"] == "AWS::Serverless-2016-10-31"


def test_cfn_lint_has_nothing_to_say_to_the_expanded_template(tmp_path: Path) -> None:
    """It sees more there than through loops, so less is left out."""
    body = {name: part for name, part in transformed().items() if name != "Metadata"}
    written = tmp_path / "expanded.json"
    written.write_text(json.dumps(body))
    # W1033: as in the template. W7001: what loops look up is written out, and looked up no more.
    ignored = ["-i", "W1033", "W7001", "--"]
    lint = [str(Path(sys.executable).with_name("cfn-lint")), *ignored, str(written)]
    answer = subprocess.run(lint, capture_output=True, text=True, check=False)
    assert answer.stdout + answer.stderr == ""
