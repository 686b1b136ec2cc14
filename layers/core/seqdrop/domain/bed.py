"""Target regions: BED as kits and browsers give it, and the regions that callers use.

bcftools stops at some of what a BED may hold, and silently misreads the rest: after a blank line
it reads no more, and names that the sequence lacks select nothing. So a file is read by these
rules once, when it is added, and stored as plain lines that every tool reads alike.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from seqdrop.domain.errors import InvalidReference
from seqdrop.domain.problems import SHOWN_PROBLEMS, Problems
from seqdrop.domain.text import not_a_line, unprintable

TARGET_PADDING = 200
"""Bases on either side of a target in which callers look as well, before reports are trimmed.

A record begins before what it changes: a deletion at the base before it, and a repeat moves it
further to the left. With 20 bases a deletion of 60 that reaches into a target was lost, and the
target called like the reference; indels that short reads show are shorter than this.
"""

_NUMBER = re.compile(r"[0-9]{1,18}")
_LAST_POSITION = 2**31 - 1
"""No contig reaches further (SAM specification, 1.3: LN), and most readers of BED can't."""
_BED12 = 12
_TRACK = re.compile(r"(track|browser)(\s|$)")
_LISTED_CONTIGS = 10


class Region(NamedTuple):
    """Part of a contig: 0-based, without its end."""

    contig: str
    start: int
    end: int
    name: str = ""


class BedContent(NamedTuple):
    """What a BED file says, for a given sequence."""

    regions: list[Region]
    """In the file's order, cut at the ends of contigs; only contigs that the sequence has."""
    lines: list[str]
    """The same, with the file's further columns, joined by tabs; without line ends."""
    warnings: list[str]
    left_out: list[str]
    """Lines of what is in neither, since the sequence lacks it: whole regions, and what is past
    the ends of contigs. Nobody can have looked there, and a lab has to know."""


def parse_bed(
    lines: Iterable[str], lengths: Mapping[str, int] | None = None, file: str = "the BED file"
) -> BedContent:
    """Reads a BED file for a sequence with contigs of these lengths.

    ``None`` is for a part of a version, which was held against its sequence before: names in it
    are taken as they are, since an earlier Seqdrop took them. Line ends may be there or not.
    Raises InvalidReference, which names the file's wrong lines.
    """
    reader = _Reader(lengths, file)
    for number, line in enumerate(lines, 1):
        reader.read(number, line)
    return reader.finish()


