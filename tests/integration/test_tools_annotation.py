"""Around the annotators: the calls that come out are those that went in, or the stage fails."""

import gzip
import io
from pathlib import Path

import pysam
import pytest

from runner.tools import annotation
from tests.stage_support import Sample, run_stage, stage_of
from tests.tools_support import shims

HEADER = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS\n"
CALLS = [
    "chr1\t10\t.\tA\tG\t50\tPASS\tDP=9\tGT\t0/1\n",
    "chr1\t11\t.\tC\tT\t50\tLowQ\tDP=9\tGT\t0/1\n",
    "chr1\t30\t.\tC\tT,A\t50\tPASS\tDP=9\tGT\t1/2\n",
]


def annotated(line: str, told: str = "ANN=G|missense_variant||") -> str:
    """A call as an annotator gives it back: more in INFO, and QUAL in its own way."""
    fields = line.split("\t")
    return "\t".join([*fields[:5], "50.0", fields[6], f"{fields[7]};{told}", *fields[8:]])


def run(
    folder: Path, monkeypatch: pytest.MonkeyPatch, after: list[str], before: list[str] = CALLS
) -> int:
    path = folder / "variants.vcf.gz"
    path.write_bytes(gzip.compress((HEADER + "".join(before)).encode()))
    monkeypatch.setattr("sys.stdin", io.StringIO(HEADER + "".join(after)))
    return annotation.main([str(path)])


def test_annotated_calls_go_through_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    after = [annotated(line) for line in CALLS]
    assert run(tmp_path, monkeypatch, after) == 0
    assert capsys.readouterr().out == HEADER + "".join(after)


def test_a_field_that_csq_gives_to_samples_is_no_other_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    after = [line.replace("GT\t", "GT:BCSQ\t").replace("\n", ":3\n") for line in CALLS]
    assert run(tmp_path, monkeypatch, after) == 0


def test_a_sample_without_calls_is_no_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, monkeypatch, [], []) == 0
    assert capsys.readouterr().out == HEADER


@pytest.mark.parametrize(
    ("after", "says"),
    [
        (CALLS[:1] + CALLS[2:], "call 2 is chr1:30 C>T,A after annotation, and was chr1:11 C>T"),
        (CALLS[:2], "chr1:30 C>T,A and what comes after it is not there after annotation"),
        ([], "chr1:10 A>G and what comes after it is not there"),
        ([*CALLS, CALLS[0]], "call 4 is chr1:10 A>G after annotation, and was not there"),
        ([CALLS[0].replace("\tA\tG", "\tAC\tGT"), *CALLS[2:]], "call 1 is chr1:10 AC>GT"),
        ([CALLS[0].replace("0/1", "0|1"), *CALLS[1:]], "call 1 is chr1:10 A>G after annotation"),
        ([CALLS[0], CALLS[1].replace("LowQ", "PASS"), CALLS[2]], "call 2 is chr1:11 C>T"),
    ],
    ids=["dropped", "cut", "nothing", "more", "joined", "phased", "filter"],
)
def test_other_calls_than_went_in_end_the_stage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    after: list[str], says: str,
) -> None:  # fmt: skip
    assert run(tmp_path, monkeypatch, after) == 1
    assert says in capsys.readouterr().err


def test_genes_of_another_sequence_end_the_stage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = "ANN=G|missense_variant|MODERATE|G1||||||||||||WARNING_REF_DOES_NOT_MATCH_GENOME"
    after = [annotated(CALLS[0], wrong), *CALLS[1:]]
    assert run(tmp_path, monkeypatch, after) == 1
    assert "calls with WARNING_REF_DOES_NOT_MATCH_GENOME: 1\n" in capsys.readouterr().err


def test_snpeff_is_told_the_code_of_mitochondria_and_of_no_other_contig(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "genome.fa").write_text(">chr1 first\nACGT\n>chrM\nACGT\n>MT1\nACGT\n")
    (tmp_path / "all.config").write_text(
        "data.dir = ~/x\nlof.a : 1\ncodon.Standard : AAA/K\ncodon.Yeast : AAA/K\n"
        "codon.Vertebrate_Mitochondrial : AAA/K\nhg19.genome : Homo\n"
    )
    given = [str(tmp_path / name) for name in ("genome.fa", "all.config")]
    assert annotation.write_config(given) == 0
    assert capsys.readouterr().out == (
        "lof.a : 1\ncodon.Standard : AAA/K\ncodon.Vertebrate_Mitochondrial : AAA/K\n"
        "genome.genome : genome\ngenome.chrM.codonTable : Vertebrate_Mitochondrial\n"
    )


GENE = "ATG" + "GCTCTGAAAGACTCCCGT" * 16 + "TAA"
GENES = """##gff-version 3
chr1\tt\tgene\t101\t{end}\t.\t+\t.\tID=gene:G1;Name=G1;biotype=protein_coding
chr1\tt\tmRNA\t101\t{end}\t.\t+\t.\tID=transcript:T1;Parent=gene:G1;biotype=protein_coding
chr1\tt\texon\t101\t{end}\t.\t+\t.\tParent=transcript:T1
chr1\tt\tCDS\t101\t{end}\t.\t+\t0\tID=CDS:C1;Parent=transcript:T1
"""


def test_two_unphased_heterozygous_calls_of_a_codon_are_told_each_by_itself(tmp_path: Path) -> None:
    """Together they would make the third codon CTG a stop, TAG; nobody knows that they are."""
    sample = Sample(tmp_path / "raw", {})
    sample.ref.mkdir()
    genome = "ACGT" * 25 + GENE + "ACGT" * 25
    sample.fasta.write_text(f">chr1\n{genome}\n")
    pysam.faidx(str(sample.fasta))
    genes = GENES.format(end=100 + len(GENE)).encode()
    (sample.ref / "annotation.gff3.gz").write_bytes(gzip.compress(genes))
    (tmp_path / "in").mkdir()
    calls = (
        "##fileformat=VCFv4.2\n"
        f"##contig=<ID=chr1,length={len(genome)}>\n"
        '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">\n'
        "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS1\n"
        "chr1\t107\t.\tC\tT\t50\t.\t.\tGT\t0/1\n"
        "chr1\t108\t.\tT\tA\t50\t.\t.\tGT\t0/1\n"
    )
    (tmp_path / "in/variants.vcf.gz").write_bytes(gzip.compress(calls.encode()))
    stage = stage_of("germline-cpu", "annotate")
    run_stage(stage, sample, tmp_path, {}, shims(tmp_path / "bin"))
    with pysam.VariantFile(str(tmp_path / "out/annotated.vcf.gz")) as vcf:
        told = {record.pos: record.info["BCSQ"] for record in vcf}
    assert [words[0].split("|")[0] for words in told.values()] == ["synonymous", "missense"]
    assert told[108][0].split("|")[5] == "3L>3Q"
