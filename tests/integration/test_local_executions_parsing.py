"""A definition is parsed once, and each execution gets a program of its own."""

import json
import re

import pytest
from moto.stepfunctions.parser.asl.antlr.runtime.ASLParser import ASLParser

from local.executions.parsing import _parse, _stock_parse, _tree


@pytest.fixture
def definition() -> str:
    """A machine of one state, like no other."""
    return json.dumps({"StartAt": "Once", "States": {"Once": {"Type": "Pass", "End": True}}})


@pytest.fixture
def parsings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Each time that the grammar is worked out."""
    seen: list[str] = []
    state_machine = ASLParser.state_machine

    def noted(parser: ASLParser) -> object:
        seen.append("parsed")
        return state_machine(parser)

    monkeypatch.setattr(ASLParser, "state_machine", noted)
    return seen


def test_programs_are_equal_and_not_shared(definition: str, parsings: list[str]) -> None:
    _tree.cache_clear()
    (first, _), (second, _) = _parse(definition), _parse(definition)
    assert len(parsings) == 1
    assert first is not second
    assert shown(first) == shown(second) == shown(_stock_parse(definition)[0])


def shown(program: object) -> str:
    """A program's text, without where it is in memory."""
    return re.sub(r"0x[0-9a-f]+", "", repr(program))


def test_stock_moto_parses_for_each_execution(definition: str, parsings: list[str]) -> None:
    _stock_parse(definition)
    _stock_parse(definition)
    assert len(parsings) == 2, "moto keeps the tree itself: parse_definitions_once can go"
