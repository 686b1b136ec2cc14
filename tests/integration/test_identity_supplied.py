"""Runs are held against genotypes that a lab supplied when they close."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from seqdrop.aws.objects import Objects
from seqdrop.domain.naming import supplied_key
from seqdrop.domain.records import RunOptions
from tests.cloud_support import QUICK, RESULTS, Cloud
from tests.domain_support import part, reference
from tests.identity_support import (
    analyse,
    changed,
    open_typing_cloud,
    person,
    publish,
    start,
    supply,
)

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")

WHAT = "the genotypes supplied 2026-03-02T14:05:11Z"


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    with open_typing_cloud(tmp_path, monkeypatch) as opened:
        yield opened


def test_a_first_run_is_held_against_what_was_supplied(cloud: Cloud) -> None:
    supply(cloud, person(1))
    supply(cloud, person(2), "NA2")
    run = analyse(cloud, changed(person(1), 2)).run
    line = (
        f"NOTE: identity_concordance is 0.9667 over 60 sites of the fingerprint shared with {WHAT}"
    )
    assert (run.qc, run.qc_reasons) == ("PASS", (line,))
    assert run.metrics["identity_concordance"] == round(58 / 60, 4)


def test_a_first_run_of_another_person_than_was_supplied_fails(cloud: Cloud) -> None:
    """Without, it would be the measure of all that follow."""
    supply(cloud, person(1))
    wrong = analyse(cloud, person(2)).run
    assert wrong.qc == "FAIL"
    [line] = wrong.qc_reasons
    assert f"shared with {WHAT}, below 0.8: another person" in line
    right = analyse(cloud, person(1)).run
    assert right.qc == "PASS"
    assert [WHAT in line for line in right.qc_reasons] == [True]


def test_a_rerun_from_its_last_stage_is_held_against_what_was_supplied_meanwhile(
    cloud: Cloud,
) -> None:
    assert analyse(cloud, person(1)).run.qc == "PASS"
    supply(cloud, person(2))
    bench = start(cloud, options=RunOptions(from_stage="call"))
    bench.publish("call")
    bench.state("finish_run")
    assert bench.run.qc == "FAIL"


def test_earlier_runs_and_what_was_supplied_are_both_compared(cloud: Cloud) -> None:
    first = analyse(cloud, person(1)).run
    supply(cloud, person(2))
    run = analyse(cloud, person(1), "wes").run
    assert run.qc == "FAIL"
    assert [WHAT in line for line in run.qc_reasons] == [True]
    supply(cloud, person(1))
    run = analyse(cloud, person(2), "wes").run
    assert [line[:4] for line in run.qc_reasons] == ["FAIL", "FAIL"]
    assert first.id.short in run.qc_reasons[1]


def test_too_few_shared_with_what_was_supplied_warn(cloud: Cloud) -> None:
    supply(cloud, person(1, sites=19))
    run = analyse(cloud, person(1)).run
    assert run.qc == "WARN"
    [line] = run.qc_reasons
    assert line.startswith("WARN: identity can't be told by 19 sites of the fingerprint shared")
    assert "supply genotypes of the reference's own assembly" in line
    assert run.metrics["identity_sites"] == 19


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"null", b"[]", b"\xff", b'{"supplied": "x", "genotypes": {}}',
        b'{"supplied": "x", "by": "y", "genotypes": {"chr1:1:A:G": "A/G"}}',
    ],
)  # fmt: skip
def test_what_was_supplied_and_can_not_be_read_warns(cloud: Cloud, content: bytes) -> None:
    cloud.objects.put(RESULTS, supplied_key("NA1"), content)
    run = analyse(cloud, person(1)).run
    assert run.qc == "WARN"
    [line] = run.qc_reasons
    assert line.endswith(
        f"s3://{RESULTS}/NA1/supplied-fingerprint.json can't be read: supply them again with "
        "`seqdrop fingerprint`"
    )


def test_a_run_without_sites_warns_that_nothing_was_compared(cloud: Cloud) -> None:
    plain = reference(
        version="3", parts={"sequence": part("genome.fa", "s1")}, created="2026-04-01"
    )
    cloud.catalog.references.add(plain, "test", cloud.clock())
    supply(cloud, person(1))
    bench = start(cloud)
    bench.publish("align")
    bench.publish("call")
    bench.state("finish_run")
    assert bench.run.qc == "WARN"
    assert bench.run.qc_reasons == (
        f"WARN: identity can't be told by {WHAT}: reference tiny/3 has no SNPs for identity; add "
        "a version with a .fingerprint.vcf",
    )


def test_a_pipeline_that_types_nothing_warns_that_nothing_was_compared(
    cloud: Cloud, tmp_path: Path
) -> None:
    supply(cloud, person(1))
    (tmp_path / "quick.yaml").write_text(QUICK)
    bench = start(cloud)
    bench.publish("align")
    bench.publish("call")
    bench.state("finish_run")
    assert bench.run.qc == "WARN"
    [line] = bench.run.qc_reasons
    assert "pipeline quick types no SNPs" in line


def test_an_assay_that_leaves_identity_alone_says_so_of_what_was_supplied(cloud: Cloud) -> None:
    supply(cloud, person(1))
    run = analyse(cloud, person(2), "quiet").run
    assert run.qc == "PASS"
    assert run.qc_reasons == (
        "NOTE: identity can't be told by the supplied genotypes: the assay has identity: none",
    )


def test_what_was_supplied_costs_one_look_into_the_bucket(cloud: Cloud) -> None:
    bench = start(cloud)
    publish(bench, person(1))
    supply(cloud, person(1))
    wanted, get = supplied_key("NA1"), type(cloud.objects).get
    seen = []

    def noted(self: Objects, bucket: str, key: str, version_id: str = "") -> bytes | None:
        seen.append(key)
        return get(self, bucket, key, version_id)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Objects, "get", noted)
        bench.state("finish_run")
    assert seen.count(wanted) == 1


def keep_versions(cloud: Cloud) -> str:
    """As the template's bucket does; where what was supplied lies."""
    kept = {"Status": "Enabled"}
    cloud.s3.put_bucket_versioning(Bucket=RESULTS, VersioningConfiguration=kept)
    return supplied_key("NA1")


def test_what_is_removed_is_gone_with_all_that_came_before(cloud: Cloud) -> None:
    key = keep_versions(cloud)
    for seed in (1, 2):
        supply(cloud, person(seed))
    cloud.s3.delete_object(Bucket=RESULTS, Key=key)
    supply(cloud, person(3))
    cloud.objects.put(RESULTS, f"{key}/beside", b"{}")
    assert cloud.objects.erase(RESULTS, key)
    assert not cloud.objects.erase(RESULTS, key)
    left = cloud.s3.list_object_versions(Bucket=RESULTS, Prefix=key)
    assert [one["Key"] for one in left["Versions"]] == [f"{key}/beside"]
    assert "DeleteMarkers" not in left
    assert analyse(cloud, person(2)).run.qc_reasons == ()


def test_no_older_version_counts_while_what_was_supplied_is_removed(cloud: Cloud) -> None:
    key = keep_versions(cloud)
    for seed in (1, 2):
        supply(cloud, person(seed))
    newest = cloud.objects.get(RESULTS, key)
    client: Any = cloud.objects._client
    seen = []

    def look(**given: str) -> object:
        seen.append(cloud.objects.get(RESULTS, key))
        return delete(**given)

    delete = client.delete_object
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(client, "delete_object", look)
        cloud.objects.erase(RESULTS, key)
    assert seen == [newest, newest]
