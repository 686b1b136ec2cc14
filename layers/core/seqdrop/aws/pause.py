"""The pause before a write that met another one is tried again."""

import random
import time


def pause(number: int, first_seconds: float, longest_seconds: float) -> None:
    """Sleeps for a random time. Its limit doubles with each try (``number``, from 0)."""
    limit = min(longest_seconds, first_seconds * 2**number)
    time.sleep(random.uniform(0, limit))  # noqa: S311  # jitter
