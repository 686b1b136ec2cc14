"""What a test of equivalence has found: the form of its JSON and of its page."""

from enum import StrEnum

import msgspec

from seqdrop.domain.comparison.report import Kind, Metric


class Change(StrEnum):
    """What has changed from side A to side B."""

    PIPELINE = "pipeline"
    ASSAY = "assay"
    IMAGE = "image"
    DRAGEN = "dragen"
    AMI = "ami"
    """The hosts' machine image: each generation of FPGAs has its own."""

    @property
    def is_chosen(self) -> bool:
        """Whether whoever drops files chooses it; all else is a deployment's."""
        return self in {Change.PIPELINE, Change.ASSAY}


class Asked(msgspec.Struct, frozen=True):
    """The two sides, as they were asked for."""

    change: Change
    a: str
    b: str

    @property
    def sides(self) -> tuple[tuple[str, str], tuple[str, str]]:
        """Each with its letter."""
        return ("A", self.a), ("B", self.b)


class Verdict(StrEnum):
    """What it comes to, for a sample or for all; the best first."""

    IDENTICAL = "identical"
    EQUIVALENT = "equivalent"
    UNRESOLVED = "unresolved"
    """Nothing is known to differ, but something could not be compared."""
    DIFFERENT = "different"
    NOT_COMPARABLE = "not_comparable"
    """The runs were not made of the same files and reference."""

    @property
    def is_good(self) -> bool:
        """Whether a lab may move on the ground of it."""
        return self in {Verdict.IDENTICAL, Verdict.EQUIVALENT}


class Of(StrEnum):
    """What a difference is of."""

    INPUT = "input"
    REFERENCE = "reference"
    INDEX = "index"
    """A file that was made of the reference's parts."""
    COMMAND = "command"
    SETTING = "setting"


FORBIDDING = frozenset({Of.INPUT, Of.REFERENCE})
"""Where these differ, nothing can be said of the rest."""


class Difference(msgspec.Struct, frozen=True):
    """Something that is not the same on both sides, beside their results."""

    of: Of
    what: str
    a: str
    b: str


class RunSide(msgspec.Struct, frozen=True):
    """The run of one side of a sample."""

    run: str
    """``<run key>#<attempt>``."""
    assay: str
    pipeline: str
    reference: str
    claimed: str
    qc: str
    simulated: bool
    images: dict[str, str]
    """By kind of queue."""
    amis: dict[str, str]
    tools: dict[str, str]
    """The version that each program gave."""
    version: str
    """Seqdrop's own."""
    wall_seconds: float | None = None
    """From its start to its end, with the time in queues; None where stages were taken over."""


class Effort(msgspec.Struct, frozen=True):
    """What a stage took on both sides; None where that is not known.

    Of a stage that was taken over it is what the job took that made its results.
    """

    stage: str
    a_seconds: float | None = None
    b_seconds: float | None = None
    a_usd: float | None = None
    b_usd: float | None = None
    in_a: bool = True
    in_b: bool = True
    a_taken_over: bool = False
    b_taken_over: bool = False


class Concordance(msgspec.Struct, frozen=True):
    """Of all variants of a class, those that both sides have."""

    kind: Kind
    both: int
    total: int


class SamplePair(msgspec.Struct, frozen=True):
    """A sample's two runs, and how they compare."""

    sample: str
    assay: str
    """Its group: one assay, or both with an arrow."""
    verdict: Verdict
    why: str
    a: RunSide
    b: RunSide
    differences: tuple[Difference, ...] = ()
    concordance: tuple[Concordance, ...] = ()
    reportable: int = 0
    """Changes for which a signed report would have to be looked at again."""
    metrics: tuple[Metric, ...] = ()
    efforts: tuple[Effort, ...] = ()
    warnings: tuple[str, ...] = ()
    comparison: str = ""
    """The folder of its own comparison, beside the page."""


class Spread(msgspec.Struct, frozen=True):
    """A figure of both sides, summed over the samples of which both are known."""

    samples: int
    a: float
    b: float
    ratio: float
    """A over B: above 1, B takes less."""
    low: float
    high: float
    """The smallest and the greatest ratio of a sample."""

    @property
    def change(self) -> float:
        """From A to B, as a share of A."""
        return self.b / self.a - 1 if self.a else 0.0


class StageSpeed(msgspec.Struct, frozen=True):
    """Job seconds of a stage; no spread where no sample has it on both sides."""

    stage: str
    seconds: Spread | None = None
    usd: Spread | None = None
    only: str = ""
    """The one side that has the stage."""
    only_seconds: float | None = None
    """What it took there, summed over the samples; None where that is not known of all."""
    only_usd: float | None = None


class MetricSummary(msgspec.Struct, frozen=True):
    """A figure of QC over all samples."""

    name: str
    identical: int
    within: int
    """Not identical, but within the comparison's tolerance."""
    differ: int
    sample: str = ""
    """Where it differs most, and its figures there."""
    a: float | None = None
    b: float | None = None


class Group(msgspec.Struct, frozen=True):
    """The samples of an assay, or all of them."""

    name: str
    samples: int
    verdicts: dict[Verdict, int]
    concordance: tuple[Concordance, ...]
    reportable: int
    metrics: tuple[MetricSummary, ...]
    stages: tuple[StageSpeed, ...]
    jobs: Spread | None = None
    """Seconds of all jobs of a run together."""
    wall: Spread | None = None
    cost: Spread | None = None
    """USD of all jobs of a run together."""


class Missing(msgspec.Struct, frozen=True):
    """A sample, or one of its assays, that lacks a side."""

    sample: str
    assay: str
    why: str


class Equivalence(msgspec.Struct, frozen=True):
    """A whole test."""

    asked: Asked
    verdict: Verdict
    why: str
    simulated: bool
    """Whether a stand-in played a tool's part in any of the runs."""
    pairs: tuple[SamplePair, ...]
    groups: tuple[Group, ...]
    whole: Group
    missing: tuple[Missing, ...] = ()
    ignored: dict[str, str] = {}
    """What of the command lines was not compared, and why."""
    version: str = ""
    made: str = ""
    """When it was made, as the page says it."""
    by: str = ""
    """Who made it."""
