"""``seqdrop-tool regions``: BED files for the regions that a genome is called in."""

import argparse
from collections.abc import Iterable
from pathlib import Path

from runner.tools.bed_files import read_bed
from runner.tools.sequence import lengths_of
from seqdrop.domain.bed import TARGET_PADDING, merged, padded
from seqdrop.domain.scatter import REGION_BASES, scattered


def main(arguments: list[str]) -> int:
    """Writes ``regions/<number>.bed``, and for targets ``calling.bed``: both below FOLDER.

    Each line of a region's BED has what a caller sees, and the part of it that the region keeps.
    """
    parser = argparse.ArgumentParser(prog="seqdrop-tool regions", description=main.__doc__)
    parser.add_argument("fai", type=Path, help="the sequence's .fai")
    parser.add_argument("callable", type=Path, help="BED of the stretches that are not N")
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--targets", type=Path, help="BED of the target regions")
    parser.add_argument("--size", type=int, default=REGION_BASES, help="bases a region")
    options = parser.parse_args(arguments)
    lengths = lengths_of(options.fai)
    scope = merged(read_bed(options.targets or options.callable), list(lengths))
    if options.targets:
        scope = merged(padded(scope, TARGET_PADDING, lengths), list(lengths))
        write_rows(options.folder / "calling.bed", scope)
    (options.folder / "regions").mkdir()
    for number, region in enumerate(scattered(scope, lengths, options.size), 1):
        write_rows(options.folder / "regions" / f"{number:06}.bed", region)
    return 0


def write_rows(path: Path, rows: Iterable[tuple[object, ...]]) -> None:
    """Writes a row for each line, divided by tabs; empty fields are left out."""
    lines = ("\t".join(str(field) for field in row if field != "") for row in rows)
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
