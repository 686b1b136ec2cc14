"""Who is meant: an analysis, a run, an object; and the names that follow from it."""

import msgspec


class AnalysisId(msgspec.Struct, frozen=True, order=True):
    """One sample under one assay."""

    sample: str
    assay: str

    def __str__(self) -> str:
        """For a person: ``NA1 (wgs)``."""
        return f"{self.sample} ({self.assay})"


class RunId(msgspec.Struct, frozen=True, order=True):
    """One run of an analysis; as JSON, the whole input of its execution."""

    sample: str
    assay: str
    run_key: str
    attempt: int

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
        """Of the Step Functions execution: at most 80 characters."""
        return f"{self.sample}-{self.run_key}-{self.attempt}"

    @property
    def folder(self) -> str:
        """Where the run's plan, failures and run.json are, below the results bucket."""
        return f"{self.sample}/{self.assay}/runs/{self.run_key}/{self.attempt}/"

    def job_name(self, stage: str) -> str:
        """Of a stage's Batch job: ``[A-Za-z0-9_-]``, at most 128 characters."""
        sample = self.sample.replace(".", "_")
        return f"{sample}-{self.run_key}-{self.attempt}-{stage}"[:128]


class ObjectName(msgspec.Struct, frozen=True, order=True):
    """Bucket and key of an object, whatever its version."""

    bucket: str
    key: str

    @property
    def uri(self) -> str:
        """As people write it: ``s3://bucket/key``."""
        return f"s3://{self.bucket}/{self.key}"
