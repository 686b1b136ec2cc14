"""Closes a run that failed, says why, and ends what is left of its jobs."""

from typing import Any

import msgspec
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.utilities.typing import LambdaContext

from seqdrop import wiring
from seqdrop.aws.faults import faults_are_transient
from seqdrop.domain.identity import RunId

logger = Logger()
metrics = Metrics()


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
@faults_are_transient
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, str]:
    """Takes the run's ids and the error that ended its execution; returns the reason."""
    ids = msgspec.convert(event["run"], RunId)
    logger.append_keys(sample_id=ids.sample, run_key=ids.run_key, execution_arn=event["execution"])
    error = event["failure"]
    reason = wiring.closing().fail(ids, error.get("Error", "unknown"), error.get("Cause", ""))
    metrics.add_metric(name="RunsFailed", unit="Count", value=1)
    logger.warning("run failed", reason=reason)
    return {"reason": reason}
