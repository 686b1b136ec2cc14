"""Functions of the state machine: what each does before and after its own work."""

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.utilities.typing import LambdaContext

from seqdrop.aws.faults import faults_are_transient
from seqdrop.domain.identity import RunId, StageInput

Ids = TypeVar("Ids", RunId, StageInput)
Answer = TypeVar("Answer")
Event = dict[str, Any]
_NAMES = {RunId: "run", StageInput: "stage"}
"""Where in its event the state machine puts the ids."""


def task(
    kind: type[Ids], logger: Logger, metrics: Metrics
) -> Callable[[Callable[[Ids, Event], Answer]], Callable[[Event, LambdaContext], Answer]]:
    """Makes a handler of the work that is done for a run, or for a stage of a run.

    Each log line has the run's ids, and every fault of AWS gets the name that is tried again.
    """

    def decorate(
        work: Callable[[Ids, Event], Answer],
    ) -> Callable[[Event, LambdaContext], Answer]:
        @logger.inject_lambda_context(clear_state=True)
        @metrics.log_metrics
        @faults_are_transient
        def handler(event: Event, _context: LambdaContext) -> Answer:
            ids = msgspec.convert(event[_NAMES[kind]], kind)
            logger.append_keys(
                sample_id=ids.sample, run_key=ids.run_key, execution_arn=event["execution"]
            )
            return work(ids, event)

        return handler

    return decorate
