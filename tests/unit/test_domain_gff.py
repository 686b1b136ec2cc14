"""Genes: what csq could not read, or would read nothing of, is refused with its line."""

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqdrop.domain.alt import check_alt, missing_alt
from seqdrop.domain.errors import InvalidInput, InvalidReference
from seqdrop.domain.fasta import read_fasta
from seqdrop.domain.gff import GffContent, parse_gff
from seqdrop.domain.reading_frames import CodingSequence

LENGTHS = {"chr1": 3_000, "chr2": 900}
GOOD = """\
##gff-version 3
##sequence-region chr1 1 3000
chr1\tx\tchromosome\t1\t3000\t.\t.\t.\tID=chromosome:1
chr1\tx\tgene\t101\t400\t.\t+\t.\tID=gene:G1;Name=GENE1;biotype=protein_coding
###
chr1\tx\tmRNA\t101\t400\t.\t+\t.\tID=transcript:T1;Parent=gene:G1;biotype=protein_coding
chr1\tx\texon\t101\t160\t.\t+\t.\tParent=transcript:T1
chr1\tx\tCDS\t101\t160\t.\t+\t0\tID=CDS:P1;Parent=transcript:T1
chr1\tx\tCDS\t201\t400\t.\t+\t0\tID=CDS:P1;Parent=transcript:T1
"""


def read(text: str) -> GffContent:
    """The text as a file's lines."""
    return parse_gff(text.split("\n")[: text.count("\n")], LENGTHS, "g.gff3")


def without(kind: str) -> str:
    """The good file without one kind of feature."""
    return "".join(line for line in GOOD.splitlines(keepends=True) if f"\t{kind}\t" not in line)


def test_a_good_file_gives_the_coding_sequence_of_each_transcript() -> None:
    pieces = array("q", [100, 160, 200, 400])
    wanted = GffContent([CodingSequence("T1", "chr1", "+", pieces, 0, 8)], [])
    assert read(GOOD) == wanted
    assert read(GOOD.replace("\n", "\r\n")) == wanted
    assert read(GOOD + "\n") == wanted


def test_features_may_come_in_any_order() -> None:
    head, *lines = GOOD.splitlines()
    [coding] = parse_gff([head, *reversed(lines)], LENGTHS).coding
    assert coding == CodingSequence("T1", "chr1", "+", array("q", [200, 400, 100, 160]), 0, 2)


@pytest.mark.parametrize(("strand", "phase"), [("+", 1), ("-", 2)])
def test_the_phase_is_that_of_the_piece_which_is_read_first(strand: str, phase: int) -> None:
    text = GOOD.replace("\t+\t", f"\t{strand}\t")
    text = text.replace(f"160\t.\t{strand}\t0", f"160\t.\t{strand}\t1")
    text = text.replace(f"400\t.\t{strand}\t0", f"400\t.\t{strand}\t2")
    [coding] = read(text).coding
    assert (coding.strand, coding.phase, coding.mixed) == (strand, phase, False)


@pytest.mark.parametrize("piece", ["101\t160", "201\t400"])
def test_a_piece_on_another_strand_than_its_transcript_is_marked(piece: str) -> None:
    [coding] = read(GOOD.replace(f"CDS\t{piece}\t.\t+", f"CDS\t{piece}\t.\t-")).coding
    assert (coding.strand, coding.mixed) == ("+", True)


ELSEWHERE = {
    "mRNA": "line 6 has 'transcript:T1' on 'chr2', but 'gene:G1' is on 'chr1' by line 4",
    "CDS": "line 8 (CDS) is on 'chr2', but 'transcript:T1' is on 'chr1' by line 6",
    "gene": "line 6 has 'transcript:T1' on 'chr1', but 'gene:G1' is on 'chr2' by line 4",
}


@pytest.mark.parametrize("kind", ELSEWHERE)
def test_genes_in_pieces_on_several_contigs_are_refused(kind: str) -> None:
    with pytest.raises(InvalidReference) as refused:
        read(GOOD.replace(f"chr1\tx\t{kind}\t", f"chr2\tx\t{kind}\t"))
    assert ELSEWHERE[kind] in str(refused.value)


