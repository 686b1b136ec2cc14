"""Closes a reanalysis, writes its report, and tells people what has changed."""

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
def handler(ids: ReanalysisInput, event: dict[str, Any]) -> dict[str, Any]:
    """Takes the machine's state, with its failure if there was one; returns how it ended.

    Or that it goes on, with the list of those that were handed back. Executions of up to 0.1 have
    no passes.
    """
    state = event["state"]
    ended = flows.reanalysis_reporting.report(
        ids.reanalysis, ids.attempt, state.get("failure"), last=state.get("last", True)
    )
    metrics.add_metric(name="ReanalysesEnded", unit="Count", value=1)
    logger.info("reanalysis ended", **ended)
    return ended
