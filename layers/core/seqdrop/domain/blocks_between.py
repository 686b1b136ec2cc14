"""Variants of a caller without blocks of its own, with bcftools' blocks between them.

A block stays where both callers saw no variant. Where bcftools alone saw one, nothing is claimed:
neither its variant nor the reference.
"""

import heapq
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter

from seqdrop.domain.bed import Region, merged

_CONTIG, _POS, _REF, _ALT, _INFO, _SAMPLE = 0, 1, 3, 4, 7, 9
END = re.compile(r"(?<![^;])END=(\d+)")
_DECLARED = re.compile(r"##(\w+)=<ID=([^,>]+)")
_OF_BLOCKS = {("INFO", "END"), ("INFO", "MinDP"), ("INFO", "MIN_DP"), ("FORMAT", "DP")}
_OF_ITS_MAKING = re.compile(r"##(fileDate|commandline|reference)=", re.IGNORECASE)
"""A date, options and paths: equal calls would have other headers."""
ReferenceBase = Callable[[str, int], str]
"""The base at a place of a contig, counted from 0."""


def between(
    variants: Iterable[str], blocks: Iterable[str], base: ReferenceBase, contigs: Sequence[str]
) -> Iterator[str]:
    """The records of both, in the order of the contigs: bcftools' own variants are left out.

    Those of the other caller whose genotype has no variant in it are left out, too.
    """
    called = [fields for fields in map(_fields, variants) if _has_variant(fields)]
    others = [_fields(line) for line in blocks]
    holes = _holes([*called, *(fields for fields in others if fields[_ALT] != ".")])
    pieces = (
        piece
        for fields in others
        if fields[_ALT] == "."
        for piece in _pieces(fields, holes.get(fields[_CONTIG], []), base)
    )
    order = {contig: number for number, contig in enumerate(contigs)}

    def place(fields: list[str]) -> tuple[int, int]:
        return order[fields[_CONTIG]], int(fields[_POS])

    for fields in heapq.merge(pieces, sorted(called, key=place), key=place):
        yield "\t".join(fields) + "\n"


def header_of_both(variants: Sequence[str], blocks: Sequence[str]) -> list[str]:
    """The variants' header, and what their blocks need beside it; no date, command or path."""
    kept = [line for line in variants if not _OF_ITS_MAKING.match(line)]
    there = {_declared(line) for line in kept}
    more = [line for line in blocks if _declared(line) in _OF_BLOCKS - there]
    return [*kept[:-1], *more, kept[-1]]


def _declared(line: str) -> tuple[str, str]:
    found = _DECLARED.match(line)
    return (found[1], found[2]) if found else ("", "")


def _fields(line: str) -> list[str]:
    return line.rstrip("\n").split("\t")


def _has_variant(fields: list[str]) -> bool:
    genotype = fields[_SAMPLE].partition(":")[0]
    return any(allele not in {"0", "."} for allele in re.split(r"[/|]", genotype))


def _holes(variants: Iterable[list[str]]) -> Mapping[str, list[Region]]:
    """The bases of all variants, by contig."""
    spans = (
        Region(fields[_CONTIG], int(fields[_POS]) - 1, int(fields[_POS]) - 1 + len(fields[_REF]))
        for fields in variants
    )
    return {contig: list(of) for contig, of in groupby(merged(list(spans)), itemgetter(0))}


def _pieces(block: list[str], holes: list[Region], base: ReferenceBase) -> Iterator[list[str]]:
    """What the holes leave of a block; its lowest depth is that of each piece."""
    start = int(block[_POS]) - 1
    found = END.search(block[_INFO])
    end = int(found[1]) if found else start + 1
    at = start
    first = bisect_right(holes, start, key=lambda hole: hole.end)
    for hole in holes[first:]:
        if hole.start >= end:
            break
        if hole.start > at:
            yield piece(block, start, at, hole.start, base)
        at = max(at, hole.end)
    if at < end:
        yield piece(block, start, at, end, base)


def piece(block: list[str], start: int, first: int, end: int, base: ReferenceBase) -> list[str]:
    """A part of a block that begins at ``start``; all places are 0-based, ``end`` is behind it."""
    part = list(block)
    part[_POS] = str(first + 1)
    if first > start:
        part[_REF] = base(block[_CONTIG], first)
    info = [text for text in block[_INFO].split(";") if not text.startswith("END=")]
    part[_INFO] = ";".join([*([f"END={end}"] if end > first + 1 else []), *info])
    return part
