"""The sweep on the real machine: what events that were lost leave behind, it finds and mends."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from seqdrop.aws.catalog.layout import job_key
from seqdrop.aws.catalog.table import Key
from seqdrop.domain.identity import IndexOf, ReferenceId
from tests.domain_support import job as job_of
from tests.lab import pair
from tests.statemachine.bench import Bench
from tests.statemachine.test_breaker import alerts, gates, sweep, told
from tests.statemachine.test_faults_seen_late import job_events_lost

LONG_AGO = "2026-01-01T00:00:00.000Z"


@contextmanager
def rule_lost(bench: Bench, name: str) -> Iterator[None]:
    """Events of a rule of the template reach nobody."""
    events = bench.lab.client("events")
    rule = next(r["Name"] for r in events.list_rules()["Rules"] if name in r["Name"])
    events.disable_rule(Name=rule)
    try:
        yield
    finally:
        events.enable_rule(Name=rule)


def make_due(bench: Bench, sample: str, *, late: bool = False) -> None:
    """As if nobody had heard of a sample for long; ``late``: as if it had not changed either."""
    for item in bench.lab.catalog.analyses.partition(sample):
        if "by_due_sk" in item:
            sets = {"by_due_sk": LONG_AGO} | ({"updated": LONG_AGO} if late else {})
            change(bench, (item["pk"], item["sk"]), sets)


def change(bench: Bench, key: Key, sets: dict[str, Any]) -> None:
    bench.lab.catalog.analyses._table.update(key, sets=sets)


def test_a_sweep_wakes_runs_whose_events_were_lost(bench: Bench) -> None:
    sample, lab = bench.new_sample(), bench.lab
    with job_events_lost(bench):
        bench.hold("count")
        bench.drop_pair(sample, "patient/")
        bench.pid("count")
        make_due(bench, sample)
        assert sweep(bench)["jobs"] >= 1
        assert [job.status for job in lab.jobs(sample, "patient")] == ["RUNNING"]
        bench.let_go("count")
        bench.break_("left", "told to fail")
        lab.wait_until(lambda: not lab.live_batch_jobs())
        make_due(bench, sample)
        sweep(bench)
        lab.wait_until(
            lambda: [bool(job.job_id) for job in lab.jobs(sample, "patient")] == [True] * 3
        )
        lab.wait_until(lambda: not lab.live_batch_jobs())
        make_due(bench, sample)
        sweep(bench)
    why = lab.wait_for(sample, "patient", "FAILED").why
    assert "told to fail" in why


def test_a_run_that_was_stopped_is_closed_though_nobody_is_told(bench: Bench) -> None:
    sample, lab = bench.new_sample(), bench.lab
    bench.hold("count")
    with rule_lost(bench, "ExecutionEnds"):
        bench.drop_pair(sample)
        bench.pid("count")
        (run,) = lab.runs(sample, "quick")
        stepfunctions = lab.client("stepfunctions")
        stepfunctions.stop_execution(executionArn=run.execution, cause="by a test")
        make_due(bench, sample)
        sweep(bench)
    (run,) = lab.runs(sample, "quick")
    assert (run.status, run.failure) == ("ABORTED", "stopped: by a test")
    lab.wait_until(lambda: not lab.live_batch_jobs())
    assert lab.wait_for(sample, "quick", "HELD").why == "stopped: by a test"


def test_a_job_whose_run_has_ended_is_ended_and_its_cost_is_counted(bench: Bench) -> None:
    sample, lab = bench.new_sample(), bench.lab
    bench.hold("count")
    bench.drop_pair(sample)
    bench.pid("count")
    (run,) = lab.runs(sample, "quick")
    with rule_lost(bench, "ExecutionEnds"), job_events_lost(bench):
        lab.client("stepfunctions").stop_execution(executionArn=run.execution, cause="by a test")
        (item,) = (i for i in lab.catalog.analyses.partition(sample) if i["sk"].startswith("RUN#"))
        change(bench, (item["pk"], item["sk"]), {"status": "ABORTED"})
        make_due(bench, sample)
        sweep(bench)
        lab.wait_until(lambda: not lab.live_batch_jobs())
        make_due(bench, sample)
        sweep(bench)
    (job,) = lab.jobs(sample, "quick")
    assert (job.status, job.failure_class) == ("FAILED", "Stopped")
    assert job.cost_usd
    for item in lab.catalog.analyses.partition(sample):  # no later sweep is to look at it
        change(bench, (item["pk"], item["sk"]), {"by_due_pk": None, "by_due_sk": None})


def test_a_job_that_no_host_comes_for_is_given_up_though_nobody_polls(bench: Bench) -> None:
    reason = "UNDETERMINED"
    sample, lab = bench.new_sample(), bench.lab
    with bench.playing(BLOCKED=reason):
        bench.drop_pair(sample, "patient/")
        lab.wait_until(lambda: [j for j in lab.jobs(sample, "patient") if j.blocked_reason])
        (item,) = (i for i in lab.catalog.analyses.partition(sample) if i["sk"].startswith("JOB#"))
        change(bench, (item["pk"], item["sk"]), {"blocked_since": LONG_AGO})
        make_due(bench, sample)
        sweep(bench)
        assert f": {reason} - " in lab.wait_for(sample, "patient", "FAILED").why


def test_a_sample_that_waits_too_long_is_told_of_and_starts_when_its_file_comes(
    bench: Bench,
) -> None:
    sample, lab, url = bench.new_sample(), bench.lab, alerts(bench)
    r1, r2 = pair(50, seed=99)
    lab.drop(f"{sample}_R1.fastq.gz", r1)
    lab.wait_until(lambda: (a := lab.analysis(sample, "quick")) and a.why.startswith("waiting for"))
    make_due(bench, sample, late=True)
    sweep(bench)
    (alert,) = told(bench, url)
    assert alert["detail-type"] == "Seqdrop Samples Late"
    (late,) = alert["detail"]["samples"]
    assert (late["sample"], late["status"]) == (sample, "RECEIVING")
    assert late["why"].startswith("waiting for")
    lab.drop(f"{sample}_R2.fastq.gz", r2)
    lab.wait_for(sample, "quick", "ANALYSED")


def test_a_shut_gate_is_probed_by_the_sweep(bench: Bench) -> None:
    queue = "seqdrop-cpu-routine"
    gates(bench).pause(queue, "ana", "new AMI")
    batch = bench.lab.client("batch")
    name = "seqdrop-gate-cpu"
    batch.update_consumable_resource(consumableResource=name, operation="SET", quantity=5)
    sweep(bench)
    found = batch.describe_consumable_resource(consumableResource=name)
    assert found["totalQuantity"] == 0, "as the catalog has it"
    gates(bench).free(queue, "ana")


def test_a_job_of_a_reference_that_batch_has_forgotten_is_closed(bench: Bench) -> None:
    catalog = bench.lab.catalog
    owner = IndexOf(ReferenceId("nothing", "1"), "bwa", 1)
    bucket = bench.lab.runtime.outputs["ReferencesBucket"]
    job = job_of(
        owner, job_id="11111111-1111-1111-1111-111111111111", queue="seqdrop-cpu-routine",
        bucket=bucket, submitting=LONG_AGO,
    )  # fmt: skip
    catalog.jobs.start(job)
    other = job_of(IndexOf(owner.reference, "dragen", 1), queue="seqdrop-cpu-routine",
        bucket=bucket, submitting=LONG_AGO)  # fmt: skip
    catalog.jobs.start(other)
    sweep(bench)
    first, second = catalog.jobs.of_reference(owner.reference)
    assert (first.status, first.failure_class) == ("FAILED", "JobVanished")
    assert second.status == "SUBMITTING", "it may be submitted by whoever adds the reference again"
    change(bench, job_key(other.owner), {"by_due_pk": None, "by_due_sk": None})


def test_the_deployed_schedule_calls_the_sweep_every_quarter_of_an_hour(bench: Bench) -> None:
    deployment = bench.lab.runtime.deployment
    assert deployment is not None
    (schedule,) = deployment.schedules
    assert schedule.function_arn.endswith(":function:seqdrop-sweep-catalog")
    assert (schedule.every_seconds, schedule.payload) == (900.0, "{}")
