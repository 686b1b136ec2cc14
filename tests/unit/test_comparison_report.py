"""What a comparison makes of headers, filters, annotation, gVCFs, regions and contigs."""

import random

import pytest

from seqdrop.domain.bed import Region
from seqdrop.domain.comparison.compare import About
from seqdrop.domain.comparison.headers import Contig
from seqdrop.domain.comparison.report import MOST_ROWS, Absence, Change, Kind, Verdict
from tests.comparison_support import about, changes, compared, line, vcf

CALLS = [line("2 A C"), line("30 A C", "1/1")]


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (["##fileDate=20260101"], ["##fileDate=20260202"]),
        (["##bcftools_callCommand=call -m x; Date=1"], []),
        (["##source=/a/b"], ["##source=/c"]),
        (["##reference=file:///a/genome.fa"], ["##reference=s3://b/genome.fa"]),
        (["##GATKCommandLine=<ID=HaplotypeCaller,CommandLine=x>"], []),
        (
            ['##seqdrop=<ID=run,pipeline="p",run="r1",stage="s1">'],
            ['##seqdrop=<ID=run,pipeline="p",run="r2",stage="s2">'],
        ),
    ],
)
def test_headers_may_differ_in_dates_paths_and_runs(one: list[str], two: list[str]) -> None:
    report, _ = compared(vcf(*CALLS, more=one), vcf(*CALLS, more=two))
    assert (report.verdict, report.headers_differ) == (Verdict.IDENTICAL, ())


def test_another_sample_name_is_identical_with_a_warning() -> None:
    report, _ = compared(vcf(*CALLS), vcf(*CALLS, sample="S2"))
    assert report.verdict is Verdict.IDENTICAL
    assert any("'S1' in A, 'S2' in B" in warning for warning in report.warnings)


@pytest.mark.parametrize(
    "line_", ["##INFO=<ID=DP,Number=1,Type=Integer>", '##seqdrop=<ID=run,pipeline="q",run="r1">']
)
def test_another_line_of_the_header_makes_it_equivalent_at_best(line_: str) -> None:
    more = ['##seqdrop=<ID=run,pipeline="p",run="r1">']
    report, _ = compared(vcf(*CALLS, more=more), vcf(*CALLS, more=[*more[1:], line_]))
    assert report.verdict is Verdict.EQUIVALENT
    assert f"B: {line_}".replace('run="r1"', "").rstrip(",>") in "".join(report.headers_differ)


def test_a_byte_of_a_record_makes_it_equivalent_at_best() -> None:
    report, rows = compared(vcf(*CALLS), vcf(*CALLS).replace("\t50\t", "\t51\t"))
    assert (report.verdict, rows) == (Verdict.EQUIVALENT, [])
    assert "QUAL" in report.tolerances["values"]


@pytest.mark.parametrize(
    ("one", "two", "verdict"),
    [
        ("PASS", "LowQual", Verdict.DIFFERENT),
        ("PASS", ".", Verdict.DIFFERENT),
        ("LowQual", "LowDepth;LowGQ", Verdict.EQUIVALENT),
    ],
)
def test_only_pass_or_not_counts_of_filters(one: str, two: str, verdict: Verdict) -> None:
    report, rows = compared(vcf(line("2 A C", filters=one)), vcf(line("2 A C", filters=two)))
    assert report.verdict is verdict
    assert [row.change for row in rows] == [Change.FILTER] * (verdict is Verdict.DIFFERENT)


def test_a_dot_passes_in_a_file_without_filters_only() -> None:
    dots = line("2 A C", filters=".")
    report, rows = compared(vcf(dots, with_filters=False), vcf(dots))
    assert (report.verdict, changes(rows)) == (Verdict.DIFFERENT, [(Change.FILTER, 2)])
    report, _ = compared(vcf(dots, with_filters=False), vcf(line("2 A C")))
    assert report.verdict is Verdict.EQUIVALENT