class _Reader:
    """Takes line after line; what is wrong is collected, so that one message names it all."""

    def __init__(self, lengths: Mapping[str, int] | None, file: str) -> None:
        self._lengths, self._file = lengths, file
        self._regions: list[Region] = []
        self._lines: list[str] = []
        self._left_out: list[str] = []
        self._problems = Problems(file)
        self._warnings: list[str] = []
        self._columns: tuple[int, int] | None = None
        self._seen: dict[str, None] = {}
        self._clipped: list[str] = []
        self._tracks: list[int] = []
        self._with_blocks = 0

    def read(self, number: int, line: str) -> None:
        text = line.rstrip("\r\n")
        problem = not_a_line(text, number)
        if problem:
            self._problems.add(number, problem)
        elif _is_track(text):
            self._tracks.append(number)
        elif not text.startswith("#"):
            self._read_region(number, text)

    def _read_region(self, number: int, text: str) -> None:
        fields = _fields(text)
        problem = (
            (self._lengths is not None and unprintable(text))
            or self._wrong_columns(number, fields)
            or _wrong_position(fields[1], fields[2])
            or (self._lengths is not None and _impossible_end(fields[2]))
        )
        if problem:
            self._problems.add(number, problem)
            return
        if _has_blocks(fields):
            self._with_blocks += 1
        region = Region(fields[0], int(fields[1]), int(fields[2]), "".join(fields[3:4]))
        self._seen[region.contig] = None
        if self._lengths is not None:
            length = self._lengths.get(region.contig)
            if length is None:
                self._left_out.append(_line(region, fields))
                return
            if region.end > length:
                left_out = region.start >= length
                self._clipped.append(
                    f"line {number} ({region.contig}:{region.start}-{region.end}) is "
                    + ("left out" if left_out else f"cut at {length}")
                )
                beyond = region._replace(start=max(region.start, length))
                self._left_out.append(_line(beyond, fields))
                if left_out:
                    return
                region = region._replace(end=length)
        self._regions.append(region)
        self._lines.append(_line(region, fields))

    def _wrong_columns(self, number: int, fields: list[str]) -> str:
        if len(fields) < 3:
            return (
                f"has {len(fields)} column{'s' * (len(fields) != 1)}: give the contig, the start "
                "(0-based) and the end of each region"
            )
        self._columns = self._columns or (number, len(fields))
        first, count = self._columns
        if len(fields) != count:
            return (
                f"has {len(fields)} columns, but line {first} has {count}: give all the same, and "
                "a tab between columns where a name has blanks"
            )
        return "" if fields[0] else "names no contig: its first column is empty"

    def finish(self) -> BedContent:
        self._problems.raise_any()
        if not self._seen:
            raise InvalidReference(
                f"{self._file} has no region: no sample would have a variant; give one a line"
            )
        self._look_at_contigs()
        if not self._regions:
            raise InvalidReference(
                f"{self._file} has no region within the sequence, {self._clipped[0]}: "
                "it was made for another sequence"
            )
        warnings = [*self._warnings, *self._other_warnings()]
        return BedContent(self._regions, self._lines, warnings, self._left_out)

    def _look_at_contigs(self) -> None:
        if self._lengths is None:
            return
        missing = [contig for contig in self._seen if contig not in self._lengths]
        if not missing:
            return
        said = f"{listed(missing)}{renamed(missing, self._lengths)}"
        if len(missing) == len(self._seen):
            raise InvalidReference(
                f"{self._file} names no contig that the sequence has: {said}; the sequence has "
                f"{listed(list(self._lengths))}"
            )
        self._warnings.append(
            f"{self._file} names contigs that the sequence lacks; their lines are left out: {said}"
        )

    def _other_warnings(self) -> Iterator[str]:
        if self._tracks:
            numbers = listed([str(number) for number in self._tracks], quoted=False)
            yield f"{self._file} has track or browser lines, which are left out: line {numbers}"
        if self._clipped:
            said = "; ".join(self._clipped[:SHOWN_PROBLEMS])
            more = len(self._clipped) - SHOWN_PROBLEMS
            said += f"; and {more} more" if more > 0 else ""
            yield f"{self._file} reaches past the ends of contigs: {said}"
        if self._with_blocks:
            yield (
                f"{self._file} has {self._with_blocks} line{'s' * (self._with_blocks != 1)} with "
                "blocks (BED12), which are ignored: the target is the whole span from start to end"
            )
        overlapping = len(overlaps(self._regions))
        if overlapping:
            yield (
                f"{self._file} has {overlapping} region{'s' * (overlapping != 1)} that overlap "
                "one before: callers use them joined"
            )


def _line(region: Region, fields: list[str]) -> str:
    """A region's line, with the further columns that it has in the file."""
    return "\t".join([region.contig, str(region.start), str(region.end), *fields[3:]])


def _fields(text: str) -> list[str]:
    """A line's columns: divided by tabs, or by blanks where there is no tab."""
    return [field.strip(" ") for field in text.split("\t")] if "\t" in text else text.split()


def _is_track(text: str) -> bool:
    """Whether a line is for a browser, and no region of a contig that has such a name."""
    if not _TRACK.match(text):
        return False
    fields = _fields(text)
    return not (len(fields) >= 3 and all(map(_NUMBER.fullmatch, fields[1:3])))


def _wrong_position(start: str, end: str) -> str:
    for what, value in (("start", start), ("end", end)):
        if _NUMBER.fullmatch(value):
            continue
        if value.startswith("-") and _NUMBER.fullmatch(value[1:]):
            return f"has a negative {what} ({value}): positions begin with 0"
        return (
            f"has {value!r} for its {what}, which is not a whole number: delete the line if it is "
            "a header, or write the position in digits alone"
        )
    if int(start) >= int(end):
        return (
            f"does not have its start ({start}) before its end ({end}): starts are 0-based, ends "
            "are not part of the region"
        )
    return ""


