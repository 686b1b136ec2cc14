"""`python -m benchmarks [NAME...]`: runs the measures, one after another, and prints them."""

import argparse
import importlib
import logging
import sys
from collections.abc import Sequence

MEASURES = (
    "start", "cold_import", "run_cost", "reading", "fastq_check", "staging", "host_references",
    "catalog_size", "sweep", "reanalysis_plan", "plain_pair", "side_by_side", "compare_calls",
    "crowd", "cohort", "many_lanes", "thirty_fold",
)  # fmt: skip
"""Modules of this package, the quick ones first."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints each measure as it comes; 1 where one could not be taken, whatever it shows."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"some of {', '.join(MEASURES)}")
    names = parser.parse_args(arguments).names or MEASURES
    unknown = sorted(set(names) - set(MEASURES))
    if unknown:
        parser.error(f"there is no measure {', '.join(unknown)}")
    logging.basicConfig(level=logging.ERROR)
    for name in names:
        for measure in importlib.import_module(f"benchmarks.{name}").measure():
            print("\n".join(measure.lines()), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
