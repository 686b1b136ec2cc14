"""``seqdrop-tool calls``, ``join``, ``header`` and ``finish``: what becomes of calls as VCF."""

import argparse
import gzip
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from itertools import chain
from pathlib import Path
from typing import Any

from runner.tools.bed_files import read_bed
from runner.tools.sequence import Sequence
from seqdrop.domain.bed import Region, merged
from seqdrop.domain.blocks_between import ReferenceBase, between, header_of_both
from seqdrop.domain.callability import not_called
from seqdrop.domain.calls import (
    REF_CODE,
    REF_CODE_HEADER,
    Kept,
    Thresholds,
    called_region,
    joined,
    kept_records,
    maker_line,
    reach,
    split_genotype,
    with_ref_code,
)
from seqdrop.domain.letters import CODE_BASES
from seqdrop.domain.measures.calls import NAMES as CALLS
from seqdrop.domain.ploidy import MIXED, MIXED_HEADER, Copies
from seqdrop.domain.scatter import Stretch
from seqdrop.domain.targets import Targets

FURTHEST_SHIFT = 1_000
"""Bases that an indel is followed through a repeat: targets within it are touched."""


def main(arguments: list[str]) -> int:
    """Keeps a region's own records of the VCF on standard input, and fills in FILTER.

    A site that is like the reference, but has too few reads, is no call.
    """
    parser = argparse.ArgumentParser(prog="seqdrop-tool calls", description=main.__doc__)
    parser.add_argument("region", type=Path, help="the region's BED, as `regions` wrote it")
    parser.add_argument("--min-qual", type=float, required=True)
    parser.add_argument("--min-depth", type=int, required=True)
    parser.add_argument("--min-gq", type=float, required=True)
    parser.add_argument("--codes", type=Path, help="BED of the reference's codes, by name")
    parser.add_argument("--padded", action="store_true", help="keep what is only seen, too")
    parser.add_argument("--blocks", type=Path, help="padded calls of bcftools, for their blocks")
    parser.add_argument("--fasta", type=Path, help="the sequence, for --blocks and --haploid")
    parser.add_argument(
        "--haploid", type=Path, help="BED of what has one copy, as `ploidy` wrote it"
    )
    parser.add_argument("--within", type=Path, help="BED in which variants begin, for --blocks")
    options = parser.parse_args(arguments)
    codes = _codes(options.codes) if options.codes else {}
    thresholds = Thresholds(options.min_qual, options.min_depth, options.min_gq, codes)
    lines, records = _read(sys.stdin)
    if options.blocks:
        lines, records = _between_blocks(lines, records, options)
    more = [MIXED_HEADER] if options.haploid else []
    sys.stdout.writelines(_with_lines(lines, [*thresholds.header, *more]))
    haploid = read_bed(options.haploid, may_be_empty=True) if options.haploid else []
    copies = Copies(haploid, _base_of(Sequence(options.fasta))) if haploid else None
    records = copies.split(records) if copies else records
    if not options.padded:
        records = kept_records(records, _kept(options.region))
    judged = map(thresholds.judge, records)
    sys.stdout.writelines(map(copies.settle, judged) if copies else judged)
    sys.stdout.flush()
    return 0


def _between_blocks(
    lines: list[str], variants: Iterator[str], options: argparse.Namespace
) -> tuple[list[str], Iterator[str]]:
    """Header and records of another caller's variants, with the blocks of bcftools' calls."""
    with options.blocks.open(encoding="utf-8") as file:
        others, rest = _read(file)
        blocks = list(rest)
    sequence = Sequence(options.fasta)
    if options.within:
        within = Targets(read_bed(options.within))
        variants = (line for line in variants if _begins_within(line, within))
    found = between(variants, blocks, _base_of(sequence), sequence.contigs)
    return header_of_both(lines, others), found


def _base_of(sequence: Sequence) -> ReferenceBase:
    return lambda contig, place: sequence.bases(contig, place, place + 1)


def _begins_within(line: str, regions: Targets) -> bool:
    contig, position, _ = line.split("\t", 2)
    return regions.overlap(contig, int(position) - 1, int(position))


