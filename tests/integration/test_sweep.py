"""The sweep through its function: what was lost is made up for, and what can't be is told, once."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from seqdrop.aws.alerts import Alerts
from seqdrop.aws.executions import ExecutionState
from seqdrop.domain.cost import micros
from seqdrop.domain.identity import IndexOf, ReferenceId
from seqdrop.domain.records import AnalysisStatus, Attempt, JobState, RunStatus
from seqdrop.flow.references import Preparation
from seqdrop.flow.sweep import LATE, LateAlert
from tests.cloud_support import RESULTS, Cloud, Context, client_of, dying, execution_event
from tests.domain_support import job as job_of
from tests.lab import reads
from tests.run_support import Bench

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")
MINUTE, HOUR, DAY = 60, 3_600, 86_400
NOTHING = {"jobs": 0, "analyses": 0, "late": 0, "failures": 0, "is_whole": True}


@pytest.fixture
def alerts(monkeypatch: pytest.MonkeyPatch) -> list[LateAlert]:
    """What was alerted about samples."""
    sent: list[LateAlert] = []

    def keep(_: Alerts, kind: str, alert: LateAlert) -> None:
        assert kind == LATE
        sent.append(alert)

    monkeypatch.setattr(Alerts, "send", keep)
    return sent


@pytest.fixture
def busy(submitted: Bench) -> Bench:
    """A run whose first job runs, and goes on running."""
    submitted.cloud.batch.states["job-1"] = JobState("job-1", "RUNNING")
    return submitted


def sweep(cloud: Cloud) -> dict[str, Any]:
    found: dict[str, Any] = cloud.call("sweep_catalog", {})
    return found


def other_reads(mate: int, seed: int = 7) -> bytes:
    """The reads of another sample than the bench's."""
    return reads(6, mate=mate, seed=seed)


def delivered(cloud: Cloud) -> None:
    """Lets the messages that were sent to ourselves be handled, those about analyses, too."""
    sqs = client_of("sqs")
    while found := sqs.receive_message(QueueUrl=cloud.queue_url, MaxNumberOfMessages=10).get(
        "Messages"
    ):
        for message in found:
            sqs.delete_message(QueueUrl=cloud.queue_url, ReceiptHandle=message["ReceiptHandle"])
        assert cloud.deliver("register_upload", *(message["Body"] for message in found)) == []


def ended(job_id: str, status: str, exit_code: int = 0) -> JobState:
    """Batch's word on a job that ran for an hour."""
    last = Attempt(3_600.0, "2026-03-01T12:00:00.000Z", "2026-03-01T13:00:00.000Z", exit_code)
    return JobState(
        job_id, status, exit_code=exit_code, reason="Essential container in task exited",
        ended=last.ended, attempts=(last,),
    )  # fmt: skip


def test_nothing_is_due_at_once_and_nothing_once_all_is_done(submitted: Bench) -> None:
    assert sweep(submitted.cloud) == NOTHING
    for stage in ("align", "call"):
        submitted.publish(stage)
    submitted.stage("submit_job", "call")
    for number in (1, 2):
        submitted.cloud.deliver("record_job_event", submitted.ended("SUCCEEDED", number=number))
    submitted.state("finish_run")
    submitted.cloud.clock.turn(30 * DAY)
    assert sweep(submitted.cloud) == NOTHING


def test_the_end_of_a_job_whose_event_was_lost_wakes_its_run(submitted: Bench) -> None:
    submitted.publish("align")
    submitted.cloud.batch.states["job-1"] = ended("job-1", "SUCCEEDED")
    submitted.cloud.clock.turn(30 * MINUTE)
    sweep(submitted.cloud)
    assert submitted.job.status == "SUBMITTING", "it is not due yet"
    submitted.cloud.clock.turn(HOUR)
    assert sweep(submitted.cloud)["jobs"] == 1
    assert submitted.job.status == "SUCCEEDED"
    assert submitted.cloud.executions.answers == [("token", "SUCCEEDED")]
    submitted.cloud.clock.turn(DAY)
    assert sweep(submitted.cloud)["jobs"] == 0


