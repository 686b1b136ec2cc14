"""QC: metrics of a run against its limits, and against floors that hold for every assay."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from seqdrop.domain.fingerprint import LEAST_SHARED_SITES, OTHER_BELOW, SAME_FROM, Comparison
from seqdrop.domain.lanes import WorstLane, as_in_worst_lanes
from seqdrop.domain.pipeline import Limit, Mistake
from seqdrop.domain.records import Run


class Verdict(IntEnum):
    """Ordered, so that the worst of several is their maximum."""

    PASS = 0
    WARN = 1
    FAIL = 2


@dataclass(frozen=True)
class Floor:
    """A limit that catches nonsense whatever an assay says, and what it means when it does."""

    limit: Limit
    meaning: str


FLOORS: dict[str, Floor] = {
    "mapped_fraction": Floor(
        Limit(fail_below=0.2),
        "next to nothing maps: the wrong reference, or nothing of the sample in the files",
    ),
    # Short inserts and long deletions leave pairs improper, but never nine of ten.
    "properly_paired_fraction": Floor(
        Limit(fail_below=0.1),
        "almost no pair lies as one fragment: R1 and R2 are not each other's mates",
    ),
    # Of 19 SNPs at 30×, bcftools called none where all bases had Q10, one with Q11, 16 with Q15.
    "highest_quality": Floor(
        Limit(fail_below=12),
        "no base has a quality that variants can be called from: qualities were lost, or set to a "
        "low one for all; upload the files as the instrument wrote them",
    ),
    # Mates of a fragment are on opposite strands; those of different fragments on one as often as
    # not. In a small genome that is all that tells them: they lie near each other by chance.
    # Amplified single cells have some inverted chimeras, never every fourth pair.
    "same_strand_fraction": Floor(
        Limit(warn_above=0.05, fail_above=0.25),
        "mates lie on one strand: R1 and R2 are not each other's mates",
    ),
    # Mates never hold the same bases by nature: of an insert as long as they are, R2 is R1's
    # reverse complement. Only blocks of 1,000 pairs that are all the same are counted, but a
    # lane's last block may be one pair of N alone: 1 of 1,001.
    "identical_mates_fraction": Floor(
        Limit(fail_above=0.01),
        "R1 and R2 hold the same bases: one file was sent twice, or neither holds any",
    ),
    # Some sites of X and Y always have two alleles: what the reference has once, and people twice.
    # Reckoned, not measured: 15 % of another's DNA makes nearly all variants of X such sites.
    "mixed_haploid_fraction": Floor(
        Limit(warn_above=0.3),
        "X or Y has two alleles where there is one copy: a mixture of two people, or a mosaic",
    ),
    # Of a panel's own reads nearly all begin at a primer; chance alone gives a few percent.
    "primer_fraction": Floor(
        Limit(warn_below=0.5, fail_below=0.1),
        "most reads begin at no primer, and keep the bases of whatever primers they have: these "
        "are primers of another panel or of another sequence, or the reads were clipped before",
    ),
    "phred64": Floor(
        Limit(fail_above=0.5),
        "qualities seem to be written with an offset of 64 (Illumina before 1.8): convert them to "
        "33, as in `seqtk seq -Q64 -V`, and upload them again; but where they are above 42 with an "
        "offset of 33, as of newer instruments and consensus callers, that would ruin them: set "
        "this floor aside in the assay, with the reason",
    ),
    "duplicate_fraction": Floor(
        Limit(fail_above=0.98),
        "almost all reads are copies; are these amplicons? Then set duplicates: none in the assay",
    ),
    # Both mates of a fragment may lie over one position, so half of the cap may be all of it.
    "depth_over_cap": Floor(
        Limit(warn_above=0.5),
        "calling may not have looked at all reads of the deepest positions: depths and allele "
        "fractions there can't be trusted; raise calling: max_depth in the assay",
    ),
    # The estimate of a pure sample is off by far less, with three copies of a chromosome too.
    "contamination": Floor(
        Limit(warn_above=0.05),
        "reads of another person: samples were mixed, or one was carried over; or the patient has "
        "two persons' cells (transplant, twin)",
    ),
    # BGZF says at its end that it has ended; some packers never write it.
    "files_without_end": Floor(
        Limit(warn_above=0),
        "blocked gzip files lack their last, empty block: they may be cut off between two records",
    ),
    "files_of_merged_lanes": Floor(
        Limit(warn_above=0),
        "files hold reads of several lanes in one read group, named by the first read, and a wrong "
        "lane can't be told from the others; upload each lane's files by themselves: each lane is "
        "a read group then",
    ),
}
"""What no assay's limits can hide; an assay says in ``floors`` why one does not hold for it."""

