"""Calls as lines of VCF: which are PASS, which blocks are no call, and how cut blocks join.

The lines are those of ``bcftools call -m -g`` for one sample.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import NamedTuple

from seqdrop.domain.bed import Region
from seqdrop.domain.blocks_between import END, ReferenceBase, piece

_MIN_DEPTH = re.compile(r"(?<![^;])(MIN_DP|MinDP)=(\d+)")
"""A block's lowest depth: MIN_DP since bcftools 1.19, MinDP before."""
_OLD_ALTS = re.compile(r"(?<![^;])OLD_REC=[^;]*\|([^|;]*)\|\d+(?=;|$)")
"""``OLD_REC=contig|position|REF|ALTs|number``; a contig's name may have | in it."""
_POS, _REF, _ALT, _QUAL, _FILTER, _INFO, _FORMAT, _SAMPLE = 1, 3, 4, 5, 6, 7, 8, 9
REF_CODE = "RefCode"
REF_CODE_HEADER = (
    f"##FILTER=<ID={REF_CODE},Description="
    '"The reference has a code for several bases, the called ones among them">'
)
Codes = Mapping[tuple[str, int], frozenset[str]]
"""Contig and position (1-based) to the bases that a code of the reference stood for."""


@dataclass(frozen=True)
class Thresholds:
    """Below them a call is not PASS: QUAL (phred), depth (reads), GQ (phred).

    Where the numbers come from: ``docs/results.md``.
    """

    min_qual: float
    min_depth: int
    min_gq: float
    codes: Codes = field(default_factory=dict)

    @property
    def header(self) -> list[str]:
        """The FILTER lines of a header."""
        texts = {
            "LowQual": f"QUAL is below {self.min_qual:g}",
            "LowDepth": f"The reads of its alleles (sum of FORMAT/AD) are below {self.min_depth}",
            "LowGQ": f"Genotype quality (FORMAT/GQ) is below {self.min_gq:g}",
        }
        lines = [f'##FILTER=<ID={name},Description="{text}">' for name, text in texts.items()]
        return [*lines, REF_CODE_HEADER]

    def judge(self, line: str) -> str:
        """A record with its FILTER, or its genotype taken back where there are too few reads."""
        fields = line.rstrip("\n").split("\t")
        values = _values(fields)
        if fields[_ALT] == ".":
            if _number(values.get("DP", ".")) < self.min_depth:
                values["GT"] = values["GT"].replace("0", ".")
                fields[_SAMPLE] = ":".join(values.values())
        else:
            fields[_FILTER] = self._filter(fields, values)
        return "\t".join(fields) + "\n"

    def _filter(self, fields: list[str], values: dict[str, str]) -> str:
        """PASS only where every value is there and good: a missing one, or nan, says nothing."""
        judged = (
            ("LowQual", fields[_QUAL], self.min_qual),
            ("LowDepth", _reads_of_alleles(values), self.min_depth),
            ("LowGQ", values.get("GQ", "."), self.min_gq),
        )
        failed = [name for name, value, low in judged if _is_number(value) and float(value) < low]
        if _is_of_code(self.codes, fields):
            failed.append(REF_CODE)
        if failed:
            return ";".join(failed)
        return "PASS" if all(_is_number(value) for _, value, _ in judged) else "."


def _reads_of_alleles(values: Mapping[str, str]) -> str:
    """How many reads show one of a record's alleles: DP counts those too that show N.

    DP where the record has no such counts; "." where it has neither.
    """
    depth, counts = values.get("DP", "."), values.get("AD", ".").split(",")
    if depth == "." or not all(count.isdigit() for count in counts):
        return depth
    return str(min(int(depth), sum(map(int, counts))))


def with_ref_code(codes: Codes, line: str) -> str:
    """A record with RefCode beside the filters that another caller gave it, where it applies."""
    fields = line.split("\t", _FILTER + 1)
    filters = fields[_FILTER].split(";")
    if REF_CODE in filters or not _is_of_code(codes, fields):
        return line
    before = [name for name in filters if name not in {"PASS", "."}]
    fields[_FILTER] = ";".join([*before, REF_CODE])
    return "\t".join(fields)


