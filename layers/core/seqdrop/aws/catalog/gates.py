"""The gates of queues and assays: one item each, changed from the revision that was read."""

import msgspec

from seqdrop.aws.catalog.layout import gate_key, gates_of
from seqdrop.aws.catalog.table import Table, from_item
from seqdrop.domain.gate import Gate


class Gates:
    """A gate that was never shut has no item."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def get(self, kind: str) -> Gate:
        """The gate as it is."""
        item = self._table.get(gate_key(kind))
        return from_item(item, Gate) if item else Gate(kind)

    def of_family(self, family: str) -> list[Gate]:
        """The gates of a family that ever had something to count."""
        return [from_item(item, Gate) for item in self._table.query(*gates_of(family))]

    def change(self, gate: Gate) -> Gate:
        """Writes a gate over the revision that it was made of. Raises Conflict for a newer one."""
        pk, sk = gate_key(gate.kind)
        after = msgspec.structs.replace(gate, revision=gate.revision + 1)
        condition = ("revision", "=" if gate.revision else "absent", gate.revision or None)
        self._table.put({"pk": pk, "sk": sk, **msgspec.to_builtins(after)}, condition)
        return after
