"""`seqdrop-tool reference-check` over folders as its job has them, with the field's own tools."""

import gzip
import random
from pathlib import Path

import pytest

from runner.processes import BAD_DATA_EXIT_CODE
from runner.tools.main import main
from seqdrop.domain import fingerprint_sites
from tests.tools_support import run, shims

CODON, BACK = "GCC", "GGC"
"""They read as a protein without a stop on either strand."""
GENE = "ATG" + (CODON + BACK) * 49 + "CAT"
"""Its first codon is a start codon on either strand."""
_CHANCE = "".join(random.Random(3).choices("ACGT", k=3_000))
BASES = _CHANCE[:100] + GENE + _CHANCE[400:1100] + GENE + _CHANCE[1400:]
FASTA = f">chr1\n{BASES[:1000]}\n{BASES[1000:2000]}\n{BASES[2000:]}\n".encode()
GENES = """\
##gff-version 3
chr1\tx\tgene\t101\t400\t.\t{strand}\t.\tID=gene:G1;Name=GENE1;biotype=protein_coding
chr1\tx\tmRNA\t101\t400\t.\t{strand}\t.\tID=transcript:T1;Parent=gene:G1;biotype=protein_coding
chr1\tx\texon\t101\t400\t.\t{strand}\t.\tParent=transcript:T1
chr1\tx\tCDS\t101\t400\t.\t{strand}\t0\tID=CDS:P1;Parent=transcript:T1
"""


MOVED = GENES.format(strand="+").replace("101\t400", "601\t900").encode()
HEADER = "##fileformat=VCFv4.2\n" + "\n".join(fingerprint_sites.HEADER[1:]) + "\n"


def sites(shift: int = 0) -> bytes:
    """Sites with the bases of the sequence, or of those beside them."""
    lines = []
    for at in range(10, 2_900, 100):
        ref = BASES[at + shift]
        lines.append(f"chr1\t{at + 1}\t.\t{ref}\t{'C' if ref == 'A' else 'A'}\t.\t.\tAF=0.5\n")
    return (HEADER + "".join(lines)).encode()


