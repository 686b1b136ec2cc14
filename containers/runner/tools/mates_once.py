"""``seqdrop-tool mates-once``: SAM in which bases that both mates show count once."""

import argparse
import sys
from itertools import chain

from seqdrop.domain.mates_once import once


def main(arguments: list[str]) -> int:
    """Copies sorted SAM from standard input; of two mates, one shows nothing where both lie."""
    parser = argparse.ArgumentParser(prog="seqdrop-tool mates-once", description=main.__doc__)
    parser.add_argument("--min-mapq", type=int, required=True, help="mates below it do not count")
    min_mapq = parser.parse_args(arguments).min_mapq
    for line in sys.stdin:
        if not line.startswith("@"):
            sys.stdout.writelines(once(chain([line], sys.stdin), min_mapq))
            break
        sys.stdout.write(line)
    sys.stdout.flush()
    return 0
