"""Plans a claimed run: its waves of stages, without those whose results are there."""

from typing import Any

from aws_lambda_powertools import Logger, Metrics

from seqdrop.composition import compose
from seqdrop.domain.identity import RunId
from seqdrop.settings import PlanRunSettings
from seqdrop.tasks import run_of, task

logger = Logger()
metrics = Metrics()
flows = compose(PlanRunSettings)


@task(run_of, logger, metrics)
def handler(run: RunId, event: dict[str, Any]) -> dict[str, Any]:
    """Takes the run's ids and the execution's ARN; returns the waves."""
    planned = flows.planning.plan(run, event["execution"])
    metrics.add_metric(name="RunsPlanned", unit="Count", value=1)
    logger.info("run planned", waves=len(planned["waves"]))
    return planned
