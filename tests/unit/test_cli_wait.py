"""`seqdrop wait`: what a name gets that nobody knows."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from cli import wait
from cli.faults import CommandFailed


def partition(_sample: str) -> list[Any]:
    return []


EMPTY = cast("Any", SimpleNamespace(catalog=SimpleNamespace(analyses=SimpleNamespace(
    partition=partition
))))  # fmt: skip


def test_a_name_that_stays_unknown_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wait, "_UNKNOWN_SECONDS", 0.1)
    with pytest.raises(CommandFailed, match="nothing is known of NA1, NA2: `seqdrop samples`"):
        wait._follow(EMPTY, ["NA1", "NA2"], "", None, lambda _: None)


def test_who_says_how_long_waits_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wait, "_UNKNOWN_SECONDS", 0.1)
    documents, in_time = wait._follow(EMPTY, ["NA1"], "", 0.3, lambda _: None)
    assert (documents, in_time) == ([{"sample": "NA1", "analyses": []}], False)


def test_who_waits_without_a_terminal_reads_why_a_job_can_not_start(
    capsys: pytest.CaptureFixture[str],
) -> None:
    stages = [
        {"stage": "align", "status": "RUNNABLE", "blocked_reason": "UNDETERMINED - blocked"},
        {"stage": "call", "status": "WAITING", "blocked_reason": None},
    ]
    analysis = {"assay": "wgs", "status": "ANALYSING", "why": "", "runs": [{"stages": stages}]}
    wait._say_changes([{"sample": "NA1", "analyses": [analysis]}], {})
    said = capsys.readouterr()
    assert (said.out + said.err).splitlines() == [
        "NA1 (wgs) align RUNNABLE, blocked: UNDETERMINED - blocked",
        "NA1 (wgs) call WAITING",
        "NA1 (wgs) ANALYSING",
    ]
