"""Looks at whatever waits past its time: a schedule calls it every quarter of an hour."""

from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.utilities.typing import LambdaContext

from seqdrop.composition import compose
from seqdrop.settings import SweepCatalogSettings

_LAST_PAGE_MILLISECONDS = 60_000
"""No page is begun with less time left: one takes a few seconds as a rule."""

logger = Logger()
metrics = Metrics()
flows = compose(SweepCatalogSettings)


@logger.inject_lambda_context
@metrics.log_metrics
def handler(_event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """What a sweep could not look at, or had no time for, is due for the next one."""
    swept = flows.sweep.sweep(
        lambda: context.get_remaining_time_in_millis() > _LAST_PAGE_MILLISECONDS
    )
    for what, error in swept.failures:
        logger.error("not looked at", what=what, exc_info=error)
    metrics.add_metric(name="SweepFailures", unit="Count", value=len(swept.failures))
    metrics.add_metric(name="SamplesLate", unit="Count", value=swept.counts["late"])
    found = {**swept.counts, "failures": len(swept.failures), "is_whole": swept.is_whole}
    logger.info("swept", swept=found)
    return found