def test_a_job_that_goes_on_is_asked_after_every_hour(submitted: Bench) -> None:
    submitted.cloud.batch.states["job-1"] = JobState("job-1", "RUNNING", started="2026-03-01")
    for _ in range(3):
        submitted.cloud.clock.turn(HOUR + 1)
        assert sweep(submitted.cloud)["jobs"] == 1
        assert sweep(submitted.cloud)["jobs"] == 0
    assert submitted.job.status == "RUNNING"
    assert submitted.cloud.batch.terminated == {}


def test_a_job_that_ends_after_its_run_was_closed_is_counted_though_its_event_is_lost(
    submitted: Bench,
) -> None:
    submitted.cloud.deliver("end_run", execution_event(submitted.ids, "ABORTED", cause="a test"))
    submitted.cloud.batch.states["job-1"] = ended("job-1", "FAILED", 137)
    submitted.cloud.clock.turn(HOUR + 1)
    sweep(submitted.cloud)
    assert (submitted.job.status, submitted.job.failure_class) == ("FAILED", "HostFailed")
    assert submitted.job.cost_usd
    (month,) = {submitted.job.ended[:7]}
    (day,) = submitted.cloud.catalog.costs.of_month(month)
    assert (day.jobs, day.micros) == (1, micros(submitted.job.cost_usd))


