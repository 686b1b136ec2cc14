"""DRAGEN's ``<prefix>.vc_metrics.csv``: counts of variants after its hard filters."""

from collections import Counter

from seqdrop.domain.measures.dragen_rows import rows

_SECTION = "VARIANT CALLER POSTFILTER"
_NAMES = {
    "SNPs": "snps",
    "Insertions (Hom)": "indels",
    "Insertions (Het)": "indels",
    "Deletions (Hom)": "indels",
    "Deletions (Het)": "indels",
    "Indels (Het)": "indels",
    "SNP Transitions": "transitions",
    "SNP Transversions": "transversions",
    "Heterozygous": "het_calls",
    "Homozygous": "hom_calls",
}
"""DRAGEN's names, and ours. Its heterozygous and homozygous calls are SNPs and indels."""
NAMES = frozenset(_NAMES.values())


def read(content: bytes) -> dict[str, float]:
    """Sums of the rows after filtering; those before it are left out."""
    figures: Counter[str] = Counter()
    for row in rows(content):
        if row.section == _SECTION and row.metric in _NAMES:
            figures[_NAMES[row.metric]] += int(row.value)
    if "snps" not in figures:
        raise ValueError(f"it has no row {_SECTION},…,SNPs")
    return dict(figures)