def test_calls_that_no_filter_passed_are_shown_and_tolerated() -> None:
    bad = line("50 A C", filters="LowQual")
    report, rows = compared(vcf(*CALLS, bad), vcf(*CALLS))
    assert (report.verdict, changes(rows)) == (Verdict.EQUIVALENT, [(Change.ONLY_A, 50)])
    assert not rows[0].reportable
    assert "1 only in A" in report.tolerances["filtered calls"]


ANNOTATED = [
    f'##INFO=<ID={name},Number=.,Type=String,Description="x">' for name in ("BCSQ", "CLNSIG")
]


@pytest.mark.parametrize(
    ("one", "two", "found"),
    [
        ("BCSQ=missense|G1|T|p|+|1A>1C", "BCSQ=stop_gained|G1|T|p|+|1A>1*", [Change.CONSEQUENCE]),
        ("BCSQ=intron|G1,missense|G2|T", "BCSQ=missense|G2|T,intron|G1", []),
        ("BCSQ=@10", "BCSQ=@10;DP=3", []),
        ("BCSQ=@10", "BCSQ=missense|G1", [Change.CONSEQUENCE]),
        ("CLNSIG=Benign", "CLNSIG=Pathogenic", [Change.CLASSIFICATION]),
        ("CLNSIG=Benign", ".", [Change.CLASSIFICATION]),
        ("DP=3", "DP=4", []),
    ],
)
def test_another_meaning_is_told(one: str, two: str, found: list[Change]) -> None:
    a, b = (vcf(line("2 A C", info=info), more=ANNOTATED) for info in (one, two))
    report, rows = compared(a, b)
    assert [row.change for row in rows] == found
    assert report.verdict is (Verdict.DIFFERENT if found else Verdict.EQUIVALENT)


def test_several_changes_of_a_variant_are_one_row() -> None:
    a = vcf(line("2 A C", info="BCSQ=missense|G1;CLNSIG=Benign"), more=ANNOTATED)
    b = vcf(line("2 A C", info="BCSQ=stop_gained|G1", filters="LowQual"), more=ANNOTATED)
    _, rows = compared(a, b)
    assert [row.change for row in rows] == [Change.CONSEQUENCE]
    assert "classification, filter" in rows[0].why
    assert (rows[0].consequence_a, rows[0].consequence_b) == ("G1:missense", "G1:stop_gained")


def test_annotation_of_one_file_alone_is_not_compared_and_said_so() -> None:
    report, rows = compared(vcf(line("2 A C", info="BCSQ=x|G"), more=ANNOTATED[:1]), vcf(CALLS[0]))
    assert (report.verdict, rows) == (Verdict.EQUIVALENT, [])
    assert "INFO/BCSQ is in A alone: it was not compared" in report.warnings


def test_snpeffs_annotation_is_read_by_allele() -> None:
    more = ['##INFO=<ID=ANN,Number=.,Type=String,Description="x">']
    texts = [
        vcf(line("2 A C,G", info=f"ANN=C|{one}|HIGH|G1|x,G|stop_gained|HIGH|G1|x"), more=more)
        for one in ("missense_variant", "synonymous_variant&intron_variant")
    ]
    _, rows = compared(texts[0], texts[1])
    assert (rows[0].consequence_a, rows[0].consequence_b) == (
        "G1:missense_variant",
        "G1:synonymous_variant",
    )


