"""Tasks of workflows in the catalog: each only moves forward, and its cost is counted once."""

from collections.abc import Iterable
from contextlib import suppress

from seqdrop.aws.catalog.costs import Costs
from seqdrop.aws.catalog.layout import (
    read_task,
    task_attributes,
    task_key,
    tasks_of_run,
    tasks_of_sample,
)
from seqdrop.aws.catalog.table import Table
from seqdrop.domain.errors import Conflict
from seqdrop.domain.identity import RunId
from seqdrop.domain.records import Job
from seqdrop.domain.task import Task, may_have_tasks


class Tasks:
    """Task items, apart from all else of a sample: a run may have thousands."""

    def __init__(self, table: Table, costs: Costs) -> None:
        self._table = table
        self._costs = costs

    def of_run(self, run: RunId) -> list[Task]:
        """The tasks of a run that are known."""
        return [read_task(item) for item in self._table.query(*tasks_of_run(run))]

    def of_jobs(self, sample: str, jobs: Iterable[Job]) -> list[Task]:
        """The tasks of a sample's runs; without a look where no job is the head of a workflow."""
        if not any(map(may_have_tasks, jobs)):
            return []
        return [read_task(item) for item in self._table.query(*tasks_of_sample(sample))]

    def record(self, task: Task) -> None:
        """Writes a task as it is now, unless more is known of it already."""
        change = self._table.update_write(
            task_key(task),
            sets=task_attributes(task),
            conditions=[("progress", "absent or <", task.progress)],
        )
        ended = [self._costs.count_task_write(task)] if task.has_ended else []
        with suppress(Conflict):  # old news
            self._table.transact([change, *ended])
