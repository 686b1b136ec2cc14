"""Strelka2's files, with all that is odd in them, through the stage that follows it.

Records and header lines have the form of Strelka 2.9.10 (gvcf_header.cpp, the demo's
expectedResultsMito, its user guide on the outputs); their figures are our own.
"""

import json
from pathlib import Path

import pysam
import pytest

from seqdrop.domain.measures import read_measures
from tests.stage_support import Sample, run_stage, stage_of
from tests.tools_support import run, shims, tool

BASES = "ACGTTGCAAC" * 40  # chr1
HEADER = """\
##fileformat=VCFv4.1
##fileDate=20261130
##source=strelka
##source_version=2.9.10
##startTime=Mon Nov 30 07:39:15 2026
##cmdline=/scratch/0af3/strelka/bin/configureStrelkaGermlineWorkflow.py --bam /scratch/0af3/a.bam
##reference=file:///scratch/0af3/ref/genome.fa
##contig=<ID=chr1,length=400>
##content=strelka germline small-variant calls
##Depth_chr1=31.20
##INFO=<ID=END,Number=1,Type=Integer,Description="End position of the region">
##INFO=<ID=BLOCKAVG_min30p3a,Number=0,Type=Flag,Description="Non-variant multi-site block">
##INFO=<ID=SNVHPOL,Number=1,Type=Integer,Description="SNV contextual homopolymer length">
##INFO=<ID=CIGAR,Number=A,Type=String,Description="CIGAR alignment for each indel allele">
##INFO=<ID=RU,Number=A,Type=String,Description="Smallest repeating sequence unit">
##INFO=<ID=REFREP,Number=A,Type=Integer,Description="Number of times RU is in reference">
##INFO=<ID=IDREP,Number=A,Type=Integer,Description="Number of times RU is in indel allele">
##INFO=<ID=MQ,Number=1,Type=Integer,Description="RMS of mapping quality">
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
##FORMAT=<ID=GQ,Number=1,Type=Integer,Description="Genotype Quality">
##FORMAT=<ID=GQX,Number=1,Type=Integer,Description="Empirically calibrated genotype quality">
##FORMAT=<ID=DP,Number=1,Type=Integer,Description="Filtered basecall depth">
##FORMAT=<ID=DPF,Number=1,Type=Integer,Description="Basecalls filtered from input">
##FORMAT=<ID=MIN_DP,Number=1,Type=Integer,Description="Minimum filtered basecall depth">
##FORMAT=<ID=AD,Number=.,Type=Integer,Description="Allelic depths in the order listed">
##FORMAT=<ID=ADF,Number=.,Type=Integer,Description="Allelic depths on the forward strand">
##FORMAT=<ID=ADR,Number=.,Type=Integer,Description="Allelic depths on the reverse strand">
##FORMAT=<ID=FT,Number=1,Type=String,Description="Sample filter">
##FORMAT=<ID=DPI,Number=1,Type=Integer,Description="Read depth associated with indel">
##FORMAT=<ID=PL,Number=G,Type=Integer,Description="Normalized, Phred-scaled likelihoods">
##FORMAT=<ID=PS,Number=1,Type=Integer,Description="Phase set identifier">
##FORMAT=<ID=SB,Number=1,Type=Float,Description="Sample site strand bias">
##FILTER=<ID=LowGQX,Description="Locus GQX is below threshold or not present">
##FILTER=<ID=NoPassedVariantGTs,Description="No sample passes with a variant genotype">
##FILTER=<ID=IndelConflict,Description="Indel genotypes from two or more loci conflict">
##FILTER=<ID=SiteConflict,Description="Site is filtered due to an overlapping indel call filter">
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS1
"""
SNV, INDEL = "GT:GQ:GQX:DP:DPF:AD:ADF:ADR:SB:FT:PL", "GT:GQ:GQX:DPI:AD:ADF:ADR:FT:PL"
HETEROZYGOUS = ("chr1", 1, ".", "A", "G", 210, "PASS", "SNVHPOL=2;MQ=60", SNV,
                "0/1:200:30:31:1:15,16:8,8:7,8:-22.1:PASS:244,0,238")  # fmt: skip
TWO_ALLELES = ("chr1", 22, ".", "C", "A,T", 300, "PASS", "SNVHPOL=2;MQ=60", SNV,
               "1/2:120:30:29:0:1,11,17:0,6,9:1,5,8:-18.3:PASS:370,230,195,150,0,120")  # fmt: skip
UNSURE = ("chr1", 43, ".", "G", "A", 12, "LowGQX;NoPassedVariantGTs", "SNVHPOL=2;MQ=41", SNV,
          "0/1:11:4:9:5:7,2:4,0:3,2:1.1:LowGQX:44,0,120")  # fmt: skip
DELETION = ("chr1", 63, ".", "GTT", "G", 420, "PASS", "CIGAR=1M2D;RU=TT;REFREP=1;IDREP=0;MQ=60",
            INDEL, "1/1:80:27:30:0,27:0,14:0,13:PASS:470,81,0")  # fmt: skip
CONFLICT = ("chr1", 84, ".", "T", "TA", 90, "IndelConflict;NoPassedVariantGTs",
            "CIGAR=1M1I;RU=A;REFREP=0;IDREP=1;MQ=60", INDEL,
            "0/1:60:13:28:12,9:6,5:6,4:IndelConflict:130,0,160")  # fmt: skip
