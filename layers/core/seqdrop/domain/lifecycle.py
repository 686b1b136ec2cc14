"""When an analysis may start, and what it waits for."""

from datetime import UTC, datetime, timedelta

import msgspec

from seqdrop.domain.identity import FileIdentity
from seqdrop.domain.no_reads import ENDED_WITHOUT_READS
from seqdrop.domain.pipeline import Completeness
from seqdrop.domain.records import Analysis, AnalysisStatus

MAX_NAMED = 5
"""How many missing files a message names before it only counts the rest."""


class Assessment(msgspec.Struct, frozen=True):
    """What an analysis' inputs allow now; ``check_again_seconds`` where time alone decides."""

    status: AnalysisStatus
    why: str = ""
    check_again_seconds: int | None = None
    kept: str = ""
    """What keeps one that is READY from its run; see ``domain/admission.py``."""


def assess(analysis: Analysis, complete: Completeness, now: datetime) -> Assessment:
    """HELD, RECEIVING, READY or NO_READS, and why, from what has been registered."""
    if analysis.holds:
        return Assessment(AnalysisStatus.HELD, "; ".join(analysis.holds.values()))
    if analysis.troubles:
        return Assessment(AnalysisStatus.RECEIVING, "; ".join(analysis.troubles.values()))
    if missing := _missing(analysis, complete):
        said = "; ".join(["waiting for " + missing, *analysis.companions.values()])
        waits = AnalysisStatus.HELD if analysis.companions else AnalysisStatus.RECEIVING
        return Assessment(waits, said)
    if analysis.control and analysis.objects_seen == analysis.without_reads:
        return Assessment(AnalysisStatus.NO_READS, ENDED_WITHOUT_READS)
    if (may_come := _may_come(analysis)) and not analysis.starts_now:
        return _assess_quiet_period(analysis, may_come, complete.quiet_seconds, now)
    return Assessment(AnalysisStatus.READY)


def _may_come(analysis: Analysis) -> str:
    """Which files may follow on those that are there, though nothing is missing; "" for none."""
    seen = {file.identity for file in analysis.files_seen}
    again = sorted(analysis.may_come_again & seen)
    if again and analysis.waits_for_others:
        named = _some([identity.describe() for identity in again])
        return f"a file that a run read was sent again; others may be, too ({named})"
    if analysis.lane_split and not analysis.expected:
        whole = "no file is missing" if analysis.single else "every lane has both mates"
        return f"{whole}; more lanes may come"
    return ""


def _missing(analysis: Analysis, complete: Completeness) -> str:
    absent = sorted(analysis.expected - analysis.objects_seen)
    if absent:
        names = [object_.key for object_ in absent]
        names_them = f"{analysis.manifest} names" if analysis.manifest else "manifests name"
        of = f"{len(absent)} of {len(analysis.expected)} files that {names_them}"
        return f"{of}: {_some(names)}"
    if complete.rule == "manifest" and not analysis.expected:
        return f"a manifest: the assay {analysis.assay} starts only with one"
    if not analysis.files_seen:
        return "files"
    mates = _some([mate.describe() for mate in unpaired(analysis)])
    if mates and analysis.expected:
        mates += (
            f", which {analysis.manifest or 'the manifest'} does not name: name both files of each "
            "lane, or an assay with `reads: single`"
        )
    return mates


def unpaired(analysis: Analysis) -> list[FileIdentity]:
    """The mates that are not there yet; none where a lane is one file."""
    if analysis.single:
        return []
    seen = {file.identity for file in analysis.files_seen}
    return sorted({identity.mate for identity in seen} - seen)


def _some(names: list[str]) -> str:
    more = len(names) - MAX_NAMED
    return ", ".join(names[:MAX_NAMED]) + (f" and {more} more" if more > 0 else "")


def _assess_quiet_period(
    analysis: Analysis, may_come: str, quiet_seconds: int, now: datetime
) -> Assessment:
    waited = (now - datetime.fromisoformat(analysis.last_file)).total_seconds()
    remaining = int(-(-(quiet_seconds - waited) // 1))
    if remaining <= 0:
        return Assessment(AnalysisStatus.READY)
    starts = datetime.fromisoformat(analysis.last_file) + timedelta(seconds=quiet_seconds)
    why = (
        f"{may_come}, so it starts at {starts.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC if no file "
        f"comes before: `seqdrop rerun {analysis.sample} --now` starts it at once"
    )
    return Assessment(AnalysisStatus.RECEIVING, why, remaining)
