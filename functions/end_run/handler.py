"""Closes the run of an execution that failed, timed out or was stopped, and ends its jobs."""

from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.utilities.typing import LambdaContext

from seqdrop.aws.events import read_execution_end
from seqdrop.composition import compose
from seqdrop.messages import each_message
from seqdrop.settings import ClosingSettings

logger = Logger()
metrics = Metrics()
flows = compose(ClosingSettings)


def end(body: str) -> None:
    """One execution's end; that of a run closed already only ends what is left of its jobs."""
    ended = read_execution_end(body)
    cause = ended.cause or ended.error or ""
    outcome = flows.closing.end(ended.run, ended.status, cause, who="stepfunctions")
    metrics.add_metric(name="ExecutionsEnded", unit="Count", value=1)
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
    return each_message(event, context, end, logger)
