"""``seqdrop-tool annotated`` and ``snpeff-config``: around what tells variants' consequences.

Both annotators exit 0 over calls that they have dropped, joined with others, or could not place.
"""

import argparse
import gzip
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from seqdrop.domain.reading_frames import MITOCHONDRIA

_TROUBLE = re.compile(
    r"ERROR_CHROMOSOME_NOT_FOUND|ERROR_OUT_OF_CHROMOSOME_RANGE|WARNING_REF_DOES_NOT_MATCH_GENOME"
)
"""What snpEff says in ANN where its genes are of another sequence than the calls."""
_CODONS = ("Standard", "Vertebrate_Mitochondrial")
_GENOME = "genome"


def main(arguments: list[str]) -> int:
    """Passes the annotated VCF on standard input on, if it has the very calls that went in."""
    parser = argparse.ArgumentParser(prog="seqdrop-tool annotated", description=main.__doc__)
    parser.add_argument("before", type=Path, help="the calls that were annotated")
    options = parser.parse_args(arguments)
    told: Counter[str] = Counter()
    try:
        with gzip.open(options.before, "rt", encoding="utf-8") as before:
            calls = (line for line in before if not line.startswith("#"))
            sys.stdout.writelines(_held_against(calls, sys.stdin, told))
            sys.stdout.flush()
    except _OtherCalls as error:
        sys.stderr.write(f"seqdrop-tool annotated: {error}\n")
        return 1
    for trouble, count in sorted(told.items()):
        sys.stderr.write(f"seqdrop-tool annotated: calls with {trouble}: {count:,}\n")
    return 1 if told else 0


class _OtherCalls(Exception):
    """What was annotated is not what went in."""


def _held_against(
    before: Iterator[str], annotated: Iterator[str], told: Counter[str]
) -> Iterator[str]:
    """All lines; each call is held against the one that it was."""
    number = 0
    for line in annotated:
        if not line.startswith("#"):
            number += 1
            was = next(before, None)
            if was is None or not _is_same(line, was):
                raise _OtherCalls(
                    f"call {number:,} is {_told(line)} after annotation, and was {_told(was)}"
                )
            told.update(set(_TROUBLE.findall(line)))
        yield line
    if (lost := next(before, None)) is not None:
        raise _OtherCalls(f"{_told(lost)} and what comes after it is not there after annotation")


def _is_same(line: str, was: str) -> bool:
    """Whether contig, position, alleles, filter and every sample are what they were.

    csq puts a field of its own behind those that a sample has.
    """
    now, before = line.rstrip("\n").split("\t"), was.rstrip("\n").split("\t")
    if (now[:2], now[3:5], now[6]) != (before[:2], before[3:5], before[6]):
        return False
    kept = len(before[8].split(":")) if len(before) > 8 else 0
    return [each.split(":")[:kept] for each in now[8:]] == [each.split(":") for each in before[8:]]


def _told(line: str | None) -> str:
    if line is None:
        return "not there"
    contig, position, _, ref, alt = line.split("\t")[:5]
    return f"{contig}:{position} {ref}>{alt}"


def write_config(arguments: list[str]) -> int:
    """Writes what snpEff must know of a genome: its name, and the genetic code of its contigs."""
    parser = argparse.ArgumentParser(
        prog="seqdrop-tool snpeff-config", description=write_config.__doc__
    )
    parser.add_argument("fasta", type=Path, help="the sequence")
    parser.add_argument("of_snpeff", type=Path, help="the configuration that came with snpEff")
    options = parser.parse_args(arguments)
    with options.of_snpeff.open(encoding="utf-8", errors="replace") as given:
        sys.stdout.writelines(line for line in given if _is_general(line))
    sys.stdout.write(f"{_GENOME}.genome : {_GENOME}\n")
    for contig in _contigs(options.fasta):
        if MITOCHONDRIA.fullmatch(contig):
            sys.stdout.write(f"{_GENOME}.{contig}.codonTable : {_CODONS[1]}\n")
    return 0


def _contigs(fasta: Path) -> list[str]:
    with fasta.open("rb") as lines:
        return [line[1:].split()[0].decode() for line in lines if line.startswith(b">")]


def _is_general(line: str) -> bool:
    """Not of one of the 40,000 genomes that it lists."""
    return line.startswith(("lof.", *(f"codon.{name}" for name in _CODONS)))
