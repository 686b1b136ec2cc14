"""The pipelines' own command lines, without the runner, against a plain script and the truth."""

import csv
import gzip
import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from local.demo.compare import compare, read_vcf
from local.demo.genome import Genome, Variant, haplotypes, make_genome, plant_variants
from local.demo.reads import Lane, write_lane
from seqdrop.domain.letters import CODE_BASES
from seqdrop.domain.measures import read_measures
from tests.stage_support import (
    Sample,
    align,
    human_sample,
    indexed,
    loaded_from_elsewhere,
    measles_sample,
    read_group,
    run_stage,
    stage_of,
)
from tests.tools_support import SHARED_DATA, native, run, shims, tool

HAS_NATIVE = all(native(program) for program in ("bwa", "samtools", "bcftools"))
needs_native = pytest.mark.skipif(not HAS_NATIVE, reason="native bwa and samtools are not here")
needs_data = pytest.mark.skipif(not SHARED_DATA.is_dir(), reason="the real data are not here")

ALLELES_AND_GENOTYPES = "%CHROM %POS %REF %ALT [%GT]\n"
WITHOUT_MARKING = """\
set -eu
bwa mem -R "$4" "$1" "$2" "$3" | samtools sort -o reads.bam -
bcftools mpileup -Ou -d 10000 -L 10000 -f "$1" reads.bam | bcftools call -mv -Ou \
    | bcftools norm -f "$1" -Ov -o calls.vcf -
"""
WITH_MARKING = """\
set -eu
bwa mem -R "$4" "$1" "$2" "$3" | samtools fixmate -m - - | samtools sort -o sorted.bam -
samtools markdup -S sorted.bam reads.bam
bcftools mpileup -Ou -d 10000 -L 10000 -f "$1" reads.bam | bcftools call -mv -Ou \
    | bcftools norm -f "$1" -Ov -o calls.vcf -
"""


