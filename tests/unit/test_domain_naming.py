"""Names: what the field calls its files, and what Seqdrop calls its own things."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqdrop.domain.errors import UnplaceableFile
from seqdrop.domain.naming import (
    MAX_SAMPLE_LENGTH,
    FastqName,
    UploadKind,
    check_sample_id,
    folder_of,
    parse_fastq_name,
    unplaced_sample,
    upload_kind,
)

SAMPLE_IDS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,47}", fullmatch=True)
RUN_KEYS = st.from_regex(r"[0-9a-f]{24}", fullmatch=True)

FIELD_NAMES = [
    # bcl2fastq and BCL Convert
    ("NA12878_S1_L001_R1_001.fastq.gz", FastqName("NA12878", "R1", "1")),
    ("wes/run 7/NA12878_S12_L004_R2_001.fastq.gz", FastqName("NA12878", "R2", "4")),
    ("NA12878_S1_R1_001.fastq.gz", FastqName("NA12878", "R1")),
    ("NA12878_S1_L001_R1_002.fastq.gz", FastqName("NA12878", "R1", "1", "002")),
    ("my_own_S2_sample_S3_L002_R1_001.fastq.gz", FastqName("my_own_S2_sample", "R1", "2")),
    # ENA and SRA
    ("ERR1755085_1.fastq.gz", FastqName("ERR1755085", "R1")),
    ("SRR1770413_2.fastq.gz", FastqName("SRR1770413", "R2")),
    # MGI, and what people write themselves
    ("V300019058_L01_UDB-1_2.fq.gz", FastqName("V300019058_L01_UDB-1", "R2")),
    ("Hm2_R1.fq.gz", FastqName("Hm2", "R1")),
    ("a.b-c_R2.fastq.gz", FastqName("a.b-c", "R2")),
]

LEFT_OUT = [
    ("NA12878_S1_L001_I1_001.fastq.gz", "an index read"),
    ("NA12878_S1_L001_I2_001.fastq.gz", "an index read"),
    ("Undetermined_S0_L001_R1_001.fastq.gz", "undetermined reads"),
]

UNPLACEABLE = [
    ("NA1_R1.fastq", "compress it with gzip"),
    ("NA1.fastq.gz", "fits neither"),
    ("NA1_3.fastq.gz", "fits neither"),
    ("_1.fastq.gz", "fits neither"),
    ("_x_1.fastq.gz", "must begin with a letter or digit"),
    ("NA1\n_1.fastq.gz", "fits neither"),
    ("NA1 b_1.fastq.gz", "may only have letters"),
    ("NA1;rm -rf_1.fastq.gz", "may only have letters"),
    ("$(touch x)_1.fastq.gz", "may only have letters"),
    ("`id`_1.fastq.gz", "may only have letters"),
    ("NA'1\"_1.fastq.gz", "may only have letters"),
    ("Probe-Ä_1.fastq.gz", "may only have letters"),
    (f"{'x' * 49}_1.fastq.gz", "has 49 characters"),
]


@pytest.mark.parametrize(("key", "expected"), FIELD_NAMES)
def test_names_of_the_field_are_read(key: str, expected: FastqName) -> None:
    assert parse_fastq_name(key) == expected


@pytest.mark.parametrize(("key", "why"), LEFT_OUT)
def test_index_reads_and_undetermined_reads_are_left_out(key: str, why: str) -> None:
    assert parse_fastq_name(key).left_out == why


@pytest.mark.parametrize(("key", "why"), UNPLACEABLE)
def test_a_name_that_gives_no_sample_id_says_why(key: str, why: str) -> None:
    with pytest.raises(UnplaceableFile, match=re.escape(why)):
        parse_fastq_name(key)


def test_dots_before_a_slash_are_only_a_folder() -> None:
    assert parse_fastq_name("../../etc/NA1_1.fastq.gz").sample == "NA1"


def test_digits_of_other_scripts_are_no_lane() -> None:
    with pytest.raises(UnplaceableFile):
        parse_fastq_name("NA1_S1_L٠٠١_R1_٠٠١.fastq.gz")


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("a/NA1_1.fastq.gz", UploadKind.FASTQ),
        ("NA1_1.FQ.GZ", UploadKind.FASTQ),
        ("NA1_1.fastq", UploadKind.FASTQ),
        ("run7.manifest.json", UploadKind.MANIFEST),
        ("run7/SampleSheet.csv", UploadKind.MANIFEST),
        ("notes.csv", UploadKind.OTHER),
        ("wes/", UploadKind.OTHER),
        ("NA1_1.fastq.gz.md5", UploadKind.OTHER),
    ],
)
def test_the_kind_of_an_upload_is_told_by_its_ending(key: str, kind: UploadKind) -> None:
    assert upload_kind(key) is kind


@pytest.mark.parametrize(("key", "folder"), [("a.gz", ""), ("wes/a.gz", "wes"), ("/a.gz", "")])
def test_the_first_folder_may_name_the_assay(key: str, folder: str) -> None:
    assert folder_of(key) == folder


@given(SAMPLE_IDS, st.integers(1, 999), st.integers(1, 8), st.sampled_from(["R1", "R2"]))
def test_an_illumina_name_gives_back_what_it_was_made_of(
    sample: str, number: int, lane: int, read: str
) -> None:
    key = f"folder/{sample}_S{number}_L{lane:03d}_{read}_001.fastq.gz"
    if sample == "Undetermined":
        return
    assert parse_fastq_name(key) == FastqName(sample, read, str(lane))


@given(st.text(max_size=80))
def test_a_sample_id_is_taken_whole_or_refused(text: str) -> None:
    harmless = re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", text) is not None
    try:
        check_sample_id(text)
    except UnplaceableFile:
        assert not harmless or len(text) > MAX_SAMPLE_LENGTH
    else:
        assert harmless
        assert len(text) <= MAX_SAMPLE_LENGTH


@given(st.text(max_size=120))
def test_any_key_is_read_or_refused_and_nothing_else(key: str) -> None:
    try:
        sample = parse_fastq_name(key + "_1.fastq.gz").sample
    except UnplaceableFile:
        return
    check_sample_id(sample)


def test_an_unplaced_upload_has_a_valid_id_of_its_own() -> None:
    first, again = unplaced_sample("b", "x y;z"), unplaced_sample("b", "x y;z")
    check_sample_id(first)
    assert first == again != unplaced_sample("b", "x y")
