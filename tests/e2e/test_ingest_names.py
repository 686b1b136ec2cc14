"""Names and keys that a lab should not have used: each is held or left out, and said so."""

import json

import pytest

from tests.e2e.ingest import (
    assert_absent,
    assert_analysed,
    assert_held,
    assert_waits,
    deliver,
    document,
    rerun,
    unplaced,
    wait_until_quiet,
)
from tests.lab import Lab, fasta, make_genome, pair
from tests.statemachine.bench import Bench


@pytest.mark.parametrize(
    ("key", "advice"),
    [
        ("notes.docx", "neither FASTQ"),
        ("reads.bam", "neither FASTQ"),
        ("data.json", "neither FASTQ"),
        ("no-extension", "neither FASTQ"),
        ("_R1.fastq.gz", "fits neither"),
        ("NA1_R1.fastq", "not compressed: run `gzip NA1_R1.fastq`"),
        (f"{'x' * 49}_R1.fastq.gz", "at most 48"),
        ("-rf_R1.fastq.gz", "must begin with a letter or digit"),
        ("NA:1_R1.fastq.gz", "may only have letters"),
        ("Müller_R1.fastq.gz", "may only have letters"),
        ("试样_R1.fastq.gz", "may only have letters"),
    ],
)
def test_file_whose_name_gives_no_sample_is_held_under_its_own_id(
    lab: Lab, key: str, advice: str
) -> None:
    r1, _ = pair(10)
    lab.drop(key, r1)
    shown = assert_held(lab, unplaced(lab, key), "quick", advice, key)
    assert shown["runs"] == []


@pytest.mark.parametrize(
    "key",
    [
        "my sample_R1.fastq.gz",
        "it's_R1.fastq.gz",
        'a"b_R1.fastq.gz',
        "a;touch x_R1.fastq.gz",
        "$(touch x)_R1.fastq.gz",
        "`touch x`_R1.fastq.gz",
        "a|b&c_R1.fastq.gz",
        "../NA1_R1.fastq.gz",
        "wes/../../NA1;_R1.fastq.gz",
        "a%2Fb_R1.fastq.gz",
        "a+b_R1.fastq.gz",
        "tab\tstop_R1.fastq.gz",
        "back\\slash_R1.fastq.gz",
        "<b>_R1.fastq.gz",
        "$(touch x)/NA1_R1.fastq.gz",
    ],
)
def test_key_with_strange_characters_is_held_and_never_a_command(lab: Lab, key: str) -> None:
    r1, _ = pair(10)
    lab.drop(key, r1)
    shown = assert_held(lab, unplaced(lab, key), "quick", repr(key))
    assert shown["runs"] == []
    assert not list(lab.runtime.settings.folder.rglob("x"))


def test_reads_that_are_neither_mate_hold_the_sample_that_they_are_named_for(
    lab: Lab, bench: Bench
) -> None:
    for name in ("{}.fastq.gz", "{}_R3.fastq.gz"):
        sample = bench.new_sample()
        key = name.format(sample)
        lab.drop(key, pair(10)[0])
        shown = assert_held(lab, sample, "quick", key)
        assert shown["runs"] == []


def test_event_of_a_key_with_a_line_break_does_no_harm(lab: Lab) -> None:
    key = "line\nbreak_R1.fastq.gz"
    # The event alone: the embedded runtime's S3 takes no such key, AWS does. So nothing is there.
    described = {"key": key, "sequencer": "1", "version-id": "v1", "etag": "e", "size": 9}
    deliver(lab, [json.dumps({"detail": {"bucket": {"name": lab.uploads}, "object": described}})])
    assert_absent(lab, unplaced(lab, key))


def test_strange_folders_below_an_assays_do_no_harm_to_good_files(lab: Lab, bench: Bench) -> None:
    folders = ["quick/a b", "quick/it's;", "quick/$(touch x)", "quick/a%2Fb+c", "quick/ü/../..", ""]
    samples = {bench.new_sample(): folder for folder in folders}
    for sample, folder in samples.items():
        for read, body in zip(("R1", "R2"), pair(20), strict=True):
            lab.drop(f"{folder}/{sample}_{read}.fastq.gz", body)
    for sample, folder in samples.items():
        shown = assert_analysed(lab, sample, "quick")
        assert shown["files"][0]["uri"] == f"s3://{lab.uploads}/{folder}/{sample}_R1.fastq.gz"
    assert not list(lab.runtime.settings.folder.rglob("x"))


