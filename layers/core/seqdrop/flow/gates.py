"""Gates of the kinds of queues: shut by failures or a person, probed, and freed.

The catalog says what a gate is; Batch's resource is set to it after each change, and again by each
look at a job that waits behind it. So whoever dies in between is made up for by the next.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import msgspec

from seqdrop.aws.alerts import Alerts
from seqdrop.aws.batch import Batch
from seqdrop.aws.catalog import Catalog
from seqdrop.aws.catalog.layout import timestamp
from seqdrop.domain.errors import Transient
from seqdrop.domain.gate import Gate, after_end, freed, paused, probed
from seqdrop.domain.hosts import gate_of, kind_of
from seqdrop.domain.records import Job
from seqdrop.flow.retry import retry_on_conflict

SHUT = "Seqdrop Breaker Opened"
"""The detail type of the one alert that a breaker sends when it opens."""


class ShutAlert(msgspec.Struct, frozen=True):
    """What the alert tells."""

    why: str
    since: str
    next_probe: str
    do: str
    queue_kind: str = ""
    """What waits: the jobs of a kind of queues,"""
    assay: str = ""
    """or the runs of an assay."""


@dataclass(frozen=True)
class Gates:
    """Each change is made from what the gate is, and made again where somebody else was faster."""

    catalog: Catalog
    batch: Batch
    alerts: Alerts
    now: Callable[[], datetime]

    def job_ended(self, job: Job) -> None:
        """Looks what the end of a job says of its gate; the same news again changes nothing."""
        gate = self._change(job.queue, lambda gate, now: after_end(gate, job, now))
        if not gate.is_told:
            self._tell(gate)

    def look(self, queue: str) -> Gate:
        """The gate of a job that waits; lets one through if it is time for a probe."""
        gate = self._change(queue, probed)
        if not gate.is_free:
            self._apply(gate, queue)
        return gate

    def pause(self, queue: str, who: str, why: str) -> Gate:
        """Shuts a gate until somebody frees it."""
        return self._change(queue, lambda gate, now: paused(gate, now, who, why))

    def free(self, queue: str, who: str) -> Gate:
        """Frees a gate, whatever has shut it."""
        gate = self._change(queue, lambda gate, now: freed(gate, now, who))
        self._apply(gate, queue)
        return gate

    def _change(self, queue: str, rule: Callable[[Gate, str], Gate]) -> Gate:
        """Batch is told first where more may pass, and last where fewer may: a gate that is not
        free is looked at again, and a free one is not.
        """
        kind = kind_of(queue)

        def attempt() -> Gate:
            before = self.catalog.gates.get(kind)
            after = rule(before, timestamp(self.now()))
            if after == before:
                return before
            if after.quantity > before.quantity:
                self._apply(after, queue)
            after = self.catalog.gates.change(after)
            if after.quantity < before.quantity:
                self._apply(after, queue)
            return after

        return retry_on_conflict(attempt, _often(kind))

    def _apply(self, gate: Gate, queue: str) -> None:
        self.batch.set_resource(gate_of(queue), gate.quantity)

    def _tell(self, gate: Gate) -> None:
        do = f"mend the cause; `seqdrop resume {gate.kind}` lets all jobs start at once"
        alert = ShutAlert(gate.why, gate.since, gate.probe_at, do, queue_kind=gate.kind)
        tell(self.catalog, self.alerts, gate, alert)


def tell(catalog: Catalog, alerts: Alerts, gate: Gate, alert: ShutAlert) -> None:
    """Sends an alert, and remembers it: whoever dies in between has it sent again."""
    alerts.send(SHUT, alert)

    def attempt() -> Gate:
        there = catalog.gates.get(gate.kind)
        if there.is_told or there.since != gate.since:
            return there
        return catalog.gates.change(msgspec.structs.replace(there, is_told=True))

    retry_on_conflict(attempt, _often(gate.kind))


def _often(kind: str) -> Transient:
    return Transient(f"the gate of {kind} changes all the time")
