"""Functions of the state machines: what each does before and after its own work."""

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.utilities.typing import LambdaContext

from seqdrop.aws.faults import faults_are_transient
from seqdrop.domain.identity import ReanalysisInput, RunId, StageInput

Ids = TypeVar("Ids", RunId, StageInput, ReanalysisInput)
Answer = TypeVar("Answer")
Event = dict[str, Any]


def stage_of(event: Event) -> StageInput:
    """The stage that is to be run: ``run`` with its ids, and ``stage`` with its name.

    Up to 0.1, ``stage`` held the ids and the name, and there was no ``run``: an execution keeps the
    definition that it started with for up to 14 days, while functions are replaced at once. Raises
    msgspec.ValidationError for any other event.
    """
    stage = event["stage"]
    ids = {**event["run"], "stage": stage} if "run" in event else stage
    return msgspec.convert(ids, StageInput)


def run_of(event: Event) -> RunId:
    """The run that an execution is for. Raises msgspec.ValidationError for any other event."""
    return msgspec.convert(event["run"], RunId)


def reanalysis_of(event: Event) -> ReanalysisInput:
    """The reanalysis that an execution is for. Raises msgspec.ValidationError for other events."""
    return msgspec.convert(event["reanalysis"], ReanalysisInput)


def _keys(ids: RunId | StageInput | ReanalysisInput) -> dict[str, str]:
    """What each log line says of them."""
    if isinstance(ids, ReanalysisInput):
        return {"reanalysis": ids.reanalysis}
    return {"sample_id": ids.sample, "run_key": ids.run_key}


def task(
    ids_of: Callable[[Event], Ids], logger: Logger, metrics: Metrics
) -> Callable[[Callable[[Ids, Event], Answer]], Callable[[Event, LambdaContext], Answer]]:
    """Makes a handler of the work that is done for a run, a stage of one, or a reanalysis.

    Each log line has their ids, and every fault of AWS gets the name that is tried again.
    """

    def decorate(
        work: Callable[[Ids, Event], Answer],
    ) -> Callable[[Event, LambdaContext], Answer]:
        @logger.inject_lambda_context(clear_state=True)
        @metrics.log_metrics
        @faults_are_transient
        def handler(event: Event, _context: LambdaContext) -> Answer:
            ids = ids_of(event)
            logger.append_keys(**_keys(ids), execution_arn=event["execution"])
            return work(ids, event)

        return handler

    return decorate
