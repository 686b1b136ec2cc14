"""What a comparison of two call sets has found: the form of its JSON, its table and its page."""

from enum import StrEnum

import msgspec


class Verdict(StrEnum):
    """What a comparison comes to."""

    IDENTICAL = "identical"
    """Every record is the same, and the headers but for dates and names."""
    EQUIVALENT = "equivalent"
    """The same variants, genotypes, phases, PASS and consequences; what else differs is within the
    tolerances that the report states."""
    DIFFERENT = "different"
    UNRESOLVED = "unresolved"
    """Nothing is known to differ, but some places could not be compared."""


class Kind(StrEnum):
    """The class of a variant, after it was split and trimmed."""

    SNV = "snv"
    INSERTION = "insertion"
    DELETION = "deletion"
    COMPLEX = "complex"
    """Several bases replaced by others (MNP), or by another number of them."""
    SYMBOLIC = "symbolic"
    """``<DEL>``, breakends and their like: compared by their text alone."""


class Change(StrEnum):
    """What became of a variant between A and B; the gravest first."""

    ONLY_A = "only_a"
    ONLY_B = "only_b"
    GENOTYPE = "genotype"
    """The same allele in another number of copies."""
    CONSEQUENCE = "consequence"
    CLASSIFICATION = "classification"
    FILTER = "filter"
    """PASS in one, and not in the other."""
    PHASE = "phase"
    """Which of two neighbours are on one chromosome."""
    REFERENCE = "reference"
    """The sequences themselves differ here: that says nothing of the sample."""
    NOT_COMPARABLE = "not_comparable"
    """On a contig that only one sequence has, or whose bases changed, without a chain file."""
    UNRESOLVED = "unresolved"
    """Too much is called within a few bases to try all that it could mean."""


class Absence(StrEnum):
    """What the other's gVCF says where one alone has a variant."""

    REFERENCE = "reference"
    NO_DATA = "no_data"
    FILTERED = "filtered"
    OUTSIDE = "outside"
    """Outside the target regions of the other."""
    UNKNOWN = "unknown"
    """There is no gVCF, or it has no index."""


class Row(msgspec.Struct, frozen=True, omit_defaults=True):
    """One variant that is not the same in A and B. Positions are 1-based, of A's sequence where A
    has it, else of B's."""

    contig: str
    position: int
    ref: str
    alt: str
    kind: Kind
    change: Change
    genotype_a: str = ""
    """As VCF writes it (``0/1``); "" where it has no call."""
    genotype_b: str = ""
    filter_a: str = ""
    filter_b: str = ""
    absence: Absence | None = None
    consequence_a: str = ""
    """As ``gene:consequence``, the gravest of those that its annotation gives."""
    consequence_b: str = ""
    classification_a: str = ""
    classification_b: str = ""
    regions: tuple[str, ...] = ()
    """The named regions that it touches."""
    reportable: bool = False
    """Whether a report that was signed would have to be looked at again: PASS in one at least,
    and its presence, genotype, PASS, consequence or classification has changed."""
    why: str = ""


class Side(msgspec.Struct, frozen=True, omit_defaults=True):
    """One of the two."""

    label: str
    """As a person names it: a file's name, or ``<sample> <assay> <run>``."""
    sample: str
    """The sample's column in its VCF."""
    variants: int = 0
    """Alleles that its genotypes have: a record ``1/2`` has two."""
    passed: int = 0
    no_genotype: int = 0
    """Records whose genotype is missing."""
    facts: dict[str, str] = {}
    """Run, pipeline, reference, image, and so on; of a file what its header tells."""


EVERYWHERE = "all"
"""The region of the tallies that are of everything."""


class Tally(msgspec.Struct, frozen=True, omit_defaults=True):
    """How many variants of a class in a region came to what."""

    region: str
    """``all``, or the name of a region."""
    kind: Kind
    same: int = 0
    """Matched as they are written, or after normalisation."""
    rewritten: int = 0
    """Matched only as haplotypes: of A's own alleles."""
    changes: dict[Change, int] = {}


class Metric(msgspec.Struct, frozen=True, omit_defaults=True):
    """A figure of QC in both; None where one does not have it."""

    name: str
    a: float | None = None
    b: float | None = None
    within: bool = True
    """Whether the two are within the report's tolerance."""


class Report(msgspec.Struct, frozen=True, omit_defaults=True):
    """A whole comparison, but for the rows that are in the table alone."""

    verdict: Verdict
    why: str
    """The verdict's reason in a sentence."""
    a: Side
    b: Side
    tallies: tuple[Tally, ...] = ()
    genotypes: dict[str, dict[str, int]] = {}
    """Genotypes of A by those of B (``0/1`` → ``1/1`` → 12), of what is PASS in one at least;
    "absent" where one has no call. Phase is left out."""
    absences: dict[Absence, int] = {}
    contigs: dict[str, int] = {}
    """Lengths of the contigs that have calls, in the order of A's sequence."""
    along: dict[str, tuple[int, ...]] = {}
    """Changes along each contig, in ``BINS`` bins of equal length."""
    metrics: tuple[Metric, ...] = ()
    tolerances: dict[str, str] = {}
    """What was let pass as equal, in words, by what it is of."""
    headers_differ: tuple[str, ...] = ()
    """Lines of the headers that differ in more than dates and names; the first few."""
    warnings: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    """The gravest ones, at most ``MOST_ROWS``; the table (TSV) has all."""
    rows_total: int = 0
    reportable_total: int = 0
    """Those of all rows that are reportable."""


BINS = 100
MOST_ROWS = 1_000
