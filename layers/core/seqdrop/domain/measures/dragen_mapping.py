"""DRAGEN's ``<prefix>.mapping_metrics.csv``: counts of reads, as flagstat has them, and more."""

from seqdrop.domain.measures.dragen_rows import rows

_SUMMARY = "MAPPING/ALIGNING SUMMARY"
_NAMES = {
    "Total input reads": "primary_out",
    "Mapped reads": "mapped",
    "Number of duplicate marked reads": "duplicates",
    "Paired reads (itself & mate mapped)": "both_mapped",
    "Properly paired reads": "properly_paired",
    "Q30 bases": "q30_bases",
    "Insert length: median": "insert_size_median",
}
"""DRAGEN's names, and ours. Reads are counted, not pairs; "Total input reads" are those of the
FASTQ files, so that the runner can hold them against its own count."""
NAMES = frozenset(_NAMES.values())


def read(content: bytes) -> dict[str, float]:
    """The figures of the whole run: rows of single read groups are left out."""
    figures = {
        _NAMES[row.metric]: row.value
        for row in rows(content)
        if row.section == _SUMMARY and not row.of and row.metric in _NAMES
    }
    if "primary_out" not in figures:
        raise ValueError(f"it has no row {_SUMMARY},,Total input reads")
    return figures
