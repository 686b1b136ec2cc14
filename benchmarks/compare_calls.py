"""Two files of calls compared: against normalising both with bcftools and intersecting them."""

import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from benchmarks.measure import Measure
from seqdrop.domain.comparison.report import Change, Report
from tests.tools_support import native

RECORDS = int(os.environ.get("SEQDROP_CALLS", "200000"))
"""Records of each file; 5,000,000 are a whole genome."""
AIM, MEMORY_AIM_MIB = 1 / 3, 300
_CONTIGS = ("chr1", "chr2", "chr3")
_BASES = 40_000_000
_EVERY = 10_000
"""Records between two of the same planted difference."""
_CHANGES = {
    1: Change.ONLY_A,
    1001: Change.ONLY_B,
    2001: Change.GENOTYPE,
    3001: Change.FILTER,
}
"""What is planted at which of so many records."""
_COLUMNS = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tSAMPLE\n"


class Planted(NamedTuple):
    """What was planted, by what the report should call it."""

    changes: Counter[Change]
    rewritten: int


def measure() -> Iterator[Measure]:
    """The time of a comparison and its memory; its report has to tell what was planted."""
    with tempfile.TemporaryDirectory(prefix="seqdrop-bench-") as name:
        folder = Path(name)
        fasta = _write_fasta(folder / "genome.fa")
        planted = _write_calls(folder)
        ours, memory = _ours(folder, fasta)
        _check(folder, planted)
        theirs = _theirs(folder, fasta) if native("bcftools") else None
    note = f"{RECORDS} records a file, {sum(planted.changes.values())} planted differences told"
    if theirs is None:
        yield Measure(
            "compare calls", ours, "s", float("nan"), "bcftools, which is not here", AIM, (note,)
        )
    else:
        against = "bcftools norm -Oz of both, index, isec, one after the other, in the same run"
        yield Measure("compare calls", ours, "s", theirs, against, AIM, (note,))
    yield Measure("compare calls, memory", memory, "MiB", MEMORY_AIM_MIB, "the aim", 1.0)


