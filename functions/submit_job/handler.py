"""Submits a stage's job, and leaves the state machine waiting for its token."""

from typing import Any

import msgspec
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.utilities.typing import LambdaContext

from seqdrop import wiring
from seqdrop.aws.faults import faults_are_transient
from seqdrop.domain.identity import StageInput

logger = Logger()
metrics = Metrics()


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
@faults_are_transient
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Takes the stage's ids and a task token."""
    stage = msgspec.convert(event["stage"], StageInput)
    logger.append_keys(
        sample_id=stage.sample, run_key=stage.run_key, execution_arn=event["execution"]
    )
    job_id = wiring.job_flow().submit(stage, event["token"])
    metrics.add_metric(name="JobsSubmitted", unit="Count", value=1)
    logger.info("job submitted", stage=stage.stage, job_id=job_id)
