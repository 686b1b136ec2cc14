"""Calls that are the same, however they are written; and calls that look alike but are not."""

from itertools import combinations

import pytest

from seqdrop.domain.comparison.alleles import moved_left, trimmed
from seqdrop.domain.comparison.report import Change, Verdict
from seqdrop.domain.errors import InvalidInput
from tests.comparison_support import about, call_file, changes, compared, line, vcf

REFERENCE = "GATTACAGATTTTTTACAGCCACGTCACGTGGTACAAAAAAAAAATC" + "ACGTTGCA" * 40
SAME = {Verdict.IDENTICAL, Verdict.EQUIVALENT}
COMPLEX = {
    "as one record": [line("21 CACG TGA")],
    "as a base and a deletion": [line("21 C T"), line("22 A G"), line("23 CG A")],
    "as a deletion before": [line("21 CAC TG"), line("24 G A")],
}


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ([line("2 AT CC")], [line("2 A C"), line("3 T C")]),
        ([line("10 TT T")], [line("14 TT T")]),
        ([line("10 TT T", "1/1")], [line("15 TA A", "1/1")]),
        ([line("9 A AT")], [line("15 T TT")]),
        ([line("2 A C,G", "1/2")], [line("2 A C", "1/."), line("2 A G", "./1")]),
        ([line("2 A C,G", "1/2")], [line("2 A C", "1/0"), line("2 A G", "0/1")]),
        ([line("2 A C,G", "1/2")], [line("2 A G,C", "2/1")]),
        ([line("2 A C,G", "0/1")], [line("2 A C")]),
        ([line("2 A C,*", "1/2")], [line("2 A C", "1/.", info="OLD_REC=chr1|2|A|C,*|1")]),
        ([line("2 A C,<*>")], [line("2 A C")]),
        ([line("2 A C,<NON_REF>")], [line("2 ATT CTT")]),
        ([line("2 a c")], [line("2 A C")]),
        ([line("2 A C"), line("4 T G", "0/0")], [line("2 A C")]),
        ([line("2 A C"), line("4 T G", "./.")], [line("2 A C")]),
        ([line("2 A C"), line("4 T .", "0/0")], [line("2 A C")]),
        ([line("2 A C", "1")], [line("2 AT CT", "1")]),
        ([line("2 AT CC", "1")], [line("2 A C", "1"), line("3 T C", "1")]),
        ([line("2 AT CC", "0|1")], [line("2 A C", "0|1"), line("3 T C", "0|1")]),
        ([line("2 A C", "0|1")], [line("2 A C", "0/1")]),
        ([line("10 TT T", "0/1"), line("11 TT T", "1/0")], [line("10 TTT TT", "1/1")]),
        ([line("4 T TG", "1/1"), line("5 A C", "1/1")], [line("5 A GC", "1/1")]),
        ([line("4 TA T", "1/1"), line("6 CA C", "1/1")], [line("4 TACA TC", "1/1")]),
        ([line("9 A AT", "1/1"), line("10 TT T", "1/1")], []),
    ],
)  # fmt: skip
def test_the_same_variants_written_differently_are_equivalent(
    one: list[str], two: list[str]
) -> None:
    for a, b in ((one, two), (two, one)):
        report, rows = compared(vcf(*a), vcf(*b), REFERENCE)
        assert (report.verdict, rows) == (Verdict.EQUIVALENT, [])


@pytest.mark.parametrize("pair", list(combinations(COMPLEX, 2)))
@pytest.mark.parametrize("genotype", ["0/1", "1/1", "1"])
def test_a_complex_block_is_the_same_in_all_its_forms(pair: tuple[str, str], genotype: str) -> None:
    a, b = ([text.replace("0/1", genotype) for text in COMPLEX[name]] for name in pair)
    report, _ = compared(vcf(*a), vcf(*b), REFERENCE)
    assert report.verdict in SAME


@pytest.mark.parametrize(
    ("one", "two", "found"),
    [
        ([line("2 A C")], [], [(Change.ONLY_A, 2)]),
        ([], [line("2 A C")], [(Change.ONLY_B, 2)]),
        ([line("2 A C")], [line("2 A G")], [(Change.ONLY_A, 2), (Change.ONLY_B, 2)]),
        ([line("2 A C")], [line("2 A C", "1/1")], [(Change.GENOTYPE, 2)]),
        ([line("2 A C", "1")], [line("2 A C", "1/1")], [(Change.GENOTYPE, 2)]),
        ([line("2 A C", "1")], [line("2 A C")], [(Change.GENOTYPE, 2)]),
        ([line("2 A C", "./1")], [line("2 A C", "0/1")], [(Change.GENOTYPE, 2)]),
        ([line("2 A C", "0/1/1")], [line("2 A C", "0/0/1")], [(Change.GENOTYPE, 2)]),
        ([line("10 TT T")], [line("14 TT T", "1/1")], [(Change.GENOTYPE, 10)]),
        ([line("2 A C,*", "1/2")], [line("2 A *", "1/0")], [(Change.ONLY_A, 2)]),
        ([line("2 A C", filters="LowQual")], [line("2 A C")], [(Change.FILTER, 2)]),
    ],
)  # fmt: skip
def test_a_change_is_told(one: list[str], two: list[str], found: list[tuple[Change, int]]) -> None:
    report, rows = compared(vcf(*one), vcf(*two), REFERENCE)
    assert (report.verdict, changes(rows)) == (Verdict.DIFFERENT, found)
    assert all(row.reportable for row in rows)


