"""Goes along one contig of both files, a stretch at a time, without holding more than that."""

import math
from collections.abc import Iterable
from functools import lru_cache

from seqdrop.domain.comparison.alleles import (
    MAX_SHIFT,
    NO_EDIT,
    Edit,
    edits_of,
    is_symbolic,
    parse_genotype,
)
from seqdrop.domain.comparison.blocks import WINDOW, Span, Spans, span_of
from seqdrop.domain.comparison.buffers import Buffer, Paired, pair_up
from seqdrop.domain.comparison.callfile import CallFile
from seqdrop.domain.comparison.stretch import Counts, Place, Sink, Stretch, Track


class Walk:
    """Goes along a contig, a stretch at a time."""

    def __init__(
        self, a: CallFile, b: CallFile, place: Place, sink: Sink, counts: tuple[Counts, Counts]
    ) -> None:
        self._place, self._counts = place, counts
        self._a, self._b = Buffer(a, place.contig_a), Buffer(b, place.contig_b)
        self._track = Track(self._a, self._b, place, sink, counts)
        self._dots_differ = a.header.passes(".") != b.header.passes(".")

    def run(self) -> None:
        """Goes from the contig's beginning to its end."""
        while not (self._a.has_ended and self._b.has_ended):
            behind = self._a if self._a.known <= self._b.known else self._b
            behind.grow()
            known = min(self._a.known, self._b.known)
            if known > 0:
                self._look(known)

    def _look(self, known: float) -> None:
        """Deals with what lies far enough below ``known``, up to which all was read."""
        counts = self._a.below(known), self._b.below(known)
        paired = pair_up(self._a, self._b, *counts)
        paired = self._without_doubtful(paired)
        edits_a = self._edits(self._a, paired.left_a)
        edits_b = self._edits(self._b, paired.left_b)
        cut = self._cut(known, [*edits_a, *edits_b])
        end_a, end_b = self._a.below(cut + 1), self._b.below(cut + 1)
        self._count_missing(self._a, paired.left_a, end_a, self._counts[0])
        self._count_missing(self._b, paired.left_b, end_b, self._counts[1])
        Stretch(self._track, paired.partners[:end_a]).look(
            _closed([e for e in edits_a if e.record.position <= cut]),
            _closed([e for e in edits_b if e.record.position <= cut]),
        )
        self._a.drop(end_a)
        self._b.drop(end_b)

    def _without_doubtful(self, paired: Paired) -> Paired:
        """Unpairs records of the same key that may differ all the same.

        So do symbols, whose length is in INFO, and records with "." for FILTER, where that means
        something else in each file.
        """
        keys, lines_a, lines_b = self._a.keys, self._a.lines, self._b.lines
        symbols = {alleles for alleles in {key[1] for key in keys} if _has_symbol(alleles)}
        if not symbols and not self._dots_differ:
            return paired
        partners, left_a, left_b = list(paired.partners), list(paired.left_a), list(paired.left_b)
        for at, to in enumerate(partners):
            if to < 0:
                continue
            is_other = keys[at][1] in symbols and lines_a[at] != lines_b[to]
            if is_other or (self._dots_differ and keys[at][2] == b"."):
                partners[at] = -1
                left_a.append(at)
                left_b.append(to)
        return Paired(partners, sorted(left_a), sorted(left_b))

    def _cut(self, known: float, edits: list[Edit]) -> float:
        """The 0-based place up to which nothing that is still to come can matter."""
        if known == math.inf:
            return math.inf
        cut = known - 1 - MAX_SHIFT - 2 * WINDOW
        spans = [
            Span(e.record.position - 1, e.record.position - 1 + len(e.record.ref)) for e in edits
        ]
        spans += map(span_of, edits)
        spans = sorted((s for s in spans if s.high + WINDOW >= cut), key=lambda s: -s.high)
        while True:
            before = cut
            for span in spans:
                if span.low - WINDOW <= cut <= span.high + WINDOW:
                    cut = span.low - WINDOW - 1
            cut = min(self._a.crossing(cut), self._b.crossing(cut))
            spans = [s for s in spans if s.low - WINDOW <= cut]
            if cut == before:
                return cut

    def _edits(self, buffer: Buffer, left: Iterable[int]) -> list[Edit]:
        """The edits of records without a like; most records of a gVCF have none."""
        bases = self._place.bases_a if buffer is self._a else self._place.bases_b
        called = [at for at in left if _has_allele(buffer.keys[at][3])]
        records = [self._track.checked(buffer, at) for at in called]
        return [edit for record in records for edit in edits_of(record, bases)]

    @staticmethod
    def _count_missing(buffer: Buffer, left: Iterable[int], end: int, counts: Counts) -> None:
        counts.no_genotype += sum(at < end and _is_missing(buffer.keys[at][3]) for at in left)


@lru_cache(maxsize=4096)
def _has_allele(genotype: bytes) -> bool:
    """Whether an alternative allele was called."""
    return parse_genotype(genotype.decode()).highest > 0


@lru_cache(maxsize=4096)
def _is_missing(genotype: bytes) -> bool:
    """Whether nothing was called."""
    return parse_genotype(genotype.decode()).is_missing


@lru_cache(maxsize=100_000)
def _has_symbol(alleles: bytes) -> bool:
    """Whether one of a record's alleles is told by INFO: REF and ALT with a tab between them."""
    alts = alleles.partition(b"\t")[2].decode("utf-8", "replace").split(",")
    return any(alt and is_symbolic(alt) and alt not in NO_EDIT for alt in alts)


def _closed(edits: list[Edit]) -> list[Edit]:
    """Edits, those no longer open whose other copy is in a record of the same place."""
    spans = Spans([edit for edit in edits if edit.is_open], span_of)

    def closed(edit: Edit) -> bool:
        others = spans.touching(Span(span_of(edit).low - 1, edit.end + 1))
        return any(
            other.record is not edit.record and other.copies + edit.copies <= edit.ploidy
            for other in others
        )

    return [e._replace(is_open=False) if e.is_open and closed(e) else e for e in edits]
