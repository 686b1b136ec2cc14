"""Which queues share hosts, and what shows that hosts come."""

import pytest

from seqdrop.aws.batch_detail import read_state
from seqdrop.domain.hosts import hosts_of, queues_of, sign_of_hosts

NOW = "2026-03-01T12:00:00.000Z"
NOON, MILLISECONDS = "2026-03-01T11:00:00.000Z", 1_772_362_800_000


def test_cpu_queues_have_hosts_of_their_own_whatever_the_stack_is_called() -> None:
    assert hosts_of("my-fpga-lab-cpu-bulk") == "my-fpga-lab-cpu"
    ranks = ("urgent", "routine", "bulk", "ondemand")
    assert queues_of("my-fpga-lab-cpu") == [f"my-fpga-lab-cpu-{rank}" for rank in ranks]


def test_fpga_kinds_wait_for_each_others_licence() -> None:
    assert hosts_of("lab-fpga-exome-urgent") == hosts_of("lab-fpga-genome-bulk") == "lab-fpga"
    assert len(queues_of("lab-fpga")) == 6
    assert {hosts_of(queue) for queue in queues_of("lab-fpga")} == {"lab-fpga"}


@pytest.mark.parametrize(
    ("said", "sign"),
    [
        ({"status": "SUBMITTED"}, ""),
        ({"status": "RUNNABLE"}, ""),
        ({"status": "RUNNABLE", "statusReason": "UNDETERMINED - no idea"}, NOW),
        ({"status": "STARTING"}, NOW),
        ({"status": "RUNNING"}, NOW),
        ({"status": "RUNNABLE", "attempts": [{}, {"stoppedAt": MILLISECONDS}]}, NOON),
        ({"status": "SUCCEEDED", "attempts": [{"stoppedAt": MILLISECONDS}]}, NOON),
        # One that failed to start had a host, too.
        ({"status": "FAILED", "attempts": [{"stoppedAt": MILLISECONDS}]}, NOON),
        # Ended while it waited: never on a host, or after a host had been lost.
        ({"status": "FAILED", "stoppedAt": MILLISECONDS}, ""),
        (
            {
                "status": "FAILED",
                "stoppedAt": 2 * MILLISECONDS,
                "attempts": [{"stoppedAt": MILLISECONDS}],
            },
            NOON,
        ),
    ],
)
def test_a_job_shows_that_hosts_come_when_it_was_on_one(said: dict[str, object], sign: str) -> None:
    assert sign_of_hosts(read_state({"jobId": "1", **said}), NOW) == sign
