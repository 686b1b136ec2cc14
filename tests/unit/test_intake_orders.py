"""Every order of uploads, replacements, deletions and manifests ends as the facts say.

Some 24,000 interleavings, and 12,000 more with events that are handled at the same time: under a
minute on one core.
"""

import itertools
from collections.abc import Sequence

import pytest

from tests.intake_player import OPERATIONS, Player
from tests.intake_world import check_outcome

_SEEDS = 2


def check(operations: Sequence[str], seed: int, *, races: bool = False) -> None:
    """Plays operations once, and says which they were where it ends otherwise than it should."""
    player = Player((operations, seed), races=races)
    try:
        check_outcome(player.play(operations))
    except AssertionError as error:
        raise AssertionError(operations, seed) from error


@pytest.mark.parametrize("first", OPERATIONS)
def test_every_three_operations_after_a_pair_end_as_the_facts_say(first: str) -> None:
    for rest in itertools.product(OPERATIONS, repeat=2):
        for seed in range(_SEEDS):
            check(("R1", "R2", first, *rest), seed)


@pytest.mark.parametrize("first", OPERATIONS)
def test_so_they_do_where_events_are_handled_at_the_same_time(first: str) -> None:
    for rest in itertools.product(OPERATIONS, repeat=2):
        check(("R1", "R2", first, *rest), 0, races=True)
