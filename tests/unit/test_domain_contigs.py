"""Contigs with their checksums, read of a sequence or of its index; known values of GA4GH's."""

import hashlib

import pytest

from seqdrop.domain.contigs import (
    Contig,
    read_contigs,
    read_index,
    read_list,
    seqcol,
    write_list,
)

FASTA = b">chr1 first > of all\nACgt\r\nAC\r\n>chr2\nGG\nNN\nA"
ACGT = ("f1f8f4bf413b16ad135722aa4591043e", "SQ.aKF498dAxcJAqme6QYQ7EZ07-fiw8Kw2")
"""MD5 and the digest that the specification of refget gives as its example."""
BASE = b">chrX\nTTGGGGAA\n>chr1\nGGAA\n>chr2\nGCGC\n"
"""``base.fa`` of GA4GH's compliance tests for sequence collections."""


@pytest.mark.parametrize("size", [1, 2, 7, 1_000])
def test_contigs_are_read_of_a_sequence_in_chunks(size: int) -> None:
    chunks = [FASTA[at : at + size] for at in range(0, len(FASTA), size)]
    one, two = read_contigs(chunks)
    assert (one.name, one.length, two.name, two.length) == ("chr1", 6, "chr2", 5)
    assert one.md5 == hashlib.md5(b"ACGTAC", usedforsecurity=False).hexdigest()
    assert FASTA[one.begin : one.end].split() == [b"ACgt", b"AC"]
    assert FASTA[two.begin : two.end].split() == [b"GG", b"NN", b"A"]


def test_contigs_are_read_of_an_index_where_it_has_their_checksums() -> None:
    fasta = b">chr1\nACGT\nAC\n>chr2\nGGNNA\n"
    dictionary = "@HD\tVN:1.5\n@SQ\tSN:chr1\tLN:6\tM5:a\n@SQ\tSN:chr2\tLN:5\tM5:b\n"
    index = "chr1\t6\t6\t4\t5\nchr2\t5\t20\t5\t6\n"
    one, two = read_index(dictionary, index)
    assert (one.length, one.md5, two.length, two.md5) == (6, "a", 5, "b")
    assert fasta[one.begin : one.end] == b"ACGT\nAC"
    assert fasta[two.begin : two.end].strip() == b"GGNNA"
    assert read_index(dictionary.replace("\tM5:b", ""), index) == []


@pytest.mark.parametrize(
    "text", [b">a\nACGT\n", b">a\nAC\nGT\n", b">a\r\nAC\r\nGT\r\n", b">a x\nacGt"]
)
def test_case_and_line_ends_are_in_no_checksum(text: bytes) -> None:
    [contig] = read_contigs([text])
    assert (contig.length, contig.md5, contig.refget) == (4, *ACGT)


def test_collections_have_the_digest_that_ga4gh_publishes() -> None:
    contigs = read_contigs([BASE])
    assert [contig.refget for contig in contigs] == [
        "SQ.iYtREV555dUFKg2_agSJW6suquUyPpMw",
        "SQ.YBbVX0dLKG1ieEDCiMmkrTZFt_Z5Vdaj",
        "SQ.AcLxtBuKEPk_7PGE_H4dGElwZHCujwH6",
    ]
    assert seqcol(contigs) == "XZlrcEGi6mlopZ2uD8ObHkQB1d0oDwKk"
    assert seqcol(contigs[::-1]) != seqcol(contigs), "the order is another one"
    assert seqcol(read_contigs([BASE.replace(b"chr", b"")])) != seqcol(contigs)


def test_a_list_is_read_as_it_was_written_and_is_small() -> None:
    contigs = read_contigs([BASE])
    assert read_list(write_list(contigs)) == contigs
    many = [
        Contig(f"chrUn_KN7{n:05}v1_decoy", 1, "f" * 32, n, n, "SQ." + "x" * 32)
        for n in range(3_366)
    ]
    assert len(write_list(many)) < 800_000
    assert read_list(b'{"contigs":[{"name":"1","length":4,"md5":"f","later":1}]}') == [
        Contig("1", 4, "f")
    ]
