"""Primers of a panel: what is taken, what is refused, and who may use them."""

from itertools import product

import pytest
from msgspec import structs

from seqdrop.domain.blueprint import make_blueprint
from seqdrop.domain.errors import InvalidAssay, InvalidInput, InvalidReference
from seqdrop.domain.identity import AnalysisId
from seqdrop.domain.lanes import worst_lanes
from seqdrop.domain.metrics import METRICS, metrics_of
from seqdrop.domain.pipeline import Assay
from seqdrop.domain.plan import StageResult
from seqdrop.domain.primers import LONGEST, lost_primers, parse_primers, primer_warnings
from seqdrop.domain.qc import judge
from seqdrop.flow.references import part_of
from seqdrop.library import Library
from tests.domain_support import IMAGES, lane_pair, part, reference
from tests.lab import PROJECT

LIBRARY = Library(str(PROJECT / "pipelines"))
LENGTHS = {"chr1": 1_000, "chr2": 500}
GOOD = ("chr1\t100\t120\tf\t0\t+\n", "chr1 280 300 r 0 -\r\n")
FILES = [structs.replace(file, first_read="A1:7:FC:1:1101:9:9:ACGT") for file in lane_pair()]
INDEXES = {
    name: (part(f"{name}/x", name),) for name in ("sequence", "bwa", "dragen", "dragen-software")
}


def test_lines_are_kept_with_all_columns_and_divided_by_tabs() -> None:
    lines = ["# by the vendor\n", *GOOD]
    kept = parse_primers(lines, LENGTHS, "p.bed")
    assert kept == ["chr1\t100\t120\tf\t0\t+", "chr1\t280\t300\tr\t0\t-"]
    assert list(primer_warnings(kept, "p.bed")) == []


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("chr1\t100\t120\n", "primers without a strand: chr1:100-120"),
        ("chr1\t100\t120\tf\t0\t.\n", "primers without a strand: chr1:100-120"),
        ("chr3\t100\t120\tf\t0\t+\n", "names no contig that the sequence has: 'chr3'"),
        ("chr1\t990\t1010\tf\t0\t+\n", "not as a whole: chr1:1000-1010"),
        ("chr1\t120\t100\tf\t0\t+\n", "does not have its start"),
        (f"chr1\t0\t{LONGEST + 1}\tf\t0\t+\n", f"more than {LONGEST} bases"),
        ("", "has no region"),
    ],
)
def test_what_would_leave_primers_in_the_reads_is_refused(line: str, why: str) -> None:
    with pytest.raises(InvalidReference, match=why):
        parse_primers([line] if line else [], LENGTHS, "p.bed")


def test_one_contig_of_several_that_the_sequence_lacks_is_refused_too() -> None:
    """Of target regions such lines are left out; of primers that would leave their bases in."""
    with pytest.raises(InvalidReference, match="does not have, or not as a whole: chr3:1-20"):
        parse_primers([*GOOD, "chr3\t1\t20\tf\t0\t+\n"], LENGTHS, "p.bed")


def test_primers_of_one_strand_alone_are_odd() -> None:
    (warning,) = primer_warnings(parse_primers(GOOD[:1], LENGTHS, "p.bed"), "p.bed")
    assert "primers of the strand + alone" in warning


def test_a_version_that_has_lost_a_panels_primers_is_odd() -> None:
    had = ["sequence", "targets:a", "primers:a", "targets:b", "primers:b", "primers:gone"]
    now = {"sequence", "targets:a", "targets:b", "primers:b"}
    (warning,) = lost_primers("3", had, now)
    assert warning.startswith("version 3 has primers of a, and this one has none")
    assert list(lost_primers("3", now, had)) == []


@pytest.mark.parametrize("name", ["amplicon.primers.bed", "amplicon.Primers.bed.gz"])
def test_primers_are_named_after_their_target_regions(name: str) -> None:
    assert part_of(name) == ("primers:amplicon", "primers.bed")


def test_primers_of_nobody_are_refused() -> None:
    with pytest.raises(InvalidInput, match=r"as amplicon.primers.bed is named after amplicon.bed"):
        part_of("primers.bed")


