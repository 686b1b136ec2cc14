"""Copies audit events, and attempts to change one, out of the catalog's table."""

from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.utilities.typing import LambdaContext

from seqdrop.aws.audit import AuditChange, read_change
from seqdrop.composition import compose
from seqdrop.messages import each_change
from seqdrop.settings import CopyAuditSettings

logger = Logger()
metrics = Metrics()
flows = compose(CopyAuditSettings)


def copy(record: dict[str, Any]) -> None:
    """One change of the table; an event is only ever put, so that any other is told."""
    change: AuditChange = read_change(record)
    key = flows.audit_copy.keep(change)
    metrics.add_metric(name="AuditEventsCopied", unit="Count", value=1)
    if change.kind != "INSERT":
        metrics.add_metric(name="AuditEventsChanged", unit="Count", value=1)
        logger.error("an audit event was changed", pk=change.pk, sk=change.sk, kept=key)


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """Answers from which change on the stream is to come again."""
    return each_change(event, context, copy, logger)
