"""``samtools flagstat -O json``: counts of reads by their flags."""

import msgspec

_NAMES = {
    "primary_out": "primary",
    "mapped": "primary mapped",
    "duplicates": "primary duplicates",
    "both_mapped": "with itself and mate mapped",
    "properly_paired": "properly paired",
}
"""Our names, and those of the tool. All count reads (not pairs), by their primary records."""
NAMES = frozenset(_NAMES)


def read(content: bytes) -> dict[str, float]:
    """Counts of primary records, with those that failed the sequencer's own filter."""
    parts = msgspec.json.decode(content, type=dict[str, dict[str, float | None]])
    passed, failed = parts["QC-passed reads"], parts["QC-failed reads"]
    return {
        ours: (passed[theirs] or 0) + (failed[theirs] or 0)
        for ours, theirs in _NAMES.items()
        if theirs in passed and theirs in failed
    }