def claimed(assay: Assay, targets: str = "panel") -> dict[str, bool | str]:
    """The variables of a run under an assay, over a reference with primers of ``targets``."""
    parts = {
        "sequence": part("genome.fa", "s1"),
        "targets:panel": part("targets.bed", "t1"),
        "targets:other": part("targets.bed", "t2"),
        f"primers:{targets}": part("primers.bed", "p1"),
    }
    made = make_blueprint(
        analysis=AnalysisId("NA1", "panel"), assay=assay, files=FILES,
        pipeline=LIBRARY.pipeline(assay.pipeline),
        reference=reference(parts=parts, indexes=INDEXES),
        images=dict.fromkeys([*IMAGES, "report", "isaac", "strelka2", "dragen"], "x@sha256:1"),
    )  # fmt: skip
    used = {"primers:panel"} & made.parts.keys()
    assert bool(used) == made.variables["primers"]
    assert ("primers.bed" in {file.path for file in made.files["align"]}) == bool(used)
    return made.variables


def test_reads_are_clipped_where_the_reference_has_primers_of_the_assays_targets() -> None:
    panel = Assay("germline-cpu", "tiny", targets="panel", duplicates="none")
    assert claimed(panel)["primers"] is True
    assert claimed(structs.replace(panel, duplicates="umi"))["primers"] is True
    assert claimed(structs.replace(panel, targets="other"))["primers"] is False


def test_copies_that_are_told_by_position_are_refused_with_primers() -> None:
    with pytest.raises(InvalidAssay, match=r"marks duplicates by position.*say duplicates: none"):
        claimed(Assay("germline-cpu", "tiny", targets="panel"))


@pytest.mark.parametrize("pipeline", ["exome-fpga", "germline-isaac-strelka"])
def test_a_pipeline_that_clips_nothing_is_refused_with_primers(pipeline: str) -> None:
    with pytest.raises(InvalidAssay, match=f"pipeline {pipeline} does not clip primers"):
        claimed(Assay(pipeline, "tiny", targets="panel", duplicates="none"))


def measured(looked_at: int, without: int) -> dict[str, float]:
    figures = {
        "reads_looked_at": float(looked_at), "reads_with_primer": float(looked_at - without),
        "reads_without_primer": float(without), "mapped": 900.0, "primary_out": 1_000.0,
    }  # fmt: skip
    result = StageResult("align", "k", (), {}, metrics=figures)
    return metrics_of([result], duplicates_marked=False)


@pytest.mark.parametrize(
    ("without", "verdict"), [(20, "PASS"), (600, "WARN"), (950, "FAIL"), (1_000, "FAIL")]
)
def test_primers_of_another_panel_do_not_pass(without: int, verdict: str) -> None:
    metrics = measured(1_000, without)
    assert metrics["reads_without_primer"] == without
    assert metrics["primer_fraction"] == pytest.approx(1 - without / 1_000)
    found = judge(metrics, {})
    assert found.verdict.name == verdict
    assert any("primers of another panel" in line for line in found.lines) == (verdict != "PASS")


def test_one_lane_of_another_panel_is_not_hidden_by_the_others() -> None:
    lanes = {
        f"FC.{n}": {"reads_looked_at": 1_000, "reads_with_primer": 0 if n == 4 else 1_000}
        for n in range(1, 5)
    }
    worst = worst_lanes([StageResult("align", "k", (), {}, lanes=lanes)])
    found = judge(measured(4_000, 1_000), {}, lanes=worst)
    assert found.verdict.name == "FAIL"
    assert any(
        "primer_fraction is 0, below 0.1 (floor) (worst in lane FC.4)" in one for one in found.lines
    )


def test_where_nothing_maps_no_share_is_made_up() -> None:
    assert "primer_fraction" not in measured(0, 0)


def test_the_names_of_what_is_told_are_known() -> None:
    assert {"reads_without_primer", "primer_fraction"} <= METRICS.keys()


@pytest.mark.parametrize(("duplicates", "separator"), [*product(("mark", "none"), (":", "_"))])
def test_only_umis_have_a_pattern(duplicates: str, separator: str) -> None:
    assay = structs.replace(Assay("x"), duplicates=duplicates, umi_separator=separator)
    assert assay.umi_pattern == ""
