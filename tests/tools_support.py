"""What the tests of the stand-in tools share: a small genome, its reads, and native programs."""

import gzip
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
SHARED_DATA = ROOT.parent / "shared" / "data"
_COMPLEMENT = str.maketrans("ACGTN", "TGCAN")
READ_LENGTH = 100


def native(program: str) -> str | None:
    """The program on PATH if it is a native one, not one of the stand-ins."""
    found = shutil.which(program)
    if found is None:
        return None
    with Path(found).open("rb") as handle:
        return found if handle.read(4) == b"\x7fELF" else None


def tool(name: str, *arguments: object) -> list[str]:
    """The command line of a stand-in."""
    return [sys.executable, "-m", f"local.tools.{name}", *map(str, arguments)]


def environment(path: Path | None = None) -> dict[str, str]:
    """This process' environment, with `path` first on PATH."""
    paths = [str(path)] if path else []
    paths.append(str(Path(sys.executable).parent))  # seqdrop-tool
    return {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PATH": os.pathsep.join([*paths[:-1], os.environ["PATH"], paths[-1]]),
    }


def run(
    command: Sequence[str], *, given: bytes = b"", path: Path | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run a command to its end."""
    return subprocess.run(
        command,
        input=given,
        capture_output=True,
        check=False,
        env=environment(path),
        timeout=120,  # a tool that waits for ever must not hold the other tests
    )


def pipe(*commands: Sequence[str], path: Path | None = None, folder: Path | None = None) -> bytes:
    """Run commands side by side, each reading the one before; the last one's output.

    Every one has to end well.
    """
    children: list[subprocess.Popen[bytes]] = []
    for command in commands:
        source = children[-1].stdout if children else subprocess.DEVNULL
        child = subprocess.Popen(
            command,
            stdin=source,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment(path),
            cwd=folder,
        )
        if children and children[-1].stdout:
            children[-1].stdout.close()
        children.append(child)
    last = children[-1].stdout
    assert last is not None
    text = last.read()
    last.close()
    assert [child.wait() for child in children] == [0] * len(children), commands
    return text


def shims(folder: Path, *, native_first: bool = False, always: Collection[str] = ()) -> Path:
    """A folder with a command for each of the stand-ins, and for our own tools.

    With ``native_first`` a native program has none: it starts in a tenth of the time. Those in
    ``always`` have one all the same.
    """
    folder.mkdir()
    names = ("bwa", "samtools", "bcftools", "mosdepth", "dragen")
    left = {name for name in names if native_first and native(name)} - set(always)
    modules = {name: f"local.tools.{name}" for name in names if name not in left}
    for name, module in {**modules, "seqdrop-tool": "runner.tools.main"}.items():
        script = folder / name
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m {module} "$@"\n')
        script.chmod(0o755)
    return folder


def reverse_complement(bases: str) -> str:
    """The other strand."""
    return bases.translate(_COMPLEMENT)[::-1]


def random_bases(rng: random.Random, length: int) -> str:
    """Bases without order."""
    return "".join(rng.choices("ACGT", k=length))


def write_fasta(path: Path, contigs: dict[str, str]) -> Path:
    """Write contigs with one line each."""
    path.write_text("".join(f">{name}\n{bases}\n" for name, bases in contigs.items()))
    return path


def write_fastq(path: Path, reads: Sequence[str], *, bad_tail: int = 0) -> Path:
    """Write reads of Q40, with so many of Q2 at their end; gzip where the name ends in .gz."""
    text = "".join(
        f"@read{n}\n{bases}\n+\n{'I' * (len(bases) - bad_tail)}{'#' * bad_tail}\n"
        for n, bases in enumerate(reads)
    )
    data = text.encode()
    path.write_bytes(gzip.compress(data, 1) if path.suffix == ".gz" else data)
    return path


def with_errors(rng: random.Random, bases: str, rate: float) -> str:
    """Sequencing errors, N among them."""
    return "".join(rng.choice("ACGTN") if rng.random() < rate else base for base in bases)


def read_pair(rng: random.Random, bases: str) -> tuple[str, str]:
    """One clean pair from a random place."""
    insert = max(READ_LENGTH + 20, round(rng.gauss(350, 40)))
    start = rng.randrange(len(bases) - insert)
    fragment = bases[start : start + insert]
    if rng.random() < 0.5:
        fragment = reverse_complement(fragment)
    return fragment[:READ_LENGTH], reverse_complement(fragment)[:READ_LENGTH]


def awkward_read(rng: random.Random, read: str, genome: str) -> str:
    """Now and then a chimera, a foreign read, a flipped one or a bad one."""
    kind = rng.random()
    if kind < 0.04:
        start, cut = rng.randrange(len(genome) - READ_LENGTH), rng.randrange(35, 65)
        other = genome[start : start + READ_LENGTH]
        other = reverse_complement(other) if rng.random() < 0.5 else other
        return read[:cut] + other[: READ_LENGTH - cut]
    if kind < 0.06:
        return random_bases(rng, READ_LENGTH)
    if kind < 0.08:
        return reverse_complement(read)
    return with_errors(rng, read, 0.1 if kind < 0.11 else 0.01)


@dataclass(frozen=True)
class PlantedGenome:
    """A reference, and a sample's genome that differs from it in known places."""

    fasta: Path
    sample: str
    snps: dict[int, tuple[str, str]]  # 1-based position: reference and sample base


def planted_genome(folder: Path, *, seed: int = 7, length: int = 12_000) -> PlantedGenome:
    """A small genome with a homozygous SNP every few hundred bases."""
    rng = random.Random(seed)
    reference = random_bases(rng, length)
    sample, snps = list(reference), {}
    for position in range(400, length - 400, 311):
        base = reference[position]
        sample[position] = rng.choice([other for other in "ACGT" if other != base])
        snps[position + 1] = (base, sample[position])
    fasta = write_fasta(folder / "genome.fa", {"chr1": reference})
    return PlantedGenome(fasta, "".join(sample), snps)


def write_pairs(
    folder: Path, name: str, bases: str, *, pairs: int, seed: int, suffix: str = ".fastq.gz"
) -> tuple[Path, Path]:
    """Simulated pairs of a genome as two files."""
    rng = random.Random(seed)
    reads = [read_pair(rng, bases) for _ in range(pairs)]
    return (
        write_fastq(folder / f"{name}_R1{suffix}", [one for one, _ in reads]),
        write_fastq(folder / f"{name}_R2{suffix}", [two for _, two in reads]),
    )
