"""`seqdrop redrive`: dead letters go back to the queues that they came from."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.faults import CommandFailed
from cli.options import Json
from cli.screen import emit, say

if TYPE_CHECKING:
    from cli.dead_letters import DeadLetterQueue, DeadLetters, Letter

Document = dict[str, Any]


def redrive(
    queue: Annotated[
        str, typer.Argument(metavar="QUEUE", help="One dead-letter queue; without it, all.")
    ] = "",
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what the messages are about.")
    ] = False,
    limit: Annotated[
        int, typer.Option(min=1, max=1000, help="With --dry-run: how many of a queue are shown.")
    ] = 100,
    json: Json = False,
) -> None:
    """Moves dead letters back to the queues that they came from; every one may come twice."""
    from cli.stack import find_stack

    letters = find_stack().dead_letters
    chosen = _chosen(letters.queues(), queue)
    if dry_run:
        documents = [_shown(letters, one, limit) for one in chosen]
    else:
        documents = [_moved(letters, one) for one in chosen]
    if json:
        emit({"dry_run": dry_run, "queues": documents})
    else:
        for document in documents:
            for line in _lines(document):
                say(line)
    if any(document.get("left") for document in documents):
        raise typer.Exit(1)


def _chosen(queues: "list[DeadLetterQueue]", name: str) -> "list[DeadLetterQueue]":
    chosen = [queue for queue in queues if name in {"", queue.name}]
    if not chosen:
        known = ", ".join(queue.name for queue in queues)
        raise CommandFailed(f"there is no dead-letter queue {name!r} (there are: {known})")
    return chosen


def _shown(letters: "DeadLetters", queue: "DeadLetterQueue", limit: int) -> Document:
    found = letters.look(queue, limit) if queue.waiting else []
    return _of(queue) | {"letters": [_letter(letter) for letter in found]}


def _moved(letters: "DeadLetters", queue: "DeadLetterQueue") -> Document:
    moved, left = letters.move_back(queue) if queue.waiting else (0, 0)
    return _of(queue) | {"moved": moved, "left": left}


def _of(queue: "DeadLetterQueue") -> Document:
    return {"queue": queue.name, "to": queue.source or None, "messages": queue.waiting}


def _letter(letter: "Letter") -> Document:
    sent = datetime.fromtimestamp(letter.first_sent_ms / 1000, UTC)
    return {
        "message_id": letter.id,
        "about": letter.about,
        "error": letter.error or None,
        "sent": sent.isoformat(timespec="seconds"),
    }


def _lines(document: Document) -> list[str]:
    name = document["queue"]
    if "letters" in document:
        shown = [
            f"  {letter['sent'][:19]}  {letter['about']}"
            + (f"  {letter['error']}" if letter["error"] else "")
            for letter in document["letters"]
        ]
        return [f"{name}: {document['messages']} messages", *shown]
    if not document["messages"]:
        return [f"{name}: empty"]
    to = f" to {document['to']}" if document["to"] else ""
    lines = [f"{name}: {document['moved']} moved{to}"]
    if document["left"]:
        lines.append(
            f"{name}: {document['left']} stay, since they name no queue of this stack: "
            "look at them with --dry-run"
        )
    return lines