def test_homozygous_and_heterozygous_parts_are_not_confused_in_a_block() -> None:
    one = [line("2 AT CC", "1/1")]
    report, rows = compared(vcf(*one), vcf(line("2 A C", "1/1"), line("3 T C", "0/1")), REFERENCE)
    assert report.verdict is Verdict.DIFFERENT
    assert {row.change for row in rows} == {Change.ONLY_A, Change.ONLY_B}


def test_of_a_block_that_differs_the_largest_part_that_agrees_is_kept() -> None:
    a = vcf(line("2 AT CC"), line("12 T G"))
    b = vcf(line("2 A C"), line("3 T C"), line("12 T A"))
    report, rows = compared(a, b, REFERENCE)
    assert changes(rows) == [(Change.ONLY_A, 12), (Change.ONLY_B, 12)]
    assert sum(tally.rewritten for tally in report.tallies) == 1


def test_a_deletion_moved_across_a_homozygous_base_is_another_sequence() -> None:
    """On the reference both deletions are one; beside the changed base they are not."""
    base = line("12 T C", "1/1")
    report, _ = compared(
        vcf(line("9 AT A", "1/1"), base), vcf(base, line("14 TT T", "1/1")), REFERENCE
    )
    assert report.verdict is Verdict.DIFFERENT


def test_two_alleles_on_two_chromosomes_are_not_both_on_one() -> None:
    one = vcf(line("2 ATT CTT,ATC", "1/2"))
    two = vcf(line("2 A C", "1|0"), line("4 T C", "1|0"))
    report, rows = compared(one, two, REFERENCE)
    assert (report.verdict, changes(rows)) == (Verdict.DIFFERENT, [(Change.PHASE, 4)])


@pytest.mark.parametrize("sets", [("", ""), ("7", "9")])
def test_a_swapped_phase_is_told_at_the_second_call(sets: tuple[str, str]) -> None:
    places = ("2 A C", "101 T G", "201 T C", "301 T G")
    texts = [
        vcf(*(line(p, g, phase_set=s) for p, g in zip(places, genotypes, strict=True)))
        for s, genotypes in zip(
            sets, (("0|1", "0|1", "0|1", "0|1"), ("0|1", "1|0", "1|0", "0|1")), strict=True
        )
    ]
    sequence = list(REFERENCE)
    for place in places:
        sequence[int(place.split()[0]) - 1] = place.split()[1]
    report, rows = compared(texts[0], texts[1], "".join(sequence))
    assert report.verdict is Verdict.DIFFERENT
    assert changes(rows) == [(Change.PHASE, 101), (Change.PHASE, 301)]
    assert not any(row.reportable for row in rows)


def test_chromosomes_numbered_the_other_way_in_another_phase_set_are_the_same() -> None:
    one = vcf(line("2 A C", "0|1", phase_set="1"), line("101 T G", "0|1", phase_set="2"))
    two = vcf(line("2 A C", "0|1", phase_set="1"), line("101 T G", "1|0", phase_set="2"))
    assert compared(one, two)[0].verdict is Verdict.EQUIVALENT


def test_phase_is_followed_through_a_block_that_is_written_otherwise() -> None:
    one = vcf(line("2 A C", "0|1"), line("22 AC GT", "0|1"))
    two = vcf(line("2 A C", "0|1"), line("22 A G", "1|0"), line("23 C T", "1|0"))
    report, rows = compared(one, two, REFERENCE)
    assert report.verdict is Verdict.DIFFERENT
    assert [row.change for row in rows] == [Change.PHASE]


def test_an_unphased_call_within_such_a_block_does_not_hide_a_swapped_phase() -> None:
    near = line("24 G A")
    one = vcf(line("2 A C", "0|1"), line("22 AC GT", "0|1"), near, line("25 TC AG", "0|1"))
    for genotype, verdict in (("0|1", Verdict.EQUIVALENT), ("1|0", Verdict.DIFFERENT)):
        parts = ["22 A G", "23 C T", "25 T A", "26 C G"]
        lines = [line(part, genotype) for part in parts]
        two = vcf(line("2 A C", "0|1"), *lines[:2], near, *lines[2:])
        assert compared(one, two, REFERENCE)[0].verdict is verdict


