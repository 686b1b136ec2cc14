"""Figures over samples: concordance, metrics, time and cost. What is not known is never made up."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from seqdrop.domain.comparison.report import EVERYWHERE, Kind, Metric, Report
from seqdrop.domain.equivalence.report import (
    Concordance,
    Effort,
    Group,
    MetricSummary,
    SamplePair,
    Spread,
    StageSpeed,
    Verdict,
)
from seqdrop.domain.pipeline import COMPARE
from seqdrop.domain.records import Job, Run, StageRun
from seqdrop.domain.task import may_have_tasks

_OF_OTHER_RUNS = frozenset({"identity_sites", "identity_concordance"})
"""Metrics that say how a run is like others of its sample: they depend on which there are."""
ALL = "all samples"


class Took(NamedTuple):
    """What the attempt took that made a stage's results; None where that is not known."""

    seconds: float | None = None
    usd: float | None = None


def took(job: Job | None) -> Took:
    """Attempts that failed before are left out: a lost host is no property of a pipeline.

    The cost of a workflow's head job is left out, too: it is the least of what the workflow cost.
    """
    if job is None or job.status != "SUCCEEDED":
        return Took()
    if job.attempts:
        last = job.attempts[-1]
        seconds, usd = last.seconds or None, last.cost_usd
    else:
        seconds, usd = seconds_between(job.started, job.ended), job.cost_usd
    return Took(seconds, None if may_have_tasks(job) else usd)


def seconds_between(begin: str, end: str) -> float | None:
    """None where one of the times is not known, or they are in the wrong order."""
    if not begin or not end:
        return None
    seconds = (datetime.fromisoformat(end) - datetime.fromisoformat(begin)).total_seconds()
    return seconds if seconds >= 0 else None


def wall_seconds(run: Run) -> float | None:
    """From a run's start to its end; None where it took over results that were there."""
    if any(stage.reused for stage in stages_of(run)):
        return None
    return seconds_between(run.started, run.ended)


def stages_of(run: Run) -> list[StageRun]:
    """Its stages, without the comparison that a reanalysis adds."""
    return [stage for stage in run.stages if stage.stage != COMPARE]


def efforts(a: Run, b: Run, jobs: Iterable[Job]) -> tuple[Effort, ...]:
    """What each stage took; ``jobs`` are of the sample, whichever of its runs they were for."""
    made = {job.prefix: job for job in jobs if job.status == "SUCCEEDED"}
    of_a = {stage.stage: stage for stage in stages_of(a)}
    of_b = {stage.stage: stage for stage in stages_of(b)}
    found = []
    for name in dict.fromkeys([*of_a, *of_b]):
        one, other = of_a.get(name), of_b.get(name)
        took_a = took(made.get(one.prefix)) if one else Took()
        took_b = took(made.get(other.prefix)) if other else Took()
        effort = Effort(
            name,
            a_seconds=took_a.seconds,
            b_seconds=took_b.seconds,
            a_usd=took_a.usd,
            b_usd=took_b.usd,
            in_a=one is not None,
            in_b=other is not None,
            a_taken_over=one is not None and one.reused,
            b_taken_over=other is not None and other.reused,
        )
        found.append(effort)
    return tuple(found)


class Totals(NamedTuple):
    """Of all stages of a run; None where one of them is not known."""

    a: float | None
    b: float | None


def job_seconds(pair: SamplePair) -> Totals:
    """Seconds of all jobs of both runs."""
    return Totals(
        _total(e.a_seconds for e in pair.efforts if e.in_a),
        _total(e.b_seconds for e in pair.efforts if e.in_b),
    )


def cost(pair: SamplePair) -> Totals:
    """USD of all jobs of both runs."""
    return Totals(
        _total(e.a_usd for e in pair.efforts if e.in_a),
        _total(e.b_usd for e in pair.efforts if e.in_b),
    )


def _total(values: Iterable[float | None]) -> float | None:
    known = list(values)
    if not known or any(one is None for one in known):
        return None
    return sum(one for one in known if one is not None)


# ── Calls and metrics


def concordance_of(report: Report) -> tuple[Concordance, ...]:
    """By class of variant: how many both have, of all that either has."""
    found = [
        Concordance(one.kind, one.same + one.rewritten, one.same + one.rewritten + changed)
        for one in report.tallies
        if one.region == EVERYWHERE
        for changed in [sum(one.changes.values())]
    ]
    return tuple(one for one in found if one.total)


def metrics_compared(report: Report) -> tuple[Metric, ...]:
    """Without those that tell of other runs of the sample."""
    return tuple(one for one in report.metrics if one.name not in _OF_OTHER_RUNS)


def add_up(concordances: Iterable[Sequence[Concordance]]) -> tuple[Concordance, ...]:
    """The classes of several samples, summed."""
    both: Counter[Kind] = Counter()
    total: Counter[Kind] = Counter()
    for one in (each for some in concordances for each in some):
        both[one.kind] += one.both
        total[one.kind] += one.total
    return tuple(Concordance(kind, both[kind], total[kind]) for kind in Kind if total[kind])


