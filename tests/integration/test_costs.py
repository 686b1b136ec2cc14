"""What runs cost: the sums by day, project and pipeline are those of the jobs, whatever happens."""

import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from seqdrop.aws.catalog import Catalog
from seqdrop.aws.catalog.layout import cost_key
from seqdrop.domain.cost import CostLine, micros
from seqdrop.domain.identity import RunId, StageOf
from seqdrop.domain.plan import StageResult, encode
from seqdrop.domain.records import Attempt, Job, JobState
from tests.cloud_support import RESULTS, TABLE, Cloud, client_of, open_cloud
from tests.domain_support import job as job_of

RUNS = 300
GONE, ENDED = "Host EC2 (instance i-0123456789abcdef0) terminated.", "Essential container in task"
ENDS = [
    ("SUCCEEDED", 0, ENDED), ("SUCCEEDED", 0, ENDED), ("SUCCEEDED", 0, ENDED),
    ("FAILED", 137, ENDED), ("FAILED", 36, ENDED), ("FAILED", 20, ENDED), ("FAILED", None, GONE),
    ("FAILED", 143, "stopped: its run was stopped"),
]  # fmt: skip


class Unreliable:
    """DynamoDB, with transactions that meet others, and answers that are lost."""

    def __init__(self, chance: random.Random) -> None:
        self._client, self._chance = client_of("dynamodb"), chance
        self.conflicts = self.lost = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def transact_write_items(self, **asked: Any) -> Any:
        """Refused now and then, and now and then done without an answer."""
        if self._chance.random() < 0.2:
            self.conflicts += 1
            answer: Any = {
                "Error": {"Code": "TransactionCanceledException", "Message": ""},
                "CancellationReasons": [{"Code": "None"}, {"Code": "TransactionConflict"}],
            }
            raise ClientError(answer, "TransactWriteItems")
        answer = self._client.transact_write_items(**asked)
        if self._chance.random() < 0.1:
            self.lost += 1
            raise EndpointConnectionError(endpoint_url="dynamodb")
        return answer


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    with open_cloud(tmp_path, monkeypatch) as opened:
        yield opened


def jobs_of_runs(chance: random.Random) -> Iterator[Job]:
    """The jobs of many runs, some of them followed by others."""
    for number in range(RUNS):
        run = RunId(f"S{number}", "wgs", "abc", 1)
        for one in range(1, chance.choice([2, 2, 2, 3, 4])):
            yield job_of(
                StageOf(run, "align", one),
                queue=chance.choice(["lab-cpu-routine", "lab-cpu-ondemand", "lab-fpga-exome-bulk"]),
                project=chance.choice(["", "trio", "a#b project"]),
                pipeline=chance.choice(["germline-cpu", "exome-fpga"]),
                vcpus=chance.randint(1, 32),
                job_id=f"{run.sample}-{one}",
            )


def states_of(job: Job, chance: random.Random) -> Iterator[JobState]:
    """What Batch tells of a job: two states and its end, which comes more than once."""
    day = f"2026-11-{chance.randint(1, 30):02d}"
    times = [f"{day}T{hour:02d}:00:00.000Z" for hour in range(1, 5)]
    gone = tuple(
        Attempt(chance.uniform(1, 9_000), times[0], times[1], None, GONE)
        for _ in range(chance.choice([0, 0, 1, 2]))
    )
    status, code, reason = chance.choice(ENDS)
    last = Attempt(chance.uniform(1, 90_000), times[1], times[2], code, reason)
    yield JobState(job.job_id, "RUNNING", started=times[0])
    yield JobState(job.job_id, "RUNNABLE", attempts=gone)
    end = JobState(
        job.job_id, status, reason, code, created=times[0], started=times[1], ended=times[2],
        attempts=(*gone, last),
    )  # fmt: skip
    yield from [end] * chance.choice([1, 2, 3])


