"""Real reads through `seqdrop local up` and the stock AWS CLI, held against native tools."""

import gzip
import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pysam
import pytest

from tests.e2e.command import Command, up
from tests.lab import PROJECT, make_project, open_lab
from tests.tools_support import SHARED_DATA, native

MEASLES = SHARED_DATA / "measles"
NA12878 = SHARED_DATA / "na12878-chr22"
PLAIN_ASSAY = """
default: plain
assays:
  plain: {pipeline: germline-cpu, reference: measles, duplicates: none}
"""
READ_GROUP = "@RG\\tID:1\\tSM:Hm2"
ALIGN = 'bwa mem -K 100000000 -Y -R "$1" genome.fa r1.fastq.gz r2.fastq.gz'
CALL = """bcftools mpileup -d 10000 -L 10000 -f genome.fa aligned.bam | bcftools call -mv \\
    | bcftools norm -f genome.fa -Oz -o native.vcf.gz"""
MARKED = f"""set -o pipefail
bwa index genome.fa
{ALIGN} | samtools fixmate -m - - | samtools sort | samtools markdup -S - aligned.bam
{CALL}"""
UNMARKED = f"""set -o pipefail
bwa index genome.fa
{ALIGN} | samtools sort -o aligned.bam
{CALL}"""

pytestmark = pytest.mark.skipif(not SHARED_DATA.is_dir(), reason="the real data is not here")
needs_native = pytest.mark.skipif(
    not all(native(tool) for tool in ("bwa", "samtools", "bcftools")),
    reason="needs native bwa, samtools and bcftools",
)
Call = tuple[str, int, str, tuple[str, ...] | None, tuple[int | None, ...]]


