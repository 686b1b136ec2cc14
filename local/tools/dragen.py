"""Stand-in for DRAGEN on CPU tools: it takes DRAGEN's command line and says what it is.

`python -m local.tools.dragen …`. It runs `bwa`, `samtools` and `bcftools` from PATH.
"""

import logging
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from local.tools import dragen_metrics as metrics
from local.tools import dragen_reference
from local.tools.child_tools import ToolFailed, text_of
from local.tools.dragen_calling import call_variants, padded_targets
from local.tools.dragen_coverage import Coverage, coverage_rows, depths_of, histogram_rows
from local.tools.dragen_lanes import Lane, LaneCounts, count_lane, lanes_of
from local.tools.dragen_mapping import (
    finish_alignment,
    map_lane,
    sort_given_bam,
    write_alignment,
)
from local.tools.dragen_options import Options, WrongUse, parse
from local.tools.dragen_reads import FASTQC_MARK, fastqc_rows, write_fragment_lengths
from local.tools.fastq_reads import BadFastq

logger = logging.getLogger("dragen")

VERSION = "dragen stand-in 1.0 (simulated by bwa, samtools and bcftools; this is not DRAGEN)"


class ReadsLost(Exception):
    """The alignment does not hold every read of the input."""


@dataclass
class Run:
    """One analysis: its command line, its scratch folder, its finished files and its times."""

    options: Options
    fasta: Path
    work: Path
    finished: list[Path] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    def named(self, ending: str) -> Path:
        """A file under DRAGEN's name, still in the scratch folder."""
        folder = self.work / "finished"
        folder.mkdir(exist_ok=True)
        return folder / f"{self.options.prefix}{ending}"

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Logs a step and keeps how long it took."""
        logger.info("stand-in (simulated): %s", name)
        start = time.monotonic()
        yield
        self.seconds[f"Time {name}"] = time.monotonic() - start


def _alignment_ending(options: Options) -> str:
    return f".{options.output_format.lower()}"


def _expected_outputs(options: Options) -> list[Path]:
    endings = [".time_metrics.csv", ".mapping_metrics.csv"]
    endings += [_alignment_ending(options)] if options.map_align_output else []
    if options.variant_caller:
        endings += [".hard-filtered.vcf.gz"] if options.emit_vcf else []
        endings += [".hard-filtered.gvcf.gz"] if options.emit_gvcf else []
    return [options.output_directory / f"{options.prefix}{ending}" for ending in endings]


def _align(run: Run, lanes: list[Lane]) -> tuple[Path, list[tuple[Lane, LaneCounts]]]:
    options, bam = run.options, run.work / "aligned.bam"
    with run.timed("reading input"):
        counted = [(lane, count_lane(lane)) for lane in lanes]
    parts = [run.work / f"lane{number}.bam" for number in range(max(1, len(lanes)))]
    with run.timed("aligning reads"):
        if lanes:
            for lane, part in zip(lanes, parts, strict=True):
                map_lane(lane, run.fasta, part, threads=options.threads)
        else:
            sort_given_bam(Path(options.bam_input), parts[0], threads=options.threads)
    with run.timed("sorting and marking duplicates"):
        finish_alignment(
            parts, bam, mark_duplicates=options.mark_duplicates, threads=options.threads
        )
    return bam, counted


def _report_mapping(run: Run, bam: Path, lanes: list[tuple[Lane, LaneCounts]]) -> None:
    counts, stats = metrics.flagstat(bam), text_of(["samtools", "stats", str(bam)])
    given = sum(count.reads for _, count in lanes)
    if lanes and counts["primary"] != given:
        raise ReadsLost(f"{given} reads went in and {counts['primary']} came out of mapping")
    marked = run.options.mark_duplicates
    rows = metrics.mapping_rows(counts, duplicates_marked=marked)
    rows += metrics.base_rows(stats)
    rows += metrics.read_group_rows(bam, lanes, duplicates_marked=marked)
    path = run.named(".mapping_metrics.csv")
    metrics.write_rows(path, rows)
    lengths = run.named(".fragment_length_hist.csv")
    write_fragment_lengths(lengths, stats, run.options.prefix)
    run.finished += [path, lengths]


def _report_reads(run: Run, lanes: list[Lane]) -> None:
    path = run.named(".fastqc_metrics.csv")
    metrics.write_rows(path, fastqc_rows(lanes), FASTQC_MARK)
    run.finished.append(path)


def _targets(run: Run) -> Path | None:
    if not run.options.target_bed:
        return None
    bed, padding = Path(run.options.target_bed), run.options.target_bed_padding
    return padded_targets(bed, padding, run.work / "targets.bed")


def _report_coverage(run: Run, bam: Path, targets: Path | None) -> None:
    """Over the genome, the targets where there are some, and a region of the user's choice."""
    options, once = run.options, run.options.ignore_overlaps
    found = {"wgs": Coverage("genome", None, 1, once)}
    if targets:
        found["target_bed"] = Coverage("target region", targets, 1, once)
    if options.coverage_region:
        found["qc-coverage-region-1"] = Coverage(
            "QC coverage region", Path(options.coverage_region), options.coverage_mapq, once
        )
    for name, coverage in found.items():
        depths = depths_of(bam, coverage)
        reports = {
            "coverage_metrics": coverage_rows(depths, coverage.word),
            "fine_hist": histogram_rows(depths),
        }
        for report, rows in reports.items():
            path = run.named(f".{name}_{report}.csv")
            metrics.write_rows(path, rows)
            run.finished.append(path)


