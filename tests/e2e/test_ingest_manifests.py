"""Manifests: before, between and after their files, twice, corrected, and of no use."""

import itertools
import json
from typing import Any

import pytest

from tests.e2e.ingest import (
    assert_absent,
    assert_analysed,
    assert_held,
    assert_waits,
    deliver,
    document,
    events_kept_back,
    tried_again_after,
    unplaced,
    wait_until_quiet,
)
from tests.lab import Lab, pair
from tests.statemachine.bench import Bench

R1, R2 = pair(50)


def entry(sample: str, *stems: str, **given: Any) -> dict[str, Any]:
    """A sample of a manifest, with a pair of files for each stem."""
    files = [
        {"r1": f"{stem}-a.fastq.gz", "r2": f"{stem}-b.fastq.gz", "lane": f"L{lane:03}"}
        for lane, stem in enumerate(stems, start=1)
    ]
    return {"sample": sample, "files": files, **given}


def drop_files(lab: Lab, *stems: str) -> None:
    """Drops pairs whose names alone fit nothing, each from its own lane."""
    for lane, stem in enumerate(stems, start=1):
        for mate, body in zip("ab", pair(20, lane=lane), strict=True):
            lab.drop(f"{stem}-{mate}.fastq.gz", body)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        pytest.param(b"", "not JSON", id="empty"),
        pytest.param(b"{samples: []}", "not JSON", id="no JSON"),
        pytest.param(b'{"samples": [', "not JSON", id="cut"),
        pytest.param(b"\xff\xfe{}", "not JSON", id="no UTF-8"),
        pytest.param(b"[]", "right form", id="a list"),
        pytest.param(b"{}", "`samples`", id="no samples"),
        pytest.param(b'{"samples": []}', "names no sample", id="nobody"),
        pytest.param(b'{"samples": [{"files": []}]}', "`sample`", id="no name"),
        pytest.param(b'{"samples": [{"sample": "M", "files": []}]}', "no files", id="no files"),
        pytest.param(b'{"samples": [{"sample": 7, "files": []}]}', "$.samples[0]", id="a number"),
        pytest.param(
            json.dumps({"samples": [{**entry("M", "x"), "asay": "quick"}]}).encode(),
            "asay", id="a misspelt field",
        ),
        pytest.param(
            json.dumps({"samples": [entry("a;b", "x")]}).encode(), "'a;b'", id="a bad sample id"
        ),
        pytest.param(
            json.dumps({"samples": [entry("M" * 49, "x")]}).encode(), "at most 48", id="too long"
        ),
        pytest.param(
            json.dumps({"samples": [entry("M", "../../x")]}).encode(), "outside", id="outside"
        ),
        pytest.param(
            json.dumps({"samples": [entry("M", "s3://other/x")]}).encode(),
            "not in the uploads bucket", id="another bucket",
        ),
        pytest.param(
            json.dumps({"samples": [entry("M", "x"), entry("N", "x")]}).encode(),
            "more than once", id="one file for two samples",
        ),
    ],
)  # fmt: skip
def test_manifest_that_can_not_be_used_is_held_and_touches_no_sample(
    lab: Lab, bench: Bench, body: bytes, reason: str
) -> None:
    key = f"{bench.new_sample()}.manifest.json"
    lab.drop(key, body)
    assert_held(lab, unplaced(lab, key), "quick", reason, key)
    assert_absent(lab, "M")


def test_corrected_manifest_under_the_same_name_ends_the_hold(lab: Lab, bench: Bench) -> None:
    sample = bench.new_sample()
    key = f"{sample}.manifest.json"
    lab.drop(key, b"not yet")
    assert_held(lab, unplaced(lab, key), "quick", "not JSON")
    drop_files(lab, sample)
    lab.drop_manifest(key, entry(sample, sample))
    assert_analysed(lab, sample, "quick")
    assert_absent(lab, unplaced(lab, key))
    assert_absent(lab, unplaced(lab, f"{sample}-a.fastq.gz"))


