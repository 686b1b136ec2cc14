"""How many copies of X and Y there are: what a reference says, and what becomes of calls."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from seqdrop.domain.assay_check import mistakes_of_assay
from seqdrop.domain.bed import Region, parse_bed
from seqdrop.domain.blueprint import Blueprint, check_sex_given, make_blueprint
from seqdrop.domain.calls import Thresholds
from seqdrop.domain.errors import InvalidReference, ReferenceNotReady, SexNotGiven
from seqdrop.domain.identity import AnalysisId
from seqdrop.domain.metrics import metrics_of
from seqdrop.domain.pipeline import Assay
from seqdrop.domain.plan import StageResult
from seqdrop.domain.ploidy import MIXED, Copies, one_copy, parse_par
from seqdrop.domain.qc import judge
from seqdrop.flow.references import part_of
from seqdrop.library import Library
from tests.domain_support import IMAGES, analysis, lane_pair, part, reference
from tests.lab import PROJECT

LIBRARY = Library(str(PROJECT / "pipelines"))
LENGTHS = {"chr1": 1_000, "chrX": 500, "chrY": 300}
GOOD = ["chrX\t0\t100", "chrX\t450\t500", "chrY\t10\t60"]
BY_SEX = Assay("germline-cpu", "tiny", ploidy="by_sex")
GRCH38 = {"chrX": 156_040_895, "chrY": 57_227_415}
OF_GRCH38 = [
    "chrX\t10000\t2781479", "chrX\t155701382\t156030895",
    "chrY\t10000\t2781479", "chrY\t56887902\t57217415",
]  # fmt: skip


def test_what_is_not_shared_has_one_copy() -> None:
    lines = parse_par(["# shared\n", *(f"{line}\n" for line in GOOD)], LENGTHS, "par.bed")
    assert lines == GOOD
    assert one_copy(parse_bed(GOOD).regions, LENGTHS) == [
        Region("chrX", 100, 450), Region("chrY", 0, 10), Region("chrY", 60, 300),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        (GOOD[:2], "has regions of 'chrX': give those of both, X and Y"),
        (
            [*GOOD, "chr1\t0\t5"],
            "that are not of this sequence's X and Y, or reach past their ends: 'chr1'",
        ),
        ([*GOOD, "chr2\t0\t5"], "that are not of this sequence's X and Y"),
        ([*GOOD, "chrY\t290\t310"], "that are not of this sequence's X and Y"),
        ([*GOOD, "chrY\t0\t300"], "covers a whole contig"),
        ([], "has no region"),
        (["chrX\t100\t0", *GOOD], "start"),
    ],
)
def test_what_says_nothing_of_x_and_y_is_refused(lines: list[str], why: str) -> None:
    with pytest.raises(InvalidReference, match=why):
        parse_par(lines, LENGTHS, "par.bed")


def test_the_regions_of_known_assemblies_are_theirs() -> None:
    assert parse_par(OF_GRCH38, GRCH38, "par.bed") == OF_GRCH38
    to_the_ends = [
        "chrX\t0\t2781479", "chrX\t155701382\t156040895",
        "chrY\t0\t2781479", "chrY\t56887902\t57227415",
    ]  # fmt: skip
    assert parse_par(to_the_ends, GRCH38, "par.bed") == to_the_ends


@pytest.mark.parametrize("number", range(len(OF_GRCH38)))
def test_those_of_another_assembly_are_refused(number: int) -> None:
    contig, start, end = OF_GRCH38[number].split("\t")
    inner = number % 2 == 0
    moved = (start, str(int(end) - 50_000)) if inner else (str(int(start) + 50_000), end)
    lines = [*OF_GRCH38[:number], "\t".join((contig, *moved)), *OF_GRCH38[number + 1 :]]
    with pytest.raises(InvalidReference, match=f"other regions of {contig} than its assembly"):
        parse_par(lines, GRCH38, "par.bed")
    with pytest.raises(InvalidReference, match="other regions"):
        parse_par([one for one in OF_GRCH38 if one != OF_GRCH38[number]], GRCH38, "par.bed")


@pytest.mark.parametrize("name", ["par.bed", "GRCh38.par.bed", "GRCh38.PAR.bed.gz"])
def test_the_part_is_known_by_its_name(name: str) -> None:
    assert part_of(name) == ("par", "par.bed")


def base_at(contig: str, place: int) -> str:
    return "ACGT"[(place + len(contig)) % 4]


def block(contig: str, start: int, end: int, genotype: str = "0/0") -> str:
    info = f"END={end};MinDP=9" if end > start + 1 else "MinDP=9"
    place = f"{contig}\t{start + 1}\t.\t{base_at(contig, start)}\t.\t.\t."
    return f"{place}\t{info}\tGT:DP\t{genotype}:9\n"


def variant(contig: str, place: int, genotype: str, ref: str = "G", alt: str = "T") -> str:
    row = f"{contig}\t{place + 1}\t.\t{ref}\t{alt}\t99\tPASS\tDP=9;AC=2;AN=2"
    return f"{row}\tGT:PL:DP:AD:GQ\t{genotype}:255,27,0:9:0,9:40\n"


HAPLOID = [Region("chrX", 100, 450), Region("chrY", 0, 10), Region("chrY", 60, 300)]


def test_a_block_ends_where_the_number_of_copies_changes() -> None:
    lines = [block("chr1", 0, 1_000), block("chrX", 20, 500), block("chrY", 5, 6, "0")]
    assert list(Copies(HAPLOID, base_at).split(lines)) == [
        block("chr1", 0, 1_000),
        block("chrX", 20, 100),
        block("chrX", 100, 450, "0"),
        block("chrX", 450, 500),
        block("chrY", 5, 6, "0"),
    ]


def test_what_has_no_genotype_gets_none() -> None:
    lines = [block("chrX", 20, 150, "./.")]
    found = list(Copies(HAPLOID, base_at).split(lines))
    assert found == [block("chrX", 20, 100, "./."), block("chrX", 100, 150, ".")]


@given(
    borders=st.lists(st.integers(0, 60), min_size=2, max_size=8, unique=True).map(sorted),
    ends=st.lists(st.integers(1, 60), min_size=1, max_size=8, unique=True).map(sorted),
)
def test_each_base_keeps_one_block_with_its_own_number_of_copies(
    borders: list[int], ends: list[int]
) -> None:
    haploid = [Region("chrX", *pair) for pair in [*pairwise(borders)][::2]]
    blocks = [block("chrX", start, end) for start, end in pairwise([0, *ends])]
    copies = {}
    for line in Copies(haploid, base_at).split(blocks):
        fields = line.rstrip("\n").split("\t")
        start = int(fields[1]) - 1
        assert fields[3] == base_at("chrX", start)
        info = dict(one.split("=") for one in fields[7].split(";"))
        for place in range(start, int(info.get("END", start + 1))):
            assert place not in copies
            copies[place] = fields[9].partition(":")[0].count("0")
    assert copies == {
        place: 1 if any(r.start <= place < r.end for r in haploid) else 2
        for place in range(ends[-1])
    }


def settled(line: str) -> list[str]:
    return Copies(HAPLOID, base_at).settle(line).rstrip("\n").split("\t")


def test_two_equal_alleles_are_one_where_there_is_one_copy() -> None:
    fields = settled(variant("chrX", 200, "1/1"))
    assert fields[6:] == ["PASS", "DP=9;AC=1;AN=1", "GT:PL:DP:AD:GQ", "1:255,0:9:0,9:40"]


def test_of_several_alleles_each_keeps_its_own_likelihood() -> None:
    line = variant("chrX", 200, "2/2", "G", "T,C").replace("255,27,0", "10,11,12,13,14,0")
    fields = settled(line.replace("AC=2", "AC=0,2"))
    assert fields[7] == "DP=9;AC=0,1;AN=1"
    assert fields[9] == "2:10,12,0:9:0,9:40"


@pytest.mark.parametrize("genotype", ["0/1", "1/2", "0|1"])
def test_two_alleles_of_one_copy_are_no_call_that_passes(genotype: str) -> None:
    line = variant("chrX", 200, genotype)
    assert settled(line) == line.replace("PASS", MIXED).rstrip("\n").split("\t")
    assert settled(line.replace("PASS", "LowQual"))[6] == f"LowQual;{MIXED}"


@pytest.mark.parametrize(
    ("contig", "place"), [("chrX", 99), ("chrX", 450), ("chrX", 0), ("chr1", 200)]
)
@pytest.mark.parametrize("genotype", ["0/1", "1/1"])
def test_where_there_are_two_copies_nothing_changes(contig: str, place: int, genotype: str) -> None:
    line = variant(contig, place, genotype)
    assert Copies(HAPLOID, base_at).settle(line) == line


@pytest.mark.parametrize(
    ("place", "ref", "alt", "is_one"),
    [
        (99, "GAC", "G", True),  # takes the bases 100 and 101
        (99, "G", "GTT", True),
        (99, "G", "T", False),
        (98, "GAC", "G", False),  # takes the bases 99 and 100
        (449, "GAC", "G", False),
        (448, "GAC", "G", True),
        (99, "GA", "TC", False),
    ],
)
def test_the_first_base_that_changes_says_how_many_copies_there_are(
    place: int, ref: str, alt: str, is_one: bool
) -> None:
    genotype = settled(variant("chrX", place, "1/1", ref, alt))[9].partition(":")[0]
    assert genotype == ("1" if is_one else "1/1")


@pytest.mark.parametrize(("given_", "kept"), [("0", "."), ("0/0", "./.")])
def test_too_few_reads_take_as_many_alleles_back_as_there_are(given_: str, kept: str) -> None:
    judged = Thresholds(20, 10, 20).judge(block("chrX", 1, 9, given_))
    assert judged.rstrip("\n").split("\t")[9] == f"{kept}:9"


def claimed(assay: Assay, *, par: bool = True) -> Blueprint:
    parts = {"sequence": part("genome.fa", "s1")}
    parts |= {"par": part("par.bed", "p1")} if par else {}
    indexes = {name: (part(f"{name}/x", name),) for name in ("sequence", "bwa")}
    return make_blueprint(
        analysis=AnalysisId("NA1", "wgs"), assay=assay, files=lane_pair(),
        pipeline=LIBRARY.pipeline(assay.pipeline),
        reference=reference(parts=parts, indexes=indexes),
        images=dict.fromkeys([*IMAGES, "report", "isaac", "strelka2"], "x@sha256:1"),
    )  # fmt: skip


def test_only_calls_by_sex_depend_on_what_x_and_y_share() -> None:
    by_sex = claimed(BY_SEX)
    assert by_sex.variables["ploidy_by_sex"]
    assert by_sex.sex_check
    assert by_sex.parts["par"]
    assert "par.bed" in {file.path for file in by_sex.files["call"]}
    as_ever = structs.replace(BY_SEX, ploidy="diploid")
    assert "par" not in claimed(as_ever).parts
    assert claimed(as_ever).stage_keys == claimed(as_ever, par=False).stage_keys
    assert claimed(as_ever).stage_keys["align"] == by_sex.stage_keys["align"]
    assert claimed(as_ever).stage_keys["call"] != by_sex.stage_keys["call"]


def test_a_reference_that_does_not_say_it_holds_the_sample() -> None:
    with pytest.raises(ReferenceNotReady, match=r"does not say what X and Y share.*par\.bed"):
        claimed(BY_SEX, par=False)


def test_a_sample_of_unknown_sex_is_held_and_a_control_is_not() -> None:
    sample = analysis(*lane_pair())
    with pytest.raises(SexNotGiven, match="no manifest gives the sample's: give its sex"):
        check_sex_given(sample, claimed(BY_SEX))
    check_sex_given(structs.replace(sample, sex="female"), claimed(BY_SEX))
    check_sex_given(structs.replace(sample, control=True), claimed(BY_SEX))
    check_sex_given(sample, claimed(structs.replace(BY_SEX, ploidy="diploid")))


@pytest.mark.parametrize("pipeline", ["germline-isaac-strelka", "germline-fpga", "sarek"])
def test_a_pipeline_that_does_not_measure_first_is_refused(pipeline: str) -> None:
    assay = structs.replace(BY_SEX, pipeline=pipeline)
    found = [one.place for one in mistakes_of_assay("wgs", assay, LIBRARY.pipeline(pipeline))]
    assert ("ploidy",) in found
    assert mistakes_of_assay("wgs", BY_SEX, LIBRARY.pipeline("germline-cpu")) == []


MALE, FEMALE = (
    {"x_depth_ratio": 0.5, "y_depth_ratio": 0.45},
    {"x_depth_ratio": 1, "y_depth_ratio": 0},
)


@pytest.mark.parametrize(
    ("depths", "sex", "one_of_each", "verdict"),
    [
        (MALE, "male", 1, "PASS"),
        (FEMALE, "female", 0, "PASS"),
        (MALE, "female", 1, "FAIL"),
        (FEMALE, "male", 0, "FAIL"),
        (MALE, "male", 0, "FAIL"),  # called otherwise than qc measured
        (FEMALE, "female", 1, "FAIL"),
        (MALE, "", 1, "WARN"),  # taken back since
        ({"x_depth_ratio": 0.5, "y_depth_ratio": 0}, "female", 0, "WARN"),
        ({}, "male", 0, "WARN"),
    ],
)
def test_calls_pass_only_where_both_measures_and_the_manifest_agree(
    depths: dict[str, float], sex: str, one_of_each: int, verdict: str
) -> None:
    metrics = {"mapped_fraction": 0.99, "called_haploid": one_of_each, **depths}
    found = judge(metrics, {}, sex=sex)
    assert found.verdict.name == verdict
    assert not [line for line in found.lines if "male" in line]


def test_a_mixture_of_two_people_shows_where_there_is_one_copy() -> None:
    counts = {"called_haploid": 1.0, "haploid_variants": 20.0, "haploid_sites": 60.0}
    result = StageResult("call", "k", (), {}, metrics=counts | {"mixed_haploid_sites": 40.0})
    metrics = {"mapped_fraction": 0.99, **metrics_of([result], duplicates_marked=True)}
    assert metrics["mixed_haploid_fraction"] == pytest.approx(0.6667, abs=1e-4)
    found = judge(metrics, {})
    assert found.verdict.name == "WARN"
    assert "a mixture of two people" in found.lines[0]
    few = {**counts, "haploid_sites": 19.0, "mixed_haploid_sites": 19.0}
    result = StageResult("call", "k", (), {}, metrics=few)
    assert "mixed_haploid_fraction" not in metrics_of([result], duplicates_marked=True)


def test_a_fallback_calls_as_it_is_set() -> None:
    fallback = Assay("germline-fpga", "tiny", fallback="cpu").as_fallback(BY_SEX)
    assert (fallback.ploidy, fallback.checks_sex) == ("by_sex", True)
