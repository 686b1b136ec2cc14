"""The samtools and bcftools stand-ins: in pipes, their exit codes, their messages."""

import signal
import subprocess
from pathlib import Path

import pytest

from tests.tools_support import (
    PlantedGenome,
    environment,
    native,
    pipe,
    planted_genome,
    run,
    tool,
    write_pairs,
)


@pytest.fixture(scope="module")
def genome(tmp_path_factory: pytest.TempPathFactory) -> PlantedGenome:
    return planted_genome(tmp_path_factory.mktemp("genome"))


@pytest.fixture(scope="module")
def bam(genome: PlantedGenome) -> Path:
    """Mapped, sorted and marked in one pipe of stand-ins, from bwa to the file."""
    folder = genome.fasta.parent
    assert run(tool("bwa", "index", genome.fasta)).returncode == 0
    mates = write_pairs(folder, "s", genome.sample, pairs=1500, seed=4)
    target = folder / "s.bam"
    pipe(
        tool("bwa", "mem", "-R", "@RG\\tID:x\\tSM:s", genome.fasta, *mates),
        tool("samtools", "sort", "-n", "-u", "-"),
        tool("samtools", "fixmate", "-m", "-u", "-", "-"),
        tool("samtools", "sort", "-@", "1", "-u", "-"),
        tool("samtools", "markdup", "-", target),
    )
    assert run(tool("samtools", "index", target)).returncode == 0
    return target


@pytest.fixture(scope="module")
def vcf(genome: PlantedGenome, bam: Path) -> Path:
    target = bam.with_suffix(".vcf.gz")
    pipe(
        tool("bcftools", "mpileup", "-Ou", "-f", genome.fasta, bam),
        tool("bcftools", "call", "-mv", "-Ou"),
        tool("bcftools", "norm", "-f", genome.fasta, "-Oz", "-o", target, "-"),
    )
    assert run(tool("bcftools", "index", "-t", target)).returncode == 0
    return target


def test_planted_snps_come_out_of_the_pipes(genome: PlantedGenome, vcf: Path) -> None:
    text = pipe(tool("bcftools", "query", "-f", "%POS %REF %ALT\n", vcf)).decode()
    found = {int(p): (r, a) for p, r, a in (line.split() for line in text.splitlines())}
    assert found == genome.snps


def test_binary_output_larger_than_a_pipe_arrives_whole(bam: Path) -> None:
    uncompressed = pipe(tool("samtools", "view", "-u", bam))
    assert len(uncompressed) > 500_000
    again = run(tool("samtools", "view", "-"), given=uncompressed).stdout
    assert again.count(b"\n") == 3_000
    assert run(tool("samtools", "view", "-c", "-"), given=uncompressed).stdout == b"3000\n"


@pytest.mark.parametrize(
    "words",
    [
        ["flagstat"],
        ["idxstats"],
        ["stats"],
        ["coverage"],
        ["view", "-H", "--no-PG"],
        ["view"],
        ["quickcheck"],
        ["depth"],
    ],
)
def test_samtools_prints_what_the_native_one_prints(bam: Path, words: list[str]) -> None:
    samtools = native("samtools")
    if samtools is None:
        pytest.skip("native samtools is not installed")
    ours, theirs = run(tool("samtools", *words, bam)), run([samtools, *words, str(bam)])
    assert ours.returncode == theirs.returncode == 0

    def comparable(text: bytes) -> list[str]:
        lines = text.decode().splitlines()
        return [line for line in lines if line[:2] in ("SN", "MQ", "@S", "@R") or "\t" in line][:9]

    if words == ["stats"]:
        assert ours.stdout.startswith(b"# This file was produced by samtools stats")
    else:
        assert comparable(ours.stdout) == comparable(theirs.stdout)


