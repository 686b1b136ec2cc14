"""Nextflow's trace file: a row for each task, in the columns that its configuration names."""

import csv

import msgspec

from seqdrop.domain.errors import InvalidMeasure

_CACHED = "CACHED"


class TracedTask(msgspec.Struct, frozen=True):
    """A row of the trace."""

    native_id: str
    """The Batch job."""
    name: str
    status: str
    """COMPLETED, FAILED, ABORTED, or CACHED: of a task of an earlier try, whose job that was."""

    @property
    def is_of_this_try(self) -> bool:
        """Whether its job was submitted by the head job that wrote the trace."""
        return self.status != _CACHED and bool(self.native_id.strip("- "))


def read_trace(content: bytes) -> list[TracedTask]:
    """The tasks of a trace. Raises InvalidMeasure where it has not the columns of one."""
    try:
        rows = list(csv.DictReader(content.decode().splitlines(), delimiter="\t"))
        return [TracedTask(row["native_id"] or "", row["name"], row["status"]) for row in rows]
    except (KeyError, UnicodeDecodeError, csv.Error) as error:
        raise InvalidMeasure(f"is not a trace of Nextflow: {error!r}") from error
