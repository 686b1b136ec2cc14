"""What changed under an attempt is looked at anew: a few times, not for ever."""

from collections.abc import Callable
from typing import TypeVar

from seqdrop.aws.pause import pause
from seqdrop.domain.errors import Conflict

T = TypeVar("T")
TRIES = 8
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.02, 1.0
"""Forty files of one sample may come at once, and each writes the same analysis."""


def retry_on_conflict(attempt: Callable[[], T], otherwise: Exception) -> T:
    """The result of an attempt, which is made again where it raises Conflict.

    Each attempt reads the catalog anew, and so sees what came first. Raises ``otherwise`` where
    the catalog has changed under all of them.
    """
    for number in range(TRIES):
        try:
            return attempt()
        except Conflict:
            pause(number, FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS)
    raise otherwise
