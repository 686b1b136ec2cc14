"""What the FASTQ files of single lanes show: the sum of all lanes hides one that is wrong."""

from collections.abc import Iterable, Mapping

from seqdrop.domain.plan import StageResult

LEAST_PAIRS = 100
"""Fewer pairs are not judged by themselves: a handful may all be N or empty, or of high quality."""
PHRED33_HIGHEST = ord("K")
"""Q42, the highest of Illumina's instruments with an offset of 33; most end at ``J`` (Q41)."""
PHRED64_LOWEST, PHRED64_HIGHEST = ord(";"), ord("j")
"""Solexa's -5, and Q42, with an offset of 64: Cock et al. 2010, doi:10.1093/nar/gkp1137."""


def worst_lanes(results: Iterable[StageResult]) -> dict[str, tuple[float, list[str]]]:
    """By metric: the greatest value of any lane, and the lanes that have it; none at 0."""
    worst: dict[str, tuple[float, list[str]]] = {}
    lanes = [lane for result in results for lane in sorted(result.lanes.items())]
    for lane, counts in lanes:
        for name, value in _metrics_of(counts).items():
            greatest, those = worst.get(name, (0.0, []))
            if value > greatest:
                worst[name] = (value, [lane])
            elif value and value == greatest:
                those.append(lane)
    return worst


def named_lanes(results: Iterable[StageResult]) -> dict[str, str]:
    """By metric: the lanes where it is worst, for a person."""
    return {
        name: f"lane{'s' * (len(lanes) > 1)} {', '.join(lanes)}"
        for name, (_, lanes) in worst_lanes(results).items()
    }


def _metrics_of(counts: Mapping[str, int]) -> dict[str, float]:
    """Of one lane: those of which more is worse."""
    found = {"files_without_end": float(counts["without_end_block"])}
    pairs = counts["reads_in"] // 2
    if pairs >= LEAST_PAIRS:
        found["identical_mates_fraction"] = counts["identical_mates"] / pairs
        found["phred64"] = float(any(_is_mate_phred64(counts, mate) for mate in ("r1", "r2")))
    return found


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
