"""Simulated read pairs of a person, as a sequencer would leave them: gzip FASTQ, by lanes."""

import gzip
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local.demo.genome import seeded

READ_BASES = 150
INSERT_MEAN, INSERT_SPREAD, INSERT_LEAST = 350, 50, 200
ERROR_RATE = 0.002
_COMPLEMENT = str.maketrans("ACGT", "TGCA")
_OTHER = {"A": "CGT", "C": "AGT", "G": "ACT", "T": "ACG"}
_QUALITY_PATTERNS = 64
_GOOD, _FAIR, _POOR = "F:,"
"""Phred 37, 25 and 11: the bins that newer instruments write."""
_PAIRS_A_WRITE = 2_000
_GZIP_LEVEL = 1


@dataclass(frozen=True)
class Lane:
    """A lane of a flowcell."""

    flowcell: str
    number: int


@dataclass(frozen=True)
class LanePair:
    """The two files of a lane, and how many pairs are in them."""

    lane: Lane
    r1: Path
    r2: Path
    pairs: int


def write_lane(
    haplotypes: Sequence[dict[str, str]], files: tuple[Path, Path], lane: Lane, *,
    depth: float, seed: int,
) -> LanePair:  # fmt: skip
    """Writes R1 and R2 of a lane, with reads enough to cover the genome ``depth`` times."""
    bases = sum(map(len, haplotypes[0].values()))
    pairs = int(bases * depth / (2 * READ_BASES))
    chance = seeded(seed, "reads", lane.flowcell, lane.number)
    with _open(files[0]) as r1, _open(files[1]) as r2:
        for first, second in _chunks(haplotypes, lane, pairs, chance):
            r1.write(first.encode())
            r2.write(second.encode())
    return LanePair(lane, *files, pairs)


@contextmanager
def _open(path: Path) -> Iterator[gzip.GzipFile]:
    """Neither the time nor the name is in the header, so that equal reads are equal files."""
    with path.open("wb") as raw, gzip.GzipFile("", "wb", _GZIP_LEVEL, raw, mtime=0) as file:
        yield file


def _chunks(
    haplotypes: Sequence[dict[str, str]], lane: Lane, pairs: int, chance: random.Random
) -> Iterator[tuple[str, str]]:
    errors, fragments = _Errors(chance), _Fragments(haplotypes, chance)
    for begin in range(0, pairs, _PAIRS_A_WRITE):
        first, second = [], []
        for number in range(begin, min(begin + _PAIRS_A_WRITE, pairs)):
            name = _name(lane, number)
            bases = fragments.next_pair()
            first.append(f"@{name} 1:N:0:ACGTACGT\n{errors.read(bases[0])}\n")
            second.append(f"@{name} 2:N:0:ACGTACGT\n{errors.read(bases[1])}\n")
        yield "".join(first), "".join(second)


def _name(lane: Lane, number: int) -> str:
    tile, spot = 1101 + number // 10_000, number % 10_000
    return f"DEMO01:1:{lane.flowcell}:{lane.number}:{tile}:{1000 + spot}:{1000 + 7 * spot}"


class _Fragments:
    """Fragments from anywhere on either chromosome set, read inwards from both their ends."""

    def __init__(self, haplotypes: Sequence[dict[str, str]], chance: random.Random) -> None:
        self._chance = chance
        self._strands = [
            (bases, bases.translate(_COMPLEMENT)[::-1])
            for chromosomes in haplotypes
            for bases in chromosomes.values()
        ]
        self._weights: list[int] = []
        for bases, _ in self._strands:
            self._weights.append(len(bases) + (self._weights[-1] if self._weights else 0))

    def next_pair(self) -> tuple[str, str]:
        chance = self._chance
        forward, backward = chance.choices(self._strands, cum_weights=self._weights)[0]
        insert = max(INSERT_LEAST, int(chance.gauss(INSERT_MEAN, INSERT_SPREAD)))
        start = int(chance.random() * (len(forward) - insert))
        other = len(forward) - start - insert
        ends = forward[start : start + READ_BASES], backward[other : other + READ_BASES]
        return ends if chance.random() < 0.5 else ends[::-1]


class _Errors:
    """Qualities and sequencing errors, which mostly come with a poor quality."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._patterns = [self._pattern() for _ in range(_QUALITY_PATTERNS)]
        self._next = int(chance.expovariate(ERROR_RATE))

    def _pattern(self) -> str:
        """Good, with a few fair and poor bases that get more towards the end."""
        chance = self._chance
        doubts = [0.02 + 0.08 * cycle / READ_BASES for cycle in range(READ_BASES)]
        draws = [(chance.random(), doubt) for doubt in doubts]
        return "".join(
            _POOR if draw < doubt / 5 else _FAIR if draw < doubt else _GOOD for draw, doubt in draws
        )

    def read(self, bases: str) -> str:
        """The bases as they were read, a ``+`` line, and their qualities."""
        quality = self._patterns[int(self._chance.random() * _QUALITY_PATTERNS)]
        while self._next < READ_BASES:
            at = self._next
            bases = bases[:at] + self._chance.choice(_OTHER[bases[at]]) + bases[at + 1 :]
            quality = quality[:at] + _POOR + quality[at + 1 :]
            self._next += 1 + int(self._chance.expovariate(ERROR_RATE))
        self._next -= READ_BASES
        return f"{bases}\n+\n{quality}"
