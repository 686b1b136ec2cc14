"""Validation records: how one run of a control was judged, and what comes of it."""

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum

import msgspec

from seqdrop.domain.comparison.accuracy import EVERYWHERE, Accuracy, ClassAccuracy, exact
from seqdrop.domain.identity import RunId
from seqdrop.domain.keys import digest
from seqdrop.domain.validation.limits import Least, Validation
from seqdrop.domain.version import VERSION


class Outcome(StrEnum):
    """What a validation came to."""

    PASSED = "PASS"
    FAILED = "FAIL"
    NO_LIMITS = "NO_LIMITS"
    """The assay asks for nothing, so nothing was passed."""


class File(msgspec.Struct, frozen=True):
    """A file that was used, known by its content."""

    name: str
    sha256: str


class Record(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a run was judged: written once, and only ever withdrawn."""

    id: str
    assay: str
    version: str
    """What decides calls beside the sample's files; see ``Blueprint.calling``."""
    run: RunId
    pipeline: str
    reference: str
    flowcells: tuple[str, ...]
    ended: str
    """When the run ended."""
    truth: File
    regions: File
    named: dict[str, File]
    """Regions that were counted by themselves, too."""
    calls: File
    accuracy: Accuracy
    limits: dict[str, Least]
    outcome: Outcome
    reasons: tuple[str, ...] = ()
    """Why it did not pass."""
    targets: File | None = None
    """Outside of which nothing counts; None where the assay has none."""
    qc: str = ""
    simulated: bool = False
    recorded: str = ""
    by: str = ""
    withdrawn: str = ""
    """When it was withdrawn; "" while it counts."""
    withdrawn_by: str = ""
    withdrawn_why: str = ""

    @property
    def has_passed(self) -> bool:
        """Whether its version may be used for samples because of it."""
        return self.outcome is Outcome.PASSED and not self.withdrawn


class Passed(msgspec.Struct, frozen=True):
    """A version of an assay's pipeline that has passed."""

    version: str
    record: str
    run: RunId
    """The control's run: others are made as it was."""
    ended: str
    """When that run ended: the newest is the last version, whenever it was recorded."""


def record_id(
    run: RunId, files: Iterable[File], named: Mapping[str, File], asked: Validation,
    accuracy: Accuracy,
) -> str:  # fmt: skip
    """The same for the same run, judged alike by the same files and limits: it is recorded once."""
    used = sorted((name, file.sha256) for name, file in named.items())
    contents = [file.sha256 for file in files]
    alike = [accuracy.sample, accuracy.method, VERSION]
    return digest([str(run), contents, used, asked.minimum_count, asked.limits, alike])[:16]


def judge(
    asked: Validation, accuracy: Accuracy, *, qc: str, simulated: bool
) -> tuple[Outcome, tuple[str, ...]]:
    """Whether a run passes what its assay asks for, and if not, why."""
    if not asked.limits:
        return Outcome.NO_LIMITS, ()
    classes = {one.name: one for one in accuracy.classes if one.region == EVERYWHERE}
    reasons = [
        reason
        for name, least in asked.limits.items()
        for reason in _short_of(name, least, classes.get(name))
    ]
    if qc == "FAIL":
        reasons.append("the run's own QC is FAIL")
    if simulated:
        reasons.append("the run is simulated: it says nothing of the real tool")
    return (Outcome.FAILED if reasons else Outcome.PASSED), tuple(reasons)


def _short_of(name: str, least: Least, found: ClassAccuracy | None) -> Iterator[str]:
    if found is None:
        yield f"{name}: neither the truth nor the calls have any in the confident regions"
        return
    if not found.is_judged:
        yield f"{name}: {found.note}"
        return
    values = {
        "recall": found.recall.value,
        "precision": found.precision.value,
        "f1": found.f1,
        "recall_low": found.recall.low,
        "precision_low": found.precision.low,
    }
    for what, value in values.items():
        wanted: float | None = getattr(least, what)
        if wanted is None:
            continue
        said = what.replace("_low", ", at least (95 %),")
        if value is None:
            yield f"{name}: nothing was called, so that there is no {said}"
        elif value < wanted:
            yield f"{name}: {said} is {in_percent(value)}, below {in_percent(wanted)}"


def in_percent(share: float, other: float = 1.0) -> str:
    """A share, with as many digits as tell it from another one."""
    digits = 2
    while (
        digits < 8 and share != other and f"{100 * share:.{digits}f}" == f"{100 * other:.{digits}f}"
    ):
        digits += 1
    return f"{100 * share:.{digits}f} %"


class Point(msgspec.Struct, frozen=True):
    """A record among the earlier ones of the same control and truth."""

    record: Record
    worse: tuple[str, ...] = ()
    """What is worse than before, beyond chance: ``snv recall``, say."""


def trend(records: Iterable[Record]) -> list[Point]:
    """Records in the order of their runs, each held against those before it.

    A share is worse where its interval of 95 % lies below that of all earlier runs together; where
    nothing has changed, that is so by chance at most once in two hundred times. Each run counts
    once. Records that were withdrawn, and simulated runs, are left out, as are other controls.
    """
    points: list[Point] = []
    sums: dict[tuple[str, ...], tuple[int, int]] = {}
    counted: set[tuple[str, ...]] = set()
    for record in sorted(records, key=lambda one: (one.ended, one.recorded)):
        worse: list[str] = []
        if not (record.withdrawn or record.simulated):
            kit = record.targets.sha256 if record.targets else ""
            of = (record.run.sample, record.truth.sha256, record.regions.sha256, kit)
            for name, found, total, high in _shares(record):
                before = sums.get((*of, name), (0, 0))
                if (*of, name, str(record.run)) in counted:
                    continue
                if before[1] and total and high < exact(*before).low:
                    worse.append(name)
                counted.add((*of, name, str(record.run)))
                sums[*of, name] = before[0] + found, before[1] + total
        points.append(Point(record, tuple(worse)))
    return points


def _shares(record: Record) -> Iterator[tuple[str, int, int, float]]:
    """Each share that is followed: its name, its counts, and the upper end of its interval."""
    for one in record.accuracy.classes:
        if one.region != EVERYWHERE or one.zygosity != "all" or one.kind not in {"snv", "indel"}:
            continue
        total = one.true_positives + one.false_negatives
        yield f"{one.name} recall", one.true_positives, total, one.recall.high
        yield f"{one.name} precision", one.calls_true, one.calls_total, one.precision.high