def _is_of_code(codes: Codes, fields: list[str]) -> bool:
    """Whether the called bases are all among those that the reference's code stands for."""
    coded = codes.get((fields[0], int(fields[_POS])))
    return bool(coded and coded.issuperset(fields[_ALT].split(",")))


def _is_number(value: str) -> bool:
    return value != "." and isfinite(float(value))


def _number(value: str) -> float:
    """A depth; one that is missing is none."""
    return 0 if value == "." else float(value)


class Kept(NamedTuple):
    """A stretch of a contig whose records one region keeps: 0-based, half-open."""

    start: int
    end: int


def kept_records(lines: Iterator[str], kept: dict[str, Kept]) -> Iterator[str]:
    """The records that start in a region's own stretches.

    A block that began before a stretch and reaches into it is kept too: the region before has its
    beginning, and ``joined`` makes one of the two.
    """
    for line in lines:
        contig, position, _ = line.split("\t", 2)
        stretch = kept.get(contig)
        if stretch is None:
            continue
        start = int(position) - 1
        if start >= stretch.start:
            is_kept = start < stretch.end
        else:
            is_kept = _is_block(line) and _end_of(line) > stretch.start
        if is_kept:
            yield line


def joined(lines: Iterator[str], base: ReferenceBase) -> Iterator[str]:
    """The records of all regions in their order, with blocks that were seen in two parts as one.

    Where only one of two regions sees a variant at their border, the other's block ends before it,
    or begins behind it: no base is called a variant and like the reference.
    """
    before, taken = "", ("", 0)
    for line in lines:
        if _is_depth_block(line):
            if before and _overlaps(before, line):
                before = _union(before, line)
                continue
            after = _part(line, taken, base)
        else:
            before = before and _ended(before, line, base)
            contig, last = _taken(line)
            taken = contig, max(last, taken[1]) if contig == taken[0] else last
            after = line
        if before:
            yield before
        before = after
    if before:
        yield before


def _is_depth_block(line: str) -> bool:
    return _is_block(line) and bool(_MIN_DEPTH.search(line.split("\t", _INFO + 1)[_INFO]))


def _taken(line: str) -> tuple[str, int]:
    """Contig and last base of which a record alone tells.

    bcftools has its INDEL records beside those of the bases: such a one takes its first alone.
    """
    fields = line.split("\t", _INFO + 1)
    length = 1 if _is_indel(fields) else len(fields[_REF])
    return fields[0], int(fields[_POS]) + length - 1


def _is_indel(fields: list[str]) -> bool:
    return fields[_INFO].startswith("INDEL")


def _part(block: str, taken: tuple[str, int], base: ReferenceBase) -> str:
    """A block from behind the base that is taken; nothing where none is left."""
    fields = block.rstrip("\n").split("\t")
    contig, last = taken
    start, end = int(fields[_POS]) - 1, _end_of(block)
    if contig != fields[0] or start >= last:
        return block
    return "\t".join(piece(fields, start, last, end, base)) + "\n" if last < end else ""


def _ended(before: str, variant: str, base: ReferenceBase) -> str:
    """A block that ends before a variant, or with the base that bcftools' INDEL stands beside."""
    fields = variant.split("\t", _INFO + 1)
    last = int(fields[_POS]) - (0 if _is_indel(fields) else 1)
    block = before.rstrip("\n").split("\t")
    if block[0] != fields[0] or not _is_depth_block(before) or _end_of(before) <= last:
        return before
    start = int(block[_POS]) - 1
    return "\t".join(piece(block, start, start, last, base)) + "\n" if start < last else ""


def _is_block(line: str) -> bool:
    return line.split("\t", _ALT + 1)[_ALT] == "."


def _end_of(line: str) -> int:
    """The last position of a block, 1-based."""
    fields = line.split("\t", _INFO + 1)
    found = END.search(fields[_INFO])
    return int(found[1]) if found else int(fields[_POS])


