"""What is done about an analysis that is due: asked again, looked at again, or told to a person."""

from datetime import datetime, timedelta

import msgspec

from seqdrop.domain.admission import Kept
from seqdrop.domain.due import FIRST_LOOK, NEXT_LOOK
from seqdrop.domain.identity import ObjectName
from seqdrop.domain.inputs import objects_that_hold
from seqdrop.domain.records import Analysis, AnalysisStatus, Run, RunStatus
from seqdrop.domain.unreadable import is_archived
from seqdrop.domain.upload import object_cause

_SOON = timedelta(minutes=14)
"""At each sweep: one begins a little earlier or later than a quarter of an hour after the last."""
_DAILY = timedelta(days=1)
"""At what a person is to move: the event of that may be lost."""


class Look(msgspec.Struct, frozen=True):
    """What is done about an analysis that is due."""

    again: datetime | None = None
    """When it is looked at again; None where it is not before it changes."""
    asks: bool = False
    """Whether it is asked once more if it may start; who asks twice does no harm."""
    objects: tuple[ObjectName, ...] = ()
    """Those of its objects that are looked at once more."""
    is_late: bool = False
    """Whether a person is to be told of it now."""


def look_at(
    analysis: Analysis, run: Run | None, now: datetime, alert_after: timedelta, *, is_quiet: bool
) -> Look:
    """What is done about an analysis that is due; ``run`` is its active one.

    ``alert_after`` is how long it may wait for anything but the end of a run, or of its quiet
    period (``is_quiet``): time itself ends that.
    """
    look = _look_at(analysis, run, now, alert_after, is_quiet=is_quiet)
    if run and run.status.live:  # whatever its analysis waits for, its end may be lost
        soon = now + NEXT_LOOK
        return msgspec.structs.replace(look, again=min(soon, look.again or soon))
    return look


def _look_at(
    analysis: Analysis, run: Run | None, now: datetime, alert_after: timedelta, *, is_quiet: bool
) -> Look:
    if analysis.status is AnalysisStatus.HELD:
        objects = _archived(analysis)
        return Look(now + _DAILY, objects=objects) if objects else Look()
    if analysis.status not in FIRST_LOOK:
        return Look()
    if _goes_on(analysis, run):
        return Look(now + NEXT_LOOK)
    if analysis.kept == Kept.BREAKER and analysis.status is AnalysisStatus.READY:
        return Look(now + _SOON, asks=True)  # it may be the next probe
    if is_quiet or (analysis.status is AnalysisStatus.READY and analysis.kept):
        return Look(now + NEXT_LOOK, asks=True)  # it waits as somebody wants it
    return _waits(analysis, now, alert_after)


def _goes_on(analysis: Analysis, run: Run | None) -> bool:
    """Whether it waits for the end of a run, which its execution and its jobs are looked at for."""
    if analysis.status is AnalysisStatus.ANALYSING:
        return run is not None and run.status is RunStatus.RUNNING
    return analysis.status is AnalysisStatus.READY and analysis.active_run is not None


def _waits(analysis: Analysis, now: datetime, alert_after: timedelta) -> Look:
    alert_at = datetime.fromisoformat(analysis.updated) + alert_after
    waits_for_files = analysis.status is AnalysisStatus.RECEIVING
    if analysis.is_alerted or now >= alert_at:
        # Whoever was told of missing files has to send them, and that is a change as a rule.
        again = now + (_DAILY if waits_for_files else NEXT_LOOK)
        return Look(again, asks=True, is_late=not analysis.is_alerted)
    again = alert_at if waits_for_files else min(alert_at, now + NEXT_LOOK)
    return Look(again, asks=True)


def _archived(analysis: Analysis) -> tuple[ObjectName, ...]:
    """The objects that hold an analysis because they are in an archive."""
    return tuple(
        object_
        for object_ in objects_that_hold(analysis)
        if is_archived(analysis.holds[object_cause(object_)])
    )
