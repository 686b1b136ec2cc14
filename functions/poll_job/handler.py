"""Asks Batch after a job whose event did not come in time."""

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
    status = wiring.job_flow().poll(stage, event["token"])
    metrics.add_metric(name="JobPolls", unit="Count", value=1)
    logger.info("job polled", stage=stage.stage, status=status)
