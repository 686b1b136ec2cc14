"""Copies audit events, and attempts to change one, out of the catalog's table."""

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.utilities.typing import LambdaContext

from seqdrop import wiring
from seqdrop.aws.audit import AuditChange, AuditCopy, read_change
from seqdrop.messages import each_change

logger = Logger()
metrics = Metrics()


@cache
def audit() -> AuditCopy:
    """Built with the first change."""
    return AuditCopy(wiring.objects(), wiring.settings().audit_bucket)


def copy(record: dict[str, Any]) -> None:
    """One change of the table; an event is only ever put, so that any other is told."""
    change: AuditChange = read_change(record)
    key = audit().keep(change)
    metrics.add_metric(name="AuditEventsCopied", unit="Count", value=1)
    if change.kind != "INSERT":
        metrics.add_metric(name="AuditEventsChanged", unit="Count", value=1)
        logger.error("an audit event was changed", pk=change.pk, sk=change.sk, kept=key)


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """Answers from which change on the stream is to come again."""
    return each_change(event, context, copy, logger)
