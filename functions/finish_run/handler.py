"""Checks that every result is there, judges its QC, and promotes the run."""

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
def handler(run: RunId, _event: dict[str, Any]) -> dict[str, str]:
    """Takes the run's ids; returns its status and QC verdict."""
    finished = flows.closing.finish(run)
    metrics.add_metric(name="RunsSucceeded", unit="Count", value=1)
    logger.info("run finished", status=finished["status"], qc=finished["qc"])
    return finished
