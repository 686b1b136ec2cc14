"""Registers uploaded files, and claims a run where an analysis is complete."""

from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.utilities.typing import LambdaContext

from seqdrop.aws.events import read_upload_message
from seqdrop.aws.queues import Recheck
from seqdrop.composition import compose
from seqdrop.domain.naming import UploadKind, upload_kind
from seqdrop.messages import each_message
from seqdrop.settings import RegisterUploadSettings

logger = Logger()
metrics = Metrics()
flows = compose(RegisterUploadSettings)


def register(body: str) -> None:
    """One upload, or one look at an analysis that time alone was to decide."""
    message = read_upload_message(body)
    if isinstance(message, Recheck):
        status = flows.claims.advance(message.analysis, message.generation)
        metrics.add_metric(name="Rechecks", unit="Count", value=1)
        logger.info("looked again", sample_id=message.sample, assay=message.assay, status=status)
        return
    is_manifest = upload_kind(message.key) is UploadKind.MANIFEST
    way = flows.manifests if is_manifest else flows.intake
    outcome = way.receive(message)
    metrics.add_metric(name="Uploads", unit="Count", value=1)
    logger.info("upload received", bucket=message.bucket, key=message.key, outcome=outcome)


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """Answers which messages are to come again."""
    return each_message(event, context, register, logger)
