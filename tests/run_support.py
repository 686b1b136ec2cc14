"""A run at the bench: claimed in a cloud of fakes, and called as its execution would call."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

from seqdrop.aws.catalog.layout import read_sample
from seqdrop.domain.identity import RunId
from seqdrop.domain.plan import ResultFile, RunPlan, StageResult, encode
from seqdrop.domain.records import Analysis, Job, Run
from seqdrop.sample_view import RunView, view_sample
from tests.cloud_support import RESULTS, Cloud, job_event, open_cloud
from tests.lab import reads

TOKEN = "token"
EXECUTION = "arn:aws:states:us-east-1:123456789012:execution:lab-analyse-sample:name"


@dataclass
class Bench:
    """A sample whose run was claimed, and the calls that its execution makes."""

    cloud: Cloud
    ids: RunId

    def state(self, function: str, **given: Any) -> Any:
        """Calls a function of the state machine with the run's ids."""
        run = msgspec.to_builtins(self.ids)
        return self.cloud.call(function, {"run": run, "execution": EXECUTION, **given})

    def stage(self, function: str, stage: str = "align", token: str = TOKEN) -> None:
        """Calls a function of a stage."""
        self.state(function, stage=stage, token=token)

    def event(self, status: str, number: int = 1, **detail: Any) -> dict[str, Any]:
        """Batch's event of a job that was submitted."""
        request = self.cloud.batch.submitted[number - 1]
        parameters = request.parameters
        return job_event(
            jobId=f"job-{number}",
            jobName=request.name,
            status=status,
            parameters=parameters,
            **detail,
        )

    def ended(self, status: str, exit_code: int = 0, number: int = 1) -> dict[str, Any]:
        """The last event of a job."""
        last = {"startedAt": 1_000, "stoppedAt": 3_601_000, "container": {"exitCode": exit_code}}
        reason = "Essential container in task exited"
        return self.event(
            status, number, attempts=[last], container={"exitCode": exit_code},
            statusReason=reason, startedAt=1_000, stoppedAt=3_601_000,
        )  # fmt: skip

    def publish(self, stage: str, **found: Any) -> None:
        """What a runner leaves of a stage that went well, and what it found in it."""
        prefix = self.plan.stage(stage).prefix
        file = ResultFile("a", 3, "ab" * 32)
        judged = {"metrics": {"primary_out": 100.0, "mapped": 99.0}}
        result = StageResult(stage, "key", (file,), {"tool": "1"}, **(judged | found))
        self.put(f"{prefix}a", b"abc")
        self.put(f"{prefix}{stage}.json", encode(result))

    def put(self, key: str, body: bytes) -> None:
        """Writes into the results bucket."""
        self.cloud.s3.put_object(Bucket=RESULTS, Key=key, Body=body)

    @property
    def plan(self) -> RunPlan:
        """The frozen plan."""
        found = self.cloud.objects.read_plan(RESULTS, self.folder)
        assert found is not None
        return found

    @property
    def folder(self) -> str:
        """Where the run's own files are."""
        return self.ids.folder

    @property
    def run(self) -> Run:
        """The run as it is."""
        found = self.cloud.catalog.runs.get(self.ids)
        assert found is not None
        return found

    @property
    def shown_run(self) -> RunView:
        """The newest run as ``seqdrop show`` has it."""
        found = read_sample(self.cloud.catalog.analyses.partition(self.ids.sample))
        (shown,) = view_sample(self.ids.sample, found, self.ids.assay).analyses
        return shown.runs[0]

    @property
    def analysis(self) -> Analysis:
        """The analysis as it is."""
        found = self.cloud.catalog.analyses.get(self.ids.analysis)
        assert found is not None
        return found

    @property
    def job(self) -> Job:
        """The only job."""
        (job,) = self.cloud.catalog.jobs.of_analysis(self.ids.analysis)
        return job

    def all(self) -> tuple[Any, ...]:
        """Everything that a call might have changed."""
        batch = self.cloud.batch
        return (self.cloud.items("NA1"), len(batch.submitted), dict(batch.terminated))


@contextmanager
def open_run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """A plain pair whose run was claimed."""
    with open_cloud(folder, monkeypatch) as cloud:
        for mate in (1, 2):
            cloud.upload(f"NA1_{mate}.fastq.gz", reads(5, mate=mate))
        (ids,) = cloud.executions.started.values()
        yield Bench(cloud, ids)