def summed(concordance: Iterable[Concordance]) -> tuple[int, int]:
    """Variants of all classes: those that both have, and all."""
    known = list(concordance)
    return sum(one.both for one in known), sum(one.total for one in known)


def summarise_metrics(pairs: Iterable[SamplePair]) -> tuple[MetricSummary, ...]:
    """Each figure over all samples; those that differ most come first."""
    named: dict[str, list[tuple[str, Metric]]] = {}
    for pair in pairs:
        for metric in pair.metrics:
            named.setdefault(metric.name, []).append((pair.sample, metric))
    found = [_summary(name, some) for name, some in named.items()]
    return tuple(sorted(found, key=lambda one: (-one.differ, -one.within)))


def _summary(name: str, some: Sequence[tuple[str, Metric]]) -> MetricSummary:
    identical = sum(metric.a == metric.b for _, metric in some)
    differ = sum(not metric.within for _, metric in some)
    within = len(some) - identical - differ
    if not differ and not within:
        return MetricSummary(name, identical, within, differ)
    sample, metric = max(some, key=lambda one: _distance(one[1]))
    return MetricSummary(name, identical, within, differ, sample, metric.a, metric.b)


def _distance(metric: Metric) -> float:
    """How far apart both are, as a share of the greater; a figure that one lacks is farthest."""
    if metric.a is None or metric.b is None:
        return float("inf") if metric.a != metric.b else 0.0
    greater = max(abs(metric.a), abs(metric.b))
    return abs(metric.a - metric.b) / greater if greater else 0.0


# ── Groups


def spread(values: Iterable[tuple[float | None, float | None]]) -> Spread | None:
    """A figure over the samples of which both sides are known; None without any."""
    known = [(a, b) for a, b in values if a is not None and b is not None and a > 0 and b > 0]
    if not known:
        return None
    a, b = (sum(side) for side in zip(*known, strict=True))
    ratios = [one / other for one, other in known]
    return Spread(len(known), a, b, a / b, min(ratios), max(ratios))


def group_of(name: str, pairs: Sequence[SamplePair]) -> Group:
    """What can be said of some samples together; of those that are not comparable, no figures."""
    compared = [pair for pair in pairs if pair.verdict is not Verdict.NOT_COMPARABLE]
    counted = Counter(pair.verdict for pair in pairs)
    return Group(
        name=name,
        samples=len(pairs),
        verdicts={verdict: counted[verdict] for verdict in Verdict if counted[verdict]},
        concordance=add_up(pair.concordance for pair in compared),
        reportable=sum(pair.reportable for pair in compared),
        metrics=summarise_metrics(compared),
        stages=tuple(_stages(compared)),
        jobs=spread(job_seconds(pair) for pair in compared),
        wall=spread((pair.a.wall_seconds, pair.b.wall_seconds) for pair in compared),
        cost=spread(cost(pair) for pair in compared),
    )


def groups_of(pairs: Sequence[SamplePair]) -> tuple[Group, ...]:
    """A group for each assay, in the order in which they come."""
    by_assay: dict[str, list[SamplePair]] = {}
    for pair in pairs:
        by_assay.setdefault(pair.assay, []).append(pair)
    return tuple(group_of(name, some) for name, some in by_assay.items())


def _stages(pairs: Sequence[SamplePair]) -> Iterable[StageSpeed]:
    by_stage: dict[str, list[Effort]] = {}
    for effort in (one for pair in pairs for one in pair.efforts):
        by_stage.setdefault(effort.stage, []).append(effort)
    for name, some in by_stage.items():
        if only := _only(some):
            yield _stage_of_one(name, only, some)
            continue
        seconds = spread((one.a_seconds, one.b_seconds) for one in some)
        usd = spread((one.a_usd, one.b_usd) for one in some)
        yield StageSpeed(name, seconds, usd)


def _stage_of_one(name: str, only: str, some: Sequence[Effort]) -> StageSpeed:
    """A stage that one side alone has: what it took there."""
    is_a = only == "A"
    there = [one for one in some if (one.in_a if is_a else one.in_b)]
    seconds = [one.a_seconds if is_a else one.b_seconds for one in there]
    usd = [one.a_usd if is_a else one.b_usd for one in there]
    return StageSpeed(name, only=only, only_seconds=_sum(seconds), only_usd=_sum(usd))


def _sum(values: Iterable[float | None]) -> float | None:
    known = list(values)
    return None if None in known else sum(value or 0.0 for value in known)


def _only(some: Iterable[Effort]) -> str:
    known = list(some)
    has: Mapping[str, Callable[[Effort], bool]] = {
        "A": lambda one: one.in_a,
        "B": lambda one: one.in_b,
    }
    found = [side for side, is_there in has.items() if any(map(is_there, known))]
    return found[0] if len(found) == 1 else ""
