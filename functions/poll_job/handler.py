"""Asks Batch after a job whose event did not come in time."""

from typing import Any

from aws_lambda_powertools import Logger, Metrics

from seqdrop.composition import compose
from seqdrop.domain.identity import StageInput
from seqdrop.settings import PollJobSettings
from seqdrop.tasks import stage_of, task

logger = Logger()
metrics = Metrics()
flows = compose(PollJobSettings)


@task(stage_of, logger, metrics)
def handler(stage: StageInput, event: dict[str, Any]) -> None:
    """Takes the stage's ids and a task token."""
    status = flows.polling.poll(stage, event["token"])
    metrics.add_metric(name="JobPolls", unit="Count", value=1)
    logger.info("job polled", stage=stage.stage, status=status)
