"""Looks at the canaries of a reanalysis, and leaves the state machine waiting for a person."""

from typing import Any

from aws_lambda_powertools import Logger, Metrics

from seqdrop.composition import compose
from seqdrop.domain.identity import ReanalysisInput
from seqdrop.settings import ReportReanalysisSettings
from seqdrop.tasks import reanalysis_of, task

logger = Logger()
metrics = Metrics()
flows = compose(ReportReanalysisSettings)


@task(reanalysis_of, logger, metrics)
def handler(ids: ReanalysisInput, event: dict[str, Any]) -> dict[str, str]:
    """Takes the task's token, which `seqdrop approve` or `reject` answers."""
    status = flows.reanalysis_reporting.ask_approval(ids.reanalysis, ids.attempt, event["token"])
    metrics.add_metric(name="ApprovalsAskedFor", unit="Count", value=1)
    logger.info("approval asked for", status=status)
    return {"status": status}
