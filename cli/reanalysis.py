"""`seqdrop reanalyse`, `approve`, `reject` and `reanalysis`: analyses that are made anew."""

import time
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from cli.faults import CommandFailed
from cli.options import Json
from cli.screen import emit, say, show_table, warn

if TYPE_CHECKING:
    from cli.stack import Stack
    from seqdrop.domain.reanalysis.record import Limits, Reanalysis
    from seqdrop.domain.reanalysis.scope import Scope

_PAUSE_SECONDS = 0.5
_LONGEST_PLAN_SECONDS = 960

Id = Annotated[
    str, typer.Argument(metavar="ID", help="The reanalysis, as `reanalysis list` has it.")
]
Budget = Annotated[
    float | None,
    typer.Option("--budget", metavar="USD", min=0, help="What all its runs may cost; else all."),
]
InFlight = Annotated[
    int | None, typer.Option("--in-flight", metavar="N", min=1, help="Runs at once.")
]
Canaries = Annotated[
    int | None,
    typer.Option("--canaries", metavar="N", min=0, max=20, help="Analyses that are tried first."),
]
Tolerance = Annotated[
    float | None,
    typer.Option(
        "--tolerance", metavar="FRACTION", min=0, max=1,
        help="The share of its runs that may fail before it stops.",
    ),
]  # fmt: skip
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, for the audit trail.")]


def reanalyse(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A reference.")] = "",
    version: Annotated[str, typer.Argument(metavar="VERSION", help="Its version.")] = "",
    *,
    pipeline: Annotated[str, typer.Option(metavar="NAME", help="Only analyses by it.")] = "",
    image: Annotated[
        str, typer.Option(metavar="KIND", help="Only those with jobs on such queues: cpu, …")
    ] = "",
    assay: Annotated[str, typer.Option(metavar="NAME", help="Only those under it.")] = "",
    project: Annotated[str, typer.Option(metavar="NAME", help="Only those of it.")] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Plan it, show who is affected, and do no more.")
    ] = False,
    budget: Budget = None,
    in_flight: InFlight = None,
    canaries: Canaries = None,
    tolerance: Tolerance = None,
    json: Json = False,
) -> None:
    """Makes analyses anew whose results a newer reference, pipeline or image would change.

    First it is planned: who is affected, which stages, what it costs, who is left out. Then a few
    are made anew beside the results that count, and compared with them; a person approves with
    `seqdrop approve`, and the rest follows. Nothing that was signed ever changes by itself.
    """
    from cli.reanalysis_view import say_reanalysis
    from cli.stack import find_stack
    from seqdrop.domain.reanalysis.record import reanalysis_id
    from seqdrop.domain.reanalysis.scope import Scope

    if bool(name) != bool(version):
        raise typer.BadParameter("a reference is named with its version: NAME VERSION")
    if not (name or pipeline or image or assay):
        raise typer.BadParameter("say what has changed: NAME VERSION, --pipeline, --image, --assay")
    stack = find_stack()
    scope = Scope(name, version, pipeline, image, assay, project)
    limits = _limits(budget, in_flight, canaries, tolerance)
    _check(stack, scope)
    words = [name, version, pipeline, image, assay, project]
    wanted = reanalysis_id(words, f"{stack.now():%Y%m%d-%H%M%S}")
    before = stack.reanalysis_orders.start(wanted, scope, limits, stack.who(), plan_only=dry_run)
    if before:
        warn(_already_begun(before))
    planned = _until_planned(stack, wanted)
    if json:
        emit(document(planned))
    else:
        say_reanalysis(planned)
    if planned.status == "FAILED":
        raise CommandFailed(f"{wanted} is FAILED: {planned.why}")


def _check(stack: "Stack", scope: "Scope") -> None:
    """Raises CommandFailed where the reference is not one that can be used."""
    from seqdrop.domain.reference import ReferenceState

    if scope.target is None:
        return
    there = stack.catalog.references.get(scope.target)
    if there is None:
        raise CommandFailed(
            f"there is no reference {scope.reference} {scope.version}: see `seqdrop references`"
        )
    if there.state is not ReferenceState.READY:
        raise CommandFailed(
            f"reference {scope.reference} {scope.version} is {there.state}: only one that is READY "
            "can be analysed with"
        )


def _already_begun(before: "Reanalysis") -> str:
    """What is said to who gives the same order in the same second as another."""
    when = f"{before.created[:10]} {before.created[11:19]} UTC"
    how = ", for the plan alone" if before.plan_only else ""
    return (
        f"{before.id} was already begun by {before.by} at {when}{how}: this is the same one, and "
        "it goes on under the limits that were given then"
    )


def _limits(
    budget: float | None, in_flight: int | None, canaries: int | None, tolerance: float | None,
    before: "Limits | None" = None,
) -> "Limits":  # fmt: skip
    """What is given, and else what it had, or the defaults."""
    from seqdrop.domain.reanalysis.record import Limits

    given = {
        "budget_usd": budget,
        "in_flight": in_flight,
        "canaries": canaries,
        "failed_fraction": tolerance,
    }
    changes = {name: value for name, value in given.items() if value is not None}
    return msgspec.structs.replace(before or Limits(), **changes)