@pytest.fixture(scope="module")
def measles(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    return measles_sample(tmp_path_factory.mktemp("measles"))


@pytest.fixture(scope="module")
def human(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    return human_sample(tmp_path_factory.mktemp("human"))


@dataclass(frozen=True)
class Simulated:
    """Two lanes of a genome at 30×, and what was planted in it."""

    genome: Genome
    planted: list[Variant]
    sample: Sample


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Simulated:
    folder = tmp_path_factory.mktemp("simulated")
    genome = make_genome(5, {"chr1": 150_000, "chr2": 50_000})
    planted = plant_variants(genome, 5)
    chromosomes = haplotypes(genome, planted, 5)
    lanes = {}
    for number in (1, 2):
        files = folder / f"{number}_R1.fastq.gz", folder / f"{number}_R2.fastq.gz"
        write_lane(chromosomes, files, Lane("FC", number), depth=15, seed=5)
        lanes[f"FC.{number}"] = files
    return Simulated(genome, planted, indexed(folder, genome.fasta().encode(), lanes))


def native_calls(sample: Sample, script: str, folder: Path) -> bytes:
    """What the plain script calls with the native tools on a sample of one lane."""
    ((lane, mates),) = sample.lanes.items()
    words: Sequence[str | Path] = (sample.fasta, *mates, read_group(lane))
    subprocess.run(["sh", "-c", script, "sh", *map(str, words)], cwd=folder, check=True)
    return run(["bcftools", "query", "-f", ALLELES_AND_GENOTYPES, str(folder / "calls.vcf")]).stdout


def germline_cpu(sample: Sample, folder: Path, path: Path | None, *, mark: bool) -> Path:
    """The calls of the pipeline's `align` and `call`."""
    align(sample, folder, path, {"mark_duplicates": mark, "keep_duplicates": not mark})
    run_stage(stage_of("germline-cpu", "call"), sample, folder, {}, path)
    return folder / "out" / "variants.vcf.gz"


@needs_native
@needs_data
@pytest.mark.parametrize("name", ["measles", "human"])
@pytest.mark.parametrize("mark", [False, True], ids=["keep", "mark"])
@pytest.mark.parametrize("tools", ["native", "pypi"])
def test_calls_equal_those_of_a_plain_script_of_native_tools(
    request: pytest.FixtureRequest, tmp_path: Path, name: str, mark: bool, tools: str
) -> None:
    sample: Sample = request.getfixturevalue(name)
    expected = native_calls(sample, WITH_MARKING if mark else WITHOUT_MARKING, tmp_path)
    path = shims(tmp_path / "bin") if tools == "pypi" else None
    vcf = germline_cpu(sample, tmp_path, path, mark=mark)
    assert (
        run(tool("bcftools", "query", "-f", ALLELES_AND_GENOTYPES, vcf)).stdout == expected != b""
    )


@needs_data
def test_all_true_snps_of_na12878_are_called(human: Sample, tmp_path: Path) -> None:
    (truth,) = (SHARED_DATA / "na12878-chr22").glob("*.vcf")
    vcf = germline_cpu(human, tmp_path, shims(tmp_path / "bin"), mark=True)
    rows = [
        run(tool("bcftools", "query", "-f", "%POS %REF %ALT\n", f)).stdout for f in (truth, vcf)
    ]
    true, called = (set(row.splitlines()) for row in rows)
    assert len(true) == 14
    assert true <= called


def test_planted_variants_are_found_on_cpu(simulated: Simulated, tmp_path: Path) -> None:
    vcf = germline_cpu(simulated.sample, tmp_path, shims(tmp_path / "bin"), mark=True)
    for score in compare(simulated.planted, read_vcf(vcf, simulated.genome)):
        assert score.recall >= 0.99, score
        assert score.precision >= 0.99, score


def write_fastq_list(sample: Sample, path: Path) -> None:
    """The list that the runner writes beside the files."""
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("RGID", "RGSM", "RGLB", "Lane", "Read1File", "Read2File"))
        for lane, mates in sample.lanes.items():
            rows.writerow((lane, "S1", "lib", lane.split(".")[1], *mates))


def on_fpga(pipeline: str, sample: Sample, folder: Path, **variables: bool) -> Path:
    """The calls of `dragen`, by the stand-in with the reference that it built, and `variants`."""
    path = shims(folder / "bin")
    run_stage(stage_of("references", "dragen"), sample, folder, {}, path)
    reference = folder / "ref"
    reference.unlink()
    (folder / "out").rename(reference)
    for name in ("callable.bed", "targets.bed", "iupac.bed", "genome.fa", "genome.fa.fai"):
        if (sample.ref / name).exists():
            shutil.copy(sample.ref / name, reference)
    (folder / "tmp").mkdir(exist_ok=True)
    write_fastq_list(sample, folder / "tmp" / "fastq_list.csv")
    ready = Sample(reference, sample.lanes)
    stage = stage_of(pipeline, "dragen")
    run_stage(stage, ready, folder, {**variables}, path)
    (folder / "out").rename(folder / "in")
    for output in stage.outputs:
        if output.source:
            os.link(folder / output.source.format(tmp="tmp"), folder / "in" / output.name)
    run_stage(stage_of(pipeline, "variants"), ready, folder, {**variables}, path)
    for name in ("variants.vcf.gz", "variants.g.vcf.gz"):
        vcf = folder / "out" / name
        header = run(tool("bcftools", "view", "-h", "--no-version", vcf)).stdout.decode()
        assert '##seqdrop=<ID=run,pipeline="p",version="0",run="k",stage="s"' in header
        assert run(tool("bcftools", "index", "--stats", vcf)).returncode == 0
    return folder / "out" / "variants.vcf.gz"


def test_planted_variants_are_found_by_the_dragen_stand_in(
    simulated: Simulated, tmp_path: Path
) -> None:
    vcf = on_fpga(
        "germline-fpga", simulated.sample, tmp_path, mark_duplicates=True, whole_genome=True
    )
    for score in compare(simulated.planted, read_vcf(vcf, simulated.genome)):
        assert score.recall >= 0.99, score
        assert score.precision >= 0.99, score


def test_the_exome_is_called_in_its_targets_alone(simulated: Simulated, tmp_path: Path) -> None:
    folder = tmp_path / "reference"
    folder.mkdir()
    for file in simulated.sample.ref.iterdir():
        os.link(file, folder / file.name)
    (folder / "targets.bed").write_text("chr1\t10000\t30000\nchr2\t1000\t9000\n")
    lanes = dict(list(simulated.sample.lanes.items())[:1])
    vcf = on_fpga("exome-fpga", Sample(folder, lanes), tmp_path, targets=True)
    called = read_vcf(vcf, simulated.genome)
    assert len(called) > 30
    for variant in called:
        low, high = {"chr1": (10_000, 30_000), "chr2": (1_000, 9_000)}[variant.contig]
        assert low < variant.position <= high


def test_an_fpga_runs_report_has_the_plots_and_its_alignment_a_fingerprint(
    simulated: Simulated, tmp_path: Path
) -> None:
    pipeline = "germline-fpga"
    vcf = on_fpga(pipeline, simulated.sample, tmp_path, mark_duplicates=True, whole_genome=True)
    for name in stage_of(pipeline, "report").inputs:
        if (tmp_path / "out" / name).exists():
            shutil.copy(tmp_path / "out" / name, tmp_path / "in")
    called = read_vcf(vcf, simulated.genome)
    shutil.rmtree(tmp_path / "out")
    shutil.rmtree(tmp_path / "tmp")
    ready, path = Sample(tmp_path / "ref", {}), tmp_path / "bin"
    run_stage(stage_of(pipeline, "report"), ready, tmp_path, {}, path)
    page = (tmp_path / "out" / "report.html").read_text()
    plots = (
        "depth_plot",
        "dragen_fragment_length",
        "dragen_fastqc_per_base_sequence_quality_plot",
        "bcftools-stats_variant_quality_plot",
    )
    for plot in plots:
        assert f'id="{plot}"' in page, plot
    assert "Simulated: false" in page, "as this test says in the runner's place"
    assert str(tmp_path) not in page
    assert loaded_from_elsewhere(page) == []

    snps = [v for v in called if len(v.ref) == len(v.alt) == 1]
    (tmp_path / "ref" / "fingerprint.vcf").write_text(
        "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
        + "".join(f"{v.contig}\t{v.position}\t.\t{v.ref}\t{v.alt}\t.\t.\tAF=0.5\n" for v in snps)
    )
    run_stage(stage_of(pipeline, "identity"), ready, tmp_path, {}, path)
    found = json.loads((tmp_path / "out" / "fingerprint.json").read_bytes())["genotypes"]
    genotypes = {"het": "0/1", "hom": "1/1"}
    planted = {":".join(map(str, v.allele)): genotypes[v.genotype] for v in simulated.planted}
    shared = found.keys() & planted.keys()
    assert len(shared) > 200
    assert sum(found[site] == planted[site] for site in shared) > 0.98 * len(shared)


def test_dragens_calls_are_normalised_and_know_the_references_codes(
    simulated: Simulated, tmp_path: Path
) -> None:
    """Records as another caller may write them: an indel to the right of where it may lie."""
    bases = simulated.genome.contigs["chr1"]
    run_start = next(i for i in range(1000, 90_000) if len(set(bases[i : i + 6])) == 1)
    letter = bases[run_start]
    while bases[run_start - 1] == letter:
        run_start -= 1
    run_end = run_start
    while bases[run_end] == letter:
        run_end += 1
    coded = run_end + 500
    code, other = next(
        (code, stands.replace(bases[coded], ""))
        for code, stands in CODE_BASES.items()
        if len(stands) == 2 and bases[coded] in stands
    )
    deletion = f"{run_end - 1}\t.\t{letter}{letter}\t{letter}"
    rows = [
        f"chr1\t{deletion}\t50\tPASS\t.\tGT\t0/1",
        f"chr1\t{coded + 1}\t.\t{bases[coded]}\t{other}\t50\tPASS\t.\tGT\t0/1",
        f"chr1\t{coded + 9}\t.\t{bases[coded + 8]}\t<NON_REF>\t.\t.\t.\tGT\t0/0",
    ]
    header = (
        "##fileformat=VCFv4.2\n"
        f"##contig=<ID=chr1,length={len(bases)}>\n"
        '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">\n'
        "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS1\n"
    )
    folder = tmp_path / "reference"
    folder.mkdir()
    for file in simulated.sample.ref.iterdir():
        os.link(file, folder / file.name)
    (folder / "iupac.bed").write_text(f"chr1\t{coded}\t{coded + 1}\t{code}\n")
    (tmp_path / "in").mkdir()
    for name, kept in (("dragen.vcf.gz", rows[:2]), ("dragen.g.vcf.gz", rows)):
        text = header + "\n".join(kept) + "\n"
        run(tool("bcftools", "view", "-Oz", "-o", tmp_path / "in" / name), given=text.encode())
    stage, path = stage_of("germline-fpga", "variants"), shims(tmp_path / "bin")
    run_stage(stage, Sample(folder, {}), tmp_path, {"iupac": True}, path)
    query = tool(
        "bcftools", "query", "-f", "%POS %REF %ALT %FILTER\n", tmp_path / "out" / "variants.vcf.gz"
    )
    before = bases[run_start - 1]
    assert run(query).stdout.decode().splitlines() == [
        f"{run_start} {before}{letter} {before} PASS",
        f"{coded + 1} {bases[coded]} {other} RefCode",
    ]
    counts = read_measures("calls", (tmp_path / "out" / "calls.json").read_bytes())
    assert counts == {"calls_passed": 1, "calls_filtered": 1, "calls_at_codes": 1}
    blocks = run(tool("bcftools", "view", "-H", tmp_path / "out" / "variants.g.vcf.gz")).stdout
    assert blocks.decode().splitlines() == rows


def test_dragens_files_give_the_figures_that_other_tools_find(
    simulated: Simulated, tmp_path: Path
) -> None:
    on_fpga("germline-fpga", simulated.sample, tmp_path, mark_duplicates=True, whole_genome=True)
    figures: dict[str, float] = {}
    stage = stage_of("germline-fpga", "dragen")
    names = {output.name: output.source for output in stage.outputs}
    for name, kind in stage.measures.items():
        figures |= read_measures(kind, (tmp_path / names[name].format(tmp="tmp")).read_bytes())
    for name, kind in stage_of("germline-fpga", "variants").measures.items():
        figures |= read_measures(kind, (tmp_path / "out" / name).read_bytes())
    bam = tmp_path / "tmp" / "dragen" / "sample.bam"
    counted = run(tool("samtools", "flagstat", "-O", "json", bam)).stdout
    theirs = read_measures("flagstat", counted)
    assert {name: figures[name] for name in theirs} == theirs
    stats = read_measures("samtools-stats", run(tool("samtools", "stats", bam)).stdout)
    for name in ("q30_bases", "insert_size_median"):
        assert figures[name] == stats[name]
    lengths = simulated.genome.contigs
    scope = "".join(f"{contig}\t0\t{len(bases)}\n" for contig, bases in lengths.items())
    (tmp_path / "scope.bed").write_text(scope)
    options = ["--mapq", "20", "--no-per-base", "--by", tmp_path / "scope.bed"]
    options += ["--thresholds", "1,10,20,30", tmp_path / "d", bam]
    assert run(tool("mosdepth", *options)).returncode == 0
    total = (tmp_path / "d.mosdepth.summary.txt").read_text().splitlines()[-1].split("\t")
    assert figures["mean_depth"] == pytest.approx(float(total[3]), abs=0.01)
    thresholds = gzip.decompress((tmp_path / "d.thresholds.bed.gz").read_bytes()).decode()
    reached = [list(map(int, row.split("\t")[4:])) for row in thresholds.splitlines()[1:]]
    length = sum(len(bases) for bases in lengths.values())
    for least, bases in zip((1, 10, 20, 30), map(sum, zip(*reached, strict=True)), strict=True):
        assert figures[f"breadth_{least}x"] == pytest.approx(bases / length, abs=1e-4)
    assert figures["snps"] == figures["transitions"] + figures["transversions"] > 100
