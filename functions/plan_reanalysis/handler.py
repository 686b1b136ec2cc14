"""Plans a reanalysis: who is affected, what it takes, and which are tried first."""

from typing import Any

from aws_lambda_powertools import Logger, Metrics

from seqdrop.composition import compose
from seqdrop.domain.identity import ReanalysisInput
from seqdrop.settings import PlanReanalysisSettings
from seqdrop.tasks import reanalysis_of, task

logger = Logger()
metrics = Metrics()
flows = compose(PlanReanalysisSettings)


@task(reanalysis_of, logger, metrics)
def handler(ids: ReanalysisInput, _event: dict[str, Any]) -> dict[str, Any]:
    """Takes the id and the attempt; returns what is next, and where the members are listed."""
    planned = flows.reanalysis_planning.plan(ids.reanalysis, ids.attempt)
    metrics.add_metric(name="ReanalysesPlanned", unit="Count", value=1)
    logger.info("reanalysis planned", following=planned["next"], canaries=len(planned["canaries"]))
    return planned
