"""``seqdrop-tool ploidy`` and ``mixed``: how many copies of X and Y there are to be called."""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

from runner.tools.bed_files import read_bed
from runner.tools.depth import read_pieces, sex_ratios
from runner.tools.regions import write_regions, write_rows
from runner.tools.sequence import lengths_of
from seqdrop.domain.bed import shared
from seqdrop.domain.ploidy import one_copy
from seqdrop.domain.qc import sex_by_depth
from seqdrop.domain.scatter import REGION_BASES, scattered

HAPLOID, SCOPE = "haploid.bed", "haploid_scope.bed"
_FILTER, _FORMAT, _SAMPLE = 6, 8, 9
_COLUMNS = "#contig\tposition\tref\talt\tgenotype\treads_of_each_allele\n"


def main(arguments: list[str]) -> int:
    """Decides by the depth of X and Y, and writes what callers and `calls` take of it.

    Below FOLDER: ``haploid.bed``, ``ploidy.txt`` and ``sexes.txt`` (bcftools call), ``copies.bed``
    (freebayes), ``haploid_scope.bed`` and ``haploid_regions/`` (its regions, as `regions` writes
    them). Where the depth is not that of one copy each, there are no regions.
    """
    parser = argparse.ArgumentParser(prog="seqdrop-tool ploidy", description=main.__doc__)
    parser.add_argument("prefix", type=Path, help="the prefix that mosdepth was given")
    parser.add_argument("par", type=Path, help="BED of what X and Y share")
    parser.add_argument("fai", type=Path, help="the sequence's .fai")
    parser.add_argument("scope", type=Path, help="BED of what is looked at")
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--sample", required=True, help="its name in the alignment")
    parser.add_argument("--size", type=int, default=REGION_BASES, help="bases a region")
    options = parser.parse_args(arguments)
    folder, lengths = options.folder, lengths_of(options.fai)
    ratios = sex_ratios(read_pieces(options.prefix))
    haploid = one_copy(read_bed(options.par), lengths) if _is_one_of_each(ratios) else []
    scope = shared(haploid, read_bed(options.scope))
    write_rows(folder / HAPLOID, haploid)
    write_rows(folder / SCOPE, scope)
    write_rows(
        folder / "copies.bed", ((r.contig, r.start, r.end, options.sample, 1) for r in haploid)
    )
    # bcftools counts from 1, both ends included, and takes the first line that fits.
    ones = [(r.contig, r.start + 1, r.end, "M", 1) for r in haploid]
    write_rows(folder / "ploidy.txt", [*ones, ("*", "*", "*", "M", 2)])
    write_rows(folder / "sexes.txt", [(options.sample, "M")])
    write_regions(folder / "haploid_regions", scattered(scope, lengths, options.size))
    return 0


def _is_one_of_each(ratios: dict[str, float]) -> bool:
    x, y = ratios.get("x_depth_ratio"), ratios.get("y_depth_ratio")
    return x is not None and y is not None and sex_by_depth(x, y) == "male"


def mixed(arguments: list[str]) -> int:
    """Lists sites of one copy where calling for two copies sees two alleles, both with PASS."""
    parser = argparse.ArgumentParser(prog="seqdrop-tool mixed", description=mixed.__doc__)
    parser.add_argument("calls", type=Path, help="folder of calls for two copies, as *.vcf")
    parser.add_argument("haploid", type=Path, help="BED of what was called as one copy")
    parser.add_argument("out", type=Path, help="where haploid.json and mixed_haploid.tsv go")
    options = parser.parse_args(arguments)
    sites = [row for path in sorted(options.calls.glob("*.vcf")) for row in _mixed(path)]
    figures = {
        "called_haploid": int(bool(read_bed(options.haploid, may_be_empty=True))),
        "mixed_haploid_sites": len(sites),
    }
    (options.out / "haploid.json").write_text(json.dumps(figures, indent=1) + "\n", "utf-8")
    (options.out / "mixed_haploid.tsv").write_text("".join([_COLUMNS, *sites]), "utf-8")
    return 0


def _mixed(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("#"):
                continue
            fields = line.rstrip("\n").split("\t")
            names, values = fields[_FORMAT].split(":"), fields[_SAMPLE].split(":")
            sample = dict(zip(names, values, strict=False))
            if fields[_FILTER] == "PASS" and len(set(sample["GT"].split("/"))) > 1:
                contig, position, _, ref, alt = fields[:5]
                row = (contig, position, ref, alt, sample["GT"], sample.get("AD", "."))
                yield "\t".join(row) + "\n"
