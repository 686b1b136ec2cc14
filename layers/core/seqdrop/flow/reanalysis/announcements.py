"""A version of a reference is READY: which analyses it makes stale is planned by itself."""

from dataclasses import dataclass

from seqdrop.aws.catalog import Catalog
from seqdrop.aws.queues import JobEventsQueue
from seqdrop.domain.identity import ReferenceId
from seqdrop.domain.reanalysis.record import Limits, reanalysis_id
from seqdrop.domain.reanalysis.scope import Scope
from seqdrop.domain.reference import ReferenceState, ReferenceVersion
from seqdrop.flow.reanalysis.attempts import SYSTEM
from seqdrop.flow.reanalysis.orders import ReanalysisOrders
from seqdrop.library import Library


@dataclass(frozen=True)
class Announcements:
    """Twice is as good as once: what is begun by itself has its name of the version."""

    catalog: Catalog
    library: Library
    orders: ReanalysisOrders
    queue: JobEventsQueue

    def announce(self, reference: ReferenceId) -> list[str]:
        """Begins what the assays' policies say; returns the names of the reanalyses."""
        there = self.catalog.references.get(reference)
        if there is None or not there.to_announce or there.state is not ReferenceState.READY:
            return []
        begun = [self._begin(reference, policy) for policy in self._policies(there)]
        self.catalog.references.announced(reference)
        return begun

    def announce_lost(self) -> None:
        """Asks again for those of which the message was lost."""
        for name in self.catalog.references.names():
            for version in self.catalog.references.versions(name):
                if version.to_announce and version.state is ReferenceState.READY:
                    self.queue.reference_ready(version.id)

    def _policies(self, reference: ReferenceVersion) -> list[str]:
        """What the assays of a reference say; none of the first version, which nothing has used.

        A sample whose manifest chose a pipeline and a reference is asked about, as the default is.
        """
        versions = self.catalog.references.versions(reference.name)
        if all(other.version == reference.version for other in versions):
            return []
        assays = self.library.assays().values()
        said = {assay.reanalysis for assay in assays if assay.reference == reference.name}
        return sorted((said | {"ask"}) - {"off"})

    def _begin(self, reference: ReferenceId, policy: str) -> str:
        name = reanalysis_id([reference.name, reference.version], policy)
        scope = Scope(reference.name, reference.version, policy=policy)
        self.orders.start(name, scope, Limits(), SYSTEM, plan_only=policy == "ask")
        return name
