"""Loops are expanded as CloudFormation expands them, and refused where it would not."""

import json
from pathlib import Path
from typing import Any

import pytest
from samtranslator.yaml_helper import yaml_parse

from infrastructure.expansion import expand, main
from tests.infrastructure.stack import PROJECT, TEMPLATE, source


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
        - ${Kind}${Size}: {Type: T, Properties: {Of: !Ref "${Kind}Base", Size: !Ref Size}}
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
          Arn: !Sub ["${Arn}/*", {Arn: !GetAtt "${Queue}Queue.Arn"}]
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
        ("Fixed: {Type: T}", "Fixed is there already"),
        ("${N}: {Type: T, Properties: {A: !FindInMap [Names, !Ref N, Name]}}", "no Names.B"),
    ],
)
def test_what_can_not_be_expanded_is_refused(fragment: str, told: str) -> None:
    text = f"  Fn::ForEach::L:\n    - N\n    - [A, B]\n    - {fragment}\n"
    with pytest.raises(ValueError, match=told):
        resources(text, "{Names: {A: {Name: a}}}")


@pytest.mark.parametrize("given", ["[N, [A]]", "[N, !Ref Names, {}]", "[N, [1], {'${N}': {}}]"])
def test_a_loop_that_is_none_is_refused_by_its_name(given: str) -> None:
    with pytest.raises(ValueError, match="Fn::ForEach::Loop"):
        resources(f"  Fn::ForEach::Loop: {given}\n")


def test_only_mappings_that_are_looked_up_when_it_is_deployed_are_left() -> None:
    assert set(source()["Mappings"]) == {"ScratchVolumes"}
    text = TEMPLATE.read_text("utf-8")
    written: dict[str, Any] = yaml_parse(text)
    assert {n for n in written["Mappings"] if f"!FindInMap [{n}, " not in text} == set()


def test_nothing_of_a_loop_is_left_in_the_template() -> None:
    assert "Fn::ForEach" in TEMPLATE.read_text("utf-8")
    assert "Fn::ForEach" not in json.dumps(source())
    assert source()["Transform"] == "AWS::Serverless-2016-10-31"


def test_the_text_of_a_file_stands_where_it_is_named() -> None:
    mappings = (
        "{M: {A: {T: !Join ['', ['x', !FileText infrastructure/host/seqdrop-host.service, 'y']]}}}"
    )
    found = resources("  A: {Type: T, Properties: {P: !FindInMap [M, A, T]}}\n", mappings)
    text = (PROJECT / "infrastructure/host/seqdrop-host.service").read_text()
    assert found["A"]["Properties"] == {"P": f"x{text}y"}
    with pytest.raises(FileNotFoundError, match=r"no-such-file\.py"):
        resources("  A: {Type: T, Properties: {P: !FileText no-such-file.py}}\n")


def test_an_item_may_be_part_of_the_name_of_a_condition() -> None:
    text = """
  Fn::ForEach::Kinds:
    - Kind
    - [A]
    - ${Kind}: {Type: T, Condition: "Has${Kind}", Properties: {P: !If ["${Kind}Large", 2, 1]}}
"""
    assert resources(text)["A"] == {
        "Type": "T",
        "Condition": "HasA",
        "Properties": {"P": {"Fn::If": ["ALarge", 2, 1]}},
    }


def test_the_expanded_template_is_written_for_sam(tmp_path: Path) -> None:
    written = tmp_path / "expanded.json"
    main(TEMPLATE, written)
    assert json.loads(written.read_text("utf-8")) == source()
