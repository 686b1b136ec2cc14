"""`seqdrop queues`: what waits, what runs, and what keeps a queue from going on."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import msgspec

from cli.options import Json
from cli.screen import emit, say, show_table

if TYPE_CHECKING:
    from cli.stack import Stack

_AT_ONCE = 4
"""An account's ListJobs are few a second."""


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
    if json:
        emit({"queues": views})
        return
    columns = ("queue", "state", "waiting", "starting", "running", "oldest")
    show_table(columns, [_row(stack, view) for view in views])
    for view in views:
        if view.blocked_reason:
            say(f"{view.queue} is blocked: {view.blocked_reason}")
            say(f"  you: {_remedy(view.blocked_reason)}")


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
