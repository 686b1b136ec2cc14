"""Stand-in for Strelka2's germline workflow: it takes its command line and says what it is.

`python -m local.tools.strelka2_germline FOLDER JOBS …`, as `containers/strelka2/strelka2-germline`
is called. It runs `bcftools` from PATH, and writes the files that Strelka2's user guide names.
"""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

from local.tools.child_tools import ToolFailed
from local.tools.dragen_calling import call_variants

VERSION = "Strelka stand-in 1.0 (simulated by bcftools; this is not Strelka2)"
_HEADER = (
    "##source=strelka stand-in (simulated)\n"
    "##startTime={now}\n"
    "##cmdline=configureStrelkaGermlineWorkflow.py {arguments}\n"
)
"""With a date and a command line, as Strelka2's own header has them."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="strelka2-germline", allow_abbrev=False)
    parser.add_argument("folder", type=Path)
    parser.add_argument("jobs", type=int)
    parser.add_argument("--bam", type=Path, required=True)
    parser.add_argument("--referenceFasta", type=Path, required=True, dest="fasta")
    parser.add_argument("--callRegions", type=Path, dest="regions")
    parser.add_argument("--exome", action="store_true")
    return parser


def main(arguments: list[str]) -> int:
    """Configures and runs one workflow; returns the exit code."""
    if arguments == ["--version"]:
        sys.stdout.write(f"{VERSION}\n")
        return 0
    options = _parser().parse_args(arguments)
    results = options.folder / "results" / "variants"
    try:
        for needed in (f"{options.bam}.bai", f"{options.fasta}.fai"):
            if not Path(needed).is_file():
                raise ToolFailed(f"{needed} is not there")
        if options.regions and not Path(f"{options.regions}.tbi").is_file():
            raise ToolFailed(f"{options.regions} has no tabix index")
        results.mkdir(parents=True)
        call_variants(
            options.bam, options.fasta, results / "genome.S1.vcf.gz", results / "variants.vcf.gz",
            targets=options.regions, threads=options.jobs, hard_filter="LowGQX",
            says=_HEADER.format(now=datetime.now(UTC).isoformat(), arguments=" ".join(arguments)),
        )  # fmt: skip
    except (ToolFailed, OSError) as error:
        sys.stderr.write(f"ERROR: strelka2-germline stand-in: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