def test_a_job_that_nobody_waits_for_is_ended(
    submitted: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(submitted.cloud.batch, "terminate", lambda *_: None)  # it is lost
        submitted.cloud.deliver("end_run", execution_event(submitted.ids, "FAILED"))
    submitted.cloud.batch.states["job-1"] = JobState("job-1", "RUNNING")
    submitted.cloud.clock.turn(HOUR + 1)
    sweep(submitted.cloud)
    assert submitted.cloud.batch.terminated == {"job-1": "stopped: its run has ended"}


def test_a_job_that_was_written_and_never_submitted_is_closed_after_its_run(
    planned: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(_: object) -> str:
        raise EndpointConnectionError(endpoint_url="batch")

    monkeypatch.setattr(planned.cloud.batch, "submit", dies)
    with pytest.raises(Exception, match="batch"):
        planned.stage("submit_job")
    planned.cloud.clock.turn(HOUR + 1)
    sweep(planned.cloud)
    assert planned.job.status == "SUBMITTING", "its state may still be tried again"
    planned.cloud.deliver("end_run", execution_event(planned.ids, "FAILED"))
    planned.cloud.clock.turn(HOUR + 1)
    sweep(planned.cloud)
    assert (planned.job.status, planned.job.failure_class) == ("FAILED", "Stopped")
    assert "before it was submitted" in planned.job.message


@pytest.mark.parametrize("status", ["FAILED", "TIMED_OUT", "ABORTED", "SUCCEEDED"])
def test_a_run_whose_execution_has_ended_without_a_word_is_closed(
    submitted: Bench, status: str
) -> None:
    name = submitted.ids.execution_name
    submitted.cloud.clock.turn(16 * MINUTE)
    sweep(submitted.cloud)
    assert submitted.run.status is RunStatus.RUNNING, "its execution runs"
    submitted.cloud.executions.states[name] = ExecutionState(status, "States.Runtime")
    sweep(submitted.cloud)
    assert submitted.run.status is RunStatus.RUNNING, "it is not due again yet"
    submitted.cloud.clock.turn(HOUR)
    sweep(submitted.cloud)
    stopped = status == "ABORTED"
    assert submitted.run.status is (RunStatus.ABORTED if stopped else RunStatus.FAILED)
    assert submitted.analysis.status == ("HELD" if stopped else "FAILED")
    assert "States.Runtime" in submitted.run.failure
    assert list(submitted.cloud.batch.terminated) == ["job-1"]
    before = submitted.all()
    submitted.cloud.clock.turn(10 * MINUTE)
    sweep(submitted.cloud)
    assert submitted.all() == before


def test_a_run_whose_execution_is_gone_is_closed(submitted: Bench) -> None:
    submitted.cloud.executions.forgotten = True
    submitted.cloud.clock.turn(16 * MINUTE)
    sweep(submitted.cloud)
    assert (submitted.run.status, submitted.analysis.status) == ("FAILED", "FAILED")
    assert "does not know its execution" in submitted.run.failure


def test_a_claimed_run_that_was_never_started_is_started(bench: Bench) -> None:
    bench.cloud.executions.started.clear()
    bench.cloud.clock.turn(16 * MINUTE)
    sweep(bench.cloud)
    delivered(bench.cloud)
    assert list(bench.cloud.executions.started) == [bench.ids.execution_name]
    assert bench.run.status is RunStatus.CLAIMED


def test_a_claimed_run_whose_execution_failed_before_it_planned_is_closed(bench: Bench) -> None:
    state = ExecutionState("FAILED", "Lambda.Unknown")
    bench.cloud.executions.states[bench.ids.execution_name] = state
    bench.cloud.clock.turn(16 * MINUTE)
    sweep(bench.cloud)
    assert (bench.run.status, bench.analysis.status) == ("FAILED", "FAILED")


def test_a_sample_whose_last_message_was_lost_starts(bench: Bench) -> None:
    cloud = bench.cloud
    for mate in (1, 2):
        cloud.upload(f"NA2_S1_L001_R{mate}_001.fastq.gz", other_reads(mate))
    client_of("sqs").purge_queue(QueueUrl=cloud.queue_url)
    started = len(cloud.executions.started)
    cloud.clock.turn(HOUR + 1)
    sweep(cloud)
    delivered(cloud)
    assert len(cloud.executions.started) == started + 1, "its quiet period was over long ago"


def test_a_sample_that_waits_for_a_file_is_told_of_once(
    busy: Bench, alerts: list[LateAlert]
) -> None:
    cloud = busy.cloud
    cloud.upload("NA2_1.fastq.gz", other_reads(1))
    for hours in (1, 2, 2, 3, 40):
        cloud.clock.turn(hours * HOUR)
        sweep(cloud)
    (alert,) = alerts
    (told,) = alert.samples
    assert (told.sample, told.assay, told.status) == ("NA2", "wgs", "RECEIVING")
    assert told.why.startswith("waiting for")
    assert told.do.startswith("`seqdrop why NA2`")
    analysis = cloud.catalog.analyses.of_sample("NA2")[0]
    assert analysis.is_alerted
    cloud.upload("NA2_2.fastq.gz", other_reads(2))
    analysis = cloud.catalog.analyses.of_sample("NA2")[0]
    assert analysis.status is AnalysisStatus.ANALYSING
    assert not analysis.is_alerted


CRASHES: list[Callable[[Cloud], tuple[Any, str]]] = [
    lambda cloud: (cloud.catalog.dues.__class__, "move"),
    lambda _: (Alerts, "send"),
]


@pytest.mark.parametrize("owner", CRASHES, ids=["move", "alert"])
def test_who_dies_in_between_tells_again_rather_than_never(
    busy: Bench, alerts: list[LateAlert], monkeypatch: pytest.MonkeyPatch,
    owner: Callable[[Cloud], tuple[Any, str]],
) -> None:  # fmt: skip
    cloud = busy.cloud
    cloud.upload("NA2_1.fastq.gz", other_reads(1))
    cloud.clock.turn(5 * HOUR)
    with dying(monkeypatch, *owner(cloud), after=False):
        assert sweep(cloud)["failures"] >= 1
    sweep(cloud)
    assert {sample.sample for alert in alerts for sample in alert.samples} == {"NA2"}
    assert len(alerts) in {1, 2}
    cloud.clock.turn(DAY)
    count = len(alerts)
    sweep(cloud)
    assert len(alerts) == count


def test_one_that_can_t_be_looked_at_keeps_none_of_the_others(
    submitted: Bench, alerts: list[LateAlert], monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud = submitted.cloud
    cloud.upload("NA2_1.fastq.gz", other_reads(1))
    cloud.clock.turn(5 * HOUR)
    with monkeypatch.context() as patched:
        patched.setattr(cloud.executions, "describe", lambda _: 1 // 0)
        found = sweep(cloud)
    assert (found["failures"], found["late"]) == (1, 1)
    assert sweep(cloud)["analyses"] == 1, "it is due for the next sweep"


def test_what_has_changed_while_it_was_looked_at_keeps_its_own_time(
    busy: Bench, monkeypatch: pytest.MonkeyPatch, alerts: list[LateAlert]
) -> None:
    cloud = busy.cloud
    for sample in ("NA2", "NA3"):
        cloud.upload(f"{sample}_1.fastq.gz", other_reads(1, seed=int(sample[-1])))
    cloud.clock.turn(5 * HOUR)
    send = Alerts.send

    def meanwhile(alerts_: Alerts, kind: str, alert: Any) -> None:
        send(alerts_, kind, alert)
        cloud.upload("NA2_2.fastq.gz", other_reads(2, seed=2))

    monkeypatch.setattr(Alerts, "send", meanwhile)
    sweep(cloud)
    one, other = (cloud.catalog.analyses.of_sample(sample)[0] for sample in ("NA2", "NA3"))
    assert (one.status, one.alerted) == ("ANALYSING", "")
    assert other.is_alerted
    assert len(alerts) == 1
    cloud.clock.turn(16 * MINUTE)
    assert sweep(cloud)["analyses"] == 1, "its run, and not the one that was told of"


def test_a_sweep_whose_time_is_over_leaves_the_rest_to_the_next(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.cloud.clock.turn(16 * MINUTE)
    with monkeypatch.context() as patched:
        patched.setattr(Context, "get_remaining_time_in_millis", lambda _: 59_999)
        assert sweep(bench.cloud) == NOTHING | {"is_whole": False}
    assert sweep(bench.cloud)["analyses"] == 1


def test_more_than_a_page_is_due(bench: Bench) -> None:
    cloud, now = bench.cloud, bench.cloud.clock()
    table = client_of("dynamodb")
    (item,) = (i for i in cloud.catalog.analyses.partition("NA1") if "ANALYSIS#" in i["sk"])
    assert datetime.fromisoformat(item["by_due_sk"]) > now
    for number in range(450):
        cloud.catalog.analyses._table.put(
            {"pk": f"SAMPLE#S{number}", "sk": "ANALYSIS#wgs", "sample": f"S{number}",
             "assay": "wgs", "status": "HELD", "updated": item["updated"], "generation": 1,
             "holds": {"claim": "no reference"},
             "by_due_pk": f"DUE#{number % 8}", "by_due_sk": item["updated"]}
        )  # fmt: skip
    assert sweep(cloud)["analyses"] == 450
    assert sweep(cloud)["analyses"] == 0
    left = table.scan(TableName="catalog", IndexName="by_due")["Items"]
    assert [one["pk"]["S"] for one in left] == ["SAMPLE#NA1"]


def test_a_probe_is_let_through_though_nobody_polls(
    submitted: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Alerts, "send", lambda *_: None)
    submitted.cloud.deliver("record_job_event", submitted.ended("FAILED", 35))
    assert submitted.cloud.batch.resources["lab-gate-cpu"] == 0
    submitted.cloud.clock.turn(16 * MINUTE)
    sweep(submitted.cloud)
    assert submitted.cloud.batch.resources["lab-gate-cpu"] == 1


def test_an_archived_file_that_came_back_is_looked_at(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud = bench.cloud
    cloud.upload("NA2_1.fastq.gz", other_reads(1))
    event = cloud.drop("NA2_2.fastq.gz", other_reads(2))
    client_of("s3").copy_object(
        Bucket="uploads", Key="NA2_2.fastq.gz", StorageClass="GLACIER",
        CopySource={"Bucket": "uploads", "Key": "NA2_2.fastq.gz"},
    )  # fmt: skip
    assert cloud.deliver("register_upload", event) == []
    (analysis,) = cloud.catalog.analyses.of_sample("NA2")
    assert analysis.status is AnalysisStatus.HELD
    cloud.clock.turn(DAY + 1)
    client_of("s3").restore_object(
        Bucket="uploads", Key="NA2_2.fastq.gz", RestoreRequest={"Days": 3}
    )
    sweep(cloud)
    bodies = [json.loads(body) for body in cloud.messages()]
    assert [body["object"]["key"] for body in bodies if body.get("seqdrop") == "look"] == [
        "NA2_2.fastq.gz"
    ]


def test_a_job_that_can_t_be_looked_for_keeps_none_of_the_others(
    planned: Bench, alerts: list[LateAlert], monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud = planned.cloud
    with monkeypatch.context() as patched:
        patched.setattr(cloud.batch, "submit", lambda _: 1 // 0)
        with pytest.raises(Exception, match="zero"):
            planned.stage("submit_job")
    cloud.upload("NA2_1.fastq.gz", other_reads(1))
    cloud.clock.turn(5 * HOUR)
    with monkeypatch.context() as patched:
        patched.setattr(cloud.batch, "find", lambda *_: 1 // 0)  # its queue is gone
        for _ in range(2):
            assert sweep(cloud)["failures"] == 1
    assert len(alerts) == 1


def test_an_item_that_can_t_be_read_keeps_none_of_the_others(
    busy: Bench, alerts: list[LateAlert]
) -> None:
    cloud = busy.cloud
    cloud.upload("NA2_1.fastq.gz", other_reads(1))
    cloud.catalog.analyses._table.put(
        {"pk": "SAMPLE#NA3", "sk": "ANALYSIS#wgs", "status": "MOON", "sample": "NA3",
         "assay": "wgs", "by_due_pk": "DUE#0", "by_due_sk": "2026-01-01"}
    )  # fmt: skip
    cloud.clock.turn(5 * HOUR)
    assert sweep(cloud)["failures"] == 1
    assert len(alerts) == 1


def test_a_time_that_can_t_be_written_keeps_none_of_the_others(
    busy: Bench, alerts: list[LateAlert], monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud = busy.cloud
    for sample in ("NA2", "NA3"):
        cloud.upload(f"{sample}_1.fastq.gz", other_reads(1, seed=int(sample[-1])))
    cloud.clock.turn(5 * HOUR)
    table = cloud.catalog.dues._table.__class__
    update, error = table.update, ClientError({"Error": {"Code": "ValidationException"}}, "Update")

    def too_large(self: Any, key: tuple[str, str], **changes: Any) -> Any:
        if key[0] == "SAMPLE#NA2":
            raise error
        return update(self, key, **changes)

    def refused(_: Any, __: Any) -> None:
        raise error

    monkeypatch.setattr(table, "update", too_large)
    monkeypatch.setattr(table, "transact", refused)
    assert sweep(cloud)["failures"] == 1
    assert cloud.catalog.analyses.of_sample("NA3")[0].is_alerted


def test_a_sample_whose_last_file_fails_for_good_after_its_alert_is_told_of_again(
    busy: Bench, alerts: list[LateAlert], monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud = busy.cloud
    cloud.upload("NA2_1.fastq.gz", other_reads(1))
    cloud.clock.turn(5 * HOUR)
    sweep(cloud)
    with monkeypatch.context() as patched:  # every try of its last message fails
        patched.setattr("seqdrop.flow.claiming.Claiming.advance", lambda *_, **__: 1 // 0)
        event = cloud.drop("NA2_2.fastq.gz", other_reads(2))
        assert cloud.deliver("register_upload", event) == ["0"]
    assert not cloud.catalog.analyses.of_sample("NA2")[0].is_alerted, "it has changed"
    cloud.clock.turn(5 * HOUR)
    sweep(cloud)
    assert len(alerts) == 2
    assert "is being processed" in alerts[1].samples[0].why


def test_a_run_of_a_held_analysis_is_closed_when_its_execution_is_over(busy: Bench) -> None:
    cloud = busy.cloud
    cloud.catalog.analyses.hold(busy.ids.analysis, "mail", "ask Ana", cloud.clock())
    cloud.clock.turn(30 * HOUR)
    sweep(cloud)
    name = busy.ids.execution_name
    cloud.executions.states[name] = ExecutionState("FAILED", "States.Runtime")
    cloud.clock.turn(HOUR + 1)
    sweep(cloud)
    assert busy.run.status is RunStatus.FAILED


def test_the_end_of_an_index_is_due_until_its_reference_has_heard_of_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud = bench.cloud
    owner = IndexOf(ReferenceId("tiny", "2"), "bwa")
    submitting = cloud.clock().isoformat()
    cloud.catalog.jobs.start(job_of(owner, job_id="job-9", submitting=submitting, bucket=RESULTS))
    cloud.batch.states["job-9"] = ended("job-9", "FAILED", 20)
    settled: list[ReferenceId] = []
    cloud.clock.turn(HOUR + 1)
    with monkeypatch.context() as patched:
        patched.setattr(Preparation, "settle", lambda *_: 1 // 0)
        assert sweep(cloud)["failures"] == 1
    (job,) = cloud.catalog.jobs.of_reference(owner.reference)
    assert job.status == "FAILED"
    monkeypatch.setattr(Preparation, "settle", lambda _, reference: settled.append(reference))
    assert sweep(cloud)["jobs"] == 1
    cloud.clock.turn(DAY)
    assert sweep(cloud)["jobs"] == 0
    assert settled == [owner.reference]
