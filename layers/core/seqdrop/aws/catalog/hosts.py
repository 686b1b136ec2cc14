"""When hosts were last seen at work: what a job without a host is judged by."""

from contextlib import suppress

from seqdrop.aws.catalog.layout import hosts_key
from seqdrop.aws.catalog.table import Table
from seqdrop.domain.errors import Conflict


class Hosts:
    """One item for all hosts that share their jobs; its time only moves forward."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def record_seen(self, hosts: str, when: str) -> None:
        """Hosts were at work at a time; older news changes nothing."""
        with suppress(Conflict):
            self._table.update(
                hosts_key(hosts), sets={"seen": when}, conditions=[("seen", "absent or <", when)]
            )

    def last_seen(self, hosts: str) -> str:
        """When they were last at work, as far as it is known; "" where they never were."""
        item = self._table.get(hosts_key(hosts))
        return str(item["seen"]) if item else ""
