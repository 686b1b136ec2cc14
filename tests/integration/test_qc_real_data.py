"""Each metric of real samples against a value that was computed another way."""

import gzip
import json
import os
import shutil
import statistics
import subprocess
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pysam
import pytest

from runner.outputs import measure
from seqdrop.domain.metrics import metrics_of
from seqdrop.domain.plan import StageResult
from seqdrop.domain.qc import Verdict, judge
from tests.stage_support import (
    Sample,
    align,
    human_sample,
    loaded_from_elsewhere,
    measles_sample,
    run_stage,
    stage_of,
)
from tests.tools_support import SHARED_DATA, environment, native, run, shims, tool

pytestmark = pytest.mark.skipif(not SHARED_DATA.is_dir(), reason="the real data are not here")
MARKED: dict[str, bool | str] = {"mark_duplicates": True}
TARGETS = ((100, 800, "A"), (500, 1_000, "B"), (11_000, 12_300, "C"))
QC_FILES = ("samtools_stats.txt", "depth.json", "depth_distribution.txt", "targets.tsv")


@dataclass(frozen=True)
class Measured:
    """A sample that went through align, call and qc."""

    sample: Sample
    folder: Path
    figures: dict[str, float]
    counts: dict[str, int]

    @property
    def bam(self) -> Path:
        return self.folder / "in" / "alignment.bam"

    @property
    def metrics(self) -> dict[str, float]:
        result = StageResult("all", "k", (), {}, self.counts, self.figures)
        return metrics_of([result], duplicates_marked=True)

    def reads(self) -> list[pysam.AlignedSegment]:
        """Primary records."""
        with pysam.AlignmentFile(str(self.bam)) as bam:
            return [r for r in bam if not r.is_secondary and not r.is_supplementary]

    @property
    def length(self) -> int:
        with pysam.AlignmentFile(str(self.bam)) as bam:
            return int(bam.lengths[0])


def fastq_reads(sample: Sample) -> list[tuple[str, str]]:
    """Bases and qualities of all reads."""
    found = []
    for path in (path for mates in sample.lanes.values() for path in mates):
        opened = gzip.open if path.suffix == ".gz" and path.read_bytes()[:1] == b"\x1f" else open
        with opened(path, "rt") as file:
            lines = [line.rstrip("\n") for line in file]
        found += list(zip(lines[1::4], lines[3::4], strict=True))
    return found


def counted(sample: Sample) -> dict[str, int]:
    """What the runner counts."""
    reads = fastq_reads(sample)
    return {"reads_in": len(reads), "bases_in": sum(len(bases) for bases, _ in reads)}


def analyse(sample: Sample, folder: Path, variables: dict[str, bool | str], threads: int) -> None:
    """Run the stages: outputs of align are in `in`, those of call and qc in `out`."""
    path = shims(folder / "bin")
    align(sample, folder, path, variables, threads=threads)
    for name in ("call", "qc"):
        run_stage(stage_of("germline-cpu", name), sample, folder, variables, path, threads=threads)


def figures_of(folder: Path) -> dict[str, float]:
    figures: dict[str, float] = {}
    for name, where in (("align", "in"), ("call", "out"), ("qc", "out")):
        stage = stage_of("germline-cpu", name)
        outputs = [output.name for output in stage.outputs if not output.when]
        files = {name: folder / where / name for name in outputs if not name.endswith("/")}
        figures |= measure(stage.measures, files).metrics
    return figures


