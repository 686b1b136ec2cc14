"""What a job costs: the time that its attempts ran, at its queue's price."""

from collections.abc import Iterable

from seqdrop.domain.pipeline import QueuePrice


def job_cost_usd(price: QueuePrice, vcpus: int, attempt_seconds: Iterable[float]) -> float:
    """USD for all attempts of a job, the failed ones included; start-up of hosts is not in it."""
    units = 1 if price.per == "instance" else vcpus
    return round(price.usd_per_hour * units * sum(attempt_seconds) / 3600, 6)


def run_cost_usd(job_costs: Iterable[float | None]) -> float:
    """USD for a run: the sum over its jobs. One that has not ended has no cost yet."""
    return round(sum(cost or 0.0 for cost in job_costs), 6)
