"""``seqdrop-tool depth``: what a lab wants to know of depth, from what mosdepth counted.

mosdepth leaves contigs without a read out of its summary and its distribution, so that means over
its own lengths are too high; here every base of the scope counts. Written are ``depth.json`` (see
``domain/measures/depth.py``), ``targets.tsv`` (a line for each target, or each contig where there
are none; targets that the sequence lacks have depth 0 and are in no other figure),
``depth_distribution.txt`` (for the report), and ``below_depth.bed`` where asked for.
"""

import argparse
import gzip
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from runner.tools.bed_files import read_bed
from runner.tools.depth_regions import Depths, Measured, below_regions, by_contig
from seqdrop.domain.bed import Region
from seqdrop.domain.measures.depth import BREADTH_DEPTHS
from seqdrop.domain.ploidy import X, Y

_SEX_CONTIGS = {"x_depth_ratio": X, "y_depth_ratio": Y}
_AUTOSOMES = {f"{prefix}{number}" for prefix in ("", "chr") for number in range(1, 23)}
_COLUMNS = ("contig", "start", "end", "name", "length", "mean_depth")


@dataclass(frozen=True)
class _Options:
    prefix: Path
    reporting_depth: int
    out: Path
    targets: Path | None
    below: Path | None
    left_out: Path | None


def main(arguments: list[str]) -> int:
    """Reads mosdepth's files ``PREFIX.*``, and writes ours."""
    parser = argparse.ArgumentParser(prog="seqdrop-tool depth", description=__doc__)
    parser.add_argument("prefix", type=Path, help="the prefix that mosdepth was given")
    parser.add_argument("--reporting-depth", type=int, required=True)
    parser.add_argument("--out", type=Path, required=True, help="folder")
    parser.add_argument("--targets", type=Path, help="BED of targets, as the lab gave them")
    parser.add_argument("--below", type=Path, help="BED to write: target bases below the depth")
    parser.add_argument("--left-out", type=Path, help="BED of targets that the sequence lacks")
    options = _Options(**vars(parser.parse_args(arguments)))
    pieces = list(read_pieces(options.prefix))
    depths = Depths(pieces)
    targets = read_bed(options.targets) if options.targets else None
    metrics = metrics_of(depths, options, bases_anywhere(options.prefix) if targets else None)
    (options.out / "depth.json").write_text(json.dumps(metrics, indent=1, sort_keys=True) + "\n")
    left_out = read_bed(options.left_out) if options.left_out else []
    rows = [depths.over(target) for target in targets or []]
    rows += [Measured(target, 0.0, {options.reporting_depth: 0}) for target in left_out]
    _write_table(options.out / "targets.tsv", rows or by_contig(pieces), options.reporting_depth)
    _write_distribution(options, sum(piece.region.end - piece.region.start for piece in pieces))
    if options.below:
        _write_below(options.below, [*(targets or []), *left_out], options)
    return 0


def read_pieces(prefix: Path) -> Iterator[Measured]:
    """mosdepth's regions, with their mean and how many bases reach each threshold."""
    with (
        gzip.open(f"{prefix}.regions.bed.gz", "rt") as means,
        gzip.open(f"{prefix}.thresholds.bed.gz", "rt") as counts,
    ):
        header = next(counts).rstrip("\n").split("\t")
        thresholds = [int(name.removesuffix("X")) for name in header[4:]]
        for mean, count in zip(means, counts, strict=True):
            contig, start, end, *_, value = mean.rstrip("\n").split("\t")
            place = count.rstrip("\n").split("\t")
            if place[:3] != [contig, start, end]:
                raise SystemExit(f"{prefix}: {place[:3]} follows where {contig}:{start} should")
            reached = dict(zip(thresholds, map(int, place[4:]), strict=True))
            region = Region(contig, int(start), int(end))
            yield Measured(region, float(value) * (region.end - region.start), reached)


def deepest(prefix: Path) -> int:
    """Fragments over the deepest base of the scope, by mosdepth's summary."""
    with Path(f"{prefix}.mosdepth.summary.txt").open() as file:
        return next(int(row.split("\t")[5]) for row in file if row.startswith("total_region\t"))


