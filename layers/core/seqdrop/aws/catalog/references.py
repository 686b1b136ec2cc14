"""References in the catalog: versions, their parts by content, and whether they are ready."""

from collections.abc import Iterator
from datetime import datetime

from seqdrop.aws.catalog.layout import (
    REFERENCE_NAMES,
    event_item,
    events_of_reference,
    reference_key,
    timestamp,
    versions_of,
)
from seqdrop.aws.catalog.table import Item, Table, from_item, to_item
from seqdrop.domain.errors import Conflict, ReferenceNotReady
from seqdrop.domain.identity import ReferenceId
from seqdrop.domain.plan import LocalFile
from seqdrop.domain.reference import ReferenceState, ReferenceVersion

SYSTEM = "seqdrop"


class References:
    """A version never changes once it is ready; what is new is a new version."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def get(self, reference: ReferenceId) -> ReferenceVersion | None:
        """One version."""
        item = self._table.get(reference_key(reference))
        return from_item(item, ReferenceVersion) if item else None

    def choose(self, name: str, version: str = "") -> ReferenceVersion:
        """The version asked for, or the newest ready one.

        Raises ReferenceNotReady where there is none.
        """
        if version:
            found = self.get(ReferenceId(name, version))
            if found is None:
                raise ReferenceNotReady(
                    f"there is no reference {name} {version}", then=f"{_HOW} {name}"
                )
            return found
        versions = self.versions(name)
        ready = [v for v in versions if v.state is ReferenceState.READY]
        if not ready:
            states = ", ".join(f"{v.version} is {v.state}" for v in versions)
            raise ReferenceNotReady(
                f"there is no ready version of the reference {name!r}"
                + (f" ({states})" if states else ""),
                then=f"{_HOW} {name}",
            )
        return max(ready, key=lambda v: v.created)

    def versions(self, name: str) -> list[ReferenceVersion]:
        """All versions of one reference."""
        items = self._table.query(*versions_of(name))
        return [from_item(item, ReferenceVersion) for item in items]

    def names(self) -> Iterator[str]:
        """The names of all references."""
        for item in self._table.query(*REFERENCE_NAMES):
            yield str(item["sk"])

    def add(self, reference: ReferenceVersion, who: str, now: datetime) -> None:
        """Puts a new version. Raises Conflict where it is there already."""
        pk, sk = reference_key(reference.id)
        item = {"pk": pk, "sk": sk, "indexes": {}, **to_item(reference)}
        put = self._table.put_write(item, ("pk", "absent", None))
        listed = self._table.put_write({"pk": REFERENCE_NAMES[0], "sk": reference.name})
        event = self._event(reference, now, who, "reference added")
        self._table.transact([put, listed, self._table.put_write(event)])

    def add_index(
        self, reference: ReferenceId, index: str, files: tuple[LocalFile, ...]
    ) -> ReferenceVersion:
        """Records the files of an index that a job has made."""
        item = self._table.update(
            reference_key(reference),
            sets={("indexes", index): [to_item(file) for file in files]},
            conditions=[("pk", "present", None)],
        )
        return from_item(item, ReferenceVersion)

    def settle(
        self, reference: ReferenceVersion, state: ReferenceState, why: str, now: datetime
    ) -> None:
        """Ends the preparation of a version, once; nothing where it was begun again meanwhile."""
        update = self._table.update_write(
            reference_key(reference.id),
            sets={
                "state": state.value,
                "why": why,
                "ready": timestamp(now),
                "to_announce": True if state is ReferenceState.READY else None,
            },
            conditions=[
                ("state", "=", ReferenceState.PREPARING.value),
                ("tries", "absent or =", reference.tries),
            ],
        )
        event = self._event(reference, now, SYSTEM, f"reference {state.lower()}", why)
        try:
            self._table.transact([update, self._table.put_write(event)])
        except Conflict:
            return  # another job's end, or a doubled event, settled it

    def announced(self, reference: ReferenceId) -> None:
        """Somebody has looked which analyses a version makes stale."""
        self._table.update(reference_key(reference), removes=["to_announce"])

    def retry(
        self, reference: ReferenceVersion, tries: int, wanted: tuple[str, ...], who: str,
        now: datetime,
    ) -> None:  # fmt: skip
        """Lets the preparation of a failed version begin anew, as the try of this number.

        Raises Conflict where it has not failed.
        """
        update = self._table.update_write(
            reference_key(reference.id),
            sets={
                "state": ReferenceState.PREPARING.value,
                "why": "",
                "tries": tries,
                "wanted": list(wanted),
            },
            conditions=[("state", "=", ReferenceState.FAILED.value)],
        )
        event = self._event(reference, now, who, "reference prepared again")
        self._table.transact([update, self._table.put_write(event)])

    def retire(self, reference: ReferenceVersion, why: str, who: str, now: datetime) -> None:
        """Withdraws a version, once."""
        update = self._table.update_write(
            reference_key(reference.id),
            sets={"state": ReferenceState.RETIRED.value, "why": why},
            conditions=[("state", "in", [s.value for s in ReferenceState if s != "RETIRED"])],
        )
        event = self._event(reference, now, who, "reference retired", why)
        try:
            self._table.transact([update, self._table.put_write(event)])
        except Conflict:
            return  # it is retired already

    def _event(
        self, reference: ReferenceVersion, now: datetime, who: str, what: str, why: str = ""
    ) -> Item:
        parts = {name: file.object.sha256 for name, file in reference.parts.items()}
        trail = events_of_reference(reference.name)
        return event_item(trail, now, reference.version, who=who, what=what, why=why, parts=parts)


_HOW = "add it with `seqdrop reference add`, then `seqdrop rerun` the sample. Reference:"
