"""A control without template: its own verdict, and what the samples of its batch are told."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.timeline import sample_lines
from seqdrop.aws.catalog.layout import read_sample
from seqdrop.flow.controls import Controls
from seqdrop.sample_view import view_sample
from tests.cloud_support import START, Cloud, open_cloud
from tests.lab import reads
from tests.run_support import Bench

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")

ASSAYS = """
default: wgs
assays:
  wgs: {pipeline: quick, reference: tiny, complete: {rule: manifest}}
  deep: {pipeline: quick, reference: tiny, complete: {rule: manifest}, control_reads: 5000}
"""
DIRTY = (
    "WARN: the control holds 1,000 mapped reads, more than 100: look at the samples of its batch"
)
TOLD = "the control NTC (wgs) of the same manifest holds 1,000 mapped reads"


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    with open_cloud(tmp_path, monkeypatch) as opened:
        (tmp_path / "assays.yaml").write_text(ASSAYS)
        yield opened


def entry(sample: str, **given: Any) -> dict[str, Any]:
    files = [{"r1": f"{sample}.r1.fastq.gz", "r2": f"{sample}.r2.fastq.gz"}]
    return {"sample": sample, "assay": "wgs", "files": files, **given}


def drop(cloud: Cloud, *entries: dict[str, Any], manifest: str = "batch.manifest.json") -> None:
    """A manifest, and the files that it names."""
    cloud.upload(manifest, json.dumps({"samples": entries}).encode())
    for one in entries:
        for mate in (1, 2):
            name = one["files"][0][f"r{mate}"]
            # Content that differs from sample to sample.
            cloud.upload(name, reads(5, mate=mate, seed=sum(map(ord, one["sample"]))))


def close(cloud: Cloud, sample: str, mapped: int) -> Bench:
    """The end of a sample's run, of whose reads so many map."""
    ids = next(ids for ids in cloud.executions.started.values() if ids.sample == sample)
    bench = Bench(cloud, ids)
    bench.state("plan_run")
    for stage in ("align", "call"):
        bench.publish(stage, metrics={"primary_out": 100_000, "mapped": mapped})
    bench.state("finish_run")
    return bench


def shown(cloud: Cloud, sample: str) -> str:
    """The text of `seqdrop show`."""
    found = read_sample(cloud.catalog.analyses.partition(sample))
    view = view_sample(sample, found, warnings=Controls(cloud.catalog).warnings)
    return "\n".join(sample_lines(view, START))


@pytest.mark.parametrize(("mapped", "qc"), [(0, "PASS"), (100, "PASS"), (1_000, "WARN")])
def test_a_control_is_judged_by_its_mapped_reads_alone(cloud: Cloud, mapped: int, qc: str) -> None:
    drop(cloud, entry("NTC", control=True))
    run = close(cloud, "NTC", mapped).run
    assert run.qc == qc
    assert run.metrics["mapped_reads"] == mapped
    assert (DIRTY in run.qc_reasons) == (qc == "WARN")
    assert run.qc_reasons[-1].startswith("NOTE: a control without template")


def test_a_sample_is_not_judged_as_a_control(cloud: Cloud) -> None:
    drop(cloud, entry("NA1"))
    assert close(cloud, "NA1", 0).run.qc == "FAIL"


def test_samples_that_close_after_a_dirty_control_are_warned(cloud: Cloud) -> None:
    drop(cloud, entry("NTC", control=True), entry("NA1"))
    drop(cloud, entry("NA2"), manifest="other.manifest.json")
    close(cloud, "NTC", 1_000)
    run = close(cloud, "NA1", 99_000).run
    assert run.qc == "WARN"
    assert run.qc_reasons[0].startswith(f"WARN: {TOLD}")
    assert shown(cloud, "NA1").count(TOLD) == 2  # as the reason, and as the run's QC
    assert close(cloud, "NA2", 99_000).run.qc == "PASS"
    assert TOLD not in shown(cloud, "NA2")


def test_samples_that_closed_before_are_told_of_it_when_they_are_shown(cloud: Cloud) -> None:
    drop(cloud, entry("NTC", control=True), entry("NA1"))
    run = close(cloud, "NA1", 99_000).run
    assert run.qc == "PASS"
    assert "batch:" not in shown(cloud, "NA1")
    close(cloud, "NTC", 1_000)
    assert f"batch: {TOLD}" in shown(cloud, "NA1")
    assert "batch:" not in shown(cloud, "NTC")


def test_a_clean_control_warns_nobody(cloud: Cloud) -> None:
    drop(cloud, entry("NTC", control=True), entry("NA1"))
    close(cloud, "NTC", 100)
    assert close(cloud, "NA1", 99_000).run.qc == "PASS"
    assert "batch:" not in shown(cloud, "NA1")


def test_an_assay_may_allow_for_more_reads(cloud: Cloud) -> None:
    drop(cloud, entry("NTC", control=True, assay="deep"), entry("NA1"))
    assert close(cloud, "NTC", 1_000).run.qc == "PASS"
    assert close(cloud, "NA1", 99_000).run.qc == "PASS"


def test_a_corrected_manifest_that_calls_it_a_sample_ends_the_warning(cloud: Cloud) -> None:
    drop(cloud, entry("NTC", control=True), entry("NA1"))
    close(cloud, "NTC", 1_000)
    drop(cloud, entry("NTC"), entry("NA1"))
    assert "batch:" not in shown(cloud, "NA1")


def test_a_manifest_that_comes_twice_changes_nothing(cloud: Cloud) -> None:
    text = json.dumps({"samples": [entry("NTC", control=True), entry("NA1")]}).encode()
    event = cloud.drop("batch.manifest.json", text)
    assert cloud.deliver("register_upload", event, event) == []
    [control] = cloud.catalog.controls.of("batch.manifest.json")
    assert (control.sample, control.control) == ("NTC", True)
    assert cloud.catalog.controls.of("other.manifest.json") == []
