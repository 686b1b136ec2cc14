"""DRAGEN's metrics files with honest values: headerless rows of section, sample, metric, value."""

import csv
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from local.tools.child_tools import text_of
from local.tools.dragen_lanes import Lane, LaneCounts

Row = tuple[str, ...]
STAND_IN_ROW: Row = ("STAND-IN", "", "Simulated", "1")
NOT_AVAILABLE = "NA"
COVERAGE_STEPS = (1, 3, 10, 15, 20, 30, 50, 100)
TRANSITIONS = {("A", "G"), ("G", "A"), ("C", "T"), ("T", "C")}
# Duplicates, secondary, supplementary, unmapped and failed reads count for no coverage.
UNCOUNTED = "0xF04"


def write_rows(path: Path, rows: Sequence[Row]) -> None:
    """Write one metrics file; the first row says that it is a stand-in's."""
    with path.open("w", newline="", encoding="utf-8") as handle:
        csv.writer(handle, lineterminator="\n").writerows([STAND_IN_ROW, *rows])


def _percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.2f}" if whole else NOT_AVAILABLE


def flagstat(bam: Path) -> dict[str, int]:
    """The counts of `samtools flagstat`, failed reads included."""
    counts = json.loads(text_of(["samtools", "flagstat", "-O", "json", str(bam)]))
    passed, failed = counts["QC-passed reads"], counts["QC-failed reads"]
    whole = {name: passed[name] + failed[name] for name in passed if "%" not in name}
    return {**whole, "failed": failed["primary"]}


def mapping_rows(counts: dict[str, int], *, duplicates_marked: bool) -> list[Row]:
    """DRAGEN's mapping summary from flagstat's counts of primary reads."""
    total = counts["primary"]
    mapped, paired = counts["primary mapped"], counts["with itself and mate mapped"]
    values = {
        "Total input reads": total,
        "Number of duplicate marked reads": counts["primary duplicates"],
        "Number of unique reads (excl. duplicate marked reads)": total
        - counts["primary duplicates"],
        "Reads with mate sequenced": counts["paired in sequencing"],
        "Reads without mate sequenced": total - counts["paired in sequencing"],
        "QC-failed reads": counts["failed"],
        "Mapped reads": mapped,
        "Unmapped reads": total - mapped,
        "Singleton reads (itself mapped; mate unmapped)": counts["singletons"],
        "Paired reads (itself & mate mapped)": paired,
        "Properly paired reads": counts["properly paired"],
        "Not properly paired reads (discordant)": paired - counts["properly paired"],
        "Supplementary (chimeric) alignments": counts["supplementary"],
        "Secondary alignments": counts["secondary"],
    }
    section = "MAPPING/ALIGNING SUMMARY"
    rows: list[Row] = []
    for name, value in values.items():
        if "duplicate" in name and not duplicates_marked:
            rows.append((section, "", name, NOT_AVAILABLE))
        else:
            rows.append((section, "", name, str(value), _percent(value, total)))
    return rows


def read_group_rows(lanes: Sequence[tuple[Lane, LaneCounts]]) -> list[Row]:
    """What the files of each read group held."""
    section = "MAPPING/ALIGNING PER RG"
    reads: Counter[str] = Counter()
    bases: Counter[str] = Counter()
    for lane, counts in lanes:
        reads[lane.read_group["ID"]] += counts.reads
        bases[lane.read_group["ID"]] += counts.bases
    rows: list[Row] = []
    for group in reads:
        rows.append((section, group, "Total reads in RG", str(reads[group]), "100.00"))
        rows.append((section, group, "Total bases in RG", str(bases[group])))
    return rows


def _genotype_counts(vcf: Path) -> dict[str, int]:
    kinds = ("SNPs", "Insertions", "Deletions", "Multiallelic", "Transitions", "Het", "Hom")
    counts = dict.fromkeys(kinds, 0)
    counts["Total"] = 0
    table = text_of(["bcftools", "query", "-f", "%REF\t%ALT[\t%GT]\n", str(vcf)])
    for line in table.splitlines():
        ref, alts, genotype = line.split("\t")
        alt = alts.split(",")[0]
        kind = "SNPs" if len(ref) == len(alt) else "Insertions"
        counts["Deletions" if len(ref) > len(alt) else kind] += 1
        counts["Total"] += 1
        counts["Multiallelic"] += "," in alts
        counts["Transitions"] += (ref, alt) in TRANSITIONS
        counts["Het" if len(set(genotype.replace("|", "/").split("/"))) > 1 else "Hom"] += 1
    return counts


