"""What a job costs: the time that its attempts ran, at the price of its host and its volumes."""

from collections.abc import Iterable
from datetime import date
from typing import Literal

import msgspec

from seqdrop.domain.host_facts import HostFacts
from seqdrop.domain.workflow import QUEUE

HOURS_A_MONTH = 730
"""Prices of volumes are for a month, billed by the second: 8,760 hours a year over twelve."""
ROOT_GIB = 100
"""The root volume of every host. These are the launch templates' own figures: a test holds them."""
SCRATCH_VOLUMES = 2
"""Volumes that a CPU host's scratch is striped over; FPGA hosts have NVMe of their own."""
SCRATCH_MIBPS = 250
"""Throughput of each of them, in MiB/s."""
HEAD_SCRATCH_GIB = 100
"""Scratch of a host of head jobs, on one volume without more throughput."""
INCLUDED_MIBPS = 125
"""Throughput that any gp3 volume has without a charge."""


class QueuePrice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an hour on a queue costs (USD): a whole instance, or each vCPU.

    ``host_vcpus`` are those of the smallest host, where jobs share one.
    """

    usd_per_hour: float
    per: Literal["instance", "vcpu"]
    source: str
    host_vcpus: int = 1


class HostPrice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an hour of a type of hosts costs (USD), and the vCPUs that its jobs share.

    On Spot nobody knows the price beforehand: what a lab paid, or else at most that on demand.
    """

    usd_per_hour: float
    vcpus: int
    spot_usd_per_hour: float | None = None

    def of(self, market: str) -> float:
        """USD an hour, on Spot or on demand."""
        on_spot = self.spot_usd_per_hour if market == "spot" else None
        return self.usd_per_hour if on_spot is None else on_spot


class VolumePrice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a month of a gp3 volume costs (USD): each GiB, and each MiB/s above the included."""

    usd_per_gib_month: float
    usd_per_mibps_month: float
    source: str


class RestorePrice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What restoring from S3's archives costs (USD for each GiB), by storage class or tier."""

    usd_per_gib: dict[str, float]
    source: str


class Prices(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``pipelines/prices.yaml``; ``as_of`` is when the prices were looked up."""

    as_of: date
    queues: dict[str, QueuePrice]
    volumes: VolumePrice
    restores: RestorePrice | None = None
    hosts: dict[str, HostPrice] = {}
    """By type, for jobs of which it is known where they ran."""


def attempt_cost_usd(
    prices: Prices,
    kind: str,
    vcpus: int,
    scratch_gib: int,
    seconds: float,
    *,
    ran_on: HostFacts | None = None,
) -> float:
    """USD for an attempt that ran so long, however it ended; the host's start-up is not in it.

    hours x (price of the host or of its vCPUs + its share of the host's volumes), where the share
    is its vCPUs of the host's, and all of them where it has the host for itself. Where the host is
    not known, it is the smallest and dearest of its queue: so the cost is the most that it can be.
    """
    price = prices.queues[kind]
    alone = price.per == "instance"
    known = prices.hosts.get(ran_on.instance_type) if ran_on else None
    share = 1.0 if alone else min(1.0, vcpus / (known.vcpus if known else price.host_vcpus))
    if known and ran_on:
        host = share * known.of(ran_on.market)
    else:
        host = price.usd_per_hour * (1 if alone else vcpus)
    volumes = share * volumes_usd_per_hour(prices.volumes, kind, scratch_gib)
    return round((host + volumes) * seconds / 3600, 6)


def volumes_usd_per_hour(price: VolumePrice, kind: str, scratch_gib: int) -> float:
    """USD for an hour of all volumes of a host of a kind."""
    gib, mibps = ROOT_GIB, 0
    if kind == "cpu":
        gib += scratch_gib
        mibps = SCRATCH_VOLUMES * (SCRATCH_MIBPS - INCLUDED_MIBPS)
    elif kind == QUEUE:
        gib += HEAD_SCRATCH_GIB
    month = gib * price.usd_per_gib_month + mibps * price.usd_per_mibps_month
    return month / HOURS_A_MONTH


REFERENCES = "references"
"""In the place of a pipeline, of jobs that make references' indexes; they are of no project."""


class CostLine(msgspec.Struct, frozen=True):
    """What the jobs that ended on a day, for a project and by a pipeline, have cost."""

    day: str
    """``2026-11-28``, in UTC."""
    project: str
    pipeline: str
    micros: int = 0
    """Millionths of a USD."""
    waste_micros: int = 0
    """Those of attempts that came to nothing: failed, stopped, or on a host that was lost."""
    jobs: int = 0
    dragen_bases: int = 0
    """What DRAGEN's licence is metered by, of the jobs that succeeded."""


def micros(usd: float | None) -> int:
    """Whole millionths of a USD, in which costs are added up."""
    return round((usd or 0.0) * 1_000_000)


def sum_usd(costs: Iterable[float | None]) -> float:
    """USD for a job, the sum over its attempts; for a run, over its jobs: None has none yet."""
    return round(sum(cost or 0.0 for cost in costs), 6)
