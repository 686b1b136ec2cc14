"""Lanes that come over time, and events that come twice and out of order: one run each."""

import random

from tests.e2e.ingest import (
    assert_analysed,
    assert_waits,
    deliver,
    document,
    events_kept_back,
    wait_until_quiet,
)
from tests.lab import Lab, pair
from tests.statemachine.bench import Bench


def drop_lane(lab: Lab, sample: str, lane: int, flowcell: str = "HTEST") -> None:
    """Drops a lane's pair under the assay whose quiet period is long enough for a slow machine."""
    bodies = pair(20, lane=lane, flowcell=flowcell, seed=lane)
    for read, body in zip(("R1", "R2"), bodies, strict=True):
        lab.drop(f"patient/{flowcell}/{sample}_S1_L{lane:03}_{read}_001.fastq.gz", body)


def reads_of(lab: Lab, sample: str) -> list[int]:
    """The reads of each run, newest first."""
    runs = document(lab, sample, "patient")["runs"]
    return [int(run["metrics"]["reads"]) for run in runs]


def test_lanes_within_the_quiet_period_are_one_run_and_a_top_up_one_more(
    lab: Lab, bench: Bench
) -> None:
    sample = bench.new_sample()
    drop_lane(lab, sample, 1)
    drop_lane(lab, sample, 2)
    assert_analysed(lab, sample, "patient")
    assert reads_of(lab, sample) == [80]
    drop_lane(lab, sample, 3)
    assert_analysed(lab, sample, "patient", runs=2)
    assert reads_of(lab, sample) == [120, 80]


def test_quiet_period_says_why_nothing_runs_yet(lab: Lab, bench: Bench) -> None:
    sample = bench.new_sample()
    drop_lane(lab, sample, 1)

    def waits() -> bool:
        analysis = lab.analysis(sample, "patient")
        return analysis is not None and "more lanes may come" in analysis.why

    lab.wait_until(waits)
    assert_analysed(lab, sample, "patient")


def test_lane_without_its_mate_outlasts_the_quiet_period(lab: Lab, bench: Bench) -> None:
    sample = bench.new_sample()
    drop_lane(lab, sample, 1)
    r1, r2 = pair(20, lane=2, seed=2)
    lab.drop(f"patient/{sample}_S1_L002_R1_001.fastq.gz", r1)
    shown = assert_waits(lab, sample, "patient", "waiting for R2 of lane 2")
    assert shown["missing"] == ["R2 of lane 2 on flowcell HTEST"]
    lab.drop(f"patient/{sample}_S1_L002_R2_001.fastq.gz", r2)
    assert_analysed(lab, sample, "patient")


def test_every_event_twice_and_in_any_order_comes_to_the_same_end(lab: Lab, bench: Bench) -> None:
    """Two lanes, one of them on two flowcells in folders of their own, one file bad at first."""
    orders: dict[str, list[str]] = {}
    for seed in range(5):
        sample = bench.new_sample()
        with events_kept_back(lab) as events:
            lab.drop(f"patient/HTEST/{sample}_S1_L001_R1_001.fastq.gz", b"cut in transfer")
            drop_lane(lab, sample, 1)
            drop_lane(lab, sample, 2)
            drop_lane(lab, sample, 1, flowcell="HOTHER")
        orders[sample] = events[::-1] * 2 if seed == 0 else events * 2
        if seed:
            random.Random(seed).shuffle(orders[sample])
    for bodies in orders.values():
        deliver(lab, bodies)
    for sample in orders:
        shown = assert_analysed(lab, sample, "patient")
        assert reads_of(lab, sample) == [120]
        lanes = sorted((f["flowcell"], f["lane"], f["read"]) for f in shown["files"])
        assert lanes == [
            (flowcell, lane, read)
            for flowcell, lane in [("HOTHER", "1"), ("HTEST", "1"), ("HTEST", "2")]
            for read in ("R1", "R2")
        ]


def test_old_events_after_the_end_change_nothing(lab: Lab, bench: Bench) -> None:
    sample = bench.new_sample()
    with events_kept_back(lab) as events:
        drop_lane(lab, sample, 1)
        drop_lane(lab, sample, 2)
    deliver(lab, events)
    assert_analysed(lab, sample, "patient")
    before = lab.describe(sample)
    deliver(lab, events[::-1])
    wait_until_quiet(lab)
    assert lab.describe(sample) == before
