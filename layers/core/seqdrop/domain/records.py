"""What the catalog holds, typed. Times are ISO 8601 in UTC, to the millisecond."""

from enum import StrEnum
from typing import Literal

import msgspec

from seqdrop.domain.failure import Action
from seqdrop.domain.identity import (
    AnalysisId,
    FileIdentity,
    JobOwner,
    ObjectName,
    RunId,
    SeenFile,
    SetAside,
)
from seqdrop.domain.plan import StoredObject


class AnalysisStatus(StrEnum):
    """Where an analysis stands, within its generation."""

    RECEIVING = "RECEIVING"
    READY = "READY"
    ANALYSING = "ANALYSING"
    ANALYSED = "ANALYSED"
    FAILED = "FAILED"
    HELD = "HELD"
    DISMISSED = "DISMISSED"
    """A person decided to leave it; an upload with other content opens it again."""
    NO_READS = "NO_READS"
    """A control whose files hold no reads, as they should: there is nothing to analyse."""


class RunStatus(StrEnum):
    """Where a run stands; it only moves forward."""

    CLAIMED = "CLAIMED"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    ABORTED = "ABORTED"

    @property
    def live(self) -> bool:
        """Whether the run may still change."""
        return self in {RunStatus.CLAIMED, RunStatus.RUNNING}


