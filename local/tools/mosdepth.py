"""Equal of the `mosdepth` command, as far as pipelines use it: `python -m local.tools.mosdepth`.

It writes the same lines into the same files (but no CSI indexes), quirks included: contigs without
a read are in no summary, and the last base of a contig is in its neighbour's quantized class.
In one thing it is right where mosdepth 0.3 is not: where one mate lies within the other and
neither is clipped, mosdepth takes away a part of the longer one.
"""

import argparse
import gzip
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import IO

import numpy as np
import pysam

from local.tools.fragment_depth import contig_depths

VERSION = "0.3.3 (the project's own equal, on pysam)"
_SHORTEST_DISTRIBUTION = 300
_LEAST_SHARE = 8e-5
Spans = list[tuple[int, int]]
Depths = np.ndarray[tuple[int], np.dtype[np.int64]]


@dataclass
class Stat:
    """What the summary says of a contig, of its regions, or of all."""

    length: int = 0
    bases: int = 0
    lowest: int | None = None
    highest: int = 0
    counts: Depths = field(default_factory=lambda: np.zeros(0, np.int64))

    def add(self, depths: Depths) -> None:
        """Bases with these depths."""
        if not len(depths):
            return
        lowest = int(depths.min())
        self.length += len(depths)
        self.bases += int(depths.sum())
        self.lowest = lowest if self.lowest is None else min(self.lowest, lowest)
        self.highest = max(self.highest, int(depths.max()))
        self.merge_counts(np.bincount(depths))

    def merge_counts(self, counts: Depths) -> None:
        """How many bases have each depth."""
        longest = max(len(counts), len(self.counts))
        self.counts = np.pad(self.counts, (0, longest - len(self.counts)))
        self.counts[: len(counts)] += counts

    def merge(self, other: "Stat") -> None:
        """All bases of another one."""
        if other.lowest is None:
            return
        self.length += other.length
        self.bases += other.bases
        self.lowest = other.lowest if self.lowest is None else min(self.lowest, other.lowest)
        self.highest = max(self.highest, other.highest)
        self.merge_counts(other.counts)

    def summary(self, name: str) -> str:
        """A line of the summary."""
        mean = self.bases / self.length if self.length else 0.0
        return (
            f"{name}\t{self.length}\t{self.bases}\t{mean:.2f}\t{self.lowest or 0}\t{self.highest}\n"
        )

    def distribution(self, name: str) -> Iterator[str]:
        """The share of bases with at least each depth, from the highest depth down."""
        share = 0.0
        for depth in range(len(self.counts) - 1, -1, -1):
            if depth > _SHORTEST_DISTRIBUTION and not self.counts[depth]:
                continue
            share += float(self.counts[depth]) / float(self.length)
            if share >= _LEAST_SHARE:
                yield f"{name}\t{depth}\t{share:.2f}\n"


