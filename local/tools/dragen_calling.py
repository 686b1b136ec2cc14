"""The stand-in's variant calling: one bcftools pass makes the gVCF, and the VCF comes from it."""

from pathlib import Path

from local.tools.child_tools import run
from local.tools.dragen_options import WrongUse

STAND_IN_HEADER = (
    "##source=DRAGEN stand-in (simulated)\n"
    '##DRAGENStandIn=<ID=stand-in,Simulated=1,Description="called by bcftools, not by DRAGEN">\n'
)
GVCF_DEPTH_BLOCKS = "1,5,10,20"  # a reference block ends where the depth crosses one of these
NOT_A_VARIANT = 'ALT="."'
HARD_FILTER, FAILS = "DRAGENHardQUAL", "QUAL<10.41"
"""As DRAGEN does, the rest is PASS. Its own thresholds differ from version to version."""


def padded_targets(bed: Path, padding: int, target: Path) -> Path:
    """Writes the target regions as a plain BED, each grown by `padding` on both sides."""
    lines = []
    for line in bed.read_text("utf-8", "surrogateescape").split("\n"):
        fields = line.split("\t")
        if not line or line.startswith(("#", "track", "browser")):
            continue
        if len(fields) < 3 or not (fields[1].isdigit() and fields[2].isdigit()):
            raise WrongUse(f"{bed} is not BED: {line!r}")
        start, end = max(0, int(fields[1]) - padding), int(fields[2]) + padding
        lines.append(f"{fields[0]}\t{start}\t{end}\n")
    target.write_text("".join(lines), encoding="utf-8")
    return target


def call_variants(
    bam: Path, fasta: Path, gvcf: Path, vcf: Path, *, targets: Path | None, threads: int,
    says: str = STAND_IN_HEADER, hard_filter: str = HARD_FILTER,
) -> None:  # fmt: skip
    """Calls variants: equal to `bcftools mpileup | bcftools call -mv`, plus reference blocks.

    ``says``: lines of the header by which a stand-in says what it is.
    """
    header = gvcf.with_suffix(".header.txt")
    header.write_text(says, encoding="utf-8")
    only = ["-T", str(targets)] if targets else []
    add_tags = ["-a", "FORMAT/AD,FORMAT/DP"]
    # --no-version: dates and scratch files in the header would make equal runs differ.
    plain, extra = "--no-version", str(threads - 1)
    mpileup = ["bcftools", "mpileup", plain, "-Ou", *add_tags, *only, "-f", str(fasta), str(bam)]
    judge = ["bcftools", "filter", plain, "-s", hard_filter, "-e", FAILS, "-Ou", "-"]
    annotate = ["bcftools", "annotate", plain, "--threads", extra, "-h", str(header)]
    run(
        mpileup,
        ["bcftools", "call", plain, "-m", "-g", GVCF_DEPTH_BLOCKS, "-Ou"],
        judge,
        [*annotate, "-Oz", "-o", str(gvcf), "-"],
    )
    run(["bcftools", "view", plain, "-e", NOT_A_VARIANT, "-Oz", "-o", str(vcf), str(gvcf)])
    for path in (gvcf, vcf):
        run(["bcftools", "index", "-t", "-f", str(path)])
