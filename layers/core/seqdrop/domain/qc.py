"""QC: metrics of a run against its assay's limits."""

from enum import IntEnum

from seqdrop.domain.pipeline import Limit
from seqdrop.domain.plan import StageResult


class Verdict(IntEnum):
    """Ordered, so that the worst of several is their maximum."""

    PASS = 0
    WARN = 1
    FAIL = 2


def metrics_of(results: list[StageResult], reference_bases: int) -> dict[str, float]:
    """The metrics that limits may name.

    ``reads`` (both mates), ``mapped_fraction`` and ``duplicate_fraction`` (of primary records),
    ``mean_depth`` (sequenced bases over the reference's: before duplicates and clipping).
    """
    counts: dict[str, float] = {}
    for result in results:
        counts.update(result.counts)
        counts.update(result.metrics)
    metrics: dict[str, float] = {}
    if "reads_in" in counts:
        metrics["reads"] = counts["reads_in"]
    if counts.get("bases_in") and reference_bases:
        metrics["mean_depth"] = round(counts["bases_in"] / reference_bases, 2)
    if primary := counts.get("primary_out"):
        metrics["mapped_fraction"] = round(counts.get("mapped", 0) / primary, 4)
        metrics["duplicate_fraction"] = round(counts.get("duplicates", 0) / primary, 4)
    return metrics


def judge(metrics: dict[str, float], limits: dict[str, Limit]) -> tuple[Verdict, list[str]]:
    """The worst verdict, and a sentence for each limit that was crossed.

    A limit on a metric that the run does not have is a WARN: it could not be looked at.
    """
    worst, reasons = Verdict.PASS, []
    for name, limit in limits.items():
        if name not in metrics:
            verdict, reason = Verdict.WARN, f"{name} is limited, but was not measured"
        else:
            verdict, reason = _judge_one(name, metrics[name], limit)
        if verdict is not Verdict.PASS:
            reasons.append(f"{verdict.name}: {reason}")
        worst = max(worst, verdict)
    return worst, reasons


def _judge_one(name: str, value: float, limit: Limit) -> tuple[Verdict, str]:
    for verdict, low, high in (
        (Verdict.FAIL, limit.fail_below, limit.fail_above),
        (Verdict.WARN, limit.warn_below, limit.warn_above),
    ):
        if low is not None and value < low:
            return verdict, f"{name} is {value:g}, below {low:g}"
        if high is not None and value > high:
            return verdict, f"{name} is {value:g}, above {high:g}"
    return Verdict.PASS, ""