def test_manifest_waits_for_what_it_names_and_goes_on_when_it_comes(lab: Lab, bench: Bench) -> None:
    sample = bench.new_sample()
    stems = f"{sample}x", f"{sample}y"
    lab.drop_manifest("today.manifest.json", entry(sample, *stems))
    drop_files(lab, stems[0])
    shown = assert_waits(lab, sample, "quick", "2 of 4 files", f"{stems[1]}-a.fastq.gz")
    assert shown["missing"] == [f"s3://{lab.uploads}/{stems[1]}-{mate}.fastq.gz" for mate in "ab"]
    drop_files(lab, *stems)
    shown = assert_analysed(lab, sample, "quick")
    assert shown["runs"][0]["metrics"]["reads"] == 80


def test_bad_file_that_a_manifest_names_is_held_until_it_is_replaced(
    lab: Lab, bench: Bench
) -> None:
    sample = bench.new_sample()
    drop_files(lab, sample)
    lab.drop(f"{sample}-b.fastq.gz", b"no gzip")
    lab.drop_manifest(f"{sample}.manifest.json", entry(sample, sample))
    assert_held(lab, sample, "quick", "is not gzip", f"{sample}-b.fastq.gz")
    drop_files(lab, sample)
    assert_analysed(lab, sample, "quick")


def test_unknown_assay_or_pipeline_in_a_manifest_is_held_until_it_is_corrected(
    lab: Lab, bench: Bench
) -> None:
    sample = bench.new_sample()
    key = f"{sample}.manifest.json"
    drop_files(lab, sample)
    lab.drop_manifest(key, entry(sample, sample, assay="wgz"))
    assert_held(lab, sample, "wgz", "no assay 'wgz'", "listed, patient, quick")
    lab.drop_manifest(key, entry(sample, sample, pipeline="bwz", reference="tiny"))
    assert_held(lab, sample, "bwz", "no pipeline 'bwz'", "quick")
    lab.drop_manifest(key, entry(sample, sample, assay="listed"))
    assert_analysed(lab, sample, "listed")
    items = lab.catalog.analyses.partition(sample)
    assert [i["sk"] for i in items if i["sk"].startswith("ANALYSIS#")] == ["ANALYSIS#listed"]


def test_corrected_sample_takes_files_that_are_there_and_that_are_to_come(
    lab: Lab, bench: Bench
) -> None:
    wrong, right = bench.new_sample(), bench.new_sample()
    stems = f"{right}x", f"{right}y"
    key = f"{right}.manifest.json"
    drop_files(lab, stems[0])
    lab.drop_manifest(key, entry(wrong, *stems))
    assert_waits(lab, wrong, "quick", "2 of 4")
    lab.drop_manifest(key, entry(right, *stems))
    assert_absent(lab, wrong)
    drop_files(lab, *stems)
    assert_analysed(lab, right, "quick")
    assert_absent(lab, wrong)


def test_swapped_samples_are_swapped_back_by_a_corrected_manifest(lab: Lab, bench: Bench) -> None:
    one, two = bench.new_sample(), bench.new_sample()
    drop_files(lab, one)
    for mate, body in zip("ab", pair(30, seed=5), strict=True):
        lab.drop(f"{two}-{mate}.fastq.gz", body)
    lab.drop_manifest("swap.manifest.json", entry(one, two), entry(two, one))
    assert document_reads(lab, one) == 60
    lab.drop_manifest("swap.manifest.json", entry(one, one), entry(two, two))
    assert document_reads(lab, one) == 40
    assert document_reads(lab, two) == 60
    for sample in (one, two):
        shown = assert_analysed(lab, sample, "quick", runs=2)
        assert shown["current_run"] == shown["runs"][0]["id"]
        assert all(f"/{sample}-" in file["uri"] for file in shown["files"])


def document_reads(lab: Lab, sample: str) -> int:
    """The reads of a sample's current run."""
    wait_until_quiet(lab)
    return int(document(lab, sample, "quick")["runs"][0]["metrics"]["reads"])


def test_lane_that_a_corrected_manifest_leaves_out_is_analysed_no_more(
    lab: Lab, bench: Bench
) -> None:
    sample = bench.new_sample()
    stems = f"{sample}x", f"{sample}y"
    key = f"{sample}.manifest.json"
    drop_files(lab, *stems)
    lab.drop_manifest(key, entry(sample, *stems))
    assert document_reads(lab, sample) == 80
    lab.drop_manifest(key, entry(sample, stems[0]))
    assert document_reads(lab, sample) == 40
    shown = assert_analysed(lab, sample, "quick", runs=2)
    assert len(shown["files"]) == 2


