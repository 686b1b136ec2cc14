"""What people are told of reanalyses: one event for each step, never one for a sample."""

from collections.abc import Sequence

import msgspec

from seqdrop.aws.alerts import Alerts
from seqdrop.domain.reanalysis.record import MemberState, Reanalysis

PLANNED = "Seqdrop Reanalysis Planned"
AWAITS = "Seqdrop Reanalysis Awaits Approval"
ENDED = "Seqdrop Reanalysis Ended"
"""Detail types."""
_NAMED = 50
"""Analyses that a notice names; the report has all."""


class Notice(msgspec.Struct, frozen=True):
    """The detail of each."""

    reanalysis: str
    scope: str
    status: str
    why: str
    do: str
    analyses: int
    """That its plan lists."""
    expected_usd: float
    made: int
    failed: int
    left_out: int
    spent_usd: float
    amend: tuple[str, ...]
    """Analyses whose reportable variants have changed: ``sample (assay)``, the first ones."""
    amend_total: int
    uncertain_total: int
    """Analyses of which some calls could not be compared: to be looked at by hand."""


def tell(
    alerts: Alerts, kind: str, reanalysis: Reanalysis, do: str, amend: Sequence[MemberState] = ()
) -> None:
    """Sends one; ``do`` says what people can do."""
    plan = reanalysis.plan
    alerts.send(
        kind,
        Notice(
            reanalysis=reanalysis.id,
            scope=reanalysis.scope.describe(),
            status=reanalysis.status,
            why=reanalysis.why,
            do=do,
            analyses=plan.analyses if plan else 0,
            expected_usd=round(plan.estimate.usd.expected, 2) if plan else 0.0,
            made=reanalysis.made,
            failed=reanalysis.failed,
            left_out=reanalysis.left_out,
            spent_usd=reanalysis.spent_micros / 1_000_000,
            amend=tuple(str(member.id) for member in amend[:_NAMED]),
            amend_total=reanalysis.amended,
            uncertain_total=reanalysis.uncertain,
        ),
    )
