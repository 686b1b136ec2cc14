"""Schedules of EventBridge Scheduler: at their rates they call their functions."""

import logging
import re
import threading
from collections.abc import Iterable
from dataclasses import dataclass

from local.functions import HostError, HostStopped
from local.queues import Host

LOG = logging.getLogger(__name__)
_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
_SECONDS = {"minute": 60.0, "hour": 3_600.0, "day": 86_400.0}
STOP_GRACE_SECONDS = 5.0


@dataclass(frozen=True)
class Schedule:
    """What is called, and how often."""

    function_arn: str
    every_seconds: float
    payload: str = "{}"


def read_rate(expression: str) -> float:
    """Seconds between two calls. Raises ValueError for `cron` and `at`, which nothing here uses."""
    found = _RATE.fullmatch(expression)
    if found is None:
        raise ValueError(f"the runtime knows schedules as `rate(5 minutes)`, not {expression!r}")
    return int(found[1]) * _SECONDS[found[2]]


class ScheduleClock:
    """Calls each function at its time, the first after one whole interval, as AWS does.

    A call that fails is not made again, as the template asks of Lambda: the next one comes soon.
    """

    def __init__(self, schedules: Iterable[Schedule], host: Host) -> None:
        self._host = host
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=[one], name=f"schedule {n}", daemon=True)
            for n, one in enumerate(schedules)
        ]

    def start(self) -> None:
        """Begins to wait for the first calls."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Makes no more calls; one that is under way gets a little time to end."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(STOP_GRACE_SECONDS)

    def _run(self, schedule: Schedule) -> None:
        name = schedule.function_arn.rpartition(":")[2]
        while not self._stopping.wait(schedule.every_seconds):
            try:
                invocation = self._host.invoke(name, schedule.payload.encode())
            except HostStopped:
                return
            except HostError as error:
                LOG.warning("%s was not called: %r", name, error)
                continue
            if invocation.error:
                LOG.warning("%s failed: %s", name, invocation.payload)
