"""``seqdrop-tool scope``: the regions over which depth is measured, each base once.

With targets these are the targets, cut wherever one begins or ends, so that each target is a
union of pieces and no base is in two. Without targets they are the stretches of the sequence
that are not N.
"""

import argparse
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path

from runner.tools.bed_files import read_bed
from seqdrop.domain.bed import Region, merged


def main(arguments: list[str]) -> int:
    """Writes the BED that mosdepth gets as ``--by``."""
    parser = argparse.ArgumentParser(prog="seqdrop-tool scope", description=__doc__)
    parser.add_argument("--callable", required=True, type=Path, help="BED of what is not N")
    parser.add_argument("--targets", type=Path, help="BED of target regions")
    parser.add_argument("output", type=Path)
    options = parser.parse_args(arguments)
    regions = read_bed(options.targets or options.callable)
    with options.output.open("w", encoding="utf-8") as file:
        for piece in pieces(regions):
            file.write(f"{piece.contig}\t{piece.start}\t{piece.end}\n")
    return 0


def pieces(regions: Iterable[Region]) -> Iterator[Region]:
    """The bases of all regions, cut at each region's start and end; sorted within contigs."""
    given = list(regions)
    cuts: dict[str, set[int]] = {}
    for region in given:
        cuts.setdefault(region.contig, set()).update((region.start, region.end))
    inner = {contig: sorted(positions) for contig, positions in cuts.items()}
    index = dict.fromkeys(inner, 0)
    for whole in merged(given):
        positions, at = inner[whole.contig], index[whole.contig]
        end = positions.index(whole.end, at)
        for start, stop in pairwise(positions[at : end + 1]):
            yield Region(whole.contig, start, stop)
        # Where two merged regions meet in no base, the next begins at the cut after this end.
        index[whole.contig] = end + 1
