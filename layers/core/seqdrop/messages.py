"""Messages of a queue and changes of a table, one by one: what fails comes again, and says why."""

from collections.abc import Callable
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)
from aws_lambda_powertools.utilities.batch.base import FailureResponse
from aws_lambda_powertools.utilities.typing import LambdaContext


class _LoggedBatch(BatchProcessor):
    """Powertools' own would only tell at the debug level that a message failed."""

    def __init__(self, kind: EventType, logger: Logger) -> None:
        super().__init__(kind, raise_on_entire_batch_failure=False)
        self._logger = logger

    def failure_handler(self, record: Any, exception: Any) -> FailureResponse:
        message_id = record.get("messageId") or record.get("eventID")
        self._logger.error("message failed", exc_info=exception, message_id=message_id)
        return super().failure_handler(record, exception)


def each_message(
    event: dict[str, Any], context: LambdaContext, handle: Callable[[str], None], logger: Logger
) -> Any:
    """Hands each message's body on; answers which messages are to come again."""
    return process_partial_response(
        event=event,
        record_handler=lambda record: handle(record.body),
        processor=_LoggedBatch(EventType.SQS, logger),
        context=context,
    )


def each_change(
    event: dict[str, Any],
    context: LambdaContext,
    handle: Callable[[dict[str, Any]], None],
    logger: Logger,
) -> Any:
    """Hands each record of a table's stream on; answers which failed: Lambda goes back there."""
    return process_partial_response(
        event=event,
        record_handler=lambda record: handle(record.raw_event),
        processor=_LoggedBatch(EventType.DynamoDBStreams, logger),
        context=context,
    )
