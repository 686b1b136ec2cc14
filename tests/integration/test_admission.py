"""A project's share, pause and budget through the functions, whatever comes twice or dies."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqdrop.aws.queues import NextInLine, UploadsQueue
from seqdrop.domain.identity import AnalysisId, IndexOf, ReferenceId, RunId, StageOf
from seqdrop.domain.records import Analysis, AnalysisStatus, Attempt
from tests.cloud_support import TABLE, Cloud, client_of, dying, execution_event, open_cloud
from tests.domain_support import job as job_of
from tests.lab import reads

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")
SHARE = 2
MINUTE, HOUR = 60, 3_600


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """A lab in which a project may have two runs at once."""
    with open_cloud(tmp_path, monkeypatch) as opened:
        limit(tmp_path, f"default: {{runs_at_once: {SHARE}}}")
        yield opened


def limit(folder: Path, text: str) -> None:
    (folder / "projects.yaml").write_text(text)


def drop(cloud: Cloud, *numbers: int) -> None:
    """Pairs of other samples each, in this order."""
    for number in numbers:
        for mate in (1, 2):
            cloud.upload(f"S{number}_{mate}.fastq.gz", reads(3, mate=mate, seed=100 + number))
        cloud.clock.turn(1)


def analysis(cloud: Cloud, number: int) -> Analysis:
    found = cloud.catalog.analyses.get(AnalysisId(f"S{number}", "wgs"))
    assert found
    return found


def statuses(cloud: Cloud, count: int) -> list[str]:
    return [str(analysis(cloud, number).status) for number in range(count)]


def live(cloud: Cloud) -> set[RunId]:
    """The runs that go on, by the catalog's own items."""
    items = client_of("dynamodb").scan(TableName=TABLE)["Items"]
    return {
        RunId(i["sample"]["S"], i["assay"]["S"], i["run_key"]["S"], int(i["attempt"]["N"]))
        for i in items
        if i["sk"]["S"].startswith("RUN#") and i["status"]["S"] in {"CLAIMED", "RUNNING"}
    }


def in_flight(cloud: Cloud) -> int:
    return cloud.catalog.projects.get("").in_flight


def end(cloud: Cloud, number: int, times: int = 1) -> None:
    run = analysis(cloud, number).active_run
    assert run
    for _ in range(times):
        assert cloud.deliver("end_run", execution_event(run, "FAILED")) == []


def delivered(cloud: Cloud, times: int = 1) -> None:
    """All messages to ourselves are handled, until there are none."""
    sqs = client_of("sqs")
    while found := sqs.receive_message(QueueUrl=cloud.queue_url, MaxNumberOfMessages=10).get(
        "Messages"
    ):
        for message in found:
            sqs.delete_message(QueueUrl=cloud.queue_url, ReceiptHandle=message["ReceiptHandle"])
        for _ in range(times):
            assert cloud.deliver("register_upload", *(one["Body"] for one in found)) == []


def test_a_project_has_its_share_and_the_others_have_their_turns(cloud: Cloud) -> None:
    drop(cloud, *range(5))
    assert statuses(cloud, 5) == ["ANALYSING"] * 2 + ["READY"] * 3
    assert analysis(cloud, 2).why.endswith(": as many runs go on as may at once (2)")
    assert (in_flight(cloud), len(live(cloud))) == (2, 2)
    end(cloud, 1, times=3)
    delivered(cloud, times=2)
    assert statuses(cloud, 5) == ["ANALYSING", "FAILED", "ANALYSING", "READY", "READY"]
    for number in (0, 2):
        end(cloud, number)
        delivered(cloud)
    assert statuses(cloud, 5)[3:] == ["ANALYSING"] * 2
    assert (in_flight(cloud), len(live(cloud))) == (2, 2)
    assert list(cloud.catalog.projects.line("")) == []
    assert analysis(cloud, 4).kept == ""


def test_a_newcomer_does_not_jump_the_line(cloud: Cloud) -> None:
    drop(cloud, 0, 1, 2)
    end(cloud, 0)
    client_of("sqs").purge_queue(QueueUrl=cloud.queue_url)  # nobody tells the first in line
    drop(cloud, 3)
    delivered(cloud)
    assert statuses(cloud, 4) == ["FAILED", "ANALYSING", "ANALYSING", "READY"]


