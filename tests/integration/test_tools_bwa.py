"""The bwa stand-in against native bwa, and what it does with pipes and bad input."""

import gzip
import os
import random
import subprocess
import threading
from pathlib import Path

import pytest

from local.demo.genome import haplotypes, make_genome, plant_variants
from local.demo.reads import Lane, write_lane
from local.tools.bwa_align import Aligner
from local.tools.fastq_reads import read_chunks
from tests.tools_support import (
    SHARED_DATA,
    awkward_read,
    environment,
    native,
    random_bases,
    read_pair,
    reverse_complement,
    run,
    tool,
    write_fasta,
    write_fastq,
    write_pairs,
)

NATIVE_BWA = native("bwa")
needs_native_bwa = pytest.mark.skipif(NATIVE_BWA is None, reason="native bwa is not installed")


def records(sam: bytes, *, mate_quality: bool = True) -> list[str]:
    lines = [line for line in sam.decode().splitlines() if not line.startswith("@")]
    if mate_quality:
        return lines
    return ["\t".join(f for f in line.split("\t") if not f.startswith("MQ:i:")) for line in lines]


def assert_equal_to_native(prefix: Path, *arguments: object) -> list[str]:
    assert NATIVE_BWA is not None
    words = [str(argument) for argument in arguments]
    ours = run(tool("bwa", "mem", *words[:-2], prefix, *words[-2:]))
    theirs = run([NATIVE_BWA, "mem", *words[:-2], str(prefix), *words[-2:]])
    assert ours.returncode == theirs.returncode == 0, ours.stderr
    # MQ is the one tag that bwa wrote first in 0.7.18; older ones are installed too.
    has_mate_quality = b"\tMQ:i:" in theirs.stdout
    expected = records(theirs.stdout, mate_quality=has_mate_quality)
    assert records(ours.stdout, mate_quality=has_mate_quality) == expected
    return expected


def index(fasta: Path) -> Path:
    assert run(tool("bwa", "index", fasta)).returncode == 0
    return fasta