def join(arguments: list[str]) -> int:
    """Puts the calls of all regions together, in their order, with a line on what made them.

    And say of how much of the scope something was called.
    """
    parser = argparse.ArgumentParser(prog="seqdrop-tool join", description=join.__doc__)
    parser.add_argument("folder", type=Path, help="where each region's calls are, as *.vcf")
    parser.add_argument("--scope", type=Path, required=True, help="BED of what is looked at")
    parser.add_argument("--fasta", type=Path, required=True, help="the sequence")
    parser.add_argument("--callability", type=Path, required=True, help="where its share goes")
    parser.add_argument("--not-called", type=Path, help="BED to write: the rest of the scope")
    _add_facts(parser)
    options = vars(parser.parse_args(arguments))
    scope, share, rest = (options.pop(name) for name in ("scope", "callability", "not_called"))
    base = _base_of(Sequence(options.pop("fasta")))
    paths = sorted(options.pop("folder").glob("*.vcf"))
    with paths[0].open(encoding="utf-8") as first:
        lines, _ = _read(first)
    sys.stdout.writelines(_with_lines(lines, [maker_line(**options)]))
    called = _called(joined(chain.from_iterable(map(_records, paths)), base))
    _write_callability(merged(read_bed(scope)), called, share, rest)
    sys.stdout.flush()
    return 0


def _called(lines: Iterator[str]) -> Iterator[Region]:
    """Where the records have genotypes; each goes to standard output on its way."""
    for line in lines:
        sys.stdout.write(line)
        if region := called_region(line):
            yield region


def _write_callability(
    scope: list[Region], called: Iterator[Region], share: Path, rest: Path | None
) -> None:
    total, missing = sum(region.end - region.start for region in scope), 0
    with rest.open("w", encoding="utf-8") if rest else nullcontext() as file:
        if file:
            file.write("# target bases without a genotype: no variant there says nothing\n")
        for gap in not_called(scope, called):
            missing += gap.end - gap.start
            if file:
                file.write(f"{gap.contig}\t{gap.start}\t{gap.end}\n")
    figures = {"callability": round(1 - missing / total, 4) if total else 0.0}
    share.write_text(json.dumps(figures) + "\n", "utf-8")


def header(arguments: list[str]) -> int:
    """The header of a gzipped VCF, with a line on what made it: for `bcftools reheader`."""
    parser = argparse.ArgumentParser(prog="seqdrop-tool header", description=header.__doc__)
    parser.add_argument("vcf", type=Path)
    _add_facts(parser)
    options = vars(parser.parse_args(arguments))
    with gzip.open(options.pop("vcf"), "rt", encoding="utf-8") as vcf:
        lines, _ = _read(vcf)
    sys.stdout.writelines(_with_lines(lines, [maker_line(**options)]))
    sys.stdout.flush()
    return 0


def _add_facts(parser: argparse.ArgumentParser) -> None:
    for fact in ("pipeline", "version", "run", "stage", "reference", "simulated"):
        parser.add_argument(f"--{fact}", default="")


def finish(arguments: list[str]) -> int:
    """The variants of a VCF on standard input as they are given out.

    Only those that touch a target, where there are targets; a genotype that was split over several
    records claims no REF; with --codes, RefCode beside the filters of a caller that knows no codes;
    with facts, a line on what made them; with --counts, what became of them; with --haploid, a list
    of the sites where one copy has two alleles.
    """
    parser = argparse.ArgumentParser(prog="seqdrop-tool finish", description=finish.__doc__)
    parser.add_argument("--targets", type=Path, help="BED of the target regions")
    parser.add_argument("--fasta", type=Path, help="the sequence, for targets")
    parser.add_argument("--codes", type=Path, help="BED of the reference's codes, by name")
    parser.add_argument("--counts", type=Path, help="where calls.json goes")
    parser.add_argument("--haploid", type=Path, help="BED of what has one copy")
    parser.add_argument("--mixed", type=Path, help="folder of haploid.json and mixed_haploid.tsv")
    _add_facts(parser)
    options = vars(parser.parse_args(arguments))
    one_copy = OneCopy(options.pop("haploid"), options.pop("mixed"))
    counts_path, touches = options.pop("counts"), _touching(options)
    codes = _codes(bed) if (bed := options.pop("codes")) else {}
    counts = dict.fromkeys(sorted(CALLS), 0)
    lines, records = _read(sys.stdin)
    more = [REF_CODE_HEADER] if codes and f"{REF_CODE_HEADER}\n" not in lines else []
    more += [maker_line(**options)] if any(options.values()) else []
    sys.stdout.writelines(_with_lines(lines, more))
    for record in map(split_genotype, filter(touches, records)):
        line = with_ref_code(codes, record)
        sys.stdout.write(line)
        one_copy.note(line)
        filters = line.split("\t", 7)[6].split(";")
        counts["calls_passed" if filters == ["PASS"] else "calls_filtered"] += 1
        counts["calls_at_codes"] += REF_CODE in filters
    sys.stdout.flush()
    one_copy.write()
    if counts_path:
        counts_path.write_text(json.dumps(counts, indent=1) + "\n", "utf-8")
    return 0


