"""Runs of one sample are compared by their fingerprints when they close."""

import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from seqdrop.aws.catalog.layout import run_item_key
from seqdrop.aws.catalog.table import to_item
from seqdrop.domain.identity import RunId
from tests.cloud_support import RESULTS, Cloud
from tests.identity_support import (
    SITES,
    analyse,
    changed,
    open_typing_cloud,
    person,
    publish,
    start,
    supply,
)
from tests.run_support import Bench

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    with open_typing_cloud(tmp_path, monkeypatch) as opened:
        yield opened


def test_the_first_run_of_a_sample_is_compared_with_nothing(cloud: Cloud) -> None:
    run = analyse(cloud, person(1)).run
    assert (run.qc, run.qc_reasons) == ("PASS", ())
    assert run.metrics == {
        "mapped_fraction": 0.99, "mapped_reads": 99,
        "fingerprint_sites": SITES, "contamination": 0.0,
    }  # fmt: skip


@pytest.mark.parametrize("assay", ["wgs", "wes"])
def test_another_run_of_the_same_person_is_the_same_person(cloud: Cloud, assay: str) -> None:
    analyse(cloud, person(1))
    run = analyse(cloud, changed(person(1), 2), assay).run
    assert (run.qc, run.qc_reasons) == ("PASS", ())
    assert run.metrics["identity_concordance"] == round(58 / 60, 4)
    assert run.metrics["identity_sites"] == SITES


@pytest.mark.parametrize("assay", ["wgs", "wes"])
def test_another_person_under_the_samples_name_fails(cloud: Cloud, assay: str) -> None:
    first = analyse(cloud, person(1))
    bench = analyse(cloud, person(2), assay)
    assert bench.run.qc == "FAIL"
    [line] = bench.run.qc_reasons
    assert f"shared with run {first.run.id.short} (wgs), below 0.8: another person" in line
    assert bench.run.metrics["identity_concordance"] < 0.6
    record = json.loads(cloud.objects.get(RESULTS, f"{bench.folder}run.json") or b"")
    assert (record["qc"], record["qc_reasons"]) == ("FAIL", [line])


def test_what_lies_between_is_a_warning(cloud: Cloud) -> None:
    analyse(cloud, person(1))
    run = analyse(cloud, changed(person(1), 8), "wes").run
    assert run.qc == "WARN"
    assert "below 0.95: a relative, a mixture" in run.qc_reasons[0]


def test_too_few_shared_sites_are_no_verdict(cloud: Cloud) -> None:
    analyse(cloud, person(1))
    run = analyse(cloud, person(2, sites=19), "wes").run
    assert run.qc == "PASS"
    assert run.qc_reasons[0].startswith("NOTE: identity can't be told by 19 sites")
    assert run.metrics["identity_sites"] == 19
    assert "identity_concordance" not in run.metrics


def test_a_limit_of_the_assay_is_on_the_comparison_too(cloud: Cloud) -> None:
    analyse(cloud, person(1))
    run = analyse(cloud, changed(person(1), 1), "strict").run
    assert run.qc_reasons == ("WARN: identity_concordance is 0.9833, below 0.99",)


def test_an_assay_may_leave_identity_alone(cloud: Cloud) -> None:
    analyse(cloud, person(1))
    run = analyse(cloud, person(2), "quiet").run
    assert (run.qc, "identity_sites" in run.metrics) == ("PASS", False)


def test_a_second_wrong_run_does_not_pass_for_being_like_the_first(cloud: Cloud) -> None:
    first = analyse(cloud, person(1))
    assert analyse(cloud, person(2)).run.qc == "FAIL"
    again = analyse(cloud, person(2)).run
    assert again.qc == "FAIL"
    assert first.run.id.short in again.qc_reasons[0]
    assert analyse(cloud, person(1)).run.qc == "PASS"


def test_the_worst_of_several_assays_decides(cloud: Cloud) -> None:
    analyse(cloud, person(1))
    analyse(cloud, person(2), "quiet")
    run = analyse(cloud, person(1), "wes").run
    assert run.qc == "FAIL"
    assert len(run.qc_reasons) == 1
    assert "(quiet)" in run.qc_reasons[0]


def test_a_run_that_took_the_fingerprint_as_it_is_says_nothing_new(cloud: Cloud) -> None:
    """Its stage was not run again, so that it would be compared with itself."""
    analyse(cloud, person(1))
    wrong = analyse(cloud, person(2))
    bench = start(cloud)
    publish(bench, {})
    stages = msgspec.to_builtins(wrong.run.stages)
    table, key = cloud.catalog.runs._table, run_item_key(bench.ids)
    table.update(key, sets={"stages": stages})
    bench.state("finish_run")
    assert bench.run.qc == "FAIL"


def test_a_fingerprint_that_is_gone_is_a_note(cloud: Cloud) -> None:
    first = analyse(cloud, person(1))
    prefix = first.plan.stage("align").prefix
    cloud.s3.delete_object(Bucket=RESULTS, Key=f"{prefix}fingerprint.json")
    run = analyse(cloud, person(1), "wes").run
    assert run.qc == "PASS"
    assert run.qc_reasons[0].endswith("its fingerprint is no longer there")


def test_the_verdict_of_a_call_that_died_is_kept(cloud: Cloud) -> None:
    """Else run.json and the catalog would differ, where another run ended in between."""
    bench = start(cloud, "wes")
    publish(bench, person(1))
    died = pytest.MonkeyPatch()
    died.setattr(type(cloud.catalog.runs), "close", _die)
    with pytest.raises(RuntimeError):
        bench.state("finish_run")
    died.undo()
    analyse(cloud, person(2))
    bench.state("finish_run")
    record = json.loads(cloud.objects.get(RESULTS, f"{bench.folder}run.json") or b"")
    assert (bench.run.qc, list(bench.run.qc_reasons)) == (record["qc"], record["qc_reasons"])
    assert bench.run.metrics == record["metrics"]


def _die(*given: object, **named: object) -> None:
    raise RuntimeError("the function was stopped")


def test_no_genotype_and_no_site_leaves_the_results(cloud: Cloud) -> None:
    analyse(cloud, person(1))
    supply(cloud, person(1))
    bench = analyse(cloud, person(2), "wes")
    for text in (str(cloud.items("NA1")), str(to_item(bench.run)), str(cloud.messages())):
        assert "chr1:" not in text
        assert "0/1" not in text
    ids = RunId("NA1", "wes", bench.ids.run_key, 1)
    assert b"0/1" not in (cloud.objects.get(RESULTS, f"{Bench(cloud, ids).folder}run.json") or b"")
