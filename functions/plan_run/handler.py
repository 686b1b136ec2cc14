"""Plans a claimed run: its waves of stages, without those whose results are there."""

from functools import cache
from typing import Any

import msgspec
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.utilities.typing import LambdaContext

from seqdrop import wiring
from seqdrop.aws.faults import faults_are_transient
from seqdrop.domain.identity import RunId
from seqdrop.flow.plans import Plans

logger = Logger()
metrics = Metrics()


@cache
def plans() -> Plans:
    """Built with the first call."""
    settings = wiring.settings()
    return Plans(
        catalog=wiring.catalog(),
        objects=wiring.objects(),
        results_bucket=settings.results_bucket,
        shortest_poll_seconds=settings.shortest_poll_seconds,
        now=wiring.now,
    )


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
@faults_are_transient
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Takes the run's ids and the execution's ARN; returns the waves."""
    ids = msgspec.convert(event["run"], RunId)
    logger.append_keys(sample_id=ids.sample, run_key=ids.run_key, execution_arn=event["execution"])
    planned = plans().plan(ids, event["execution"])
    metrics.add_metric(name="RunsPlanned", unit="Count", value=1)
    logger.info("run planned", waves=len(planned["waves"]))
    return planned
