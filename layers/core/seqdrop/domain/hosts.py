"""The hosts that queues share, and signs that such hosts come."""

from typing import get_args

from seqdrop.domain.pipeline import Priority, QueueKind
from seqdrop.domain.records import JobState

ON_DEMAND = "ondemand"
"""In the place of the priority, in the name of the CPU queue that has no Spot hosts."""

_FOR_JOBS = 0.93
"""The part of a host's memory that jobs can have: its system and ECS agent keep the rest."""


def queue_name(prefix: str, kind: str, priority: str = "routine") -> str:
    """The name of a queue; where any queue of a kind will do, of its routine one."""
    return f"{prefix}-{kind}-{priority}"


def hosts_of(queue: str) -> str:
    """The hosts of a queue, such as ``<stack>-cpu`` or ``<stack>-fpga``.

    FPGA kinds have hosts of their own, but share the licence that counts their jobs: a job of one
    may wait for the end of another's.
    """
    kind = kind_of(queue)
    return queue.rpartition("-")[0].removesuffix(kind) + _family(kind)


def kind_of(queue: str) -> str:
    """The kind of a queue: ``cpu``, ``fpga-genome``."""
    own = queue.rpartition("-")[0]  # without the priority
    kinds: tuple[str, ...] = get_args(QueueKind)
    return next(kind for kind in kinds if own.endswith(f"-{kind}"))


def is_cpu(queue: str) -> bool:
    """Whether a queue is one of CPU hosts, by its name; of others' queues, too."""
    return queue.rpartition("-")[0].endswith("-cpu")


def gate_of(queue: str) -> str:
    """The name of the resource that the jobs of a queue's kind take one of each."""
    kind = kind_of(queue)
    return f"{queue.rpartition('-')[0].removesuffix(kind)}gate-{kind}"


def queues_of(hosts: str) -> list[str]:
    """The names of all queues whose jobs run on these hosts."""
    stack, _, family = hosts.rpartition("-")
    kinds = [kind for kind in get_args(QueueKind) if _family(kind) == family]
    names = [f"{stack}-{kind}-{priority}" for kind in kinds for priority in get_args(Priority)]
    return [*names, f"{stack}-{family}-{ON_DEMAND}"] if family == "cpu" else names


def on_demand_queue(queue: str) -> str:
    """The queue whose hosts nobody takes away, for a job of this one; FPGA hosts are all so."""
    return queue if not is_on_spot(queue) else f"{queue.rpartition('-')[0]}-{ON_DEMAND}"


def with_priority(queue: str, priority: str) -> str:
    """The queue of another priority, on the same hosts; the one on demand has none."""
    own, _, last = queue.rpartition("-")
    return queue if last == ON_DEMAND else f"{own}-{priority}"


def is_on_spot(queue: str) -> bool:
    """Whether a queue's hosts are Spot instances, which EC2 may take away at any time."""
    kind_and_stack, _, last = queue.rpartition("-")
    return kind_and_stack.endswith("-cpu") and last != ON_DEMAND


def most_memory_mib(queue: str, instance_types: str, asked: int) -> int:
    """As much memory (MiB) as a host of a queue can give a job that asks for so much.

    ``instance_types`` are the CPU hosts' (CpuInstanceTypes): 4xlarge or 8xlarge, 4 GiB a vCPU in m
    types and 8 in r types, of which the host keeps some for itself. FPGA jobs have a whole host.
    """
    if kind_of(queue) != "cpu":
        return asked
    return max(asked, largest_cpu_host(instance_types)[1])


def largest_cpu_host(instance_types: str) -> tuple[int, int]:
    """The vCPUs, and the memory (MiB) for jobs, of the largest of the CPU hosts' types."""
    vcpus = {"4xlarge": 16, "8xlarge": 32}
    gib = {"m": 4, "r": 8}
    named = [name.strip().partition(".") for name in instance_types.split(",") if name]
    most_vcpus = max((vcpus[size] for _, _, size in named), default=0)
    most_gib = max((gib[f[:1]] * vcpus[size] for f, _, size in named), default=0)
    return most_vcpus, int(most_gib * 1024 * _FOR_JOBS)


def sign_of_hosts(state: JobState, now: str) -> str:
    """When a job last showed that a host came for it, or that Batch knows why none can.

    "" where it shows nothing of the kind: it waits, or it was ended while it waited.
    """
    if state.blocked or state.status in {"STARTING", "RUNNING"}:
        return state.told or now
    return state.attempts[-1].ended if state.attempts else ""


def _family(kind: str) -> str:
    return kind.partition("-")[0]
