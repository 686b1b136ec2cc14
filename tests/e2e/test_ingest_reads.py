"""Reads that only the first stage can find wrong: held with the counts, no variants published."""

import gzip
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.ingest import (
    assert_analysed,
    assert_held,
    assert_nothing_is_left,
    published,
    wait_until_quiet,
)
from tests.lab import Lab, fasta, make_genome, make_project, open_lab, own_pipelines, pair

GENOME = make_genome(5_000)
ASSAYS = """
default: cpu
assays:
  cpu: {pipeline: germline-cpu, reference: tiny, complete: {rule: pairs, quiet_seconds: 1}}
"""
R1, R2 = pair(400, genome=GENOME)
LONG_R2 = pair(6_000, genome=GENOME)[1]
"""Longer than what is looked at when a file is registered."""


def halves(body: bytes) -> tuple[bytes, bytes]:
    """Two gzip members with half of the records each."""
    lines = gzip.decompress(body).splitlines(keepends=True)
    middle = len(lines) // 8 * 4
    first, second = b"".join(lines[:middle]), b"".join(lines[middle:])
    return gzip.compress(first, mtime=0), gzip.compress(second, mtime=0)


def rewritten(body: bytes, old: bytes, new: bytes) -> bytes:
    """The file with its text changed."""
    return gzip.compress(gzip.decompress(body).replace(old, new), mtime=0)


def _with_quality(body: bytes, index: int, quality: bytes) -> bytes:
    """The file with the last quality of one record changed."""
    lines = gzip.decompress(body).split(b"\n")
    lines[4 * index + 3] = lines[4 * index + 3][:-1] + quality
    return gzip.compress(b"\n".join(lines), mtime=0)


def without_mates(body: bytes) -> bytes:
    """The file as archives rewrite it: no name says which mate a read is."""
    lines = gzip.decompress(body).split(b"\n")
    lines[:-1:4] = [b"@SRR1.%d %d length=100" % (n, n) for n in range(1, len(lines[:-1:4]) + 1)]
    return gzip.compress(b"\n".join(lines), mtime=0)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """One runtime with the real CPU pipeline; afterwards nothing may be left of any test."""
    folder: Path = tmp_path_factory.mktemp("reads")
    (folder / "project").mkdir()
    names = ("germline-cpu.yaml", "references.yaml")
    own = own_pipelines(*names)
    project = make_project(folder / "project", {**own, "assays.yaml": ASSAYS})
    with open_lab(folder / "runtime", project=project) as lab:
        lab.add_reference("tiny", fasta(GENOME))
        yield lab
        assert_nothing_is_left(lab)