def _call(run: Run, bam: Path, targets: Path | None) -> None:
    options = run.options
    gvcf, vcf = run.named(".hard-filtered.gvcf.gz"), run.named(".hard-filtered.vcf.gz")
    with run.timed("variant calling"):
        call_variants(bam, run.fasta, gvcf, vcf, targets=targets, threads=options.threads)
    path = run.named(".vc_metrics.csv")
    metrics.write_rows(path, metrics.calling_rows(vcf))
    run.finished.append(path)
    for called, wanted in ((gvcf, options.emit_gvcf), (vcf, options.emit_vcf)):
        if wanted:
            run.finished += [called, called.with_name(called.name + ".tbi")]


def _analyse(run: Run, lanes: list[Lane]) -> None:
    options, start = run.options, time.monotonic()
    targets = _targets(run)
    bam, counted = _align(run, lanes)
    _report_mapping(run, bam, counted)
    if lanes:
        _report_reads(run, lanes)
    _report_coverage(run, bam, targets)
    if options.map_align_output:
        target = run.named(_alignment_ending(options))
        run.finished += write_alignment(bam, target, run.fasta, index=options.bam_indexing)
    if options.variant_caller:
        _call(run, bam, targets)
    run.seconds["Total runtime"] = time.monotonic() - start
    times, usage = run.named(".time_metrics.csv"), run.named("_usage.txt")
    metrics.write_rows(times, metrics.time_rows(run.seconds))
    bases = sum(count.bases for _, count in counted)
    licence = "credentials file" if options.licensed else "none"
    text = f"{VERSION}\nLicense used: {licence}\nInput bases: {bases}\n"
    usage.write_text(text, encoding="utf-8")
    run.finished += [times, usage]


def _run(options: Options) -> None:
    if options.software_mode:
        logger.info("stand-in (simulated): software mode, without an FPGA")
    if options.licensed:
        logger.info("stand-in (simulated): license credentials file accepted")
    if options.build_hash_table:
        dragen_reference.build(
            Path(options.ht_reference), options.output_directory, force=options.force
        )
        return
    if options.ref_dir is None:
        raise WrongUse("--ref-dir is needed")
    fasta = dragen_reference.fasta_of(options.ref_dir)
    lanes = lanes_of(options)
    existing = [path for path in _expected_outputs(options) if path.exists()]
    if existing and not options.force:
        raise WrongUse(f"{existing[0]} exists; use -f to overwrite it")
    with tempfile.TemporaryDirectory(dir=options.intermediate, prefix=".dragen-") as folder:
        run = Run(options, fasta, Path(folder))
        _analyse(run, lanes)
        for path in run.finished:
            shutil.move(path, options.output_directory / path.name)


def main(arguments: list[str]) -> int:
    """Runs one DRAGEN command line; returns the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    if "--version" in arguments or "-V" in arguments:
        logger.info(VERSION)
        return 0
    # A scheduler ends a job with SIGTERM: leave as for an error, so that scratch is removed.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    logger.info(VERSION)
    try:
        _run(parse(arguments))
    except (WrongUse, BadFastq, ToolFailed, ReadsLost, OSError) as error:
        sys.stderr.write(f"ERROR: dragen stand-in: {error}\n")
        return 1
    logger.info("stand-in (simulated): finished")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
