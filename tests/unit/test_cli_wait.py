"""`seqdrop wait`: when it ends, what it says then, and what a name gets that nobody knows."""

from typing import Any

import pytest

from cli import wait
from cli.faults import CommandFailed
from seqdrop.aws.catalog.layout import SampleItems
from seqdrop.domain.identity import StageOf
from seqdrop.domain.records import Analysis, AnalysisStatus, Run, RunStatus, StageRun
from seqdrop.sample_view import SampleView, view_sample
from tests.domain_support import job


class Stack:
    """A deployment that has these analyses, and nothing else."""

    def __init__(self, *analyses: Analysis) -> None:
        self._analyses = analyses

    def sample(self, name: str) -> SampleItems:
        found = tuple(one for one in self._analyses if one.sample == name)
        return SampleItems(found, (), (), ())

    links = None


def follow(
    *analyses: Analysis, names: list[str] | None = None, timeout: float | None = 0
) -> tuple[list[SampleView], bool]:
    """What `wait` saw when it ended, and whether that was in time."""
    stack: Any = Stack(*analyses)
    return wait.follow(stack, names or ["NA1"], "", timeout, lambda _: None)


def test_a_name_that_stays_unknown_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wait, "_UNKNOWN_SECONDS", 0.1)
    with pytest.raises(CommandFailed, match="nothing is known of NA1, NA2: `seqdrop samples`"):
        follow(names=["NA1", "NA2"], timeout=None)


def test_who_says_how_long_waits_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wait, "_UNKNOWN_SECONDS", 0.1)
    assert follow(timeout=0.3) == ([SampleView("NA1")], False)


@pytest.mark.parametrize("status", AnalysisStatus)
def test_each_status_ends_the_wait_well_or_badly_or_goes_on(status: AnalysisStatus) -> None:
    samples, in_time = follow(Analysis("NA1", "wgs", status=status, why="the reason"))
    problems, good = list(wait._problems(samples)), list(wait._good_ends(samples))
    assert list(wait._awaited(samples)) == ([] if good else [f"NA1 (wgs) is {status}, the reason"])
    if status in {AnalysisStatus.ANALYSED, AnalysisStatus.NO_READS}:
        assert (in_time, problems) == (True, [])
    elif status in {AnalysisStatus.FAILED, AnalysisStatus.HELD, AnalysisStatus.DISMISSED}:
        assert (in_time, problems) == (True, [f"NA1 (wgs) is {status}: the reason"])
    else:
        assert (in_time, problems) == (False, [])


def test_controls_without_a_read_are_not_called_analysed() -> None:
    samples, in_time = follow(
        Analysis("NA1", "wgs", status=AnalysisStatus.ANALYSED),
        Analysis("NTC", "wgs", status=AnalysisStatus.NO_READS),
        names=["NTC", "NA1"],
    )
    assert in_time
    assert list(wait._good_ends(samples)) == ["analysed: NA1", "controls without a read: NTC"]


def test_one_that_was_dismissed_ends_the_wait_for_others() -> None:
    samples, in_time = follow(
        Analysis("NA1", "wgs"),
        Analysis("NA2", "wgs", status=AnalysisStatus.DISMISSED, why="dismissed by ana: lost"),
        names=["NA1", "NA2"], timeout=None,
    )  # fmt: skip
    assert in_time
    assert list(wait._problems(samples)) == ["NA2 (wgs) is DISMISSED: dismissed by ana: lost"]


def test_who_waits_without_a_terminal_reads_why_a_job_can_not_start(
    capsys: pytest.CaptureFixture[str],
) -> None:
    stages = (StageRun("align", "k1", "p/", "cpu"), StageRun("call", "k2", "p/", "cpu"))
    run = Run("NA1", "wgs", "abc", 1, 1, RunStatus.RUNNING, stages=stages)
    blocked = job(
        StageOf(run.id, "align"), status="RUNNABLE", blocked_reason="UNDETERMINED - blocked"
    )
    analysis = Analysis("NA1", "wgs", status=AnalysisStatus.ANALYSING)
    found = SampleItems((analysis,), (), (run,), (blocked,))
    wait._say_changes([view_sample("NA1", found)], {})
    said = capsys.readouterr()
    assert (said.out + said.err).splitlines() == [
        "NA1 (wgs) align RUNNABLE, blocked: UNDETERMINED - blocked",
        "NA1 (wgs) call WAITING",
        "NA1 (wgs) ANALYSING",
    ]
