"""DRAGEN's ``<prefix>.mapping_metrics.csv``: counts of reads, as flagstat has them, and more."""

from collections import defaultdict

from seqdrop.domain.measures.dragen_rows import Row, rows, values_of

_SUMMARY, _READ_GROUP = "MAPPING/ALIGNING SUMMARY", "MAPPING/ALIGNING PER RG"
_TOTAL = "Total input reads"
_NAMES = {
    _TOTAL: "primary_out",
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
    """The figures of the whole run: rows of single read groups are left out.

    What is NA is left out, too, but for the total: without it nobody could see lost reads.
    """
    summary = [row for row in rows(content) if row.section == _SUMMARY and not row.of]
    figures = _known(summary, _NAMES)
    if "primary_out" not in figures:
        raise ValueError(f"it has no row {_SUMMARY},,{_TOTAL} with a number")
    return figures


def read_lanes(content: bytes) -> dict[str, dict[str, float]]:
    """The figures of each read group, by its id; rows have the names of the summary's."""
    lanes: dict[str, list[Row]] = defaultdict(list)
    for row in rows(content):
        if row.section == _READ_GROUP and row.of:
            lanes[row.of].append(row)
    return {lane: found for lane, of in lanes.items() if (found := _known(of, _LANE_NAMES))}


def _known(found: list[Row], names: dict[str, str]) -> dict[str, float]:
    """Those that have a name of ours and a number."""
    values = values_of(row for row in found if row.metric in names)
    return {names[metric]: value for metric, value in values.items() if value is not None}