def test_a_later_piece_on_another_contig_is_named() -> None:
    text = GOOD.replace("chr1\tx\tCDS\t201", "chr2\tx\tCDS\t201")
    with pytest.raises(InvalidReference, match=r"line 9 \(CDS\) .* on 'chr2', but line 8 has it"):
        read(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("\ufeff" + GOOD, ["g.gff3, line 1", "byte order mark"]),
        (GOOD.replace("##seq", "\n##seq"), ["line 2", "blank"]),
        (GOOD + "##FASTA\n>chr1\nACGT\n", ["line 10", "sequence"]),
        (GOOD.replace("\t", " "), ["line 3", "1 columns", "9"]),
        (GOOD.replace("\t201\t400", "\t0\t400"), ["line 9", "'0'", "start"]),
        (GOOD.replace("\t201\t400", "\t201\t4e2"), ["line 9", "'4e2'", "end"]),
        (GOOD.replace("\t201\t400", "\t400\t201"), ["line 9", "400", "201"]),
        (GOOD.replace("\t201\t400", "\t201\t3001"), ["line 9", "3001", "3000 bases"]),
        (GOOD.replace("\t+\t0", "\t.\t0"), ["line 8", "strand '.'"]),
        (GOOD.replace("\t+\t0", "\t+\t."), ["line 8", "line 9", "phase '.'"]),
        (GOOD.replace("transcript:", "rna-"), ["line 7", "exon", "Parent=transcript:", "Ensembl"]),
        ('chr1\tx\tCDS\t1\t9\t.\t+\t0\tgene_id "G"; transcript_id "T";\n', ["line 1", "Ensembl"]),
        (GOOD.replace("gene:", "gene-"), ["no gene (ID=gene:", "Ensembl"]),
        (GOOD.replace(";biotype=protein_coding", ""), ["no gene", "biotype"]),
        (without("mRNA"), ["no transcript"]),
        (without("gene"), ["no gene"]),
        (without("CDS"), ["no coding sequence"]),
        (GOOD.replace("Parent=gene:G1", "Parent=gene:G2"), ["no transcript with coding sequence"]),
        (GOOD.replace("chr1\t", "1\t"), ["no contig", "'1'", "put 'chr' before"]),
        ("", ["no gene"]),
        (GOOD + GOOD.splitlines()[3] + "\n", ["line 10 gives 'gene:G1' again, as line 4 does"]),
        (GOOD.replace("\t101\t160", "\t99\t160"), ["line 8 (CDS)", "T1'", "101 to 400"]),
        (GOOD.replace("\t201\t400", "\t201\t402"), ["line 9 (CDS) is not within"]),
    ],
)  # fmt: skip
def test_bad_files_are_refused_with_line_and_reason(text: str, words: list[str]) -> None:
    with pytest.raises(InvalidReference) as refused:
        read(text)
    for word in words:
        assert word in str(refused.value)


def test_genes_on_contigs_that_the_sequence_lacks_are_warned_of() -> None:
    content = read(GOOD + "KI27\tx\tgene\t1\t9000\t.\t+\t.\tID=gene:G9;biotype=lncRNA\n")
    assert [one.transcript for one in content.coding] == ["T1"]
    [warning] = content.warnings
    assert "'KI27'" in warning


def genes(*names: str) -> str:
    """Whole genes of one transcript each."""
    body = "".join(GOOD.splitlines(keepends=True)[3:])
    return "".join(body.replace("G1", f"G{name}").replace("T1", f"T{name}") for name in names)


BIOTYPE = "Parent=gene:G{0};biotype=protein_coding"


def test_transcripts_that_csq_leaves_out_are_counted_with_examples() -> None:
    text = genes("1", "2", "3").replace(BIOTYPE.format(2), "Parent=gene:G2")
    content = read(text)
    assert [one.transcript for one in content.coding] == ["T1", "T3"]
    [warning] = content.warnings
    assert "leaves out 1 of 3 coding transcripts (T2)" in warning
    assert read(genes("1", "2", "3")).warnings == []