def _overlaps(before: str, line: str) -> bool:
    one, two = before.split("\t", _INFO + 1), line.split("\t", _INFO + 1)
    if one[0] != two[0] or int(two[_POS]) > _end_of(before):
        return False
    return all(f[_ALT] == "." and _MIN_DEPTH.search(f[_INFO]) for f in (one, two))


def _union(before: str, line: str) -> str:
    """One block: it begins with the first, ends with the longer, and has the lower depths.

    Where one of them is no call, for reads that only the other saw, neither is the whole.
    """
    one, two = (text.rstrip("\n").split("\t") for text in (before, line))
    end = max(_end_of(before), _end_of(line))
    name, depth = _least_depth(one[_INFO], two[_INFO])
    one[_INFO] = f"{name}={depth}" if end == int(one[_POS]) else f"END={end};{name}={depth}"
    first, second = (
        dict(zip(f[_FORMAT].split(":"), f[_SAMPLE].split(":"), strict=True)) for f in (one, two)
    )
    first["DP"] = str(min(int(first["DP"]), int(second["DP"])))
    if "." in second["GT"]:
        first["GT"] = second["GT"]
    one[_SAMPLE] = ":".join(first.values())
    return "\t".join(one) + "\n"


def _values(fields: list[str]) -> dict[str, str]:
    """The sample's values by the names in FORMAT; trailing ones may be missing."""
    return dict(zip(fields[_FORMAT].split(":"), fields[_SAMPLE].split(":"), strict=False))


def _least_depth(one: str, two: str) -> tuple[str, int]:
    found = [_MIN_DEPTH.search(info) for info in (one, two)]
    depths = [(match[1], int(match[2])) for match in found if match]
    return depths[0][0], min(depth for _, depth in depths)


def called_region(line: str) -> Region | None:
    """The bases of a gVCF's record that have a genotype.

    None where it is missing, and of a variant without PASS: that says neither yes nor no.
    """
    contig, position, _, ref, alt, _, filters, info, _, sample = line.split("\t", 9)
    if "." in sample.split(":", 1)[0]:
        return None
    start = int(position) - 1
    if alt != ".":
        return Region(contig, start, start + len(ref)) if filters == "PASS" else None
    end = END.search(info)
    return Region(contig, start, int(end[1]) if end else start + 1)


def split_genotype(line: str) -> str:
    """A record that ``bcftools norm -m -`` split off, its genotype without a claim of REF.

    Both ALTs of such a site were called. norm writes 0 for the one that went to another record;
    here it is missing. INFO/OLD_REC, which norm adds, has the record as it was.
    """
    fields = line.rstrip("\n").split("\t")
    old = _OLD_ALTS.search(fields[_INFO])
    if not old or "," not in old[1]:
        return line
    values = _values(fields)
    values["GT"] = values["GT"].replace("0", ".")
    fields[_SAMPLE] = ":".join(values.values())
    return "\t".join(fields) + "\n"


def reach(start: int, ref: str, alt: str, after: str) -> tuple[int, int]:
    """The bases that a variant may change, 0-based and half-open, wherever a repeat lets it lie.

    ``start`` is 0-based, ``after`` what follows REF in the sequence. Records are at their leftmost
    place: a deletion or insertion is followed to the right for as long as it stays the same.
    """
    if ref.startswith(alt):
        return start + len(alt), start + len(ref) + _shift(ref[len(alt) :], after)
    if alt.startswith(ref):  # between two bases: both count
        place = start + len(ref)
        return place - 1, place + 1 + _shift(alt[len(ref) :], after)
    return start, start + len(ref)


def _shift(moved: str, after: str) -> int:
    """How far bases can move to the right through what follows them."""
    text = moved + after
    shift = 0
    while shift < len(after) and text[shift] == text[shift + len(moved)]:
        shift += 1
    return shift


def maker_line(**facts: str) -> str:
    """The header's line that says what made a file; ``simulated`` only where it is true."""
    named = {name: text for name, text in facts.items() if text not in ("", "false")}
    inside = ",".join(f'{name}="{_quoted(text)}"' for name, text in named.items())
    return f"##seqdrop=<ID=run,{inside}>"


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
