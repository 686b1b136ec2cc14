"""DRAGEN's metrics files with honest values: headerless rows of section, sample, metric, value."""

import csv
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from local.tools.child_tools import text_of
from local.tools.dragen_lanes import Lane, LaneCounts
from seqdrop.domain.measures import samtools_stats

Row = tuple[str, ...]
STAND_IN_ROW: Row = ("STAND-IN/SIMULATED", "", "Simulated", "1")
NOT_AVAILABLE = "NA"
TRANSITIONS = {("A", "G"), ("G", "A"), ("C", "T"), ("T", "C")}


def write_rows(path: Path, rows: Sequence[Row], mark: Row = STAND_IN_ROW) -> None:
    """Writes one metrics file; the first row says that it is a stand-in's."""
    with path.open("w", newline="", encoding="utf-8") as handle:
        csv.writer(handle, lineterminator="\n").writerows([mark, *rows])


def percent(part: float, whole: float) -> str:
    """A second value, or NA where there is nothing to divide by."""
    return f"{100 * part / whole:.2f}" if whole else NOT_AVAILABLE


def flagstat(bam: Path, read_group: str = "") -> dict[str, int]:
    """The counts of `samtools flagstat`, failed reads included; of one read group or of all."""
    chosen = ["-r", read_group] if read_group else []
    view = ["samtools", "view", "--no-PG", "-u", *chosen, str(bam)]
    counts = json.loads(text_of(view, ["samtools", "flagstat", "-O", "json", "-"]))
    passed, failed = counts["QC-passed reads"], counts["QC-failed reads"]
    whole = {name: passed[name] + failed[name] for name in passed if "%" not in name}
    return {**whole, "failed": failed["primary"]}


def mapping_rows(
    counts: dict[str, int], *, duplicates_marked: bool, read_group: str = ""
) -> list[Row]:
    """DRAGEN's mapping summary from flagstat's counts of primary reads, or that of a read group."""
    section = "MAPPING/ALIGNING PER RG" if read_group else "MAPPING/ALIGNING SUMMARY"
    total = counts["primary"]
    mapped, paired = counts["primary mapped"], counts["with itself and mate mapped"]
    values = {
        "Total reads in RG" if read_group else "Total input reads": total,
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
    rows: list[Row] = []
    for name, value in values.items():
        if "duplicate" in name and not duplicates_marked:
            rows.append((section, read_group, name, NOT_AVAILABLE))
        else:
            rows.append((section, read_group, name, str(value), percent(value, total)))
    return rows


def base_rows(stats_text: str) -> list[Row]:
    """Qualities of bases and lengths of inserts, of which DRAGEN speaks in its mapping summary."""
    stats = samtools_stats.read(stats_text.encode())
    section, insert = "MAPPING/ALIGNING SUMMARY", stats.get("insert_size_median")
    return [
        (section, "", "Q30 bases", str(int(stats.get("q30_bases", 0)))),
        (
            section,
            "",
            "Insert length: median",
            NOT_AVAILABLE if insert is None else f"{insert:.2f}",
        ),
        (section, "", "Provided sex chromosome ploidy", NOT_AVAILABLE),
    ]


def read_group_rows(
    bam: Path, lanes: Sequence[tuple[Lane, LaneCounts]], *, duplicates_marked: bool
) -> list[Row]:
    """The same for each read group, and the bases in its files."""
    bases: Counter[str] = Counter()
    for lane, counts in lanes:
        bases[lane.read_group["ID"]] += counts.bases
    rows: list[Row] = []
    for group, number in bases.items():
        counted = flagstat(bam, group)
        rows += mapping_rows(counted, duplicates_marked=duplicates_marked, read_group=group)
        rows.append(("MAPPING/ALIGNING PER RG", group, "Total bases", str(number)))
    return rows


def _genotype_counts(vcf: Path, *, passed: bool) -> Counter[str]:
    counts: Counter[str] = Counter()
    query = ["bcftools", "query", *(["-i", 'FILTER="PASS"'] if passed else [])]
    table = text_of([*query, "-f", "%REF\t%ALT[\t%GT]\n", str(vcf)])
    for line in table.splitlines():
        ref, alts, genotype = line.split("\t")
        alt = alts.split(",")[0]
        zygosity = "Het" if len(set(genotype.replace("|", "/").split("/"))) > 1 else "Hom"
        counts["Total"] += 1
        counts["Multiallelic"] += "," in alts
        counts[zygosity] += 1
        if len(ref) == len(alt):
            counts["SNPs"] += 1
            counts["Transitions" if (ref, alt) in TRANSITIONS else "Transversions"] += 1
        else:
            counts[f"{'Deletions' if len(ref) > len(alt) else 'Insertions'} ({zygosity})"] += 1
    return counts


def calling_rows(vcf: Path) -> list[Row]:
    """DRAGEN's variant counts from the calls, before and after filters."""
    sample = text_of(["bcftools", "query", "-l", str(vcf)]).strip()
    rows: list[Row] = [("VARIANT CALLER SUMMARY", "", "Number of samples", "1")]
    for section, passed in (("PREFILTER", False), ("POSTFILTER", True)):
        counts = _genotype_counts(vcf, passed=passed)
        rows += _calling_rows(f"VARIANT CALLER {section}", sample, counts)
    return rows


def _calling_rows(section: str, sample: str, counts: Counter[str]) -> list[Row]:
    total = counts["Total"]
    shares = {
        "Total": total,
        "Biallelic": total - counts["Multiallelic"],
        "Multiallelic": counts["Multiallelic"],
        "SNPs": counts["SNPs"],
        "Insertions (Hom)": counts["Insertions (Hom)"],
        "Insertions (Het)": counts["Insertions (Het)"],
        "Deletions (Hom)": counts["Deletions (Hom)"],
        "Deletions (Het)": counts["Deletions (Het)"],
        "Indels (Het)": 0,
    }
    plain = {
        "SNP Transitions": counts["Transitions"],
        "SNP Transversions": counts["Transversions"],
        "Ti/Tv ratio": _ratio(counts["Transitions"], counts["Transversions"]),
        "Heterozygous": counts["Het"],
        "Homozygous": counts["Hom"],
        "Het/Hom ratio": _ratio(counts["Het"], counts["Hom"]),
        "Percent Callability": NOT_AVAILABLE,
    }
    rows: list[Row] = [(section, sample, k, str(v), percent(v, total)) for k, v in shares.items()]
    return rows + [(section, sample, name, str(value)) for name, value in plain.items()]


def _ratio(part: int, whole: int) -> str:
    return f"{part / whole:.2f}" if whole else NOT_AVAILABLE


def time_rows(seconds: dict[str, float]) -> list[Row]:
    """Run times as DRAGEN writes them: hours, and seconds."""
    rows: list[Row] = []
    for name, value in seconds.items():
        minutes, rest = divmod(value, 60)
        clock = f"{int(minutes // 60):02}:{int(minutes % 60):02}:{rest:06.3f}"
        rows.append(("RUN TIME", "", name, clock, f"{value:.2f}"))
    return rows
