"""What the look at waiting jobs takes for granted of the template and the state machine."""

from seqdrop.flow import waiting
from tests.infrastructure.stack import MACHINE, functions, timeout_of


def test_the_longest_poll_is_the_state_machines() -> None:
    assert f"poll_seconds: {waiting._LONGEST_POLL_SECONDS}\n" in MACHINE.read_text("utf-8")


def test_a_look_ends_well_before_its_function_does() -> None:
    assert timeout_of(functions()["PollJobFunction"]) > 2 * waiting._LOOK_SECONDS
