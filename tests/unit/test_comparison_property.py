"""Random calls in random ways of writing, held against chromosomes built by brute force."""

import os
import random
from collections.abc import Iterator, Sequence
from itertools import combinations, product
from typing import NamedTuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from seqdrop.domain.comparison.alleles import trimmed
from seqdrop.domain.comparison.report import Verdict
from tests.comparison_support import compared, line, vcf

SAME = {Verdict.IDENTICAL, Verdict.EQUIVALENT}
SEEDS = st.integers(0, 2**40)
MANY = settings(max_examples=int(os.environ.get("SEQDROP_EXAMPLES", "150")), deadline=None)


class Variant(NamedTuple):
    """Bases from ``start`` on that some of the two chromosomes have otherwise."""

    start: int
    ref: str
    alt: str
    copies: int

    @property
    def end(self) -> int:
        return self.start + len(self.ref)


class Written(NamedTuple):
    """A record: REF from ``start`` on, and one or two ALTs."""

    start: int
    ref: str
    alts: tuple[str, ...]
    genotype: str

    @property
    def text(self) -> str:
        return line(f"{self.start + 1} {self.ref} {','.join(self.alts)}", self.genotype)


def a_reference(rng: random.Random) -> str:
    """Bases with many repeats, so that indels can be moved."""
    unit = rng.choice(["A", "AC", "ACG", "ACGT", "AAC"])
    parts = [unit * rng.randrange(1, 5) + "".join(rng.choices("ACGT", k=3)) for _ in range(4)]
    return "G" + "".join(parts) + "T"


def some_variants(rng: random.Random, reference: str, most: int = 4) -> list[Variant]:
    """Variants that share no base, some of them next to each other."""
    found: list[Variant] = []
    at = 1
    while len(found) < most and at < len(reference) - 6:
        at += rng.choice([0, 1, 1, 2, 4, 9])
        if at > len(reference) - 6:
            break
        length = rng.choice([0, 1, 1, 1, 2, 3])
        ref = reference[at : at + length]
        alt = "".join(rng.choices("ACGT", k=rng.choice([0, 1, 1, 2, 3])))
        if ref[:1] != alt[:1] and ref[-1:] != alt[-1:]:
            found.append(Variant(at, ref, alt, rng.choice([1, 1, 2])))
            at += max(1, length)
        else:
            at += 1
    return found


def overlap(one: Variant, two: Variant) -> bool:
    """Whether one chromosome can't have both."""
    first, second = sorted((one, two), key=lambda v: (v.start, v.end))
    both_insert = not first.ref and not second.ref
    return second.start < first.end or (first.start == second.start and both_insert)


def applied(reference: str, variants: Sequence[Variant]) -> str | None:
    """A chromosome with these variants; None if they overlap."""
    text, end = "", 0
    if any(overlap(one, two) for one, two in combinations(variants, 2)):
        return None
    for variant in sorted(variants, key=lambda v: (v.start, v.end)):
        text += reference[end : variant.start] + variant.alt
        end = variant.end
    return text + reference[end:]


def all_pairs(reference: str, variants: Sequence[Variant]) -> set[frozenset[str]]:
    """Every pair of chromosomes that unphased genotypes allow."""
    found = set()
    hets = [v for v in variants if v.copies == 1]
    homs = [v for v in variants if v.copies == 2]
    for sides in product((0, 1), repeat=len(hets)):
        pair = [
            applied(reference, homs + [h for h, s in zip(hets, sides, strict=True) if s == side])
            for side in (0, 1)
        ]
        if None not in pair:
            found.add(frozenset(text for text in pair if text is not None))
    return found


def moves(reference: str, variant: Variant) -> Iterator[Variant]:
    """An insertion or deletion at every place where it is the same."""
    want = applied(reference, [variant])
    for start in range(1, len(reference) - len(variant.ref)):
        ref = reference[start : start + len(variant.ref)]
        inserted = want[start : start + len(variant.alt)] if want else ""
        moved = Variant(start, ref, inserted, variant.copies)
        if applied(reference, [moved]) == want:
            yield moved


def clear(variant: Variant, before: Variant, others: Sequence[Variant]) -> bool:
    """Whether nothing lies between two places of a variant, or beside them."""
    low, high = min(variant.start, before.start), max(variant.end, before.end)
    return all(other.end < low or other.start > high for other in others)


def rewritten(rng: random.Random, reference: str, variants: Sequence[Variant]) -> list[Variant]:
    """The same variants, moved, cut into single bases, and joined with neighbours."""
    found = list(variants)
    for number, variant in enumerate(found):
        others = found[:number] + found[number + 1 :]
        if (not variant.ref) != (not variant.alt) and rng.random() < 0.6:
            places = [m for m in moves(reference, variant) if clear(m, variant, others)]
            found[number] = rng.choice(places or [variant])
    found = [part for variant in found for part in cut(rng, variant)]
    found = joined(rng, reference, sorted(found, key=lambda v: (v.start, v.end)))
    read = [Variant(*trimmed(v.start, v.ref, v.alt), v.copies) for v in found]
    possible = all_pairs(reference, read) & all_pairs(reference, variants)
    return found if possible else list(variants)


