"""How long a regular expression may take: patterns that a lab writes must never stall an upload.

Python's ``re`` tries one way after another, and ``(a+)+`` has more ways than time. A pattern is
taken apart as ``re`` does it, and the ways in which its repeats can share a name are counted.
"""

import re
from typing import Any

MOST_WAYS = 2_000_000
"""Some 20 ms in the worst case. Two free repeats over a name of 255 characters are 65,025."""

_ONE_CHARACTER = {"LITERAL", "NOT_LITERAL", "IN", "ANY"}
_REPEATS = {"MAX_REPEAT", "MIN_REPEAT"}


class _TooMuch(Exception):
    """What makes the pattern one that is not taken."""


def pattern_fault(pattern: str, longest: int) -> str:
    """Why a pattern is not taken, for texts of at most so many characters; "" where it is."""
    parser: Any = re._parser  # type: ignore[attr-defined]  # what re.compile itself goes through
    try:
        ways = _ways(parser.parse(pattern), longest)
    except re.error as error:
        return f"it is no regular expression: {error}"
    except RecursionError:
        return "it is nested too deeply"
    except _TooMuch as error:
        return str(error)
    if ways > MOST_WAYS:
        return (
            f"there may be {ways:,} ways to try on one name, and at most {MOST_WAYS:,} are taken: "
            "bound its repeats, as in [A-Z0-9]{1,20}"
        )
    return ""


def _ways(items: Any, longest: int) -> int:
    """The product of the ways of all items, one after another."""
    found = 1
    for operation, argument in items:
        found *= _ways_of_one(str(operation), argument, longest)
    return found


def _ways_of_one(operation: str, argument: Any, longest: int) -> int:
    if operation in _ONE_CHARACTER or operation == "AT":
        return 1
    if operation == "SUBPATTERN":
        return _ways(argument[-1], longest)
    if operation == "BRANCH":
        return sum(_ways(branch, longest) for branch in argument[1])
    if operation in _REPEATS:
        least, most, items = argument
        return _ways_of_repeat(least, most, items, longest)
    raise _TooMuch(
        f"it uses {operation.lower()}: only characters, classes, groups, alternatives and repeats "
        "are taken"
    )


def _ways_of_repeat(least: int, most: int, items: Any, longest: int) -> int:
    if most <= 1:
        return most - least + _ways(items, longest)
    if len(items) == 1 and str(items[0][0]) in _ONE_CHARACTER:
        return max(1, min(int(most), longest) - least + 1)
    if least == most and _ways(items, longest) == 1:
        return 1
    raise _TooMuch(
        "it repeats a group: only single characters and classes may be repeated, as in [A-Z0-9]+"
    )
