"""Gates of pipelines: shut where a stage fails alike for one sample after another."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from seqdrop.aws.alerts import Alerts
from seqdrop.aws.catalog import Catalog
from seqdrop.aws.catalog.layout import timestamp
from seqdrop.domain.errors import Transient
from seqdrop.domain.gate import Gate, freed
from seqdrop.domain.pipeline_gate import after_end, asked, gate_of_pipeline
from seqdrop.domain.records import Job
from seqdrop.flow.gates import ShutAlert, tell
from seqdrop.flow.retry import retry_on_conflict


@dataclass(frozen=True)
class PipelineGates:
    """Each change is made from what the gate is, and made again where somebody else was faster."""

    catalog: Catalog
    now: Callable[[], datetime]

    def job_ended(self, job: Job, alerts: Alerts) -> None:
        """Looks what the end of a job says of its pipeline; the same news again changes nothing."""
        if not job.pipeline:  # of an earlier release
            return
        gate, _ = self._change(job.pipeline, lambda gate, now: (after_end(gate, job, now), False))
        if not gate.is_told:
            do = f"mend the cause; `seqdrop resume --pipeline {job.pipeline}` lets its runs begin"
            alert = ShutAlert(gate.why, gate.since, gate.probe_at, do, pipeline=job.pipeline)
            tell(self.catalog, alerts, gate, alert)

    def ask(self, pipeline: str) -> tuple[Gate, bool]:
        """The gate of a pipeline of which a run is to begin, and whether it may."""
        return self._change(pipeline, asked)

    def free(self, pipeline: str, who: str) -> Gate:
        """Lets its runs begin, whatever has shut it."""
        gate, _ = self._change(pipeline, lambda gate, now: (freed(gate, now, who), True))
        return gate

    def _change(
        self, pipeline: str, rule: Callable[[Gate, str], tuple[Gate, bool]]
    ) -> tuple[Gate, bool]:
        kind = gate_of_pipeline(pipeline)

        def attempt() -> tuple[Gate, bool]:
            before = self.catalog.gates.get(kind)
            after, says = rule(before, timestamp(self.now()))
            return (before if after == before else self.catalog.gates.change(after)), says

        return retry_on_conflict(attempt, Transient(f"the gate of {pipeline} changes all the time"))
