"""Gates of assays: shut where one run after another fails alike, told of by the sweep."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from seqdrop.aws.alerts import Alerts
from seqdrop.aws.catalog import Catalog
from seqdrop.aws.catalog.layout import timestamp
from seqdrop.domain.assay_gate import FAMILY, RunEnd, after_end, asked, assay_of, gate_of_assay
from seqdrop.domain.errors import Transient
from seqdrop.domain.gate import Gate, freed
from seqdrop.flow.gates import ShutAlert, tell
from seqdrop.flow.retry import retry_on_conflict


@dataclass(frozen=True)
class AssayGates:
    """Each change is made from what the gate is, and made again where somebody else was faster."""

    catalog: Catalog
    now: Callable[[], datetime]

    def run_ended(self, assay: str, end: RunEnd) -> None:
        """Looks what the end of a run says of its assay; whoever closes the run tells it, once.

        One that dies before has one run less counted, and a probe is waited for a day at most.
        """
        self._change(assay, lambda gate, now: (after_end(gate, end, now), True))

    def ask(self, assay: str, sample: str) -> tuple[Gate, bool]:
        """The gate of an assay of which a run is to begin, and whether it may."""
        return self._change(assay, lambda gate, now: asked(gate, sample, now))

    def free(self, assay: str, who: str) -> Gate:
        """Lets its runs begin, whatever has shut it."""
        gate, _ = self._change(assay, lambda gate, now: (freed(gate, now, who), True))
        return gate

    def tell_of_shut(self, alerts: Alerts) -> None:
        """Sends the alerts that have not been sent yet."""
        for gate in self.catalog.gates.of_family(FAMILY):
            if not gate.is_told:
                assay = assay_of(gate)
                do = f"mend the cause; `seqdrop resume --assay {assay}` lets its runs begin"
                alert = ShutAlert(gate.why, gate.since, gate.probe_at, do, assay=assay)
                tell(self.catalog, alerts, gate, alert)

    def _change(
        self, assay: str, rule: Callable[[Gate, str], tuple[Gate, bool]]
    ) -> tuple[Gate, bool]:
        kind = gate_of_assay(assay)

        def attempt() -> tuple[Gate, bool]:
            before = self.catalog.gates.get(kind)
            after, says = rule(before, timestamp(self.now()))
            return (before if after == before else self.catalog.gates.change(after)), says

        return retry_on_conflict(attempt, Transient(f"the gate of {assay} changes all the time"))
