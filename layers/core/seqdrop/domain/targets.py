"""Target regions, asked after by place."""

from bisect import bisect_right
from collections.abc import Iterable

from seqdrop.domain.bed import Region, listed, merged


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


def uncallable(regions: Iterable[Region], certain: Iterable[Region], file: str) -> list[str]:
    """The warning about regions in which the sequence has N alone; ``certain`` is without N."""
    there = Targets(certain)
    blind = [r for r in regions if not there.overlap(r.contig, r.start, r.end)]
    if not blind:
        return []
    said = listed([f"{r.contig}:{r.start}-{r.end}" for r in blind], quoted=False)
    return [
        f"{file} has {len(blind)} region{'s' * (len(blind) != 1)} where the sequence has N alone: "
        f"nothing can be called there: {said}"
    ]
