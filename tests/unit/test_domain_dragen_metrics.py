"""DRAGEN's metrics with odd rows: what is NA is missing and never 0, and what is missing is told.

Forms and figures are those of real outputs (of MultiQC's test data): single-end reads, a genome
with a median depth of 0, a panel's region. Rows are cut to those that matter.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqdrop.domain.errors import InvalidMeasure
from seqdrop.domain.measures import read_lanes, read_measures
from seqdrop.domain.measures.dragen_rows import Row, rows
from seqdrop.domain.metrics import metrics_of
from seqdrop.domain.pipeline import MeasureFormat
from seqdrop.domain.plan import StageResult
from seqdrop.domain.qc import judge
from seqdrop.library import Library
from tests.lab import PROJECT

LIMITS = Library(str(PROJECT / "pipelines")).pipeline("germline-fpga").qc
SUMMARY = "MAPPING/ALIGNING SUMMARY"
SINGLE_END = """\
MAPPING/ALIGNING SUMMARY,,Total input reads,35869200,100.00
MAPPING/ALIGNING SUMMARY,,Number of duplicate marked reads,4540614,12.66
MAPPING/ALIGNING SUMMARY,,Number of duplicate marked and mate reads removed,NA
MAPPING/ALIGNING SUMMARY,,Reads without mate sequenced,35869200,100.00
MAPPING/ALIGNING SUMMARY,,Mapped reads,32036836,89.32
MAPPING/ALIGNING SUMMARY,,Mapped reads R2,0,0.00
MAPPING/ALIGNING SUMMARY,,Paired reads (itself & mate mapped),0,0.00
MAPPING/ALIGNING SUMMARY,,Properly paired reads,0,0.00
MAPPING/ALIGNING SUMMARY,,Soft-clipped bases R2,NA
MAPPING/ALIGNING SUMMARY,,Q30 bases,3500376842,96.62
MAPPING/ALIGNING SUMMARY,,Q30 bases R1,3500376842,96.62
MAPPING/ALIGNING SUMMARY,,Q30 bases (excl. dups & clipped bases),2999198295
MAPPING/ALIGNING SUMMARY,,Bases in target bed [% of genome],NA
MAPPING/ALIGNING SUMMARY,,Insert length: median,NA
MAPPING/ALIGNING SUMMARY,,DRAGEN mapping rate [mil. reads/second],2.18
MAPPING/ALIGNING PER RG,6405-JL-0001_111,Total reads in RG,35869200,100.00
MAPPING/ALIGNING PER RG,6405-JL-0001_111,Mapped reads,32036836,89.32
MAPPING/ALIGNING PER RG,6405-JL-0001_111,Insert length: median,NA
"""
MEDIAN_OF_ZERO = """\
COVERAGE SUMMARY,,Aligned bases,6818958437
COVERAGE SUMMARY,,Aligned bases in genome,6818958437,100.00
COVERAGE SUMMARY,,Average alignment coverage over genome,2.28
COVERAGE SUMMARY,,PCT of genome with coverage [1500x: inf),0.00
COVERAGE SUMMARY,,PCT of genome with coverage [   0x:   1x),92.89
COVERAGE SUMMARY,,Average chr X coverage over genome,1.20
COVERAGE SUMMARY,,Average chr Y coverage over genome,0.45
COVERAGE SUMMARY,,Average autosomal coverage over genome,2.41
COVERAGE SUMMARY,,Mean/Median autosomal coverage ratio over genome,inf
"""
REGION = """\
COVERAGE SUMMARY,,Aligned bases in QC coverage region,1714190211,96.48
COVERAGE SUMMARY,,Average alignment coverage over QC coverage region,90.55
COVERAGE SUMMARY,,Average chr Y coverage over QC coverage region,NA
COVERAGE SUMMARY,,Average autosomal coverage over QC coverage region,38.12
COVERAGE SUMMARY,,Aligned reads in QC coverage region,2044979542,38.49
"""
OTHERS = """\
VARIANT CALLER SUMMARY,,Number of samples,1
VARIANT CALLER POSTFILTER,S1,Total,4822391,100.00
VARIANT CALLER POSTFILTER,S1,Percent Callability,NA
RUN TIME,,Time loading reference,00:00:38.882,38.88
RUN TIME,,Total runtime,00:35:01.500,2101.50
"""


def figures(kind: MeasureFormat, content: str) -> dict[str, float]:
    return read_measures(kind, content.encode())


def without(content: str, *metrics: str, value: str = "NA") -> str:
    """The same file with another value, and no second one, for some metrics."""
    lines = content.splitlines()
    for number, line in enumerate(lines):
        fields = line.split(",")
        if fields[2] in metrics and not fields[1]:
            lines[number] = ",".join([*fields[:3], value])
    return "\n".join(lines) + "\n"


def judged(mapping: str, coverage: str = MEDIAN_OF_ZERO) -> tuple[str, list[str]]:
    """QC of a run with these files, by the limits of germline-fpga."""
    found = figures("dragen-mapping", mapping) | figures("dragen-coverage", coverage)
    result = StageResult("dragen", "k", (), {}, metrics=found)
    verdict, lines = judge(metrics_of([result], duplicates_marked=True), LIMITS)
    return verdict.name, lines


def test_single_reads_have_no_figure_of_pairs() -> None:
    assert figures("dragen-mapping", SINGLE_END) == {
        "primary_out": 35_869_200, "duplicates": 4_540_614, "mapped": 32_036_836,
        "both_mapped": 0, "properly_paired": 0, "q30_bases": 3_500_376_842,
    }  # fmt: skip
    verdict, lines = judged(SINGLE_END)
    assert verdict == "WARN"
    assert "WARN: properly_paired_fraction is limited, but could not be measured" in lines


def test_a_real_genome_and_a_real_region_are_read() -> None:
    assert figures("dragen-coverage", MEDIAN_OF_ZERO) == {
        "mean_depth": 2.28, "x_depth_ratio": 0.4979, "y_depth_ratio": 0.1867,
    }  # fmt: skip
    assert figures("dragen-coverage", REGION) == {"mean_depth": 90.55, "on_target_fraction": 0.9648}


@pytest.mark.parametrize(
    ("metric", "ours"),
    [
        ("Mapped reads", "mapped_fraction"),
        ("Number of duplicate marked reads", "duplicate_fraction"),
        ("Properly paired reads", "properly_paired_fraction"),
    ],
)
@pytest.mark.parametrize("value", ["NA", "", "nan", "inf", "00:00:38.882"])
def test_what_is_no_number_is_missing_and_warned_of(metric: str, ours: str, value: str) -> None:
    verdict, lines = judged(without(SINGLE_END, metric, value=value))
    assert verdict == "WARN"
    assert f"WARN: {ours} is limited, but could not be measured" in lines


def test_a_depth_that_is_na_is_warned_of() -> None:
    coverage = without(MEDIAN_OF_ZERO, "Average alignment coverage over genome")
    assert "mean_depth" not in figures("dragen-coverage", coverage)
    verdict, lines = judged(SINGLE_END, coverage)
    assert verdict == "WARN"
    assert "WARN: mean_depth is limited, but could not be measured" in lines


def test_a_total_that_is_na_is_refused_since_lost_reads_could_not_be_seen() -> None:
    with pytest.raises(InvalidMeasure, match="Total input reads with a number"):
        figures("dragen-mapping", without(SINGLE_END, "Total input reads"))


@pytest.mark.parametrize(
    ("percent", "fraction"), [(",50.00", 0.5), (",NA", None), (",", None), ("", None)]
)
def test_a_share_without_its_second_value_is_missing(percent: str, fraction: float | None) -> None:
    content = REGION.replace(",96.48", percent)
    assert figures("dragen-coverage", content).get("on_target_fraction") == fraction


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("dragen-coverage", REGION.replace("96.48", "9648")),
        ("dragen-coverage", REGION.replace("96.48", "-1")),
        ("dragen-coverage", REGION.replace("90.55", "-90.55")),
        ("dragen-mapping", SINGLE_END.replace(",32036836,", ",-5,")),
        ("dragen-mapping", SINGLE_END + SINGLE_END.replace(",32036836,", ",32036837,")),
        ("dragen-mapping", SINGLE_END + f'{SUMMARY},"S,Mapped reads,5,1\n'),
        ("dragen-histogram", "Depth,Overall\n0,1\n1,NA\n"),
        ("dragen-histogram", "Depth,Overall\n0,1\n0,2\n"),
        ("dragen-histogram", "Depth,Overall\n0,1.5\n"),
        ("dragen-histogram", "Depth,Overall\n0,1_0\n"),
    ],
)
def test_what_cannot_be_is_refused(kind: MeasureFormat, content: str) -> None:
    with pytest.raises(InvalidMeasure, match=f"is not what {kind} is"):
        figures(kind, content)


def test_a_lane_with_two_values_for_one_figure_is_refused_too() -> None:
    twice = SINGLE_END + "MAPPING/ALIGNING PER RG,6405-JL-0001_111,Mapped reads,1,0.00\n"
    assert figures("dragen-mapping", twice) == figures("dragen-mapping", SINGLE_END)
    with pytest.raises(InvalidMeasure, match="two values for Mapped reads"):
        read_lanes("dragen-mapping", twice.encode())


def test_the_same_rows_twice_say_the_same() -> None:
    assert figures("dragen-mapping", SINGLE_END * 2) == figures("dragen-mapping", SINGLE_END)


def test_line_ends_quotes_exponents_and_other_sections_change_nothing() -> None:
    odd = "\ufeff" + SINGLE_END.replace("35869200", "3.58692e+07").replace("\n", "\r\n")
    odd = odd.replace(SUMMARY, f'"{SUMMARY}"').replace("Mapped reads,", '"Mapped  reads",')
    odd += (
        "SOMETHING NEW,,Mapped reads,1,2.00\r\nTUMOR MAPPING/ALIGNING SUMMARY,,Mapped reads,1\r\n"
    )
    odd += "alone\r\n\r\na,b\r\nMAPPING/ALIGNING SUMMARY,,Mapped reads\r\n"
    assert figures("dragen-mapping", odd) == figures("dragen-mapping", SINGLE_END)


@pytest.mark.parametrize("lane", ["FC.1", '"FC.1.a,b"', "FC.1.a,b", "FC.1.a,7", "FC.1.NA,b,c"])
def test_a_lane_whose_name_has_a_comma_keeps_its_figures(lane: str) -> None:
    of_lane = f"MAPPING/ALIGNING PER RG,{lane}"
    content = SINGLE_END + (
        f"{of_lane},Total reads in RG,600,100.00\n{of_lane},Mapped reads,570,95.00\n"
        f"{of_lane},Properly paired reads,NA\n{of_lane},Q30 bases,9\n"
    )
    lanes = read_lanes("dragen-mapping", content.encode())
    assert lanes[lane.strip('"')] == {"primary_out": 600, "mapped": 570, "q30_bases": 9}
    assert figures("dragen-mapping", content) == figures("dragen-mapping", SINGLE_END)


def test_files_that_hold_no_figure_of_ours_are_read_by_the_same_rules() -> None:
    found = list(rows(OTHERS.encode()))
    assert found[1:4] == [
        Row("VARIANT CALLER POSTFILTER", "S1", "Total", 4_822_391, 100.0),
        Row("VARIANT CALLER POSTFILTER", "S1", "Percent Callability", None, None),
        Row("RUN TIME", "", "Time loading reference", None, 38.88),
    ]
    shifted = OTHERS.replace(",S1,", ",NA,12,").encode()
    assert [row.of for row in rows(shifted)][1:3] == ["NA,12", "NA,12"]


def test_a_histograms_counts_may_have_exponents() -> None:
    found = figures("dragen-histogram", "Depth,Overall\r\n0,2.5e+03\r\n30+,7.5E3\r\n")
    assert found["breadth_1x"] == found["breadth_30x"] == 0.75


WORDS = st.sampled_from(
    [SUMMARY, "MAPPING/ALIGNING PER RG", "COVERAGE SUMMARY", "Total input reads", "Mapped reads",
     "Average alignment coverage over genome", "Depth", "Overall", "FC.1", "", "NA", "inf", "1e3",
     "-1", "9", "0.5", "1_0", '"', "\r", "\n", "\x00", "00:00:01.5", "é"]
)  # fmt: skip


@given(
    kind=st.sampled_from(["dragen-mapping", "dragen-coverage", "dragen-histogram"]),
    lines=st.lists(st.lists(WORDS, max_size=7).map(",".join), max_size=8),
)
def test_whatever_a_file_holds_it_is_read_or_refused_and_no_figure_is_negative(
    kind: MeasureFormat, lines: list[str]
) -> None:
    content = "\n".join(lines)
    try:
        found = figures(kind, content)
        read_lanes(kind, content.encode())
    except InvalidMeasure:
        return
    assert all(0 <= figure < float("inf") for figure in found.values())