def cut(rng: random.Random, variant: Variant) -> list[Variant]:
    """As many variants of one base, and what is longer by itself."""
    if not variant.ref or not variant.alt or rng.random() < 0.5:
        return [variant]
    both = min(len(variant.ref), len(variant.alt))
    parts = [
        Variant(variant.start + n, variant.ref[n], variant.alt[n], variant.copies)
        for n in range(both)
        if variant.ref[n] != variant.alt[n]
    ]
    if len(variant.ref) != len(variant.alt):
        rest = variant.ref[both:], variant.alt[both:]
        parts.append(Variant(variant.start + both, *rest, variant.copies))
    return parts


def joined(rng: random.Random, reference: str, variants: Sequence[Variant]) -> list[Variant]:
    """Neighbours as one complex variant, now and then."""
    found: list[Variant] = []
    for variant in variants:
        before = found[-1] if found else None
        near = before and variant.start - before.end <= 3 and before.copies == variant.copies
        if before and near and not overlap(before, variant) and rng.random() < 0.4:
            between = reference[before.end : variant.start]
            ref, alt = before.ref + between + variant.ref, before.alt + between + variant.alt
            found[-1] = Variant(before.start, ref, alt, variant.copies)
        else:
            found.append(variant)
    return found


def records(rng: random.Random, reference: str, variants: Sequence[Variant]) -> list[Written]:
    """Records of variants, with bases around them that REF and ALT share."""
    found = []
    for number, variant in enumerate(variants):
        others = [*variants[:number], *variants[number + 1 :]]
        left = 0 if variant.ref and variant.alt else 1
        more, right = rng.choice([0, 0, 0, 1, 2]), rng.choice([0, 0, 0, 1, 2])
        wide = variant._replace(start=max(0, variant.start - left - more))
        if clear(wide, variant._replace(start=variant.start + right), others):
            left = min(variant.start, left + more)
        else:
            right = 0
        before = reference[variant.start - left : variant.start]
        after = reference[variant.end : variant.end + right]
        genotype = "1/1" if variant.copies == 2 else rng.choice(["0/1", "1/0"])
        alts = (before + variant.alt + after,)
        ref = before + variant.ref + after
        found.append(Written(variant.start - left, ref, alts, genotype))
    rng.shuffle(found)
    return sorted(found, key=lambda record: record.start)


def text_of(records: Sequence[Written], reference: str) -> str:
    return vcf(*(record.text for record in records), contigs={"chr1": len(reference)})


def two_alleles(rng: random.Random, reference: str, at: int) -> tuple[list[Written], list[Written]]:
    """A site with two alternative alleles: as one record, and as two."""
    ref = reference[at : at + rng.choice([1, 2, 3])]
    alts: list[str] = []
    while len(alts) < 2:
        alt = "".join(rng.choices("ACGT", k=rng.choice([1, 2, 3])))
        if alt not in (ref, *alts):
            alts.append(alt)
    forms = rng.choice([("1/.", "./1"), ("1/0", "0/1"), ("0/1", "0/1")])
    halves = [Written(at, ref, (alt,), form) for alt, form in zip(alts, forms, strict=True)]
    return [Written(at, ref, tuple(alts), "1/2")], halves


@MANY
@given(SEEDS)
@example(0)
def test_the_same_variants_are_the_same_however_they_are_written(seed: int) -> None:
    rng = random.Random(seed)
    reference = a_reference(rng)
    variants = some_variants(rng, reference)
    whole = reference + "ACGTACGTAC"
    extra = two_alleles(rng, whole, len(reference) + 4) if rng.random() < 0.5 else ([], [])
    ways = [rewritten(rng, reference, variants) for _ in range(2)]
    read = [[Variant(*trimmed(v.start, v.ref, v.alt), v.copies) for v in way] for way in ways]
    if not all_pairs(reference, read[0]) & all_pairs(reference, read[1]):
        ways[1] = variants
    texts = [
        text_of([*records(rng, whole, way), *more], whole)
        for way, more in zip(ways, extra, strict=True)
    ]
    report, rows = compared(texts[0], texts[1], whole, block=rng.choice([0, 0, 7, 100]))
    assert report.verdict in SAME, (texts, rows, whole)
    assert report.a.variants or not variants


