"""What functions take from the state machine: of this release, and of the one before."""

import msgspec
import pytest

from seqdrop.domain.identity import StageInput
from seqdrop.tasks import stage_of

IDS = {"sample": "K1", "assay": "wgs", "run_key": "abc", "attempt": 2}
ALIGN = StageInput("K1", "wgs", "abc", 2, "align")


def test_a_stage_is_named_beside_the_ids_of_its_run() -> None:
    event = {"run": IDS, "stage": "align", "token": "t", "execution": "arn"}
    assert stage_of(event) == ALIGN


@pytest.mark.parametrize("more", [{}, {"late": {"Error": "States.Timeout"}}])
def test_up_to_0_1_the_stage_held_the_ids_of_its_run(more: dict[str, object]) -> None:
    stage = {**IDS, "stage": "align", "poll_seconds": 60, **more}
    assert stage_of({"stage": stage, "token": "t", "execution": "arn"}) == ALIGN


@pytest.mark.parametrize(
    "event", [{"stage": "align"}, {"run": {}, "stage": "align"}, {"run": IDS, "stage": 3}]
)
def test_an_event_of_neither_release_is_refused(event: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        stage_of(event)
