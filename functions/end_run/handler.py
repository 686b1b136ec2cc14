"""Closes the run of an execution that failed, timed out or was stopped, and ends its jobs."""

from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext
from seqdrop import wiring
from seqdrop.aws.events import read_execution_end

logger = Logger()
metrics = Metrics()
processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)


def end(message: SQSRecord) -> None:
    """One execution's end; that of a run closed already only ends what is left of its jobs."""
    ended = read_execution_end(message.body)
    cause = ended.cause or ended.error
    outcome = wiring.closing().end(ended.run, ended.status, cause, who="stepfunctions")
    logger.info(
        "execution ended",
        sample_id=ended.run.sample,
        run_key=ended.run.run_key,
        status=ended.status,
        outcome=outcome,
    )


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """Answers which messages are to come again."""
    return process_partial_response(
        event=event, record_handler=end, processor=processor, context=context
    )