def planted(rng: random.Random, reference: str, variants: Sequence[Variant]) -> list[Variant]:
    """The variants with one change."""
    found = list(variants)
    number = rng.randrange(len(found))
    variant = found[number]
    change = rng.choice(["dropped", "genotype", "allele", "added", "moved"])
    if change == "dropped":
        del found[number]
    elif change == "genotype":
        found[number] = variant._replace(copies=3 - variant.copies)
    elif change == "moved":
        found[number] = variant._replace(
            start=variant.start + 1, ref=reference[variant.start + 1 :][: len(variant.ref)]
        )
    elif change == "allele":
        found[number] = variant._replace(alt=variant.alt + rng.choice("ACGT"))
    else:
        found += some_variants(rng, reference, 1)
    return found


@MANY
@given(SEEDS)
@example(0)
def test_a_change_of_the_chromosomes_is_never_called_the_same(seed: int) -> None:
    rng = random.Random(seed)
    reference = a_reference(rng)
    one = some_variants(rng, reference)
    if not one:
        return
    two = planted(rng, reference, one)
    pairs = all_pairs(reference, one), all_pairs(reference, two)
    if not pairs[0] or not pairs[1] or pairs[0] & pairs[1]:
        return
    texts = [
        text_of(records(rng, reference, rewritten(rng, reference, side)), reference)
        for side in (one, two)
    ]
    report, _ = compared(texts[0], texts[1], reference)
    assert report.verdict is Verdict.DIFFERENT, (texts, reference)
    assert report.rows_total >= 1


@MANY
@given(SEEDS)
@example(0)
def test_any_two_lists_are_the_same_only_if_brute_force_says_so(seed: int) -> None:
    """Calls with nothing to do with each other, in a sequence where much is alike."""
    rng = random.Random(seed)
    reference = "G" + "".join(rng.choices("AC", k=9)) + "T"
    sides = [some_variants(rng, reference, 3) for _ in range(2)]
    texts = [text_of(records(rng, reference, side), reference) for side in sides]
    report, rows = compared(texts[0], texts[1], reference)
    shared = all_pairs(reference, sides[0]) & all_pairs(reference, sides[1])
    assert (report.verdict in SAME) == bool(shared), (texts, rows, reference)


@pytest.mark.parametrize("seed", range(40))
def test_where_the_text_is_cut_changes_nothing(seed: int) -> None:
    rng = random.Random(seed)
    reference = a_reference(rng)
    one = some_variants(rng, reference)
    texts = [
        text_of(records(rng, reference, rewritten(rng, reference, side)), reference)
        for side in (one, one[1:])
    ]
    found = [compared(texts[0], texts[1], reference, block=block) for block in (0, 1, 50, 333)]
    assert all(each == found[0] for each in found)


def chromosomes(reference: str, calls: Sequence[tuple[Variant, str]]) -> list[str | None]:
    """Both chromosomes of phased variants; None for one that can't be."""
    return [
        applied(reference, [v for v, genotype in calls if genotype.split("|")[at] == "1"])
        for at in (0, 1)
    ]


def phased_text(rng: random.Random, reference: str, calls: Sequence[tuple[Variant, str]]) -> str:
    """Records of phased variants, some of them cut into single bases."""
    small = [(part, genotype) for variant, genotype in calls for part in cut(rng, variant)]
    if chromosomes(reference, small) != chromosomes(reference, calls):
        small = list(calls)
    found = []
    for part, genotype in small:
        left = 0 if part.ref and part.alt else 1
        before = reference[part.start - left : part.start]
        alts = (before + part.alt,)
        found.append(Written(part.start - left, before + part.ref, alts, genotype))
    return text_of(sorted(found, key=lambda record: record.start), reference)


@MANY
@given(SEEDS)
@example(0)
def test_phased_calls_are_the_same_only_if_their_chromosomes_are(seed: int) -> None:
    rng = random.Random(seed)
    reference = "".join(a_reference(rng) for _ in range(rng.choice([1, 1, 4])))
    variants = some_variants(rng, reference)
    one = [(v, "1|1" if v.copies == 2 else rng.choice(["0|1", "1|0"])) for v in variants]
    turned = {"0|1": "1|0", "1|0": "0|1", "1|1": "1|1"}
    share = rng.choice([0, 0.3, 0.5, 1])
    two = [(v, turned[g] if rng.random() < share else g) for v, g in one]
    pairs = [chromosomes(reference, calls) for calls in (one, two)]
    if any(None in pair for pair in pairs):
        return
    texts = [phased_text(rng, reference, calls) for calls in (one, two)]
    report, rows = compared(texts[0], texts[1], reference)
    if report.verdict in SAME:
        assert set(pairs[0]) == set(pairs[1]), texts
    if share in {0, 1}:  # calls that undo each other have a phase, too, but no chromosome shows it
        assert report.verdict in SAME, (texts, rows)