UMIS_ARE_EXACT = (
    "duplicates were told by position and UMI, letter by letter: a misread UMI makes a molecule of "
    "its own, and no consensus of a molecule's reads was made"
)
"""A note of every run with ``duplicates: umi``."""

OF_ALIGNMENT = frozenset(
    ("mapped_fraction", "properly_paired_fraction", "mean_depth", "reporting_breadth")
)
"""PASS says something only where one of these was judged: reads alone may be anybody's."""

X_OF_FEMALE, X_OF_MALE = (0.8, 1.3), (0.3, 0.7)
Y_OF_FEMALE, Y_OF_MALE = (0.0, 0.1), (0.2, 0.8)
"""Depth of X and Y over that of the autosomes; expected are 1 and 0, ½ and ½. Y is seldom half:
much of it is like X or like itself, and reads below MAPQ 20 do not count. Between the ranges
the sex is undetermined (XXY, X0, mosaics, contamination, few targets on X or Y)."""


class Judgement(NamedTuple):
    """The worst verdict, and a line for each limit that was crossed or set aside.

    A NOTE is what people should know and no verdict.
    """

    verdict: Verdict
    lines: list[str]


class _Finding(NamedTuple):
    verdict: Verdict
    line: str
    """What people read of it; "" for a PASS that says nothing, and a NOTE for one that does."""


def judge(
    metrics: Mapping[str, float],
    limits: Mapping[str, Limit],
    *,
    floors_set_aside: Mapping[str, str] | None = None,
    sex: str | None = None,
    lanes: Mapping[str, WorstLane] | None = None,
    identity: Iterable[Comparison] = (),
    warnings: Iterable[str] = (),
    notes: Iterable[str] = (),
) -> Judgement:
    """Limits, floors, comparisons of fingerprints, and, where ``sex`` is not None, the sex by
    depth against what was given.

    Where a lane is worse than all together, it is judged and named. ``warnings`` come from
    elsewhere, as from the controls of the batch; ``notes`` say how something was done.

    A limited metric that the run does not have is a WARN: it could not be looked at. So is a
    run whose alignment nobody looked at.
    """
    aside = floors_set_aside or {}
    values, worst_in = as_in_worst_lanes(metrics, lanes or {})
    places = {name: f" (worst in {place})" for name, place in worst_in.items()}
    findings = [*_by_limits(values, limits, places), *_by_floors(values, aside, places)]
    findings += map(_by_identity, identity)
    findings += [_Finding(Verdict.WARN, line) for line in warnings]
    findings += [_Finding(Verdict.PASS, line) for line in notes]
    if sex is not None:
        findings.append(_by_sex(metrics, sex))
    if not metrics.keys() & (limits.keys() | (FLOORS.keys() - aside.keys())) & OF_ALIGNMENT:
        line = "no limit or floor looked at the alignment (a pipeline says what `measures` it)"
        findings.append(_Finding(Verdict.WARN, line))
    crossed = [finding for finding in findings if finding.verdict is not Verdict.PASS]
    crossed.sort(key=lambda finding: -finding.verdict)  # a list that is cut shows the worst
    notes = [f"NOTE: {one.line}" for one in findings if one.line and not one.verdict]
    notes += [f"NOTE: the floor of {name} does not hold here: {aside[name]}" for name in aside]
    return Judgement(
        max((finding.verdict for finding in findings), default=Verdict.PASS),
        [f"{finding.verdict.name}: {finding.line}" for finding in crossed] + notes,
    )


def crossed_limits(limits: Mapping[str, Limit]) -> Iterator[Mistake]:
    """Limits whose bounds are in an order in which one of them never counts."""
    for name, limit in limits.items():
        rising = [limit.fail_below, limit.warn_below, limit.warn_above, limit.fail_above]
        given = [bound for bound in rising if bound is not None]
        if given != sorted(given):
            order = "fail_below, warn_below, warn_above, fail_above"
            yield Mistake(("qc", name), f"the bounds of {name} do not rise in the order {order}")


def _by_limits(
    metrics: Mapping[str, float], limits: Mapping[str, Limit], places: Mapping[str, str]
) -> Iterator[_Finding]:
    for name, limit in limits.items():
        if name in metrics:
            verdict, line = _judge_one(name, metrics[name], limit)
            yield _Finding(verdict, line and line + places.get(name, ""))
        else:
            yield _Finding(Verdict.WARN, f"{name} is limited, but could not be measured")


