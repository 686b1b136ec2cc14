"""Genes against the bases: those of this sequence read as protein, moved ones do not."""

import random
import re
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqdrop.domain.bed import Region
from seqdrop.domain.errors import InvalidReference
from seqdrop.domain.reading_frames import (
    CodingSequence,
    check_reading_frames,
    has_stop_inside,
    spliced,
)
from tests.tools_support import reverse_complement

STOPS = ("TAA", "TAG", "TGA")
CODONS = [a + b + c for a in "ACGT" for b in "ACGT" for c in "ACGT" if a + b + c not in STOPS]


def gene(rng: random.Random, codons: int = 120) -> str:
    """The coding sequence of a protein."""
    return "ATG" + "".join(rng.choices(CODONS, k=codons - 2)) + rng.choice(STOPS)


class Genome:
    """One contig of genes of two exons with 40 bases between them, on both strands."""

    def __init__(self, genes: int = 30, seed: int = 1) -> None:
        rng, self.text, self.coding = random.Random(seed), "", list[CodingSequence]()
        for number in range(genes):
            self.text += "".join(rng.choices("ACGT", k=50))
            strand, at = "+-"[number % 2], len(self.text)
            coding = gene(rng) if strand == "+" else reverse_complement(gene(rng))
            cut = rng.randrange(10, 300)
            self.text += coding[:cut] + "".join(rng.choices("ACGT", k=40)) + coding[cut:]
            pieces = array("q", [at + cut + 40, at + 400, at, at + cut])
            self.coding.append(CodingSequence(f"T{number}", "chr1", strand, pieces, 0, number + 5))
        self.text += "ACGT" * 10

    def read(self, contig: str, start: int, end: int) -> bytes:
        return {"chr1": self.text}[contig][start:end].encode()

    def moved(self, bases: int) -> list[CodingSequence]:
        """The genes with other positions."""
        return [
            one._replace(pieces=array("q", [at + bases for at in one.pieces]))
            for one in self.coding
        ]

    def check(self, coding: list[CodingSequence] | None = None) -> list[str]:
        return check_reading_frames(self.coding if coding is None else coding, self.read, "g.gff3")


GENOME = Genome()


def test_genes_of_this_sequence_are_good() -> None:
    assert GENOME.check() == []


@pytest.mark.parametrize("bases", [1, 2, 3, -1, -2, -3, -4, 7, 30])
def test_genes_that_are_moved_are_refused_with_count_examples_and_remedy(bases: int) -> None:
    with pytest.raises(InvalidReference) as refused:
        GENOME.check(GENOME.moved(bases))
    said = str(refused.value)
    assert re.search(r" \d+ of 30 coding transcripts \(T\d+ in line \d+, T\d+ in line ", said)
    assert said.count(" in line ") <= 2 * 5
    assert "of another assembly or build of it" in said
    assert "take those of this sequence" in said


def test_genes_that_lost_their_ends_without_a_stop_inside_are_warned_of() -> None:
    """As parts of genes have lost them, in a sequence of an amplicon: it may be right."""
    parts = [
        one._replace(pieces=array("q", [min(one.pieces) + 3, min(one.pieces) + 9]), line=7)
        for one in GENOME.coding
    ]
    [warning] = GENOME.check(parts)
    assert "neither begin with a start codon nor end with a stop codon" in warning


def test_genes_on_the_wrong_strand_are_refused() -> None:
    flipped = [one._replace(strand={"+": "-", "-": "+"}[one.strand]) for one in GENOME.coding]
    with pytest.raises(InvalidReference, match="of another assembly"):
        GENOME.check(flipped)


def test_half_of_the_transcripts_is_a_warning_and_one_more_is_refused() -> None:
    half = [*GENOME.moved(1)[:15], *GENOME.coding[15:]]
    broken = sum(has_stop_inside(spliced(one, GENOME.read), "chr1") for one in half)
    assert broken == 15
    [warning] = GENOME.check(half)
    assert warning.startswith("g.gff3: 15 of 30 coding transcripts (T0 in line 5, ")
    with pytest.raises(InvalidReference, match=r"16 of 30 coding transcripts"):
        GENOME.check([*GENOME.moved(1)[:16], *GENOME.coding[16:]])


