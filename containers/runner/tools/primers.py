"""``seqdrop-tool primers OUT FILE…``: how many reads begin or end at a primer.

Each file is what ``samtools ampliconclip -f`` counted in the primary alignments of one lane.
OUT's folder is made where it is not there.
"""

import argparse
import re
from collections.abc import Iterable
from pathlib import Path

import msgspec

_LINE = re.compile(r"^(TOTAL READS|EXCLUDED|NOT CLIPPED): (\d+)$", re.MULTILINE)


def main(arguments: list[str]) -> int:
    """Writes the counts of these lanes together."""
    parser = argparse.ArgumentParser(prog="seqdrop-tool primers", description=__doc__)
    parser.add_argument("output", type=Path)
    parser.add_argument("counted", type=Path, nargs="+")
    options = parser.parse_args(arguments)
    counts = primer_counts(path.read_text("utf-8") for path in options.counted)
    text = msgspec.json.format(msgspec.json.encode(counts, order="deterministic"), indent=1)
    options.output.parent.mkdir(exist_ok=True)
    options.output.write_bytes(text + b"\n")
    return 0


def primer_counts(counted: Iterable[str]) -> dict[str, int]:
    """Of mapped reads, those with and those without a primer. Raises KeyError for other text.

    What ampliconclip excludes is not mapped. Its "total clipped" counts a read with a primer at
    either end twice, and is not used.
    """
    looked_at = without = 0
    for text in counted:
        lines = {name: int(count) for name, count in _LINE.findall(text)}
        looked_at += lines["TOTAL READS"] - lines["EXCLUDED"]
        without += lines["NOT CLIPPED"]
    return {
        "reads_looked_at": looked_at,
        "reads_with_primer": looked_at - without,
        "reads_without_primer": without,
    }
