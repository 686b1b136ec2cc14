"""Who is meant: an analysis, a run, a job, a file; and the names that follow from it."""

import re

import msgspec


class ObjectName(msgspec.Struct, frozen=True, order=True):
    """Bucket and key of an object, whatever its version."""

    bucket: str
    key: str

    @property
    def uri(self) -> str:
        """As people write it: ``s3://bucket/key``."""
        return f"s3://{self.bucket}/{self.key}"


class AnalysisId(msgspec.Struct, frozen=True, order=True):
    """One sample under one assay."""

    sample: str
    assay: str

    def __str__(self) -> str:
        """For a person: ``NA1 (wgs)``."""
        return f"{self.sample} ({self.assay})"

    def results(self, stage: str, key: str) -> "StageResults":
        """The results that a stage of this analysis has under a stage key."""
        return StageResults(self, stage, key)


class StageResults(msgspec.Struct, frozen=True):
    """All results of one stage key, which are numbered from 1: each run anew gives the next."""

    analysis: AnalysisId
    stage: str
    key: str

    @property
    def prefix(self) -> str:
        """Where they are, below the results bucket: ``<sample>/<assay>/<stage>/<stage key>/``."""
        return f"{self.analysis.sample}/{self.analysis.assay}/{self.stage}/{self.key}/"

    def numbered(self, number: int) -> str:
        """The prefix of one of them."""
        return f"{self.prefix}{number}/"

    def number_of(self, prefix: str) -> int | None:
        """The number of the result with this prefix; None of one under another key."""
        number = prefix.removeprefix(self.prefix).removesuffix("/")
        return int(number) if number.isdecimal() and prefix == self.numbered(int(number)) else None


class RunId(msgspec.Struct, frozen=True, order=True):
    """One run of an analysis; as JSON, the whole input of its execution."""

    sample: str
    assay: str
    run_key: str
    attempt: int

    def __str__(self) -> str:
        """For a person: ``run 0a1b#2 of NA1``."""
        return f"run {self.short} of {self.sample}"

    @property
    def analysis(self) -> AnalysisId:
        """Whose run it is."""
        return AnalysisId(self.sample, self.assay)

    @property
    def short(self) -> str:
        """How an analysis names one of its runs: ``<run key>#<attempt>``."""
        return f"{self.run_key}#{self.attempt}"

    @property
    def execution_name(self) -> str:
        """The name of its Step Functions execution: at most 80 characters."""
        return f"{self.sample}-{self.run_key}-{self.attempt}"

    @property
    def folder(self) -> str:
        """Where the run's plan, failures and run.json are, below the results bucket."""
        return f"{self.sample}/{self.assay}/runs/{self.run_key}/{self.attempt}/"

    def job_name(self, stage: str, number: int = 1) -> str:
        """The name of a stage's Batch job: ``[A-Za-z0-9_-]``, at most 128 characters.

        No stage has ``_`` in its name, so that no other stage's job can have this one.
        """
        sample = self.sample.replace(".", "_")
        again = f"_{number}" if number > 1 else ""
        return f"{sample}-{self.run_key}-{self.attempt}-{stage}"[: 128 - len(again)] + again


class StageInput(msgspec.Struct, frozen=True):
    """One stage of a run, as the state machine hands it on."""

    sample: str
    assay: str
    run_key: str
    attempt: int
    stage: str

    @property
    def run(self) -> RunId:
        """The run that the stage belongs to."""
        return RunId(self.sample, self.assay, self.run_key, self.attempt)

    @property
    def job(self) -> "StageOf":
        """What its job is for."""
        return StageOf(self.run, self.stage)


class ReanalysisInput(msgspec.Struct, frozen=True):
    """One attempt at a reanalysis; as JSON, the whole input of its execution."""

    reanalysis: str
    attempt: int


class ReferenceId(msgspec.Struct, frozen=True, order=True):
    """One version of a reference."""

    name: str
    version: str

    def __str__(self) -> str:
        """As runs and people write it: ``GRCh38/2``."""
        return f"{self.name}/{self.version}"

    @property
    def folder(self) -> str:
        """Where its plan and its indexes are, below the references bucket."""
        return f"{self.name}/{self.version}/"


class StageOf(msgspec.Struct, frozen=True, order=True, tag=True):
    """The owner of a job that makes the results of a run's stage."""

    run: RunId
    stage: str
    number: int = 1


class IndexOf(msgspec.Struct, frozen=True, order=True, tag=True):
    """The owner of a job that makes an index of a reference version."""

    reference: ReferenceId
    index: str
    number: int = 1
    """Which try at the version it belongs to, from 1."""

    @property
    def stage(self) -> str:
        """The stage of the pipeline of references: each makes the index of its name."""
        return self.index

    @property
    def job_name(self) -> str:
        """The name of its Batch job: ``[A-Za-z0-9_-]``, at most 128 characters."""
        name, version = self.reference.name, self.reference.version
        text = f"reference-{name}-{version}-{self.index}-{self.number}"
        return re.sub(r"[^A-Za-z0-9_-]", "_", text)[:128]


JobOwner = StageOf | IndexOf


class FileIdentity(msgspec.Struct, frozen=True, order=True):
    """What a file is of its sample: never two files for one identity."""

    library: str
    flowcell: str
    lane: str
    read: str
    segment: str

    @property
    def pair(self) -> tuple[str, str, str, str]:
        """What both mates have in common."""
        return (self.library, self.flowcell, self.lane, self.segment)

    @property
    def mate(self) -> "FileIdentity":
        """R2 of R1, and R1 of R2."""
        return msgspec.structs.replace(self, read="R2" if self.read == "R1" else "R1")

    def is_lane_of(self, other: "FileIdentity") -> bool:
        """Whether both are of one lane of one flowcell."""
        return (self.flowcell, self.lane) == (other.flowcell, other.lane)

    def describe(self) -> str:
        """For a person: ``R2 of lane 3 on flowcell HXYZ``."""
        return f"{self.read} of {self.describe_lane()}"

    def describe_lane(self) -> str:
        """What both mates have in common, for a person: ``lane 3 on flowcell HXYZ``."""
        text = f"lane {self.lane}"
        if self.flowcell != "unknown":
            text += f" on flowcell {self.flowcell}"
        if self.library != "-":
            text += f", library {self.library}"
        return text if self.segment == "001" else f"{text}, segment {self.segment}"


class SeenFile(msgspec.Struct, frozen=True, order=True):
    """A registered file, as its analysis remembers it."""

    identity: FileIdentity
    object: ObjectName


class SetAside(msgspec.Struct, frozen=True, order=True):
    """An object that an analysis remembers beside its files."""

    object: ObjectName
    identity: FileIdentity | None = None
    """What it would be of the sample; None where it can't be used as it is."""
    is_outdated: bool = False
    """What it was set aside for has changed since: it has to be looked at again."""
