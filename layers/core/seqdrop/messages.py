"""Messages of a queue, one by one: what fails comes again, and says why in the log."""

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

    def __init__(self, logger: Logger) -> None:
        super().__init__(EventType.SQS, raise_on_entire_batch_failure=False)
        self._logger = logger

    def failure_handler(self, record: Any, exception: Any) -> FailureResponse:
        self._logger.error("message failed", exc_info=exception, message_id=record.message_id)
        return super().failure_handler(record, exception)


def each_message(
    event: dict[str, Any], context: LambdaContext, handle: Callable[[str], None], logger: Logger
) -> Any:
    """Hands each message's body on; answers which messages are to come again."""
    return process_partial_response(
        event=event,
        record_handler=lambda record: handle(record.body),
        processor=_LoggedBatch(logger),
        context=context,
    )
