"""A definition is parsed once, and each execution gets a program of its own."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from moto.stepfunctions.parser.asl.antlr.runtime.ASLParser import ASLParser
from moto.stepfunctions.parser.asl.utils import json_path

from local.executions.parsing import (
    _parse,
    _stock_parse,
    _stock_parse_path,
    _tree,
    parse_paths_once,
)


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


def test_stock_moto_parses_a_path_for_each_look_and_ours_once() -> None:
    assert _stock_parse_path("$.a.b[0]") is not _stock_parse_path("$.a.b[0]")
    with patched_paths() as parse:
        path = parse("$.a.b[0]")
        assert parse("$.a.b[0]") is path
        for value in (1, 2):
            assert [found.value for found in path.find({"a": {"b": [value]}})] == [value]


@contextmanager
def patched_paths() -> Iterator[Any]:
    """moto's parser of paths, kept."""
    parse_paths_once()
    yield json_path.parse
    json_path.parse = _stock_parse_path
