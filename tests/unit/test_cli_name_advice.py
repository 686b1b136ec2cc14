"""Names that an upload can't use: why they are left out, and which would fit."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cli.name_advice import (
    advice,
    holds_reads,
    parse_fastq_name,
    proposed_name,
    why_aside,
    why_left_out,
)
from seqdrop.domain.errors import UnplaceableFile


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("._NA1_R1.fastq.gz", "macOS"),
        (".DS_Store", "desktop"),
        ("Thumbs.db", "desktop"),
        (".nfs00012", "hidden"),
        ("NA1_R1.fastq.gz.part", "has not ended"),
        ("NA1_R1.fastq.gz.md5", "r1_md5"),
        ("md5sum.txt", "r1_md5"),
        ("RunInfo.xml", "no FASTQ"),
        ("bcl2fastq.LOG", "no FASTQ"),
        ("NA1_S1_L001_I1_001.fastq.gz", "an index read"),
        ("Undetermined_S0_L001_R1_001.fastq.gz", "undetermined reads"),
    ],
)
def test_what_stands_beside_reads_is_left_out(name: str, why: str) -> None:
    assert why in why_left_out(name)


@pytest.mark.parametrize(
    "name", ["NA1_R1.fastq.gz", "NA1_1.fq.gz", "NA1.bam", "x.manifest.json", "SampleSheet.csv"]
)
def test_what_may_be_meant_is_not_left_out_by_its_name(name: str) -> None:
    assert why_left_out(name) == ""


@pytest.mark.parametrize(
    ("name", "fits"),
    [
        ("NA1_R1.FASTQ.GZ", "NA1_R1.fastq.gz"),
        ("C143_R1.fastq.gz.1", "C143_R1.fastq.gz"),
        ("C143_R2.fastq (1).gz", "C143_R2.fastq.gz"),
        ("C143_R1 (1).fastq.gz", "C143_R1.fastq.gz"),
        ("A_R1_001.fastq.gz", "A_R1.fastq.gz"),
        ("A.R1.fastq.gz", "A_R1.fastq.gz"),
        ("A-r2.fq.gz", "A_R2.fq.gz"),
        ("A_read2.fastq.gz", "A_R2.fastq.gz"),
        ("A_reverse.fastq.gz", "A_R2.fastq.gz"),
        ("A_R1_val_1.fq.gz", "A_R1.fq.gz"),
        ("A_2P.fastq.gz", "A_R2.fastq.gz"),
        ("A_1.clean.fq.gz", "A_R1.fq.gz"),
        ("CV3_CGATGT_L001_R1_001.fastq.gz", "CV3_S1_L001_R1_001.fastq.gz"),
        ("K5_L2_R1.fq.gz", "K5_S1_L002_R1_001.fq.gz"),
        ("A_S3_L1_R2_001.fastq.gz", "A_S3_L001_R2_001.fastq.gz"),
        ("my sample_R1.fastq.gz", "my-sample_R1.fastq.gz"),
        ("Müller_R2.fastq.gz", "Muller_R2.fastq.gz"),
        ("reads_of_monday.fastq.gz", ""),
        ("NA1_R3.fastq.gz", ""),
        ("NA1_R1.fastq", ""),
        ("试样_R1.fastq.gz", ""),
        (f"{'x' * 49}_R1.fastq.gz", ""),
    ],
)
def test_a_name_that_fits_is_proposed_where_sample_and_mate_can_be_told(
    name: str, fits: str
) -> None:
    assert proposed_name(name) == fits
    if fits:
        assert f"rename it to {fits!r}" in advice(name)
        assert fits not in advice(name, {fits})


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("NA1_R1.fastq", "`gzip NA1_R1.fastq`"),
        ("my reads.fq", "`gzip 'my reads.fq'`"),
        ("A_1.fastq.ora", "orad"),
        ("A_1.fastq.bz2", "`bzcat A_1.fastq.bz2 | gzip > A_1.fastq.gz`"),
        ("A_1.fq.zst", "zstdcat"),
        ("NA1.cram", "samtools"),
        ("SRR1.sra", "fasterq-dump"),
        ("reads_of_monday.fastq.gz", "<sample>_R1.fastq.gz"),
        ("notes.docx", "no FASTQ"),
    ],
)
def test_what_to_do_fits_the_file(name: str, says: str) -> None:
    assert says in advice(name)


@pytest.mark.parametrize(
    ("there", "says"),
    [
        ({"E5_1.fastq.gz"}, "rename it to 'E5_2.fastq.gz'"),
        ({"E5_1.fastq.gz", "E5_2.fastq.gz"}, "<sample>_R1.fastq.gz"),
        ({"E5_R1.fastq.gz"}, "<sample>_R1.fastq.gz"),
    ],
)
def test_a_third_file_may_be_the_second_mate_where_there_is_no_second(
    there: set[str], says: str
) -> None:
    assert says in advice("E5_3.fastq.gz", there | {"E5_3.fastq.gz"})


_MARK = st.sampled_from(["_R1", "_2", ".r1", "-R2", " read1", "_fwd", "_R1_val_1", "_1P", ""])
_END = st.sampled_from([".fastq.gz", ".FQ.GZ", ".fastq (2).gz", ".fq.gz.3", ".gz", ""])
_STEM = st.text(st.characters(codec="utf-8", exclude_characters="/\0"), max_size=60)


@given(stem=_STEM, mark=_MARK, end=_END)
@example(stem="Undetermined", mark=" read1", end=".fastq.gz")
@example(stem="A_L000", mark=".r1", end=".fastq.gz")
def test_a_proposed_name_is_of_a_sample_and_never_of_the_other_mate(
    stem: str, mark: str, end: str
) -> None:
    proposed = proposed_name(f"{stem}{mark}{end}")
    if not proposed:
        return
    parsed = parse_fastq_name(proposed)
    assert parsed.sample
    assert parsed.left_out == ""
    assert holds_reads(proposed)
    if mark:
        assert parsed.read == ("R2" if "2" in mark else "R1")


@given(stem=_STEM, mark=st.sampled_from(["_R1", "_2", "_index_1"]))
def test_no_name_that_fits_seems_to_be_none_of_r1_and_r2(stem: str, mark: str) -> None:
    assert why_aside(f"{stem}{mark}.fastq.gz") == ""


@given(stem=_STEM, mark=st.sampled_from(["_R1", "_2"]))
def test_a_name_that_fits_keeps_its_sample_or_gets_no_proposal(stem: str, mark: str) -> None:
    """Two samples must not be told to have one name, but for what is no part of an id."""
    name = f"{stem}{mark}.fastq.gz"
    try:
        parsed = parse_fastq_name(name)
    except UnplaceableFile:
        return
    proposed = proposed_name(name)
    if proposed and not any(c in stem for c in "._- "):
        assert parse_fastq_name(proposed).sample == parsed.sample
