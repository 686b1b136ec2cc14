"""Phase: which of two neighbouring heterozygous calls are on one chromosome, in A and in B."""

from collections import OrderedDict
from typing import NamedTuple

_MOST_SETS = 10_000
"""Phase sets that are remembered of a contig; older ones have ended long before."""


class Phased(NamedTuple):
    """A heterozygous call that has a phase in both files."""

    position: int
    sets: tuple[object, object]
    """The phase set in A, and that in B."""
    turned: bool
    """Whether it is on A's first chromosome and on B's second, or the other way round."""


class Phases:
    """Follows phase along one contig: from one phased call to the next of the same sets."""

    def __init__(self) -> None:
        self._turned: OrderedDict[tuple[object, object], bool] = OrderedDict()

    def changes(self, call: Phased) -> bool:
        """Whether A and B disagree how it lies to the one before; the next is held against it.

        Files may number chromosomes as they like: what counts is whether two calls lie together.
        """
        before = self._turned.pop(call.sets, None)
        self._turned[call.sets] = call.turned
        if len(self._turned) > _MOST_SETS:
            self._turned.popitem(last=False)
        return before is not None and before != call.turned