@pytest.fixture
def ref(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a sequence, and the stand-ins on PATH."""
    path = shims(tmp_path / "bin")
    import os

    monkeypatch.setenv("PATH", f"{path}{os.pathsep}{os.environ['PATH']}")
    folder = tmp_path / "ref"
    (folder / "targets").mkdir(parents=True)
    (folder / "genome.fa").write_bytes(FASTA)
    return folder


def check(ref: Path) -> int:
    return main(["reference-check", str(ref), str(ref.parent)])


def test_a_good_reference_gives_the_stretches_that_can_be_called(
    ref: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    text = FASTA.replace(BASES[100:200].encode(), b"N" * 100, 1)
    (ref / "genome.fa").write_bytes(text)
    (ref / "targets/kit.bed").write_text("chr1\t0\t10\tone\nchr1\t150\t160\ttwo\n")
    assert check(ref) == 0
    assert "kit.bed has 1 region where the sequence has N alone" in capfd.readouterr().err
    assert (ref.parent / "callable.bed").read_text() == "chr1\t0\t100\nchr1\t200\t3000\n"


@pytest.mark.parametrize(
    ("name", "body", "said"),
    [
        ("genome.fa", FASTA + b">chr1\nAC\n", "genome.fa, line 5"),
        ("genome.fa", FASTA + b">c\nARAA\n", "codes for several bases (1)"),
        ("genome.fa", FASTA.replace(b"\n", b"\r\n"), "line ends"),
        ("genome.fa.alt", b"chr9_alt\t0\n", "genome.fa.alt names no contig"),
        ("targets/kit.bed", b"chr1\t9\t5\n", "kit.bed, line 1"),
        ("targets/kit.bed", b"#comment\nchr1\t5\t9\n", "kit.bed has lines that are not regions"),
        ("targets/kit.bed", b"chr1\t5\t9\nchr2\t5\t9\n", "kit.bed has lines"),
        ("fingerprint.vcf", sites(1), "for its REF, but the sequence has"),
        ("fingerprint.vcf", b"".join(sites().splitlines(keepends=True)[:22]), "give 20 to 100,000"),
        ("fingerprint.vcf", sites() + b"chr1\t5\t.\tA\tC\t.\t.\t.\n", "sorted sites"),
        ("annotation.gff3.gz", MOVED, "1 of 1 coding transcripts (T1 in line 5)"),
        ("annotation.gff3.gz", b"x\n", "annotation.gff3.gz, line 1"),
        ("annotation.gff3.gz", gzip.compress(b"x" * 99, mtime=0)[:-9], "cut or damaged"),
    ],
)
def test_a_part_that_is_wrong_is_named(
    ref: Path, name: str, body: bytes, said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    (ref / name).write_bytes(body)
    assert check(ref) == 65
    assert said in capfd.readouterr().err
    assert not (ref.parent / "callable.bed").exists()


def test_sites_of_a_fingerprint_that_fit_the_sequence_are_good(ref: Path) -> None:
    (ref / "fingerprint.vcf").write_bytes(sites())
    assert check(ref) == 0


@pytest.mark.parametrize("strand", ["+", "-"])
def test_genes_that_csq_can_read_are_good(ref: Path, strand: str) -> None:
    genes = GENES.format(strand=strand).encode()
    (ref / "annotation.gff3.gz").write_bytes(gzip.compress(genes))
    assert check(ref) == 0


def test_genes_that_only_csq_itself_finds_wrong_are_refused_in_its_words(
    ref: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A phase that does not fit the length of the coding sequence."""
    more = "chr1\tx\tCDS\t300\t360\t.\t+\t1\tParent=transcript:T1\n"
    genes = GENES.format(strand="+").replace("CDS\t101\t400", "CDS\t101\t280")
    (ref / "annotation.gff3.gz").write_text(genes + more)
    assert check(ref) == 65
    said = capfd.readouterr().err
    assert "bcftools csq can't read annotation.gff3.gz (see line 3, 4, 5, 6): " in said
    assert "phase" in said
    assert "give the GFF3 that Ensembl has" in said


def test_genes_in_which_csq_finds_nothing_are_refused(
    ref: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """As bcftools 1.16 does over transcripts of a kind that it does not know."""
    script = tmp_path / "bin" / "bcftools"
    script.write_text('#!/bin/sh\nfor file; do :; done\nexec cat "$file"\n')
    (ref / "annotation.gff3.gz").write_text(GENES.format(strand="+"))
    assert check(ref) == 65
    assert "leaves out 1 of 1 coding transcripts (T1)" in capfd.readouterr().err


def test_each_transcript_is_tried_and_those_without_a_consequence_are_listed(
    ref: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """T2 is a pseudogene, which csq gives no coding consequence; T3 shares its middle with T1."""
    more = "".join(GENES.format(strand="+").splitlines(keepends=True)[1:])
    second = more.replace("G1", "G2").replace("T1", "T2").replace("protein_coding", "pseudogene")
    second = second.replace("\t101\t400", "\t1101\t1400")
    third = more.replace("G1", "G3").replace("T1", "T3")
    (ref / "annotation.gff3.gz").write_text(GENES.format(strand="+") + second + third)
    assert check(ref) == 0
    assert "leaves out 1 of 3 coding transcripts (T2)" in capfd.readouterr().err


def test_the_dictionary_names_no_folder_of_the_machine(ref: Path) -> None:
    out = ref.parent / "genome.dict"
    fasta = str(ref / "genome.fa")
    run(["samtools", "dict", "-u", "genome.fa", "-o", str(out), fasta])
    assert str(ref) not in out.read_text()
    assert "LN:3000" in out.read_text()


def test_the_same_sequence_under_two_names_is_told(
    ref: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (ref / "genome.fa").write_bytes(FASTA + FASTA.replace(b">chr1", b">1"))
    assert check(ref) == 0
    assert "WARN the sequence has contigs under several names" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ("chr1\t0\t20\tf\t0\t+\nchr1\t60\t80\tr\t0\t-\n", ""),
        ("chr1\t0\t20\tf\t0\t+\nchr2\t60\t80\tr\t0\t-\n", "does not have"),
        ("chr1\t0\t20\tf\t0\n", "without a strand"),
        ("chr1 0 20 f 0 +\n", "lines that are no primers"),
    ],
)
def test_primers_are_held_by_the_rules_by_which_they_are_added(
    ref: Path, capfd: pytest.CaptureFixture[str], lines: str, says: str
) -> None:
    (ref / "primers").mkdir()
    (ref / "primers/panel.bed").write_text(lines)
    assert check(ref) == (BAD_DATA_EXIT_CODE if says else 0)
    assert says in capfd.readouterr().err