def test_a_file_most_of_whose_transcripts_csq_leaves_out_is_refused() -> None:
    text = genes("1", "2", "3")
    for name in "23":
        text = text.replace(BIOTYPE.format(name), f"Parent=gene:G{name}")
    with pytest.raises(InvalidReference, match=r"leaves out 2 of 3 .*\(T2, T3\).*Ensembl"):
        read(text)


@given(st.lists(st.text() | st.sampled_from(GOOD.splitlines())))
def test_any_lines_are_read_or_refused(lines: list[str]) -> None:
    try:
        parse_gff(lines, LENGTHS)
    except InvalidInput:
        return


ALT = {"chr1": 9, "chr1_KI27_alt": 5, "HLA-A*01:01:01:01": 5}


def test_alt_files_name_contigs_in_their_first_column() -> None:
    lines = ["@SQ\tSN:x", "chr1_KI27_alt\t0\tchr1\n", "HLA-A*01:01:01:01\t4\n"]
    assert check_alt(lines, ALT, list(ALT)[1:], "g.alt") == []
    [lacks] = check_alt(lines[:2], ALT, list(ALT)[1:], "g.alt")
    assert "lacks ALT contigs" in lacks
    [more] = check_alt([*lines, "chr9_alt\t0\n"], ALT, list(ALT)[1:], "g.alt")
    assert "'chr9_alt'" in more


@pytest.mark.parametrize(
    ("lines", "why"),
    [([], "names no contig"), (["@x"], "names no contig"), (["chr9_alt"], "'chr9_alt'"),
     (["chr1_KI27_alt", "\n"], "line 2"), (["1_KI27_alt"], "put 'chr' before")],
)  # fmt: skip
def test_alt_files_that_fit_nothing_are_refused(lines: list[str], why: str) -> None:
    with pytest.raises(InvalidReference, match=why):
        check_alt(lines, ALT, list(ALT)[1:], "g.alt")


def test_alt_contigs_without_an_alt_file_are_warned_of() -> None:
    assert missing_alt([]) == []
    [warning] = missing_alt(list(ALT)[1:])
    assert "2 ALT contigs ('chr1_KI27_alt', 'HLA-A*01:01:01:01')" in warning


NCBI = "Homo sapiens chromosome 6 genomic scaffold, GRCh38.p14"


@pytest.mark.parametrize(
    ("name", "description"),
    [
        ("chr6_GL000256v2_alt", ""), ("chr1_KN196472v1_fix", ""), ("HLA-A*01:01:01:01", ""),
        ("HSCHR6_MHC_COX_CTG1", "dna:chromosome"), ("CHR_HSCHR6_MHC_COX_CTG1", ""),
        ("CHR_HG2233_PATCH", ""), ("HG2233_PATCH", ""),
        ("NT_167244.2", f"{NCBI} alternate locus group ALT_REF_LOCI_1"),
        ("NW_009646194.1", "Homo sapiens chromosome 1 genomic patch of type FIX, GRCh38.p14"),
        ("NW_1.1", "GRCh38.p14 novel patch"),
    ],
)  # fmt: skip
def test_alt_contigs_and_patches_are_known_by_all_who_name_them(
    name: str, description: str
) -> None:
    fasta = f">chr1 the primary one\nACGT\n>{name} {description}\nACGT\n".encode()
    assert read_fasta([fasta], len).alternates == [name]


@pytest.mark.parametrize(
    ("name", "description"),
    [
        ("chr1", ""), ("CHROMOSOME_I", ""), ("CHR_1", ""), ("chr1_KI270706v1_random", ""),
        ("chrUn_KI270302v1", ""), ("HSCHRUN_RANDOM_CTG1", ""), ("HSCHR1_CTG1_UNLOCALIZED", ""),
        ("NC_000001.11", "Homo sapiens chromosome 1, GRCh38.p14 Primary Assembly"),
        ("NT_187361.1", f"{NCBI} Primary Assembly HSCHR1_CTG1_UNLOCALIZED"), ("KI270728.1", ""),
    ],
)  # fmt: skip
def test_primary_contigs_are_no_alternates(name: str, description: str) -> None:
    assert read_fasta([f">{name} {description}\nACGT\n".encode()], len).alternates == []
