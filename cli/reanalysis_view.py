"""A reanalysis in words: who is affected, what it takes, what came out."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from cli.screen import say, show_table

if TYPE_CHECKING:
    from seqdrop.domain.reanalysis.estimate import Spread
    from seqdrop.domain.reanalysis.plan import Group, Plan
    from seqdrop.domain.reanalysis.record import MemberState, Reanalysis

_MOST_MEMBERS = 30
"""Members that are listed; --json has all."""


def say_reanalysis(one: "Reanalysis") -> None:
    """All that is known of it but its members."""
    why = f": {one.why}" if one.why else ""
    say(f"{one.id} ({one.scope.describe()}) is {one.status}{why}")
    if one.plan:
        _say_plan(one.plan, one.limits.in_flight)
    if one.ended or one.going_on or one.left_out or one.deferred:
        say(
            f"made anew {one.made:,}, failed {one.failed:,}, left out {one.left_out:,}, going on "
            f"{one.going_on:,}{_deferred(one)}; spent ${one.spent_micros / 1e6:,.4f}{_budget(one)}"
        )
    for line in _what_to_do(one):
        say(line)


def _deferred(one: "Reanalysis") -> str:
    return f", deferred {one.deferred:,}" if one.deferred else ""


def _budget(one: "Reanalysis") -> str:
    if one.limits.budget_usd is None:
        return ""
    return f" of ${one.limits.budget_usd:,.2f}, and ${one.left_micros / 1e6:,.4f} are left"


def _say_plan(plan: "Plan", in_flight: int) -> None:
    current = f"; up to date: {plan.up_to_date:,}" if plan.up_to_date else ""
    if not plan.analyses:
        say(f"nothing is to be made anew{current}")
    else:
        say(f"{plan.analyses:,} analyses are to be made anew{current}")
        columns = ("assay", "analyses", "with", "changed", "stages anew", "stay", "for example")
        show_table(columns, [_group_row(group) for group in plan.groups])
    for group in plan.groups:
        if group.runs_whole:
            say(f"{group.assay}: DRAGEN maps again, too: calling from its own BAM is not validated")
        if group.stale.gone:
            say(f"{group.assay}: without {', '.join(group.stale.gone)}, which its runs have had")
    _say_estimate(plan, in_flight)
    for one in plan.omitted:
        examples = ", ".join(one.examples) + _more(one.analyses, one.examples)
        say(f"left out {one.analyses:,}: {one.why} ({examples})")


def _group_row(group: "Group") -> tuple[str, ...]:
    return (
        group.assay, f"{group.analyses:,}", group.reference, ", ".join(group.stale.causes),
        ", ".join(group.stale.stages) or "-", ", ".join(group.reused) or "-",
        ", ".join(group.examples) + _more(group.analyses, group.examples),
    )  # fmt: skip


def _more(number: int, examples: Sequence[str]) -> str:
    return ", …" if number > len(examples) else ""


def _say_estimate(plan: "Plan", in_flight: int) -> None:
    if not plan.analyses:
        return
    found = plan.estimate
    say(f"estimate: {_usd(found.usd)}; {_hours(found.hours)} of jobs{_licence(found.dragen_bases)}")
    wall = found.wall_hours(plan.analyses, in_flight)
    say(f"about {wall:,.1f} hours with {in_flight} runs at once, if none waits for a host")
    reckoned = sorted({f"{one.assay} {one.stage}" for one in found.stages if not one.seen})
    if reckoned:
        say(f"by the pipeline's own figures, for want of jobs to go by: {', '.join(reckoned)}")
    heads = sorted({f"{one.assay} {one.stage}" for one in found.stages if one.without_tasks})
    if heads:
        say(f"NOT in the estimate: workflows' tasks, of which nothing is known: {', '.join(heads)}")
    if plan.archived and plan.archived.archived:
        say(
            f"FASTQ in an archive: {plan.archived.archived} of {plan.archived.looked_at} that were "
            f"looked at, so about {plan.archived.analyses:,} analyses and {plan.archived.gib:,.0f} "
            f"GiB in all; to restore them costs about ${plan.archived.usd:,.2f}"
        )


def _usd(spread: "Spread") -> str:
    return f"${spread.expected:,.2f} (${spread.low:,.2f} to ${spread.high:,.2f})"


def _hours(spread: "Spread") -> str:
    return f"{spread.expected:,.1f} hours ({spread.low:,.1f} to {spread.high:,.1f})"


def _licence(bases: float) -> str:
    return f"; {bases / 1e9:,.1f} gigabases of DRAGEN's licence" if bases else ""


def _what_to_do(one: "Reanalysis") -> Iterator[str]:
    if one.status == "PLANNED" and one.plan and one.plan.analyses:
        yield f"`seqdrop reanalysis resume {one.id}` begins it"
    elif one.status == "AWAITING_APPROVAL":
        approve = f"`seqdrop approve {one.id} --attempt {one.attempt}`"
        yield f"{approve}, or `seqdrop reject {one.id} --reason TEXT`"
    elif one.status in {"STOPPED", "FAILED"}:
        yield f"`seqdrop reanalysis resume {one.id}` goes on where it was"


def say_members(reanalysis: "Reanalysis", members: "Sequence[MemberState]", bucket: str) -> None:
    """The members: canaries first, then those whose signed reports may have to be amended."""
    canaries = {member.id for member in reanalysis.canaries}
    ordered = sorted(members, key=lambda one: (one.id not in canaries, -_reportable(one)))
    if not ordered:
        return
    columns = ("sample", "assay", "", "status", "compared", "reportable", "why")
    show_table(
        columns, [_member_row(one, is_canary=one.id in canaries) for one in ordered[:_MOST_MEMBERS]]
    )
    if len(ordered) > _MOST_MEMBERS:
        say(f"and {len(ordered) - _MOST_MEMBERS:,} more: --json has all")
    if reanalysis.amended:
        say(
            f"reportable variants have changed in {reanalysis.amended:,} analyses: look whether "
            "their reports have to be amended"
        )
    if reanalysis.uncertain:
        say(
            f"in {reanalysis.uncertain:,} analyses some calls could not be compared: look at them "
            "by hand"
        )
    pages = [one for one in ordered if one.compared and one.compared.folder]
    for one in pages[:_MOST_MEMBERS]:
        if one.compared:
            say(f"{one.id}: s3://{bucket}/{one.compared.folder}comparison.html")


def _reportable(one: "MemberState") -> int:
    return one.compared.reportable if one.compared else 0


def _member_row(one: "MemberState", *, is_canary: bool) -> tuple[str, ...]:
    compared = one.compared.verdict if one.compared else "-"
    return (
        one.sample, one.assay, "canary" if is_canary else "", one.status, compared,
        str(_reportable(one)), one.why or (one.compared.why if one.compared else ""),
    )  # fmt: skip