def test_longest_sample_id_is_analysed(lab: Lab) -> None:
    sample = "A" * 46 + ".9"
    for read, body in zip(("1", "2"), pair(20), strict=True):
        lab.drop(f"{sample}_{read}.fq.gz", body)
    assert_analysed(lab, sample, "quick")


def test_unknown_assay_is_held_and_names_those_that_there_are(lab: Lab, bench: Bench) -> None:
    sample = bench.new_sample()
    for read, body in zip(("R1", "R2"), pair(20), strict=True):
        lab.drop(f"wgz/{sample}_{read}.fastq.gz", body)
    shown = assert_held(lab, sample, "wgz", "no assay 'wgz'", "listed, patient, quick")
    assert shown["runs"] == []


def test_assay_that_wants_a_manifest_says_so(lab: Lab, bench: Bench) -> None:
    sample = bench.new_sample()
    for read, body in zip(("R1", "R2"), pair(20), strict=True):
        lab.drop(f"listed/{sample}_{read}.fastq.gz", body)
    assert_waits(lab, sample, "listed", "a manifest")


@pytest.mark.parametrize(("there", "missing"), [("R1", "R2"), ("R2", "R1")])
def test_mate_alone_waits_and_says_for_what(
    lab: Lab, bench: Bench, there: str, missing: str
) -> None:
    sample, mates = bench.new_sample(), dict(zip(("R1", "R2"), pair(20), strict=True))
    lab.drop(f"{sample}_{there}.fastq.gz", mates[there])
    wanted = f"{missing} of lane 1 on flowcell HTEST"
    shown = assert_waits(lab, sample, "quick", f"waiting for {wanted}")
    assert shown["missing"] == [wanted]
    lab.drop(f"{sample}_{missing}.fastq.gz", mates[missing])
    assert_analysed(lab, sample, "quick")


@pytest.mark.parametrize("key", ["runs/", "quick/today/", "a b;/", "x_R1.fastq.gz/"])
def test_folder_made_in_the_browser_is_left_out(lab: Lab, key: str) -> None:
    lab.drop(key, b"")
    assert_absent(lab, unplaced(lab, key))


@pytest.mark.parametrize(
    "key",
    [
        "Undetermined_S0_L001_R1_001.fastq.gz",
        "Z9_S1_L001_I1_001.fastq.gz",
        "Z9_R1.fastq.gz.md5",
        "Z9_fastqc.html",
    ],
)
def test_what_sequencers_leave_beside_reads_is_left_out(lab: Lab, key: str) -> None:
    r1, _ = pair(10)
    lab.drop(key, r1)
    assert_absent(lab, unplaced(lab, key))
    assert_absent(lab, "Z9")
    assert_absent(lab, "Undetermined")


def test_missing_reference_is_held_until_it_is_added_and_the_sample_rerun(
    lab: Lab, bench: Bench
) -> None:
    sample = bench.new_sample()
    entry = {"sample": sample, "pipeline": "quick", "reference": "huge"}
    files = [{"r1": f"{sample}_R1.fastq.gz", "r2": f"{sample}_R2.fastq.gz"}]
    lab.drop_manifest(f"{sample}.manifest.json", {**entry, "files": files})
    lab.wait_until(lambda: lab.analysis(sample, "quick"))  # else a run by name may come first
    bench.drop_pair(sample)
    shown = assert_held(lab, sample, "quick", "'huge'", "seqdrop reference add", "seqdrop rerun")
    assert shown["runs"] == []
    lab.add_reference("huge", fasta(make_genome(5_000, seed=3)))
    rerun(lab, sample, "quick")
    assert_analysed(lab, sample, "quick")
    assert document(lab, sample, "quick")["runs"][0]["reference"] == "huge/1"


def test_rerun_before_the_reference_is_there_is_held_again(lab: Lab, bench: Bench) -> None:
    sample = bench.new_sample()
    entry = {"sample": sample, "pipeline": "quick", "reference": "nowhere"}
    files = [{"r1": f"{sample}_R1.fastq.gz", "r2": f"{sample}_R2.fastq.gz"}]
    lab.drop_manifest(f"{sample}.manifest.json", {**entry, "files": files})
    lab.wait_until(lambda: lab.analysis(sample, "quick"))  # else a run by name may come first
    bench.drop_pair(sample)
    wait_until_quiet(lab)
    rerun(lab, sample, "quick")
    assert_held(lab, sample, "quick", "'nowhere'")
