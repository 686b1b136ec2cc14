"""What changed under an attempt is looked at anew: a few times, not for ever."""

from collections.abc import Callable
from typing import TypeVar

from seqdrop.domain.errors import Conflict

T = TypeVar("T")
TRIES = 4


def retry_on_conflict(attempt: Callable[[], T], otherwise: Exception) -> T:
    """The result of an attempt, which is made again where it raises Conflict.

    Each attempt reads the catalog anew, and so sees what came first. Raises ``otherwise`` where
    the catalog has changed under all of them.
    """
    for _ in range(TRIES):
        try:
            return attempt()
        except Conflict:
            continue
    raise otherwise
