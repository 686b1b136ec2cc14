"""What a reanalysis will take, by what the jobs of the same stages have taken before."""

import heapq
import zlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from statistics import fmean, quantiles

import msgspec

from seqdrop.domain.cost import Prices, attempt_cost_usd
from seqdrop.domain.identity import JobOwner, RunId, StageOf
from seqdrop.domain.pipeline import Stage
from seqdrop.domain.reanalysis.staleness import Target
from seqdrop.domain.records import Job
from seqdrop.domain.task import Task, cost_of

SAMPLED = 50
"""Analyses of each assay whose jobs are looked at: the standard error of a mean over so many is a
seventh of the standard deviation, and to read them takes a second."""
LEAST_JOBS = 3
"""With fewer there is no spread: what the pipeline expects is taken."""


class Spread(msgspec.Struct, frozen=True):
    """A figure as it is expected, and as it would be if all were like the cheapest or dearest
    tenth."""

    low: float
    expected: float
    high: float

    def times(self, number: float) -> "Spread":
        """So many of it."""
        return Spread(self.low * number, self.expected * number, self.high * number)

    def __add__(self, other: "Spread") -> "Spread":
        return Spread(self.low + other.low, self.expected + other.expected, self.high + other.high)


NOTHING = Spread(0.0, 0.0, 0.0)


class StageEstimate(msgspec.Struct, frozen=True):
    """What the jobs of one stage will take, of all analyses under an assay."""

    assay: str
    stage: str
    jobs: int
    seen: int
    """Jobs of the past that it is estimated by; 0 where it is reckoned from the pipeline."""
    usd: Spread
    hours: Spread
    """Of jobs, whatever runs side by side."""
    dragen_bases: float = 0.0
    """What DRAGEN's licence would be metered by."""
    without_tasks: bool = False
    """Of a workflow, and it has no past: what its tasks will cost is not known, nor in ``usd``."""


class Estimate(msgspec.Struct, frozen=True):
    """What a reanalysis will take in all."""

    usd: Spread
    hours: Spread
    dragen_bases: float
    run_hours: float
    """How long one run takes at a time, as a mean over all."""
    stages: tuple[StageEstimate, ...]

    def wall_hours(self, analyses: int, in_flight: int) -> float:
        """How long all of them take, so many at once, if none waits for a host."""
        return self.run_hours * max(1, -(-analyses // in_flight)) if analyses else 0.0


class Sampled:
    """Chooses a few analyses of each assay, the same ones whatever order they come in."""

    def __init__(self, most: int = SAMPLED) -> None:
        self._most = most
        self._heaps: dict[str, list[tuple[int, RunId]]] = defaultdict(list)

    def offer(self, run: RunId) -> None:
        """Takes one in, or not: those with the lowest checksums are kept."""
        heap = self._heaps[run.assay]
        ranked = (-zlib.crc32(run.sample.encode()), run)
        if len(heap) < self._most:
            heapq.heappush(heap, ranked)
        else:
            heapq.heappushpop(heap, ranked)

    @property
    def chosen(self) -> list[RunId]:
        """Those that are kept, assay by assay."""
        return [run for _, heap in sorted(self._heaps.items()) for _, run in sorted(heap)]


class History:
    """What the stages of each assay have taken: of jobs that succeeded, all attempts."""

    def __init__(self) -> None:
        self._jobs: dict[tuple[str, str], list[Job]] = defaultdict(list)
        self._usd: dict[tuple[str, str], list[float]] = defaultdict(list)
        self._bytes: dict[str, list[int]] = defaultdict(list)

    def add(
        self, assay: str, input_bytes: int, jobs: Iterable[Job], tasks: Iterable[Task] = ()
    ) -> None:
        """Takes in the jobs of an analysis, with workflows' tasks, and how large its files are."""
        if input_bytes:
            self._bytes[assay].append(input_bytes)
        of_try: dict[JobOwner, list[Task]] = defaultdict(list)
        for task in tasks:
            of_try[StageOf(task.run, task.stage)].append(task)
        left: dict[str, list[Task]] = defaultdict(list)
        """By the folder of a key's results: tasks of tries before, which a resumed one goes on
        with."""
        for job in sorted(jobs, key=lambda job: job.ended or "~"):
            folder = job.prefix.rstrip("/").rpartition("/")[0]
            first_job = msgspec.structs.replace(job.owner, number=1)
            left[folder] += of_try.pop(first_job, [])
            if job.status == "SUCCEEDED" and job.attempts:
                self._jobs[assay, job.stage].append(job)
                self._usd[assay, job.stage].append(cost_of([job], left.pop(folder, [])))

    def mean_bytes(self, assay: str) -> int:
        """How large the files of a run are; 0 where nobody knows."""
        return round(fmean(self._bytes[assay])) if self._bytes[assay] else 0

    def estimate(self, assay: str, stage: str, jobs: int, reckoned: "Reckoned") -> StageEstimate:
        """So many jobs of a stage; as the pipeline expects them, where too few have been seen."""
        seen = self._jobs.get((assay, stage), [])
        if len(seen) < LEAST_JOBS:
            usd, hours = _same(reckoned.usd), _same(reckoned.hours)
            return StageEstimate(
                assay, stage, jobs, 0, usd.times(jobs), hours.times(jobs),
                without_tasks=reckoned.without_tasks,
            )  # fmt: skip
        usd = _spread(self._usd[assay, stage])
        hours = _spread([sum(one.seconds for one in job.attempts) / 3600 for job in seen])
        bases = fmean(job.dragen_bases for job in seen) * jobs
        return StageEstimate(
            assay, stage, jobs, len(seen), usd.times(jobs), hours.times(jobs), bases
        )


class Reckoned(msgspec.Struct, frozen=True):
    """What one job of a stage takes as its pipeline and the prices have it."""

    usd: float
    hours: float
    without_tasks: bool = False
    """It is the head of a workflow: a pipeline says nothing of the tasks."""


def reckon(stage: Stage, input_bytes: int, prices: Prices, scratch_gib: int) -> Reckoned:
    """What the pipeline expects of a job for so many bytes of input."""
    seconds = stage.size.seconds.of(input_bytes)
    vcpus = stage.size.vcpus_of(input_bytes)
    usd = attempt_cost_usd(prices, stage.queue, vcpus, scratch_gib, seconds)
    return Reckoned(usd, seconds / 3600, without_tasks=stage.workflow is not None)


def add_up(parts: Iterable[StageEstimate], run_hours: float) -> Estimate:
    """The sum over all stages of all assays."""
    stages = tuple(parts)
    usd, hours, bases = NOTHING, NOTHING, 0.0
    for one in stages:
        usd, hours, bases = usd + one.usd, hours + one.hours, bases + one.dragen_bases
    return Estimate(usd, hours, bases, run_hours, stages)


def hours_of_run(target: Target, stages: Mapping[str, StageEstimate]) -> float:
    """How long a run of these stages takes: of each wave its longest stage."""
    return sum(
        max((stages[name].hours.expected / stages[name].jobs for name in wave if name in stages),
            default=0.0)
        for wave in target.waves
    )  # fmt: skip


def _same(value: float) -> Spread:
    return Spread(value, value, value)


def _spread(values: list[float]) -> Spread:
    """The mean, and the bounds of the lowest and the highest tenth where they are beyond it."""
    tenths, mean = quantiles(values, n=10, method="inclusive"), fmean(values)
    return Spread(min(tenths[0], mean), mean, max(tenths[-1], mean))
