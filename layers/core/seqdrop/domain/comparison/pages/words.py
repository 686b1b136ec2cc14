"""What the page of a comparison calls things."""

from seqdrop.domain.comparison.report import Absence, Change, Kind, Verdict

VERDICTS = {
    Verdict.IDENTICAL: ("=", "Identical"),
    Verdict.EQUIVALENT: ("≈", "Equivalent"),
    Verdict.DIFFERENT: ("≠", "Different"),
    Verdict.UNRESOLVED: ("?", "Unresolved"),
}
"""A sign and a word: colour is never all that tells them apart."""

KINDS = {
    Kind.SNV: "SNV",
    Kind.INSERTION: "insertion",
    Kind.DELETION: "deletion",
    Kind.COMPLEX: "complex",
    Kind.SYMBOLIC: "symbolic",
}

CHANGES = {
    Change.ONLY_A: "only in A",
    Change.ONLY_B: "only in B",
    Change.GENOTYPE: "other genotype",
    Change.CONSEQUENCE: "other consequence",
    Change.CLASSIFICATION: "other classification",
    Change.FILTER: "PASS in one only",
    Change.PHASE: "other phase",
    Change.REFERENCE: "the reference differs",
    Change.NOT_COMPARABLE: "not comparable",
    Change.UNRESOLVED: "unresolved",
}

ABSENCES = {
    Absence.REFERENCE: "like the reference",
    Absence.NO_DATA: "no data",
    Absence.FILTERED: "called, but filtered",
    Absence.OUTSIDE: "outside the targets",
    Absence.UNKNOWN: "unknown",
}

LOOKED_AT_FIRST = (
    Change.CONSEQUENCE,
    Change.CLASSIFICATION,
    Change.ONLY_A,
    Change.ONLY_B,
    Change.GENOTYPE,
    Change.FILTER,
)
"""The order in which a signed report is looked at again; other changes follow."""
