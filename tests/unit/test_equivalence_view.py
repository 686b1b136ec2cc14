"""A test of equivalence on a terminal."""

from pathlib import Path

import pytest

from cli.equivalence_view import say_equivalence
from seqdrop.domain.equivalence.judging import judge
from seqdrop.domain.equivalence.report import (
    Asked,
    Change,
    Difference,
    Effort,
    Missing,
    Of,
    SamplePair,
)
from tests.equivalence_support import COMMANDS, pair

ASKED = Asked(Change.AMI, "ami-0f1", "ami-0f2")


def said(capsys: pytest.CaptureFixture[str], *pairs: SamplePair) -> str:
    say_equivalence(judge(ASKED, pairs, [Missing("NA9", "wgs", "it has no run")]), Path("x.html"))
    told = capsys.readouterr()
    assert told.err == "NA9: it has no run\n"
    return told.out


def test_the_verdict_comes_first_and_the_page_last(capsys: pytest.CaptureFixture[str]) -> None:
    lines = said(capsys, pair()).splitlines()
    assert lines[0].startswith("unresolved: 1 sample compared: 1 equivalent.")
    assert lines[-1] == "the page: x.html"
    assert "speed-up by jobs: 1.85 (1.85 to 1.85 in 1 sample)" in lines
    assert "speed-up by wall time: 1.6 (1.6 to 1.6 in 1 sample)" in lines
    assert "cost: 1.7 to 1.9 USD (+11.8%), of 1 of 1 samples" in lines


def test_what_is_not_known_is_said_to_be(capsys: pytest.CaptureFixture[str]) -> None:
    told = said(capsys, pair(efforts=(Effort("dragen", 10.0, None, None, 1.0),)))
    assert "10 to unknown s" in told
    assert "unknown to 1 USD" in told
    assert "speed-up by jobs" not in told


def test_of_command_lines_the_words_that_differ_are_shown(
    capsys: pytest.CaptureFixture[str],
) -> None:
    told = said(capsys, pair(differences=(COMMANDS,)))
    assert "--min-qual 20" in told
    assert "--min-qual 40" in told
    assert "--min-depth" not in told


def test_differences_are_cut_where_they_are_many(capsys: pytest.CaptureFixture[str]) -> None:
    many = tuple(Difference(Of.SETTING, f"s{n}", "1", "2" * 80) for n in range(30))
    told = said(capsys, pair(differences=many))
    assert "and 10 more: the page has them" in told
    assert "2" * 61 not in told
