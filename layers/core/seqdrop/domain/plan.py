"""The plan of a run: what the runner of every stage reads, frozen when the run is planned."""

import msgspec

from seqdrop.domain.first_use import worked_out
from seqdrop.domain.host_facts import HostFacts
from seqdrop.domain.identity import ObjectName
from seqdrop.domain.pipeline import MeasureFormat, Output, QueueKind, Step


class StoredObject(msgspec.Struct, frozen=True, omit_defaults=True):
    """An object in a bucket, with what is known of its content."""

    bucket: str
    key: str
    size: int
    version_id: str = ""
    checksum: str = ""
    """``<algorithm>:<value>`` as the bucket gave it: sha256, crc64nvme or etag."""
    md5: str = ""
    """What the lab's manifest says the file's MD5 is (hex); checked while streaming."""
    sha256: str = ""
    """Hex; known of what our own jobs wrote; checked when fetched."""

    @property
    def name(self) -> ObjectName:
        """The object, in whatever version."""
        return ObjectName(self.bucket, self.key)


class ReadPair(msgspec.Struct, frozen=True, omit_defaults=True):
    """R1 and R2 of one lane (of one segment, where a lane was written in several).

    Of single reads there is R1 alone; of interleaved ones, too, and their mates are in it.
    """

    id: str
    """``<flowcell>.<lane>``, with the library and segment where they are needed to tell apart."""
    read_group: str
    """The SAM header's line, tabs written as ``\\t``, as bwa takes it."""
    r1: StoredObject
    r2: StoredObject | None = None
    interleaved: bool = False

    @property
    def reads(self) -> tuple[str, ...]:
        """What tools read of it: R1, and R2 where reads have mates."""
        return ("R1", "R2") if self.r2 or self.interleaved else ("R1",)

    @property
    def mates(self) -> tuple[tuple[str, StoredObject], ...]:
        """Each file with its read: R1, then R2 where that has one of its own."""
        first = ("R1", self.r1)
        return (first, ("R2", self.r2)) if self.r2 else (first,)

    @property
    def files(self) -> tuple[StoredObject, ...]:
        """The same without their names."""
        return tuple(file for _, file in self.mates)

    @property
    def library(self) -> str:
        """The library that its reads are of, as the read group names it."""
        return self.read_group.partition("\\tLB:")[2].partition("\\t")[0]


class LocalFile(msgspec.Struct, frozen=True, omit_defaults=True):
    """An object to be fetched before the steps, and its path below ``{ref}`` or ``{in}``."""

    path: str
    object: StoredObject


class StagePlan(msgspec.Struct, frozen=True, omit_defaults=True):
    """One stage, ready to be run."""

    stage: str
    key: str
    needs: tuple[str, ...]
    prefix: str
    """Where the results go: ``<sample>/<assay>/<stage>/<key>/<n>/`` in the bucket."""
    queue: QueueKind
    image: str
    vcpus: int
    memory_mib: int
    expected_seconds: int
    timeout_seconds: int
    poll_seconds: int
    steps: tuple[Step, ...]
    outputs: tuple[Output, ...]
    scratch_mib: int = 0
    """What the disk of its host must be able to hold; 0 where nobody has said."""
    definition: str = ""
    """The job definition's revision; "" is the newest, as of plans of 0.1."""
    bucket: str = ""
    work: str = ""
    """The key of a workflow's work folder in the bucket: ``_work/…/``."""
    reused: bool = False
    """True where good results under this key are there already: no job is submitted."""
    reads: str = ""
    """How read pairs reach the tool: "" not at all, "stream" by named pipes, "files" on disk."""
    inputs: tuple[str, ...] = ()
    """What it fetches of the stages that it needs; without any, all."""
    measures: dict[str, MeasureFormat] = {}
    reference_files: tuple[LocalFile, ...] = ()


class RunPlan(msgspec.Struct, frozen=True, omit_defaults=True):
    """``plan.json``: everything that the jobs of one run need, and nothing about the patient."""

    sample: str
    assay: str
    run_key: str
    attempt: int
    folder: str
    """Where the run's own files are (plan, failures, run.json), below the results bucket."""
    pipeline: str
    stages: tuple[StagePlan, ...]
    reference: str = ""
    """``<name>/<version>``."""
    pairs: tuple[ReadPair, ...] = ()
    variables: dict[str, bool | str] = {}
    """What ``when:`` asks for, and text for placeholders of the same name."""
    waves: tuple[tuple[str, ...], ...] = ()

    def stage(self, name: str) -> StagePlan:
        """The plan of one stage; KeyError where there is none."""
        for stage in self.stages:
            if stage.stage == name:
                return stage
        raise KeyError(name)


class ResultFile(msgspec.Struct, frozen=True, omit_defaults=True):
    """A published output."""

    name: str
    bytes: int
    sha256: str


class StageResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """``<stage>.json``: written last, over complete results, so that it marks them good."""

    stage: str
    key: str
    files: tuple[ResultFile, ...]
    tools: dict[str, str]
    """The version that each program gave."""
    counts: dict[str, int] = {}
    """What was counted in the reads; see ``domain/metrics.py``."""
    metrics: dict[str, float] = {}
    """What was measured in the outputs; see ``domain/measures``."""
    timings: dict[str, float] = {}
    peak_memory_mib: int = 0
    """The most memory of all its processes at once, as it was seen every two seconds."""
    peak_scratch_mib: int = 0
    """The most that its files took on the host's scratch."""
    commands: tuple[str, ...] = ()
    """The pipes as they ran, in their order; of those for each region, the first."""
    simulated: bool = False
    started: str = ""
    ended: str = ""
    lanes: dict[str, dict[str, int]] = {}
    """By read pair's id: what was counted in its two files, and by the tools in its alignment (by
    read group, where they count so); see ``domain/lanes.py``."""
    host: HostFacts | None = None
    """Where it ran, where the host says so."""
    job_id: str = ""
    job_attempt: int = 0
    """Which attempt of which Batch job has made it, counted from 1."""

    def is_of(self, job_id: str, attempts: int) -> bool:
        """Whether a job's last attempt has made it, and did not find it there."""
        return (self.job_id, self.job_attempt) == (job_id, attempts)


def decode_plan(data: bytes) -> RunPlan:
    """A plan from its JSON; msgspec.ValidationError where it is none."""
    return msgspec.json.decode(data, type=RunPlan)


def decode_result(data: bytes) -> StageResult:
    """A stage's result from its JSON, in any thread; msgspec.ValidationError where it is none."""
    return msgspec.json.decode(data, type=worked_out(StageResult))


def encode(value: msgspec.Struct) -> bytes:
    """Readable JSON, the same bytes for the same value."""
    return msgspec.json.format(msgspec.json.encode(value, order="deterministic"), indent=1)
