"""What the files and the alignment of single lanes show: the sum of all hides one that is wrong."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from seqdrop.domain.plan import StageResult

LEAST_PAIRS = 100
"""Fewer pairs are not judged by themselves: a handful may all be N or empty, or of high quality."""
LEAST_PAIRED_READS = 2 * LEAST_PAIRS
"""Both mates of at least 100 pairs have to map before the proper ones among them say anything:
bwa learns from the pairs what proper is, and calls none proper where they are few (it asks for
ten good ones of an orientation: MIN_DIR_CNT in bwamem_pair.c)."""
LESS_IS_WORSE = frozenset(
    ("highest_quality", "mapped_fraction", "properly_paired_fraction", "primer_fraction")
)
"""Metrics of lanes whose worst value is the smallest; of all others it is the greatest."""
_SUMMED = frozenset(("files_without_end", "files_of_merged_lanes"))
"""Metrics of the run that are counts over all lanes."""
_LEAST_READS = 2 * LEAST_PAIRS
_LEAST_SHARE = 0.001
"""Of all reads. What maps badly in a smaller lane changes no result: reads whose index was misread
look so."""
PHRED33 = 33
"""What is added to a quality to write it."""
PHRED33_HIGHEST = ord("K")
"""Q42, the highest of Illumina's instruments with an offset of 33; most end at ``J`` (Q41)."""
PHRED64_LOWEST, PHRED64_HIGHEST = ord(";"), ord("j")
"""Solexa's -5, and Q42, with an offset of 64: Cock et al. 2010, doi:10.1093/nar/gkp1137."""


class WorstLane(NamedTuple):
    """The worst value of a metric in any lane, and the lanes that have it."""

    value: float
    lanes: list[str]

    @property
    def place(self) -> str:
        """For a person."""
        return f"lane{'s' * (len(self.lanes) > 1)} {', '.join(self.lanes)}"


def worst_lanes(results: Iterable[StageResult]) -> dict[str, WorstLane]:
    """By metric, rounded as the metrics of runs are.

    Where more is worse, a metric that is 0 in all lanes is left out.
    """
    by_metric: dict[str, list[tuple[float, str]]] = defaultdict(list)
    for result in results:
        least = _LEAST_SHARE * sum(map(_reads, result.lanes.values()))
        for lane, counts in sorted(result.lanes.items()):
            for name, value in _metrics_of(counts).items():
                if name not in LESS_IS_WORSE or _reads(counts) >= least:
                    by_metric[name].append((round(value, 4), lane))
    worst: dict[str, WorstLane] = {}
    for name, found in by_metric.items():
        value = worst_of(name, *(value for value, _ in found))
        if value or name in LESS_IS_WORSE:
            worst[name] = WorstLane(value, [lane for other, lane in found if other == value])
    return worst


def worst_of(name: str, *values: float) -> float:
    """The worst of several values of a metric."""
    return min(values) if name in LESS_IS_WORSE else max(values)


def as_in_worst_lanes(
    metrics: Mapping[str, float], lanes: Mapping[str, WorstLane]
) -> tuple[dict[str, float], dict[str, str]]:
    """The metrics to be judged, and for some of them the lanes that decide.

    No lane does where the sum of all is worse than each: it is lanes of a few pairs that are bad.
    """
    values, places = dict(metrics), {}
    for name, worst in lanes.items():
        values[name] = worst_of(name, metrics.get(name, worst.value), worst.value)
        if name in _SUMMED or values[name] == worst.value:
            places[name] = worst.place
    return values, places


def _metrics_of(counts: Mapping[str, int]) -> dict[str, float]:
    """Of one lane; whatever was not counted in it is not there."""
    found: dict[str, float] = {}
    if "without_end_block" in counts:
        found["files_without_end"] = counts["without_end_block"]
    if "merged_files" in counts:
        found["files_of_merged_lanes"] = counts["merged_files"]
    pairs = counts.get("reads_in", 0) // 2
    if pairs >= LEAST_PAIRS:
        if "identical_mates" in counts:
            found["identical_mates_fraction"] = counts["identical_mates"] / pairs
        found["phred64"] = float(any(_is_mate_phred64(counts, mate) for mate in ("r1", "r2")))
        best = [counts[name] for name in ("r1_quality_max", "r2_quality_max") if name in counts]
        if best:
            found["highest_quality"] = min(best) - PHRED33
    if "mapped" in counts and counts.get("primary_out", 0) >= _LEAST_READS:
        found["mapped_fraction"] = counts["mapped"] / counts["primary_out"]
    if counts.get("reads_looked_at", 0) >= _LEAST_READS:
        found["primer_fraction"] = counts["reads_with_primer"] / counts["reads_looked_at"]
    if "properly_paired" in counts and counts.get("both_mapped", 0) >= LEAST_PAIRED_READS:
        found["properly_paired_fraction"] = counts["properly_paired"] / counts["both_mapped"]
    return found


def _reads(counts: Mapping[str, int]) -> int:
    return counts.get("primary_out", counts.get("reads_in", 0))


def _is_mate_phred64(counts: Mapping[str, int], mate: str) -> bool:
    """False for a mate without bases, which has no qualities."""
    lowest, highest = counts.get(f"{mate}_quality_min"), counts.get(f"{mate}_quality_max")
    return lowest is not None and highest is not None and is_phred64(lowest, highest)


def is_phred64(lowest: float, highest: float) -> bool:
    """Whether qualities, from the lowest byte of all to the highest, have an offset of 64.

    All of them lie where that offset puts them, and some above what instruments give with 33.
    Qualities in bins (``#``, ``,``, ``:``, ``F``) and of one value (all ``F``) end below ``K``;
    those of consensus and long reads, which reach ``~`` with an offset of 33, end above ``j``.
    """
    return lowest >= PHRED64_LOWEST and PHRED33_HIGHEST < highest <= PHRED64_HIGHEST
