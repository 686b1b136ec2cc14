"""What DRAGEN writes of the reads themselves: qualities along them, and lengths of fragments."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import pysam

from local.tools.dragen_lanes import Lane
from local.tools.dragen_metrics import Row

FASTQC_MARK: Row = ("STAND-IN/SIMULATED", "Read1", "Simulated", "1")
"""The first row of its file: MultiQC takes no row that is of neither mate."""
_BASES = "ACGTN"
_READS_AT_ONCE = 20_000
_COLUMN = np.full(256, _BASES.index("N"), np.int64)
for _letter in "ACGT":
    _COLUMN[ord(_letter)] = _COLUMN[ord(_letter.lower())] = _BASES.index(_letter)


class ReadFigures:
    """Counts over one mate's reads, which may differ in length."""

    def __init__(self) -> None:
        self.counts = np.zeros((0, len(_BASES)), np.int64)
        """Bases by position and letter."""
        self.qualities = np.zeros((0, len(_BASES)), np.int64)
        """Sums of their qualities."""
        self.lengths: Counter[int] = Counter()
        self.mean_qualities: Counter[int] = Counter()
        self.gc_percents: Counter[int] = Counter()

    def add(self, reads: Sequence[tuple[str, str]]) -> None:
        """Bases and qualities of some reads."""
        sizes = np.array([len(bases) for bases, _ in reads])
        self.lengths.update(sizes.tolist())
        self._widen(int(sizes.max(initial=0)))
        position = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        read = np.repeat(np.arange(len(reads)), sizes)
        letter = _COLUMN[np.frombuffer("".join(bases for bases, _ in reads).encode(), np.uint8)]
        joined = "".join(qualities for _, qualities in reads).encode()
        quality = np.frombuffer(joined, np.uint8).astype(np.int64) - 33
        np.add.at(self.counts, (position, letter), 1)
        np.add.at(self.qualities, (position, letter), quality)
        whole = np.maximum(sizes, 1)
        means = np.bincount(read, quality, len(reads)) / whole
        self.mean_qualities.update(np.rint(means).astype(int).tolist())
        gc = np.bincount(read, (letter == 1) | (letter == 2), len(reads)) / whole
        self.gc_percents.update(np.rint(100 * gc).astype(int).tolist())

    def _widen(self, length: int) -> None:
        more = max(0, length - len(self.counts))
        self.counts = np.pad(self.counts, ((0, more), (0, 0)))
        self.qualities = np.pad(self.qualities, ((0, more), (0, 0)))


def fastqc_rows(lanes: Iterable[Lane]) -> list[Row]:
    """``<prefix>.fastqc_metrics.csv``: section, mate, metric, value."""
    figures: dict[str, ReadFigures] = {}
    for lane in lanes:
        for number, path in enumerate(lane.files, 1):
            found = figures.setdefault(f"Read{number}", ReadFigures())
            for reads in _in_parts(path):
                found.add(reads)
    return [row for mate, found in figures.items() for row in _rows(mate, found)]


def _in_parts(path: str) -> Iterator[list[tuple[str, str]]]:
    with pysam.FastxFile(path, persist=False) as records:
        found = ((str(record.sequence), str(record.quality)) for record in records)
        while part := list(islice(found, _READS_AT_ONCE)):
            yield part


def _rows(mate: str, found: ReadFigures) -> Iterator[Row]:
    for quality, reads in sorted(found.mean_qualities.items()):
        yield ("READ MEAN QUALITY", mate, f"Q{quality} Reads", str(reads))
    for position, counts in enumerate(found.counts.tolist(), 1):
        for letter, bases in zip(_BASES, counts, strict=True):
            yield (
                "POSITIONAL BASE CONTENT",
                mate,
                f"ReadPos {position} {letter} Bases",
                str(bases),
            )
    for position, counts in enumerate(found.counts.tolist(), 1):
        sums = found.qualities[position - 1].tolist()
        for letter, bases, total in zip(_BASES, counts, sums, strict=True):
            mean = f"{total / bases:.2f}" if bases else "NA"
            metric = f"ReadPos {position} {letter} Average Quality"
            yield ("POSITIONAL BASE MEAN QUALITY", mate, metric, mean)
    for length, reads in sorted(found.lengths.items()):
        yield ("READ LENGTHS", mate, f"{length}bp Length Reads", str(reads))
    for percent, reads in sorted(found.gc_percents.items()):
        yield ("READ GC CONTENT", mate, f"{percent}% GC Reads", str(reads))


def write_fragment_lengths(path: Path, samtools_stats: str, sample: str) -> None:
    """``<prefix>.fragment_length_hist.csv``, from the section IS of ``samtools stats``.

    A stand-in says so in the name: MultiQC takes no line above the first.
    """
    lines = [f"#Sample: {sample} (simulated by a stand-in)", "FragmentLength,Count"]
    for line in samtools_stats.splitlines():
        mark, *fields = line.split("\t")
        if mark == "IS" and int(fields[1]):
            lines.append(f"{fields[0]},{fields[1]}")
    path.write_text("\n".join(lines) + "\n", "utf-8")