@pytest.fixture(scope="module")
def awkward(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """A genome with a repeat, and pairs with every kind of trouble."""
    folder = tmp_path_factory.mktemp("awkward")
    rng = random.Random(3)
    one, two = random_bases(rng, 40_000), random_bases(rng, 40_000)
    two = two[:20_000] + one[1_000:3_000] + two[20_000:]
    fasta = index(write_fasta(folder / "two.fa", {"one": one, "two": two}))
    pairs = [read_pair(rng, rng.choice((one, two))) for _ in range(5_000)]
    mates = [[awkward_read(rng, mate, one) for mate in pair] for pair in pairs]
    return (
        fasta,
        write_fastq(folder / "a_1.fq", [pair[0] for pair in mates]),
        write_fastq(folder / "a_2.fq.gz", [pair[1] for pair in mates]),
    )


@needs_native_bwa
@pytest.mark.parametrize(
    "options",
    [
        [],
        ["-K", "20000"],
        ["-t", "2", "-Y", "-K", "100001"],
        ["-M", "-K", "50000"],
        ["-I", "250,100,1000,1"],
        ["-I", "350"],
    ],
)
def test_awkward_simulated_pairs_align_as_with_native_bwa(
    awkward: tuple[Path, Path, Path], options: list[str]
) -> None:
    fasta, one, two = awkward
    lines = assert_equal_to_native(fasta, *options, "-R", "@RG\\tID:x\\tSM:s", one, two)
    flags = [int(line.split("\t")[1]) for line in lines]
    assert any(flag & 0x4 and not flag & 0x8 for flag in flags)  # only the mate is mapped
    assert any(flag & 0xC == 0xC for flag in flags)
    assert any(flag & 0x900 and flag & 0x10 for flag in flags)
    assert any(flag & 0x2 for flag in flags)
    assert any(not flag & 0x2 and not flag & 0xC for flag in flags)


@needs_native_bwa
def test_odd_insert_sizes_are_judged_as_native_bwa_does(tmp_path: Path) -> None:
    """Pairs in all orientations and a wide tail put many at the very bounds."""
    rng = random.Random(11)
    genome = random_bases(rng, 60_000)
    fasta = index(write_fasta(tmp_path / "g.fa", {"g": genome}))
    ones, twos = [], []
    for _ in range(3_000):
        insert = round(rng.gauss(300, 10)) if rng.random() < 0.8 else rng.randrange(110, 900)
        start = rng.randrange(len(genome) - insert)
        fragment = genome[start : start + insert]
        one, two = fragment[:100], reverse_complement(fragment[-100:])
        flipped = rng.random() < 0.2
        ones.append(reverse_complement(one) if flipped else one)
        twos.append(reverse_complement(two) if flipped and rng.random() < 0.5 else two)
    mates = write_fastq(tmp_path / "1.fq", ones), write_fastq(tmp_path / "2.fq", twos)
    assert_equal_to_native(fasta, "-K", "30000", *mates)


@needs_native_bwa
def test_lanes_of_a_simulated_person_align_as_with_native_bwa(tmp_path: Path) -> None:
    genome = make_genome(4, {"one": 60_000, "two": 40_000})
    people = haplotypes(genome, plant_variants(genome, 4), 4)
    (tmp_path / "g.fa").write_text(genome.fasta())
    fasta = index(tmp_path / "g.fa")
    for number in (1, 2):
        files = tmp_path / f"{number}_R1.fastq.gz", tmp_path / f"{number}_R2.fastq.gz"
        write_lane(people, files, Lane("FC", number), depth=8, seed=4)
        group = f"@RG\\tID:FC.{number}\\tPU:FC.{number}\\tLB:lib\\tSM:s\\tPL:ILLUMINA"
        options = ("-t", "2", "-K", "100000000", "-Y", "-R", group)
        lines = assert_equal_to_native(fasta, *options, *files)
        assert all(f"\tRG:Z:FC.{number}" in line for line in lines)


@needs_native_bwa
def test_single_reads_align_as_with_native_bwa(awkward: tuple[Path, Path, Path]) -> None:
    fasta, one, _ = awkward
    ours = run(tool("bwa", "mem", "-K", "30000", fasta, one))
    theirs = run([str(NATIVE_BWA), "mem", "-K", "30000", str(fasta), str(one)])
    assert records(ours.stdout) == records(theirs.stdout)


@needs_native_bwa
@pytest.mark.skipif(not SHARED_DATA.is_dir(), reason="the real data are not here")
def test_real_measles_pairs_align_as_with_native_bwa(tmp_path: Path) -> None:
    folder = SHARED_DATA / "measles"
    fasta = tmp_path / "measles.fa"
    fasta.write_bytes((folder / "measles.fa").read_bytes())
    index(fasta)
    mates = sorted(folder.glob("*.fastq.gz"))
    assert len(assert_equal_to_native(fasta, "-t", "2", *mates)) == 2998
    assert_equal_to_native(fasta, "-K", "5000", *mates)


@needs_native_bwa
@pytest.mark.skipif(not SHARED_DATA.is_dir(), reason="the real data are not here")
def test_real_human_pairs_align_as_with_native_bwa(tmp_path: Path) -> None:
    folder = SHARED_DATA / "na12878-chr22"
    fasta = tmp_path / "q.fa"
    fasta.write_bytes((folder / "q.fa").read_bytes())
    index(fasta)
    grouped = run(tool("samtools", "collate", "-u", "-O", folder / "NA12878.chr22.tiny.bam"))
    mates = tmp_path / "1.fq", tmp_path / "2.fq"
    options = ["-n", "-1", mates[0], "-2", mates[1], "-s", "/dev/null", "-0", "/dev/null", "-"]
    assert run(tool("samtools", "fastq", *options), given=grouped.stdout).returncode == 0
    assert len(assert_equal_to_native(fasta, *mates)) > 3000


@needs_native_bwa
def test_the_index_equals_native_bwa_s(tmp_path: Path) -> None:
    rng = random.Random(2)
    fasta = write_fasta(tmp_path / "g.fa", {"g": random_bases(rng, 5000) + "N" * 20, "h": "ACGT"})
    assert run(tool("bwa", "index", "-p", tmp_path / "ours", fasta)).returncode == 0
    assert run([str(NATIVE_BWA), "index", "-p", str(tmp_path / "theirs"), str(fasta)])
    for ending in ("amb", "ann", "bwt", "pac", "sa"):
        ours, theirs = tmp_path / f"ours.{ending}", tmp_path / f"theirs.{ending}"
        assert ours.read_bytes() == theirs.read_bytes()
    assert not (tmp_path / "ours.dict").exists()


def test_pybwa_still_leaves_the_mates_flags_out(awkward: tuple[Path, Path, Path]) -> None:
    """Fails once pybwa says which mate a record is: then `bwa_pairs` is not needed any more."""
    fasta, one, two = awkward
    aligner = Aligner(str(fasta), threads=1, flags=0, verbosity=1, read_group=None)
    aligned = aligner.align(next(read_chunks([str(one), str(two)], 10_000)))
    flags = [found.bams[0].contents.flag for _, found in aligned.records()]
    assert flags
    assert not any(flag & 0xC2 for flag in flags)


@pytest.mark.parametrize("block", [1 << 12, 3 << 20])
def test_two_fifos_fed_by_one_writer_are_read_in_step(
    awkward: tuple[Path, Path, Path], tmp_path: Path, block: int
) -> None:
    fasta, one, two = awkward
    texts = [one.read_bytes(), gzip.decompress(two.read_bytes())]
    fifos = [tmp_path / "1.fifo", tmp_path / "2.fifo"]
    for fifo in fifos:
        os.mkfifo(fifo)

    def feed() -> None:
        with fifos[0].open("wb") as first, fifos[1].open("wb") as second:
            for start in range(0, max(map(len, texts)), block):
                first.write(texts[0][start : start + block])
                second.write(texts[1][start : start + block])

    writer = threading.Thread(target=feed)
    writer.start()
    from_fifos = run(tool("bwa", "mem", fasta, *fifos))
    writer.join()
    from_files = run(tool("bwa", "mem", fasta, one, two))
    assert from_fifos.returncode == 0
    assert records(from_fifos.stdout) == records(from_files.stdout) != []


def test_a_reader_that_leaves_ends_it_quietly(awkward: tuple[Path, Path, Path]) -> None:
    fasta, one, two = awkward
    child = subprocess.Popen(
        tool("bwa", "mem", "-v", "1", "-K", "20000", fasta, one, two),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    )
    assert child.stdout is not None
    child.stdout.readline()
    child.stdout.close()
    assert child.wait() != 0
    assert child.stderr is not None
    assert child.stderr.read() == b""
    child.stderr.close()


def test_a_full_disk_is_told_in_its_own_words(awkward: tuple[Path, Path, Path]) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    fasta, one, two = awkward
    ended = run(tool("bwa", "mem", "-v", "1", "-o", "/dev/full", fasta, one, two))
    assert ended.returncode == 1
    assert b"No space left on device" in ended.stderr


def test_the_output_file_equals_standard_output(
    awkward: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    fasta, one, two = awkward
    target = tmp_path / "out.sam"
    assert run(tool("bwa", "mem", "-o", target, fasta, one, two)).stdout == b""
    printed = run(tool("bwa", "mem", fasta, one, two)).stdout
    assert records(target.read_bytes()) == records(printed)
    assert b"\tPN:bwa\t" in printed


def test_bad_input_ends_with_one_and_a_message(
    awkward: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    fasta, one, two = awkward
    cut = tmp_path / "cut.fq.gz"
    cut.write_bytes(two.read_bytes()[:-3000])
    other = write_pairs(tmp_path, "other", "ACGGTTAACC" * 100, pairs=3, seed=1)[1]
    renamed = tmp_path / "renamed.fq"
    renamed.write_bytes(gzip.decompress(other.read_bytes()).replace(b"@read", b"@else"))
    for mates, message in (
        ((one, cut), b"cut.fq.gz"),
        ((one, renamed), b"different names"),
        ((one, tmp_path / "none.fq"), b"No such file"),
        ((fasta,), b"not FASTQ"),
    ):
        ended = run(tool("bwa", "mem", "-v", "1", fasta, *mates))
        assert ended.returncode == 1
        assert message in ended.stderr


def test_wrong_command_lines_end_with_one(tmp_path: Path) -> None:
    bare = run(tool("bwa"))
    assert bare.returncode == 1
    assert b"\nVersion: 0.7." in bare.stderr
    assert b"pybwa" in bare.stderr
    for words in (["nosuch"], ["mem"], ["mem", "--nosuch", "a", "b"], ["index", "none.fa"]):
        assert run(tool("bwa", *words)).returncode == 1
    no_index = run(tool("bwa", "mem", tmp_path / "none", tmp_path / "x.fq"))
    assert no_index.returncode == 1
    assert b"fail to locate the index files" in no_index.stderr
