"""The sample's name in what tools made: alignments and calls of another one are not published."""

import gzip
from pathlib import Path

import pysam
import pytest

from runner.faults import StageFault
from runner.sample_names import check_names, names_in

HEADER = "##fileformat=VCFv4.2\n##contig=<ID=chr1>\n"
COLUMNS = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"


def vcf(folder: Path, *samples: str, name: str = "variants.vcf.gz") -> Path:
    columns = "\t".join([COLUMNS, *(["FORMAT", *samples] if samples else [])])
    body = f"{HEADER}{columns}\n".encode()
    path = folder / name
    path.write_bytes(gzip.compress(body) if name.endswith(".gz") else body)
    return path


def aligned(folder: Path, *samples: str, name: str = "alignment.bam") -> Path:
    groups = [{"ID": f"L{n}", "PL": "ILLUMINA", "SM": one} for n, one in enumerate(samples)]
    contigs = [{"SN": f"chr{n}", "LN": 1_000_000} for n in range(200)]
    header = {"HD": {"VN": "1.6"}, "SQ": contigs, "RG": groups}
    path = folder / name
    with pysam.AlignmentFile(str(path), "wc" if name.endswith("cram") else "wb", header=header):
        pass
    return path


@pytest.mark.parametrize("name", ["variants.vcf.gz", "variants.vcf"])
def test_a_vcf_names_its_samples(tmp_path: Path, name: str) -> None:
    assert names_in(vcf(tmp_path, "NA1", "NA2", name=name)) == ["NA1", "NA2"]
    assert names_in(vcf(tmp_path, name=name)) == []


@pytest.mark.parametrize("name", ["alignment.bam", "alignment.cram"])
def test_an_alignment_names_those_of_its_read_groups(tmp_path: Path, name: str) -> None:
    assert names_in(aligned(tmp_path, "NA1", "NA2", name=name)) == ["NA1", "NA2"]
    assert names_in(aligned(tmp_path, name=name)) == []


@pytest.mark.parametrize("version", ["2.1", "3.0", "3.1"])
def test_crams_of_all_versions_are_read(tmp_path: Path, version: str) -> None:
    path = tmp_path / "alignment.cram"
    header = {"HD": {"VN": "1.6"}, "RG": [{"ID": "L1", "SM": "NA1"}]}
    options = [f"version={version}".encode()]
    with pysam.AlignmentFile(str(path), "wc", header=header, format_options=options):
        pass
    assert names_in(path) == ["NA1"]


@pytest.mark.parametrize(
    "content", [b"", b"BAM\x01", b"CRAM\x03", b"CRAM" + b"\xff" * 90, b"\x1f\x8b\x08broken", b"{}"]
)
def test_other_files_and_damaged_ones_name_nobody(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    assert names_in(path) == []


@pytest.mark.parametrize("name", ["NA1", "NA1_NA1", "P7_NA1", "NA1-tumour"])
def test_the_samples_own_name_is_taken_also_as_one_word_of_several(
    tmp_path: Path, name: str
) -> None:
    check_names({"v": vcf(tmp_path, name), "a": aligned(tmp_path, name)}, "NA1")


@pytest.mark.parametrize("name", ["NA2", "NA12", "XNA1", "in/alignment.bam", "SAMPLE", "unknown"])
def test_any_other_name_fails_the_stage_and_says_what_to_do(tmp_path: Path, name: str) -> None:
    for path in (vcf(tmp_path, name), aligned(tmp_path, name), aligned(tmp_path, "NA1", name)):
        with pytest.raises(StageFault, match=r"by its header, and not of NA1.*pair\.read_group"):
            check_names({path.name: path}, "NA1")
