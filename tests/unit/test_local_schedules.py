"""Schedules of the embedded runtime."""

import threading

import pytest

from local.functions import HostStopped, Invocation, TooManyRequests
from local.schedules import Schedule, ScheduleClock, read_rate

ARN = "arn:aws:lambda:us-east-1:123456789012:function:lab-sweep"


class Host:
    """Takes calls: the first is refused, and the third finds it stopped."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, bytes]] = []
        self.third = threading.Event()

    def invoke(self, name: str, payload: bytes) -> Invocation:
        self.calls.append((name, payload))
        if len(self.calls) == 1:
            raise TooManyRequests("none is free")
        if len(self.calls) == 3:
            self.third.set()
            raise HostStopped("it stops")
        return Invocation(b"{}", error=True)


@pytest.mark.parametrize(
    ("expression", "seconds"),
    [("rate(1 minute)", 60), ("rate(15 minutes)", 900), ("rate(2 hours)", 7_200),
     ("rate(1 day)", 86_400)],
)  # fmt: skip
def test_rates_are_read(expression: str, seconds: float) -> None:
    assert read_rate(expression) == seconds


@pytest.mark.parametrize("expression", ["cron(0 9 * * ? *)", "at(2026-11-29T00:00:00)", "rate(5)"])
def test_what_the_runtime_does_not_fire_is_refused(expression: str) -> None:
    with pytest.raises(ValueError, match="rate"):
        read_rate(expression)


def test_a_function_is_called_at_its_rate_whatever_comes_of_a_call() -> None:
    host = Host()
    clock = ScheduleClock([Schedule(ARN, 0.01, "{}")], host)
    clock.start()
    assert host.third.wait(30)
    clock.stop()
    assert host.calls == [("lab-sweep", b"{}")] * 3


def test_a_clock_that_is_stopped_calls_nobody() -> None:
    host = Host()
    clock = ScheduleClock([Schedule(ARN, 3_600)], host)
    clock.start()
    clock.stop()
    assert host.calls == []
