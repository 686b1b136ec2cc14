"""Submits a stage's job, and leaves the state machine waiting for its token."""

from typing import Any

from aws_lambda_powertools import Logger, Metrics

from seqdrop.composition import compose
from seqdrop.domain.identity import StageInput
from seqdrop.settings import SubmitJobSettings
from seqdrop.tasks import stage_of, task

logger = Logger()
metrics = Metrics()
flows = compose(SubmitJobSettings)


@task(stage_of, logger, metrics)
def handler(stage: StageInput, event: dict[str, Any]) -> None:
    """Takes the stage's ids and a task token."""
    job_id = flows.submission.submit(stage, event["token"])
    metrics.add_metric(name="JobsSubmitted", unit="Count", value=1)
    logger.info("job submitted", stage=stage.stage, job_id=job_id)