def told(cloud: Cloud, events: list[tuple[Job, JobState]]) -> None:
    """Tells the function's flow of each; what it fails on comes again, as from a queue."""
    waiting = list(events)
    while waiting:
        again = []
        for job, state in waiting:
            try:
                cloud.flows.recording.record(job.owner, state)
            except EndpointConnectionError:
                again.append((job, state))
        waiting = again


def sums(lines: list[CostLine]) -> dict[tuple[str, str, str], tuple[int, int, int]]:
    return {
        (line.day, line.project, line.pipeline): (line.micros, line.waste_micros, line.jobs)
        for line in lines
    }


def made_from(jobs: list[Job]) -> dict[tuple[str, str, str], tuple[int, int, int]]:
    """The same sums, made from the jobs themselves."""
    cost: Counter[tuple[str, str, str]] = Counter()
    waste: Counter[tuple[str, str, str]] = Counter()
    count: Counter[tuple[str, str, str]] = Counter()
    for job in jobs:
        of = job.ended[:10], job.project, job.pipeline
        count[of] += 1
        for number, attempt in enumerate(job.attempts, 1):
            cost[of] += micros(attempt.cost_usd)
            if job.status == "FAILED" or number < len(job.attempts):
                waste[of] += micros(attempt.cost_usd)
    return {of: (cost[of], waste[of], count[of]) for of in count}


def test_the_sums_of_300_runs_are_those_of_their_jobs_to_the_millionth(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seqdrop.aws.catalog.table.pause", lambda *_: None)
    chance = random.Random(9)
    database = Unreliable(chance)
    catalog = cloud.flows.catalog
    catalog.jobs._costs._table._client = database  # type: ignore[assignment]  # all share a table
    jobs = list(jobs_of_runs(chance))
    events = [(job, state) for job in jobs for state in states_of(job, chance)]
    chance.shuffle(events)
    for job in jobs:
        catalog.jobs.start(job)
    told(cloud, events)
    chance.shuffle(events)
    told(cloud, events[: len(events) // 4])  # and some of them much later again
    plain = Catalog(client_of("dynamodb"), TABLE)
    found = [plain.jobs.get(job.owner) for job in jobs]
    ended = [job for job in found if job is not None and job.has_ended]
    assert len(ended) == len(jobs) > RUNS
    assert database.conflicts > 50
    assert database.lost > 20
    by_day = sums(plain.costs.of_month("2026-11"))
    assert by_day == made_from(ended)
    assert sum(cost for cost, _, _ in by_day.values()) == sum(micros(job.cost_usd) for job in ended)
    assert sum(waste for _, waste, _ in by_day.values()) > 0
    assert plain.costs.of_month("2026-12") == []


def test_jobs_are_spread_over_the_shards() -> None:
    owners = (StageOf(RunId(f"S{n}", "wgs", "abc", 1), "align") for n in range(400))
    keys = Counter(cost_key(job_of(owner, ended="2026-11-28"))[0] for owner in owners)
    assert len(keys) == 16
    assert max(keys.values()) < 60


@pytest.mark.parametrize(
    ("queue", "simulated", "bases"),
    [("lab-fpga-genome-routine", False, 1_000), ("lab-fpga-genome-routine", True, 0),
     ("lab-cpu-routine", False, 0)],
)  # fmt: skip
def test_what_dragen_s_licence_counts_is_counted_of_fpga_jobs_that_are_no_stand_in(
    cloud: Cloud, queue: str, simulated: bool, bases: int
) -> None:
    owner = StageOf(RunId("NA1", "wgs", "abc", 1), "align")
    job = cloud.catalog.jobs.start(job_of(owner, queue=queue, job_id="1", bucket=RESULTS))
    result = StageResult("align", "k", (), {}, counts={"bases_in": 1_000}, simulated=simulated)
    cloud.s3.put_object(Bucket=RESULTS, Key=f"{job.prefix}align.json", Body=encode(result))
    for _ in range(2):
        cloud.flows.recording.record(owner, JobState("1", "SUCCEEDED", ended="2026-11-28T00:00Z"))
    (line,) = cloud.catalog.costs.of_month("2026-11")
    assert (line.jobs, line.dragen_bases) == (1, bases)
