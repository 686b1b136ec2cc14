"""Registers uploaded files, and claims a run where an analysis is complete."""

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.utilities.typing import LambdaContext

from seqdrop import wiring
from seqdrop.aws.events import read_upload_message
from seqdrop.aws.queues import Recheck
from seqdrop.domain.naming import UploadKind, upload_kind
from seqdrop.flow.intake import Intake
from seqdrop.flow.manifests import Manifests
from seqdrop.messages import each_message

logger = Logger()
metrics = Metrics()


@cache
def intake() -> Intake:
    """Built with the first message."""
    return Intake(wiring.catalog(), wiring.objects(), wiring.library(), wiring.claims(), wiring.now)


@cache
def manifests() -> Manifests:
    """Built with the first message."""
    return Manifests(wiring.catalog(), wiring.objects(), intake())


def register(body: str) -> None:
    """One upload, or one look at an analysis that time alone was to decide."""
    message = read_upload_message(body)
    if isinstance(message, Recheck):
        status = wiring.claims().advance(message.analysis, message.generation)
        metrics.add_metric(name="Rechecks", unit="Count", value=1)
        logger.info("looked again", sample_id=message.sample, assay=message.assay, status=status)
        return
    is_manifest = upload_kind(message.key) is UploadKind.MANIFEST
    outcome = manifests().receive(message) if is_manifest else intake().receive(message)
    metrics.add_metric(name="Uploads", unit="Count", value=1)
    logger.info("upload received", bucket=message.bucket, key=message.key, outcome=outcome)


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """Answers which messages are to come again."""
    return each_message(event, context, register, logger)
