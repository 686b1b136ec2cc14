"""A priority that changes later, through the functions: what waits is moved, and nothing else."""

import json
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from seqdrop.aws.catalog.layout import run_item_key
from seqdrop.aws.catalog.runs import Runs
from seqdrop.domain.errors import Conflict
from seqdrop.domain.records import Job
from tests.cloud_support import dying
from tests.run_support import Bench

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")
REASON = "Moved by Seqdrop to priority urgent"


def change(bench: Bench, priority: str = "urgent") -> list[str]:
    return bench.cloud.flows.priorities.change(bench.analysis, priority, "ana")


def jobs_of(bench: Bench) -> list[Job]:
    return bench.cloud.catalog.jobs.of_run(bench.ids)


def cancelled(bench: Bench) -> dict[str, Any]:
    """What Batch tells of a job that was cancelled while it waited."""
    end = bench.event("FAILED", attempts=[], container={}, statusReason=REASON)
    del end["detail"]["container"]
    return end


def test_a_job_that_waits_is_moved_to_the_other_queue(submitted: Bench) -> None:
    submitted.cloud.deliver("record_job_event", submitted.event("RUNNABLE"))
    assert change(submitted) == ["align"]
    assert submitted.cloud.batch.cancelled == {"job-1": REASON}
    assert (submitted.run.priority, submitted.analysis.priority) == ("urgent", "urgent")
    end = cancelled(submitted)
    submitted.cloud.deliver("record_job_event", end, end)
    assert set(submitted.cloud.executions.answers) == {("token", f"Moved: align: {REASON}")}
    submitted.stage("submit_job", token="second")
    submitted.stage("submit_job", token="third")
    first, second = submitted.cloud.batch.submitted
    assert (first.queue, second.queue) == ("lab-cpu-routine", "lab-cpu-urgent")
    assert second.name == f"{first.name}_2"
    assert change(submitted) == [], "it is there"
    submitted.cloud.deliver("record_job_event", submitted.ended("SUCCEEDED", number=2))
    assert submitted.shown_run.stages[0].cost_usd == jobs_of(submitted)[1].cost_usd
    submitted.stage("submit_job", "call")
    assert submitted.cloud.batch.submitted[-1].queue == "lab-cpu-urgent"


@pytest.mark.parametrize("status", ["STARTING", "RUNNING"])
def test_a_job_that_has_begun_stays(submitted: Bench, status: str) -> None:
    submitted.cloud.deliver("record_job_event", submitted.event(status))
    assert change(submitted) == []
    assert submitted.cloud.batch.cancelled == {}
    assert submitted.run.priority == "urgent", "its next stages go there"


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("call", ["set_priority", "cancel"])
def test_whoever_dies_in_between_is_made_up_for_by_the_next(
    submitted: Bench, monkeypatch: pytest.MonkeyPatch, call: str, after: bool
) -> None:
    submitted.cloud.deliver("record_job_event", submitted.event("RUNNABLE"))
    owner: Any = Runs if call == "set_priority" else submitted.cloud.batch
    with (
        dying(monkeypatch, owner, call, after=after),
        pytest.raises(EndpointConnectionError),
    ):
        change(submitted)
    change(submitted)
    assert submitted.cloud.batch.cancelled == {"job-1": REASON}
    assert submitted.run.priority == "urgent"


def test_who_read_an_older_analysis_changes_nothing(submitted: Bench) -> None:
    before = submitted.analysis
    change(submitted, "bulk")
    with pytest.raises(Conflict):
        submitted.cloud.flows.priorities.change(before, "urgent", "ana")
    assert submitted.run.priority == "bulk"


def test_the_trail_tells_who_changed_it(submitted: Bench) -> None:
    change(submitted)
    events = submitted.cloud.catalog.analyses.events("NA1")
    (event,) = (one for one in events if one["sk"].endswith("priority"))
    assert (event["who"], event["what"]) == ("ana", "priority changed")
    assert event["why"] == "as its assay before: urgent"


def test_a_job_of_which_batch_has_told_nothing_yet_is_moved(submitted: Bench) -> None:
    assert submitted.job.status == "SUBMITTING"
    assert change(submitted) == ["align"]
    assert submitted.cloud.batch.cancelled == {"job-1": REASON}


def test_a_stage_s_last_job_stays_where_it_is(submitted: Bench) -> None:
    for number in range(1, 9):
        change(submitted, "urgent" if number % 2 else "bulk")
        end = submitted.event("FAILED", number, attempts=[], statusReason=REASON)
        end["detail"].pop("container", None)
        submitted.cloud.deliver("record_job_event", end)
        submitted.stage("submit_job", token=f"after {number}")
    assert len(submitted.cloud.batch.submitted) == 9
    assert change(submitted, "urgent") == [], "nothing could follow it"
    assert submitted.run.priority == "urgent"


def test_a_run_of_the_release_before_stays_as_it_is(submitted: Bench) -> None:
    key = run_item_key(submitted.ids)
    submitted.cloud.catalog.runs._table.update(key, removes=["can_be_moved"])
    assert change(submitted) == []
    assert submitted.cloud.batch.cancelled == {}
    assert submitted.run.priority == "routine"


def test_a_run_that_was_claimed_as_its_priority_changed_is_moved_when_it_is_looked_at(
    submitted: Bench,
) -> None:
    flows, analysis = submitted.cloud.flows, submitted.analysis
    now = submitted.cloud.clock()
    flows.catalog.analyses.set_priority(analysis, "urgent", "ana", now)  # the run is not told
    flows.claiming.advance(analysis.id)
    assert submitted.run.priority == "urgent"
    assert submitted.cloud.batch.cancelled == {"job-1": REASON}


def test_a_manifest_that_says_the_same_again_undoes_nobody_s_priority(bench: Bench) -> None:
    cloud = bench.cloud

    def manifest(project: str) -> None:
        files = [{"lane": "L001", "r1": "NA1_1.fastq.gz", "r2": "NA1_2.fastq.gz"}]
        first = {"sample": "NA1", "assay": "wgs", "priority": "bulk", "files": files}
        other = {"sample": "NA7", "assay": "wgs", "project": project, "files": [
            {"lane": "L001", "r1": "NA7_1.fastq.gz", "r2": "NA7_2.fastq.gz"}]}  # fmt: skip
        cloud.upload("run.manifest.json", json.dumps({"samples": [first, other]}).encode())

    manifest("p")
    assert bench.analysis.priority == "bulk"
    cloud.flows.priorities.change(bench.analysis, "urgent", "ana")
    manifest("q")
    assert bench.analysis.priority == "urgent"
