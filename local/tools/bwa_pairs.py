"""bwa's rule for a proper pair, from the insert sizes that bwa itself measured.

pybwa drops the flags 0x2, 0x40 and 0x80. The last two are known; the first follows from what
bwa's `mem_pestat` prints for the chunk, which is the only way that it comes out.
"""

import math
import re
from dataclasses import dataclass

UNPAIRED_PENALTY = 17  # bwa mem -U
# Nearer to the mean than this, the pairing score always beats the penalty of an unpaired read.
NEAR_SD = 6.0

Sizes = tuple["InsertSizes | None", ...]  # for the orientations FF, FR, RF and RR

_EVENT = re.compile(
    r"skip orientation (?P<skipped>[FR]{2})"
    r"|analyzing insert size distribution for orientation (?P<seen>[FR]{2})"
    r"|mean and std\.dev: \((?P<mean>[-0-9.na]+), (?P<sd>[-0-9.na]+)\)"
    r"|boundaries for proper pairs: \((?P<low>-?\d+), (?P<high>-?\d+)\)"
)
_ORIENTATIONS = ("FF", "FR", "RF", "RR")


@dataclass(frozen=True)
class InsertSizes:
    """Bounds of a proper pair's insert size in one orientation."""

    low: int
    high: int
    mean: float
    sd: float


def parse_insert_sizes(report: str) -> Sizes:
    """Reads `mem_pestat`'s report: one entry for FF, FR, RF and RR, None where it gave up."""
    found: dict[str, InsertSizes] = {}
    orientation, mean, sd = "", 0.0, 0.0
    for event in _EVENT.finditer(report):
        if event["skipped"]:
            found.pop(event["skipped"], None)
        elif event["seen"]:
            orientation = event["seen"]
        elif event["mean"]:
            mean, sd = float(event["mean"]), float(event["sd"])
        else:
            found[orientation] = InsertSizes(int(event["low"]), int(event["high"]), mean, sd)
    return tuple(map(found.get, _ORIENTATIONS))


def given_insert_sizes(text: str) -> Sizes:
    """What `bwa mem -I mean[,sd[,longest[,shortest]]]` sets, with bwa's own defaults, for FR.

    Raises ValueError where the text is no such list.
    """
    numbers = [float(number) for number in text.split(",")]
    if not 1 <= len(numbers) <= 4:
        raise ValueError(f"-I {text}: give the mean, and at most three numbers more")
    mean = numbers[0]
    sd = numbers[1] if len(numbers) > 1 else mean * 0.1
    high = int((numbers[2] if len(numbers) > 2 else mean + 4.0 * sd) + 0.499)
    low = int(numbers[3] + 0.499) if len(numbers) > 3 else max(1, int(mean - 4.0 * sd + 0.499))
    return (None, InsertSizes(low, high, mean, sd), None, None)


def _inside(bounds: InsertSizes | None, tlen: int) -> InsertSizes | None:
    return bounds if bounds and bounds.low <= abs(tlen) - 1 <= bounds.high else None


def sizes_by_position(
    sizes: Sizes, reverse: bool, mate_reverse: bool, tlen: int
) -> InsertSizes | None:
    """bwa's `mem_pair`: the bounds that hold this pair, its orientation read along the genome."""
    if reverse == mate_reverse:
        return _inside(sizes[3 if reverse else 0], tlen)
    return sizes_by_read(sizes, reverse, mate_reverse, tlen)


def sizes_by_read(sizes: Sizes, reverse: bool, mate_reverse: bool, tlen: int) -> InsertSizes | None:
    """bwa's `mem_infer_dir`: the bounds that hold it, its orientation read along read 1."""
    second_is_downstream = (tlen > 0) != reverse
    orientation = (reverse != mate_reverse) ^ (0 if second_is_downstream else 3)
    return _inside(sizes[orientation], tlen)


def is_near_mean(bounds: InsertSizes, tlen: int) -> bool:
    """Whether bwa must have preferred the pair to its reads alone."""
    return abs(abs(tlen) - 1 - bounds.mean) < NEAR_SD * bounds.sd


def is_preferred(bounds: InsertSizes, tlen: int, scores: int) -> bool | None:
    """bwa's `mem_pair`: whether the pair beats both reads alone; None if it scores nothing."""
    if not bounds.sd:  # bwa divides by it; what comes out is no score
        return None
    deviations = abs(abs(tlen) - 1 - bounds.mean) / bounds.sd
    tail = 2.0 * math.erfc(deviations / math.sqrt(2))
    score = int(scores + 0.721 * math.log(tail) + 0.499) if tail else 0
    return score > scores - UNPAIRED_PENALTY if score > 0 else None
