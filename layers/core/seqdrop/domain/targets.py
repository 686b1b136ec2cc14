"""Target regions, asked after by place."""

from bisect import bisect_right
from collections.abc import Iterable

from seqdrop.domain.bed import Region, merged


class Targets:
    """Regions that are asked after by place."""

    def __init__(self, regions: Iterable[Region]) -> None:
        self._starts: dict[str, list[int]] = {}
        self._ends: dict[str, list[int]] = {}
        for region in merged(regions):
            self._starts.setdefault(region.contig, []).append(region.start)
            self._ends.setdefault(region.contig, []).append(region.end)

    def overlap(self, contig: str, start: int, end: int) -> bool:
        """Whether a base of the stretch (0-based, half-open) is in one of them."""
        at = bisect_right(self._ends.get(contig, []), start)
        starts = self._starts.get(contig, [])
        return at < len(starts) and starts[at] < end
