"""Depth over targets: pieces that share no base, and what is below a depth in each target."""

import gzip
import json
from itertools import groupby, pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.tools.base_quality import main, mean_qualities
from runner.tools.depth_regions import Depths, Measured, below_regions, by_contig
from runner.tools.main import main as tool
from runner.tools.scope import pieces
from seqdrop.domain.bed import Region

LENGTH = 60


@st.composite
def regions(draw: st.DrawFn) -> Region:
    start = draw(st.integers(0, LENGTH - 1))
    return Region(draw(st.sampled_from("ab")), start, draw(st.integers(start + 1, LENGTH)))


depths = st.fixed_dictionaries(
    {name: st.lists(st.integers(0, 5), min_size=LENGTH, max_size=LENGTH) for name in "ab"}
)


def bases(regions: list[Region]) -> list[tuple[str, int]]:
    return [(r.contig, position) for r in regions for position in range(r.start, r.end)]


def measured(piece: Region, known: dict[str, list[int]]) -> Measured:
    found = known[piece.contig][piece.start : piece.end]
    return Measured(piece, sum(found), {2: sum(depth >= 2 for depth in found)})


def quantized(known: dict[str, list[int]], least: int) -> list[str]:
    """mosdepth's lines."""
    lines = []
    for contig, of_bases in known.items():
        position = 0
        for deep, run in groupby(of_bases, lambda depth: depth >= least):
            end = position + len(list(run))
            lines.append(f"{contig}\t{position}\t{end}\t{f'{least}:inf' if deep else '0:2'}\n")
            position = end
    return lines


@given(st.lists(regions(), min_size=1, max_size=8))
def test_pieces_hold_each_base_of_the_targets_once(targets: list[Region]) -> None:
    found = bases(list(pieces(targets)))
    assert len(found) == len(set(found))
    assert set(found) == set(bases(targets))


@given(st.lists(regions(), min_size=1, max_size=8), depths)
def test_each_target_has_the_depth_of_its_own_bases(
    targets: list[Region], known: dict[str, list[int]]
) -> None:
    cut = list(pieces(targets))
    together = Depths([measured(piece, known) for piece in cut])
    for target in targets:
        assert together.over(target) == measured(target, known)
    every = [known[contig][position] for contig, position in set(bases(targets))]
    assert together.whole.bases == sum(every)
    assert together.whole.reached[2] == sum(depth >= 2 for depth in every)
    assert together.whole.region.end == len(every)
    assert sum(row.bases for row in by_contig(together.pieces)) == sum(every)


def test_a_target_that_was_not_measured_is_told() -> None:
    together = Depths([Measured(Region("a", 0, 10), 5, {})])
    with pytest.raises(ValueError, match="not made of the regions"):
        together.over(Region("a", 0, 11))
    with pytest.raises(ValueError, match="not made of the regions"):
        together.over(Region("b", 0, 10))


@given(st.lists(regions(), min_size=1, max_size=6), depths, st.integers(1, 4))
def test_below_a_depth_are_just_the_bases_that_do_not_reach_it(
    targets: list[Region], known: dict[str, list[int]], least: int
) -> None:
    for target in targets:
        found = list(below_regions([target], quantized(known, least), f"{least}:inf"))
        expected = [b for b in bases([target]) if known[b[0]][b[1]] < least]
        assert bases(found) == expected
        assert all(one.end < two.start for one, two in pairwise(found))


def test_a_contig_without_a_line_is_all_below() -> None:
    target = Region("chr9", 5, 20, "exon 1")
    assert list(below_regions([target], [], "20:inf")) == [target]


def test_base_qualities_are_means_of_each_cycle() -> None:
    stats = "SN\tx\t1\nFFQ\t1\t0\t0\t4\nFFQ\t2\t2\t0\t2\nLFQ\t1\t0\t3\t0\nLFQ\t2\t0\t0\t0\n"
    assert mean_qualities(stats) == {
        "first reads": {1: 2.0, 2: 1.0},
        "second reads": {1: 1.0},
    }


def test_the_points_are_in_order_for_who_sorts_their_names_as_text(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stats = tmp_path / "stats.txt"
    stats.write_text("".join(f"FFQ\t{cycle}\t0\t{cycle}\n" for cycle in range(1, 121)))
    assert main([str(stats)]) == 0
    (line,) = json.loads(capsys.readouterr().out)["data"].values()
    assert sorted(line) == sorted(line, key=int)
    assert len(line) == 120


def test_targets_that_the_sequence_lacks_are_listed_with_depth_nought(tmp_path: Path) -> None:
    """mosdepth measured chr1:0-10 at 30; the kit has a region more, on a patch."""
    for name, text in {
        "regions.bed": "chr1\t0\t10\t30.00\n",
        "thresholds.bed": "#chrom\tstart\tend\tregion\t1X\t10X\t20X\t30X\n"
        "chr1\t0\t10\tunknown\t10\t10\t10\t10\n",
        "quantized.bed": "chr1\t0\t10\t20:inf\nchr1\t10\t90\t0:20\n",
    }.items():
        (tmp_path / f"d.{name}.gz").write_bytes(gzip.compress(text.encode()))
    (tmp_path / "d.mosdepth.summary.txt").write_text(
        "chrom\tlength\tbases\tmean\tmin\tmax\n"
        "total\t90\t300\t3.33\t0\t30\ntotal_region\t10\t300\t30.00\t30\t30\n"
    )
    (tmp_path / "d.mosdepth.region.dist.txt").write_text("total\t30\t1.00\ntotal\t0\t1.00\n")
    (tmp_path / "kit.bed").write_text("chr1\t0\t10\tE1\n")
    (tmp_path / "left_out.bed").write_text("chr9\t5\t25\tM\u00fcller 2\n", "utf-8")
    arguments = [
        "depth", f"{tmp_path}/d", "--reporting-depth", "20", "--out", str(tmp_path),
        "--targets", f"{tmp_path}/kit.bed", "--below", f"{tmp_path}/below.bed",
        "--left-out", f"{tmp_path}/left_out.bed",
    ]  # fmt: skip
    assert tool(arguments) == 0
    rows = (tmp_path / "targets.tsv").read_text("utf-8").splitlines()[1:]
    assert rows == [
        "chr1\t0\t10\tE1\t10\t30.00\t1.0000\t0",
        "chr9\t5\t25\tM\u00fcller 2\t20\t0.00\t0.0000\t20",
    ]
    assert (tmp_path / "below.bed").read_text("utf-8").splitlines()[1:] == [
        "chr9\t5\t25\tM\u00fcller 2"
    ]
    assert json.loads((tmp_path / "depth.json").read_text())["mean_depth"] == 30.0
