"""What a comparison comes to, in a word and in a sentence."""

from collections import Counter
from collections.abc import Mapping, Sequence

from seqdrop.domain.comparison.findings import Findings
from seqdrop.domain.comparison.report import Change, Metric, Verdict

_WORDS = {
    Change.ONLY_A: "only in A",
    Change.ONLY_B: "only in B",
    Change.GENOTYPE: "with another genotype",
    Change.CONSEQUENCE: "with another consequence",
    Change.CLASSIFICATION: "with another classification",
    Change.FILTER: "PASS in one alone",
    Change.PHASE: "with another phase",
    Change.REFERENCE: "where the sequences themselves differ",
    Change.NOT_COMPARABLE: "not comparable",
    Change.UNRESOLVED: "unresolved",
}
_ALWAYS = frozenset({Change.NOT_COMPARABLE, Change.UNRESOLVED})
"""Changes that count whatever the filters say: nothing is known of such calls."""


def verdict(
    findings: Findings, headers_differ: Sequence[str], *, same_records: bool
) -> tuple[Verdict, str]:
    """The verdict and its reason. Only the calls decide; figures of QC are listed beside them."""
    counted = _counted(findings)
    differing = sum(n for change, n in counted.items() if change is not Change.UNRESOLVED)
    matched = findings.same + findings.rewritten
    if differing and counted.keys() <= _ALWAYS:
        number = sum(counted.values())
        why = f"{_variants(number)}, counted on both sides, could not be compared."
        return Verdict.DIFFERENT, why
    if differing:
        say = "differs" if differing == 1 else "differ"
        return Verdict.DIFFERENT, f"{_variants(differing)} {say}: {_listed(counted)}."
    if counted[Change.UNRESOLVED]:
        number = counted[Change.UNRESOLVED]
        why = (
            f"Nothing is known to differ among {_variants(matched)}, but {_variants(number)} could "
            "not be compared."
        )
        return Verdict.UNRESOLVED, why
    if findings.rows_total == 0 and same_records and not headers_differ:
        return Verdict.IDENTICAL, f"All records are the same, with {_variants(matched)}."
    why = f"Nothing differs among {_variants(matched)}"
    why += f", {findings.rewritten} of them written otherwise" if findings.rewritten else ""
    if filtered := sum(findings.filtered.values()):
        why += f"; {_variants(filtered)} that passed the filters in neither file are not the same"
    return Verdict.EQUIVALENT, f"{why}."


def _counted(findings: Findings) -> Counter[Change]:
    """The changes that decide."""
    counted = Counter(findings.changes)
    for change in _ALWAYS:
        counted[change] += findings.filtered[change]
    return +counted


def _variants(number: int) -> str:
    return f"{number} variant{'s' * (number != 1)}"


def _listed(counted: Mapping[Change, int]) -> str:
    parts = [f"{counted[change]} {_WORDS[change]}" for change in Change if counted.get(change)]
    return ", ".join(parts)


def tolerances(findings: Findings, tolerance: float) -> dict[str, str]:
    """What was let pass as equal, in words, by what it is of."""
    found = {
        "values": "QUAL, and what INFO and FORMAT say beside genotype, phase, consequence and "
        "classification, may differ",
        "way of writing": "the same sequence may be written as other records",
        "filters": "names of filters may differ, if a variant is PASS in both or in neither",
        "phase": "a phase that one file alone has is no difference",
        "metrics": f"figures of QC may differ by {tolerance:.2%}; others are marked, and change "
        "nothing in the verdict, which is of the calls",
    }
    filtered = +Counter({c: n for c, n in findings.filtered.items() if c not in _ALWAYS})
    if filtered:
        found["filtered calls"] = (
            f"{_variants(sum(filtered.values()))} that passed the filters in neither file: "
            f"{_listed(filtered)}"
        )
    return found


def compared_metrics(
    a: Mapping[str, float], b: Mapping[str, float], tolerance: float
) -> tuple[Metric, ...]:
    """Figures of QC side by side; the tolerance is a share of the greater one."""
    found = []
    for name in dict.fromkeys([*a, *b]):
        one, two = a.get(name), b.get(name)
        within = one == two
        if one is not None and two is not None:
            within = abs(one - two) <= tolerance * max(abs(one), abs(two))
        found.append(Metric(name, one, two, within))
    return tuple(found)
