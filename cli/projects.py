"""Projects and assays in `seqdrop queues`, `pause` and `resume`: whether runs of them begin."""

import shlex
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import msgspec

from cli.faults import CommandFailed
from cli.screen import emit, say

if TYPE_CHECKING:
    from cli.stack import Stack
    from seqdrop.domain.admission import Project
    from seqdrop.domain.gate import Gate

_MOST_ASKED = 10_000
"""Of the samples that wait; the sweep asks the others within a quarter of an hour."""


class ProjectView(msgspec.Struct, frozen=True):
    """A project that was paused once, or whose runs are counted."""

    project: str
    in_flight: int
    waiting: int
    paused_by: str | None
    paused_why: str | None
    paused_since: str | None


def project_views(stack: "Stack") -> list[ProjectView]:
    """All of them, by name."""
    return [_view(stack, project) for project in stack.catalog.projects.all()]


def pause_project(stack: "Stack", name: str, reason: str, *, json: bool) -> None:
    """No run of a project is claimed until somebody resumes it; those that go on end."""
    project = stack.catalog.projects.pause(name, stack.who(), reason, stack.now())
    _say(_view(stack, project), json=json)


def resume_project(stack: "Stack", name: str, *, json: bool) -> None:
    """Those that wait have their turns, as far as the project has room by a count made anew."""
    from seqdrop.aws.queues import NextInLine

    if name not in {project.name for project in stack.catalog.projects.all()}:
        raise CommandFailed(f"there is no project {name!r} that was paused or has runs")
    project = stack.catalog.projects.resume(name)
    if project.in_flight:
        stack.admission.count_anew(name)
        project = stack.catalog.projects.get(name)
    stack.queue.send(NextInLine(name))
    _say(_view(stack, project), json=json)


def shut_assays(stack: "Stack") -> "list[Gate]":
    """The gates of the assays whose runs do not begin."""
    from seqdrop.domain.assay_gate import FAMILY

    return [gate for gate in stack.catalog.gates.of_family(FAMILY) if not gate.is_free]


def resume_assay(stack: "Stack", name: str) -> None:
    """Lets runs of an assay begin, and asks each sample that waits for that."""
    from seqdrop.aws.queues import Recheck
    from seqdrop.domain.assay_gate import assay_of
    from seqdrop.domain.records import AnalysisStatus

    shut = {assay_of(gate) for gate in shut_assays(stack)}
    if name not in shut:
        known = f"those of {', '.join(sorted(shut))} are" if shut else "none is"
        raise CommandFailed(f"the breaker of assay {name!r} is not open: {known}")
    stack.assay_gates.free(name, stack.who())
    waiting = stack.catalog.analyses.newest(AnalysisStatus.READY, _MOST_ASKED)
    mine = [one for one in waiting if one.assay == name and not one.active_run]
    stack.queue.send_all([Recheck(one.sample, one.assay) for one in mine])


def project_lines(views: Sequence[ProjectView]) -> Iterator[str]:
    """What is to be known of projects: of those that wait for nothing, how many go on."""
    from seqdrop.domain.admission import title_of

    for view in views:
        name = title_of(view.project)
        yield f"{name}: {view.in_flight} counted in flight, {view.waiting} waiting"
        if view.paused_since:
            since = f"{view.paused_since[:10]} {view.paused_since[11:16]} UTC"
            why = f": {view.paused_why}" if view.paused_why else ""
            yield f"  paused by {view.paused_by} since {since}{why}"
            command = f"seqdrop resume --project {shlex.quote(view.project)}"
            yield f"  you: `{command}` lets its runs begin"


def _say(view: ProjectView, *, json: bool) -> None:
    if json:
        emit(view)
        return
    for line in project_lines([view]):
        say(line)


def _view(stack: "Stack", project: "Project") -> ProjectView:
    return ProjectView(
        project=project.name,
        in_flight=project.in_flight,
        waiting=sum(1 for _ in stack.catalog.projects.line(project.name)),
        paused_by=project.paused_by or None,
        paused_why=project.paused_why or None,
        paused_since=project.paused_since or None,
    )
