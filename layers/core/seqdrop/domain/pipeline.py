"""Pipelines and assays: what a lab writes in YAML, typed and checked."""

import math
import re
from graphlib import CycleError, TopologicalSorter
from typing import Annotated, Literal, NamedTuple

import msgspec

from seqdrop.domain.errors import InvalidPipeline
from seqdrop.domain.validation.limits import Validation
from seqdrop.domain.workflow import Workflow

PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_.]*)\}")
"""What the runner fills in; see ``Step``."""
COMPARE = "compare"
"""The stage that a reanalysis adds to those of a pipeline: it compares results, and is no part of
them."""
QueueKind = Literal["fpga-genome", "fpga-exome", "cpu", "nextflow"]
Priority = Literal["urgent", "routine", "bulk"]
Policy = Literal["ask", "auto", "off"]
ForEach = Literal["", "read_pair", "library", "region"]
MeasureFormat = Literal[
    "flagstat", "samtools-stats", "bcftools-stats", "calls", "callability", "depth",
    "fingerprint", "primers", "haploid", "dragen-mapping", "dragen-coverage", "dragen-histogram",
]  # fmt: skip
"""What ``domain/measures`` can read."""


def is_fpga(kind: str) -> bool:
    """Whether the hosts of a kind of queues have FPGAs."""
    return kind.startswith("fpga-")


