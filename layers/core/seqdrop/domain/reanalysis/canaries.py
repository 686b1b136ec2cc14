"""Which members are made anew first: few, and as different as they come."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

import msgspec

from seqdrop.domain.reanalysis.plan import Member


class Candidate(msgspec.Struct, frozen=True, order=True):
    """A member that may be a canary: how large its files are, and how old its run."""

    assay: str
    input_bytes: int
    claimed: str
    sample: str

    @property
    def member(self) -> Member:
        """The member itself."""
        return Member(self.sample, self.assay)


def choose_canaries(candidates: Iterable[Candidate], most: int) -> tuple[Member, ...]:
    """Up to so many, each assay in turn.

    Of an assay the smallest comes first, then the largest, the oldest, the newest, and then those
    whose sizes are in the middle of what is left. The same candidates give the same choice.
    """
    by_assay: dict[str, list[Candidate]] = defaultdict(list)
    for one in sorted(candidates):
        by_assay[one.assay].append(one)
    orders = [_different_first(of_assay) for _, of_assay in sorted(by_assay.items())]
    longest = max(map(len, orders), default=0)
    turns = [order[turn] for turn in range(longest) for order in orders if turn < len(order)]
    return tuple(one.member for one in turns[:most])


def _different_first(by_size: Sequence[Candidate]) -> list[Candidate]:
    left = list(by_size)
    ages = sorted(by_size, key=lambda one: (one.claimed, one))
    firsts = [by_size[0], by_size[-1], ages[0], ages[-1]]
    chosen = list(dict.fromkeys(firsts))
    for one in chosen:
        left.remove(one)
    while left:
        chosen.append(left.pop(len(left) // 2))
    return chosen
