"""What jobs have cost, added up by day, project and pipeline.

A job is counted once, in the transaction that writes its end: so events that come twice, late or
out of order count once, and the sums are those of the jobs to the millionth of a USD.
"""

from collections import defaultdict

import msgspec

from seqdrop.aws.catalog.layout import cost_key, costs_of_month, task_cost_key
from seqdrop.aws.catalog.table import Table, Write, from_item
from seqdrop.domain.cost import CostLine, micros
from seqdrop.domain.records import Job
from seqdrop.domain.task import Task

_SUMS = ("micros", "waste_micros", "jobs", "dragen_bases")


class Costs:
    """Items that are only ever added to."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def count_write(self, job: Job) -> Write:
        """Adds a job that has ended, for the transaction that says so."""
        adds = {
            "micros": sum(micros(attempt.cost_usd) for attempt in job.attempts),
            "waste_micros": sum(micros(attempt.cost_usd) for attempt in job.waste),
            "jobs": 1,
            "dragen_bases": job.dragen_bases,
        }
        of = {"day": job.ended[:10], "project": job.project, "pipeline": job.pipeline}
        return self._table.update_write(cost_key(job), sets=of, adds=adds)

    def count_task_write(self, task: Task) -> Write:
        """Adds a workflow's task that has ended, for the transaction that says so."""
        adds = {
            "micros": sum(micros(attempt.cost_usd) for attempt in task.attempts),
            "waste_micros": sum(micros(attempt.cost_usd) for attempt in task.waste),
            "jobs": 1,
            "dragen_bases": 0,
        }
        of = {"day": task.ended[:10], "project": task.project, "pipeline": task.pipeline}
        return self._table.update_write(task_cost_key(task), sets=of, adds=adds)

    def of_month(self, month: str) -> list[CostLine]:
        """The costs of a month (``2026-11``), a line for each day, project and pipeline."""
        parts: dict[tuple[str, str, str], list[CostLine]] = defaultdict(list)
        for range_ in costs_of_month(month):
            for item in self._table.query(*range_):
                line = from_item(item, CostLine)
                parts[line.day, line.project, line.pipeline].append(line)
        return [_sum(lines) for _, lines in sorted(parts.items())]


def _sum(lines: list[CostLine]) -> CostLine:
    sums = {name: sum(getattr(line, name) for line in lines) for name in _SUMS}
    return msgspec.structs.replace(lines[0], **sums)
