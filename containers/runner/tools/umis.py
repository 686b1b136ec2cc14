"""``seqdrop-tool umis LANE PATTERN``: whether every read of a lane has a UMI in its name.

Standard input is SAM without its header. ``samtools markdup`` takes reads without a UMI for copies
by their position alone, as if they had one: so a lane with such reads is refused.
"""

import argparse
import re
import sys
from collections.abc import Iterable

from runner.processes import BAD_DATA_EXIT_CODE

LEAST_READS = 1_000
"""So many reads never have the same UMI by chance: what they share is an index, or set by hand."""
_MOST_KEPT = 100_000


class NoUmis(Exception):
    """What is wrong with a lane, for its sender."""


def main(arguments: list[str]) -> int:
    """Says how many UMIs there are; returns 65 where reads have none."""
    parser = argparse.ArgumentParser(prog="seqdrop-tool umis", description=__doc__)
    parser.add_argument("lane")
    parser.add_argument("pattern", help="its group is the UMI in a read's name")
    options = parser.parse_args(arguments)
    try:
        said = look_at(sys.stdin.buffer, options.lane, options.pattern)
    except NoUmis as error:
        sys.stderr.write(f"{error}\n")
        return BAD_DATA_EXIT_CODE
    sys.stderr.write(f"{said}\n")
    return 0


def look_at(lines: Iterable[bytes], lane: str, pattern: str) -> str:
    """What was found, for the log. Raises NoUmis."""
    find = re.compile(pattern.encode()).search
    reads = without = 0
    example = b""
    umis: set[bytes] = set()
    for line in lines:
        name = line.partition(b"\t")[0]
        reads += 1
        found = find(name)
        if found is None:
            without += 1
            example = example or name
        elif len(umis) < _MOST_KEPT:
            umis.add(found[1])
    if without:
        raise NoUmis(
            f"lane {lane}: {without:,} of {reads:,} reads have no UMI at the end of their name, as "
            f"{example.decode(errors='replace')!r}: make the FASTQ files anew with the UMIs in the "
            "reads' names, or say duplicates: mark in the assay (umi_separator says what the UMI "
            "follows)"
        )
    if len(umis) == 1 and reads >= LEAST_READS:
        (only,) = umis
        raise NoUmis(
            f"lane {lane}: all {reads:,} reads have the same UMI ({only.decode()}), so it tells no "
            "molecules apart: it may be the sample's index; make the FASTQ files anew with the UMIs"
        )
    kinds = f"{len(umis):,}" if len(umis) < _MOST_KEPT else f"{_MOST_KEPT:,} or more"
    return f"lane {lane}: {kinds} UMIs in {reads:,} reads"
