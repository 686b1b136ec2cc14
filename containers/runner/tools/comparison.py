"""``seqdrop-tool compare``: whether two VCFs say the same of a sample, and where they do not."""

import argparse
import csv
import heapq
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from runner.tools.bed_files import read_bed
from runner.tools.comparison_sequence import Fasta
from runner.tools.comparison_text import contig_offsets, index_of, text_blocks, text_blocks_at
from seqdrop.domain.comparison.absences import Lookup
from seqdrop.domain.comparison.callfile import CallFile
from seqdrop.domain.comparison.chain import Chains, lifted_line, parse_chains
from seqdrop.domain.comparison.compare import METRIC_TOLERANCE, About, Lift, compare
from seqdrop.domain.comparison.contigs import known_contigs, match_contigs
from seqdrop.domain.comparison.headers import FIXED
from seqdrop.domain.comparison.report import Report, Row
from seqdrop.domain.errors import InvalidInput

REPORT_FILE = "comparison.json"
TABLE_FILE = "comparison.tsv"
_SORTED_LINES = 200_000
"""Lifted records that are sorted in memory; more of them go to files first."""
EXIT_INVALID = 2


@dataclass(frozen=True)
class SideFiles:
    """What there is of one side beside its VCF."""

    sample: str = ""
    """The sample's column; "" where there is one only."""
    label: str = ""
    reference: Path | None = None
    gvcf: Path | None = None
    """With its index beside it."""
    targets: Path | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)


def compare_files(
    a: Path,
    b: Path,
    side_a: SideFiles | None = None,
    side_b: SideFiles | None = None,
    *,
    regions: Mapping[str, Path] | None = None,
    chain: Path | None = None,
    table: Path | None = None,
    metric_tolerance: float = METRIC_TOLERANCE,
) -> Report:
    """Compares two VCFs; all rows go to ``table``, as TSV, the gravest to the report too.

    Where B has no reference of its own, A's is taken for both. With a ``chain`` file, calls on
    contigs that are not the same are brought from A's sequence to B's; both references are needed,
    and regions are of B's sequence. Raises InvalidInput where a file can't be used as it stands.
    """
    sides = side_a or SideFiles(), side_b or SideFiles()
    with ExitStack() as stack:
        fastas = _fastas(sides)
        abouts = _about(sides[0], fastas, 0), _about(sides[1], fastas, 1)
        files = _call_file(a, sides[0].sample), _call_file(b, sides[1].sample)
        lift = None
        if chain is not None:
            files, abouts, lift = _lifted(a, files, abouts, chain, stack)
        beds = {name: read_bed(path) for name, path in (regions or {}).items()}
        return compare(
            *files,
            abouts,
            regions=beds,
            on_row=_table_writer(table, stack) if table else id,
            lifted=lift,
            metric_tolerance=metric_tolerance,
        )


def _fastas(sides: tuple[SideFiles, SideFiles]) -> tuple[Fasta | None, Fasta | None]:
    one, two = (side.reference for side in sides)
    if one is not None and one == two:
        shared = Fasta(one)
        return shared, shared
    return Fasta(one) if one else None, Fasta(two) if two else None


def _about(side: SideFiles, fastas: tuple[Fasta | None, Fasta | None], number: int) -> About:
    fasta = fastas[number]
    both = None not in fastas and fastas[0] is not fastas[1]
    return About(
        label=side.label,
        bases=fasta.bases if fasta else None,
        contigs=fasta.contigs(with_checksums=both) if fasta else {},
        gvcf=_lookup(side.gvcf) if side.gvcf else None,
        targets=read_bed(side.targets) if side.targets else None,
        metrics=side.metrics,
        facts=side.facts,
    )


def _call_file(path: Path, sample: str) -> CallFile:
    index = index_of(path)
    if index is None:
        return CallFile(text_blocks(path), path.name, sample)
    offsets = contig_offsets(index)

    def blocks_from(contig: str) -> Iterable[bytes]:
        return text_blocks_at(path, offsets[contig])

    return CallFile(text_blocks(path), path.name, sample, blocks_from, frozenset(offsets))


