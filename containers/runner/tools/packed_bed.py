"""``seqdrop-tool packed-bed``: a BED in bgzip with its tabix index, as Strelka2 wants regions."""

import argparse
from pathlib import Path

import pysam

from runner.tools.bed_files import read_bed
from seqdrop.domain.bed import merged


def main(arguments: list[str]) -> int:
    """Writes the merged regions, and OUTPUT.tbi beside them."""
    parser = argparse.ArgumentParser(prog="seqdrop-tool packed-bed", description=main.__doc__)
    parser.add_argument("bed", type=Path)
    parser.add_argument("output", type=Path)
    options = parser.parse_args(arguments)
    plain = options.output.with_suffix("")
    if plain == options.bed:
        plain = options.bed.with_suffix(".merged.bed")
    rows = (f"{one.contig}\t{one.start}\t{one.end}\n" for one in merged(read_bed(options.bed)))
    plain.write_text("".join(rows), "utf-8")
    pysam.tabix_compress(str(plain), str(options.output), force=True)
    pysam.tabix_index(str(options.output), preset="bed", force=True)
    return 0
