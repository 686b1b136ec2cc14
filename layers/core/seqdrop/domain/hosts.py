"""The hosts that queues share, and signs that such hosts come."""

from typing import get_args

from seqdrop.domain.pipeline import Priority, QueueKind
from seqdrop.domain.records import JobState


def hosts_of(queue: str) -> str:
    """The hosts of a queue, such as ``<stack>-cpu`` or ``<stack>-fpga``.

    FPGA kinds have hosts of their own, but share the licence that counts their jobs: a job of one
    may wait for the end of another's.
    """
    own = queue.rpartition("-")[0]  # without the priority
    kind = next(kind for kind in get_args(QueueKind) if own.endswith(f"-{kind}"))
    return own.removesuffix(kind) + _family(kind)


def queues_of(hosts: str) -> list[str]:
    """The names of all queues whose jobs run on these hosts."""
    stack, _, family = hosts.rpartition("-")
    kinds = [kind for kind in get_args(QueueKind) if _family(kind) == family]
    return [f"{stack}-{kind}-{priority}" for kind in kinds for priority in get_args(Priority)]


def sign_of_hosts(state: JobState, now: str) -> str:
    """When a job last showed that a host came for it, or that Batch knows why none can.

    "" where it shows nothing of the kind: it waits, or it was ended while it waited.
    """
    if state.blocked or state.status in {"STARTING", "RUNNING"}:
        return state.told or now
    return state.last_attempt


def _family(kind: str) -> str:
    return kind.partition("-")[0]