@pytest.fixture(scope="module", params=["measles", "human"])
def measured(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Measured:
    folder = tmp_path_factory.mktemp(request.param)
    make = measles_sample if request.param == "measles" else human_sample
    (folder / "made").mkdir()
    sample = make(folder / "made")
    analyse(sample, folder, MARKED, threads=2)
    return Measured(sample, folder, figures_of(folder), counted(sample))


def fragment_depths(bam: Path, length: int, contig: str) -> list[int]:
    """How many names lie over each base: slow, and nothing like mosdepth."""
    over: list[set[str]] = [set() for _ in range(length)]
    with pysam.AlignmentFile(str(bam)) as alignment:
        for read in alignment.fetch(contig):
            if (
                read.mapping_quality < 20
                or read.is_duplicate
                or read.is_qcfail
                or read.is_secondary
            ):
                continue
            # Mates of an improper pair are fragments of their own.
            name = f"{read.query_name}{'' if read.is_proper_pair else read.flag & 0xC0}"
            for position in read.get_reference_positions():
                over[position].add(name)
    return [len(names) for names in over]


def depths_of(found: Measured) -> list[int]:
    with pysam.AlignmentFile(str(found.bam)) as bam:
        return fragment_depths(found.bam, bam.lengths[0], bam.references[0])


def test_depth_and_breadth_are_those_of_a_plain_count_of_fragments(measured: Measured) -> None:
    depths = depths_of(measured)
    assert measured.metrics["mean_depth"] == pytest.approx(statistics.mean(depths), abs=0.005)
    for least in (1, 10, 20, 30):
        share = sum(depth >= least for depth in depths) / len(depths)
        assert measured.metrics[f"breadth_{least}x"] == pytest.approx(share, abs=5e-5)
    assert measured.metrics["reporting_breadth"] == measured.metrics["breadth_20x"]


def test_pairs_and_duplicates_are_those_of_the_flags(measured: Measured) -> None:
    reads = measured.reads()
    both = [r for r in reads if not r.is_unmapped and not r.mate_is_unmapped]
    metrics = measured.metrics
    assert metrics["reads"] == len(reads) > 2_000
    assert metrics["mapped_fraction"] == round(
        sum(not r.is_unmapped for r in reads) / len(reads), 4
    )
    assert metrics["duplicate_fraction"] == round(
        sum(r.is_duplicate for r in reads) / len(reads), 4
    )
    proper = sum(r.is_proper_pair for r in both)
    assert metrics["properly_paired_fraction"] == round(proper / len(both), 4)


def test_the_insert_size_is_the_median_of_pairs(measured: Measured) -> None:
    sizes = [
        r.template_length
        for r in measured.reads()
        if r.template_length > 0 and not r.is_unmapped and not r.mate_is_unmapped
        and r.template_length < 8_000
    ]  # fmt: skip
    assert measured.metrics["insert_size_median"] == pytest.approx(statistics.median(sizes), abs=1)


def test_mates_on_one_strand_are_counted_by_their_flags(measured: Measured) -> None:
    pairs = [
        (r.is_reverse, r.mate_is_reverse)
        for r in measured.reads()
        if not r.is_unmapped and not r.mate_is_unmapped and 0 < r.template_length < 8_000
    ]
    share = sum(one == other for one, other in pairs) / len(pairs)
    assert measured.metrics["same_strand_fraction"] == pytest.approx(share, abs=1e-3)
    assert share < 0.05


def test_a_virus_whose_r2_belongs_to_other_reads_is_seen_by_the_strands(tmp_path: Path) -> None:
    """Its mates lie near each other whatever they are, so that most pairs look proper."""
    (tmp_path / "made").mkdir()
    sample = measles_sample(tmp_path / "made")
    ((lane, (r1, r2)),) = sample.lanes.items()
    content = r2.read_bytes()
    text = gzip.decompress(content) if content[:1] == b"\x1f" else content
    lines = text.splitlines(keepends=True)
    records = [lines[begin : begin + 4] for begin in range(0, len(lines), 4)]
    others = records[100:] + records[:100]
    mixed = tmp_path / "mixed_R2.fastq"
    mixed.write_bytes(
        b"".join(own[0] + b"".join(two[1:]) for own, two in zip(records, others, strict=True))
    )
    swapped = Sample(sample.ref, {lane: (r1, mixed)})
    analyse(swapped, tmp_path, MARKED, threads=2)
    result = StageResult("qc", "k", (), {}, counted(swapped), figures_of(tmp_path))
    metrics = metrics_of([result], duplicates_marked=True)
    assert metrics["properly_paired_fraction"] > 0.1, "the floor of proper pairs does not see it"
    assert metrics["same_strand_fraction"] == pytest.approx(0.5, abs=0.1)
    verdict, lines_of_qc = judge(metrics, {})
    assert verdict is Verdict.FAIL
    assert any("R1 and R2 are not each other's mates" in line for line in lines_of_qc)


def test_qualities_composition_and_errors_are_those_of_the_reads(measured: Measured) -> None:
    reads = fastq_reads(measured.sample)
    good = sum(quality >= "?" for _, qualities in reads for quality in qualities)
    letters = Counter("".join(bases for bases, _ in reads))
    total = sum(letters[base] for base in "ACGT")
    metrics = measured.metrics
    assert metrics["q30_fraction"] == round(good / measured.counts["bases_in"], 4)
    assert metrics["gc_fraction"] == round((letters["G"] + letters["C"]) / total, 4)
    mapped = [r for r in measured.reads() if not r.is_unmapped]
    aligned = sum(n for r in mapped for op, n in r.cigartuples or () if op in (0, 1, 7, 8))
    differ = sum(int(r.get_tag("NM")) for r in mapped)
    assert metrics["error_rate"] == pytest.approx(differ / aligned, abs=2e-4)


def test_variants_are_counted_as_in_the_vcf(measured: Measured) -> None:
    pairs = {("A", "G"), ("G", "A"), ("C", "T"), ("T", "C")}
    counts: Counter[str] = Counter()
    with pysam.VariantFile(str(measured.folder / "out" / "variants.vcf.gz")) as vcf:
        for record in vcf:
            if set(record.filter.keys()) - {"PASS"} or not record.alts or not record.ref:
                continue
            snp = any(len(alt) == len(record.ref) for alt in record.alts)
            counts["snps" if snp else "indels"] += 1
            for alt in record.alts if snp else ():
                counts["ts" if (record.ref, alt) in pairs else "tv"] += 1
            if snp:
                genotype = record.samples[0]["GT"]
                counts["hom" if len(set(genotype)) == 1 else "het"] += 1
    metrics = measured.metrics
    assert (metrics["snps"], metrics["indels"]) == (counts["snps"], counts["indels"])
    assert counts["snps"] >= 14
    assert metrics["ts_tv"] == round(counts["ts"] / counts["tv"], 4)
    if counts["hom"]:
        assert metrics["het_hom"] == round(counts["het"] / counts["hom"], 4)


def test_targets_are_listed_with_what_is_not_covered(measured: Measured, tmp_path: Path) -> None:
    depths, contig = depths_of(measured), (measured.sample.ref / "genome.fa").read_text().split()[0]
    ref = tmp_path / "ref"
    shutil.copytree(measured.sample.ref, ref)
    (tmp_path / "in").symlink_to(measured.folder / "in")
    name = contig.removeprefix(">")
    lines = [f"{name}\t{start}\t{end}\t{which}\n" for start, end, which in TARGETS]
    (ref / "targets.bed").write_text("".join(lines))
    on: dict[str, bool | str] = {"targets": True, "reporting_depth": "12"}
    run_stage(
        stage_of("germline-cpu", "qc"), measured.sample, tmp_path, on, shims(tmp_path / "bin")
    )
    metrics = json.loads((tmp_path / "out" / "depth.json").read_text())
    covered = [*range(100, 1_000), *range(11_000, 12_300)]
    inside = [depths[position] for position in covered]
    assert metrics["mean_depth"] == pytest.approx(statistics.mean(inside), abs=0.005)
    assert metrics["on_target_fraction"] == pytest.approx(sum(inside) / sum(depths), abs=5e-5)
    assert metrics["reporting_breadth"] == pytest.approx(
        sum(depth >= 12 for depth in inside) / len(inside), abs=5e-5
    )
    _check_table((tmp_path / "out" / "targets.tsv").read_text(), depths)
    below = (tmp_path / "out" / "below_depth.bed").read_text().splitlines()
    assert below[0] == "# target bases with a depth below 12: no variant there says nothing"
    listed = {which: set[int]() for _, _, which in TARGETS}
    for line in below[1:]:
        _, start, end, which = line.split("\t")
        listed[which].update(range(int(start), int(end)))
    for first, last, which in TARGETS:
        assert listed[which] == {n for n in range(first, last) if depths[n] < 12}


def _check_table(text: str, depths: list[int]) -> None:
    header, *rows = (line.split("\t") for line in text.splitlines())
    assert header[-2:] == ["breadth_12x", "bases_below_12x"]
    for row, (start, end, which) in zip(rows, TARGETS, strict=True):
        of_target = depths[start:end]
        below = sum(depth < 12 for depth in of_target)
        assert row[1:5] == [str(start), str(end), which, str(end - start)]
        assert float(row[5]) == pytest.approx(statistics.mean(of_target), abs=0.02)
        assert float(row[6]) == pytest.approx(1 - below / (end - start), abs=5e-5)
        assert int(row[7]) == below


def test_the_number_of_threads_changes_no_byte(measured: Measured, tmp_path: Path) -> None:
    again = tmp_path / "again"
    again.mkdir()
    analyse(measured.sample, again, MARKED, threads=4)
    one = {name: (measured.folder / "out" / name).read_bytes() for name in QC_FILES}
    assert {name: (again / "out" / name).read_bytes() for name in QC_FILES} == one
    name = "variant_stats.txt"
    assert (again / "out" / name).read_bytes() == (measured.folder / "out" / name).read_bytes()


def mosdepth(folder: Path, program: list[str], bam: Path, by: Path, env: dict[str, str]) -> Any:
    """What a mosdepth writes, by name, unpacked."""
    folder.mkdir()
    options = ["--mapq", "20", "--no-per-base", "--by", str(by)]
    options += ["--thresholds", "1,10,20,30,12", "--quantize", "0:12:"]
    subprocess.run([*program, *options, "d", str(bam)], cwd=folder, check=True, env=env)
    return {
        path.name: gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        for path in folder.iterdir()
        if path.suffix != ".csi"
    }


def native_environment(folder: Path) -> dict[str, str] | None:
    """Where the native mosdepth finds its library, which Debian keeps under another name."""
    program = native("mosdepth")
    if program is None:
        return None
    folder.mkdir()
    for library in Path("/usr/lib").glob("*/libhts.so.3"):
        (folder / "libhts.so").symlink_to(library)
    found = {**os.environ, "LD_LIBRARY_PATH": str(folder)}
    said = subprocess.run([program, "--version"], env=found, capture_output=True, check=False)
    return found if said.returncode == 0 else None


def test_our_mosdepth_writes_what_the_native_one_does(measured: Measured, tmp_path: Path) -> None:
    env = native_environment(tmp_path / "lib")
    if env is None:
        pytest.skip("the native mosdepth is not here")
    with pysam.AlignmentFile(str(measured.bam)) as bam:
        contig, length = bam.references[0], bam.lengths[0]
    by = tmp_path / "by.bed"
    by.write_text(f"{contig}\t0\t5000\n{contig}\t5000\t5001\n{contig}\t9000\t{length}\n")
    theirs = mosdepth(tmp_path / "theirs", ["mosdepth"], measured.bam, by, env)
    ours = mosdepth(tmp_path / "ours", tool("mosdepth"), measured.bam, by, environment())
    assert ours == theirs
    assert len(theirs) == 6


def test_contigs_without_a_read_count_as_not_covered(measured: Measured, tmp_path: Path) -> None:
    header = run(tool("samtools", "view", "--no-PG", "-h", measured.bam)).stdout.decode()
    head, _, records = header.partition("\n@SQ")
    sam = f"{head}\n@SQ\tSN:empty\tLN:{measured.length}\n@SQ{records}"
    (tmp_path / "in").mkdir()
    bam = tmp_path / "in" / "alignment.bam"
    run(tool("samtools", "view", "--no-PG", "-b", "-o", bam, "-"), given=sam.encode())
    run(tool("samtools", "index", bam))
    ref = tmp_path / "ref"
    ref.mkdir()
    whole = (measured.sample.ref / "callable.bed").read_text()
    (ref / "callable.bed").write_text(f"empty\t0\t{measured.length}\n{whole}")
    run_stage(
        stage_of("germline-cpu", "qc"), measured.sample, tmp_path, {}, shims(tmp_path / "bin")
    )
    metrics = json.loads((tmp_path / "out" / "depth.json").read_text())
    assert metrics["mean_depth"] == pytest.approx(measured.metrics["mean_depth"] / 2, abs=0.01)
    assert metrics["breadth_1x"] == pytest.approx(measured.metrics["breadth_1x"] / 2, abs=1e-4)


def test_the_report_is_one_page_that_loads_nothing(measured: Measured, tmp_path: Path) -> None:
    given = tmp_path / "in"
    given.mkdir()
    stage = stage_of("germline-cpu", "report")
    for name in stage.inputs:
        where = "in" if name == "flagstat.json" else "out"
        shutil.copy(measured.folder / where / name, given)
    run_stage(stage, measured.sample, tmp_path, {"assay": "panel"}, shims(tmp_path / "bin"))
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["report.html"]
    page = (tmp_path / "out" / "report.html").read_text()
    assert "<title>S1, panel: MultiQC Report</title>" in page
    assert str(tmp_path) not in page
    for plot in ("mosdepth-cumcoverage-dist-id", "samtools_insert_size", "base_quality_plot"):
        assert f'id="{plot}"' in page, plot
    assert loaded_from_elsewhere(page) == []