class RunOptions(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was asked of the next run: all anew, anew from one stage on, or as its fall-back."""

    fresh: bool = False
    from_stage: str = ""
    fallback: str = ""
    """Why it is made as the assay's fall-back; "" where it is not."""
    generation: int = 0
    """The only one for which it falls back; 0 where a person has asked for it."""
    reanalysis: str = ""
    """The reanalysis that it is made for; "" where it is made for none."""
    waits_for: Literal["", "approval"] = ""
    """What must come before it can become the current run, beside its own success."""

    @property
    def is_anew(self) -> bool:
        """Whether stages are to be run though their results are there."""
        return self.fresh or bool(self.from_stage)


class Analysis(msgspec.Struct, frozen=True, omit_defaults=True):
    """One sample under one assay."""

    sample: str
    assay: str
    generation: int = 0
    """Raised by whatever changes what a run would be made of."""
    revision: int = 0
    """Raised by whatever intake writes: what was decided from an older one is not written."""
    status: AnalysisStatus = AnalysisStatus.RECEIVING
    why: str = ""
    project: str = ""
    priority: str = ""
    pipeline: str = ""
    """Set with ``reference`` where the manifest chose them; else the assay's own count."""
    reference: str = ""
    reference_version: str = ""
    manifest: str = ""
    saying: str = ""
    """Digest of what the manifest says of this analysis."""
    expected: frozenset[ObjectName] = frozenset()
    """The files that manifests name."""
    files_seen: frozenset[SeenFile] = frozenset()
    """The files that are registered."""
    aside: frozenset[SetAside] = frozenset()
    """Objects that belong here beside its files: copies, rivals, and what can't be used."""
    without_reads: frozenset[ObjectName] = frozenset()
    """Registered files of a control in which there is no read."""
    companions: dict[str, str] = {}
    """Reads that lie beside its files and are neither R1 nor R2, by cause: told while it waits."""
    troubles: dict[str, str] = {}
    """What is being tried again, by cause, in words."""
    kept: str = ""
    """What keeps it from its run while it is READY: a Kept; see ``domain/admission.py``."""
    starts_now: bool = False
    """A person has ended the quiet period of the files that are there."""
    may_come_again: frozenset[FileIdentity] = frozenset()
    """Files that may be sent again, too, since others were. Emptied when a run has ended well."""
    waits_for_others: bool = False
    """A file came in place of one that a run was reading: the next run waits, for a quiet period,
    for those that may come again."""
    manifest_time: str = ""
    manifest_sequencer: str = ""
    """When the manifest came whose settings these are; see ``ManifestVersion``."""
    sex: Literal["", "female", "male"] = ""
    """What the manifest says; kept here alone, and looked at when a run is judged."""
    control: bool = False
    """A control without template, as the manifest says: nothing should map in it."""
    single: bool = False
    """Whether its assay takes one file a lane, as it was when it was last looked at."""
    lane_split: bool = False
    holds: dict[str, str] = {}
    """Why a person must act, by cause."""
    options: RunOptions | None = None
    active_run: RunId | None = None
    current_run: RunId | None = None
    released_run: RunId | None = None
    created: str = ""
    updated: str = ""
    """When its status, or why it has it, last changed."""
    alerted: str = ""
    """When a person was last told that it waits; of no meaning once it has changed since."""
    last_file: str = ""
    """When the last file was registered."""

    @property
    def id(self) -> AnalysisId:
        """Whose analysis it is, and under which assay."""
        return AnalysisId(self.sample, self.assay)

    @property
    def is_alerted(self) -> bool:
        """Whether a person was told that it waits as it does now."""
        return bool(self.alerted) and self.alerted >= self.updated

    @property
    def objects_seen(self) -> frozenset[ObjectName]:
        """The objects of the registered files."""
        return frozenset(file.object for file in self.files_seen)

    def seen_as(self, object_: ObjectName) -> FileIdentity | None:
        """What a registered object is of the sample; None where it is not registered."""
        return next((one.identity for one in self.files_seen if one.object == object_), None)


class FastqFile(msgspec.Struct, frozen=True, omit_defaults=True):
    """A registered FASTQ file."""

    sample: str
    assay: str
    identity: FileIdentity
    object: StoredObject
    etag: str
    first_read: str = ""
    """The name of its first read; empty of a control's file in which no read is."""
    named_lane: bool = False
    """True where the file's name says that its sample was split by lanes."""
    placed_by: Literal["name", "manifest"] = "name"
    registered: str = ""

    @property
    def analysis(self) -> AnalysisId:
        """The analysis that the file belongs to."""
        return AnalysisId(self.sample, self.assay)

    @property
    def version(self) -> str:
        """Tells the registered version of its object from others, in any bucket."""
        return self.object.version_id or self.etag

    @property
    def seen(self) -> SeenFile:
        """How the analysis remembers this file."""
        return SeenFile(self.identity, self.object.name)


class StageRun(msgspec.Struct, frozen=True, omit_defaults=True):
    """A stage as its run sees it."""

    stage: str
    key: str
    prefix: str
    queue: str
    reused: bool = False


class Run(msgspec.Struct, frozen=True, omit_defaults=True):
    """One try to make an analysis' results from frozen inputs."""

    sample: str
    assay: str
    run_key: str
    attempt: int
    generation: int
    status: RunStatus = RunStatus.CLAIMED
    pipeline: str = ""
    reference: str = ""
    """``<name>/<version>``."""
    parts: dict[str, str] = {}
    """Checksum of each part of the reference that a stage uses."""
    recipe: dict[str, str] = {}
    """By stage, what decides its output beside the files; see ``Blueprint.recipe``. Empty of a run
    of the release before."""
    made: str = ""
    """The same for all runs of one recipe; see ``Blueprint.made``."""
    input_bytes: int = 0
    """Compressed bytes of its FASTQ files."""
    priority: str = "routine"
    project: str = ""
    can_be_moved: bool = False
    """Whether its execution knows the failure Moved: one of an older release does not."""
    in_share: bool = False
    """Whether it is counted among those that its project has in flight."""
    blueprint: bytes = b""
    """Of a run of the release before; a newer one's is an item of its own."""
    options: RunOptions = RunOptions()
    fallback: str = ""
    """The assay as which another run may be made in its place, where no FPGA is to be had."""
    instead_of: str = ""
    """The pipeline in whose place it is such a run itself: its results are not equivalent."""
    calling_version: str = ""
    """What decides its calls beside the files; see ``Blueprint.calling``."""
    supersedes: RunId | None = None
    """The run that was the current one when this one was claimed."""
    execution: str = ""
    stages: tuple[StageRun, ...] = ()
    qc: str = ""
    qc_reasons: tuple[str, ...] = ()
    metrics: dict[str, float] = {}
    cost_usd: float | None = None
    """Of a run that SUCCEEDED. Jobs of others may end after them: the jobs' costs are the sum."""
    simulated: bool = False
    failure: str = ""
    claimed: str = ""
    started: str = ""
    ended: str = ""

    @property
    def id(self) -> RunId:
        """Which run it is."""
        return RunId(self.sample, self.assay, self.run_key, self.attempt)


JOB_STATUSES = ("SUBMITTING", "SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING")
JOB_ENDED = ("SUCCEEDED", "FAILED")
_ENDED_PROGRESS = 1_000


def job_progress(status: str, attempts: int) -> int:
    """A number that only grows while a job goes on, its retries included.

    Batch sets a job back to RUNNABLE between attempts, so the attempts that ended count first.
    """
    if status in JOB_ENDED:
        return _ENDED_PROGRESS
    return attempts * len(JOB_STATUSES) + JOB_STATUSES.index(status)


class Attempt(msgspec.Struct, frozen=True, omit_defaults=True):
    """One try of Batch's to run a job on a host, ended."""

    seconds: float = 0.0
    """How long its container ran."""
    started: str = ""
    """Empty where its container never ran."""
    ended: str = ""
    exit_code: int | None = None
    reason: str = ""
    host: str = ""
    """Its EC2 instance where Batch names it, else ECS's id of its container instance."""
    log_stream: str = ""
    cost_usd: float | None = None
    instance_type: str = ""
    """Of its host, and whether that is on Spot, where the runner could say so."""
    market: str = ""


class JobState(msgspec.Struct, frozen=True, omit_defaults=True):
    """What Batch says of a job."""

    job_id: str
    status: str
    reason: str = ""
    exit_code: int | None = None
    log_stream: str = ""
    created: str = ""
    started: str = ""
    ended: str = ""
    host: str = ""
    """Of the attempt that is under way; see Attempt."""
    attempts: tuple[Attempt, ...] = ()
    """Those that are over, the oldest first."""
    parameters: dict[str, str] = {}
    blocked: str = ""
    """Why it can't start, of a job that is RUNNABLE; see ``domain/blocked.py``."""
    told: str = ""
    """When that was so; empty of an answer, which is of now."""
    by_hand: bool | None = None
    """Whether somebody cancelled or terminated it; None of an event, which does not say."""
    name: str = ""
    queue: str = ""
    """The queue's name."""
    vcpus: int = 0
    tags: dict[str, str] = {}

    @property
    def progress(self) -> int:
        """See job_progress."""
        return job_progress(self.status, len(self.attempts))


class Took(msgspec.Struct, frozen=True):
    """What a job that succeeded took; see Job."""

    peak_memory_mib: int = 0
    peak_scratch_mib: int = 0
    dragen_bases: int = 0


NOTHING = Took()


def waste_of(status: str, attempts: tuple[Attempt, ...]) -> tuple[Attempt, ...]:
    """Of a job's attempts, those that came to nothing."""
    return attempts[:-1] if status == "SUCCEEDED" else attempts


class Job(msgspec.Struct, frozen=True, omit_defaults=True):
    """One Batch job."""

    owner: JobOwner
    """The run's stage, or the reference's index, that it is for."""
    name: str
    queue: str
    prefix: str
    bucket: str
    folder: str
    """Where the runner leaves its word on a failure, in the bucket."""
    status: str = "SUBMITTING"
    progress: int = 0
    token: str = ""
    job_id: str = ""
    reason: str = ""
    exit_code: int | None = None
    failure_class: str = ""
    """A FailureClass, once it has failed; of the release before, a name of that release."""
    message: str = ""
    action: str = ""
    """What is done about its failure: an Action."""
    earlier: tuple[str, ...] = ()
    """The failure classes of the jobs that its stage had before it in this run, in their order."""
    log_stream: str = ""
    cost_usd: float | None = None
    """Of all its attempts."""
    project: str = ""
    pipeline: str = ""
    fallback: str = ""
    """Of a job on an FPGA queue: see Run."""
    dragen_bases: int = 0
    """What DRAGEN's licence is metered by, once it has succeeded."""
    vcpus: int = 0
    memory_mib: int = 0
    scratch_mib: int = 0
    most_memory_mib: int = 0
    """As much as a host of its queue can give a job."""
    peak_memory_mib: int = 0
    """What it took of memory, and of scratch, once it has succeeded; see StageResult."""
    peak_scratch_mib: int = 0
    expected_seconds: int = 0
    """How long an attempt should take, as the plan has it."""
    timeout_seconds: int = 0
    submitting: str = ""
    created: str = ""
    started: str = ""
    ended: str = ""
    host: str = ""
    """Of the attempt that is under way; see Attempt."""
    attempts: tuple[Attempt, ...] = ()
    """Those that are over, the oldest first."""
    blocked_reason: str = ""
    """Why Batch can't start it now, in Batch's words; gone when its status changes."""
    blocked_since: str = ""
    """Since when it is known to be blocked, for whatever reason."""
    updated: str = ""
    """When its status was last seen to change."""

    @property
    def stage(self) -> str:
        """The stage of its pipeline."""
        return self.owner.stage

    @property
    def has_ended(self) -> bool:
        """Whether Batch is done with the job."""
        return self.status in JOB_ENDED

    @property
    def waste(self) -> tuple[Attempt, ...]:
        """Its attempts that came to nothing."""
        return waste_of(self.status, self.attempts)

    @property
    def is_followed(self) -> bool:
        """Whether another job of its stage follows it: then its failure is not the stage's."""
        return bool(self.action) and Action(self.action).tries_again

    @property
    def next_owner(self) -> JobOwner:
        """The owner of the job that would follow it."""
        return msgspec.structs.replace(self.owner, number=self.owner.number + 1)
