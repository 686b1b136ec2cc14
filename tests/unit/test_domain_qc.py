"""What a run's figures mean: its metrics, limits, floors, and the sex by depth."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqdrop.domain.blueprint import check_limits
from seqdrop.domain.errors import InvalidAssay, InvalidPipeline
from seqdrop.domain.fingerprint import Comparison, identity_metrics, is_refuted
from seqdrop.domain.lanes import LEAST_PAIRED_READS, WorstLane, is_phred64
from seqdrop.domain.metrics import (
    METRICS,
    measurable,
    metrics_of,
)
from seqdrop.domain.pipeline import Assay, Calling, Limit, Pipeline
from seqdrop.domain.pipeline_check import check_pipeline
from seqdrop.domain.plan import StageResult
from seqdrop.domain.qc import FLOORS, Verdict, judge, sex_by_depth
from seqdrop.library import Library
from tests.lab import PROJECT

GOOD = {
    "mapped_fraction": 0.99, "properly_paired_fraction": 0.95, "identical_mates_fraction": 0.0,
    "phred64": 0.0, "duplicate_fraction": 0.1, "files_without_end": 0.0,
    "files_of_merged_lanes": 0.0,
    "depth_over_cap": 0.1, "contamination": 0.0, "same_strand_fraction": 0.01,
    "highest_quality": 41, "primer_fraction": 0.98, "mixed_haploid_fraction": 0.05,
}  # fmt: skip


MAPPED = {"mapped_fraction": 0.99}
"""So that there is something to judge."""


def counted(counts: dict[str, int]) -> dict[str, float]:
    return metrics_of([StageResult("align", "k", (), {}, counts)], duplicates_marked=True)


def measured(figures: dict[str, float]) -> dict[str, float]:
    return metrics_of([StageResult("qc", "k", (), {}, {}, figures)], duplicates_marked=True)


@pytest.mark.parametrize(
    ("value", "limit", "verdict", "reason"),
    [
        (30, Limit(warn_below=30, fail_below=10), Verdict.PASS, None),
        (29.9, Limit(warn_below=30, fail_below=10), Verdict.WARN, "WARN: m is 29.9, below 30"),
        (9, Limit(warn_below=30, fail_below=10), Verdict.FAIL, "FAIL: m is 9, below 10"),
        (0.4, Limit(warn_above=0.3), Verdict.WARN, "WARN: m is 0.4, above 0.3"),
        (0.6, Limit(warn_above=0.3, fail_above=0.5), Verdict.FAIL, "FAIL: m is 0.6, above 0.5"),
        (0.5, Limit(), Verdict.PASS, None),
    ],
)
def test_a_metric_is_judged_by_its_limits(
    value: float, limit: Limit, verdict: Verdict, reason: str | None
) -> None:
    assert judge(MAPPED | {"m": value}, {"m": limit}) == (verdict, [reason] if reason else [])


def test_the_worst_metric_decides_and_one_that_is_missing_is_a_warning() -> None:
    limits = {"a": Limit(warn_below=1), "b": Limit(fail_below=1), "c": Limit(warn_below=1)}
    verdict, lines = judge(MAPPED | {"a": 2, "b": 0}, limits)
    assert verdict is Verdict.FAIL
    assert lines == ["FAIL: b is 0, below 1", "WARN: c is limited, but could not be measured"]


@pytest.mark.parametrize(
    "figures",
    [
        {},
        {"reads": 100.0, "snps": 4.0},
        {"phred64": 0.0, "files_without_end": 0.0, "identical_mates_fraction": 0.0, "reads": 1e6},
    ],
    ids=["nothing", "nothing that is judged", "the reads alone"],
)
def test_pass_never_stands_over_nothing(figures: dict[str, float]) -> None:
    verdict, lines = judge(figures, {})
    assert verdict is Verdict.WARN
    (line,) = lines
    assert line.startswith("WARN: no limit or floor looked at the alignment")


def test_pass_does_not_stand_over_floors_that_are_all_set_aside() -> None:
    aside = dict.fromkeys(FLOORS, "a test")
    assert judge(GOOD, {}, floors_set_aside=aside).verdict is Verdict.WARN


def test_a_good_run_crosses_no_floor() -> None:
    assert judge(GOOD, {}) == (Verdict.PASS, [])


@pytest.mark.parametrize(
    ("name", "value", "verdict", "words"),
    [
        ("mapped_fraction", 0.0, Verdict.FAIL, "wrong reference"),
        ("properly_paired_fraction", 0.02, Verdict.FAIL, "not each other's mates"),
        ("same_strand_fraction", 0.5, Verdict.FAIL, "not each other's mates"),
        ("same_strand_fraction", 0.06, Verdict.WARN, "not each other's mates"),
        ("highest_quality", 5, Verdict.FAIL, "qualities were lost"),
        ("identical_mates_fraction", 1.0, Verdict.FAIL, "sent twice"),
        ("phred64", 1.0, Verdict.FAIL, "offset of 64"),
        ("phred64", 1.0, Verdict.FAIL, "above 42 with an offset of 33"),
        ("duplicate_fraction", 0.99, Verdict.FAIL, "amplicons"),
        ("files_without_end", 2.0, Verdict.WARN, "cut off"),
        ("files_of_merged_lanes", 2.0, Verdict.WARN, "each lane is a read group then"),
        ("primer_fraction", 0.4, Verdict.WARN, "primers of another panel"),
        ("primer_fraction", 0.05, Verdict.FAIL, "primers of another panel"),
        ("mixed_haploid_fraction", 0.7, Verdict.WARN, "a mixture of two people"),
        ("depth_over_cap", 0.6, Verdict.WARN, "max_depth"),
        ("contamination", 0.06, Verdict.WARN, "another person"),
    ],
)
def test_a_floor_holds_where_no_limit_says_anything(
    name: str, value: float, verdict: Verdict, words: str
) -> None:
    lenient = {name: Limit(warn_below=-1)}
    for limits in ({}, lenient):
        found = judge(GOOD | {name: value}, limits)
        assert found.verdict is verdict
        (line,) = found.lines
        assert words in line
    aside = judge(GOOD | {name: value}, {}, floors_set_aside={name: "UMIs: copies are wanted"})
    assert aside == (
        Verdict.PASS, [f"NOTE: the floor of {name} does not hold here: UMIs: copies are wanted"],
    )  # fmt: skip


def test_every_floor_is_tried_above() -> None:
    assert FLOORS.keys() == GOOD.keys()
    assert FLOORS.keys() <= METRICS.keys()


def test_metrics_are_made_of_the_counts_of_all_stages() -> None:
    parts: list[dict[str, float]] = [
        {"primary_out": 400, "mapped": 380, "duplicates": 20, "both_mapped": 360,
         "properly_paired": 90},
        {"mean_depth": 17.5, "transitions": 20, "transversions": 10, "snps": 30},
    ]  # fmt: skip
    align = StageResult("align", "k", (), {}, {"reads_in": 400, "bases_in": 40_000}, parts[0])
    found = metrics_of([align, StageResult("qc", "k", (), {}, {}, parts[1])],
                       duplicates_marked=True)  # fmt: skip
    assert found == {
        "reads": 400, "mapped_reads": 380, "mapped_fraction": 0.95, "duplicate_fraction": 0.05,
        "properly_paired_fraction": 0.25, "mean_depth": 17.5, "snps": 30, "ts_tv": 2.0,
    }  # fmt: skip


def test_what_the_runner_counts_in_the_reads_becomes_metrics() -> None:
    counts = {
        "reads_in": 100, "bases_in": 10_000, "q30_bases": 9_000, "identical_mates": 50,
        "quality_min": ord("#"), "quality_max": ord("F"), "without_end_block": 1,
    }  # fmt: skip
    assert counted(counts) == {
        "reads": 100, "q30_fraction": 0.9, "identical_mates_fraction": 1.0, "phred64": 0.0,
        "highest_quality": 37, "files_without_end": 1,
    }  # fmt: skip


def test_a_ratio_over_nothing_or_over_too_few_pairs_is_no_metric() -> None:
    nothing = {"primary_out": 0.0, "mapped": 0.0, "transitions": 3.0, "transversions": 0.0}
    assert measured(nothing) == {"mapped_reads": 0}
    few: dict[str, float] = {"both_mapped": LEAST_PAIRED_READS - 2, "properly_paired": 0}
    assert measured(few) == {}
    enough: dict[str, float] = {"both_mapped": LEAST_PAIRED_READS, "properly_paired": 0}
    assert measured(enough) == {"properly_paired_fraction": 0}


def test_where_duplicates_are_not_marked_there_is_no_share_of_them() -> None:
    result = StageResult("align", "k", (), {}, {}, {"primary_out": 10, "duplicates": 0})
    assert metrics_of([result], duplicates_marked=False) == {}
    assert metrics_of([result], duplicates_marked=True) == {"duplicate_fraction": 0}


@pytest.mark.parametrize(
    ("qualities", "phred64"),
    [
        ("F", False),  # NovaSeq X, nothing but Q37
        ("#,:F", False),  # NovaSeq's bins
        ("#-AI", False),  # NextSeq's
        (":F", False),
        ("#K", False),
        ("!J", False),
        (";F", False),
        ("?I", False),  # simulators' constant I, filtered
        ("!~", False),  # long reads
        ("~", False),  # consensus of many reads
        ("Bh", True),  # Illumina 1.5
        ("@h", True),  # Illumina 1.3
        (";h", True),  # Solexa
        ("h", True),
        ("Bb", True),
    ],
)
def test_an_offset_of_64_is_told_from_modern_qualities(qualities: str, phred64: bool) -> None:
    assert is_phred64(ord(min(qualities)), ord(max(qualities))) is phred64


@given(st.integers(0, 42), st.integers(0, 42))
def test_qualities_up_to_q42_with_an_offset_of_33_are_never_taken_for_64(a: int, b: int) -> None:
    assert not is_phred64(33 + min(a, b), 33 + max(a, b))


@pytest.mark.parametrize(
    ("x", "y", "sex"),
    [(1.0, 0.0, "female"), (0.5, 0.4, "male"), (1.0, 0.4, ""), (0.5, 0.0, ""), (0.75, 0.15, "")],
)
def test_sex_is_told_by_depth_or_left_open(x: float, y: float, sex: str) -> None:
    assert sex_by_depth(x, y) == sex


@pytest.mark.parametrize(
    ("depths", "given_sex", "verdict"),
    [
        ((1.0, 0.0), "female", Verdict.PASS),
        ((0.5, 0.4), "male", Verdict.PASS),
        ((0.5, 0.4), "female", Verdict.FAIL),
        ((1.0, 0.0), "male", Verdict.FAIL),
        ((1.0, 0.4), "female", Verdict.WARN),
        ((1.0, 0.0), "", Verdict.WARN),
        (None, "male", Verdict.WARN),
    ],
)
def test_sex_is_held_against_the_manifest_and_never_named(
    depths: tuple[float, float] | None, given_sex: str, verdict: Verdict
) -> None:
    ratios = dict(zip(("x_depth_ratio", "y_depth_ratio"), depths or (), strict=False))
    found = judge({**GOOD, **ratios}, {}, sex=given_sex)
    assert found.verdict is verdict
    assert not [line for line in found.lines if "male" in line]
    assert judge({**GOOD, **ratios}, {}).verdict is Verdict.PASS


def pipeline(**changes: Any) -> Pipeline:
    stage = {
        "queue": "cpu", "reads": "stream", "steps": [{"pipe": [["true"]]}],
        "outputs": [{"name": "flagstat.json"}],
        "size": {"vcpus": 1, "memory_mib": {"base": 1}, "seconds": {"base": 1}},
        "measures": {"flagstat.json": "flagstat"},
    }  # fmt: skip
    whole = {"name": "p", "description": "", "stages": {"align": stage}, **changes}
    return msgspec.convert(whole, Pipeline)


def test_a_pipeline_measures_what_its_files_and_its_reads_give() -> None:
    known = measurable(pipeline())
    assert {"reads", "mapped_fraction", "properly_paired_fraction", "q30_fraction"} <= known
    assert "mean_depth" not in known
    assert "duplicate_fraction" not in measurable(pipeline(), duplicates_marked=False)


def test_a_limit_that_nobody_measures_is_refused() -> None:
    with pytest.raises(InvalidPipeline, match="limits 'mean_depth', which pipeline p does not"):
        check_pipeline(pipeline(qc={"mean_depth": {"warn_below": 1}}))
    assay = Assay("p", qc={"mapped_fractoin": Limit(warn_below=1)})
    with pytest.raises(InvalidAssay, match=r"assay wgs: qc limits 'mapped_fractoin'.*mapped_frac"):
        check_limits("wgs", assay, pipeline())


def test_a_limit_on_duplicates_is_refused_where_none_are_marked() -> None:
    limits = {"duplicate_fraction": Limit(warn_above=0.3)}
    with pytest.raises(InvalidAssay, match="where duplicates are not marked"):
        check_limits("panel", Assay("p", duplicates="none", qc=limits), pipeline())
    check_limits("panel", Assay("p", qc=limits), pipeline())


@pytest.mark.parametrize(
    ("floors", "words"), [({"mean_depth": "x"}, "none of"), ({"phred64": ""}, "no reason")]
)
def test_a_floor_is_set_aside_by_its_name_and_with_a_reason(
    floors: dict[str, str], words: str
) -> None:
    with pytest.raises(InvalidAssay, match=words):
        check_limits("umi", Assay("p", floors=floors), pipeline())


@pytest.mark.parametrize(
    ("calling", "unused"),
    [
        (Calling(min_gq=30), ["min_gq"]),
        (Calling(max_depth=7, insert_size="300"), ["max_depth", "insert_size"]),
        (Calling(split_multiallelics=True), []),
        (Calling(), []),
    ],
)
def test_a_setting_of_calling_that_dragen_does_not_take_is_refused(
    calling: Calling, unused: list[str]
) -> None:
    library = Library(str(PROJECT / "pipelines"))
    assay = Assay("exome-fpga", calling=calling)
    if not unused:
        check_limits("wes", assay, library.pipeline("exome-fpga"))
        return
    with pytest.raises(InvalidAssay) as told:
        check_limits("wes", assay, library.pipeline("exome-fpga"))
    for name in unused:
        assert f"calling sets '{name}', which pipeline exome-fpga does not use" in str(told.value)
    check_limits("wes", assay, library.pipeline("germline-cpu"))


@pytest.mark.parametrize(
    ("assay", "why"),
    [
        (
            Assay("exome-fpga", caller="freebayes"),
            "exome-fpga has no stage that calls by freebayes",
        ),
        (Assay("germline-isaac-strelka", caller="freebayes"), "no stage that calls by freebayes"),
        (Assay("germline-cpu", caller="freebayes"), r"set `calling: {min_mapq: 20}`"),
        (Assay("germline-fpga", alignment="cram"), "germline-fpga has no output alignment.cram"),
        (Assay("germline-isaac-strelka", alignment="cram"), "has no output alignment.cram"),
        (Assay("germline-fpga", annotator="snpeff"), "no stage that annotates by snpeff"),
    ],
)
def test_a_choice_that_a_pipeline_does_not_have_is_refused(assay: Assay, why: str) -> None:
    pipeline = Library(str(PROJECT / "pipelines")).pipeline(assay.pipeline)
    with pytest.raises(InvalidAssay, match=why):
        check_limits("panel", assay, pipeline)


def test_germline_cpu_calls_by_freebayes_and_writes_cram() -> None:
    chosen = Assay(
        "germline-cpu", caller="freebayes", alignment="cram", calling=Calling(min_mapq=20)
    )
    check_limits("panel", chosen, Library(str(PROJECT / "pipelines")).pipeline("germline-cpu"))


def test_a_fallback_calls_and_keeps_its_reads_in_its_own_way() -> None:
    fallback = Assay("germline-cpu", caller="freebayes", alignment="cram")
    found = Assay("germline-fpga", fallback="wgs-cpu").as_fallback(fallback)
    assert (found.caller, found.alignment) == ("freebayes", "cram")


def test_a_figure_comes_from_one_file() -> None:
    stages = msgspec.to_builtins(pipeline().stages)
    stages["align"]["outputs"] += ({"name": "mapping_metrics.csv"},)
    stages["align"]["measures"]["mapping_metrics.csv"] = "dragen-mapping"
    with pytest.raises(InvalidPipeline, match="both measure both_mapped"):
        check_pipeline(pipeline(stages=stages))


def test_a_folder_of_lanes_gives_no_figure_of_the_run() -> None:
    stages = msgspec.to_builtins(pipeline().stages)
    stages["align"]["outputs"] = ({"name": "flagstat/"},)
    stages["align"]["measures"] = {"flagstat/": "flagstat"}
    assert "mapped_fraction" not in measurable(pipeline(stages=stages))
    stages["align"]["outputs"] += ({"name": "flagstat.json"},)
    stages["align"]["measures"]["flagstat.json"] = "flagstat"
    check_pipeline(pipeline(stages=stages))
    assert measurable(pipeline(stages=stages)) == measurable(pipeline())


def test_inputs_are_outputs_of_what_a_stage_needs() -> None:
    stages = msgspec.to_builtins(pipeline().stages)
    stages["qc"] = {**stages["align"], "reads": "", "measures": {}, "needs": ["align"],
                    "outputs": [{"name": "x"}], "inputs": ["alignment.cram"]}  # fmt: skip
    with pytest.raises(InvalidPipeline, match=r"inputs has 'alignment.cram'"):
        check_pipeline(pipeline(stages=stages))
    stages["qc"]["inputs"] = ["flagstat.json"]
    check_pipeline(pipeline(stages=stages))


def test_all_limits_of_the_project_can_be_measured() -> None:
    library = Library(str(PROJECT / "pipelines"))
    for name, assay in library.assays().items():
        check_limits(name, assay, library.pipeline(assay.pipeline))
    for name in library.pipeline_names():
        assert library.pipeline(name).qc, f"runs of {name} by --pipeline have no limits"


@pytest.mark.parametrize(
    ("compared", "verdict", "line"),
    [
        (Comparison("run k#1 (wgs)", 40, 40), Verdict.PASS, ""),
        (Comparison("run k#1 (wgs)", 40, 38), Verdict.PASS, ""),
        (Comparison("run k#1 (wgs)", 40, 37), Verdict.WARN, "WARN: identity_concordance is 0.925"),
        (Comparison("run k#1 (wgs)", 40, 32), Verdict.WARN, "WARN: identity_concordance is 0.8"),
        (Comparison("run k#1 (wgs)", 40, 31), Verdict.FAIL, "FAIL: identity_concordance is 0.775"),
        (Comparison("run k#1 (wgs)", 19, 0), Verdict.PASS, "NOTE: identity can't be told by 19"),
        (Comparison("run k#1 (wgs)", problem="it is gone"), Verdict.PASS, "NOTE: identity can't"),
        (Comparison("what", 40, 39, supplied=True), Verdict.PASS, "NOTE: identity_concordance is"),
        (Comparison("what", 40, 37, supplied=True), Verdict.WARN, "WARN: identity_concordance is"),
        (Comparison("what", 40, 31, supplied=True), Verdict.FAIL, "FAIL: identity_concordance is"),
        (
            Comparison("what", 19, 19, supplied=True, remedy="do this"),
            Verdict.WARN,
            "WARN: identity can't be told by 19 sites of the fingerprint shared with what: it "
            "takes 20; do this",
        ),
        (Comparison("x", problem="gone", supplied=True), Verdict.WARN, "WARN: identity can't be"),
    ],
)
def test_identity_is_judged_by_the_share_of_sites_that_agree(
    compared: Comparison, verdict: Verdict, line: str
) -> None:
    found = judge(GOOD, {"mapped_fraction": Limit(fail_below=0.1)}, identity=[compared],
                  lanes={"mapped_fraction": WorstLane(0.5, ["1"])})  # fmt: skip
    assert found.verdict is verdict
    assert [one[: len(line)] for one in found.lines] == ([line] if line else [])


def test_the_figures_are_those_of_the_comparison_that_agrees_least() -> None:
    few, gone = Comparison("a", 10, 0), Comparison("b", problem="gone")
    same, other = Comparison("c", 40, 40), Comparison("d", 50, 20)
    assert identity_metrics([few, same, gone, other]) == {
        "identity_sites": 50, "identity_concordance": 0.4,
    }  # fmt: skip
    assert identity_metrics([few, gone]) == {"identity_sites": 10}
    assert identity_metrics([gone]) == {}
    assert is_refuted({"identity_concordance": 0.4})
    assert not is_refuted({"identity_concordance": 0.8})
    assert not is_refuted({"identity_sites": 10})