def test_who_left_the_line_keeps_nobody(cloud: Cloud) -> None:
    drop(cloud, 0, 1, 2, 3)
    cloud.catalog.analyses.hold(AnalysisId("S2", "wgs"), "mail", "ask Ana", cloud.clock())
    end(cloud, 0)
    delivered(cloud)
    assert statuses(cloud, 4) == ["FAILED", "ANALYSING", "HELD", "ANALYSING"]
    assert list(cloud.catalog.projects.line("")) == []


def test_a_lost_message_is_made_up_for_by_the_sweep(cloud: Cloud) -> None:
    drop(cloud, 0, 1, 2)
    end(cloud, 0)
    client_of("sqs").purge_queue(QueueUrl=cloud.queue_url)
    cloud.clock.turn(16 * MINUTE)
    cloud.call("sweep_catalog", {})
    delivered(cloud)
    assert statuses(cloud, 3) == ["FAILED", "ANALYSING", "ANALYSING"]


def test_one_that_waits_for_its_project_is_not_late(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cloud.flows.alerts.__class__, "send", lambda *_: 1 // 0)
    drop(cloud, 0, 1, 2)
    for run in live(cloud):
        cloud.call("plan_run", {"run": ids(run), "execution": "arn"})
    for _ in range(30):
        cloud.clock.turn(HOUR)
        assert cloud.call("sweep_catalog", {})["late"] == 0
        delivered(cloud)


def ids(run: RunId) -> dict[str, Any]:
    return {
        "sample": run.sample, "assay": run.assay, "run_key": run.run_key, "attempt": run.attempt,
    }  # fmt: skip


def test_a_pause_keeps_all_and_its_end_lets_them_go_in_their_order(cloud: Cloud) -> None:
    projects = cloud.catalog.projects
    projects.pause("", "ana", "new panel", cloud.clock())
    drop(cloud, *range(4))
    assert set(statuses(cloud, 4)) == {"READY"}
    assert "paused by ana since" in analysis(cloud, 0).why
    first = projects.get("").paused_since
    projects.pause("", "bob", "", cloud.clock())
    assert projects.get("").paused_since == first
    projects.resume("")
    UploadsQueue(client_of("sqs"), cloud.queue_url).send(NextInLine(""))
    delivered(cloud)
    assert statuses(cloud, 4) == ["ANALYSING", "ANALYSING", "READY", "READY"]


def test_a_budget_keeps_all_but_urgent_ones_until_the_month_is_over(
    cloud: Cloud, tmp_path: Path
) -> None:
    limit(tmp_path, "default: {usd_a_month: 5}")
    attempt = Attempt(3_600, cost_usd=5.0)
    ended = f"{cloud.clock():%Y-%m-%d}T00:00:00.000Z"
    job = job_of(
        StageOf(RunId("X", "wgs", "abc", 1), "align"),
        status="FAILED",
        attempts=(attempt,),
        ended=ended,
    )
    catalog = cloud.catalog
    catalog.costs._table.transact([catalog.costs.count_write(job)])
    drop(cloud, 0)
    assert analysis(cloud, 0).why.endswith("its $5.00 of this month are spent")
    cloud.clock.turn(31 * 24 * HOUR)
    cloud.call("sweep_catalog", {})
    delivered(cloud)
    assert statuses(cloud, 1) == ["ANALYSING"]


def test_a_count_that_was_lost_is_made_anew(cloud: Cloud) -> None:
    drop(cloud, 0, 1, 2)
    projects = cloud.catalog.projects
    projects.correct(projects.get(""), 7)
    cloud.flows.admission.count_anew("")
    assert in_flight(cloud) == 2
    end(cloud, 0)
    cloud.flows.admission.count_anew("")
    assert in_flight(cloud) == len(live(cloud)) == 1


def test_a_head_that_changes_as_it_is_called_keeps_nobody(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.catalog.projects.pause("", "ana", "", cloud.clock())
    drop(cloud, 0, 1, 2)
    cloud.catalog.projects.resume("")
    claim = cloud.catalog.runs.__class__.claim

    def meanwhile(runs: Any, before: Analysis, *given: Any, **more: Any) -> None:
        if before.sample == "S0":
            cloud.catalog.analyses.hold(before.id, "mail", "ask Ana", cloud.clock())
        claim(runs, before, *given, **more)

    monkeypatch.setattr(cloud.catalog.runs.__class__, "claim", meanwhile)
    UploadsQueue(client_of("sqs"), cloud.queue_url).send(NextInLine(""))
    delivered(cloud)
    assert statuses(cloud, 3) == ["HELD", "ANALYSING", "ANALYSING"]


def test_jobs_of_references_are_on_no_project_s_budget(cloud: Cloud, tmp_path: Path) -> None:
    limit(tmp_path, "default: {usd_a_month: 5}")
    ended = f"{cloud.clock():%Y-%m-%d}T00:00:00.000Z"
    job = job_of(IndexOf(ReferenceId("tiny", "1"), "bwa"), status="SUCCEEDED", ended=ended,
        pipeline="references", attempts=(Attempt(3_600, cost_usd=50.0),))  # fmt: skip
    cloud.catalog.costs._table.transact([cloud.catalog.costs.count_write(job)])
    drop(cloud, 0)
    assert statuses(cloud, 1) == ["ANALYSING"]


CALLS = ["claim", "queue_up", "settle"]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("call", CALLS)
def test_whoever_dies_in_between_leaves_a_count_that_is_right(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, call: str, after: bool
) -> None:
    owners = {
        "claim": cloud.catalog.runs, "queue_up": cloud.catalog.projects,
        "settle": cloud.catalog.analyses,
    }  # fmt: skip
    owner = owners[call].__class__
    drop(cloud, 0, 1) if call != "claim" else drop(cloud, 0)
    event = [cloud.drop(f"S9_{mate}.fastq.gz", reads(3, mate=mate, seed=9)) for mate in (1, 2)]
    assert cloud.deliver("register_upload", event[0]) == []
    with dying(monkeypatch, owner, call, after=after):
        assert cloud.deliver("register_upload", event[1]) == ["0"]
    assert cloud.deliver("register_upload", event[1]) == []
    delivered(cloud)
    assert in_flight(cloud) == len(live(cloud)) == SHARE
    waits = [place.sample for place in cloud.catalog.projects.line("")]
    assert waits == ([] if call == "claim" else ["S9"])
    for number in (0, 1) if call != "claim" else (0,):
        end(cloud, number)
        delivered(cloud)
    (nine,) = cloud.catalog.analyses.of_sample("S9")
    assert nine.status is AnalysisStatus.ANALYSING
    assert in_flight(cloud) == len(live(cloud)) == 1


STEPS = st.lists(st.tuples(st.sampled_from(["drop", "end", "deliver", "again"]), st.integers(0, 7)),
    max_size=25)  # fmt: skip


@given(steps=STEPS)
@settings(max_examples=15, deadline=None)
def test_the_count_is_that_of_the_runs_and_never_more_than_the_share(
    steps: list[tuple[str, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("lab")
        with open_cloud(folder, patch) as cloud:
            limit(folder, f"default: {{runs_at_once: {SHARE}}}")
            there: set[int] = set()
            for step, number in steps:
                if step == "drop" and number not in there:
                    drop(cloud, number)
                    there.add(number)
                elif step == "end" and number in there and analysis(cloud, number).active_run:
                    end(cloud, number, times=2)
                elif step in {"deliver", "again"}:
                    delivered(cloud, times=2 if step == "again" else 1)
                assert in_flight(cloud) == len(live(cloud)) <= SHARE
            delivered(cloud)
            waiting = [n for n in there if analysis(cloud, n).status is AnalysisStatus.READY]
            assert not waiting or in_flight(cloud) == SHARE
            line = {int(place.sample[1:]) for place in cloud.catalog.projects.line("")}
            assert line >= set(waiting)
