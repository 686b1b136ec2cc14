"""What a test of equivalence comes to: for a sample, and for all together."""

from collections import Counter
from collections.abc import Sequence

from seqdrop.domain.comparison.report import Report
from seqdrop.domain.equivalence.checks import IGNORED
from seqdrop.domain.equivalence.figures import (
    ALL,
    concordance_of,
    group_of,
    groups_of,
    metrics_compared,
)
from seqdrop.domain.equivalence.report import (
    FORBIDDING,
    Asked,
    Difference,
    Effort,
    Equivalence,
    Missing,
    Of,
    RunSide,
    SamplePair,
    Verdict,
)
from seqdrop.domain.version import VERSION

SIMULATED = (
    "Some results are simulated: a stand-in played DRAGEN's part, so this proves nothing of an FPGA"
)
_WORDS = {
    Verdict.IDENTICAL: "identical",
    Verdict.EQUIVALENT: "equivalent",
    Verdict.UNRESOLVED: "unresolved",
    Verdict.DIFFERENT: "different",
    Verdict.NOT_COMPARABLE: "not comparable",
}
_GRAVEST = (
    Verdict.NOT_COMPARABLE,
    Verdict.DIFFERENT,
    Verdict.UNRESOLVED,
    Verdict.EQUIVALENT,
    Verdict.IDENTICAL,
)


def forbidding(differences: Sequence[Difference]) -> list[Difference]:
    """Those that leave nothing to compare."""
    return [one for one in differences if one.of in FORBIDDING]


def judge_pair(
    sample: str,
    sides: tuple[RunSide, RunSide],
    differences: tuple[Difference, ...],
    report: Report | None,
    *,
    efforts: tuple[Effort, ...] = (),
    comparison: str = "",
) -> SamplePair:
    """A sample; without a report where its files or its reference forbid one."""
    a, b = sides
    assay = a.assay if a.assay == b.assay else f"{a.assay} \N{RIGHTWARDS ARROW} {b.assay}"
    if report is None:
        why = _why_not_comparable(forbidding(differences))
        return SamplePair(
            sample, assay, Verdict.NOT_COMPARABLE, why, a, b, differences, efforts=efforts
        )
    return SamplePair(
        sample=sample,
        assay=assay,
        verdict=Verdict(report.verdict.value),
        why=report.why,
        a=a,
        b=b,
        differences=differences,
        concordance=concordance_of(report),
        reportable=report.reportable_total,
        metrics=metrics_compared(report),
        efforts=efforts,
        warnings=report.warnings,
        comparison=comparison,
    )


def _why_not_comparable(found: Sequence[Difference]) -> str:
    what = {Of.INPUT: "its FASTQ files", Of.REFERENCE: "parts of the reference"}
    named = " and ".join(words for of, words in what.items() if any(d.of is of for d in found))
    return f"The runs are not of the same: {named} differ."


def judge(
    asked: Asked,
    pairs: Sequence[SamplePair],
    missing: Sequence[Missing],
    *,
    made: str = "",
    by: str = "",
) -> Equivalence:
    """The whole test, made at a time by somebody. Raises ValueError without a pair."""
    if not pairs:
        raise ValueError("no sample has both sides")
    verdict = next(one for one in _GRAVEST if any(pair.verdict is one for pair in pairs))
    if missing and verdict.is_good:
        verdict = Verdict.UNRESOLVED
    simulated = any(side.simulated for pair in pairs for side in (pair.a, pair.b))
    return Equivalence(
        asked=asked,
        verdict=verdict,
        why=_why(asked, pairs, missing, simulated=simulated),
        simulated=simulated,
        pairs=tuple(pairs),
        groups=groups_of(pairs),
        whole=group_of(ALL, pairs),
        missing=tuple(missing),
        ignored=IGNORED,
        version=VERSION,
        made=made,
        by=by,
    )


def _why(
    asked: Asked, pairs: Sequence[SamplePair], missing: Sequence[Missing], *, simulated: bool
) -> str:
    counted = Counter(pair.verdict for pair in pairs)
    told = ", ".join(f"{counted[v]} {_WORDS[v]}" for v in Verdict if counted[v])
    parts = [f"{_number(pairs)} compared: {told}"]
    if missing:
        parts.append(f"{len(missing)} could not be compared, since a side is missing")
    lines = sum(has_other_commands(pair) for pair in pairs)
    if lines and not asked.change.is_chosen:
        parts.append(f"Command lines differ in {lines} of them")
    if simulated:
        parts.append(SIMULATED)
    return ". ".join(parts) + "."


def has_other_commands(pair: SamplePair) -> bool:
    """Whether the two runs did not run the same command lines."""
    return any(one.of is Of.COMMAND for one in pair.differences)


def _number(pairs: Sequence[SamplePair]) -> str:
    """A sample may be there under several assays."""
    if len({pair.sample for pair in pairs}) < len(pairs):
        return f"{len(pairs)} analyses"
    return f"{len(pairs)} sample{'s' * (len(pairs) != 1)}"


def word(verdict: Verdict) -> str:
    """A verdict in words."""
    return _WORDS[verdict]
