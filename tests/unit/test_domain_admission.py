"""Whether a project's next run may be claimed."""

import msgspec
import pytest

from seqdrop.domain.admission import (
    Kept,
    Limits,
    Project,
    ProjectsFile,
    counts_in_share,
    place_of,
    refusal,
)
from seqdrop.domain.records import Analysis

PAUSED = Project("p", 3, 9, "ana", "new panel", "2026-11-29T09:12:00.000Z")


@pytest.mark.parametrize(
    ("project", "limits", "priority", "spent", "kept"),
    [
        (Project("p", 9_999), Limits(), "bulk", 1e9, None),
        (Project("p", 2), Limits(runs_at_once=3), "bulk", 0, None),
        (Project("p", 3), Limits(runs_at_once=3), "bulk", 0, Kept.SHARE),
        (Project("p", 4), Limits(runs_at_once=3), "routine", 0, Kept.SHARE),
        (Project("p", 4), Limits(runs_at_once=3), "urgent", 0, None),
        (Project("p"), Limits(usd_a_month=10), "routine", 9.99, None),
        (Project("p"), Limits(usd_a_month=10), "routine", 10, Kept.BUDGET),
        (Project("p"), Limits(usd_a_month=10), "urgent", 10, None),
        (PAUSED, Limits(), "routine", 0, Kept.PAUSED),
        (PAUSED, Limits(runs_at_once=1, usd_a_month=1), "urgent", 9, Kept.PAUSED),
    ],
)
def test_a_run_is_refused_for_a_pause_a_share_or_a_budget(
    project: Project, limits: Limits, priority: str, spent: float, kept: Kept | None
) -> None:
    found = refusal(project, limits, priority, spent)
    assert (found.kept if found else None) == kept


def test_a_refusal_says_by_whom_since_when_and_how_much() -> None:
    def why(project: Project, limits: Limits, spent: float = 0.0) -> str:
        found = refusal(project, limits, "routine", spent)
        assert found
        return found.why

    paused = "project p: paused by ana since 2026-11-29 09:12 UTC: new panel"
    assert why(PAUSED, Limits()) == paused
    share = "project p: as many runs go on as may at once (5)"
    assert why(Project("p", 7), Limits(runs_at_once=5)) == share
    budget = "project p: its $1,200.00 of this month are spent"
    assert why(Project("p"), Limits(usd_a_month=1_200), 1_203.1) == budget
    nobody = why(Project("", 1), Limits(runs_at_once=1))
    assert nobody.startswith("samples without a project: ")


def test_only_runs_that_a_share_keeps_are_counted_in_it() -> None:
    assert counts_in_share(Limits(runs_at_once=1), "routine")
    assert not counts_in_share(Limits(runs_at_once=1), "urgent")
    assert not counts_in_share(Limits(usd_a_month=1), "bulk")


def test_a_line_goes_by_priority_then_by_the_last_file() -> None:
    def place(sample: str, priority: str, last_file: str) -> object:
        return place_of(Analysis(sample, "wgs", created="2026-01", last_file=last_file), priority)

    in_order = [
        place("d", "urgent", "2026-04"),
        place("b", "routine", ""),
        place("a", "routine", "2026-02"),
        place("c", "bulk", "2026-01"),
    ]
    assert sorted(in_order) == in_order  # type: ignore[type-var]  # places are ordered


def test_a_project_that_no_file_names_has_the_default() -> None:
    file = msgspec.convert(
        {"default": {"runs_at_once": 5}, "projects": {"a": {"usd_a_month": 3}}}, ProjectsFile
    )
    assert file.limits_of("b") == file.limits_of("") == Limits(runs_at_once=5)
    assert file.limits_of("a") == Limits(usd_a_month=3)
    assert ProjectsFile().limits_of("a").are_none
