"""Turns what a walk finds into rows and counts."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from seqdrop.domain.comparison.absences import Absences, touched
from seqdrop.domain.comparison.alleles import Edit, parse_genotype
from seqdrop.domain.comparison.blocks import Both, Resolved
from seqdrop.domain.comparison.chain import LIFTED, Reach
from seqdrop.domain.comparison.findings import ABSENT, Findings, is_reportable
from seqdrop.domain.comparison.meaning import Meaning
from seqdrop.domain.comparison.report import Absence, Change, Row
from seqdrop.domain.comparison.stretch import Likes, Sink

_OTHER_SEQUENCE = "the same call, but with its neighbours it makes another sequence"


@dataclass
class Recorder(Sink):
    """Takes the findings of one contig."""

    findings: Findings
    meaning: Meaning
    absences: tuple[Absences, Absences]
    """Of A and of B."""
    contig_a: str | None
    contig_b: str | None
    not_comparable: str = ""
    """Why no call of this contig can be compared; "" if they can."""
    reach: Callable[[str, int, int], Reach] | None = None
    """What A's sequence has in the place of a stretch of B's, where calls were lifted."""

    def alike(self, likes: Likes) -> None:
        """Alleles of records that have the same key."""
        genotypes = (likes.genotype, likes.genotype)
        self.findings.add_same(likes.kind, genotypes, likes.passed, likes.regions, likes.times)

    def same(self, both: Both) -> None:
        """An edit that both have: the same, unless its filter or meaning changed."""
        one, two = both
        changes = self._other_changes([one], [two])
        genotypes = (one.genotype, two.genotype)
        passed = one.record.passed or two.record.passed
        if changes:
            self.findings.add_row(self._row(one, two, changes), passed, genotypes)
        else:
            self.findings.add_same(one.kind, genotypes, passed, self._regions(one))

    def resolved(self, block: Resolved) -> None:
        """What is written otherwise, and what is left."""
        ones, twos = block.rewritten
        if ones or twos:
            self._rewritten(ones, twos)
        if self.not_comparable:
            for edit in block.left[0]:
                self._alone(edit, None, Change.NOT_COMPARABLE, self.not_comparable)
            for edit in block.left[1]:
                self._alone(None, edit, Change.NOT_COMPARABLE, self.not_comparable)
            return
        self._left(block)

    def turned(self, both: Both) -> None:
        """A call whose phase relative to the one before is another."""
        one, two = both
        passed = one.record.passed or two.record.passed
        was_same = not self._other_changes([one], [two]) and one.key == two.key
        why = "it lies on the other chromosome, seen from the phased call before it"
        row = self._row(one, two, [(Change.PHASE, why)])
        self.findings.add_row(row, passed, (one.genotype, two.genotype), was_same=was_same)

    def _rewritten(self, ones: Sequence[Edit], twos: Sequence[Edit]) -> None:
        changes = self._other_changes(ones, twos)
        if any(e.is_open for e in ones) != any(e.is_open for e in twos):
            changes.insert(0, (Change.GENOTYPE, "one of the copies is unknown in one of the two"))
        passed = any(edit.record.passed for edit in (*ones, *twos))
        if changes:
            first, second = (edits[0] if edits else None for edits in (ones, twos))
            self.findings.add_row(self._row(first, second, changes), passed)
            return
        for edit in ones:
            self.findings.add_rewritten(edit, passed, self._regions(edit))

    def _left(self, block: Resolved) -> None:
        free: dict[object, list[Edit]] = {}
        for edit in block.left[1]:
            free.setdefault((edit.kind, edit.key), []).append(edit)
        for edit in block.left[0]:
            likes = free.get((edit.kind, edit.key), [])
            change, why = _change(edit, likes[0]) if likes else (Change.ONLY_A, "")
            other = likes.pop(0) if change is not Change.ONLY_A else None
            if block.unresolved:
                change, why = Change.UNRESOLVED, block.unresolved
            self._alone(edit, other, change, why)
        for edit in (edit for edits in free.values() for edit in edits):
            if block.unresolved:
                self._alone(None, edit, Change.UNRESOLVED, block.unresolved)
            else:
                self._alone(None, edit, *self._only_b(edit))

    def _only_b(self, edit: Edit) -> tuple[Change, str]:
        """What it means that B alone has a call: where calls were lifted, A may have no place."""
        reach = self.reach(edit.record.contig, *touched(edit)) if self.reach else Reach.SAME
        if reach is Reach.NONE:
            return (
                Change.NOT_COMPARABLE,
                "the chain file does not reach its place from A's sequence",
            )
        if reach is Reach.OTHER_BASES:
            return Change.REFERENCE, "A's sequence has other bases here"
        return Change.ONLY_B, ""

    def _alone(self, one: Edit | None, two: Edit | None, change: Change, why: str) -> None:
        passed = any(edit.record.passed for edit in (one, two) if edit)
        genotypes = (one.genotype if one else ABSENT, two.genotype if two else ABSENT)
        row = self._row(one, two, [(change, why)])
        self.findings.add_row(row, passed, genotypes)

    def _other_changes(
        self, ones: Sequence[Edit], twos: Sequence[Edit]
    ) -> list[tuple[Change, str]]:
        """What changed of variants that match; the gravest first."""
        found = []
        meant = self._meant(ones), self._meant(twos)
        if meant[0][0] != meant[1][0]:
            found.append((Change.CONSEQUENCE, "its gravest consequence is another"))
        if meant[0][1] != meant[1][1]:
            found.append((Change.CLASSIFICATION, "its classification is another"))
        if len({edit.record.passed for edit in (*ones, *twos)}) > 1:
            found.append((Change.FILTER, "not all of its records are PASS"))
        return found

    def _meant(self, edits: Iterable[Edit]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The gravest consequences and the classifications of some edits."""
        if not self.meaning.is_any:
            return (), ()
        records = {id(e.record): (e.record, _alt_of(e)) for e in edits}
        texts = [self.meaning.of(record.info, alt) for record, alt in records.values()]
        consequence = self.meaning.gravest(text for text, _ in texts)
        return (consequence,), tuple(sorted({text for _, text in texts if text}))

    def _regions(self, edit: Edit) -> tuple[str, ...]:
        if not self.findings.has_regions:
            return ()
        return self.findings.regions_at(self.contig_a or edit.record.contig, *touched(edit))

    def _row(
        self, one: Edit | None, two: Edit | None, changes: Sequence[tuple[Change, str]]
    ) -> Row:
        edit = one or two
        if edit is None:
            raise ValueError("a row without a variant")
        change, why = changes[0]
        if len(changes) > 1:
            also = ", ".join(other.value for other, _ in changes[1:])
            why = f"{why}; changed as well: {also}"
        meant = [self.meaning.of(e.record.info, _alt_of(e)) if e else ("", "") for e in (one, two)]
        passed = any(e.record.passed for e in (one, two) if e)
        place = shown(edit)
        return Row(
            contig=place[0],
            position=place[1],
            ref=place[2],
            alt=place[3],
            kind=edit.kind,
            change=change,
            genotype_a=one.record.genotype if one else "",
            genotype_b=two.record.genotype if two else "",
            filter_a=one.record.filters if one else "",
            filter_b=two.record.filters if two else "",
            absence=self._absence(change, edit),
            consequence_a=meant[0][0],
            consequence_b=meant[1][0],
            classification_a=meant[0][1],
            classification_b=meant[1][1],
            regions=self._regions(edit),
            reportable=is_reportable(change, passed),
            why=why,
        )

    def _absence(self, change: Change, edit: Edit) -> Absence | None:
        if change is Change.ONLY_A:
            return self.absences[1].of(edit, self.contig_b or edit.record.contig)
        if change is Change.ONLY_B:
            return self.absences[0].of(edit, self.contig_a or edit.record.contig)
        return None


def _change(one: Edit, two: Edit) -> tuple[Change, str]:
    """What became of an allele that both have, but that did not match."""
    counts = [(edit.copies, edit.ploidy, edit.is_open) for edit in (one, two)]
    if counts[0] != counts[1]:
        return Change.GENOTYPE, ""
    if one.text == two.text:
        return Change.PHASE, _OTHER_SEQUENCE
    return Change.ONLY_A, ""


def _alt_of(edit: Edit) -> str:
    """The allele as its record has it."""
    return edit.record.alts[_number_of(edit) - 1]


def _number_of(edit: Edit) -> int:
    return parse_genotype(edit.record.genotype).alleles[edit.places[0]] or 0


def shown(edit: Edit) -> tuple[str, int, str, str]:
    """An edit as VCF writes it: contig, position, REF and ALT, with a base before where it must."""
    record, alt = edit.record, _alt_of(edit)
    if record.name.startswith(LIFTED):
        contig, position, ref, alts = record.name.removeprefix(LIFTED).rsplit(":", 3)
        return contig, int(position), ref, alts.split(",")[_number_of(edit) - 1]
    if edit.ref and edit.alt:
        return record.contig, edit.start + 1, edit.ref, edit.alt
    return record.contig, record.position, record.ref, alt
