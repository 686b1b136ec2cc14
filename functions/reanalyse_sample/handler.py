"""Begins the run of a member of a reanalysis, and leaves the state machine waiting for its end."""

from typing import Any

import msgspec
from aws_lambda_powertools import Logger, Metrics

from seqdrop.composition import compose
from seqdrop.domain.identity import ReanalysisInput
from seqdrop.domain.reanalysis.plan import Member
from seqdrop.settings import ReanalyseSampleSettings
from seqdrop.tasks import reanalysis_of, task

logger = Logger()
metrics = Metrics()
flows = compose(ReanalyseSampleSettings)


@task(reanalysis_of, logger, metrics)
def handler(ids: ReanalysisInput, event: dict[str, Any]) -> dict[str, str]:
    """Takes the member, the task's token, whether it is a canary, and whether this is the last
    pass: executions of up to 0.1, and canaries, have but one."""
    member = msgspec.convert(event["member"], Member)
    logger.append_keys(sample_id=member.sample)
    outcome = flows.cohort.begin(
        ids.reanalysis, ids.attempt, member, event["token"],
        canary=event["canary"], last=event.get("last", True),
    )  # fmt: skip
    metrics.add_metric(name="ReanalysesOfSamples", unit="Count", value=1)
    logger.info("member looked at", outcome=outcome)
    return {"outcome": outcome}
