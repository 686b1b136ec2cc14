"""Breakers and pauses through the real machine: what waits, who is told, and how it goes on."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from msgspec import structs

from seqdrop.aws.alerts import Alerts
from seqdrop.aws.batch import Batch
from seqdrop.aws.queues import UploadsQueue
from seqdrop.composition import now
from seqdrop.domain.gate import SAME_IN_A_ROW, Gate
from seqdrop.flow.assay_gates import AssayGates
from seqdrop.flow.gates import Gates
from tests.statemachine.bench import Bench, entered, open_bench
from tests.statemachine.test_failures import jobs_of
from tests.statemachine.test_faults_seen_late import job_events_lost

EXHAUSTED = "ERROR: the license has expired"
WAITING = 20
QUEUE = "seqdrop-fpga-genome-routine"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with open_bench(tmp_path_factory.mktemp("breaker"), wait_for_hosts_seconds=600) as opened:
        yield opened


def gates(bench: Bench) -> Gates:
    """What a person changes gates by."""
    batch, alerts_ = Batch(bench.lab.client("batch")), Alerts(bench.lab.client("events"))
    return Gates(bench.lab.catalog, batch, alerts_, now)


def gate(bench: Bench) -> Gate:
    return bench.lab.catalog.gates.get("fpga-genome")


def alerts(bench: Bench) -> str:
    """The URL of a queue that gets the alerts."""
    url = bench.lab.client("sqs").create_queue(QueueName="alerts")["QueueUrl"]
    events = bench.lab.client("events")
    pattern = json.dumps({"source": ["seqdrop"]})
    events.put_rule(Name="alerts", EventPattern=pattern)
    arn = "arn:aws:sqs:us-east-1:123456789012:alerts"
    events.put_targets(Rule="alerts", Targets=[{"Id": "1", "Arn": arn}])
    return str(url)


def told(bench: Bench, url: str) -> list[dict[str, Any]]:
    """All alerts that have come."""
    found: list[dict[str, Any]] = []
    while True:
        answer = bench.lab.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10)
        if not answer.get("Messages"):
            return found
        found += [json.loads(message["Body"]) for message in answer["Messages"]]


def told_soon(bench: Bench, url: str) -> list[dict[str, Any]]:
    """The alerts of the gate as it is, once one has come; those of tests before may come late."""
    since, found = gate(bench).since, list[dict[str, Any]]()

    def has_any() -> bool:
        found.extend(one for one in told(bench, url) if one["detail"].get("since") == since)
        return bool(found)

    bench.lab.wait_until(has_any)
    return found


def sweep(bench: Bench) -> dict[str, Any]:
    """Calls the sweep as its schedule does."""
    answer = bench.lab.client("lambda").invoke(FunctionName="seqdrop-sweep-catalog", Payload=b"{}")
    found: dict[str, Any] = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, found
    assert found["failures"] == 0
    assert found["is_whole"]
    return found


def runnable(bench: Bench, samples: list[str]) -> int:
    """How many samples' FPGA jobs wait in their queue."""
    newest = (jobs_of(bench, name, "right")[-1:] for name in samples)
    return sum(job.status == "RUNNABLE" for jobs in newest for job in jobs)


def test_a_licence_that_is_used_up_costs_one_alert_and_no_run(lab: Bench) -> None:
    url = alerts(lab)
    lab.hold("right")
    samples = [lab.new_sample() for _ in range(WAITING + 1)]
    for sample in samples:
        lab.drop_pair(sample)
    lab.lab.wait_until(lambda: runnable(lab, samples) == WAITING, 120)
    lab.break_("right", EXHAUSTED)
    lab.let_go("right")
    lab.lab.wait_until(lambda: gate(lab).state == "shut")
    lab.lab.wait_until(lambda: runnable(lab, samples) == WAITING + 1)
    started = lab.starts("right")
    assert started <= 5, "those that got the slot before the news of the first"
    time.sleep(3)
    assert lab.starts("right") == started, "none starts to fail"
    (alert,) = told_soon(lab, url)
    assert alert["detail-type"] == "Seqdrop Breaker Opened"
    assert alert["detail"]["queue_kind"] == "fpga-genome"
    assert alert["detail"]["why"].endswith(f"; {EXHAUSTED}")
    assert "seqdrop resume fpga-genome" in alert["detail"]["do"]
    assert {lab.lab.analysis(name, "quick").status for name in samples} == {"ANALYSING"}  # type: ignore[union-attr]  # all are there
    lab.mend("right")
    gates(lab).free(QUEUE, "a test")
    for sample in samples:
        lab.lab.wait_for(sample, "quick", "ANALYSED")
    assert told(lab, url) == []
    failed = [job for name in samples for job in jobs_of(lab, name, "right") if job.failure_class]
    assert {job.failure_class for job in failed} == {"LicenceExhausted"}