def _lookup(gvcf: Path) -> Lookup | None:
    """Lines of a gVCF by place; None where it has no index, or more than one sample."""
    import pysam

    if not gvcf.is_file() or index_of(gvcf) is None:
        return None
    file: Any = pysam.TabixFile(str(gvcf))
    columns = next((line for line in file.header if line.startswith("#CHROM")), "").split("\t")
    if len(columns) != len(FIXED) + 1:
        return None
    contigs = frozenset(file.contigs)

    def lookup(contig: str, start: int, end: int) -> Iterable[str]:
        return file.fetch(contig, start, end) if contig in contigs else ()

    return lookup


def _table_writer(path: Path, stack: ExitStack) -> Callable[[Row], object]:
    file = stack.enter_context(path.open("w", encoding="utf-8", newline=""))
    table = csv.writer(file, delimiter="\t", lineterminator="\n")
    table.writerow(Row.__struct_fields__)

    def write(row: Row) -> None:
        table.writerow([_cell(getattr(row, name)) for name in Row.__struct_fields__])

    return write


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ",".join(value) if isinstance(value, tuple) else str(value)


def _lifted(
    a: Path,
    files: tuple[CallFile, CallFile],
    abouts: tuple[About, About],
    chain: Path,
    stack: ExitStack,
) -> tuple[tuple[CallFile, CallFile], tuple[About, About], Lift]:
    """A's calls at their places in B's sequence."""
    if abouts[0].bases is None or abouts[1].bases is None:
        raise InvalidInput(
            "a chain file was given, but not both sequences", "give --reference and --reference-b"
        )
    with chain_text(chain) as lines:
        chains = parse_chains(lines, chain.name)
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="seqdrop-compare-")))
    lifter = _Lifter(files, abouts, chains, folder)
    lifter.take(_lines(a))
    header = "\n".join((*files[0].header.lines, lifter.columns, "")).encode()
    header = b"\n".join(x for x in header.split(b"\n") if not x.startswith(b"##contig="))
    blocks = _in_blocks(header, lifter.sorted_lines())
    of_b = abouts[1]
    about = replace(abouts[0], bases=of_b.bases, contigs=of_b.contigs, gvcf=None, targets=None)
    lifted = CallFile(blocks, files[0].file, files[0].sample)
    return (lifted, files[1]), (about, of_b), Lift(lifter.rows(), chains.reach)


class _Lifter:
    """Brings records to B's sequence and sorts them; what can't be brought goes to a file."""

    def __init__(
        self,
        files: tuple[CallFile, CallFile],
        abouts: tuple[About, About],
        chains: Chains,
        folder: Path,
    ) -> None:
        known = [
            known_contigs(about.contigs, file.header.contigs, file.file)
            for about, file in zip(abouts, files, strict=True)
        ]
        self._match, self._chains, self._folder = match_contigs(known[0], known[1]), chains, folder
        self._bases = abouts[1].bases
        self._ranks = {name: rank for rank, name in enumerate(known[1])}
        self._column = len(FIXED) + files[0].header.samples.index(files[0].sample)
        self.columns = "\t".join((*FIXED, *files[0].header.samples))
        self._runs: list[Path] = []
        self._rows = folder / "rows.jsonl"

    def take(self, lines: Iterator[str]) -> None:
        """Lifts all records."""
        with self._rows.open("wb") as rows:
            encoder = msgspec.json.Encoder()
            while part := list(islice(lines, _SORTED_LINES)):
                found = []
                for line in part:
                    lifted = self._lift(line)
                    if isinstance(lifted, str):
                        found.append((*self._place(lifted), lifted))
                    else:
                        rows.writelines(encoder.encode(row) + b"\n" for row in lifted)
                found.sort(key=lambda item: item[:2])
                path = self._folder / f"{len(self._runs)}.vcf"
                path.write_text("".join(item[2] for item in found), "utf-8")
                self._runs.append(path)

    def _lift(self, line: str) -> str | list[Row]:
        contig, _, rest = line.partition("\t")
        name = self._match.in_b(contig)
        if name is not None and contig not in self._match.changed:
            return f"{name}\t{rest}"
        if self._bases is None:
            raise InvalidInput("B has no sequence", "give --reference-b")
        return lifted_line(line, self._chains, self._bases, self._column)

    def _place(self, line: str) -> tuple[int, int]:
        contig, position, _ = line.split("\t", 2)
        return self._ranks.get(contig, len(self._ranks)), int(position)

    def sorted_lines(self) -> Iterator[str]:
        """All lifted records in B's order."""
        with ExitStack() as stack:
            runs = [stack.enter_context(path.open(encoding="utf-8")) for path in self._runs]
            yield from heapq.merge(*runs, key=self._place)

    def rows(self) -> Iterator[Row]:
        """What could not be brought there."""
        decoder = msgspec.json.Decoder(Row)
        with self._rows.open("rb") as rows:
            yield from map(decoder.decode, rows)


