"""Tasks of workflows: known by their tag, in whatever order Batch tells of them."""

import itertools
from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec import structs

from seqdrop.aws.batch_detail import read_state
from seqdrop.domain.cost import micros
from seqdrop.domain.identity import StageOf
from seqdrop.domain.workflow import TAG, TRACE, tag_of
from seqdrop.flow.workflow_tasks import WorkflowTasks
from seqdrop.library import Library
from tests.cloud_support import execution_event, job_event
from tests.run_support import Bench
from tests.tools_support import ROOT

HOUR_MS = 3_600_000
REASON = "Essential container in task exited"


def tag(bench: Bench, **changes: Any) -> str:
    ids = structs.replace(bench.ids, **changes)
    return tag_of(ids.sample, ids.assay, ids.run_key, ids.attempt, "workflow")


def event(
    bench: Bench, status: str, job_id: str = "task-1", said: str | None = None
) -> dict[str, Any]:
    """Batch's event of a task, as those of the awsbatch executor are."""
    has_ended = status in {"SUCCEEDED", "FAILED"}
    code = {"exitCode": 0 if status == "SUCCEEDED" else 7} if has_ended else {}
    container = {"resourceRequirements": [{"type": "VCPU", "value": "2"}], **code}
    attempt = {"startedAt": 1_000, "stoppedAt": 1_000 + HOUR_MS, "container": code}
    return job_event(
        jobId=job_id, jobName="ALIGN_1", status=status, parameters={"nf-token": "x"},
        jobQueue="arn:aws:batch:us-east-1:123456789012:job-queue/lab-cpu-routine",
        tags={TAG: tag(bench) if said is None else said}, container=container,
        attempts=[attempt] if has_ended else [], statusReason=REASON if has_ended else None,
        **({"startedAt": 1_000, "stoppedAt": 1_000 + HOUR_MS} if has_ended else {}),
    )  # fmt: skip


def counted(bench: Bench) -> int:
    """How many jobs were added to the costs of the month in which they ended."""
    return sum(line.jobs for line in bench.cloud.catalog.costs.of_month("1970-01"))


@pytest.mark.parametrize(
    "order", list(itertools.permutations(["RUNNABLE", "RUNNING", "SUCCEEDED"])), ids="-".join
)
def test_a_task_is_known_and_counted_once_in_whatever_order_it_is_told(
    planned: Bench, order: tuple[str, ...]
) -> None:
    for status in (*order, *order):
        assert planned.cloud.deliver("record_job_event", event(planned, status)) == []
    (task,) = planned.cloud.catalog.tasks.of_run(planned.ids)
    assert (task.status, task.exit_code, task.vcpus) == ("SUCCEEDED", 0, 2)
    assert (task.stage, task.name, task.queue) == ("workflow", "ALIGN_1", "lab-cpu-routine")
    assert task.cost_usd == pytest.approx(2 * 0.0662 + 98 / 730 * 2 / 16, abs=1e-6)
    assert counted(planned) == 1
    (line,) = planned.cloud.catalog.costs.of_month("1970-01")
    assert (line.micros, line.waste_micros) == (micros(task.cost_usd), 0)


def test_what_a_task_that_failed_took_came_to_nothing(planned: Bench) -> None:
    planned.cloud.deliver("record_job_event", event(planned, "FAILED"))
    (line,) = planned.cloud.catalog.costs.of_month("1970-01")
    assert line.micros == line.waste_micros > 0


@pytest.mark.parametrize("said", ["", "else", "a/b/c/d/e", "NA1/default/0/1/workflow"])
def test_jobs_of_others_and_tasks_of_no_run_are_none_of_ours(planned: Bench, said: str) -> None:
    before = planned.all()
    strange = event(planned, "RUNNING", said=said)
    assert planned.cloud.deliver("record_job_event", strange) == []
    assert planned.all() == before
    assert planned.cloud.catalog.tasks.of_run(planned.ids) == []