def _write_fasta(path: Path) -> Path:
    """Random bases, the same in every run."""
    rng = random.Random(1)
    with path.open("w") as file:
        for contig in _CONTIGS:
            file.write(f">{contig}\n")
            for _ in range(_BASES // 1_000_000):
                bases = "".join(rng.choices("ACGT", k=1_000_000))
                file.writelines(f"{bases[at : at + 80]}\n" for at in range(0, len(bases), 80))
    return path


def _write_calls(folder: Path) -> Planted:
    """Both files, compressed and indexed, with known differences."""
    contents = _Contents(folder / "genome.fa")
    paths = folder / "a.vcf", folder / "b.vcf"
    with paths[0].open("w") as a, paths[1].open("w") as b:
        for file in (a, b):
            file.write(_header())
        for pair in contents.pairs():
            a.writelines(pair[0])
            b.writelines(pair[1])
    import pysam

    pysam.faidx(str(folder / "genome.fa"))  # both sides find the sequence's index
    for path in paths:
        pysam.tabix_compress(str(path), f"{path}.gz", force=True)
        pysam.tabix_index(f"{path}.gz", preset="vcf", force=True)
        path.unlink()
    return Planted(contents.changes, contents.rewritten)


def _header() -> str:
    infos = ("DP", "VDB", "SGB", "MQ0F", "AC", "AN", "DP4", "MQ")
    formats = (("GT", "1", "String"), ("PL", "G", "Integer"), ("DP", "1", "Integer"),
               ("AD", "R", "Integer"), ("GQ", "1", "Integer"))  # fmt: skip
    return "".join(
        [
            "##fileformat=VCFv4.2\n",
            *(f'##FILTER=<ID={name},Description="x">\n' for name in ("PASS", "LowQual")),
            *(f"##contig=<ID={name},length={_BASES}>\n" for name in _CONTIGS),
            *(f'##INFO=<ID={n},Number=.,Type=Float,Description="x">\n' for n in infos),
            *(
                f'##FORMAT=<ID={n},Number={many},Type={kind},Description="x">\n'
                for n, many, kind in formats
            ),
            _COLUMNS,
        ]
    )


class _Contents:
    """Calls at even distances: nine SNVs, then an indel; some of them otherwise in B."""

    def __init__(self, fasta: Path) -> None:
        self._rng = random.Random(2)
        self._fasta = fasta
        self.changes: Counter[Change] = Counter()
        self.rewritten = 0

    def pairs(self) -> Iterator[tuple[list[str], list[str]]]:
        """The lines of A and of B, place by place."""
        step = _BASES * len(_CONTIGS) // RECORDS
        number = 0
        for contig, bases in self._contigs():
            for at in range(100, _BASES - 100, step):
                number += 1
                yield self._at(number, contig, at, bases[at - 1 : at + 4])

    def _contigs(self) -> Iterator[tuple[str, str]]:
        contig = ""
        parts: list[str] = []
        with self._fasta.open() as file:
            for line in file:
                if line.startswith(">"):
                    if contig:
                        yield contig, "".join(parts)
                    contig, parts = line[1:].strip(), []
                else:
                    parts.append(line.strip())
        yield contig, "".join(parts)

    def _at(self, number: int, contig: str, at: int, near: str) -> tuple[list[str], list[str]]:
        """``near`` is five bases, of which the second is at position ``at`` + 1."""
        ref, alt = near[1], "ACGT".replace(near[1], "")[number % 3]
        if number % 10 == 0:
            ref = near[:2] if near[0] != near[1] else near[0] + "".join(near[1:3])
            alt, at = near[0], at - 1
        genotype = ("0/1", "1/1", "0/1")[number % 3]
        filters = "LowQual" if number % 50 == 0 else "PASS"
        place, planted = (contig, at + 1), number % _EVERY
        if planted % 1000 == 501:
            return self._rewritten(place, near, genotype)
        a = [self._line(place, (ref, alt), filters, genotype)]
        change = _CHANGES.get(planted)
        if change is not None:
            self.changes[change] += 1
        if change is Change.ONLY_A:
            return a, []
        if change is Change.ONLY_B:
            return [], a
        if change is Change.GENOTYPE:
            genotype = "1/1" if genotype == "0/1" else "0/1"
        elif change is Change.FILTER:
            filters = "LowQual"
        elif self._rng.random() < 0.3:
            return a, a
        return a, [self._line(place, (ref, alt), filters, genotype)]

    def _rewritten(
        self, place: tuple[str, int], near: str, genotype: str
    ) -> tuple[list[str], list[str]]:
        """Two bases as one record in A, as two records in B."""
        self.rewritten += 1
        (contig, position), ref = place, near[1:3]
        alt = "".join("ACGT".replace(base, "")[0] for base in ref)
        one = [self._line(place, (ref, alt), "PASS", genotype)]
        two = [
            self._line((contig, position + n), (ref[n], alt[n]), "PASS", genotype) for n in (0, 1)
        ]
        return one, two

    def _line(
        self, place: tuple[str, int], alleles: tuple[str, str], filters: str, genotype: str
    ) -> str:
        number = self._rng.randrange
        depth, there = number(20, 60), number(8, 30)
        info = (
            f"DP={depth};VDB=0.{number(10**6)};SGB=-0.6{number(10**4)};MQ0F=0;AC=1;AN=2;"
            f"DP4={number(20)},{number(20)},{number(20)},{number(20)};MQ={number(40, 61)}"
        )
        values = (
            f"{genotype}:{number(255)},0,{number(255)}:{depth}:{there},{there}:{number(20, 99)}"
        )
        quality = f"{number(20, 230)}.{number(10**3)}"
        fields = (
            place[0],
            str(place[1]),
            ".",
            *alleles,
            quality,
            filters,
            info,
            "GT:PL:DP:AD:GQ",
            values,
        )
        return "\t".join(fields) + "\n"


def _ours(folder: Path, fasta: Path) -> tuple[float, float]:
    """Seconds, and MiB of the process at its largest."""
    arguments = ["compare", str(folder / "a.vcf.gz"), str(folder / "b.vcf.gz")]
    arguments += ["--reference", str(fasta), "--out", str(folder / "out")]
    code = "import sys; from runner.tools.main import main; sys.exit(main(sys.argv[1:]))"
    begun = time.monotonic()
    process = subprocess.Popen([sys.executable, "-c", code, *arguments], stdout=sys.stderr)
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.monotonic() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1):
        raise RuntimeError("the comparison did not end well")
    return seconds, used.ru_maxrss / 1024


def _check(folder: Path, planted: Planted) -> None:
    """Raises RuntimeError unless the report tells all that was planted, and no more."""
    content = (folder / "out" / "comparison.json").read_bytes()
    report = msgspec.json.decode(content, type=Report)
    told: Counter[Change] = Counter()
    for tally in report.tallies:
        told.update(tally.changes)
    rewritten = sum(tally.rewritten for tally in report.tallies)
    if (told, rewritten) != (planted.changes, planted.rewritten):
        raise RuntimeError(f"told {told} and {rewritten}, planted {planted}")


def _theirs(folder: Path, fasta: Path) -> float:
    """Seconds of what the field does, one step after the other."""
    names = ("a", "b")
    begun = time.monotonic()
    for name in names:
        _run("norm", "-f", fasta, "-m", "-any", "-Oz", "-o", folder / f"{name}.norm.vcf.gz",
             folder / f"{name}.vcf.gz")  # fmt: skip
    for name in names:
        _run("index", "-t", folder / f"{name}.norm.vcf.gz")
    _run("isec", "-p", folder / "isec", *(folder / f"{name}.norm.vcf.gz" for name in names))
    seconds = time.monotonic() - begun
    shutil.rmtree(folder / "isec")
    return seconds


def _run(*arguments: object) -> None:
    command = ["bcftools", *map(str, arguments)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
