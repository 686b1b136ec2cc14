"""One lane of several whose R2 belongs to other reads: from its files to the verdict."""

import csv
import gzip
import shutil
from collections import Counter, defaultdict
from pathlib import Path

import pysam
import pytest

from local.demo.genome import haplotypes, make_genome, plant_variants
from local.demo.reads import Lane, write_lane
from runner.outputs import Measured, measure
from seqdrop.domain.lanes import worst_lanes
from seqdrop.domain.metrics import metrics_of
from seqdrop.domain.plan import StageResult
from seqdrop.domain.qc import Verdict, judge
from tests.stage_support import Sample, align, indexed, stage_of
from tests.tools_support import run, shims, tool

MARKED: dict[str, bool | str] = {"mark_duplicates": True}
CONTIGS = {f"chr{number}": 5_000 for number in range(1, 41)}
"""Mates that don't belong together seldom lie on one contig, as in a genome of real size."""
LANES, WRONG, SMALL = 8, "FC.3", "FC.8"


def shuffled(path: Path) -> None:
    """Each read gets the bases of another pair's; the names stay."""
    lines = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
    records = [lines[begin : begin + 4] for begin in range(0, len(lines), 4)]
    bases = records[50:] + records[:50]
    path.write_bytes(
        gzip.compress(
            b"".join(
                b"".join((own[0], *other[1:])) for own, other in zip(records, bases, strict=True)
            )
        )
    )


def sample_of_lanes(folder: Path) -> Sample:
    """Eight lanes: the third has a wrong R2, and the last is too small to be judged."""
    folder.mkdir()
    genome = make_genome(5, CONTIGS)
    chromosomes = haplotypes(genome, plant_variants(genome, 5), 5)
    lanes = {}
    for number in range(1, LANES + 1):
        lane = f"FC.{number}"
        files = folder / f"{lane}_R1.fastq.gz", folder / f"{lane}_R2.fastq.gz"
        depth = 0.13 if lane == SMALL else 0.8
        write_lane(chromosomes, files, Lane("FC", number), depth=depth, seed=5)
        if lane in {WRONG, SMALL}:
            shuffled(files[1])
        lanes[lane] = files
    return indexed(folder / "indexed", genome.fasta().encode(), lanes)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    return sample_of_lanes(tmp_path_factory.mktemp("lanes") / "made")


def counts_of(bam: Path) -> dict[str, dict[str, int]]:
    """By read group, from the flags of its primary records."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    with pysam.AlignmentFile(str(bam)) as alignment:
        for read in alignment.fetch(until_eof=True):
            if read.is_secondary or read.is_supplementary:
                continue
            both = not read.is_unmapped and not read.mate_is_unmapped
            counts[str(read.get_tag("RG"))].update(
                primary_out=1,
                mapped=int(not read.is_unmapped),
                both_mapped=int(both),
                properly_paired=int(both and read.is_proper_pair),
            )
    return {group: dict(found) for group, found in counts.items()}


def check_verdict(measured: Measured) -> None:
    """The pooled figure passes every limit and floor; the wrong lane's does not."""
    pooled = measured.metrics["properly_paired"] / measured.metrics["both_mapped"]
    assert pooled > 0.8
    result = StageResult("align", "k", (), {}, {}, measured.metrics, lanes=measured.lanes)
    metrics = metrics_of([result], duplicates_marked=True)
    assert metrics["properly_paired_fraction"] == round(pooled, 4)
    verdict, lines = judge(metrics, {}, lanes=worst_lanes([result]))
    assert verdict is Verdict.FAIL
    (line,) = [line for line in lines if "properly_paired_fraction" in line]
    assert f"(floor) (worst in lane {WRONG}): almost no pair lies as one fragment" in line


def test_on_cpu_the_lane_is_found_and_named(sample: Sample, tmp_path: Path) -> None:
    align(sample, tmp_path, shims(tmp_path / "bin"), MARKED)
    out = tmp_path / "in"
    files = {str(path.relative_to(out)): path for path in out.rglob("*") if path.is_file()}
    measured = measure(stage_of("germline-cpu", "align").measures, files)
    assert measured.lanes == counts_of(out / "alignment.bam")
    assert len(measured.lanes) == LANES
    assert 0 < measured.lanes[SMALL]["both_mapped"] < 200
    for name in ("primary_out", "both_mapped", "properly_paired"):
        assert measured.metrics[name] == sum(lane[name] for lane in measured.lanes.values())
    check_verdict(measured)


def test_on_fpga_the_lane_is_found_and_named(sample: Sample, tmp_path: Path) -> None:
    path, reference, out = shims(tmp_path / "bin"), tmp_path / "dragen", tmp_path / "out"
    reference.mkdir()
    out.mkdir()
    build = ("--build-hash-table=true", "--ht-reference", sample.fasta)
    built = run(tool("dragen", *build, "--output-directory", reference), path=path)
    assert built.returncode == 0, built.stderr
    rows = [["RGID", "RGSM", "RGLB", "Lane", "Read1File", "Read2File"]]
    rows += [
        [lane, "S1", "lib", lane[-1], *map(str, mates)] for lane, mates in sample.lanes.items()
    ]
    with (tmp_path / "list.csv").open("w", newline="") as handle:
        csv.writer(handle).writerows(rows)
    ended = run(
        tool(
            *("dragen", "-r", reference, "--fastq-list", tmp_path / "list.csv"),
            *("--fastq-list-sample-id", "S1", "--enable-map-align-output", "true"),
            *("--enable-duplicate-marking", "true", "--output-file-prefix", "sample"),
            *("--output-directory", out, "--intermediate-results-dir", tmp_path),
        ),
        path=path,
    )
    assert ended.returncode == 0, ended.stderr
    stage = stage_of("germline-fpga", "dragen")
    shutil.move(out / "sample.mapping_metrics.csv", out / "mapping_metrics.csv")
    measured = measure(stage.measures, {path.name: path for path in out.iterdir()})
    assert measured.lanes == counts_of(out / "sample.bam")
    check_verdict(measured)