def test_a_probe_frees_the_gate_when_it_succeeds(lab: Bench) -> None:
    lab.forget()
    sample = lab.new_sample()
    lab.break_("right", EXHAUSTED, times=1)
    lab.drop_pair(sample)
    lab.lab.wait_until(lambda: gate(lab).state == "shut" and gate(lab).is_told)
    shut = gate(lab)
    due = shut.since  # as if its quarter of an hour had passed
    lab.lab.catalog.gates.change(structs.replace(shut, probe_at=due))
    lab.lab.wait_for(sample, "quick", "ANALYSED")
    lab.lab.wait_until(lambda: gate(lab).is_free)
    assert "PollJob" in entered(lab, sample), "whoever waits asks, and lets one through"


def test_a_breaker_opens_and_tells_though_no_event_of_the_job_comes(lab: Bench) -> None:
    lab.forget()
    url, sample = alerts(lab), lab.new_sample()
    told(lab, url)  # of the tests before
    with job_events_lost(lab):
        lab.break_("right", EXHAUSTED, times=1)
        lab.drop_pair(sample)
        lab.lab.wait_until(lambda: gate(lab).state == "shut" and gate(lab).is_told, 120)
    assert told_soon(lab, url)
    gates(lab).free(QUEUE, "a test")
    lab.lab.wait_for(sample, "quick", "ANALYSED")


def test_a_paused_kind_starts_nothing_and_keeps_what_runs(lab: Bench) -> None:
    lab.forget()
    gates(lab).pause(QUEUE, "ana", "new AMI")
    sample = lab.new_sample()
    lab.drop_pair(sample)
    lab.lab.wait_until(lambda: runnable(lab, [sample]) == 1)
    assert lab.starts("right") == 0
    gates(lab).free(QUEUE, "ana")
    lab.lab.wait_for(sample, "quick", "ANALYSED")


def test_an_assay_that_fails_again_and_again_begins_no_more_runs(lab: Bench) -> None:
    lab.forget()
    url = alerts(lab)
    told(lab, url)  # of the tests before
    lab.break_("left", "told to fail")
    for _ in range(SAME_IN_A_ROW):
        sample = lab.new_sample()
        lab.drop_pair(sample)
        lab.lab.wait_for(sample, "quick", "FAILED")
    waits = lab.new_sample()
    lab.drop_pair(waits)
    found = lab.lab.wait_for(waits, "quick", "READY")
    assert found.why.startswith("the breaker of assay quick is open: ToolFailed in stage left: ")
    sweep(lab)
    (alert,) = (one for one in told(lab, url) if one["detail"].get("assay"))
    assert alert["detail"]["assay"] == "quick"
    assert alert["detail"]["why"].startswith("ToolFailed in stage left: ")
    lab.mend("left")
    AssayGates(lab.lab.catalog, now).free("quick", "a test")
    uploads = UploadsQueue(lab.lab.client("sqs"), lab.lab.runtime.outputs["UploadsQueueUrl"])
    uploads.recheck(found.id)
    lab.lab.wait_for(waits, "quick", "ANALYSED")


def test_an_urgent_run_takes_the_next_slot_before_500_that_wait(lab: Bench) -> None:
    lab.forget()
    batch = lab.lab.client("batch")
    lab.hold("right")
    first, urgent = lab.new_sample(), lab.new_sample()
    lab.drop_pair(first)
    lab.pid("right")
    waiting = [
        batch.submit_job(
            jobName=f"bulk-{number}", jobQueue="seqdrop-fpga-genome-bulk",
            jobDefinition="seqdrop-fpga-genome-results",
            parameters={"plan": f"s3://{lab.lab.results}/none/plan.json"},
        )["jobId"]
        for number in range(500)
    ]  # fmt: skip
    lab.drop_pair(urgent, "pressing/")
    lab.lab.wait_until(lambda: jobs_of(lab, urgent, "right", "pressing"))
    lab.lab.wait_until(lambda: jobs_of(lab, urgent, "right", "pressing")[0].status == "RUNNABLE")
    lab.let_go("right")
    lab.lab.wait_for(urgent, "pressing", "ANALYSED")
    (job,) = jobs_of(lab, urgent, "right", "pressing")
    assert job.queue == "seqdrop-fpga-genome-urgent"
    for job_id in reversed(waiting):
        batch.terminate_job(jobId=job_id, reason="enough")
    found = [
        each
        for begin in range(0, 500, 100)
        for each in batch.describe_jobs(jobs=waiting[begin : begin + 100])["jobs"]
    ]
    (ours,) = batch.describe_jobs(jobs=[job.job_id])["jobs"]
    started = [each["startedAt"] for each in found if each.get("startedAt")]
    assert all(ours["startedAt"] <= time_ for time_ in started), "none of them came before"
    lab.lab.wait_for(first, "quick", "ANALYSED")
