"""Bases that both mates of a fragment show count once, as ``bcftools mpileup`` counts them.

freebayes takes them for two observations: an error made in copying the fragment would be seen
twice, and a depth of five may be three fragments. The qualities of the later mate are 0 there.
"""

import re

_MATE_CIGAR = "\tMC:Z:"
_MATE_MAPQ = "\tMQ:i:"
_OPERATION = re.compile(r"(\d+)([MIDNSHP=X])")
_PAIRED, _UNMAPPED, _MATE_UNMAPPED, _SECOND = 0x1, 0x4, 0x8, 0x80
_SECONDARY, _SUPPLEMENTARY = 0x100, 0x800
_NEITHER = _UNMAPPED | _MATE_UNMAPPED | _SECONDARY | _SUPPLEMENTARY
_FLAG, _POS, _CIGAR, _MATE_CONTIG, _MATE_POS, _QUAL, _TAGS = 1, 3, 5, 6, 7, 10, 11
NO_QUALITY = "!"


def once(line: str, min_mapq: int) -> str:
    """A line of SAM, with no quality where its mate begins before it and shows the same bases.

    Mates of a lower MAPQ are not looked at, so they take nothing away. ``samtools fixmate -m`` has
    written how the mate lies (MC, MQ); without that the line stays as it is.
    """
    fields = line.split("\t", _TAGS)
    flag = int(fields[_FLAG])
    if not flag & _PAIRED or flag & _NEITHER or fields[_MATE_CONTIG] != "=":
        return line
    start, mate_start = int(fields[_POS]), int(fields[_MATE_POS])
    is_second = bool(flag & _SECOND)
    if (mate_start, not is_second) > (start, is_second):  # the mate is the later one
        return line
    cigar, mapq = _tag(line, _MATE_CIGAR), _tag(line, _MATE_MAPQ)
    if not cigar or not mapq or int(mapq) < min_mapq or fields[_QUAL] == "*":
        return line
    shared = _read_bases(fields[_CIGAR], start, _end(cigar, mate_start))
    if not shared:
        return line
    fields[_QUAL] = NO_QUALITY * shared + fields[_QUAL][shared:]
    return "\t".join(fields)


def _tag(line: str, name: str) -> str:
    at = line.find(name)
    if at < 0:
        return ""
    return line[at + len(name) :].partition("\t")[0].rstrip("\n")


def _end(cigar: str, start: int) -> int:
    """The place behind the last base of an alignment."""
    return start + sum(int(n) for n, what in _OPERATION.findall(cigar) if what in "MDN=X")


def _read_bases(cigar: str, start: int, end: int) -> int:
    """How many bases of a read, from its beginning, lie before a place."""
    place, bases = start, 0
    for number, what in _OPERATION.findall(cigar):
        if place >= end:
            return bases
        length = int(number)
        if what in "M=X":
            bases += min(length, end - place)
            place += length
        elif what in "DN":
            place += length
        elif what in "IS":
            bases += length
    return bases
