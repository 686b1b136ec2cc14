"""What is decided beforehand is what the same template would have come to when deployed."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infrastructure.conditions import resolve_conditions
from infrastructure.decided import decide, simplified

NAMES = ("Always", "Never", "Asked", "Other")
LEAVES: dict[str, Any] = {
    "Always": {"Fn::Equals": ["yes", "yes"]},
    "Never": {"Fn::Equals": ["yes", "no"]},
    "Asked": {"Fn::Equals": [{"Ref": "First"}, "yes"]},
    "Other": {"Fn::Equals": [{"Ref": "Second"}, "yes"]},
}
ANSWERS = [{"First": a, "Second": b} for a in ("yes", "no") for b in ("yes", "no")]
PARAMETERS = {name: {"Type": "String", "Default": ""} for name in ("First", "Second")}


def combined(parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Conditions of conditions."""
    several = st.lists(parts, min_size=2, max_size=3)
    return (
        st.builds(lambda part: {"Fn::Not": [part]}, parts)
        | st.builds(lambda parts: {"Fn::And": parts}, several)
        | st.builds(lambda parts: {"Fn::Or": parts}, several)
    )


LEAF = st.sampled_from([{"Condition": name} for name in NAMES] + list(LEAVES.values()))
CONDITIONS = st.recursive(LEAF, combined, max_leaves=8)


def chosen(name: str) -> dict[str, Any]:
    """Properties that a condition chooses."""
    nothing = {"Ref": "AWS::NoValue"}
    return {
        "Text": {"Fn::If": [name, "then", "otherwise"]},
        "Left": {"Fn::If": [name, nothing, "there"]},
        "List": [1, {"Fn::If": [name, {"Fn::If": ["Asked", 2, 3]}, nothing]}],
    }


@given(CONDITIONS)
def test_deciding_first_changes_nothing_of_what_is_made(condition: dict[str, Any]) -> None:
    body = {
        "Parameters": PARAMETERS,
        "Conditions": {**LEAVES, "Tested": condition, "Same": {"Condition": "Tested"}},
        "Resources": {
            "Under": {"Type": "T", "Condition": "Same", "Properties": {}},
            "Free": {"Type": "T", "Properties": chosen("Same")},
        },
    }
    for answers in ANSWERS:
        now, later = resolve_conditions(decide(body), answers), resolve_conditions(body, answers)
        assert now["Resources"] == later["Resources"]


@given(CONDITIONS)
def test_what_is_left_waits_for_a_parameter(condition: dict[str, Any]) -> None:
    simple = simplified(condition, LEAVES)
    if not isinstance(simple, bool):
        assert "Always" not in str(simple)
        assert "Never" not in str(simple)
        assert "'yes', 'yes'" not in str(simple)


def test_a_condition_that_is_another_takes_its_name_and_known_ones_are_gone() -> None:
    conditions = {**LEAVES, "Both": {"Fn::And": [{"Condition": "Asked"}, {"Condition": "Always"}]}}
    body = {
        "Conditions": conditions,
        "Resources": {
            "R": {"Type": "T", "Condition": "Both", "Properties": {"P": {"Fn::If": ["Both", 1, 2]}}}
        },
    }
    decided = decide(body)
    assert set(decided["Conditions"]) == {"Asked", "Other"}
    assert decided["Resources"]["R"] == {
        "Type": "T",
        "Condition": "Asked",
        "Properties": {"P": {"Fn::If": ["Asked", 1, 2]}},
    }


def test_conditions_of_policies_are_not_taken_for_conditions_of_the_template() -> None:
    statement = {"Effect": "Deny", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    body = {"Conditions": LEAVES, "Resources": {"R": {"Type": "T", "Properties": statement}}}
    assert decide(body)["Resources"] == body["Resources"]


def test_a_condition_that_is_not_there_is_named() -> None:
    with pytest.raises(KeyError, match="Missing"):
        decide({"Conditions": {"A": {"Condition": "Missing"}}, "Resources": {}})