def test_a_gvcf_tells_why_a_variant_is_absent() -> None:
    blocks = [
        line("1 A .", "0/0", filters=".", info="END=10"),
        line("11 A .", "./.", filters=".", info="END=20"),
        line("30 A G", "0/1", filters="LowQual"),
        line("45 A G", "0/1"),
    ]

    def gvcf(contig: str, start: int, end: int) -> list[str]:
        ends = [10, 20, 30, 45]
        return [
            text
            for text, last in zip(blocks, ends, strict=True)
            if int(text.split("\t")[1]) - 1 < end and last > start
        ]

    sides = about(None), about(None, gvcf=gvcf, targets=[Region("chr1", 0, 60)])
    calls = [line(f"{place} A C") for place in (5, 15, 25, 30, 45, 70)]
    report, rows = compared(vcf(*calls), vcf(), sides=sides)
    assert [row.absence for row in rows] == [
        Absence.REFERENCE,
        Absence.NO_DATA,
        Absence.NO_DATA,
        Absence.FILTERED,
        Absence.REFERENCE,
        Absence.OUTSIDE,
    ]
    assert report.absences[Absence.REFERENCE] == 2
    _, rows = compared(vcf(calls[0]), vcf())
    assert rows[0].absence is Absence.UNKNOWN
    _, rows = compared(vcf(), vcf(line("45 A G")), sides=(sides[1], sides[0]))
    assert rows[0].absence is Absence.UNKNOWN  # the gVCF has it: they do not belong together


def test_variants_are_counted_by_kind_region_and_genotype() -> None:
    a = vcf(*CALLS, line("40 AT A"), line("60 A C"), line("61 A G"))
    b = vcf(*CALLS, line("40 AT A"), line("60 A C", "1/1"))
    targets = [Region("chr1", 0, 10), Region("chr1", 39, 60)]
    sides = about(None, targets=targets), about(None)
    report, _ = compared(a, b, sides=sides, regions={"GENE": [Region("chr1", 29, 30)]})
    counts = {(t.region, t.kind): (t.same, dict(t.changes)) for t in report.tallies}
    assert counts == {
        ("all", Kind.SNV): (2, {Change.ONLY_A: 1, Change.GENOTYPE: 1}),
        ("all", Kind.DELETION): (1, {}),
        ("targets", Kind.SNV): (1, {Change.GENOTYPE: 1}),
        ("targets", Kind.DELETION): (1, {}),
        ("outside targets", Kind.SNV): (1, {Change.ONLY_A: 1}),
        ("GENE", Kind.SNV): (1, {}),
    }
    assert report.genotypes == {
        "0/1": {"0/1": 2, "1/1": 1, "absent": 1},
        "1/1": {"1/1": 1},
    }
    assert (report.a.variants, report.a.passed, report.b.variants) == (5, 5, 4)
    assert sum(report.along["chr1"]) == report.rows_total == report.reportable_total == 2
    assert report.contigs == {"chr1": 1000}


def test_the_report_keeps_the_gravest_rows_and_the_table_has_all() -> None:
    weak = [line(f"{n} A C", filters="LowQual") for n in range(1, 1500)]
    report, rows = compared(vcf(*weak, line("1500 A C"), contigs={}), vcf(contigs={}))
    assert (len(report.rows), len(rows), report.rows_total) == (MOST_ROWS, 1500, 1500)
    assert report.rows[0].position == 1500


def test_metrics_are_listed_and_decide_nothing() -> None:
    sides = about(None, metrics={"x": 100.0, "y": 1.0}), about(None, metrics={"x": 100.5, "z": 2.0})
    report, _ = compared(vcf(*CALLS), vcf(*CALLS), sides=sides)
    assert [(m.name, m.a, m.b, m.within) for m in report.metrics] == [
        ("x", 100.0, 100.5, True),
        ("y", 1.0, None, False),
        ("z", None, 2.0, False),
    ]
    assert report.verdict is Verdict.IDENTICAL


TWO = {"chr1": 1000, "chr2": 500}


def test_contigs_are_matched_by_checksum_under_other_names() -> None:
    a = vcf(line("2 A C"), line("5 A C", contig="chr2"), contigs=TWO)
    b = vcf(line("2 A C", contig="1"), line("5 A C", contig="2"), contigs={"1": 1000, "2": 500})
    sides = (
        About(contigs={"chr1": Contig(1000, "x"), "chr2": Contig(500, "y")}),
        About(contigs={"1": Contig(1000, "x"), "2": Contig(500, "y")}),
    )
    report, rows = compared(a, b, sides=sides)
    assert (report.verdict, rows, report.contigs) == (Verdict.EQUIVALENT, [], TWO)


