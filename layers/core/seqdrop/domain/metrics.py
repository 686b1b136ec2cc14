"""The metrics of a run: what limits may name, and how each follows from what was counted.

The runner counts in the reads (``StageResult.counts``) and reads the files of the tools
(``StageResult.metrics``, see ``domain/measures``). Whatever could not be counted is simply not
there, and neither is what would follow from it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from seqdrop.domain.lanes import (
    LEAST_PAIRED_READS,
    LEAST_PAIRS,
    LESS_IS_WORSE,
    PHRED33,
    is_phred64,
    worst_lanes,
)
from seqdrop.domain.measures import figures_of
from seqdrop.domain.measures.depth import BREADTH_DEPTHS
from seqdrop.domain.pipeline import Assay, Mistake, Pipeline
from seqdrop.domain.plan import StageResult

COUNTED = frozenset(
    (
        "reads_in",
        "bases_in",
        "q30_bases",
        "quality_min",
        "quality_max",
        "identical_mates",
        "without_end_block",
        "merged_files",
    )
)
"""What the runner counts in the FASTQ files of a stage that reads them."""


@dataclass(frozen=True)
class Metric:
    """What a metric is, for people."""

    unit: str
    meaning: str


@dataclass(frozen=True)
class Ratio:
    """A metric that is one count over another; not known below the least of the latter."""

    part: str
    whole: str
    least: int = 1


METRICS: dict[str, Metric] = {
    "reads": Metric("reads", "reads in the FASTQ files, both mates"),
    "q30_fraction": Metric("fraction", "bases with a quality of 30 or more"),
    "highest_quality": Metric("phred", "the highest quality of any base"),
    "gc_fraction": Metric("fraction", "G and C among the A, C, G and T of the reads"),
    "mapped_fraction": Metric("fraction", "reads that map anywhere"),
    "mapped_reads": Metric("reads", "reads that map anywhere"),
    "duplicate_fraction": Metric("fraction", "reads that are copies of another fragment's"),
    "properly_paired_fraction": Metric(
        "fraction", "among reads whose both mates map: those that lie as a pair of one fragment"
    ),
    "reads_without_primer": Metric(
        "reads", "mapped reads that begin and end at no primer of the panel"
    ),
    "primer_fraction": Metric("fraction", "mapped reads that begin or end at a primer"),
    "same_strand_fraction": Metric(
        "fraction", "among pairs on one contig: those whose mates are on one strand"
    ),
    "identical_mates_fraction": Metric(
        "fraction", "pairs whose R1 and R2 are the same bases, in the lane that has most of them"
    ),
    "insert_size_median": Metric("bases", "length of a fragment, from end to end of its pair"),
    "error_rate": Metric("fraction", "aligned bases that differ from the reference"),
    "mean_depth": Metric(
        "×", "fragments over a base of the targets or the genome: no duplicates, MAPQ 20 and above"
    ),
    **{
        f"breadth_{depth}x": Metric("fraction", f"bases with a depth of {depth} or more")
        for depth in BREADTH_DEPTHS
    },
    "reporting_breadth": Metric("fraction", "bases with the assay's reporting depth or more"),
    "max_depth": Metric("×", "fragments over the deepest base, counted as for mean_depth"),
    "depth_over_cap": Metric(
        "ratio", "max_depth over the reads that calling looks at for one position"
    ),
    "on_target_fraction": Metric("fraction", "aligned bases that lie on the targets"),
    "x_depth_ratio": Metric("ratio", "mean depth of X over that of the autosomes"),
    "y_depth_ratio": Metric("ratio", "mean depth of Y over that of the autosomes"),
    "callability": Metric(
        "fraction", "bases with a genotype: the reference was seen there, or a variant with PASS"
    ),
    "calls_passed": Metric("records", "variants with PASS"),
    "calls_filtered": Metric("records", "variants without PASS"),
    "calls_at_codes": Metric(
        "records", "calls that a letter for several bases in the reference allows for"
    ),
    "called_haploid": Metric(
        "0 or 1", "1 where X and Y, but for what they share, were called as one copy each"
    ),
    "haploid_variants": Metric("records", "variants with PASS of what has one copy"),
    "mixed_haploid_sites": Metric(
        "records", "variants of what has one copy that would be heterozygous, with PASS, of two"
    ),
    "mixed_haploid_fraction": Metric(
        "fraction", "mixed_haploid_sites among both kinds of variants of what has one copy"
    ),
    "snps": Metric("records", "single-base variants that passed the filters"),
    "indels": Metric("records", "insertions and deletions that passed the filters"),
    "ts_tv": Metric("ratio", "transitions over transversions among the SNPs"),
    "het_hom": Metric("ratio", "heterozygous over homozygous calls of variants"),
    "contamination": Metric(
        "fraction", "reads of another person, by the balance of alleles at common SNPs"
    ),
    "fingerprint_sites": Metric("sites", "sites of the fingerprint whose genotype is clear"),
    "identity_sites": Metric(
        "sites", "sites whose genotype is clear in the sample's other run, or was supplied, too"
    ),
    "identity_concordance": Metric("fraction", "identity_sites where both have the same genotype"),
    "phred64": Metric("0 or 1", "1 where a file's qualities are written with an offset of 64"),
    "files_without_end": Metric(
        "files", "blocked gzip files without their last, empty block: perhaps cut off"
    ),
    "files_of_merged_lanes": Metric(
        "files", "files with reads of several lanes, as their names say, in one read group"
    ),
}
"""All that limits may name."""

_RATIOS: dict[str, Ratio] = {
    "depth_over_cap": Ratio("max_depth", "cap"),
    "q30_fraction": Ratio("q30_bases", "bases_in"),
    "gc_fraction": Ratio("gc_bases", "acgt_bases"),
    "mapped_fraction": Ratio("mapped", "primary_out"),
    "duplicate_fraction": Ratio("duplicates", "primary_out"),
    "properly_paired_fraction": Ratio("properly_paired", "both_mapped", LEAST_PAIRED_READS),
    "same_strand_fraction": Ratio("same_strand_pairs", "oriented_pairs", LEAST_PAIRS),
    "identical_mates_fraction": Ratio("identical_mates", "pairs_in"),
    "primer_fraction": Ratio("reads_with_primer", "reads_looked_at"),
    "error_rate": Ratio("mismatches", "aligned_bases"),
    "ts_tv": Ratio("transitions", "transversions"),
    "mixed_haploid_fraction": Ratio("mixed_haploid_sites", "haploid_sites", 20),
    "het_hom": Ratio("het_calls", "hom_calls"),
}
_RENAMED = {
    "reads": "reads_in",
    "mapped_reads": "mapped",
    "files_without_end": "without_end_block",
    "files_of_merged_lanes": "merged_files",
}


def metrics_of(
    results: Iterable[StageResult], *, duplicates_marked: bool, cap: int = 0
) -> dict[str, float]:
    """The metrics of a run from its stages' results, rounded to four decimals.

    ``cap`` is how many reads calling looks at for one position; 0 where it takes all.
    """
    found: dict[str, float] = {"cap": cap}
    results = list(results)
    for result in results:
        found |= result.metrics
    for result in results:  # what was counted in the files themselves wins over a tool's word
        found |= result.counts
    if not duplicates_marked:
        found.pop("duplicates", None)
    if "reads_in" in found:
        found["pairs_in"] = found["reads_in"] / 2
    metrics = {name: found[name] for name in METRICS if name in found}
    metrics |= {ours: found[theirs] for ours, theirs in _RENAMED.items() if theirs in found}
    for name, ratio in _RATIOS.items():
        part, whole = found.get(ratio.part), found.get(ratio.whole, 0)
        if part is not None and whole >= ratio.least:
            metrics[name] = part / whole
    metrics |= _of_qualities(found)
    for name, worst in worst_lanes(results).items():
        if name not in LESS_IS_WORSE:  # of those, tools have a figure of their own for all reads
            metrics[name] = max(metrics.get(name, 0.0), worst.value)
    return {name: round(metrics[name], 4) for name in METRICS if name in metrics}


def _of_qualities(found: Mapping[str, float]) -> dict[str, float]:
    """What the lowest and the highest byte of all qualities say; without a base there is none."""
    if not {"quality_min", "quality_max"} <= found.keys() or not found.get("bases_in", 1):
        return {}
    return {
        "highest_quality": found["quality_max"] - PHRED33,
        "phred64": float(is_phred64(found["quality_min"], found["quality_max"])),
    }


_OF_PAIRS = frozenset(
    ("both_mapped", "oriented_pairs", "pairs_in", "identical_mates", "insert_size_median")
)
"""What nobody can count of single reads."""


def measurable(
    pipeline: Pipeline, *, duplicates_marked: bool = True, in_pairs: bool = True
) -> set[str]:
    """The metrics that runs of a pipeline may have."""
    found = {
        name
        for stage in pipeline.stages.values()
        for output, kind in stage.measures.items()
        for name in figures_of(output, kind)
    }
    found.add("cap")
    if any(stage.reads for stage in pipeline.stages.values()):
        found |= COUNTED | {"pairs_in"}
    if not duplicates_marked:
        found.discard("duplicates")
    if not in_pairs:
        found -= _OF_PAIRS
    metrics = found & METRICS.keys()
    metrics |= {ours for ours, theirs in _RENAMED.items() if theirs in found}
    metrics |= {name for name, ratio in _RATIOS.items() if {ratio.part, ratio.whole} <= found}
    if "fingerprint_sites" in metrics:
        metrics |= {"identity_sites", "identity_concordance"}
    return metrics | ({"phred64", "highest_quality"} if "quality_max" in found else set())


def unmeasured_limits(pipeline: Pipeline, assay: Assay | None = None) -> list[Mistake]:
    """A mistake for each limit that names what no run of the pipeline can have."""
    marked = assay is None or assay.marks_duplicates
    limits = pipeline.qc if assay is None else assay.qc
    in_pairs = assay is None or assay.reads != "single"
    known = measurable(pipeline, duplicates_marked=marked, in_pairs=in_pairs)
    return [
        Mistake(
            ("qc", name),
            f"qc limits {name!r}, which pipeline {pipeline.name} does not measure"
            + ("" if marked else " where duplicates are not marked")
            + f" (it measures {', '.join(sorted(known)) or 'nothing'})",
        )
        for name in sorted(limits.keys() - known)
    ]