def _until_planned(stack: "Stack", wanted: str) -> "Reanalysis":
    end = time.monotonic() + _LONGEST_PLAN_SECONDS
    while time.monotonic() < end:
        found = stack.catalog.reanalyses.get(wanted)
        if found and found.status != "PLANNING":
            return found
        time.sleep(_PAUSE_SECONDS)
    raise CommandFailed(f"{wanted} is still being planned: `seqdrop reanalysis show {wanted}`")


def document(reanalysis: "Reanalysis") -> dict[str, object]:
    """A reanalysis as JSON; without the token that its execution waits with."""
    found: dict[str, object] = msgspec.to_builtins(msgspec.structs.replace(reanalysis, token=""))
    counts = (
        "going_on",
        "made",
        "failed",
        "left_out",
        "deferred",
        "reserved_micros",
        "spent_micros",
    )
    return found | {name: getattr(reanalysis, name) for name in counts}


def listed(json: Json = False) -> None:
    """Lists reanalyses, the newest first."""
    from cli.stack import find_stack

    found = find_stack().catalog.reanalyses.all()
    if json:
        emit({"reanalyses": [document(one) for one in found]})
    elif not found:
        say("there are no reanalyses: `seqdrop reanalyse` begins one")
    else:
        columns = ("id", "status", "of", "made", "failed", "left out", "spent", "why")
        show_table(columns, [_row(one) for one in found])


def _row(one: "Reanalysis") -> tuple[str, ...]:
    of = f"{one.plan.analyses:,}" if one.plan else "-"
    spent = f"${one.spent_micros / 1e6:,.2f}"
    return (
        one.id, one.status, of, str(one.made), str(one.failed), str(one.left_out), spent, one.why,
    )  # fmt: skip


def show(name: Id, json: Json = False) -> None:
    """Shows a reanalysis: its plan, its canaries with their comparisons, and how far it is."""
    from cli.reanalysis_view import say_members, say_reanalysis
    from cli.stack import find_stack

    stack = find_stack()
    found = _find(stack, name)
    members = list(stack.catalog.reanalyses.members(name))
    if json:
        shown = [msgspec.to_builtins(msgspec.structs.replace(one, token="")) for one in members]
        emit(document(found) | {"members": shown})
        return
    say_reanalysis(found)
    say_members(found, members, stack.output("ResultsBucket"))


def _find(stack: "Stack", name: str) -> "Reanalysis":
    found = stack.catalog.reanalyses.get(name)
    if found is None:
        raise CommandFailed(f"there is no reanalysis {name!r}: `seqdrop reanalysis list` has all")
    return found


def approve(
    name: Id,
    attempt: Annotated[
        int | None,
        typer.Option("--attempt", metavar="N", min=1, help="Only the attempt that was looked at."),
    ] = None,
    json: Json = False,
) -> None:
    """Lets a reanalysis go on from its canaries to all others."""
    from cli.stack import find_stack

    stack = find_stack()
    approved = stack.reanalysis_orders.approve(name, stack.who(), attempt)
    _say(approved, "is approved", json=json)


def reject(name: Id, reason: Reason, json: Json = False) -> None:
    """Ends a reanalysis after its canaries: all stays as it was."""
    from cli.stack import find_stack

    stack = find_stack()
    why = f"{reason} ({stack.who()})"
    _say(stack.reanalysis_orders.reject(name, why, stack.who()), "is rejected", json=json)


def stop(name: Id, reason: Reason = "", json: Json = False) -> None:
    """Ends all that goes on of a reanalysis; `resume` goes on where it was."""
    from cli.stack import find_stack

    stack = find_stack()
    who = stack.who()
    why = f"stopped by {who}" + (f": {reason}" if reason else "")
    _say(stack.reanalysis_orders.stop(name, why, who), "is stopped", json=json)


def resume(
    name: Id,
    *,
    budget: Budget = None,
    in_flight: InFlight = None,
    canaries: Canaries = None,
    tolerance: Tolerance = None,
    json: Json = False,
) -> None:
    """Goes on with a reanalysis that has stopped, or was only planned: what is done stays done."""
    from cli.stack import find_stack

    stack = find_stack()
    limits = _limits(budget, in_flight, canaries, tolerance, _find(stack, name).limits)
    _say(stack.reanalysis_orders.resume(name, limits, stack.who()), "goes on", json=json)


def cap(
    name: Id,
    in_flight: Annotated[int, typer.Argument(metavar="N", min=1, help="Runs at once.")],
    json: Json = False,
) -> None:
    """Changes how many runs of a reanalysis go on at once, or will when its cohort begins."""
    from cli.stack import find_stack

    stack = find_stack()
    after = stack.reanalysis_orders.set_cap(name, in_flight, stack.who())
    when = "from its next attempt on"
    if after.status.live:
        when = "from now on" if after.status == "RUNNING" else "when its cohort begins"
    _say(after, f"has {in_flight} runs at once {when}", json=json)


def _say(reanalysis: "Reanalysis", what: str, *, json: bool) -> None:
    if json:
        emit(document(reanalysis))
    else:
        say(f"{reanalysis.id} {what}: {reanalysis.status}")
