"""`seqdrop priority`: which jobs go first, said later."""

from typing import TYPE_CHECKING, Annotated, get_args

import typer

from cli.faults import CommandFailed
from cli.options import Assay, Json, Sample
from cli.screen import emit, say

if TYPE_CHECKING:
    from cli.stack import Stack


def priority(
    sample: Sample,
    priority: Annotated[str, typer.Argument(metavar="urgent|routine|bulk", show_default=False)],
    assay: Assay = "",
    json: Json = False,
) -> None:
    """Gives a sample another priority, and moves its jobs that wait to the queue of that one.

    What has begun to start stays where it is. What waits for its project goes to its new place in
    the line.
    """
    from seqdrop.domain.pipeline import Priority

    known = get_args(Priority)
    if priority not in known:
        raise typer.BadParameter(f"{priority!r} is none of {', '.join(known)}")
    from cli.stack import find_stack
    from seqdrop.flow.retry import retry_on_conflict

    stack = find_stack()
    who = stack.who()
    often = CommandFailed(f"{sample} keeps changing: try again in a moment")
    name, moved = retry_on_conflict(lambda: _change(stack, sample, assay, priority, who), often)
    if json:
        emit({"sample": sample, "assay": name, "priority": priority, "moved": moved})
        return
    unless = "unless they have begun to start"
    what = (
        f"moved to the {priority} queue, {unless}: {', '.join(moved)}"
        if moved
        else "no job of it waits"
    )
    say(f"{sample} ({name}) is {priority}; {what}")


def _change(
    stack: "Stack", sample: str, assay: str, priority: str, who: str
) -> tuple[str, list[str]]:
    analysis = stack.analysis(sample, assay)
    moved = stack.priorities.change(analysis, priority, who)
    stack.queue.recheck(analysis.id)  # it may have its turn now, if it waits for one
    return analysis.assay, moved
