"""What the look at waiting jobs takes for granted of the template."""

from seqdrop.flow import waiting
from tests.infrastructure.stack import functions, timeout_of


def test_a_look_ends_well_before_its_function_does() -> None:
    assert timeout_of(functions()["PollJobFunction"]) > 2 * waiting._LOOK_SECONDS
