"""What the tasks of a workflow have cost is in each figure that says what a run has cost."""

import msgspec
import pytest

from cli.cost import _document, _run_lines
from seqdrop.aws.catalog.layout import job_item, read_sample, run_item
from seqdrop.domain.identity import RunId, StageOf
from seqdrop.domain.reanalysis.estimate import LEAST_JOBS, History, Reckoned, reckon
from seqdrop.domain.records import Analysis, Attempt, Run, RunStatus, StageRun
from seqdrop.domain.task import Task, cost_of
from seqdrop.library import Library
from seqdrop.sample_view import RunView, view_sample
from tests.domain_support import analysis_item, job
from tests.tools_support import ROOT
from tests.workflows import stage_of

RUN = RunId("NA1", "wgs", "abc", 1)
HEAD = StageOf(RUN, "workflow")
QUEUE = "lab-nextflow-routine"
PREFIX = "NA1/wgs/workflow/k1/1/"


def task(job_id: str, usd: float | None, run: RunId = RUN, stage: str = "workflow") -> Task:
    status = "RUNNING" if usd is None else "SUCCEEDED"
    return Task(run, stage, job_id, status, queue="lab-cpu-routine", cost_usd=usd)


def shown(status: RunStatus, *tasks: Task, cost: float | None = None) -> RunView:
    """A run whose head job has cost 0.5 USD, as it is shown."""
    record = Run(
        "NA1", "wgs", "abc", 1, 1, status, pipeline="counting", reference="tiny/1", cost_usd=cost,
        stages=(StageRun("workflow", "k1", PREFIX, "nextflow"),),
        claimed="2026-01-01T00:00:00.000Z",
    )  # fmt: skip
    head = job(
        HEAD, status="FAILED", queue=QUEUE, cost_usd=0.5,
        attempts=(Attempt(seconds=60, cost_usd=0.5, ended="2026-01-01T00:00:00.000Z"),),
    )  # fmt: skip
    analysis = analysis_item(Analysis("NA1", "wgs"))
    items = [analysis, run_item(record), job_item(head)]
    found = msgspec.structs.replace(read_sample(items), tasks=tasks)
    (one,) = view_sample("NA1", found).analyses
    return one.runs[0]


@pytest.mark.parametrize(
    "status", [RunStatus.FAILED, RunStatus.ABORTED, RunStatus.RUNNING, RunStatus.CLAIMED]
)
def test_a_run_that_is_not_done_costs_what_its_jobs_and_their_tasks_have_cost(
    status: RunStatus,
) -> None:
    run = shown(
        status, task("a", 1.25), task("b", 2.0), task("c", None),
        task("of another run", 64.0, msgspec.structs.replace(RUN, attempt=2)),
    )  # fmt: skip
    assert run.cost_usd == pytest.approx(3.75)
    (stage,) = run.stages
    assert (stage.cost_usd, stage.tasks, stage.tasks_usd) == (3.75, 3, 3.25)


def test_each_sum_of_a_run_is_that_of_the_lines_below_it() -> None:
    run = shown(RunStatus.SUCCEEDED, task("a", 1.25), task("b", 2.0), cost=3.75)
    assert list(_run_lines(run))[1:] == [
        "  workflow $3.7500",
        "    attempt 1, FAILED: $0.5000",
        "    tasks, 2 of them: $3.2500",
    ]
    assert "$3.7500" in next(_run_lines(run))
    assert _document(run)["stages"] == [
        {
            "stage": "workflow",
            "cost_usd": 3.75,
            "attempts": [{"status": "FAILED", "failure_class": None, "cost_usd": 0.5}],
            "tasks": {"jobs": 2, "cost_usd": 3.25},
        }
    ]


def test_a_run_without_tasks_has_no_line_for_them() -> None:
    assert list(_run_lines(shown(RunStatus.FAILED)))[1:] == ["  workflow $0.5000"]


def test_what_nobody_knows_the_cost_of_is_for_nothing() -> None:
    assert cost_of([job(HEAD), job(HEAD, cost_usd=1.0)], [task("a", None), task("b", 2.0)]) == 3.0


def test_a_workflow_is_estimated_by_what_all_tries_at_its_results_have_cost() -> None:
    """One that is resumed takes over what the try before has made, and paid."""
    seen = History()
    for _ in range(LEAST_JOBS):
        second = msgspec.structs.replace(RUN, attempt=2)
        failed = job(HEAD, status="FAILED", prefix=PREFIX, ended="2026-01-01", cost_usd=9.0)
        good = job(
            StageOf(second, "workflow"), status="SUCCEEDED", prefix=PREFIX, ended="2026-01-02",
            cost_usd=0.5, attempts=(Attempt(seconds=3_600),),
        )  # fmt: skip
        other = msgspec.structs.replace(RUN, run_key="other")
        other_job = job(
            StageOf(other, "workflow"), status="FAILED", ended="2026-01-01",
            prefix="NA1/wgs/workflow/k2/1/",
        )  # fmt: skip
        tasks = [task("a", 4.0), task("b", 2.0, second), task("c", 32.0, other)]
        seen.add("wgs", 1, [good, failed, other_job], tasks)
    found = seen.estimate("wgs", "workflow", 2, Reckoned(1.0, 1.0, without_tasks=True))
    assert found.usd.expected == pytest.approx(2 * (0.5 + 4.0 + 2.0))
    assert not found.without_tasks


def test_an_estimate_of_a_workflow_without_a_past_says_that_tasks_are_not_in_it() -> None:
    prices = Library(str(ROOT / "pipelines")).prices()
    reckoned = reckon(stage_of(), 0, prices, 1_000)
    assert History().estimate("wgs", "workflow", 1, reckoned).without_tasks