class OneCopy:
    """Variants of what has one copy, and the sites that look as if it had two."""

    def __init__(self, haploid: Path | None, folder: Path | None) -> None:
        """``folder`` gets the figures and the list; without one, nothing is written."""
        self._folder = folder
        self._is_called = bool(haploid and read_bed(haploid, may_be_empty=True))
        self._variants = 0
        self._mixed: list[str] = []

    def note(self, line: str) -> None:
        """Counts a variant; lists it where nothing but its two alleles speaks against it."""
        fields = line.rstrip("\n").split("\t")
        filters, sample = fields[6], fields[9].split(":")
        if filters == MIXED:
            counts = dict(zip(fields[8].split(":"), sample, strict=False)).get("AD", ".")
            self._mixed.append("\t".join([*fields[:2], *fields[3:5], sample[0], counts]) + "\n")
        self._variants += filters == "PASS" and sample[0].isdigit()

    def write(self) -> None:
        """Writes ``haploid.json`` and ``mixed_haploid.tsv``."""
        if self._folder is None:
            return
        figures = {
            "called_haploid": int(self._is_called),
            "haploid_variants": self._variants,
            "mixed_haploid_sites": len(self._mixed),
        }
        path = self._folder / "haploid.json"
        path.write_text(json.dumps(figures, indent=1) + "\n", "utf-8")
        columns = "#contig\tposition\tref\talt\tgenotype\treads_of_each_allele\n"
        (self._folder / "mixed_haploid.tsv").write_text("".join([columns, *self._mixed]), "utf-8")


def _touching(options: dict[str, Any]) -> Callable[[str], bool]:
    """Whether a record touches a target; every one does where there are none."""
    bed, fasta = options.pop("targets"), options.pop("fasta")
    if bed is None:
        return bool  # no line is empty
    targets = Targets(read_bed(bed))
    sequence = Sequence(fasta)

    def touches(line: str) -> bool:
        contig, position, _, ref, alts, _ = line.split("\t", 5)
        start = int(position) - 1
        if targets.overlap(contig, start, start + len(ref)):
            return True
        end = start + len(ref)
        after = sequence.bases(contig, end, end + FURTHEST_SHIFT)
        return any(
            targets.overlap(contig, *reach(start, ref.upper(), alt.upper(), after))
            for alt in alts.split(",")
        )

    return touches


def _read(lines: Iterator[str]) -> tuple[list[str], Iterator[str]]:
    """A VCF's header, and its records."""
    header = []
    for line in lines:
        header.append(line)
        if line.startswith("#CHROM"):
            break
    return header, lines


def _with_lines(header: list[str], more: list[str]) -> list[str]:
    """The header with more lines before the names of the columns."""
    return [*header[:-1], *(f"{line}\n" for line in more), *header[-1:]]


def _records(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8") as lines:
        yield from _read(lines)[1]


def _codes(bed: Path) -> dict[tuple[str, int], frozenset[str]]:
    """The bases that each code stands for, by contig and 1-based position."""
    return {
        (region.contig, start + 1): frozenset(CODE_BASES[region.name.upper()])
        for region in read_bed(bed)
        for start in range(region.start, region.end)
    }


def _kept(region: Path) -> dict[str, Kept]:
    rows = (line.split("\t") for line in region.read_text("utf-8").splitlines())
    stretches = [Stretch(row[0], *map(int, row[1:])) for row in rows]
    return {s.contig: Kept(s.kept_start, s.kept_end) for s in stretches}
