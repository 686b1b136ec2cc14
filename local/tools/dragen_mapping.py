"""The stand-in's mapping: each lane its own read group, sorted, merged, duplicates marked."""

import shutil
from pathlib import Path

from local.tools.child_tools import Command, run, text_of
from local.tools.dragen_lanes import Lane

CHUNK_BASES = "100000000"
STAND_IN_COMMENT = "@CO\tDRAGEN stand-in (simulated): mapped by bwa mem, not by DRAGEN"


# samtools' own @PG lines would name scratch files, and make equal runs differ: hence --no-PG.


def _extra_threads(threads: int) -> list[str]:
    return ["-@", str(threads - 1)]


def _mates_fixed_and_sorted(bam: Path, threads: int) -> list[Command]:
    extra = _extra_threads(threads)
    return [
        ["samtools", "fixmate", "--no-PG", "-u", "-m", "-", "-"],
        ["samtools", "sort", "--no-PG", *extra, "-u", "-T", f"{bam}.sort", "-o", str(bam), "-"],
    ]


def map_lane(lane: Lane, fasta: Path, bam: Path, *, threads: int) -> None:
    """Maps one lane to a sorted BAM whose mates know of each other."""
    group, count = lane.read_group_line, str(threads)
    # -K: how many bases are looked at together must not follow the number of threads.
    bwa = ["bwa", "mem", "-t", count, "-K", CHUNK_BASES, "-Y", "-R", group, str(fasta)]
    run([*bwa, *lane.files], *_mates_fixed_and_sorted(bam, threads))


def sort_given_bam(source: Path, bam: Path, *, threads: int) -> None:
    """Brings a BAM that was given as input into the state of a mapped lane."""
    collate = ["samtools", "collate", "--no-PG", "-O", "-u", str(source), f"{bam}.collate"]
    run(collate, *_mates_fixed_and_sorted(bam, threads))


def finish_alignment(parts: list[Path], bam: Path, *, mark_duplicates: bool, threads: int) -> None:
    """Merges the lanes, says in the header that this is a stand-in's, and marks duplicates."""
    merged = parts[0]
    if len(parts) > 1:
        merged = bam.with_suffix(".merged.bam")
        # -c: the segments of a lane are one read group; -s: the names that clash in the header
        # are told apart by chance, which has to be the same each time.
        merge = ["samtools", "merge", "--no-PG", *_extra_threads(threads), "-c", "-s", "1", "-u"]
        run([*merge, "-o", str(merged), *map(str, parts)])
    header = bam.with_suffix(".header.sam")
    text = text_of(["samtools", "view", "-H", "--no-PG", str(merged)])
    header.write_text(f"{text.rstrip()}\n{STAND_IN_COMMENT}\n", encoding="utf-8")
    reheader = ["samtools", "reheader", "-P", str(header), str(merged)]
    extra = ["--no-PG", *_extra_threads(threads)]
    if mark_duplicates:
        run(reheader, ["samtools", "markdup", *extra, "-", str(bam)])
    else:
        run(reheader, ["samtools", "view", *extra, "-b", "-o", str(bam), "-"])
    run(["samtools", "index", str(bam)])


def write_alignment(bam: Path, target: Path, fasta: Path, *, index: bool) -> list[Path]:
    """Writes the BAM or CRAM under DRAGEN's name, with its index; returns these files."""
    is_cram = target.suffix == ".cram"
    if is_cram:
        run(["samtools", "view", "--no-PG", "-C", "-T", str(fasta), "-o", str(target), str(bam)])
    else:
        shutil.copyfile(bam, target)
    if not index:
        return [target]
    run(["samtools", "index", str(target)])
    return [target, target.with_name(target.name + (".crai" if is_cram else ".bai"))]