@dataclass(frozen=True)
class Desk:
    """A user's desk: the command, and what `seqdrop local up` said when it was ready."""

    command: Command
    ready: dict[str, Any]

    def aws(self, *arguments: str) -> None:
        """The stock AWS CLI, as a lab's script calls it."""
        program = shutil.which("aws")
        if program is None:
            pytest.skip("needs the AWS CLI")
        keys = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "PYTHONPATH": ""}
        where = ["--endpoint-url", self.ready["endpoint"], "--region", self.ready["region"]]
        environment = self.command.environment | keys
        done = subprocess.run(
            [program, *where, *arguments],
            env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr

    def drop(self, folder: str, *paths: Path) -> None:
        """Copies files into the uploads bucket."""
        bucket = self.ready["outputs"]["UploadsBucket"]
        for path in paths:
            self.aws("s3", "cp", str(path), f"s3://{bucket}/{folder}/")

    def variants(self, sample: str) -> list[Call]:
        """The downloaded variants of a sample, once it is analysed."""
        self.command.good("wait", sample, "--timeout", "110")
        folder = self.command.folder / sample
        self.command.good("results", sample, "--download", str(folder))
        (found,) = folder.glob(f"{sample}.*.variants.vcf.gz")
        return calls(found)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """The command, with `seqdrop local up` running."""
    folder = tmp_path_factory.mktemp("desk")
    command = Command(folder)
    with up(command, folder / "runtime") as (_, ready):
        yield Desk(Command(folder, ready["endpoint"]), ready)


def calls(path: Path) -> list[Call]:
    """Contig, position, alleles and genotype of each variant."""
    with pysam.VariantFile(str(path)) as vcf:
        return [
            (record.chrom, record.pos, record.ref, record.alts, record.samples[0]["GT"])
            for record in vcf
        ]


def native_calls(folder: Path, script: str, fasta: Path, r1: Path, r2: Path) -> list[Call]:
    """What a plain shell script of native tools finds in the same files."""
    folder.mkdir()
    for source, name in ((fasta, "genome.fa"), (r1, "r1.fastq.gz"), (r2, "r2.fastq.gz")):
        shutil.copyfile(source, folder / name)
    subprocess.run(
        ["bash", "-c", script, "script", READ_GROUP], cwd=folder, check=True, capture_output=True
    )
    return calls(folder / "native.vcf.gz")


def write_manifest(path: Path, sample: str, reference: str, r1: Path, r2: Path) -> Path:
    """A manifest of one pair, beside its files."""
    files = [{"r1": r1.name, "r2": r2.name}]
    entry = {"sample": sample, "pipeline": "germline-cpu", "reference": reference, "files": files}
    path.write_text(json.dumps({"samples": [entry]}))
    return path


@needs_native
def test_measles_dropped_with_the_aws_cli_is_called_as_by_native_tools(
    desk: Desk, tmp_path: Path
) -> None:
    r1, r2 = sorted(MEASLES.glob("*.fastq.gz"))
    fasta = MEASLES / "measles.fa"
    desk.command.good("reference", "add", "measles", "1", str(fasta))
    early = write_manifest(tmp_path / "early.manifest.json", "Hm2-early", "measles", r1, r2)
    late = write_manifest(tmp_path / "late.manifest.json", "Hm2-late", "measles", r1, r2)
    desk.drop("early", early, r2, r1)
    desk.drop("late", r1, r2, late)
    expected = native_calls(tmp_path / "native", MARKED, fasta, r1, r2)
    assert len(expected) > 80
    assert desk.variants("Hm2-early") == expected
    assert desk.variants("Hm2-late") == expected
    assert_the_same_again(desk, "Hm2-late")


def assert_the_same_again(desk: Desk, sample: str) -> None:
    """A fresh run of the same files gives the same bytes, and its own place for downloads."""
    before = desk.command.ask("results", sample)
    desk.command.good("rerun", sample, "--fresh")
    desk.command.good("wait", sample, "--timeout", "110")
    folder = desk.command.folder / sample
    after = desk.command.ask("results", sample, "--download", str(folder))
    assert before["run"] != after["run"]
    sums = [
        {f["name"]: f["sha256"] for f in found["files"] if f["name"] != "report.html"}
        for found in (before, after)
    ]
    assert {"alignment.bam", "variants.vcf.gz", "variants.g.vcf.gz"} <= set(sums[0])
    assert sums[0] == sums[1]
    assert len(list(folder.glob("*variants.vcf.gz"))) == 2
    records = [json.loads(path.read_text()) for path in folder.glob("*.run.json")]
    assert sorted(record["attempt"] for record in records) == [1, 2]
    assert_names_everything(records[0])


def assert_names_everything(record: dict[str, Any]) -> None:
    """run.json has each input, part, image, tool and command line."""
    (pair,) = record["inputs"]
    for mate in (pair["r1"], pair["r2"]):
        assert mate["version_id"]
        assert mate["checksum"]
        assert mate["size"] > 0
    assert record["files"]["align"]
    assert all(len(part["sha256"]) == 64 for part in record["files"]["align"])
    assert record["images"].keys() == {"cpu", "report"}
    assert record["version"] and record["pipeline_digest"]
    align = record["results"]["align"]
    assert align["tools"].keys() >= {"bwa", "samtools"}
    assert any(
        line.startswith("bwa mem -t ") and "ref/genome.fa" in line for line in align["commands"]
    )


def test_na12878_made_back_into_fastq_gives_all_true_snps(desk: Desk, tmp_path: Path) -> None:
    bam = NA12878 / "NA12878.chr22.tiny.bam"
    grouped, r1, r2 = (tmp_path / name for name in ("grouped.bam", "NA_R1.fastq", "NA_R2.fastq"))
    pysam.samtools.collate("-o", str(grouped), str(bam), catch_stdout=False)
    pysam.samtools.fastq(
        "-n", "-1", str(r1), "-2", str(r2), "-0", "/dev/null", "-s", "/dev/null", str(grouped),
        catch_stdout=False,
    )  # fmt: skip
    zipped = [path.with_name(path.name + ".gz") for path in (r1, r2)]
    for plain, path in zip((r1, r2), zipped, strict=True):
        path.write_bytes(gzip.compress(plain.read_bytes()))
    desk.command.good("reference", "add", "q", "1", str(NA12878 / "q.fa"))
    manifest = write_manifest(tmp_path / "na.manifest.json", "NA12878", "q", *zipped)
    desk.drop("na12878", *zipped, manifest)
    found = {call[:4] for call in desk.variants("NA12878")}
    true = {call[:4] for call in calls(NA12878 / "NA12878.chr22.tiny.giab.vcf")}
    assert len(true) == 14
    assert true <= found


@needs_native
def test_without_marked_duplicates_measles_is_called_as_by_the_plainest_script(
    tmp_path: Path,
) -> None:
    r1, r2 = sorted(MEASLES.glob("*.fastq.gz"))
    fasta = MEASLES / "measles.fa"
    names = ("germline-cpu.yaml", "references.yaml")
    pipelines = {name: (PROJECT / "pipelines" / name).read_text() for name in names}
    pipelines["assays.yaml"] = PLAIN_ASSAY
    (tmp_path / "project").mkdir()
    project = make_project(tmp_path / "project", pipelines)
    with open_lab(tmp_path / "runtime", project=project) as lab:
        lab.add_reference("measles", fasta.read_bytes())
        lab.drop("Hm2_R1.fastq.gz", r1.read_bytes())
        lab.drop("Hm2_R2.fastq.gz", r2.read_bytes())
        lab.wait_for("Hm2", "plain", "ANALYSED", seconds=110)
        (call,) = (s for s in lab.runs("Hm2", "plain")[-1].stages if s.stage == "call")
        vcf = tmp_path / "variants.vcf.gz"
        lab.client("s3").download_file(lab.results, f"{call.prefix}variants.vcf.gz", str(vcf))
    assert calls(vcf) == native_calls(tmp_path / "native", UNMARKED, fasta, r1, r2)
