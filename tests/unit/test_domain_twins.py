"""The same sequence under two names is told, as nothing is called in either."""

import random

import pytest

from seqdrop.domain import twins
from seqdrop.domain.bases import Bases
from seqdrop.domain.fasta import read_fasta
from tests.tools_support import reverse_complement

BASES = "".join(random.Random(5).choices("ACGT", k=2_500))
OTHER = "".join(random.Random(6).choices("ACGT", k=2_500))


def warnings(**contigs: str) -> list[str]:
    """Of a FASTA with these contigs, each in lines of another length."""
    text = b""
    for number, (name, bases) in enumerate(contigs.items()):
        step = 61 + number
        lines = [bases[at : at + step] for at in range(0, len(bases), step)]
        text += "\n".join([f">{name}", *lines, ""]).encode()
    copy: list[bytes] = []
    content = read_fasta([text], copy.append)
    return twins.twin_warnings(content, Bases(b"".join(copy), content.lengths))


@pytest.mark.parametrize("chunk", [7, 2_500, 1 << 20])
@pytest.mark.parametrize("twin", [BASES, BASES.lower(), reverse_complement(BASES)])
def test_the_same_bases_on_either_strand_are_named(
    twin: str, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(twins, "_CHUNK_BASES", chunk)
    [warning] = warnings(chrM=BASES, chr1=OTHER, MT=twin)
    assert "('chrM' = 'MT')" in warning
    assert "mapping quality 0" in warning


def test_several_groups_are_told_at_once() -> None:
    [warning] = warnings(a=BASES, b=OTHER, c=BASES, d=OTHER[:1_500], e=OTHER, f=OTHER[:1_500])
    assert "('a' = 'c', 'b' = 'e', 'd' = 'f')" in warning


@pytest.mark.parametrize(
    "contigs",
    [
        {"a": BASES, "b": OTHER},
        {"a": BASES, "b": BASES[:-1] + ("A" if BASES[-1] != "A" else "C")},
        {"a": BASES, "b": BASES[::-1]},
        {"a": BASES, "b": reverse_complement(BASES)[::-1]},
        {"a": BASES, "b": BASES[1:]},
        {"a": BASES, "b": BASES[1:] + BASES[:1]},
        {"a": BASES[:999], "b": BASES[:999]},
        {"a": BASES, "n1": "N" * 1_500, "n2": "N" * 1_500},
        {"chr1": BASES, "chr1_KI270762v1_alt": BASES},
    ],
)
def test_other_contigs_are_no_twins(contigs: dict[str, str]) -> None:
    assert warnings(**contigs) == []
