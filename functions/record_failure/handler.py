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
_LONGEST_CAUSE = 32_000
"""Characters: a Fail state takes 32,768."""


@task(run_of, logger, metrics)
def handler(run: RunId, event: dict[str, Any]) -> dict[str, str]:
    """Takes the run's ids and what ended its execution; returns the run's own error and reason."""
    given = event["failure"]
    error, reason = flows.closing.fail(run, given.get("Error", "unknown"), given.get("Cause", ""))
    metrics.add_metric(name="RunsFailed", unit="Count", value=1)
    logger.warning("run failed", error=error, reason=reason)
    return {"error": error, "reason": reason[:_LONGEST_CAUSE]}
