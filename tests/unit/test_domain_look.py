"""What is done about an analysis that is due."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from seqdrop.domain.admission import Kept
from seqdrop.domain.due import FIRST_LOOK, NEXT_LOOK
from seqdrop.domain.identity import ObjectName, SetAside
from seqdrop.domain.look import Look, look_at
from seqdrop.domain.records import Analysis, AnalysisStatus, Run, RunStatus
from seqdrop.domain.unreadable import archived
from seqdrop.domain.upload import object_cause
from tests.domain_support import blueprint, run_of

CHANGED = "2026-03-01T12:00:00.000Z"
THEN = datetime.fromisoformat(CHANGED)
ALERT_AFTER = timedelta(hours=4)
DAY = timedelta(days=1)
FILE = ObjectName("uploads", "NA1_1.fastq.gz")
RUN = run_of(blueprint())


def waits(status: AnalysisStatus, **given: Any) -> Analysis:
    return Analysis("NA1", "wgs", status=status, updated=CHANGED, **given)


def look(analysis: Analysis, after: timedelta, run: Run | None = None, quiet: bool = False) -> Look:
    return look_at(analysis, run, THEN + after, ALERT_AFTER, is_quiet=quiet)


def run_that_is(status: RunStatus) -> Run:
    return run_of(blueprint(), status=status)


@pytest.mark.parametrize("status", AnalysisStatus)
def test_what_needs_nobody_is_not_due(status: AnalysisStatus) -> None:
    done = {"ANALYSED", "FAILED", "DISMISSED", "NO_READS"}
    assert (status in FIRST_LOOK) is (status not in done)
    if status in done:
        assert look(waits(status), ALERT_AFTER) == Look()


def test_files_are_waited_for_until_the_alert_and_it_comes_once() -> None:
    receiving = waits(AnalysisStatus.RECEIVING)
    assert look(receiving, timedelta(hours=1)) == Look(THEN + ALERT_AFTER, asks=True)
    assert look(receiving, ALERT_AFTER) == Look(THEN + ALERT_AFTER + DAY, asks=True, is_late=True)
    told = waits(AnalysisStatus.RECEIVING, alerted="2026-03-01T16:00:00.000Z")
    assert look(told, 2 * ALERT_AFTER) == Look(THEN + 2 * ALERT_AFTER + DAY, asks=True)


def test_what_has_changed_since_it_was_alerted_is_alerted_anew() -> None:
    before = waits(AnalysisStatus.RECEIVING, alerted="2026-03-01T11:59:59.999Z")
    assert look(before, ALERT_AFTER).is_late


def test_a_quiet_period_is_never_late_however_long() -> None:
    quiet = waits(AnalysisStatus.RECEIVING)
    assert look(quiet, 9 * DAY, quiet=True) == Look(THEN + 9 * DAY + NEXT_LOOK, asks=True)


@pytest.mark.parametrize("status", [AnalysisStatus.READY, AnalysisStatus.ANALYSING])
def test_what_was_not_started_is_asked_again_every_hour_and_told_once(
    status: AnalysisStatus,
) -> None:
    run = run_that_is(RunStatus.CLAIMED) if status is AnalysisStatus.ANALYSING else None
    early, late = timedelta(minutes=15), timedelta(hours=3, minutes=30)
    assert look(waits(status), early, run) == Look(THEN + early + NEXT_LOOK, asks=True)
    assert look(waits(status), late, run).again == THEN + ALERT_AFTER, (
        "the alert is not late itself"
    )
    at_alert = Look(THEN + ALERT_AFTER + NEXT_LOOK, asks=True, is_late=True)
    assert look(waits(status), ALERT_AFTER, run) == at_alert
    told = waits(status, alerted="2026-03-01T16:00:00.000Z")
    assert look(told, DAY, run) == Look(THEN + DAY + NEXT_LOOK, asks=True)


@pytest.mark.parametrize(
    ("status", "run"),
    [
        (AnalysisStatus.ANALYSING, run_that_is(RunStatus.RUNNING)),
        (AnalysisStatus.READY, run_that_is(RunStatus.CLAIMED)),
        (AnalysisStatus.READY, run_that_is(RunStatus.RUNNING)),
    ],
)
def test_a_run_that_goes_on_is_waited_for_without_an_alert(
    status: AnalysisStatus, run: Run
) -> None:
    found = look(waits(status, active_run=run.id), 9 * DAY, run)
    assert found == Look(THEN + 9 * DAY + NEXT_LOOK)


def held(storage_class: str) -> Analysis:
    error = archived(FILE, storage_class=storage_class)
    why = str(error) if error else "uploads/NA1_1.fastq.gz is no FASTQ file"
    return waits(
        AnalysisStatus.HELD, holds={object_cause(FILE): why}, aside=frozenset({SetAside(FILE)})
    )


def test_an_archived_object_is_looked_at_daily_until_it_is_back() -> None:
    assert look(held("GLACIER"), DAY) == Look(THEN + 2 * DAY, objects=(FILE,))
    assert look(held("STANDARD"), DAY) == Look(), "a person is to act, and knows it"


@pytest.mark.parametrize("status", AnalysisStatus)
def test_a_run_that_goes_on_is_looked_at_every_hour_whatever_its_analysis_waits_for(
    status: AnalysisStatus,
) -> None:
    run = run_that_is(RunStatus.RUNNING)
    found = look(waits(status, active_run=run.id), 9 * DAY, run)
    assert found.again == THEN + 9 * DAY + NEXT_LOOK


@pytest.mark.parametrize("kept", Kept)
def test_one_that_is_kept_is_never_late(kept: Kept) -> None:
    found = look(waits(AnalysisStatus.READY, kept=kept), 9 * DAY)
    soon = timedelta(minutes=14) if kept is Kept.BREAKER else NEXT_LOOK
    assert found == Look(THEN + 9 * DAY + soon, asks=True)
