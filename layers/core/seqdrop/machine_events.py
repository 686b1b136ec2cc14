"""What the state machine hands to the functions that run a stage.

An execution keeps the definition that it started with for up to 14 days, while functions are
replaced at once. So events of the release before are read, too.
"""

from typing import Any

import msgspec

from seqdrop.domain.identity import StageInput


def stage_of(event: dict[str, Any]) -> StageInput:
    """The stage that is to be run: ``run`` with its ids, and ``stage`` with its name.

    Up to 0.1, ``stage`` held the ids and the name, and there was no ``run``. Raises
    msgspec.ValidationError for any other event.
    """
    stage = event["stage"]
    ids = {**event["run"], "stage": stage} if "run" in event else stage
    return msgspec.convert(ids, StageInput)
