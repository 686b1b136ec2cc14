"""``seqdrop-tool truth``: how well calls agree with a control whose genotypes are known."""

import argparse
import sys
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path

import msgspec

from runner.tools.bed_files import read_bed
from runner.tools.comparison_sequence import Fasta
from runner.tools.comparison_text import text_blocks
from seqdrop.domain.bed import Region, listed, shared, without
from seqdrop.domain.comparison.accuracy import MINIMUM_COUNT, Accuracy
from seqdrop.domain.comparison.callfile import CallFile
from seqdrop.domain.comparison.judged_text import (
    Dropped,
    judged_lines,
    look_at_sequence,
    unknown_in_truth,
)
from seqdrop.domain.comparison.truth import judge
from seqdrop.domain.errors import InvalidInput

TRUTH_FILE = "truth.json"
EXIT_INVALID = 2
_CHECKED_RECORDS = 10_000
"""Records of the truth that are held against the sequence before anything is judged."""


def judge_files(
    calls: Path,
    truth: Path,
    regions: Path,
    reference: Path,
    *,
    sample: str = "",
    truth_sample: str = "",
    minimum_count: int = MINIMUM_COUNT,
    named: Mapping[str, Path] | None = None,
    only: Path | None = None,
) -> Accuracy:
    """Holds a VCF against a truth, within its confident regions (BED).

    ``named`` are regions that are counted by themselves, too; nothing counts outside ``only``,
    the targets of a kit. Raises InvalidInput where a file can't be used, or is of another assembly.
    """
    fasta, dropped = Fasta(reference), Dropped()
    look_at_sequence(islice(_records(truth), _CHECKED_RECORDS), fasta.bases, truth.name)
    known = judged_lines(text_blocks(truth), truth_sample)
    called = judged_lines(text_blocks(calls), sample, dropped)
    confident, warnings = _confident(truth, truth_sample, regions, fasta)
    if only:
        confident = shared(confident, read_bed(only))
        if not confident:
            raise InvalidInput(
                f"no confident region of {regions.name} lies in the targets",
                "give the truth of the assembly, and of regions that the kit has",
            )
    found = judge(
        CallFile(known, truth.name, truth_sample),
        CallFile(called, calls.name, sample),
        confident,
        fasta.bases,
        dropped=dropped,
        contigs=fasta.contigs(),
        minimum_count=minimum_count,
        named={name: read_bed(path) for name, path in (named or {}).items()},
    )
    return msgspec.structs.replace(found, warnings=(*warnings, *found.warnings))


def _confident(
    truth: Path, sample: str, regions: Path, fasta: Fasta
) -> tuple[list[Region], list[str]]:
    """The confident regions, without what has no genotype in the truth, and warnings of that."""
    lengths = {name: contig.length for name, contig in fasta.contigs().items()}
    found, warnings = _within(read_bed(regions), lengths, regions.name)
    unknown = unknown_in_truth(_lines(truth), truth.name, sample)
    if unknown:
        said = f"{len(unknown):,} records of {truth.name} have no genotype"
        warnings.append(f"{said}: their bases are left out")
    return without(found, unknown), warnings


def _within(
    regions: list[Region], lengths: Mapping[str, int], file: str
) -> tuple[list[Region], list[str]]:
    """Regions cut at the ends of contigs; raises InvalidInput for one that lies behind an end."""
    far = [one for one in regions if one.end > lengths.get(one.contig, one.end)]
    for one in far:
        if one.start >= lengths[one.contig]:
            raise InvalidInput(
                f"{file} has {one.contig}:{one.start}-{one.end}, and {one.contig} has "
                f"{lengths[one.contig]:,} bases in the sequence",
                "give the BED of the same assembly as the reference",
            )
    cut = [one._replace(end=min(one.end, lengths.get(one.contig, one.end))) for one in regions]
    names = list(dict.fromkeys(one.contig for one in far))
    said = f"{file} reaches past the ends of {listed(names)}: it is cut there"
    return cut, [said] if far else []


def _lines(path: Path) -> Iterator[bytes]:
    rest = b""
    for block in text_blocks(path):
        *lines, rest = (rest + block).split(b"\n")
        yield from lines
    if rest:
        yield rest


def _records(path: Path) -> Iterator[bytes]:
    return (line for line in _lines(path) if line and not line.startswith(b"#"))


def _named_region(text: str) -> tuple[str, Path]:
    name, equals, path = text.partition("=")
    if not (name and equals and path):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=BED")
    return name, Path(path)


def main(arguments: list[str]) -> int:
    """Recall, precision and F1 of calls against a truth, by kind of variant and genotype.

    Writes truth.json. Ends with 0 whatever the figures are, and with 2 where a file can't be used.
    """
    parser = argparse.ArgumentParser(prog="seqdrop-tool truth", description=main.__doc__)
    parser.add_argument("calls", type=Path, help="the VCF to judge; calls without PASS are none")
    parser.add_argument("truth", type=Path, help="the control's VCF, as GIAB gives it out")
    parser.add_argument("--regions", type=Path, required=True, help="BED of confident regions")
    parser.add_argument(
        "--region", action="append", default=[], type=_named_region, metavar="NAME=BED",
        help="regions that are counted by themselves, too; may be repeated",
    )  # fmt: skip
    parser.add_argument("--targets", type=Path, help="BED outside of which nothing counts")
    parser.add_argument("--reference", type=Path, required=True, help="FASTA of the sequence")
    parser.add_argument("--sample", default="", help="the sample, if the calls have several")
    parser.add_argument("--truth-sample", default="", help="the sample, if the truth has several")
    parser.add_argument("--minimum-count", type=int, default=MINIMUM_COUNT)
    parser.add_argument("--out", type=Path, required=True, help="folder for truth.json")
    options = vars(parser.parse_args(arguments))
    out: Path = options.pop("out")
    options |= {"named": dict(options.pop("region")), "only": options.pop("targets")}
    out.mkdir(parents=True, exist_ok=True)
    (out / TRUTH_FILE).unlink(missing_ok=True)  # nothing of an earlier one may stay
    try:
        accuracy = judge_files(
            options.pop("calls"),
            options.pop("truth"),
            options.pop("regions"),
            options.pop("reference"),
            **options,
        )
    except InvalidInput as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_INVALID
    text = msgspec.json.format(msgspec.json.encode(accuracy), indent=1)
    (out / TRUTH_FILE).write_bytes(text + b"\n")
    whole = accuracy.classes[0]
    sys.stdout.write(
        f"{whole.true_positives} of {whole.truth_total} found (at least {whole.recall.low:.1%}), "
        f"{whole.false_positives} of {whole.calls_total} calls wrong\n"
    )
    for warning in accuracy.warnings:
        sys.stderr.write(f"warning: {warning}\n")
    return 0