class Args(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Arguments that are there only when a variable is true, or once for each pair or region."""

    args: tuple[str, ...]
    when: str = ""
    for_each: ForEach = ""


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Commands joined by pipes; an argument is text with placeholders, never shell.

    Placeholders: ``{ref}`` (reference files), ``{in}`` (outputs of the stages before),
    ``{tmp}`` (scratch), ``{out}`` (this stage's outputs): folders; ``{threads}``,
    ``{memory_mib}``; ``{sample}``, ``{pipeline}``, ``{reference}``, ``{run_key}``,
    ``{stage_key}``, ``{version}`` (Seqdrop's) and ``{simulated}`` (true or false); what the
    assay sets (see ``Calling``); in ``for_each: read_pair`` ``{pair.id}``, ``{pair.r1}``,
    ``{pair.r2}``, ``{pair.read_group}``; in ``for_each: library`` ``{library.id}``, a number (and
    what is for each read pair in it is for those of the library); and in ``for_each: region``, for
    each BED file that an earlier step left in ``{tmp}/regions``, ``{region.id}`` and
    ``{region.bed}``.
    Regions are worked on side by side, one a core.
    """

    pipe: tuple[tuple[str | Args, ...], ...]
    when: str = ""
    for_each: ForEach = ""
    stdout: str = ""


class Linear(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A quantity that grows with the input: ``base + per_input_gib × GiB``, at most ``limit``."""

    base: float
    per_input_gib: float = 0.0
    limit: float | None = None

    def of(self, input_bytes: int) -> int:
        """The quantity for so many bytes of input, rounded up."""
        value = self.base + self.per_input_gib * input_bytes / 2**30
        return math.ceil(value if self.limit is None else min(value, self.limit))


class Size(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a stage asks for: vCPUs, memory and scratch (MiB), and how long it takes (seconds).

    A host's scratch is shared by its jobs: ``scratch_mib`` is only what its disk must be able to
    hold, and 0 where nobody has said.
    """

    vcpus: int | Linear
    memory_mib: Linear
    seconds: Linear
    scratch_mib: Linear = Linear(0)

    def vcpus_of(self, input_bytes: int) -> int:
        """The vCPUs for so many bytes of input; one at the least."""
        size = self.vcpus
        return max(1, size.of(input_bytes) if isinstance(size, Linear) else size)


class Output(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file that a stage publishes; ``source`` is a path with placeholders."""

    name: str
    source: str = ""
    when: str = ""


class Stage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One Batch job of a pipeline."""

    queue: QueueKind
    size: Size
    outputs: tuple[Output, ...]
    steps: tuple[Step, ...] = ()
    """Those of a stage with a workflow are made of it when the pipeline is read."""
    workflow: Workflow | None = None
    image: str = ""
    """The image that it runs in, as its folder in ``containers/`` is named; without one, that of
    its queue."""
    needs: tuple[str, ...] = ()
    when: str = ""
    reads: Literal["", "stream", "files", "copies"] = ""
    reference: tuple[str, ...] = ()
    """Parts of the reference that decide the output: they are in the stage key."""
    indexes: tuple[str, ...] = ()
    """Files made from the sequence that the tools need beside it: not in the key."""
    inputs: tuple[str, ...] = ()
    """Outputs of the stages before that it fetches; without any, it fetches all of them."""
    measures: dict[str, MeasureFormat] = {}
    """Outputs that hold figures of the run, each with its format; the runner reads them. A name
    that ends with ``/`` is a folder with a file for each lane."""

    @property
    def image_name(self) -> str:
        """The image that it runs in."""
        return self.image or self.queue

    @property
    def outputs_named(self) -> set[str]:
        """The names of what it may publish."""
        return {output.name for output in self.outputs}

    @property
    def asked(self) -> set[str]:
        """The variables that its steps and outputs look at: no others decide what comes out."""
        asked = {step.when for step in self.steps} | {output.when for output in self.outputs}
        texts = [step.stdout for step in self.steps] + [output.source for output in self.outputs]
        for argument in (a for step in self.steps for command in step.pipe for a in command):
            if isinstance(argument, str):
                texts.append(argument)
            else:
                asked.add(argument.when)
                texts += argument.args
        asked.update(name for text in texts for name in PLACEHOLDER.findall(text))
        return asked - {""}


class Limit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Bounds of one QC metric; beyond ``warn`` is WARN, beyond ``fail`` is FAIL."""

    warn_below: float | None = None
    fail_below: float | None = None
    warn_above: float | None = None
    fail_above: float | None = None


class Pipeline(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Stages by name, in the order of the file."""

    name: str
    description: str
    stages: dict[str, Stage]
    dragen: str = ""
    """The DRAGEN version, or its beginning, that FPGA hosts must have; `seqdrop doctor` looks."""
    qc: dict[str, Limit] = {}
    """Limits of every run; an assay's own take the place of these, metric by metric."""


class Completeness(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When an analysis has all its files: as its manifest says, or when its pairs are whole.

    Lane-split pairs wait for ``quiet_seconds`` without a new file.
    """

    rule: Literal["pairs", "manifest"] = "pairs"
    quiet_seconds: int = 900


_MOST = 10_000_000
"""More reads or phred than there ever are; tools keep such numbers in 32 bits, and wrap around."""
_Natural = Annotated[int, msgspec.Meta(ge=0, le=_MOST)]
_Positive = Annotated[int, msgspec.Meta(ge=1, le=_MOST)]


class Calling(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How variants are called and filtered; ``docs/results.md`` says where the defaults are from.

    ``max_depth``: reads that are looked at for one position. ``min_mapq``: reads that map with
    less certainty (phred) count for nothing, not for the reference either. ``min_qual``,
    ``min_depth``, ``min_gq``: below them a call is not PASS; reference below ``min_depth`` is
    no call.
    ``gvcf_depths``: depths at which a gVCF block ends. ``split_multiallelics``: a record for
    each allele. ``insert_size``: mean, standard deviation, longest and shortest (bases), as
    ``bwa mem -I`` takes it, for amplicons, whose pairs say nothing of each other's.
    ``count_orphans``: reads count whose mate is not where it should be.
    """

    max_depth: _Positive = 50_000
    min_qual: _Natural = 20
    min_depth: _Natural = 5
    min_mapq: _Natural = 0
    min_gq: _Natural = 20
    gvcf_depths: tuple[_Positive, ...] = (1, 10, 20, 30)
    split_multiallelics: bool = False
    insert_size: Annotated[str, msgspec.Meta(pattern=r"^(\d+(\.\d+)?(,\d+(\.\d+)?){0,3})?$")] = ""
    count_orphans: bool = False

    @property
    def variables(self) -> dict[str, bool | str]:
        """What a pipeline's steps ask for."""
        return {
            "max_depth": str(self.max_depth),
            "min_qual": str(self.min_qual),
            "min_depth": str(self.min_depth),
            "min_mapq": str(self.min_mapq),
            "min_gq": str(self.min_gq),
            "gvcf_depths": ",".join(map(str, sorted({1, *self.gvcf_depths, self.min_depth or 1}))),
            "split_multiallelics": self.split_multiallelics,
            "insert_size": self.insert_size,
            "count_orphans": self.count_orphans,
        }


class Assay(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A named choice of pipeline, reference, target regions and limits."""

    pipeline: str
    reference: str = ""
    reference_version: str = ""
    targets: str = ""
    duplicates: Literal["mark", "none", "umi"] = "mark"
    """``umi``: pairs are copies only where their UMIs are the same, too, letter by letter."""
    umi_separator: Literal[":", "_"] = ":"
    """What the UMI follows at the end of a read's name; with ``_``, what joins two, too."""
    annotator: Literal["csq", "snpeff"] = "csq"
    """What tells the consequences of variants, where the reference has genes."""
    caller: Literal["bcftools", "freebayes"] = "bcftools"
    """What calls the variants; ``docs/results.md`` says in what freebayes' differ."""
    reads: Literal["pairs", "single", "interleaved"] = "pairs"
    """``single``: a lane is one file (R1), which waits for no mate. ``interleaved``: so it is, too,
    and has each read's mate behind it."""
    ploidy: Literal["diploid", "by_sex"] = "diploid"
    """``by_sex``: of X and Y, outside the regions that they share, there is one copy each where
    depth says so; a manifest must give the sex, and QC holds it against depth."""
    alignment: Literal["bam", "cram"] = "bam"
    """How the aligned reads are kept. A CRAM is smaller, and takes the sequence to be read."""
    priority: Priority = "routine"
    complete: Completeness = Completeness()
    calling: Calling = Calling()
    fallback: str = ""
    """An assay on CPU: where no FPGA is to be had, a run is made by its pipeline, and judged by its
    limits. Such results are not equivalent, and their QC is WARN at best."""
    qc: dict[str, Limit] = {}
    floors: dict[str, str] = {}
    """Floors that do not hold for this assay (see ``domain/qc.py``), each with the reason."""
    reporting_depth: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 20
    """Bases of the targets below this depth are listed: there, no variant means nothing."""
    sex_check: bool = False
    """Whether the depth of X and Y is held against the sex that the manifest gives."""
    identity: Literal["none", "earlier"] = "earlier"
    """Whether the fingerprint is compared with the sample's earlier runs, where both have one."""
    control_reads: Annotated[int, msgspec.Meta(ge=0)] = 100
    """Mapped reads that a control without template may have: some of the reads beside it carry its
    index by chance. An assay whose controls are sequenced deeply allows for more."""
    poll_factor: Annotated[float, msgspec.Meta(gt=0, le=1_000)] = 1.5
    reanalysis: Policy = "ask"
    """What happens when a newer version of its reference is ready: it is planned, and a person is
    asked; its canaries are made anew, too, before somebody is asked; or nothing."""
    validation: Validation = Validation()

    @property
    def marks_duplicates(self) -> bool:
        """Whether copies of a fragment are marked, and so can be counted."""
        return self.duplicates != "none"

    @property
    def has_one_file_a_lane(self) -> bool:
        """Whether a lane's R1 waits for no R2."""
        return self.reads != "pairs"

    @property
    def checks_sex(self) -> bool:
        """Whether depth is held against the manifest; it is where calls depend on it, too."""
        return self.sex_check or self.ploidy == "by_sex"

    @property
    def umi_pattern(self) -> str:
        """A regular expression whose group is the UMI in a read's name; "" without UMIs.

        The same to Python and to POSIX (samtools). Letters are those of Illumina's software: two
        UMIs are joined by + (by others, -), and r is before one that was read backwards. N alone
        is no UMI.
        """
        if self.duplicates != "umi":
            return ""
        # Two UMIs may be joined by _, too: the last one alone would take molecules for copies.
        before, joined = (":", "") if self.umi_separator == ":" else ("[:_]", "_")
        return f"{before}([ACGTNr{joined}+-]*[ACGT][ACGTNr{joined}+-]*)$"

    def as_fallback(self, fallback: "Assay") -> "Assay":
        """This assay, with runs that are made and judged as those of its fall-back are."""
        return msgspec.structs.replace(
            self,
            pipeline=fallback.pipeline,
            caller=fallback.caller,
            ploidy=fallback.ploidy,
            alignment=fallback.alignment,
            calling=fallback.calling,
            qc=fallback.qc,
            floors=fallback.floors,
            fallback="",
        )


class Assays(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The assays of a deployment, and the one that is meant when nothing names one."""

    default: str
    assays: dict[str, Assay]


class Mistake(NamedTuple):
    """What is wrong in a file, and where: keys from the top, and last the word that is wrong."""

    place: tuple[str | int, ...]
    says: str


def waves_of(stages: dict[str, tuple[str, ...]]) -> list[list[str]]:
    """Stages (name to the names it needs) in waves: all of a wave may run side by side.

    A wave's stages are in the pipeline's own order, so that the same pipeline gives the same plan.

    Raises InvalidPipeline for a need that is not there, or a circle.
    """
    for name, needs in stages.items():
        for need in needs:
            if need not in stages:
                raise InvalidPipeline(f"stage {name!r} needs {need!r}, which is not a stage")
    sorter = TopologicalSorter(stages)
    try:
        sorter.prepare()
    except CycleError as error:
        circle = " needs ".join(reversed(error.args[1]))
        raise InvalidPipeline(f"stages need each other in a circle: {circle}") from error
    order = list(stages)
    waves: list[list[str]] = []
    while sorter.is_active():
        wave = sorted(sorter.get_ready(), key=order.index)
        waves.append(wave)
        sorter.done(*wave)
    return waves
