"""The two runs of a sample that a test of equivalence compares, or what it lacks of them."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from seqdrop.domain.equivalence.checks import has_same_basis
from seqdrop.domain.equivalence.report import Asked, Change, Missing
from seqdrop.domain.equivalence.sides import is_side
from seqdrop.domain.provenance import RunRecord
from seqdrop.domain.records import Run, RunStatus

if TYPE_CHECKING:
    from cli.stack import Stack
    from seqdrop.aws.catalog.layout import SampleItems
    from seqdrop.domain.plan import StoredObject

_WHAT = {
    Change.PIPELINE: "of the pipeline",
    Change.ASSAY: "under the assay",
    Change.IMAGE: "in the image",
    Change.DRAGEN: "by DRAGEN",
    Change.AMI: "on hosts of the AMI",
}


class Made(NamedTuple):
    """A run that has ended well, and its record."""

    run: Run
    record: RunRecord


class Pair(NamedTuple):
    """The runs of both sides."""

    a: Made
    b: Made


class ToStart(NamedTuple):
    """Sides that have no run, which may be started on the files of one that was."""

    sample: str
    wanted: tuple[str, ...]
    """As they were asked for: pipelines, or assays."""
    basis: Made


Sides = Pair | ToStart | Missing


@dataclass
class SampleRuns:
    """What a sample was analysed by, as the catalog has it now, and how its sides follow.

    ``assay`` and ``reference`` (a name with its version) narrow it where they are not empty.
    """

    stack: "Stack"
    sample: str
    asked: Asked
    assay: str = ""
    reference: str = ""
    _same: dict[tuple[str, ...], bool] = field(default_factory=dict)

    @cached_property
    def items(self) -> "SampleItems":
        """All that the catalog has of the sample. Raises NoSuchSample where that is nothing."""
        from seqdrop.domain.errors import NoSuchSample

        found = self.stack.sample(self.sample)
        if not found.analyses:
            raise NoSuchSample(f"there is no sample {self.sample!r}")
        return found

    @cached_property
    def made(self) -> list[Made]:
        """Its runs that ended well, the newest first, without those of a fall-back."""
        runs = sorted(self.items.runs, key=lambda run: (run.claimed, run.attempt), reverse=True)
        good = [run for run in runs if run.status is RunStatus.SUCCEEDED and not run.instead_of]
        records = ((run, record_of(self.stack, run)) for run in good)
        return [Made(run, record) for run, record in records if record]

    def _is_asked(self, run: Run) -> bool:
        return run.status is RunStatus.SUCCEEDED and self.reference in {"", run.reference}

    def sides(self) -> list[Sides]:
        """One answer for a sample where sides are chosen, else one for each of its assays."""
        if self.assay and not any(one.assay == self.assay for one in self.items.analyses):
            return [Missing(self.sample, self.assay, f"it has no assay {self.assay!r}")]
        if self.asked.change.is_chosen:
            return [self._chosen()]
        return self._deployed()

    # ── Sides that whoever drops files chooses

    def _chosen(self) -> Sides:
        """The newest run of A, with the newest one of B on the same files and reference.

        --assay says whose files are taken; the other side is another analysis by its nature.
        """
        of_a, of_b = ([m for m in self.made if self._is_side(m, w)] for _, w in self.asked.sides)
        if a := next(filter(self._is_basis, of_a), None):
            b = next((one for one in of_b if self._has_same_basis(a, one)), None)
            return Pair(a, b) if b else ToStart(self.sample, (self.asked.b,), a)
        if b := next(filter(self._is_basis, of_b), None):
            a = next((one for one in of_a if self._has_same_basis(one, b)), None)
            return Pair(a, b) if a else ToStart(self.sample, (self.asked.a,), b)
        if basis := next(filter(self._is_basis, self.made), None):
            return ToStart(self.sample, (self.asked.a, self.asked.b), basis)
        return Missing(self.sample, self.assay, self._why_none())

    def _why_none(self) -> str:
        told = ", ".join(
            f"{one.assay} is {one.status}"
            for one in self.items.analyses
            if self.assay in {"", one.assay}
        )
        of = f" with {self.reference}" if self.reference else ""
        return (
            f"it has no run{of} that has ended well, which says what its files are ({told}"
            f"{self._fall_backs()})"
        )

    # ── Sides that a deployment has

    def _deployed(self) -> list[Sides]:
        """Of each assay the newest run of A, and of B: on the same files, where there is one.

        An assay that knows neither is left out, if another one of the sample knows one.
        """
        assays = [one.assay for one in self.items.analyses if self.assay in {"", one.assay}]
        known = {assay: self._of_assay(assay) for assay in assays}
        if any(any(some) for some in known.values()):
            known = {assay: some for assay, some in known.items() if any(some)}
        return [self._pair_of(assay, *some) for assay, some in known.items()]

    def _of_assay(self, assay: str) -> tuple[list[Made], list[Made]]:
        """A run that both sides stand for (4 and 4.4, say) is a run of neither."""
        here = [m for m in self.made if m.run.assay == assay and self._is_asked(m.run)]
        of_a, of_b = ([m for m in here if self._is_side(m, w)] for _, w in self.asked.sides)
        return [m for m in of_a if m not in of_b], [m for m in of_b if m not in of_a]

    def _pair_of(self, assay: str, of_a: list[Made], of_b: list[Made]) -> Sides:
        if of_a and of_b:
            same = (one for one in of_b if self._has_same_basis(of_a[0], one))
            return Pair(of_a[0], next(same, of_b[0]))
        lacking = [
            f"{_WHAT[self.asked.change]} {wanted}"
            for (_, wanted), some in zip(self.asked.sides, (of_a, of_b), strict=True)
            if not some
        ]
        why = (
            f"it has no good run {' and none '.join(lacking)} alone{self._fall_backs()}: "
            f"`seqdrop rerun {self.sample} --assay {assay} --fresh` makes one with what is "
            "deployed at that time"
        )
        return Missing(self.sample, assay, why)

    # ── What they have in common

    def _is_side(self, made: Made, wanted: str) -> bool:
        return is_side(self.asked.change, wanted, made.record)

    def _is_basis(self, made: Made) -> bool:
        """Whether its files and its version are those that were asked for; the other side may
        have the same under another name."""
        return self.assay in {"", made.run.assay} and self._is_asked(made.run)

    def _fall_backs(self) -> str:
        """Why some runs don't count; "" where there is none of the kind."""
        found = [one.id.short for one in self.items.runs if self._is_asked(one) and one.instead_of]
        return f"; fall-backs are not equivalent: {', '.join(found)}" if found else ""

    def _has_same_basis(self, one: Made, other: Made) -> bool:
        return has_same_basis(one.record, other.record, self.is_same)

    def is_same(self, one: "StoredObject", other: "StoredObject") -> bool:
        """Whether two versions of objects hold the same bytes, as far as S3 can tell."""
        key = (one.key, one.version_id, other.key, other.version_id)
        if key not in self._same:
            self._same[key] = is_same_content(self.stack, one, other)
        return self._same[key]


def record_of(stack: "Stack", run: Run) -> RunRecord | None:
    """A run's run.json; None where it is gone."""
    body = stack.objects.get(stack.output("ResultsBucket"), f"{run.id.folder}run.json")
    return msgspec.json.decode(body, type=RunRecord) if body is not None else None


def is_same_content(stack: "Stack", one: "StoredObject", other: "StoredObject") -> bool:
    """Whether S3 knows that two objects hold the same bytes; False where it can't tell."""
    from seqdrop.domain.sameness import Verdict

    heads = [stack.objects.head(o.bucket, o.key, o.version_id) for o in (one, other)]
    a, b = heads
    return (
        a is not None and b is not None and stack.objects.same_content(a, b).verdict is Verdict.SAME
    )
