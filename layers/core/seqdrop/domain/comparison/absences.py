"""What a gVCF says of a place where its VCF has no such variant."""

import re
from collections.abc import Callable, Iterable

from seqdrop.domain.comparison.alleles import Edit, parse_genotype, trimmed
from seqdrop.domain.comparison.headers import Header
from seqdrop.domain.comparison.report import Absence
from seqdrop.domain.targets import Targets

Lookup = Callable[[str, int, int], Iterable[str]]
"""Lines of a gVCF that touch a stretch of a contig: 0-based, half-open."""
_END = re.compile(r"(?<![^;])END=(\d+)")
_POS, _REF, _ALT, _FILTER, _INFO, _SAMPLE = 1, 3, 4, 6, 7, 9
_BLOCK_ALTS = frozenset({".", "<*>", "<NON_REF>"})


class Absences:
    """Asks one side's gVCF and target regions."""

    def __init__(self, header: Header, lookup: Lookup | None, targets: Targets | None) -> None:
        """``header`` is the VCF's, whose filters the gVCF shares."""
        self._header, self._lookup, self._targets = header, lookup, targets

    def of(self, edit: Edit, contig: str) -> Absence:
        """Why this side may not have another's variant; ``contig`` is its own name there."""
        start, end = touched(edit)
        if self._targets and not self._targets.overlap(contig, start, end):
            return Absence.OUTSIDE
        if self._lookup is None:
            return Absence.UNKNOWN
        lines = [line.rstrip("\n").split("\t") for line in self._lookup(contig, start, end)]
        if any(_has(fields, edit) for fields in lines):
            return Absence.UNKNOWN  # the gVCF has the variant: it does not belong to the VCF
        found = [self._said(fields, start, end) for fields in lines]
        if any(said is Absence.FILTERED for said, _ in found):
            return Absence.FILTERED
        seen = {place for said, places in found if said is Absence.REFERENCE for place in places}
        return Absence.REFERENCE if len(seen) == end - start else Absence.NO_DATA

    def _said(self, fields: list[str], start: int, end: int) -> tuple[Absence, range]:
        """What one record says, and of which bases."""
        genotype = parse_genotype(fields[_SAMPLE].split(":")[0])
        first = int(fields[_POS]) - 1
        stop = _END.search(fields[_INFO])
        last = int(stop[1]) if stop else first + len(fields[_REF])
        places = range(max(start, first), min(end, last))
        if None in genotype.alleles:
            return Absence.NO_DATA, places
        is_block = set(fields[_ALT].split(",")) <= _BLOCK_ALTS
        if genotype.highest and not is_block:
            passed = self._header.passes(fields[_FILTER])
            return Absence.REFERENCE if passed else Absence.FILTERED, places
        clean = not genotype.highest and fields[_FILTER] in {"PASS", "."}
        return Absence.REFERENCE if clean else Absence.NO_DATA, places


def _has(fields: list[str], edit: Edit) -> bool:
    """Whether a record calls the very variant, and passed its filters."""
    start, ref = int(fields[_POS]) - 1, fields[_REF].upper()
    alleles = [trimmed(start, ref, alt.upper()) for alt in fields[_ALT].split(",")]
    called = parse_genotype(fields[_SAMPLE].split(":")[0]).alleles
    mine = (edit.start, edit.ref, edit.alt)
    passed = fields[_FILTER] in {"PASS", "."}
    return passed and any(n and n <= len(alleles) and alleles[n - 1] == mine for n in called)


def touched(edit: Edit) -> tuple[int, int]:
    """The bases that an edit changes, 0-based and half-open; of an insertion both beside it."""
    if edit.ref:
        return edit.start, edit.end
    return max(0, edit.start - 1), edit.start + 1
