"""Types that several threads may decode.

msgspec 0.22 works out what a type holds when it is first used. A thread that comes meanwhile takes
it half done, and the process ends with a segmentation fault.
"""

from threading import Lock
from typing import TypeVar

import msgspec

T = TypeVar("T")

_lock = Lock()
_known: set[type] = set()


def worked_out(kind: type[T]) -> type[T]:
    """The type itself, once msgspec knows what it holds."""
    if kind not in _known:
        with _lock:  # one type at a time: they share others
            msgspec.json.Decoder(kind)
            _known.add(kind)
    return kind
