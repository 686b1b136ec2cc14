"""``samtools stats``: insert sizes, base qualities, composition and mismatches of the reads.

It counts primary records, duplicates included. Sections are marked by their first column:
https://www.htslib.org/doc/samtools-stats.html
"""

from collections import Counter
from collections.abc import Iterable, Sequence

NAMES = frozenset(
    (
        "insert_size_median",
        "q30_bases",
        "gc_bases",
        "acgt_bases",
        "mismatches",
        "aligned_bases",
        "same_strand_pairs",
        "oriented_pairs",
    )
)
_SUMMARY = {
    "mismatches": "mismatches",
    "bases mapped (cigar)": "aligned_bases",
}
_SAME_STRAND = "pairs with other orientation"
_ORIENTATIONS = ("inward oriented pairs", "outward oriented pairs", _SAME_STRAND)
"""Of the pairs on one contig."""
_GOOD_QUALITY = 30


def read(content: bytes) -> dict[str, float]:
    """Counts, and the median distance (bases) from end to end of the pairs on one contig."""
    sections: dict[str, list[list[str]]] = {}
    for line in content.decode().splitlines():
        if line and not line.startswith("#"):
            mark, *fields = line.split("\t")
            sections.setdefault(mark, []).append(fields)
    summary = {fields[0].rstrip(":"): fields[1] for fields in sections["SN"]}
    figures = {ours: float(summary[theirs]) for theirs, ours in _SUMMARY.items()}
    orientations = {name: float(summary[name]) for name in _ORIENTATIONS}
    figures["same_strand_pairs"] = orientations[_SAME_STRAND]
    figures["oriented_pairs"] = sum(orientations.values())
    qualities = [*sections.get("FFQ", []), *sections.get("LFQ", [])]
    if qualities:
        figures["q30_bases"] = sum(_good_bases(fields) for fields in qualities)
    figures |= _composition([*sections.get("FTC", []), *sections.get("LTC", [])])
    pairs = Counter({int(size): int(count) for size, count, *_ in sections.get("IS", [])})
    if pairs.total():
        figures["insert_size_median"] = _median(pairs)
    return figures


def _good_bases(fields: Sequence[str]) -> int:
    """Of one cycle: the bases of each quality, 0 first, follow its number."""
    return sum(int(count) for count in fields[1:][_GOOD_QUALITY:])


def _composition(rows: Iterable[Sequence[str]]) -> dict[str, float]:
    letters = [sum(map(int, column)) for column in zip(*rows, strict=True)]
    if not letters:
        return {}
    a, c, g, t = letters[:4]
    return {"gc_bases": c + g, "acgt_bases": a + c + g + t}


def _median(counts: Counter[int]) -> float:
    """The smallest value that half of all, or more, do not exceed."""
    half, seen = counts.total() / 2, 0
    for value in sorted(counts):
        seen += counts[value]
        if seen >= half:
            return float(value)
    raise ValueError("no pair has an insert size")
