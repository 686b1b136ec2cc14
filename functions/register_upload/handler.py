"""Registers uploaded files, and claims a run where an analysis is complete."""

from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.utilities.typing import LambdaContext

from seqdrop.aws.events import read_upload_message
from seqdrop.composition import compose
from seqdrop.messages import each_message
from seqdrop.settings import RegisterUploadSettings

logger = Logger()
metrics = Metrics()
flows = compose(RegisterUploadSettings)


def register(body: str) -> None:
    """One event of S3, or one message to ourselves."""
    message = read_upload_message(body)
    kind = type(message).__name__
    outcome = flows.reception.receive(message)
    metrics.add_metric(name=f"{kind}s", unit="Count", value=1)
    logger.info("received", kind=kind, outcome=outcome)


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """Answers which messages are to come again."""
    return each_message(event, context, register, logger)
