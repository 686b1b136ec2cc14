"""FASTQ files as people reported them in public, from drop to end: held, or all variants found."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.ingest import assert_held, document, wait_until_quiet
from tests.field_cases import made, needs_cases, planted
from tests.lab import Lab, make_project, open_lab, own_pipelines

ASSAYS = """
default: cpu
assays:
  cpu: {pipeline: germline-cpu, reference: tiny, complete: {rule: pairs, quiet_seconds: 1}}
"""
KINDS = ("01_r1_sent_as_r2", "03_line_ends", "04_zero_length_reads", "06_records_sam_refuses",
         "08_bgzf_without_eof", "10_merged_lanes")  # fmt: skip
NAMED = ("11_lane_in_plain_name", "13_orphans_of_split3", "15_other_packers")
"""Kinds whose files' names are the point: dropped as they are."""
HELD = {  # where both mates are wrong, whichever is found first is named
    "longname": ["longname_R", "record 401", "name of 255"],
    "unitsep": ["unitsep_R1.fastq.gz", "record 401", "0x1F"],
    "blank6": ["blank6_R1.fastq.gz", "record 401", "0x20"],
    "tab": ["tab_R1.fastq.gz", "record 401", "0x09"],
    "noname": ["noname_R", "record 401", "has no name"],
    "highbit": ["highbit_R1.fastq.gz", "record 401", "0x80"],
    "colours": ["are not bases"],
    "gap": ["gap_R1.fastq.gz", "record 351", "blank line"],
    "order": ["different reads", "record 201"],
    "within": ["within_R2.fastq.gz", "ends in the middle of a record"],
    "listed": ["listed_R", "MD5 is"],
    "short": ["short_R2.fastq.gz", "has 600 reads", "R1 has 700"],
}
GOOD = ("plain", "blank", "crlf", "crlfcut", "middle", "first", "both", "whole", "merged",
        "D77", "K5", "CV3", "SRR9000004", "BIG1")  # fmt: skip
LANES = {
    "D77": ["HCASEADSX5.2.EKDN0001-1A", "HCASEBDSX5.4.EKDN0001-1A"],
    "K5": ["HCASEADSX5.2", "HCASEADSX5.4"],
    "CV3": ["C9CASEXX.1", "C9CASEXX.2"],
}
"""The read groups of samples whose files' names have lanes in them."""
WARNED = {"merged": "files_of_merged_lanes is 2", "alike": "files_without_end is 2"}
STEMS = {"blank6": "blank"}
"""Two of the cases have a pair of this name."""

pytestmark = needs_cases


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cases' files, a folder each."""
    folder = tmp_path_factory.mktemp("cases")
    for kind in (*KINDS, *NAMED):
        made(kind, folder / kind)
    return folder


@pytest.fixture(scope="module")
def lab(files: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """All of them dropped at once, and waited for."""
    folder = tmp_path_factory.mktemp("field")
    (folder / "project").mkdir()
    names = ("germline-cpu.yaml", "references.yaml")
    own = own_pipelines(*names)
    project = make_project(folder / "project", {"assays.yaml": ASSAYS, **own})
    with open_lab(folder / "runtime", project=project) as lab:
        lab.add_reference("tiny", (files / KINDS[0] / "genome.fa").read_bytes())
        for path in (files / "08_bgzf_without_eof").glob("*.manifest.json"):
            lab.drop(path.name, path.read_bytes())
        for kind, sample in _samples(files):
            stem = STEMS.get(sample, sample)
            for path in sorted((files / kind).glob(f"{stem}_*.fastq.gz")):
                lab.drop(path.name.replace(stem, sample, 1), path.read_bytes())
        for path in sorted(path for kind in NAMED for path in (files / kind).iterdir()):
            if path.name not in ("genome.fa", "expected.json"):
                lab.drop(path.name, path.read_bytes())
        wait_until_quiet(lab, 900)
        yield lab


def _samples(files: Path) -> Iterator[tuple[str, str]]:
    yield from (("01_r1_sent_as_r2", sample) for sample in ("SRR9000001", "SRR9000002"))
    for kind in KINDS[1:]:
        names = {path.name.rpartition("_")[0] for path in (files / kind).glob("*_R1.*")}
        for name in sorted(names):
            yield kind, "blank6" if (kind[:2], name) == ("06", "blank") else name


def test_r1_under_both_names_is_held_before_any_job(lab: Lab) -> None:
    words = ("SRR9000001_2.fastq.gz is the same file as SRR9000001_1.fastq.gz",)
    assert assert_held(lab, "SRR9000001", "cpu", *words)["runs"] == []


def test_the_same_reads_packed_anew_fail_qc(lab: Lab) -> None:
    run = lab.runs("SRR9000002", "cpu")[0]
    assert (run.status, run.qc) == ("SUCCEEDED", "FAIL")
    assert any("one file was sent twice" in reason for reason in run.qc_reasons)
    assert _align(lab, "SRR9000002")["counts"]["identical_mates"] == 700


def _published(lab: Lab, sample: str, name: str) -> bytes:
    listed = lab.client("s3").list_objects_v2(Bucket=lab.results, Prefix=f"{sample}/")
    key = next(o["Key"] for o in listed["Contents"] if o["Key"].endswith(f"/{name}"))
    body: bytes = lab.client("s3").get_object(Bucket=lab.results, Key=key)["Body"].read()
    return body


def _align(lab: Lab, sample: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(_published(lab, sample, "align.json"))
    return found


@pytest.mark.parametrize("sample", HELD)
def test_files_that_are_wrong_are_held_with_file_and_record(lab: Lab, sample: str) -> None:
    assert_held(lab, sample, "cpu", *HELD[sample])
    for job in lab.jobs(sample, "cpu"):
        assert job.failure_class in ("", "BadInput")


@pytest.mark.parametrize("sample", GOOD)
def test_files_that_are_odd_but_right_give_all_variants(lab: Lab, files: Path, sample: str) -> None:
    shown = document(lab, sample, "cpu")
    assert shown["status"] == "ANALYSED", shown
    text = gzip.decompress(_published(lab, sample, "variants.vcf.gz")).decode()
    lines = [line.split("\t") for line in text.splitlines()]
    found = {(f[0], int(f[1]), f[3], f[4]) for f in lines if not f[0].startswith("#")}
    assert found == planted(files / KINDS[0])


@pytest.mark.parametrize("sample", LANES)
def test_lanes_in_names_are_read_groups_of_one_sample(lab: Lab, sample: str) -> None:
    result = _align(lab, sample)
    assert sorted(result["lanes"]) == LANES[sample]
    assert (result["counts"]["reads_in"], result["counts"]["merged_files"]) == (1_400, 0)


@pytest.mark.parametrize("half", ["K5_L2", "K5_L4", "D77_EKDN0001-1A_HCASEADSX5_L2"])
def test_no_lane_is_a_sample(lab: Lab, half: str) -> None:
    assert lab.analysis(half, "cpu") is None


@pytest.mark.parametrize("sample", WARNED)
def test_files_that_may_hide_something_say_so(lab: Lab, sample: str) -> None:
    run = lab.runs(sample, "cpu")[0]
    assert (run.status, run.qc) == ("SUCCEEDED", "WARN")
    assert any(WARNED[sample] in reason for reason in run.qc_reasons), run.qc_reasons