PHASED = ("chr1", 111, ".", "A", "C", 210, "PASS", "SNVHPOL=2;MQ=60", f"{SNV}:PS",
          "0|1:200:30:31:1:15,16:8,8:7,8:-22.1:PASS:244,0,238:111")  # fmt: skip
HAPLOID = ("chr1", 152, ".", "C", "T", 99, "PASS", "SNVHPOL=2;MQ=60", SNV,
           "1:99:12:14:0:0,14:0,7:0,7:-9.0:PASS:150,0")  # fmt: skip
UNKNOWN = ("chr1", 203, ".", "G", "T", 0, "LowGQX;NoPassedVariantGTs", "SNVHPOL=2;MQ=3", SNV,
           ".:.:0:0:2:0,0:0,0:0,0:0.0:LowGQX:0,0,0")  # fmt: skip
NONE_AT_ALL = ("chr1", 254, ".", "T", "G", 0, "LowGQX;NoPassedVariantGTs", "SNVHPOL=2;MQ=60", SNV,
               "0/0:30:8:12:0:12,0:6,0:6,0:0.0:LowGQX:0,33,300")  # fmt: skip
CALLS = (HETEROZYGOUS, TWO_ALLELES, UNSURE, DELETION, CONFLICT, PHASED, HAPLOID, UNKNOWN,
         NONE_AT_ALL)  # fmt: skip
BLOCK = ("chr1", 301, ".", "A", ".", ".", "PASS", "END=340;BLOCKAVG_min30p3a",
         "GT:GQX:DP:DPF:MIN_DP", "0/0:63:25:1:22")  # fmt: skip


def packed(folder: Path, name: str, records: tuple[tuple[object, ...], ...]) -> None:
    text = HEADER + "".join("\t".join(map(str, record)) + "\n" for record in records)
    with pysam.BGZFile(str(folder / name), "wb") as file:
        file.write(text.encode())


@pytest.fixture(scope="module")
def called(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stage `call` over what Strelka left."""
    folder = tmp_path_factory.mktemp("strelka")
    ref = folder / "reference"
    ref.mkdir()
    (ref / "genome.fa").write_text(f">chr1\n{BASES}\n")
    run(tool("samtools", "faidx", ref / "genome.fa"))
    (folder / "in").mkdir()
    packed(folder / "in", "strelka.vcf.gz", CALLS)
    packed(folder / "in", "strelka.g.vcf.gz", (*CALLS, BLOCK))
    stage = stage_of("germline-isaac-strelka", "call")
    path = shims(folder / "bin")
    run_stage(stage, Sample(ref, {}), folder, {"split_multiallelics": True}, path)
    return folder / "out"


def rows(out: Path, form: str) -> list[str]:
    query = tool("bcftools", "query", "-f", f"{form}\n", out / "variants.vcf.gz")
    return run(query).stdout.decode().splitlines()


def test_each_call_keeps_its_filter_and_genotype(called: Path) -> None:
    assert rows(called, "%POS %REF %ALT %FILTER [%GT]") == [
        "1 A G PASS 0/1",
        "22 C A PASS 1/.",
        "22 C T PASS ./1",
        "43 G A LowGQX;NoPassedVariantGTs 0/1",
        "63 GTT G PASS 1/1",
        "84 T TA IndelConflict;NoPassedVariantGTs 0/1",
        "111 A C PASS 0|1",
        "152 C T PASS 1",
    ]


def test_what_is_told_of_each_allele_goes_with_its_allele(called: Path) -> None:
    """Strelka declares AD as of any number, which bcftools would leave whole in both records."""
    split = [row for row in rows(called, "%POS %ALT [%AD %ADF %ADR]") if row.startswith("22 ")]
    assert split == ["22 A 1,11 0,6 1,5", "22 T 1,17 0,9 1,8"]


def test_what_passed_is_counted_by_strelka_s_own_filters(called: Path) -> None:
    counts = read_measures("calls", (called / "calls.json").read_bytes())
    assert counts == {"calls_passed": 6, "calls_filtered": 2, "calls_at_codes": 0}
    stats = read_measures("bcftools-stats", (called / "variant_stats.txt").read_bytes())
    assert (stats["snps"], stats["indels"]) == (5, 1)


def test_neither_header_tells_of_scratch_or_time(called: Path) -> None:
    for name in ("variants.vcf.gz", "variants.g.vcf.gz"):
        header = run(tool("bcftools", "view", "-h", "--no-version", called / name)).stdout.decode()
        assert "/scratch" not in header
        assert not [key for key in ("fileDate", "startTime", "cmdline") if f"##{key}=" in header]
        assert "##source_version=2.9.10" in header
        assert "##Depth_chr1=31.20" in header


def test_blocks_and_calls_that_have_no_genotype_stay_in_the_gvcf(called: Path) -> None:
    kept = run(tool("bcftools", "view", "-H", called / "variants.g.vcf.gz")).stdout.decode()
    positions = [int(row.split("\t")[1]) for row in kept.splitlines()]
    assert positions == [int(str(record[1])) for record in (*CALLS, BLOCK)]
    assert json.loads((called / "calls.json").read_text())["calls_passed"] == 6
