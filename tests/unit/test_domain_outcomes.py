"""What became of a run: failure classes, costs, and a job's way forward."""

import itertools
from datetime import date

import msgspec
import pytest

from seqdrop.domain.assignment import Assignment, assigned_by_manifest
from seqdrop.domain.cost import (
    HostPrice,
    Prices,
    QueuePrice,
    VolumePrice,
    attempt_cost_usd,
    sum_usd,
    volumes_usd_per_hour,
)
from seqdrop.domain.expectation import ManifestVersion
from seqdrop.domain.host_facts import HostFacts
from seqdrop.domain.identity import AnalysisId, ObjectName
from seqdrop.domain.intake import Found
from seqdrop.domain.manifest import ExpectedFile
from seqdrop.domain.plan import StoredObject
from seqdrop.domain.records import JOB_ENDED, JOB_STATUSES, RunStatus, job_progress
from seqdrop.domain.upload import Upload, object_cause

PRICES = Prices(
    date(2026, 11, 28),
    {
        "cpu": QueuePrice(2.0, "vcpu", "test", host_vcpus=16),
        "fpga-genome": QueuePrice(2.0, "instance", "test"),
    },
    VolumePrice(0.08, 0.04, "test"),
)


@pytest.mark.parametrize(
    ("kind", "vcpus", "cost"),
    [
        # a quarter of (1,100 GiB x 0.08 + 2 x 125 MiB/s x 0.04) / 730
        ("cpu", 4, 8.0 + 98 / 730 / 4),
        ("cpu", 16, 32.0 + 98 / 730),
        ("cpu", 30, 60.0 + 98 / 730),  # of no host more than all
        ("fpga-genome", 22, 2.0 + 8 / 730),  # its root volume: scratch is the instance's own
    ],
)
def test_a_job_costs_its_hours_and_its_volumes_failed_attempts_included(
    kind: str, vcpus: int, cost: float
) -> None:
    found = sum_usd(attempt_cost_usd(PRICES, kind, vcpus, 1_000, s) for s in (1_800, 0, 1_800))
    assert found == pytest.approx(cost, abs=1e-6)
    assert sum_usd([None]) == 0


@pytest.mark.parametrize(
    ("market", "known", "cost"),
    [
        ("on-demand", "m.large", (3.2 + 98 / 730) / 8),
        ("spot", "m.large", (3.2 + 98 / 730) / 8),  # nobody said what Spot costs: at most that
        ("spot", "m.cheap", (0.8 + 98 / 730) / 8),
        ("on-demand", "m.cheap", (3.2 + 98 / 730) / 8),
        ("spot", "m.unknown", 8.0 + 98 / 730 / 4),
    ],
)
def test_a_job_whose_host_is_known_costs_its_share_of_that_host(
    market: str, known: str, cost: float
) -> None:
    hosts = {"m.large": HostPrice(3.2, 32), "m.cheap": HostPrice(3.2, 32, spot_usd_per_hour=0.8)}
    prices = msgspec.structs.replace(PRICES, hosts=hosts)
    ran_on = HostFacts("i-1", known, market=market)
    found = attempt_cost_usd(prices, "cpu", 4, 1_000, 3_600, ran_on=ran_on)
    assert found == pytest.approx(cost, abs=1e-6)


def test_scratch_costs_what_was_asked_for() -> None:
    small, large = (attempt_cost_usd(PRICES, "cpu", 16, gib, 3_600) for gib in (200, 8_000))
    assert large - small == pytest.approx(7_800 * 0.08 / 730, abs=1e-5)
    assert volumes_usd_per_hour(PRICES.volumes, "cpu", 1_000) == pytest.approx(0.134, abs=1e-3)


def test_a_jobs_progress_grows_over_its_attempts() -> None:
    way = [(status, attempt) for attempt in range(10) for status in JOB_STATUSES[2:]]
    steps = [job_progress(status, attempt) for status, attempt in way]
    steps = [job_progress("SUBMITTING", 0), job_progress("SUBMITTED", 0), *steps]
    assert all(before < after for before, after in itertools.pairwise(steps))
    assert {job_progress(status, 10) for status in JOB_ENDED} == {max(*steps, 1_000)}


def test_only_claimed_and_running_runs_may_change() -> None:
    assert [status for status in RunStatus if status.live] == ["CLAIMED", "RUNNING"]


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("0062E99A88DC407460", "0062E99A88DC407461"),
        ("FF", "0100"),
        ("", "01"),
    ],
)
def test_sequencers_compare_as_numbers_of_any_length(earlier: str, later: str) -> None:
    """They order the versions of one manifest, whatever the clocks say."""
    manifest = ObjectName("b", "x.manifest.json")
    first = ManifestVersion(manifest, "v1", sequencer=earlier, time="2026-03-02")
    second = ManifestVersion(manifest, "v2", sequencer=later, time="2026-03-01")
    assert first.order < second.order
    assert (second.counts_over(first), first.counts_over(second)) == (True, False)


def test_of_two_manifests_the_one_that_came_last_counts() -> None:
    """S3's sequencers say nothing across keys."""
    first = ManifestVersion(ObjectName("b", "z"), "v1", sequencer="FF", time="2026-03-01")
    second = ManifestVersion(ObjectName("b", "a"), "v1", sequencer="01", time="2026-03-02")
    assert (second.counts_over(first), first.counts_over(second)) == (True, False)


def test_an_objects_cause_tells_it_from_others_and_is_short() -> None:
    cause = object_cause(ObjectName("b", "x y;$(z)"))
    assert cause == object_cause(ObjectName("b", "x y;$(z)")) != object_cause(ObjectName("b", "x"))
    assert len(cause) < 40


def test_in_a_bucket_without_versions_the_content_tells_versions_apart() -> None:
    assert Upload("b", "k", "", "00", "etag").version == "etag"
    assert Found(StoredObject("b", "k", 1), "etag").version == "etag"
    assert Found(StoredObject("b", "k", 1, "v1"), "etag").version == "v1"


def test_a_manifest_places_a_file_without_looking_at_its_name() -> None:
    expected = ExpectedFile("b", "k", "Hm2", "wgs", "R2", "5", md5="0" * 32)
    assert assigned_by_manifest(expected) == Assignment(
        AnalysisId("Hm2", "wgs"), "R2", lane="5", md5="0" * 32, by="manifest"
    )
