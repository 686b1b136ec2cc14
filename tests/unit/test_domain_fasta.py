"""FASTA: what is refused with its line, and the working copy of the rest."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from seqdrop.domain.bed import Region
from seqdrop.domain.errors import InvalidInput, InvalidReference
from seqdrop.domain.fasta import FastaContent, read_fasta
from seqdrop.domain.letters import FIRST_BASE

GOOD = b">chr1\nACGTACGT\nACGTA\n>chr2\nGGGG\n"
IUPAC = {
    "R": "AG", "Y": "CT", "S": "CG", "W": "AT", "K": "GT", "M": "AC", "B": "CGT", "D": "AGT",
    "H": "ACT", "V": "ACG",
}  # fmt: skip


def read(text: bytes, size: int = 1 << 20) -> tuple[bytes, FastaContent]:
    """The working copy, and the content, of a text that comes in chunks of so many bytes."""
    written: list[bytes] = []
    chunks = (text[at : at + size] for at in range(0, len(text), size))
    content = read_fasta(chunks, written.append, "g.fa")
    return b"".join(written), content


@pytest.mark.parametrize(
    "text",
    [GOOD, GOOD.replace(b"\n", b"\r\n"), GOOD.rstrip(b"\n"), GOOD + b"\n\n",
     GOOD.replace(b">chr2", b"\n>chr2"), b"\n" + GOOD],
)  # fmt: skip
def test_good_files_have_one_working_copy(text: bytes) -> None:
    for size in (1, 3, 7, 1000):
        working, content = read(text, size)
        assert working == GOOD
        assert content == FastaContent(
            {"chr1": 13, "chr2": 4}, 0, 0, [],
            [Region("chr1", 0, 13), Region("chr2", 0, 4)], [],
        )  # fmt: skip


def test_descriptions_and_hla_names_are_taken() -> None:
    text = b">chr1 Homo synthetica\nAC\n>chr2\tLN:6\nAC\n>HLA-A*01:01:01:01\tx\nGT\n"
    working, content = read(text)
    assert list(content.lengths) == ["chr1", "chr2", "HLA-A*01:01:01:01"]
    assert working == text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", ["g.fa is empty"]),
        (b"\n\n", ["g.fa is empty"]),
        (b"ACGT\n", ["line 1", "before the first contig", "'>'"]),
        (b"@r1\nACGT\n+\nFFFF\n", ["line 1", "'@r1'"]),
        (b"\xef\xbb\xbf>chr1\nAC\n", ["line 1", "byte order mark"]),
        (GOOD + b">chr1 again\nACGT\n", ["line 6", "'chr1'", "line 1"]),
        (b">chr1,x\nAC\n", ["line 1", "'chr1,x'", "','"]),
        (b"><chr1>\nAC\n", ["line 1", "'<chr1>'", "'<', '>'"]),
        (b">=x\nAC\n", ["line 1", "begins with '='"]),
        (b">#1\nAC\n", ["line 1", "begins with '#'"]),
        ("\n".join([">chrä", "AC", ""]).encode(), ["line 1", "ä"]),
        (b">\nAC\n", ["line 1", "no name"]),
        (b"> chr1\nAC\n", ["line 1", "no name"]),
        (b">chr0\n" + GOOD, ["line 1", "'chr0'", "no bases"]),
        (GOOD + b">chr9\n", ["line 6", "'chr9'", "no bases"]),
        (b">a\nACGT\nACG\nACGT\n", ["line 3", "'a'", "one length"]),
        (b">a\nACGT\nACGTA\nACGT\n", ["line 3", "5 letters", "has 4"]),
        (b">a\nACGT\n\nACGT\n", ["line 3", "blank", "'a'"]),
        (b">a\n\nACGT\n", ["line 2", "blank"]),
        (b">p\nMKTAYIAKQRQISFVKSH\n", ["line 2", "'I'", "column 6", "protein"]),
        (b">p\nACGT\nACXT\n", ["line 3", "'X'", "column 3"]),
        (b">p\nAC-T\n", ["line 2", "'-'"]),
        (b">p\nAC T\n", ["line 2", "' '"]),
        (b">p\rACGT\rACGT\r", ["line 1", "Unix line ends"]),
        (b">p\nMRKHSVDW\n", ["more than half", "protein"]),
        (b">p\nNNNN\n", ["no base but N"]),
    ],
)  # fmt: skip
def test_bad_files_are_refused_with_line_and_reason(text: bytes, words: list[str]) -> None:
    for size in (1, 5, 1000):
        with pytest.raises(InvalidReference) as refused:
            read(text, size)
        for word in words:
            assert word in str(refused.value)


def test_a_contig_that_no_index_can_reach_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seqdrop.domain.fasta.LONGEST_CONTIG", 12)
    with pytest.raises(InvalidReference, match="line 1 begins the contig 'chr1' of 13 bases"):
        read(GOOD)


def test_a_file_of_many_faults_lists_ten() -> None:
    with pytest.raises(InvalidReference) as refused:
        read(b">p\n" + b"EEEE\n" * 50)
    assert "line 11 " in str(refused.value)
    assert "line 12 " not in str(refused.value)


def test_each_code_stands_for_its_first_base_and_its_place_is_kept() -> None:
    assert {code: min(bases) for code, bases in IUPAC.items()} == FIRST_BASE
    codes = "".join(IUPAC)
    text = f">a\n{'A' * 40}\n{codes}{codes.lower()}{'A' * 20}\n>b\nACRRCGTTrN\n".encode()
    firsts = "".join(min(IUPAC[code]) for code in codes)
    for size in (1, 6, 1000):
        working, content = read(text, size)
        expected = f">a\n{'A' * 40}\n{firsts}{firsts.lower()}{'A' * 20}\n>b\nACAACGTTaN\n"
        assert working == expected.encode()
        assert content.codes == [
            *(Region("a", 40 + i, 41 + i, c) for i, c in enumerate(codes + codes.lower())),
            Region("b", 2, 4, "R"),
            Region("b", 8, 9, "r"),
        ]
        assert (content.replaced, content.masked, content.uncertain) == (23, 11, 1)


def test_uracil_is_thymine() -> None:
    working, content = read(b">rna\nACGUacgu\n")
    assert working == b">rna\nACGTacgt\n"
    assert content.replaced == 0


letters = st.text("ACGTacgtNnRyMkU", min_size=1, max_size=60).filter(lambda t: t.strip("NnRyMk"))


@given(st.lists(letters, min_size=1, max_size=4), st.integers(1, 9), st.integers(1, 20))
@example(["ANNNNNA"], 3, 1)
def test_counts_and_places_are_those_of_the_plain_letters(
    contigs: list[str], width: int, size: int
) -> None:
    text = "".join(
        f">c{n}\n" + "".join(f"{c[i : i + width]}\n" for i in range(0, len(c), width))
        for n, c in enumerate(contigs)
    )
    everything = "".join(contigs)
    codes = sum(everything.count(code) for code in "RyMk")
    if codes * 2 > len(everything):
        return
    working, content = read(text.encode(), size)
    assert content.lengths == {f"c{n}": len(c) for n, c in enumerate(contigs)}
    assert content.masked == sum(c.islower() for c in everything)
    assert content.uncertain == everything.upper().count("N")
    assert content.replaced == codes
    certain = {(r.contig, i) for r in content.callable for i in range(r.start, r.end)}
    wanted = {(f"c{n}", i) for n, c in enumerate(contigs) for i, b in enumerate(c) if b not in "Nn"}
    assert certain == wanted
    assert sum(r.end - r.start for r in content.callable) == len(wanted)
    for region in content.codes:
        found = contigs[int(region.contig[1:])][region.start : region.end]
        assert found == region.name * len(found)
    again, same = read(working, 7)
    assert again == working
    assert same.codes == []
    assert same.callable == content.callable


fasta_like = st.lists(
    st.sampled_from([b">", b">chr1", b">chr1 x", b"ACGT", b"ACG", b"NRY", b"", b"\r", b"AC T"])
).map(b"\n".join)


@given(st.binary(max_size=200) | fasta_like, st.integers(1, 9))
def test_any_bytes_are_read_or_refused_the_same_in_any_chunks(text: bytes, size: int) -> None:
    def outcome(chunk: int) -> object:
        try:
            return read(text, chunk)
        except InvalidInput as error:
            return str(error)

    found = outcome(size)
    assert found == outcome(1000)
    if isinstance(found, tuple):
        assert read(found[0])[0] == found[0]
