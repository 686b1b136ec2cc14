"""Registers uploaded files, and claims a run where an analysis is complete."""

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.utilities.typing import LambdaContext

from seqdrop import wiring
from seqdrop.aws.events import read_upload_message
from seqdrop.aws.queues import Recheck
from seqdrop.domain.upload import Upload
from seqdrop.flow.intake import Intake
from seqdrop.flow.manifests import Manifests
from seqdrop.flow.reception import Reception
from seqdrop.messages import each_message

logger = Logger()
metrics = Metrics()
_METRICS: dict[type, str] = {Upload: "Uploads", Recheck: "Rechecks"}


@cache
def reception() -> Reception:
    """Built with the first message."""
    claims, now = wiring.claims(), wiring.now
    catalog, objects, queue = wiring.catalog(), wiring.objects(), wiring.queue()
    intake = Intake(catalog, objects, wiring.library(), claims, queue, now)
    manifests = Manifests(catalog, objects, intake, queue, now)
    return Reception(intake, manifests, claims, now)


def register(body: str) -> None:
    """One event of S3, or one message to ourselves."""
    message = read_upload_message(body)
    outcome = reception().receive(message)
    metrics.add_metric(name=_METRICS.get(type(message), "MessagesToSelf"), unit="Count", value=1)
    logger.info("received", kind=type(message).__name__, outcome=outcome)


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """Answers which messages are to come again."""
    return each_message(event, context, register, logger)