def _impossible_end(end: str) -> str:
    if int(end) <= _LAST_POSITION:
        return ""
    return f"has {end} for its end: no contig reaches further than {_LAST_POSITION}; mend it"


def _has_blocks(fields: Sequence[str]) -> bool:
    """Whether a line has several blocks, as BED12 has for the exons of a transcript."""
    blocks = fields[9] if len(fields) >= _BED12 else ""
    return bool(_NUMBER.fullmatch(blocks)) and int(blocks) > 1


def renamed(missing: Sequence[str], lengths: Mapping[str, int]) -> str:
    """Says how the names would fit, where ``chr`` before them is all that is different."""
    for contig in missing:
        if contig.startswith("chr") and contig[3:] in lengths:
            return f" (the sequence has {contig[3:]!r}: take 'chr' away from the names)"
        if f"chr{contig}" in lengths:
            return f" (the sequence has {f'chr{contig}'!r}: put 'chr' before the names)"
    return ""


def listed(names: Sequence[str], *, quoted: bool = True) -> str:
    """The first of them, and how many there are more."""
    shown = [repr(name) if quoted else name for name in names[:_LISTED_CONTIGS]]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def overlaps(regions: Iterable[Region]) -> list[Region]:
    """The regions that share a base with one that begins before them (or at the same base)."""
    found: list[Region] = []
    contig, reached = "", 0
    for region in sorted(regions):
        if region.contig == contig and region.start < reached:
            found.append(region)
        reached = region.end if region.contig != contig else max(reached, region.end)
        contig = region.contig
    return found


def merged(regions: Iterable[Region], order: Sequence[str] = ()) -> list[Region]:
    """Regions with overlapping and adjacent ones joined, sorted, contigs as in ``order``.

    Contigs that ``order`` lacks follow in the order in which they come. Names are not kept.
    """
    given = list(regions)
    contigs = dict.fromkeys([*order, *(region.contig for region in given)])
    rank = {contig: number for number, contig in enumerate(contigs)}
    joined: list[Region] = []
    for region in sorted(given, key=lambda r: (rank[r.contig], r.start, r.end)):
        last = joined[-1] if joined else None
        if last and last.contig == region.contig and region.start <= last.end:
            joined[-1] = last._replace(end=max(last.end, region.end))
        else:
            joined.append(Region(region.contig, region.start, region.end))
    return joined


def padded(regions: Iterable[Region], bases: int, lengths: Mapping[str, int]) -> list[Region]:
    """Regions with ``bases`` more on either side, within their contigs; in the order given.

    They may overlap afterwards: see ``merged``. Raises KeyError for a contig without a length.
    """
    return [
        r._replace(start=max(0, r.start - bases), end=min(lengths[r.contig], r.end + bases))
        for r in regions
    ]


def shared(ones: Iterable[Region], others: Iterable[Region]) -> list[Region]:
    """What lies in regions of both, joined; contigs in the order of the first."""
    return [
        Region(one.contig, max(one.start, other.start), min(one.end, other.end))
        for one, touching in _with_touching(ones, others)
        for other in touching
    ]


def without(ones: Iterable[Region], others: Iterable[Region]) -> list[Region]:
    """What lies in the first regions and in none of the others, joined."""
    found: list[Region] = []
    for one, touching in _with_touching(ones, others):
        start = one.start
        for other in touching:
            if start < other.start:
                found.append(Region(one.contig, start, other.start))
            start = other.end
        if start < one.end:
            found.append(Region(one.contig, start, one.end))
    return found


def _with_touching(
    ones: Iterable[Region], others: Iterable[Region]
) -> Iterator[tuple[Region, list[Region]]]:
    """Each of the first regions, joined, with those of the others that share bases with it."""
    by_contig: dict[str, list[Region]] = {}
    for region in merged(others):
        by_contig.setdefault(region.contig, []).append(region)
    contig, first = "", 0
    for one in merged(ones):
        there = by_contig.get(one.contig, [])
        first = first if one.contig == contig else 0
        contig = one.contig
        while first < len(there) and there[first].end <= one.start:
            first += 1
        last = first
        while last < len(there) and there[last].start < one.end:
            last += 1
        yield one, there[first:last]
