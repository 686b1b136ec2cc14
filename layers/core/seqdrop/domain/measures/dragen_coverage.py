"""DRAGEN's ``<prefix>.<region>_coverage_metrics.csv``: depth over the genome or over regions."""

import re

from seqdrop.domain.measures.dragen_rows import rows, share, values_of

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

    What is NA is left out. Its rows of breadth differ from version to version: the histogram has
    them all.
    """
    found = [row for row in rows(content) if row.section == _SUMMARY and not row.of]
    values = values_of(row for row in found if _MEAN.fullmatch(row.metric))
    means = {
        match[1]: mean for metric, mean in values.items() if (match := _MEAN.fullmatch(metric))
    }
    if "alignment" not in means:
        raise ValueError(f"it has no row {_SUMMARY},,Average alignment coverage over …")
    figures: dict[str, float | None] = {"mean_depth": means["alignment"]}
    for row in found:
        if _ON_TARGET.fullmatch(row.metric):
            figures["on_target_fraction"] = share(row)
    autosomes = means.get("autosomal")
    for name, ours in (("chr X", "x_depth_ratio"), ("chr Y", "y_depth_ratio")):
        depth = means.get(name)
        figures[ours] = round(depth / autosomes, 4) if autosomes and depth is not None else None
    return {name: figure for name, figure in figures.items() if figure is not None}