def test_same_manifest_twice_starts_nothing_again(lab: Lab, bench: Bench) -> None:
    sample = bench.new_sample()
    drop_files(lab, sample)
    for _ in range(2):
        lab.drop_manifest(f"{sample}.manifest.json", entry(sample, sample))
        assert_analysed(lab, sample, "quick", runs=1)
    lab.drop_manifest(f"copy/{sample}.manifest.json", entry(sample, f"../{sample}"))
    assert_analysed(lab, sample, "quick", runs=1)


def test_manifest_and_its_files_come_to_the_same_end_in_every_order(lab: Lab, bench: Bench) -> None:
    samples = {}
    for order in itertools.permutations(range(3)):
        sample = bench.new_sample()
        with events_kept_back(lab) as events:
            lab.drop_manifest(f"{sample}.manifest.json", entry(sample, sample))
            drop_files(lab, sample)
        samples[sample] = [events[number] for number in order]
    for step in range(3):
        deliver(lab, [events[step] for events in samples.values()])
        wait_until_quiet(lab)
    for sample in samples:
        shown = assert_analysed(lab, sample, "quick")
        assert [file["placed_by"] for file in shown["files"]] == ["manifest", "manifest"]
        assert_absent(lab, unplaced(lab, f"{sample}-a.fastq.gz"))
        assert_absent(lab, unplaced(lab, f"{sample}-b.fastq.gz"))


def test_samplesheet_csv_does_what_a_manifest_does(lab: Lab, bench: Bench) -> None:
    sample = bench.new_sample()
    drop_files(lab, sample)
    rows = f"sample,r1,r2\n{sample},{sample}-a.fastq.gz,{sample}-b.fastq.gz\n"
    lab.drop("SampleSheet.csv", rows.encode())
    assert_analysed(lab, sample, "quick")


def test_illumina_samplesheet_is_held_with_the_columns_that_are_wanted(lab: Lab) -> None:
    lab.drop("run7/SampleSheet.csv", b"[Header]\nFileFormatVersion,2\n[Data]\nSample_ID\nNA1\n")
    key = "run7/SampleSheet.csv"
    assert_held(lab, unplaced(lab, key), "quick", "columns sample, r1 and r2", key)


def test_third_read_holds_its_sample_until_a_manifest_says_which_is_the_mate(lab: Lab) -> None:
    names = [f"umi_S1_L001_R{number}_001.fastq.gz" for number in (1, 2, 3)]
    _, umi = pair(50, length=12)
    lab.drop(names[0], R1)
    lab.drop(names[2], R2)  # before the second, which the first would run with
    assert_held(lab, "umi", "quick", names[2], "UMIs", "manifest")
    lab.drop(names[1], umi)
    assert_held(lab, "umi", "quick", names[2], "UMIs", "manifest")
    lab.drop_manifest(
        "umi.manifest.json",
        {"sample": "umi", "files": [{"lane": "L001", "r1": names[0], "r2": names[2]}]},
    )
    shown = assert_analysed(lab, "umi", "quick")
    assert {file["uri"].rsplit("/", 1)[-1] for file in shown["files"]} == {names[0], names[2]}


def test_files_that_came_twice_before_their_manifest_start_each_sample_once(lab: Lab) -> None:
    """Forty files below a run's folder, which names no assay; then the manifest that names them."""
    samples = [f"TW{number}" for number in range(10)]
    lanes = {lane: pair(20, lane=lane) for lane in (1, 2)}
    entries = [
        {
            "sample": sample,
            "assay": "quick",
            "files": [
                {f"r{mate}": f"run1/{sample}_S1_L{lane:03}_R{mate}_001.fastq.gz" for mate in (1, 2)}
                for lane in lanes
            ],
        }
        for sample in samples
    ]
    with tried_again_after(lab, 30):  # so many meet each other now and then
        for _ in range(2):
            for sample, (lane, mates) in itertools.product(samples, lanes.items()):
                for mate, body in enumerate(mates, start=1):
                    lab.drop(f"run1/{sample}_S1_L{lane:03}_R{mate}_001.fastq.gz", body)
        lab.drop("twice.manifest.json", json.dumps({"samples": entries}).encode())
        wait_until_quiet(lab)
    for sample in samples:
        assert_analysed(lab, sample, "quick", runs=1)
        assert lab.analysis(sample, "run1") is None
