"""Patterns of file names, which a lab writes in ``pipelines/names.yaml``: tried in order."""

import re
from collections.abc import Iterator, Mapping

import msgspec

from seqdrop.domain.errors import InvalidPipeline
from seqdrop.domain.pattern_cost import pattern_fault
from seqdrop.domain.pipeline import Mistake

LONGEST_NAME = 255
"""Characters of a name that patterns are tried on; no file system has longer ones."""
NEEDED = frozenset(("sample", "read"))
"""Groups that every pattern has. What ``read`` matches is a number or one of READS."""
KNOWN = NEEDED | {"lane", "segment", "library", "flowcell", "barcode"}
READS = ("R1", "R2", "R3", "I1", "I2", "I3")
_NUMBERS = {"1": "R1", "2": "R2", "3": "R3"}


class NamePattern(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A regular expression over the name without .fastq.gz, and what it says of some names."""

    pattern: str
    examples: dict[str, dict[str, str]]
    """A name without its ending, and what each group says of it."""
    description: str = ""


class NamesFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``pipelines/names.yaml``."""

    patterns: dict[str, NamePattern]


class NamePatterns:
    """The patterns, ready to be tried."""

    def __init__(self, file: NamesFile) -> None:
        """Raises InvalidPipeline where a pattern could not be tried, or could stall."""
        for mistake in mistakes_in_names(file, with_examples=False):
            raise InvalidPipeline(f"names.yaml: {mistake.says}")
        self._patterns = [re.compile(each.pattern, re.ASCII) for each in file.patterns.values()]

    def parts(self, stem: str) -> dict[str, str] | None:
        """What the first pattern that fits says of a name without its ending, by group.

        Lanes come without leading zeros, reads as R1; groups that match nothing are left out.
        """
        if len(stem) > LONGEST_NAME:
            return None
        for pattern in self._patterns:
            if (match := pattern.fullmatch(stem)) and all(match[group] for group in NEEDED):
                return _parts(match)
        return None


def _parts(match: re.Match[str]) -> dict[str, str]:
    found = {name: value for name, value in match.groupdict().items() if value}
    found["read"] = _NUMBERS.get(found["read"], found["read"])
    if found.get("lane", "").isdecimal():
        found["lane"] = str(int(found["lane"]))
    return found


def mistakes_in_names(file: NamesFile, *, with_examples: bool = True) -> Iterator[Mistake]:
    """Patterns that can't be, and examples of which one says something else than is written."""
    if not file.patterns:
        yield Mistake(("patterns",), "there is no pattern: no file would be known by its name")
    good = True
    for name, each in file.patterns.items():
        for problem in _problems(each):
            good = False
            yield Mistake(("patterns", name, "pattern"), f"pattern {name}: {problem}")
    if good and with_examples and file.patterns:
        yield from _wrong_examples(file)


def _problems(each: NamePattern) -> Iterator[str]:
    if fault := pattern_fault(each.pattern, LONGEST_NAME):
        yield fault
        return
    groups = set(re.compile(each.pattern).groupindex)
    if missing := sorted(NEEDED - groups):
        yield f"it has no group (?P<{missing[0]}>…)"
    if unknown := sorted(groups - KNOWN):
        yield f"its group {unknown[0]!r} is none of {', '.join(sorted(KNOWN))}"
    if not each.examples:
        yield "it has no example: give a name, and what each group says of it"


def _wrong_examples(file: NamesFile) -> Iterator[Mistake]:
    """Each example is tried on all patterns: an earlier one may take what is a later one's."""
    patterns = NamePatterns(file)
    for name, each in file.patterns.items():
        for stem, expected in each.examples.items():
            found = patterns.parts(stem)
            if found != expected:
                said = "no pattern fits" if found is None else f"the names say {_shown(found)}"
                yield Mistake(
                    ("patterns", name, "examples", stem),
                    f"pattern {name}: of the example {stem} {said}, not {_shown(expected)}",
                )
            elif found["read"] not in READS:
                yield Mistake(
                    ("patterns", name, "examples", stem),
                    f"pattern {name}: of the example {stem} the read is {found['read']!r}, none of "
                    f"{', '.join(READS)}",
                )


def _shown(parts: Mapping[str, str]) -> str:
    return ", ".join(f"{name}: {value}" for name, value in sorted(parts.items()))