def _lines(path: Path) -> Iterator[str]:
    """A VCF's records as lines."""
    rest = b""
    for block in text_blocks(path):
        *whole, rest = (rest + block).split(b"\n")
        yield from (
            f"{line.decode('utf-8')}\n" for line in whole if line and not line.startswith(b"#")
        )
    if rest and not rest.startswith(b"#"):
        yield f"{rest.decode('utf-8')}\n"


def _in_blocks(header: bytes, lines: Iterator[str]) -> Iterator[bytes]:
    yield header
    while part := list(islice(lines, 10_000)):
        yield "".join(part).encode()


def chain_text(path: Path) -> Any:
    """A chain file's lines, inflated where its name ends in .gz."""
    import gzip

    return gzip.open(path, "rt") if path.suffix == ".gz" else path.open(encoding="utf-8")


def main(arguments: list[str]) -> int:
    """Compares the calls of two VCFs of one sample.

    Writes comparison.json (verdict, counts, the gravest rows) and comparison.tsv (all rows).
    Ends with 0 where the files are identical or equivalent, with 1 where they differ or something
    is unresolved, and with 2 where a file can't be used.
    """
    options = _options(arguments)
    out: Path = options.out
    out.mkdir(parents=True, exist_ok=True)
    for name in (REPORT_FILE, TABLE_FILE):  # nothing of an earlier comparison may stay
        (out / name).unlink(missing_ok=True)
    try:
        report = compare_files(
            options.a,
            options.b,
            _side(options, "a", options.reference),
            _side(options, "b", options.reference_b or None),
            regions=dict(options.regions),
            chain=options.chain,
            table=out / TABLE_FILE,
        )
    except InvalidInput as error:
        (out / TABLE_FILE).unlink(missing_ok=True)
        sys.stderr.write(f"{error}\n")
        return EXIT_INVALID
    text = msgspec.json.format(msgspec.json.encode(report), indent=1)
    (out / REPORT_FILE).write_bytes(text + b"\n")
    # The page (comparison.html) is made of the report by another module.
    sys.stdout.write(f"{report.verdict}: {report.why}\n")
    for warning in report.warnings:
        sys.stderr.write(f"warning: {warning}\n")
    return 0 if report.verdict in {"identical", "equivalent"} else 1


def _side(options: argparse.Namespace, name: str, reference: Path | None) -> SideFiles:
    given = {
        key: getattr(options, f"{key}_{name}") for key in ("sample", "label", "gvcf", "targets")
    }
    return SideFiles(reference=reference, **given)


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="seqdrop-tool compare", description=main.__doc__)
    parser.add_argument("a", type=Path, help="a VCF, plain or compressed by bgzip")
    parser.add_argument("b", type=Path, help="the VCF that it is held against")
    parser.add_argument("--reference", type=Path, help="FASTA of the sequence of both, or of A")
    parser.add_argument("--reference-b", type=Path, help="FASTA of B's sequence, if another")
    parser.add_argument("--chain", type=Path, help="chain file from A's sequence to B's")
    parser.add_argument(
        "--regions", type=_named_path, action="append", default=[], metavar="NAME=BED",
        help="count the variants of these regions by themselves; may be given again",
    )  # fmt: skip
    for name in ("a", "b"):
        parser.add_argument(f"--gvcf-{name}", type=Path, help="its gVCF, with an index")
        parser.add_argument(f"--targets-{name}", type=Path, help="BED of what it looked at")
        parser.add_argument(f"--sample-{name}", default="", help="its sample, if it has several")
        parser.add_argument(f"--label-{name}", default="", help="what the report calls it")
    parser.add_argument("--out", type=Path, required=True, help="folder for the results")
    return parser.parse_args(arguments)


def _named_path(text: str) -> tuple[str, Path]:
    name, equals, path = text.partition("=")
    if not name or not equals or not path:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=BED")
    return name, Path(path)