def test_tasks_end_with_their_run_and_one_that_is_told_of_later_too(planned: Bench) -> None:
    planned.cloud.deliver("record_job_event", event(planned, "RUNNING", "task-1"))
    planned.cloud.deliver("record_job_event", event(planned, "SUCCEEDED", "task-2"))
    planned.cloud.deliver("end_run", execution_event(planned.ids, "ABORTED"))
    assert planned.cloud.batch.terminated == {"task-1": "stopped: its run was stopped"}
    planned.cloud.deliver("record_job_event", event(planned, "RUNNING", "task-3"))
    assert planned.cloud.batch.terminated["task-3"] == "stopped: its run has ended"
    planned.cloud.deliver("record_job_event", event(planned, "FAILED", "task-1"))
    assert "task-2" not in planned.cloud.batch.terminated


def tasks_of(bench: Bench) -> WorkflowTasks:
    return WorkflowTasks(
        catalog=bench.cloud.catalog,
        objects=bench.cloud.objects,
        batch=bench.cloud.batch,  # type: ignore[arg-type]  # Batch's word, as the test puts it
        prices=Library(str(ROOT / "pipelines")).prices,
        scratch_gib=1_000,
        now=lambda: datetime.now(UTC),
    )


def test_when_a_head_job_ends_batch_is_asked_after_all_tasks_of_its_trace(
    submitted: Bench,
) -> None:
    """Their events may be late: the cost of the run is added up right after."""
    head = submitted.job
    rows = [("task-1", "COMPLETED"), ("task-2", "COMPLETED"), ("old", "CACHED"), ("-", "ABORTED")]
    lines = ["native_id\tname\tstatus", *(f"{job}\tA\t{status}" for job, status in rows)]
    submitted.put(f"{head.prefix}{TRACE}", "\n".join(lines).encode())
    submitted.cloud.deliver("record_job_event", event(submitted, "RUNNING", "task-1"))
    submitted.cloud.deliver("record_job_event", event(submitted, "RUNNING", "task-0"))
    for job_id in ("task-0", "task-1", "task-2", "old"):
        # A workflow may have tags of its own: those of the trace are known without ours.
        detail = event(submitted, "SUCCEEDED", job_id, said="")["detail"]
        submitted.cloud.batch.states[job_id] = read_state(detail)
    tasks_of(submitted).settle(head, StageOf(submitted.ids, "workflow"))
    known = {task.job_id: task for task in submitted.cloud.catalog.tasks.of_run(submitted.ids)}
    assert known.keys() == {"task-0", "task-1", "task-2"}
    assert all(task.status == "SUCCEEDED" and task.cost_usd for task in known.values())
    assert counted(submitted) == 3
    submitted.cloud.deliver("record_job_event", event(submitted, "SUCCEEDED", "task-2"))
    assert counted(submitted) == 3


@pytest.mark.parametrize("queue", ["gpu", "lab-fpga-genome-routine", "cpu", ""])
def test_a_task_on_a_queue_of_others_has_no_price_and_keeps_no_head_job_from_its_end(
    submitted: Bench, queue: str, caplog: pytest.LogCaptureFixture
) -> None:
    head = submitted.job
    submitted.put(f"{head.prefix}{TRACE}", b"native_id\tname\tstatus\ntask-1\tA\tCOMPLETED")
    detail = event(submitted, "SUCCEEDED")["detail"]
    detail["jobQueue"] = f"arn:aws:batch:us-east-1:123456789012:job-queue/{queue}"
    submitted.cloud.batch.states["task-1"] = read_state(detail)
    tasks_of(submitted).settle(head, StageOf(submitted.ids, "workflow"))
    (task,) = submitted.cloud.catalog.tasks.of_run(submitted.ids)
    assert (task.status, task.queue, task.cost_usd) == ("SUCCEEDED", queue, None)
    assert "task-1" in caplog.text
    assert "none of ours" in caplog.text
    (line,) = submitted.cloud.catalog.costs.of_month("1970-01")
    assert line.micros == 0


def test_a_run_costs_what_its_jobs_and_their_tasks_cost(submitted: Bench) -> None:
    submitted.cloud.deliver("record_job_event", event(submitted, "SUCCEEDED"))
    for stage in submitted.plan.stages:
        submitted.publish(stage.stage)
    submitted.cloud.deliver("record_job_event", submitted.ended("SUCCEEDED"))
    submitted.state("finish_run")
    (task,) = submitted.cloud.catalog.tasks.of_run(submitted.ids)
    assert submitted.run.cost_usd is not None
    assert submitted.job.cost_usd is not None
    assert task.cost_usd is not None
    assert submitted.run.cost_usd == pytest.approx(submitted.job.cost_usd + task.cost_usd)