def calling_rows(vcf: Path) -> list[Row]:
    """DRAGEN's variant counts from the calls."""
    counts, sample = _genotype_counts(vcf), text_of(["bcftools", "query", "-l", str(vcf)]).strip()
    total, section = counts["Total"], "VARIANT CALLER POSTFILTER"
    rows: list[Row] = [("VARIANT CALLER SUMMARY", "", "Number of samples", "1")]
    values = {
        "Total": total,
        "Biallelic": total - counts["Multiallelic"],
        "Multiallelic": counts["Multiallelic"],
        "SNPs": counts["SNPs"],
        "Insertions": counts["Insertions"],
        "Deletions": counts["Deletions"],
        "Heterozygous": counts["Het"],
        "Homozygous": counts["Hom"],
    }
    rows += [(section, sample, k, str(v), _percent(v, total)) for k, v in values.items()]
    transversions = counts["SNPs"] - counts["Transitions"]
    for name, part, whole in (
        ("Ti/Tv ratio", counts["Transitions"], transversions),
        ("Het/Hom ratio", counts["Het"], counts["Hom"]),
    ):
        rows.append((section, sample, name, f"{part / whole:.2f}" if whole else NOT_AVAILABLE))
    return rows


def _covered_bases(fasta: Path, targets: Path | None) -> int:
    """How many bases there are to cover."""
    if targets is None:
        index = fasta.with_name(fasta.name + ".fai").read_text(encoding="utf-8")
        return sum(int(line.split("\t")[1]) for line in index.splitlines())
    rows = [line.split("\t") for line in targets.read_text(encoding="utf-8").splitlines()]
    return sum(int(row[2]) - int(row[1]) for row in rows)


def coverage_rows(bam: Path, fasta: Path, targets: Path | None, work: Path) -> list[Row]:
    """Mean depth and how much is covered, over the genome or the target regions."""
    deepest = 100_000
    stats = ["samtools", "stats", "-c", f"1,{deepest},1", "-F", UNCOUNTED]
    if targets:
        regions = work / "targets.tab"
        rows = [line.split("\t") for line in targets.read_text(encoding="utf-8").splitlines()]
        text = "".join(f"{row[0]}\t{int(row[1]) + 1}\t{row[2]}\n" for row in rows)
        regions.write_text(text, encoding="utf-8")
        stats += ["-t", str(regions)]
    lines = text_of([*stats, str(bam)]).splitlines()
    depths = [line.split("\t")[2:4] for line in lines if line.startswith("COV\t")]
    histogram = [(int(depth), int(bases)) for depth, bases in depths]
    region, length = "target region" if targets else "genome", _covered_bases(fasta, targets)
    mean = sum(depth * bases for depth, bases in histogram) / length if length else 0.0
    section = "COVERAGE SUMMARY"
    found: list[Row] = [
        (section, "", "Aligned bases in " + region, str(round(mean * length))),
        (section, "", f"Average alignment coverage over {region}", f"{mean:.2f}"),
    ]
    for step in COVERAGE_STEPS:
        bases = sum(count for depth, count in histogram if depth >= step)
        name = f"PCT of {region} with coverage [{step:>3}x: inf)"
        found.append((section, "", name, _percent(bases, length)))
    return found


def time_rows(seconds: dict[str, float]) -> list[Row]:
    """Run times as DRAGEN writes them: hours, and seconds."""
    rows: list[Row] = []
    for name, value in seconds.items():
        minutes, rest = divmod(value, 60)
        clock = f"{int(minutes // 60):02}:{int(minutes % 60):02}:{rest:06.3f}"
        rows.append(("RUN TIME", "", name, clock, f"{value:.2f}"))
    return rows
