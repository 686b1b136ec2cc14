"""``seqdrop-tool ploidy``: of what there is one copy, by the depth of X and Y."""

import argparse
from pathlib import Path

from runner.tools.bed_files import read_bed
from runner.tools.depth import read_pieces, sex_ratios
from runner.tools.regions import write_rows
from runner.tools.sequence import lengths_of
from seqdrop.domain.ploidy import one_copy
from seqdrop.domain.qc import sex_by_depth


def main(arguments: list[str]) -> int:
    """Writes a BED of what has one copy: empty where the depth is not that of one X and one Y."""
    parser = argparse.ArgumentParser(prog="seqdrop-tool ploidy", description=main.__doc__)
    parser.add_argument("prefix", type=Path, help="the prefix that mosdepth was given")
    parser.add_argument("par", type=Path, help="BED of what X and Y share")
    parser.add_argument("fai", type=Path, help="the sequence's .fai")
    parser.add_argument("output", type=Path)
    options = parser.parse_args(arguments)
    ratios = sex_ratios(read_pieces(options.prefix))
    x, y = ratios.get("x_depth_ratio"), ratios.get("y_depth_ratio")
    is_male = x is not None and y is not None and sex_by_depth(x, y) == "male"
    lengths = lengths_of(options.fai)
    write_rows(options.output, one_copy(read_bed(options.par), lengths) if is_male else [])
    return 0
