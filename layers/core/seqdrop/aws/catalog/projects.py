"""Projects in the catalog: how many of their runs go on, whether they are paused, and their lines.

A run is counted in the transaction that claims it, and no longer in the one that closes it: so the
count is that of the runs, whatever comes twice.
"""

from collections.abc import Iterator
from datetime import datetime

import msgspec

from seqdrop.aws.catalog.layout import (
    ALL_PROJECTS,
    line_of,
    place_key,
    project_key,
    read_place,
    timestamp,
)
from seqdrop.aws.catalog.table import Table, Write, from_item
from seqdrop.domain.admission import Place, Project

_PLACES = 5
"""The first of a line is wanted, and those before it that left it."""
_PAUSE = ("paused_by", "paused_why", "paused_since")


class Projects:
    """A project that was never paused or counted has no item."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def get(self, name: str) -> Project:
        """A project as it is."""
        item = self._table.get(project_key(name))
        return from_item(item, Project) if item else Project(name)

    def all(self) -> list[Project]:
        """Every project that was ever paused or counted."""
        return [from_item(item, Project) for item in self._table.query(*ALL_PROJECTS)]

    def pause(self, name: str, who: str, why: str, now: datetime) -> Project:
        """Claims no more runs of it; who pauses it again gives another reason."""
        sets = {"name": name, "paused_by": who, "paused_why": why or None}
        item = self._table.update(
            project_key(name), sets=sets, defaults={"paused_since": timestamp(now)}
        )
        return from_item(item, Project)

    def resume(self, name: str) -> Project:
        """Ends a pause, if there is one."""
        item = self._table.update(project_key(name), sets={"name": name}, removes=_PAUSE)
        return from_item(item, Project)

    def correct(self, project: Project, in_flight: int) -> None:
        """Sets a count that was found wrong. Raises Conflict where a run came or went meanwhile."""
        self._table.update(
            project_key(project.name),
            sets={"name": project.name, "in_flight": in_flight},
            conditions=[("turns", "=" if project.turns else "absent", project.turns)],
        )

    def enter_write(self, name: str, runs_at_once: int) -> Write:
        """Counts a run that is claimed. Its condition is that there is room, and no pause."""
        return self._table.update_write(
            project_key(name),
            sets={"name": name},
            adds={"in_flight": 1, "turns": 1},
            conditions=[
                ("in_flight", "absent or <", runs_at_once),
                ("paused_since", "absent", None),
            ],
        )

    def leave_write(self, name: str) -> Write:
        """Counts a run no longer, since it is closed."""
        return self._table.update_write(project_key(name), adds={"in_flight": -1, "turns": 1})

    def queue_up(self, name: str, place: Place) -> None:
        """Puts an analysis into a project's line; twice is as good as once."""
        pk, sk = place_key(name, place)
        self._table.put({"pk": pk, "sk": sk, **msgspec.to_builtins(place)})

    def line(self, name: str) -> Iterator[Place]:
        """Who waits for a project, in the order of their turns."""
        return map(read_place, self._table.query(*line_of(name), page=_PLACES))

    def step_out(self, name: str, place: Place) -> None:
        """Takes an analysis out of a project's line."""
        self._table.delete(place_key(name, place))

    def step_out_write(self, name: str, place: Place) -> Write:
        """The same, for a transaction."""
        return self._table.delete_write(place_key(name, place))