class Writer:
    """mosdepth's files, contig by contig."""

    def __init__(self, options: argparse.Namespace, files: ExitStack) -> None:
        """Opens them; ``files`` closes them."""
        self._thresholds = sorted(map(int, options.thresholds.split(",")))
        self._classes = _classes(options.quantize)
        self._regions = _read_regions(Path(options.by))
        self._all, self._all_regions = Stat(), Stat()

        def text(name: str) -> IO[str]:
            return files.enter_context(Path(f"{options.prefix}.{name}").open("w"))

        def packed(name: str) -> IO[str]:
            return files.enter_context(gzip.open(f"{options.prefix}.{name}.bed.gz", "wt"))

        self._summary = text("mosdepth.summary.txt")
        self._global, self._region = (
            text("mosdepth.global.dist.txt"),
            text("mosdepth.region.dist.txt"),
        )
        self._means, self._reached = packed("regions"), packed("thresholds")
        self._quantized = packed("quantized") if self._classes else None
        self._summary.write("chrom\tlength\tbases\tmean\tmin\tmax\n")
        names = "\t".join(f"{threshold}X" for threshold in self._thresholds)
        self._reached.write(f"#chrom\tstart\tend\tregion\t{names}\n")

    def write(self, contig: str, length: int, depths: Depths | None) -> None:
        """One contig; ``None`` where it has no read."""
        of_contig, of_regions = Stat(), Stat()
        known = np.zeros(length, np.int64) if depths is None else depths
        for start, end in self._regions.get(contig, []):
            part = known[start:end]
            place = f"{contig}\t{start}\t{end}"
            counts = "\t".join(str(int((part >= least).sum())) for least in self._thresholds)
            self._means.write(f"{place}\t{float(part.mean()):.2f}\n")
            self._reached.write(f"{place}\tunknown\t{counts}\n")
            if depths is not None:
                of_regions.add(part)
        if self._quantized:
            for start, end, name in self._stretches(known):
                self._quantized.write(f"{contig}\t{start}\t{end}\t{name}\n")
        if depths is None:
            return
        of_contig.add(depths)
        self._say(contig, of_contig, of_regions)
        self._all.merge(of_contig)
        self._all_regions.merge(of_regions)

    def finish(self) -> None:
        """The lines over all contigs."""
        self._say("total", self._all, self._all_regions)

    def _say(self, name: str, whole: Stat, regions: Stat) -> None:
        self._summary.write(whole.summary(name) + regions.summary(f"{name}_region"))
        self._global.writelines(whole.distribution(name))
        self._region.writelines(regions.distribution(name))

    def _stretches(self, depths: Depths) -> Iterator[tuple[int, int, str]]:
        edges = [low for low, _ in self._classes]
        found = np.searchsorted(edges, depths, side="right") - 1
        if len(found) > 1:
            found[-1] = found[-2]
        cuts = [0, *(np.flatnonzero(np.diff(found)) + 1).tolist(), len(found)]
        for start, end in pairwise(cuts):
            if found[start] >= 0:
                yield start, end, self._classes[found[start]][1]


def _classes(text: str) -> list[tuple[int, str]]:
    """Each class' lowest depth and its name, of ``0:20:``."""
    if not text:
        return []
    edges = text.split(":")
    if not text.endswith(":") or not all(edge.isdigit() for edge in edges[:-1]):
        raise SystemExit(f"mosdepth: --quantize {text} is not in the form 0:20:")
    highest = [*edges[1:-1], "inf"]
    return [(int(low), f"{low}:{high}") for low, high in zip(edges[:-1], highest, strict=True)]


def _read_regions(path: Path) -> dict[str, Spans]:
    regions: dict[str, Spans] = {}
    for line in path.read_text().splitlines():
        contig, start, end = line.split("\t")[:3]
        regions.setdefault(contig, []).append((int(start), int(end)))
    return {contig: sorted(spans, key=lambda span: span[0]) for contig, spans in regions.items()}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="mosdepth", description=__doc__, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"mosdepth {VERSION}")
    parser.add_argument("-t", "--threads", type=int, default=0)
    parser.add_argument("-b", "--by", required=True)
    parser.add_argument("-n", "--no-per-base", action="store_true", required=True)
    parser.add_argument("-q", "--quantize", default="")
    parser.add_argument("-Q", "--mapq", type=int, default=0)
    parser.add_argument("-T", "--thresholds", required=True)
    parser.add_argument("-f", "--fasta")
    parser.add_argument("prefix")
    parser.add_argument("alignment")
    return parser


def main(arguments: list[str]) -> int:
    """Runs one command line; returns the exit code."""
    options = _parser().parse_args(arguments)
    opened = pysam.AlignmentFile(options.alignment, reference_filename=options.fasta)
    with ExitStack() as files, opened as alignment:
        writer = Writer(options, files)
        for contig, length in zip(alignment.references, alignment.lengths, strict=True):
            writer.write(contig, length, contig_depths(alignment, contig, length, options.mapq))
        writer.finish()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
