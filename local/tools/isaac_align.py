"""Stand-in for Isaac on CPU tools: it takes isaac-align's command line and says what it is.

`python -m local.tools.isaac_align …`. It runs `bwa` and `samtools` from PATH, over lanes that are
named as Isaac's manual wants them, and writes where and under what read groups Isaac does.
"""

import argparse
import re
import sys
import tempfile
from pathlib import Path

from local.tools.child_tools import ToolFailed, run

VERSION = "isaac-align stand-in 1.0 (simulated by bwa; this is not Isaac)"
_READS = re.compile(r"lane(\d+)_read([12])\.fastq\.gz")
_CHUNK_BASES = "100000000"


class WrongUse(Exception):
    """A command line that Isaac would not take either."""


def _parser() -> argparse.ArgumentParser:
    """Options of Isaac's manual (src/markdown/manual.md, 04.18.11.09); most change nothing here."""
    parser = argparse.ArgumentParser(prog="isaac-align", allow_abbrev=False)
    parser.add_argument("-r", "--reference-genome", type=Path, required=True)
    parser.add_argument("-b", "--base-calls", type=Path, required=True)
    parser.add_argument("-f", "--base-calls-format", choices=["fastq-gz"], required=True)
    parser.add_argument("-o", "--output-directory", type=Path, default=Path("Aligned"))
    parser.add_argument("-t", "--temp-directory", type=Path, default=Path("Temp"))
    parser.add_argument("-m", "--memory-limit", type=int, default=0)
    parser.add_argument("-j", "--jobs", type=int, default=1)
    parser.add_argument("--keep-unaligned", choices=["discard", "front", "back"], default="back")
    parser.add_argument("--bam-gzip-level", type=int, choices=range(10), default=1)
    for flag in (
        "pf-only", "mark-duplicates", "variable-read-length", "bam-produce-md5",
        "cleanup-intermediary", "disable-resume",
    ):  # fmt: skip
        parser.add_argument(f"--{flag}", choices=["0", "1"], default="1")
    return parser


def _lanes(folder: Path) -> list[tuple[int, Path, Path]]:
    """Lanes by number, each with both its reads."""
    found: dict[int, dict[str, Path]] = {}
    for path in folder.iterdir():
        if named := _READS.fullmatch(path.name):
            found.setdefault(int(named[1]), {})[named[2]] = path
    if not found:
        raise WrongUse(f"{folder} has no lane<X>_read<Y>.fastq.gz")
    return [(lane, reads["1"], reads["2"]) for lane, reads in sorted(found.items())]


def _align(options: argparse.Namespace, work: Path) -> None:
    fasta = work / "genome.fa"
    run(["bwa", "index", "-p", str(fasta), str(options.reference_genome)])
    parts = []
    for index, (lane, r1, r2) in enumerate(_lanes(options.base_calls)):
        part = work / f"{lane}.bam"
        group = f"@RG\\tID:{index}\\tPL:ILLUMINA\\tSM:default\\tPU:unknown-flowcell:{lane}:none"
        bwa = ["bwa", "mem", "-t", str(options.jobs), "-K", _CHUNK_BASES, "-Y", "-R", group]
        sort = ["samtools", "sort", "-T", f"{part}.sort", "-o", str(part), "-"]
        run([*bwa, str(fasta), str(r1), str(r2)], sort)
        parts.append(str(part))
    target = options.output_directory / "Projects" / "default" / "default" / "sorted.bam"
    target.parent.mkdir(parents=True)
    run(["samtools", "merge", "-o", str(target), *parts])
    run(["samtools", "index", str(target)])


def main(arguments: list[str]) -> int:
    """Runs one command line of isaac-align; returns the exit code."""
    if arguments and arguments[0] in {"--version", "-v"}:
        sys.stdout.write(f"{VERSION}\n")
        return 0
    options = _parser().parse_args(arguments)
    try:
        options.temp_directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=options.temp_directory) as work:
            _align(options, Path(work))
    except (WrongUse, ToolFailed, OSError) as error:
        sys.stderr.write(f"ERROR: isaac-align stand-in: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
