"""Closes a run that failed, says why, and ends what is left of its jobs."""

from typing import Any

from aws_lambda_powertools import Logger, Metrics

from seqdrop.composition import compose
from seqdrop.domain.identity import RunId
from seqdrop.settings import ClosingSettings
from seqdrop.tasks import run_of, task

logger = Logger()
metrics = Metrics()
flows = compose(ClosingSettings)


@task(run_of, logger, metrics)
def handler(run: RunId, event: dict[str, Any]) -> dict[str, str]:
    """Takes the run's ids and the error that ended its execution; returns the reason."""
    error = event["failure"]
    reason = flows.closing.fail(run, error.get("Error", "unknown"), error.get("Cause", ""))
    metrics.add_metric(name="RunsFailed", unit="Count", value=1)
    logger.warning("run failed", reason=reason)
    return {"reason": reason}