def test_files_made_by_every_other_subcommand_are_whole(
    genome: PlantedGenome, bam: Path, vcf: Path, tmp_path: Path
) -> None:
    cram, merged, bcf = tmp_path / "s.cram", tmp_path / "m.bam", tmp_path / "s.bcf"
    for command in (
        tool("samtools", "faidx", genome.fasta),
        tool("samtools", "dict", "-o", tmp_path / "g.dict", genome.fasta),
        tool("samtools", "view", "-C", "-T", genome.fasta, "-o", cram, bam),
        tool("samtools", "index", cram),
        tool("samtools", "quickcheck", cram, bam),
        tool("samtools", "merge", "-o", merged, bam, bam),
        tool("bcftools", "view", "-Ob", "-o", bcf, vcf),
        tool("bcftools", "index", bcf),
        tool("bcftools", "concat", "-a", "-Oz", "-o", tmp_path / "c.vcf.gz", vcf, bcf),
        tool("bcftools", "isec", "-p", tmp_path / "isec", vcf, bcf),
        tool("bcftools", "stats", vcf),
    ):
        ended = run(command)
        assert ended.returncode == 0, ended.stderr
    assert run(tool("samtools", "view", "-c", merged)).stdout == b"6000\n"
    assert (tmp_path / "isec" / "0002.vcf").read_text().count("\tPASS\t") == 0
    both = run(tool("bcftools", "view", "-H", tmp_path / "isec" / "0002.vcf")).stdout
    assert both.count(b"\n") == len(genome.snps)


def test_reference_blocks_come_back_from_convert(
    genome: PlantedGenome, bam: Path, tmp_path: Path
) -> None:
    gvcf = pipe(
        tool("bcftools", "mpileup", "-Ou", "-a", "FORMAT/DP", "-f", genome.fasta, bam),
        tool("bcftools", "call", "-m", "-g", "1,5", "-Ov"),
    )
    path = tmp_path / "g.vcf"
    path.write_bytes(gvcf)
    sites = run(tool("bcftools", "convert", "--gvcf2vcf", "-f", genome.fasta, path)).stdout
    assert sites.count(b"\n") > gvcf.count(b"\n") + 5_000


def test_a_consequence_is_found_in_a_gene(genome: PlantedGenome, vcf: Path, tmp_path: Path) -> None:
    gff = tmp_path / "g.gff3"
    ids = "ID=transcript:t;Parent=gene:g;biotype=protein_coding"
    gff.write_text(
        "##gff-version 3\n"
        "chr1\tx\tgene\t300\t1199\t.\t+\t.\tID=gene:g;Name=G;biotype=protein_coding\n"
        f"chr1\tx\tmRNA\t300\t1199\t.\t+\t.\t{ids}\n"
        "chr1\tx\texon\t300\t1199\t.\t+\t.\tParent=transcript:t\n"
        "chr1\tx\tCDS\t300\t1199\t.\t+\t0\tParent=transcript:t\n"
    )
    words = ["-p", "a", "-f", genome.fasta, "-g", gff, vcf]
    ended = run(tool("bcftools", "csq", *words))
    assert ended.returncode == 0, ended.stderr
    assert b"BCSQ=" in ended.stdout


@pytest.mark.parametrize(
    ("name", "words", "message"),
    [
        ("samtools", ["view", "nosuch.bam"], b"nosuch.bam"),
        ("samtools", ["nosuch"], b"unrecognized command"),
        ("bcftools", ["view", "nosuch.vcf"], b"nosuch.vcf"),
        ("bcftools", ["nosuch"], b"unrecognized command"),
    ],
)
def test_errors_are_told_on_standard_error(name: str, words: list[str], message: bytes) -> None:
    ended = run(tool(name, *words))
    assert ended.returncode != 0
    assert ended.stdout == b""
    assert message in ended.stderr


def test_truncated_input_fails(bam: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.bam"
    cut.write_bytes(bam.read_bytes()[:-5_000])
    assert run(tool("samtools", "quickcheck", cut)).returncode != 0
    assert run(tool("samtools", "sort", "-o", tmp_path / "o.bam", cut)).returncode != 0


@pytest.mark.parametrize("name", ["samtools", "bcftools"])
def test_the_version_is_told(name: str) -> None:
    ended = run(tool(name, "--version"))
    assert ended.returncode == 0
    assert ended.stdout.startswith(f"{name} 1.".encode())


def test_a_reader_that_leaves_ends_it(bam: Path) -> None:
    child = subprocess.Popen(
        tool("samtools", "view", "-h", bam), stdout=subprocess.PIPE, env=environment()
    )
    assert child.stdout is not None
    child.stdout.readline()
    child.stdout.close()
    assert child.wait() in (-signal.SIGPIPE, 1)


def test_a_full_disk_is_an_error(vcf: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(
            tool("bcftools", "query", "-f", "%POS\n", vcf),
            stdout=full,
            stderr=subprocess.DEVNULL,
            check=False,
            env=environment(),
        )
    assert ended.returncode != 0
