"""PlanRun: what of a claimed run is to be run, and what is there already."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from seqdrop.aws.catalog import Catalog
from seqdrop.aws.executions import RunInput
from seqdrop.aws.objects import Objects
from seqdrop.domain.blueprint import Blueprint
from seqdrop.domain.errors import NoSuchSample, RunClosed
from seqdrop.domain.naming import result_prefix, run_folder, run_id
from seqdrop.domain.plan import RunPlan
from seqdrop.domain.planning import make_plan
from seqdrop.domain.records import Run, StageRun


@dataclass(frozen=True)
class Plans:
    """The plan is frozen in the results bucket: a second call finds the first one's."""

    catalog: Catalog
    objects: Objects
    results_bucket: str
    shortest_poll_seconds: int
    now: Callable[[], datetime]

    def plan(self, ids: RunInput, execution_arn: str) -> dict[str, Any]:
        """Plans a run and marks it RUNNING; returns its waves, in ids only.

        Raises NoSuchSample or RunClosed where there is nothing to be run.
        """
        run = self.catalog.runs.get(ids.sample, ids.assay, run_id(ids.run_key, ids.attempt))
        if run is None:
            raise NoSuchSample(f"there is no run {ids.run_key} of {ids.sample}")
        if not run.status.live:
            raise RunClosed(f"run {run.id} of {run.sample} is {run.status}")
        folder = run_folder(run.sample, run.assay, run.run_key, run.attempt)
        plan = self.objects.read_plan(self.results_bucket, folder) or self._make(run)
        stages = [StageRun(s.stage, s.key, s.prefix, s.queue, s.reused) for s in plan.stages]
        self.catalog.runs.mark_running(run, execution_arn, stages, self.now())
        shared = msgspec.to_builtins(ids)
        return {
            "waves": [
                {
                    "stages": [
                        {**shared, "stage": name, "poll_seconds": plan.stage(name).poll_seconds}
                        for name in wave
                    ]
                }
                for wave in plan.waves
            ]
        }

    def _make(self, run: Run) -> RunPlan:
        blueprint = msgspec.json.decode(run.blueprint, type=Blueprint)
        taken: dict[str, int] = {}
        good: dict[str, int] = {}
        for name, key in blueprint.stage_keys.items():
            prefix = result_prefix(run.sample, run.assay, name, key)
            seen, complete = self.objects.result_numbers(self.results_bucket, prefix, name)
            taken[prefix] = max(seen, default=0)
            if complete:
                good[name] = complete[-1]
        for job in self.catalog.jobs.of_run(run.sample, run.assay):
            prefix, number = job.prefix.rstrip("/").rsplit("/", 1)
            if f"{prefix}/" in taken:  # a job that may still write there keeps its number
                taken[f"{prefix}/"] = max(taken[f"{prefix}/"], int(number))
        next_number = {
            name: taken[result_prefix(run.sample, run.assay, name, key)] + 1
            for name, key in blueprint.stage_keys.items()
        }
        plan = make_plan(
            blueprint,
            run,
            bucket=self.results_bucket,
            good=good,
            next_number=next_number,
            shortest_poll_seconds=self.shortest_poll_seconds,
        )
        return self.objects.freeze_plan(self.results_bucket, plan)
