"""`seqdrop queues`, `pause` and `resume`: what waits and runs, and what keeps it from starting."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from cli.faults import CommandFailed
from cli.options import Json
from cli.projects import (
    pause_project,
    project_lines,
    project_views,
    resume_assay,
    resume_project,
    shut_assays,
)
from cli.screen import emit, say, show_table

if TYPE_CHECKING:
    from cli.stack import Stack
    from seqdrop.domain.gate import Gate

_AT_ONCE = 4
"""An account's ListJobs are few a second."""


class GateView(msgspec.Struct, frozen=True):
    """Whether jobs of a kind of queues may start."""

    kind: str
    state: str
    why: str
    since: str | None
    probe_at: str | None


class QueueView(msgspec.Struct, frozen=True):
    """A job queue."""

    queue: str
    state: str
    """ENABLED; DISABLED, where it takes no jobs; or Batch's word on what is wrong with it."""
    waiting: int
    starting: int
    running: int
    oldest: str | None = None
    """Since when the job that has waited longest is in the queue."""
    blocked_reason: str | None = None
    """Why that job can't start, in Batch's words."""


def queues(json: Json = False) -> None:
    """Shows each job queue: how many jobs wait and run, since when, and whether it is blocked."""
    from cli.stack import find_stack

    stack = find_stack()
    states = stack.batch.queues(f"{stack.output('JobQueuePrefix')}-")
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        views = list(pool.map(lambda one: _view(stack, *one), sorted(states.items())))
    gates = [*stack.all_gates(), *shut_assays(stack)]
    projects = project_views(stack)
    if json:
        shown = [_gate_view(gate) for gate in gates]
        emit({"queues": views, "gates": shown, "projects": projects})
        return
    columns = ("queue", "state", "waiting", "starting", "running", "oldest")
    show_table(columns, [_row(stack, view) for view in views])
    for line in (*_gate_lines(gates, all_of_them=False), *project_lines(projects)):
        say(line)
    for view in views:
        if view.blocked_reason:
            say(f"{view.queue} is blocked: {view.blocked_reason}")
            say(f"  you: {_remedy(view.blocked_reason)}")


_Kind = Annotated[str, typer.Argument(metavar="KIND", help="Of queues: cpu, say.")]
_All = Annotated[bool, typer.Option("--all", help="All kinds of queues.")]
_Project = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="The runs of a project; '' for samples without one."),
]


def pause(
    kind: _Kind = "",
    *,
    everything: _All = False,
    project: _Project = None,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why, for whoever asks.")] = "",
    json: Json = False,
) -> None:
    """Keeps the jobs of a kind of queues from starting, or the runs of a project from beginning.

    What runs ends as it would. Jobs wait in their queues, and are not given up meanwhile. A
    project's samples wait in line; `seqdrop resume` lets both go on.
    """
    from cli.stack import find_stack

    stack = find_stack()
    if project is not None:
        _refuse_kinds(kind, everything=everything)
        pause_project(stack, project, reason, json=json)
        return
    who = stack.who()
    for queue in _queues_of_kinds(stack, kind, everything=everything):
        stack.gates.pause(queue, who, reason)
    _say_gates(stack, json=json)


def resume(
    kind: _Kind = "",
    *,
    everything: _All = False,
    project: _Project = None,
    assay: Annotated[
        str, typer.Option(metavar="NAME", help="The runs of an assay whose breaker is open.")
    ] = "",
    json: Json = False,
) -> None:
    """Lets the jobs of a kind of queues start, be it paused or its breaker open; or the runs of a
    project or assay begin.
    """
    from cli.stack import find_stack

    stack = find_stack()
    if project is not None or assay:
        _refuse_kinds(kind, everything=everything or (project is not None and bool(assay)))
    if project is not None:
        resume_project(stack, project, json=json)
        return
    if assay:
        resume_assay(stack, assay)
        _say_gates(stack, json=json)
        return
    who = stack.who()
    for queue in _queues_of_kinds(stack, kind, everything=everything):
        stack.gates.free(queue, who)
    _say_gates(stack, json=json)


def _refuse_kinds(kind: str, *, everything: bool) -> None:
    if kind or everything:
        raise typer.BadParameter("give kinds of queues, a project or an assay: not two of them")


def _queues_of_kinds(stack: "Stack", kind: str, *, everything: bool) -> list[str]:
    """A queue of each kind that is meant."""
    from seqdrop.domain.hosts import queue_name

    known = stack.output("QueueKinds").split(",")
    if bool(kind) == everything:
        raise typer.BadParameter(f"give one of {', '.join(known)}, or --all", param_hint="KIND")
    if kind and kind not in known:
        raise CommandFailed(f"there are no queues {kind!r} here: give one of {', '.join(known)}")
    prefix = stack.output("JobQueuePrefix")
    return [queue_name(prefix, one) for one in ([kind] if kind else known)]


def _say_gates(stack: "Stack", *, json: bool) -> None:
    gates = [*stack.all_gates(), *shut_assays(stack)]
    if json:
        emit({"gates": [_gate_view(gate) for gate in gates]})
        return
    for line in _gate_lines(gates, all_of_them=True):
        say(line)


def _gate_lines(gates: "Sequence[Gate]", *, all_of_them: bool) -> Iterator[str]:
    from seqdrop.domain.assay_gate import assay_of
    from seqdrop.domain.gate import gate_text

    for gate in gates:
        assay = assay_of(gate)
        if assay:
            yield f"assay {assay}: no run begins since {gate.since[:16]}: {gate_text(gate)}"
            yield f"  you: `seqdrop resume --assay {assay}` lets its runs begin"
        elif not gate.is_free:
            yield f"{gate.kind}: no job is started since {gate.since[:16]}: {gate_text(gate)}"
            yield f"  you: `seqdrop resume {gate.kind}` lets all jobs start"
        elif all_of_them:
            yield f"{gate.kind}: jobs start as hosts come"


def _gate_view(gate: "Gate") -> GateView:
    return GateView(gate.kind, gate.state, gate.why, gate.since or None, gate.probe_at or None)


def _view(stack: "Stack", queue: str, state: str) -> QueueView:
    waiting = stack.batch.waiting_since(queue, "RUNNABLE")
    blocked = ""
    if waiting:
        head = waiting[0][1]
        found = stack.batch.describe([head]).get(head)
        blocked = found.blocked if found else ""
    return QueueView(
        queue=queue,
        state=state,
        waiting=len(waiting),
        starting=len(stack.batch.waiting_since(queue, "STARTING")),
        running=len(stack.batch.waiting_since(queue, "RUNNING")),
        oldest=waiting[0][0] if waiting else None,
        blocked_reason=blocked or None,
    )


def _row(stack: "Stack", view: QueueView) -> Sequence[str]:
    from seqdrop.domain.duration import duration_text
    from seqdrop.sample_view import seconds_between

    now = stack.now().isoformat()
    waited = seconds_between(view.oldest, now)
    oldest = "" if waited is None else f"waits for {duration_text(waited)}"
    counts = (str(view.waiting), str(view.starting), str(view.running))
    return view.queue, view.state, *counts, oldest


def _remedy(reason: str) -> str:
    from seqdrop.domain.blocked import remedy_of

    return remedy_of(reason).do
