"""Reanalyses and their members in the catalog."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec

from seqdrop.aws.catalog.layout import (
    ALL_REANALYSES,
    event_item,
    events_of_reanalysis,
    listed_reanalysis,
    member_key,
    members_of,
    reanalysis_key,
    timestamp,
)
from seqdrop.aws.catalog.table import Condition, Item, Table, Write, from_item, to_item
from seqdrop.domain.identity import AnalysisId
from seqdrop.domain.reanalysis.plan import Plan
from seqdrop.domain.reanalysis.record import (
    MemberState,
    MemberStatus,
    Reanalysis,
    ReanalysisStatus,
)

_COUNTERS = (
    "going_on", "made", "failed", "left_out", "deferred", "amended", "uncertain",
    "reserved_micros", "spent_micros", "left_micros",
)  # fmt: skip
_COUNTED_AS = {
    MemberStatus.MADE: "made",
    MemberStatus.FAILED: "failed",
    MemberStatus.LEFT_OUT: "left_out",
    MemberStatus.DEFERRED: "deferred",
}


class Reanalyses:
    """Its item counts its members: each is counted in the transactions that begin and end it."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def get(self, reanalysis: str) -> Reanalysis | None:
        """One reanalysis."""
        item = self._table.get(reanalysis_key(reanalysis))
        return _read(item) if item else None

    def all(self) -> list[Reanalysis]:
        """All of them, the newest first."""
        listed = [str(item["id"]) for item in self._table.query(*ALL_REANALYSES)]
        return [found for one in reversed(listed) if (found := self.get(one))]

    def add(self, reanalysis: Reanalysis, now: datetime) -> None:
        """Puts a new one. Raises Conflict where there is one of its name."""
        stamped = msgspec.structs.replace(
            reanalysis, created=timestamp(now), updated=timestamp(now)
        )
        pk, sk = reanalysis_key(reanalysis.id)
        put = self._table.put_write({"pk": pk, "sk": sk, **_item(stamped)}, ("pk", "absent", None))
        pk, sk = listed_reanalysis(reanalysis.id, stamped.created)
        listed = self._table.put_write({"pk": pk, "sk": sk, "id": reanalysis.id})
        event = self._event(stamped, now, reanalysis.by, "begun", reanalysis.scope.describe())
        self._table.transact([put, listed, event])

    def move(
        self, reanalysis: Reanalysis, status: ReanalysisStatus, now: datetime, *, who: str,
        why: str = "", more_micros: int = 0, **sets: Any,
    ) -> Reanalysis:  # fmt: skip
        """Gives it another status, and what else is known then; so much more to its budget.

        Raises Conflict where its status, or its attempt, is not any more the one that was read.
        """
        after = msgspec.structs.replace(
            reanalysis, status=status, why=why, updated=timestamp(now), **sets
        )
        attributes = _item(after)
        changed = {"status", "why", "updated", *sets}
        update = self._table.update_write(
            reanalysis_key(reanalysis.id),
            sets={name: attributes.get(name) for name in sorted(changed)},
            adds={"left_micros": more_micros} if more_micros else None,
            conditions=[("status", "=", reanalysis.status), ("attempt", "=", reanalysis.attempt)],
        )
        self._table.transact([update, self._event(after, now, who, status.lower(), why)])
        return after

    def set_token(self, reanalysis: Reanalysis, token: str) -> None:
        """What its execution waits with now. Raises Conflict where it does not wait."""
        self._table.update(
            reanalysis_key(reanalysis.id),
            sets={"token": token},
            conditions=[("status", "=", reanalysis.status), ("attempt", "=", reanalysis.attempt)],
        )

    def set_limits(self, reanalysis: Reanalysis, now: datetime, who: str) -> None:
        """Allows it another number of runs at once, as it is in this value."""
        update = self._table.update_write(
            reanalysis_key(reanalysis.id),
            sets={
                ("limits", "in_flight"): reanalysis.limits.in_flight,
                "updated": timestamp(now),
            },
            conditions=[("pk", "present", None)],
        )
        said = f"{reanalysis.limits.in_flight} runs at once"
        event = self._event(reanalysis, now, who, f"cap {timestamp(now)}", said)
        self._table.transact([update, event])

    # Members

    def member(self, reanalysis: str, analysis: AnalysisId) -> MemberState | None:
        """One member, if a run was asked for it."""
        item = self._table.get(member_key(reanalysis, analysis))
        return from_item(item, MemberState) if item else None

    def members(self, reanalysis: str, status: MemberStatus | None = None) -> Iterator[MemberState]:
        """The members for which a run was asked, in the order of their samples.

        With a status, only those that have it.
        """
        where = ("status", status.value) if status else None
        for item in self._table.query(*members_of(reanalysis), where=where):
            yield from_item(item, MemberState)

    def begin(
        self, reanalysis: Reanalysis, before: MemberState | None, member: MemberState
    ) -> None:
        """Writes a member of which a run is to begin, and keeps what that may cost.

        ``before`` is the member as it was, of an earlier attempt or as a canary. Raises Conflict
        where another has written it, no run may begin, or the budget has not so much left.
        """
        pk, sk = member_key(member.reanalysis, member.id)
        was: Condition = ("pk", "absent", None)
        if before is not None:
            was = ("status", "=", before.status)
        put = self._table.put_write({"pk": pk, "sk": sk, **to_item(member)}, was)
        adds = {
            "going_on": 1,
            "reserved_micros": member.reserved_micros,
            "left_micros": -member.reserved_micros,
        }
        if before is not None and before.status in _COUNTED_AS:
            adds[_COUNTED_AS[before.status]] = -1
            adds |= {"amended": -int(before.is_amended), "uncertain": -int(before.is_uncertain)}
        conditions: list[Condition] = [
            ("status", "=", reanalysis.status),
            ("attempt", "=", reanalysis.attempt),
        ]
        if reanalysis.limits.budget_usd is not None:
            conditions.append(("left_micros", ">=", member.reserved_micros))
        self._table.transact([put, self._count(reanalysis.id, adds, conditions)])

    def wait_with(self, member: MemberState, token: str, run: str = "") -> MemberState:
        """Remembers who waits for a member's run, and which that is. Returns it as it is then."""
        sets = {"token": token} | ({"run": run} if run else {})
        item = self._table.update(
            member_key(member.reanalysis, member.id),
            sets=sets,
            conditions=[("pk", "present", None)],
        )
        return from_item(item, MemberState)

    def end(self, member: MemberState, after: MemberState) -> None:
        """Writes what became of a member, and gives back what was kept for it.

        Raises Conflict where it has ended already.
        """
        update = self._end_write(member, after, MemberStatus.GOING_ON)
        adds = {
            "going_on": -1,
            _COUNTED_AS[after.status]: 1,
            "amended": int(after.is_amended),
            "uncertain": int(after.is_uncertain),
            "reserved_micros": -member.reserved_micros,
            "spent_micros": after.cost_micros,
            "left_micros": member.reserved_micros - after.cost_micros,
        }
        self._table.transact([update, self._count(member.reanalysis, adds, ())])

    def take_back(self, member: MemberState, after: MemberState) -> None:
        """A member that was made, and can't take its place after all, is left out."""
        update = self._end_write(member, after, MemberStatus.MADE)
        adds = {
            "made": -1,
            "left_out": 1,
            "amended": -int(member.is_amended),
            "uncertain": -int(member.is_uncertain),
        }
        self._table.transact([update, self._count(member.reanalysis, adds, ())])

    def keep_for(self, member: MemberState, attempt: int) -> None:
        """A member that was made in an earlier attempt counts in this one."""
        self._table.update(
            member_key(member.reanalysis, member.id),
            sets={"attempt": attempt},
            conditions=[("status", "=", MemberStatus.MADE)],
        )

    def _end_write(self, member: MemberState, after: MemberState, was: MemberStatus) -> Write:
        """What became of a member; who waits for it now stays as it is."""
        item = to_item(after)
        names = ("status", "why", "run", "attempt", "cost_micros", "compared", "ended")
        return self._table.update_write(
            member_key(member.reanalysis, member.id),
            sets={name: item.get(name) for name in names},
            conditions=[
                ("status", "=", was),
                ("run", "=" if member.run else "absent", member.run),
                ("started", "=" if member.started else "absent", member.started),
            ],
        )

    def _count(
        self, reanalysis: str, adds: dict[str, int], conditions: "tuple[()] | list[Condition]"
    ) -> Write:
        return self._table.update_write(
            reanalysis_key(reanalysis), adds=adds, conditions=[*conditions]
        )

    def _event(self, reanalysis: Reanalysis, now: datetime, who: str, what: str, why: str) -> Write:
        trail = events_of_reanalysis(reanalysis.id)
        cause = f"{reanalysis.attempt}#{what}"
        return self._table.put_write(
            event_item(trail, now, cause, who=who, what=f"reanalysis {what}", why=why)
        )


def _item(reanalysis: Reanalysis) -> Item:
    """Its attributes; the plan is one text, since nothing is asked of its parts."""
    plan = reanalysis.plan
    item = to_item(msgspec.structs.replace(reanalysis, plan=None))
    item |= {name: getattr(reanalysis, name) for name in _COUNTERS}
    return item | {"plan": msgspec.json.encode(plan).decode()} if plan else item


def _read(item: Item) -> Reanalysis:
    plan = msgspec.json.decode(item["plan"], type=Plan) if item.get("plan") else None
    return from_item({**item, "plan": plan}, Reanalysis)
