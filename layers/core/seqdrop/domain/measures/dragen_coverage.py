"""DRAGEN's ``<prefix>.<region>_coverage_metrics.csv``: depth over the genome or over regions."""

import re

from seqdrop.domain.measures.dragen_rows import rows

_SUMMARY = "COVERAGE SUMMARY"
_ON_TARGET = re.compile(r"Aligned bases in (?!genome).+")
_MEAN = re.compile(r"Average (alignment|chr X|chr Y|autosomal) coverage over .+")
NAMES = frozenset(
    (
        "mean_depth",
        "on_target_fraction",
        "x_depth_ratio",
        "y_depth_ratio",
    )
)


def read(content: bytes) -> dict[str, float]:
    """Depth, and the depth of X and Y over that of the autosomes.

    Its rows of breadth differ from version to version: the histogram has them all.
    """
    found = [row for row in rows(content) if row.section == _SUMMARY and not row.of]
    figures: dict[str, float] = {}
    means: dict[str, float] = {}
    for row in found:
        if mean := _MEAN.fullmatch(row.metric):
            means[mean[1]] = row.value
        elif _ON_TARGET.fullmatch(row.metric) and row.percent is not None:
            figures["on_target_fraction"] = round(row.percent / 100, 4)
    if "alignment" not in means:
        raise ValueError(f"it has no row {_SUMMARY},,Average alignment coverage over …")
    figures["mean_depth"] = means["alignment"]
    if means.get("autosomal"):
        for name, ours in (("chr X", "x_depth_ratio"), ("chr Y", "y_depth_ratio")):
            if name in means:
                figures[ours] = round(means[name] / means["autosomal"], 4)
    return figures