def bases_anywhere(prefix: Path) -> tuple[int, int]:
    """Bases of fragments over the scope, and over the whole sequence, by mosdepth's summary."""
    with Path(f"{prefix}.mosdepth.summary.txt").open() as file:
        rows = {fields[0]: int(fields[2]) for fields in map(str.split, file) if fields[2].isdigit()}
    return rows["total_region"], rows["total"]


def metrics_of(
    depths: Depths, options: _Options, on_target: tuple[int, int] | None
) -> dict[str, float]:
    """What ``domain/measures/depth.py`` reads."""
    whole = depths.whole
    length = whole.region.end
    exact, _ = bases_anywhere(options.prefix)
    metrics: dict[str, float] = {"mean_depth": round(exact / length, 2)}
    metrics["max_depth"] = deepest(options.prefix)
    for depth in BREADTH_DEPTHS:
        metrics[f"breadth_{depth}x"] = round(whole.reached[depth] / length, 4)
    metrics["reporting_breadth"] = round(whole.reached[options.reporting_depth] / length, 4)
    if on_target and on_target[1]:
        metrics["on_target_fraction"] = round(on_target[0] / on_target[1], 4)
    return metrics | sex_ratios(depths.pieces)


def sex_ratios(pieces: Iterable[Measured]) -> dict[str, float]:
    """The mean depth of X and Y over that of the autosomes, where the scope has all of them."""
    contigs = {row.region.contig: row for row in by_contig(pieces)}
    autosomes = [contigs[name] for name in contigs if name in _AUTOSOMES]
    length = sum(row.region.end for row in autosomes)
    bases = sum(row.bases for row in autosomes)
    ratios = {}
    for metric, names in _SEX_CONTIGS.items():
        found = next((contigs[name] for name in names if name in contigs), None)
        if found and bases:
            ratios[metric] = round(found.bases / found.region.end / (bases / length), 4)
    return ratios


def _write_table(path: Path, rows: Iterable[Measured], depth: int) -> None:
    with path.open("w", encoding="utf-8", errors="backslashreplace") as file:
        file.write("\t".join((*_COLUMNS, f"breadth_{depth}x", f"bases_below_{depth}x")) + "\n")
        for row in rows:
            region = row.region
            length = region.end - region.start
            below = length - row.reached[depth]
            place = (".", ".") if row.is_contig else (region.start, region.end)
            fields = (
                region.contig, *place, region.name or ".", length,
                f"{row.bases / length:.2f}", f"{row.reached[depth] / length:.4f}", below,
            )  # fmt: skip
            file.write("\t".join(map(str, fields)) + "\n")


def _write_distribution(options: _Options, length: int) -> None:
    """mosdepth's distribution over the scope, with the contigs that it leaves out."""
    summary = Path(f"{options.prefix}.mosdepth.summary.txt").read_text().splitlines()
    seen = next(int(row.split("\t")[1]) for row in summary if row.startswith("total_region\t"))
    distribution = Path(f"{options.prefix}.mosdepth.region.dist.txt").read_text()
    lines = []
    for row in distribution.splitlines():
        contig, depth, fraction = row.split("\t")
        if contig == "total" and depth != "0":
            lines.append(f"total\t{depth}\t{float(fraction) * seen / length:.2f}\n")
    (options.out / "depth_distribution.txt").write_text("".join([*lines, "total\t0\t1.00\n"]))


def _write_below(path: Path, targets: list[Region], options: _Options) -> None:
    """The targets' bases below the reporting depth; the first line says what they are."""
    depth = options.reporting_depth
    with path.open("w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(f"# target bases with a depth below {depth}: no variant there says nothing\n")
        with gzip.open(f"{options.prefix}.quantized.bed.gz", "rt", encoding="utf-8") as stretches:
            for region in below_regions(targets, stretches, f"{depth}:inf"):
                file.write(f"{region.contig}\t{region.start}\t{region.end}\t{region.name}\n")
