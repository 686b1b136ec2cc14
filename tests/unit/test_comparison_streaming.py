"""Long files in small pieces: stretches are cut where nothing is lost, and memory stays small."""

import random
import tracemalloc
from collections.abc import Iterator

import pytest

from seqdrop.domain.comparison.callfile import CallFile
from seqdrop.domain.comparison.compare import About, compare
from seqdrop.domain.comparison.report import Change, Verdict
from tests.comparison_support import compared, line, vcf


def a_sequence(rng: random.Random, length: int) -> str:
    """Bases with repeats of up to some thousand bases."""
    parts: list[str] = []
    while sum(map(len, parts)) < length:
        parts.append("".join(rng.choices("ACGT", k=rng.randrange(50, 900))))
        unit = rng.choice(["A", "AC", "ACG", "T"])
        parts.append(unit * rng.choice([3, 20, 600, 2500]))
    return "".join(parts)


def an_indel(rng: random.Random, sequence: str, at: int) -> list[str]:
    """A deletion at two places where it is the same, as far apart as the repeat allows."""
    length = rng.choice([1, 2, 3])
    far = at
    while sequence[far + 1] == sequence[far + 1 + length] and far < len(sequence) - 10:
        far += 1
    return [
        f"{place} {sequence[place - 1 : place + length]} {sequence[place - 1]}"
        for place in (at + 1, far + 1)
    ]


def two_files(seed: int) -> tuple[str, list[str], list[tuple[Change, int]]]:
    """A sequence, both files' text, and the changes between them."""
    rng = random.Random(seed)
    sequence = a_sequence(rng, 60_000)
    a: list[str] = []
    b: list[str] = []
    expected: list[tuple[Change, int]] = []
    at, free = 10, 0
    while at < len(sequence) - 5_000:
        kind = rng.choice(["snv", "snv", "snv", "indel", "long", "dropped", "genotype"])
        genotype = rng.choice(["0/1", "1/1"])
        ref = sequence[at]
        place = f"{at + 1} {ref} {'ACGT'.replace(ref, '')[at % 3]}"
        if kind == "indel":
            one, two = an_indel(rng, sequence, at)
            free = int(two.split()[0]) + 10
            for side, text in zip((a, b), rng.sample([one, two], 2), strict=True):
                side.append(line(text, genotype))
        elif kind == "long":
            ref = sequence[at : at + rng.choice([70, 300])]
            a.append(line(f"{at + 1} {ref} {ref[0]}", genotype))
            b.append(a[-1])
            free = at + len(ref) + 2_600
        else:
            a.append(line(place, genotype))
            if kind == "dropped":
                expected.append((Change.ONLY_A, at + 1))
            else:
                other = {"0/1": "1/1", "1/1": "0/1"}[genotype] if kind == "genotype" else genotype
                b.append(line(place, other))
                expected += [(Change.GENOTYPE, at + 1)] if kind == "genotype" else []
        at = max(free, at) + rng.choice([60, 100, 700])
        free = 0
    texts = [
        vcf(
            *sorted(side, key=lambda text: int(text.split("\t")[1])),
            contigs={"chr1": len(sequence)},
        )
        for side in (a, b)
    ]
    return sequence, texts, expected


@pytest.mark.parametrize("seed", range(12))
def test_pieces_of_any_size_give_what_the_whole_gives(seed: int) -> None:
    sequence, texts, expected = two_files(seed)
    whole, rows = compared(texts[0], texts[1], sequence)
    assert sorted((row.change, row.position) for row in rows) == sorted(expected)
    for block in (300, 1_000, 4_000):
        report, found = compared(texts[0], texts[1], sequence, block=block)
        assert sorted(found, key=str) == sorted(rows, key=str)
        assert report.tallies == whole.tallies
        assert (report.a, report.b) == (whole.a, whole.b)


def test_memory_does_not_grow_with_the_files() -> None:
    peaks = []
    for blocks in (5, 50):
        tracemalloc.start()
        report = compare(_endless(blocks), _endless(blocks), (About(), About()))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert report.verdict is Verdict.IDENTICAL
    assert peaks[1] < 1.3 * peaks[0]


def _endless(count: int) -> CallFile:
    def blocks() -> Iterator[bytes]:
        yield vcf(contigs={}).encode()
        for block in range(count):
            first = block * 200_000 + 1
            yield "".join(f"{line(f'{first + n * 200} A C')}\n" for n in range(1000)).encode()

    return CallFile(blocks(), "x.vcf")