@pytest.mark.parametrize(
    "contigs",
    [
        ({"chr1": Contig(1000, "x")}, {"chr1": Contig(1000, "y")}),
        ({"chr1": Contig(1000)}, {"chr1": Contig(999)}),
        ({"chr1": Contig(1000)}, {"other": Contig(1000)}),
    ],
)
def test_calls_on_a_contig_that_changed_are_not_comparable(
    contigs: tuple[dict[str, Contig], dict[str, Contig]],
) -> None:
    texts = [vcf(line("2 A C"), contigs={}), vcf(line("2 A C"), contigs={})]
    if "other" in contigs[1]:
        texts[1] = texts[1].replace("chr1\t2", "other\t2")
    sides = About(contigs=contigs[0]), About(contigs=contigs[1])
    report, rows = compared(texts[0], texts[1], sides=sides)
    assert report.verdict is Verdict.DIFFERENT
    assert report.why == "2 variants, counted on both sides, could not be compared."
    assert [row.change for row in rows] == [Change.NOT_COMPARABLE] * 2


def test_calls_that_no_filter_passed_are_not_comparable_either() -> None:
    text = vcf(line("2 A C", filters="LowQual"), contigs={})
    sides = (About(contigs={"chr1": Contig(10, "x")}), About(contigs={"chr1": Contig(10, "y")}))
    assert compared(text, text, sides=sides)[0].verdict is Verdict.DIFFERENT


def test_contigs_without_checksums_are_matched_with_a_warning() -> None:
    report, _ = compared(vcf(*CALLS), vcf(*CALLS))
    assert any("bases were not compared: 'chr1'" in warning for warning in report.warnings)


def test_contigs_that_no_header_declares_and_files_without_calls_are_told() -> None:
    report, _ = compared(vcf(*CALLS, contigs={}), vcf(*CALLS))
    assert any("by name alone: 'chr1'" in warning for warning in report.warnings)
    report, _ = compared(vcf(), vcf())
    assert (report.verdict, report.warnings[-1]) == (
        Verdict.IDENTICAL,
        "neither file has a variant",
    )


def test_a_contig_without_calls_in_one_file_is_compared() -> None:
    a = vcf(line("2 A C"), line("5 A C", contig="chr2"), contigs=TWO)
    for b in (vcf(line("2 A C"), contigs=TWO), vcf(line("5 A C", contig="chr2"), contigs=TWO)):
        assert [row.change for row in compared(a, b)[1]] == [Change.ONLY_A]
        assert [row.change for row in compared(b, a)[1]] == [Change.ONLY_B]


def test_a_long_file_in_small_pieces_gives_the_planted_differences() -> None:
    """Stretches are cut and put together many times on the way."""
    rng = random.Random(5)
    sequence = "".join(rng.choices("ACGT", k=400_000))
    places = sorted(rng.sample(range(10, 399_000), 3000))
    a = [
        line(f"{p} {sequence[p - 1]} {'ACGT'.replace(sequence[p - 1], '')[p % 3]}") for p in places
    ]
    b = list(a)
    dropped = sorted(rng.sample(range(3000), 40))
    for at in dropped[::2]:
        b[at] = b[at].replace("0/1", "1/1")
    for at in reversed(dropped[1::2]):
        del b[at]
    texts = [vcf(*lines, contigs={"chr1": len(sequence)}) for lines in (a, b)]
    report, rows = compared(texts[0], texts[1], sequence, block=3000)
    kinds = [Change.GENOTYPE, Change.ONLY_A] * 20
    assert changes(rows) == [(k, places[at]) for k, at in zip(kinds, dropped, strict=True)]
    assert report.tallies[0].same == 2960
