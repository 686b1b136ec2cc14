"""PlanRun: what of a claimed run is to be run, and what is there already."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from seqdrop.aws.catalog import Catalog
from seqdrop.aws.objects import Objects
from seqdrop.domain.blueprint import Blueprint, decode_blueprint
from seqdrop.domain.errors import NoSuchSample, RunClosed
from seqdrop.domain.identity import RunId
from seqdrop.domain.plan import RunPlan
from seqdrop.domain.plan_making import is_begun_anew, make_plan
from seqdrop.domain.records import Run, StageRun


@dataclass(frozen=True)
class Planning:
    """The plan is frozen in the results bucket: a second call finds the first one's."""

    catalog: Catalog
    objects: Objects
    results_bucket: str
    shortest_poll_seconds: int
    now: Callable[[], datetime]

    def plan(self, ids: RunId, execution_arn: str) -> dict[str, Any]:
        """Plans a run and marks it RUNNING; returns its waves, in ids only.

        Raises NoSuchSample or RunClosed where there is nothing to be run.
        """
        run = self.catalog.runs.get(ids)
        if run is None:
            raise NoSuchSample(f"there is no {ids}")
        if not run.status.live:
            raise RunClosed(f"{ids} is {run.status}")
        plan = self.objects.read_plan(self.results_bucket, ids.folder) or self._make(run)
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
        blueprint = decode_blueprint(self.catalog.runs.blueprint(run))
        analysis = run.id.analysis
        results = {name: analysis.results(name, key) for name, key in blueprint.stage_keys.items()}
        taken: dict[str, int] = {}
        good: dict[str, int] = {}
        for name, of_stage in results.items():
            seen, complete = self.objects.result_numbers(self.results_bucket, of_stage.prefix, name)
            taken[name] = max(seen, default=0)
            if complete:
                good[name] = complete[-1]
        for job in self.catalog.jobs.of_analysis(analysis):
            number = results[job.stage].number_of(job.prefix) if job.stage in results else None
            if number:  # a job that may still write there keeps its number
                taken[job.stage] = max(taken[job.stage], number)
        plan = make_plan(
            blueprint,
            run,
            bucket=self.results_bucket,
            good=good,
            next_number={name: number + 1 for name, number in taken.items()},
            begun=self._begun(run, blueprint),
            shortest_poll_seconds=self.shortest_poll_seconds,
        )
        return self.objects.freeze_plan(self.results_bucket, plan)

    def _begun(self, run: Run, blueprint: Blueprint) -> dict[str, int]:
        """Of each workflow the number of the newest run that began it anew."""
        if not any(stage.workflow for stage in blueprint.stages.values()):
            return {}
        begun: dict[str, int] = {}
        for earlier in self.catalog.runs.of_analysis(run.id.analysis):
            for stage in earlier.stages:
                results = run.id.analysis.results(stage.stage, stage.key)
                if (
                    not stage.reused
                    and blueprint.stage_keys.get(stage.stage) == stage.key
                    and is_begun_anew(blueprint, earlier.options, stage.stage)
                ):
                    number = results.number_of(stage.prefix) or 0
                    begun[stage.stage] = max(begun.get(stage.stage, 0), number)
        return begun