def test_symbols_are_compared_by_their_text() -> None:
    one = vcf(line("2 A <DEL>", info="SVLEN=-30;END=32"), line("60 A [chr2:3[A"))
    other = vcf(line("2 A <DEL>", info="SVLEN=-31;END=33"), line("60 A [chr2:3[A"))
    assert compared(one, one)[0].verdict is Verdict.IDENTICAL
    _, rows = compared(one, other)
    assert changes(rows) == [(Change.ONLY_A, 2), (Change.ONLY_B, 2)]


def test_missing_genotypes_are_counted() -> None:
    report, _ = compared(vcf(line("2 A C", "./.")), vcf(line("2 A C", "./."), line("9 A C", ".")))
    assert (report.a.no_genotype, report.b.no_genotype) == (1, 2)
    assert (report.a.variants, report.verdict) == (0, Verdict.EQUIVALENT)


def test_too_much_within_a_few_bases_is_unresolved() -> None:
    sequence = "ACGT" * 40
    a = [line(f"{n + 1} {sequence[n]} {'CATG'[n % 4]}") for n in range(8, 48)]
    b = [line(f"{n + 1} {sequence[n : n + 2]} {'CATG'[n % 4]}") for n in range(8, 48)]
    report, rows = compared(vcf(*a), vcf(*b), sequence)
    assert report.verdict is Verdict.UNRESOLVED
    assert {row.change for row in rows} == {Change.UNRESOLVED}
    assert all("too much" in row.why for row in rows)


def test_whole_lists_are_tried_where_parts_are_too_many() -> None:
    sequence = "ACGT" * 40
    a = [line(f"{n + 1} {sequence[n]} {'CATG'[n % 4]}", "0|1") for n in range(8, 40)]
    joined = "".join("CATG"[n % 4] for n in range(8, 40))
    report, _ = compared(vcf(*a), vcf(line(f"9 {sequence[8:40]} {joined}", "0|1")), sequence)
    assert report.verdict is Verdict.EQUIVALENT


@pytest.mark.parametrize(
    ("one", "two", "verdict"),
    [
        ([line("10 TT T")], [line("14 TT T")], Verdict.UNRESOLVED),
        ([line("10 TT T")], [], Verdict.UNRESOLVED),
        ([line("2 AT CC")], [line("2 A C"), line("3 T C")], Verdict.UNRESOLVED),
        ([line("10 TT T"), line("90 A C")], [line("14 TT T")], Verdict.DIFFERENT),
        ([line("2 A C")], [line("2 A G")], Verdict.DIFFERENT),
        ([line("10 TT T")], [line("10 TT T", "1/1")], Verdict.DIFFERENT),
        ([line("10 TTT TT")], [line("10 TT T")], Verdict.EQUIVALENT),
    ],
)
def test_without_a_reference_what_needs_it_is_unresolved(
    one: list[str], two: list[str], verdict: Verdict
) -> None:
    report, rows = compared(vcf(*one), vcf(*two))
    assert report.verdict is verdict
    unresolved = [row for row in rows if row.change is Change.UNRESOLVED]
    assert all("no reference sequence" in row.why for row in unresolved)


def test_a_shift_of_thousands_of_bases_is_found_and_a_longer_one_is_unresolved() -> None:
    cases = ((5_000, 1, Verdict.EQUIVALENT), (12_000, 11_000, Verdict.UNRESOLVED))
    for bases, first, verdict in cases:
        sequence = "G" + "A" * bases + "GTGT"
        texts = [
            vcf(line(f"{place} {sequence[place - 1]}A {sequence[place - 1]}"), contigs={})
            for place in (first, bases)
        ]
        assert compared(texts[0], texts[1], sequence)[0].verdict is verdict


def test_alleles_are_trimmed_and_moved() -> None:
    assert trimmed(9, "ACGT", "AT") == (10, "CG", "")
    assert trimmed(9, "AC", "GC") == (9, "A", "G")
    sequence = "GACACACT"
    assert moved_left("c", 5, "AC", "", lambda _, s, e: sequence[s:e]) == (1, "AC", "")
    assert moved_left("c", 6, "", "CAC", lambda _, s, e: sequence[s:e]) == (6, "", "CAC")


def test_where_bases_are_not_those_of_the_sequence_the_line_is_named() -> None:
    with pytest.raises(InvalidInput, match=r"b\.vcf, line 7 \(chr1:2\) has REF G.*assembly"):
        compared(vcf(line("2 A C")), vcf(line("2 G C")), REFERENCE)
    with pytest.raises(InvalidInput, match=r"a\.vcf, line 7"):
        compared(vcf(line("2 G C")), vcf(line("2 G C")), REFERENCE)


def test_a_letter_for_several_bases_is_compared_as_text() -> None:
    text = vcf(line("2 R C"))
    assert compared(text, text, "GA" + REFERENCE)[0].verdict is Verdict.IDENTICAL


def test_the_support_cuts_text_anywhere() -> None:
    text = vcf(line("2 A C"), line("30 A C"))
    assert call_file(text, "x", block=1).header == call_file(text, "x").header
    assert about(None).bases is None
