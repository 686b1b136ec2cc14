"""Checks that every result is there, judges its QC, and promotes the run."""

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
    """Takes the run's ids; returns its status and QC verdict."""
    ids = msgspec.convert(event["run"], RunId)
    logger.append_keys(sample_id=ids.sample, run_key=ids.run_key, execution_arn=event["execution"])
    finished = wiring.closing().finish(ids)
    metrics.add_metric(name="RunsSucceeded", unit="Count", value=1)
    logger.info("run finished", status=finished["status"], qc=finished["qc"])
    return finished
