"""DRAGEN's ``<prefix>.mapping_metrics.csv``: counts of reads, as flagstat has them, and more."""

from collections import defaultdict

from seqdrop.domain.measures.dragen_rows import rows

_SUMMARY, _READ_GROUP = "MAPPING/ALIGNING SUMMARY", "MAPPING/ALIGNING PER RG"
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
_LANE_NAMES = {**_NAMES, "Total reads in RG": "primary_out"}
"""The total alone has another name in the rows of a read group."""


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


def read_lanes(content: bytes) -> dict[str, dict[str, float]]:
    """The figures of each read group, by its id; rows have the names of the summary's."""
    lanes: dict[str, dict[str, float]] = defaultdict(dict)
    for row in rows(content):
        if row.section == _READ_GROUP and row.of and row.metric in _LANE_NAMES:
            lanes[row.of][_LANE_NAMES[row.metric]] = row.value
    return dict(lanes)