def _by_floors(
    metrics: Mapping[str, float], aside: Mapping[str, str], places: Mapping[str, str]
) -> Iterator[_Finding]:
    for name, floor in FLOORS.items():
        if name not in metrics or name in aside:
            continue
        finding = _judge_one(name, metrics[name], floor.limit)
        if finding.verdict is not Verdict.PASS:
            crossed = f"{finding.line} (floor){places.get(name, '')}"
            yield _Finding(finding.verdict, f"{crossed}: {floor.meaning}")
        else:
            yield finding


def _judge_one(name: str, value: float, limit: Limit) -> _Finding:
    for verdict, low, high in (
        (Verdict.FAIL, limit.fail_below, limit.fail_above),
        (Verdict.WARN, limit.warn_below, limit.warn_above),
    ):
        if low is not None and value < low:
            return _Finding(verdict, f"{name} is {value:g}, below {low:g}")
        if high is not None and value > high:
            return _Finding(verdict, f"{name} is {value:g}, above {high:g}")
    return _Finding(Verdict.PASS, "")


def _by_identity(compared: Comparison) -> _Finding:
    """The lines name runs, never a genotype.

    A lab that supplied genotypes relies on the comparison: it is told where there was none, and
    with which genotypes a good run was compared.
    """
    untold = Verdict.WARN if compared.supplied else Verdict.PASS
    if compared.problem:
        return _Finding(untold, f"identity can't be told by {compared.other}: {compared.problem}")
    said = f"{compared.sites} sites of the fingerprint shared with {compared.other}"
    if compared.concordance is None:
        why = f"it takes {LEAST_SHARED_SITES}"
        if compared.is_alike:
            why = "nearly all have the genotype that almost everybody has; it takes common SNPs"
        line = f"identity can't be told by {said}: {why}"
        return _Finding(untold, f"{line}; {compared.remedy}" if compared.remedy else line)
    share = f"identity_concordance is {compared.concordance:g} over {said}"
    if compared.concordance < OTHER_BELOW:
        line = f"{share}, below {OTHER_BELOW:g}: another person; one of the two samples was swapped"
        return _Finding(Verdict.FAIL, line)
    if compared.concordance < SAME_FROM:
        line = f"{share}, below {SAME_FROM:g}: a relative, a mixture, or bad data in one of the two"
        return _Finding(Verdict.WARN, line)
    return _Finding(Verdict.PASS, share if compared.supplied else "")


def not_equivalent(run: Run) -> str:
    """The warning of a run that another pipeline made than its assay's own; "" of any other."""
    if not run.instead_of:
        return ""
    why = run.options.fallback or "no FPGA was to be had"
    return (
        f"made by {run.pipeline} in place of {run.instead_of} ({why}): not equivalent to it; when "
        f"there are FPGAs again, `seqdrop rerun {run.sample} --assay {run.assay}` makes its own"
    )


def sex_by_depth(x: float, y: float) -> str:
    """``female``, ``male``, or "" between the ranges; of depths over that of the autosomes."""
    for sex, of_x, of_y in (
        ("female", X_OF_FEMALE, Y_OF_FEMALE),
        ("male", X_OF_MALE, Y_OF_MALE),
    ):
        if of_x[0] <= x <= of_x[1] and of_y[0] <= y <= of_y[1]:
            return sex
    return ""


def _by_sex(metrics: Mapping[str, float], given: str) -> _Finding:
    """The lines never name a sex: they are shown where the manifest is not."""
    x, y = metrics.get("x_depth_ratio"), metrics.get("y_depth_ratio")
    if x is None or y is None:
        return _Finding(Verdict.WARN, "sex can't be told: the depth of X and Y was not measured")
    depths = f"x_depth_ratio is {x:g}, y_depth_ratio is {y:g}"
    found = sex_by_depth(x, y)
    if not found:
        return _Finding(Verdict.WARN, f"sex is undetermined: {depths}")
    if not given:
        return _Finding(Verdict.WARN, f"sex can't be compared ({depths}): the manifest gives none")
    if found != given:
        return _Finding(Verdict.FAIL, f"sex is not the one in the manifest: {depths}")
    copies = metrics.get("called_haploid")
    if copies is not None and bool(copies) != (found == "male"):
        line = f"X and Y were called with another number of copies than depth says: {depths}"
        return _Finding(Verdict.FAIL, line)
    return _Finding(Verdict.PASS, "")