BAD_R2 = {
    "shorter": (halves(R2)[0], ["has 200 reads", "R1 has 400"]),
    "mid-stream": (R2[: len(R2) // 2], ["is cut off"]),
    "last-8-bytes": (R2[:-8], ["is cut off"]),
    "last-byte": (R2[:-1], ["is cut off"]),
    "between-members": (halves(R2)[0] + halves(R2)[1][:4], ["is cut off"]),
    "damaged": (LONG_R2[:-2000] + bytes(8) + LONG_R2[-1992:], ["is damaged"]),
    "stray-bytes": (R2 + b"<html>404</html>", []),
    "half-a-record": (
        gzip.compress(gzip.decompress(R2)[:-30], mtime=0), ["record"],
    ),
    "long-name": (rewritten(R2, b"@M01:7:HTEST:1:1101:1300", b"@" + b"n" * 300), [
        "record 301 has a name of", "SAM allows 254"]),
    "control-byte": (_with_quality(R2, 300, b"\x1f"), ["record 301", "not qualities", "0x1F"]),
    "tab": (_with_quality(R2, 300, b"\t"), ["record 301", "not qualities", "0x09"]),
    "text-within": (rewritten(R2, b"@M01:7:HTEST:1:1101:1300:2300", b"nothing"), ["record 301"]),
}  # fmt: skip


def test_bad_second_mates_are_held_with_the_counts_and_good_ones_are_analysed(lab: Lab) -> None:
    """All at once, and a good pair among them: one bad sample costs no other its results."""
    for sample, body in {**{name: body for name, (body, _) in BAD_R2.items()}, "good": R2}.items():
        lab.drop(f"{sample}_R1.fastq.gz", R1)
        lab.drop(f"{sample}_R2.fastq.gz", body)
    for sample, (_, words) in BAD_R2.items():
        shown = assert_held(lab, sample, "cpu", f"{sample}_R2.fastq.gz", *words)
        assert [run["status"] for run in shown["runs"]] == ["FAILED"]
    assert_analysed(lab, "good", "cpu")
    assert [key for key in published(lab, "good") if key.endswith("/variants.vcf.gz")]


def test_r1_sent_as_r2_is_held_before_any_job_and_goes_on_with_the_right_one(lab: Lab) -> None:
    sample, r1 = "twice", without_mates(R1)
    lab.drop(f"{sample}_1.fastq.gz", r1)
    lab.drop(f"{sample}_2.fastq.gz", r1)
    words = (f"{sample}_2.fastq.gz is the same file as {sample}_1.fastq.gz", "upload the right R2")
    assert assert_held(lab, sample, "cpu", *words)["runs"] == []
    lab.drop(f"{sample}_2.fastq.gz", without_mates(R2))
    assert_analysed(lab, sample, "cpu")


def test_line_ends_blank_ends_and_reads_without_bases_change_no_result(lab: Lab) -> None:
    texts = [gzip.decompress(body) for body in (R1, R2)]
    nothing = b"@%b %d:N\n\n+\n\n"
    odd = {
        "windows": [text.replace(b"\n", b"\r\n")[:-2] for text in texts],
        "blank-end": [texts[0] + b"\n", texts[1] + b"\n\r\n\n"],
        "nothing-first": [nothing % (b"x", n) + text for n, text in enumerate(texts, 1)],
    }
    for sample, (first, second) in odd.items():
        lab.drop(f"{sample}_R1.fastq.gz", gzip.compress(first))
        lab.drop(f"{sample}_R2.fastq.gz", gzip.compress(second))
    for sample in odd:
        assert_analysed(lab, sample, "cpu")


def test_good_file_in_place_of_a_cut_one_is_analysed(lab: Lab) -> None:
    sample = "replaced"
    lab.drop(f"{sample}_R1.fastq.gz", R1)
    lab.drop(f"{sample}_R2.fastq.gz", R2[:-100])
    assert_held(lab, sample, "cpu", "is cut off")
    lab.drop(f"{sample}_R2.fastq.gz", R2)
    wait_until_quiet(lab)
    analysis = lab.analysis(sample, "cpu")
    assert analysis is not None
    assert (analysis.status, analysis.holds) == ("ANALYSED", {})
    assert [run.status for run in lab.runs(sample, "cpu")] == ["FAILED", "SUCCEEDED"]


def test_mates_that_part_in_mid_file_publish_nothing_and_name_the_reads(lab: Lab) -> None:
    sample = "parted"
    lab.drop(f"{sample}_R1.fastq.gz", R1)
    lab.drop(f"{sample}_R2.fastq.gz", rewritten(R2, b":1300:2300 ", b":9999:9999 "))
    assert_held(lab, sample, "cpu", "hold different reads from record 301 on", "9999:9999")
    assert published(lab, sample) == []


def test_wrong_checksum_in_a_manifest_is_held_with_both_checksums(lab: Lab) -> None:
    sample, found = "checksum", hashlib.md5(R2, usedforsecurity=False).hexdigest()
    files = {"r1": "c-1.fastq.gz", "r2": "c-2.fastq.gz", "r2_md5": "0" * 32}
    lab.drop("c-1.fastq.gz", R1)
    lab.drop("c-2.fastq.gz", R2)
    lab.drop_manifest("c.manifest.json", {"sample": sample, "files": [files]})
    assert_held(lab, sample, "cpu", "c-2.fastq.gz", found, "0" * 32)
    lab.drop_manifest("c.manifest.json", {"sample": sample, "files": [{**files, "r2_md5": found}]})
    wait_until_quiet(lab)
    analysis = lab.analysis(sample, "cpu")
    assert analysis is not None
    assert (analysis.status, analysis.holds) == ("ANALYSED", {})
