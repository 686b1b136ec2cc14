"""What a key is by itself: reads, a manifest, litter, or what a person must look at."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqdrop.domain.key_meaning import (
    CompanionReads,
    KeyMeaning,
    Manifest,
    NoPart,
    NoPlace,
    Reads,
    meaning_of,
)
from seqdrop.domain.naming import check_sample_id
from tests.domain_support import PATTERNS


def meaning(key: str) -> KeyMeaning:
    return meaning_of(key, PATTERNS)


@pytest.mark.parametrize(
    ("key", "sample", "read"),
    [
        ("NA1_S1_L001_R1_001.fastq.gz", "NA1", "R1"),
        ("wes/run 7/NA1_2.fq.gz", "NA1", "R2"),
        ("BIG1_R1.FASTQ.GZ", "BIG1", "R1"),
        ("CV3_CGATGT_L001_R2_001.fastq.gz", "CV3", "R2"),
        ("../../NA1_1.fastq.gz", "NA1", "R1"),
        ("NA1_S1_L001_R3_001.fastq.gz", "NA1", "R3"),
    ],
)
def test_reads_are_known_by_their_names(key: str, sample: str, read: str) -> None:
    found = meaning(key)
    assert isinstance(found, Reads)
    assert (found.name.sample, found.name.read) == (sample, read)


@pytest.mark.parametrize("key", ["run7.manifest.json", "a/SampleSheet.csv", "x_samplesheet.CSV"])
def test_manifests_are_known_by_their_names(key: str) -> None:
    assert meaning(key) == Manifest()


LITTER = [
    ("wes/", "a folder"),
    ("._NA1_R1.fastq.gz", "macOS"),
    ("run7/._run7.manifest.json", "macOS"),
    ("__MACOSX/NA1_R1.fastq.gz", "folder of the system's own"),
    (".Trashes/501/NA1_R1.fastq.gz", "folder of the system's own"),
    ("a/.DS_Store", "desktop"),
    ("Thumbs.db", "desktop"),
    ("Desktop.ini", "desktop"),
    ("$RECYCLE.BIN/NA1_R1.fastq.gz", "folder of the system's own"),
    ("~$samples.manifest.json", "lock"),
    (".NA1_R1.fastq.gz.Xa12bC", "hidden"),  # rsync
    (".rsync-partial/NA1_R1.fastq.gz", "folder of the system's own"),
    (".nfs000000000012", "hidden"),
    ("NA1_R1.fastq.gz.filepart", "has not ended"),  # WinSCP
    ("NA1_R1.fastq.gz.part", "has not ended"),
    ("NA1_R1.fastq.gz.tmp", "has not ended"),
    ("run7.manifest.json.PARTIAL", "has not ended"),
    ("NA1_R1.fastq.gz.aspx", "has not ended"),  # Aspera
    ("Unconfirmed 9.crdownload", "has not ended"),
    ("NA1_R1.fastq.gz.md5", "r1_md5"),
    ("md5sum.txt", "r1_md5"),
    ("NA1_fastqc.zip", "no FASTQ"),
    ("NA1_R1.fastq.gz_trimming_report.txt", "no FASTQ"),
    ("RunInfo.xml", "no FASTQ"),
]
ASIDE = [
    ("NA1_S1_L001_I1_001.fastq.gz", "an index read"),
    ("NA1_I2.fastq.gz", "index reads"),
    ("NA1_UMI.fastq.gz", "UMIs"),
    ("Undetermined_S0_L001_R1_001.fastq.gz", "undetermined reads"),
    ("lane1_Undetermined_L001_R1_001.fastq.gz", "undetermined reads"),
    ("NA1_R1.fastq.gz~", "backup"),
    ("NA1_R1.fastq.gz.bak", "backup"),
    ("NA1_1U.fastq.gz", "without a mate"),
    ("NA1_R1_unpaired_1.fq.gz", "without a mate"),
    ("NA1_unpaired_R2.fastq.gz", "without a mate"),
    ("NA1_orphans.fastq.gz", "without a mate"),
    ("NA1.singletons.fq.gz", "without a mate"),
]


@pytest.mark.parametrize(("key", "why"), [*LITTER, *ASIDE])
def test_litter_and_what_stands_beside_reads_is_left_out(key: str, why: str) -> None:
    found = meaning(key)
    assert isinstance(found, NoPart), found
    assert why in found.why


TEMPORARY = [".filepart", ".part", ".partial", ".tmp", ".temp", ".crdownload", ".aria2", ".upload"]


@pytest.mark.parametrize("ending", [*TEMPORARY, ".FILEPART"])
@pytest.mark.parametrize("key", ["NA1_R1.fastq.gz", "NA1.fastq.gz", "x.manifest.json", "Ä b.gz"])
def test_a_temporary_name_makes_no_sample_whatever_it_will_be_renamed_to(
    key: str, ending: str
) -> None:
    assert isinstance(meaning(key + ending), NoPart)


@pytest.mark.parametrize(
    ("key", "remedy"),
    [
        ("ORA1_S1_L001_R1_001.fastq.ora", "packed as ORA: unpack it with Illumina's `orad`"),
        ("BZ1_R1.fastq.bz2", "compress it with gzip: `bzcat BZ1_R1.fastq.bz2 | gzip > BZ1_R1.fa"),
        ("ZST1_R1.fastq.zst", "compress it with gzip: `zstdcat ZST1_R1.fastq.zst | gzip > ZST1_"),
        ("X_R1.fq.xz", "`xzcat X_R1.fq.xz | gzip > X_R1.fq.gz`"),
        ("X_R1.fastq.zip", "unpack it, and compress what is in it with gzip"),
        ("X_R1.fastq", "it is not compressed: run `gzip X_R1.fastq`"),
        ("WG1_R1.fastq.gz.1", "rename it to 'WG1_R1.fastq.gz'"),
        ("BR1_R1.fastq (1).gz", "rename it to 'BR1_R1.fastq.gz'"),
        ("a/BR1_R2 (2).fastq.gz", "rename it to 'BR1_R2.fastq.gz'"),
        ("A.R1.fastq.gz", "rename it to 'A_R1.fastq.gz'"),
        ("my sample_R1.fastq.gz", "rename it to 'my-sample_R1.fastq.gz'"),
        ("X.bam", "make some with `samtools collate` and `samtools fastq`"),
        ("X.sra", "fasterq-dump"),
        ("试样_R1.fastq.gz", "name it in a manifest"),
        ("notes.docx", "delete it"),
    ],
)
def test_what_to_do_fits_this_very_file(key: str, remedy: str) -> None:
    found = meaning(key)
    assert isinstance(found, NoPlace), found
    assert remedy in found.remedy


@pytest.mark.parametrize("key", ["BIG1_R1.FASTQ.GZ", "BZ1_R1.fastq.bz2.gz", "A.R1.fastq.gz"])
def test_nobody_is_told_to_compress_what_is_gzip(key: str) -> None:
    found = meaning(key)
    assert isinstance(found, Reads) or "compress" not in str(found)


def test_a_third_file_names_the_mate_that_it_may_be() -> None:
    found = meaning("wes/ERR9000005_3.fastq.gz")
    assert isinstance(found, CompanionReads)
    assert found.sample == "ERR9000005"
    assert "rename it to 'ERR9000005_2.fastq.gz'" in found.remedy


@pytest.mark.parametrize(
    ("key", "sample"), [("SRR9000004.fastq.gz", "SRR9000004"), ("NA1.fq.gz", "NA1")]
)
def test_a_name_without_a_mate_is_of_single_reads(key: str, sample: str) -> None:
    found = meaning(key)
    assert isinstance(found, CompanionReads)
    assert found.sample == sample
    assert "single reads are not analysed" in found.why


@given(
    st.text(max_size=300), st.sampled_from(["", "_1.fastq.gz", ".fq.gz", ".part", ".manifest.json"])
)
def test_any_key_means_something_and_every_sample_is_a_possible_one(key: str, end: str) -> None:
    found = meaning(key + end)
    if isinstance(found, Reads):
        check_sample_id(found.name.sample)
    elif isinstance(found, CompanionReads):
        check_sample_id(found.sample)
        assert found.remedy
    elif isinstance(found, NoPlace):
        assert found.why
        assert found.remedy