def test_few_with_a_stop_inside_are_what_annotations_have() -> None:
    genome = Genome(genes=201)
    one_in_100 = [*genome.moved(1)[:2], *genome.coding[2:]]
    assert genome.check(one_in_100) == []
    [warning] = genome.check([*genome.moved(1)[:3], *genome.coding[3:]])
    assert "3 of 201 coding transcripts (T0 in line 5, T1 in line 6, T2 in line 7) have" in warning


def test_coding_sequence_on_both_strands_is_none_that_csq_can_read() -> None:
    mixed = [GENOME.coding[0]._replace(mixed=True), *GENOME.coding[1:]]
    [warning] = GENOME.check(mixed)
    assert "1 of 30 coding transcripts (T0 in line 5)" in warning


def coding(*pieces: int, strand: str = "+", phase: int = 0) -> CodingSequence:
    return CodingSequence("T", "c", strand, array("q", pieces), phase, 1)


def reads_as(text: str, *pieces: int, strand: str = "+", phase: int = 0) -> str:
    """What is read of a text."""
    one = coding(*pieces, strand=strand, phase=phase)
    return spliced(one, lambda _, start, end: text[start:end].encode()).decode()


def test_pieces_are_spliced_in_the_order_of_their_strand() -> None:
    text = "GGATGCCGGGAAATAAGG"
    assert reads_as(text, 10, 16, 2, 7) == "ATGCCAAATAA"
    assert reads_as(reverse_complement(text), 2, 8, 11, 16, strand="-") == "ATGCCAAATAA"


def test_an_incomplete_beginning_is_left_out_by_its_phase() -> None:
    assert reads_as("CCATGAAA", 0, 8, phase=2) == "ATGAAA"
    assert reads_as("TTTCATGG", 0, 8, strand="-", phase=2) == "ATGAAA"


def test_a_base_at_which_ribosomes_slip_back_is_read_twice() -> None:
    """As in orf1ab of SARS-CoV-2, whose pieces share a base."""
    text = "ATGTTTAAACGGGTTTAA"
    assert reads_as(text, 0, 12, 11, 18) == "ATGTTTAAACGG" + "GGTTTAA"
    assert reads_as(text, 11, 18, 0, 12) == "ATGTTTAAACGG" + "GGTTTAA"


def test_the_longest_piece_has_the_transcripts_name() -> None:
    assert coding(5, 9, 20, 40, 50, 60).longest_piece == Region("c", 20, 40, "T")


@pytest.mark.parametrize(
    ("bases", "contig", "inside"),
    [
        ("ATGTAAAAA", "1", True), ("ATGAAATAA", "1", False), ("ATGAAATAAA", "1", True),
        ("ATGAAATAAAA", "1", True), ("ATGNAATAA", "1", False), ("ATGTRAAAA", "1", False),
        ("ATGTNAAAA", "1", False), ("ATGTGAAAA", "1", True), ("ATGTGAAAA", "chrM", False),
        ("ATGTGAAAA", "MT", False), ("ATGTAGAAA", "MT", True), ("ATGTGAAAA", "chrMT", False),
        ("ATGTGAAAA", "chrM_1", True), ("TAA", "1", False), ("", "1", False), ("TA", "1", False),
    ],
)  # fmt: skip
def test_stops_are_inside_where_a_codon_follows(bases: str, contig: str, inside: bool) -> None:
    assert has_stop_inside(bases.encode(), contig) is inside


@given(st.text("ACGTNR"), st.sampled_from(["1", "MT"]))
def test_stops_are_found_as_codon_by_codon(bases: str, contig: str) -> None:
    stops = STOPS[:2] if contig == "MT" else STOPS
    codons = [bases[at : at + 3] for at in range(0, len(bases), 3)]
    assert has_stop_inside(bases.encode(), contig) is any(c in stops for c in codons[:-1])
