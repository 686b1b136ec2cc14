"""stub until merge"""

from enum import StrEnum


class Sameness(StrEnum):
    """Whether two objects are the same bytes."""

    SAME = "SAME"
    DIFFERENT = "DIFFERENT"
    UNKNOWN = "UNKNOWN"
