"""Closes the run, or the reanalysis, of an execution that failed, timed out or was stopped."""

from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.utilities.typing import LambdaContext

from seqdrop.aws.events import read_execution_end
from seqdrop.composition import compose
from seqdrop.domain.identity import ReanalysisInput
from seqdrop.messages import each_message
from seqdrop.settings import EndRunSettings

logger = Logger()
metrics = Metrics()
flows = compose(EndRunSettings)


def end(body: str) -> None:
    """One execution's end; that of a run closed already only ends what is left of its jobs."""
    ended = read_execution_end(body)
    of, cause = ended.of, ended.cause or ended.error or ""
    if isinstance(of, ReanalysisInput):
        aborted = ended.status == "ABORTED"
        outcome = flows.reanalysis_ending.end(
            of.reanalysis, of.attempt, cause or ended.status, aborted=aborted
        )
        logger.info("reanalysis ended", reanalysis=of.reanalysis, status=ended.status, runs=outcome)
    else:
        said = flows.closing.end(of, ended.status, cause, who="stepfunctions")
        logger.info(
            "execution ended",
            sample_id=of.sample,
            run_key=of.run_key,
            status=ended.status,
            outcome=said,
        )
    metrics.add_metric(name="ExecutionsEnded", unit="Count", value=1)


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """Answers which messages are to come again."""
    return each_message(event, context, end, logger)
