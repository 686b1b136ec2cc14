"""Errors of functions, one line each: which function, what went wrong, and whose event it was.

A function fails in two ways: an error reaches Lambda, or it logs one and goes on, as those do
that say which of a queue's messages are to come again.
"""

import json
import logging
from collections.abc import Iterator
from typing import Any

LOG = logging.getLogger(__name__)
_LEVELS = {"ERROR", "CRITICAL"}


def report_failure(function: str, event: bytes, error: bytes) -> None:
    """Tells of an error that reached Lambda, given as Lambda's own document."""
    said = _document(error)
    report(function, event, str(said.get("errorType", "")), str(said.get("errorMessage", "")))


def report(function: str, event: bytes, error: str, message: str) -> None:
    """Tells of an error, by its class and message."""
    _tell(function, error, message, _subject(event))


def report_logged_error(function: str, event: bytes, line: str) -> None:
    """Tells of a line of a function's log, if it is an error in JSON as Powertools writes it."""
    if not any(f'"{level}"' in line for level in _LEVELS):
        return
    said = _document(line)
    if said.get("level") not in _LEVELS:
        return
    sample = said.get("sample_id")
    subject = f"sample {sample}" if sample else _subject(event, said.get("message_id", ""))
    error = str(said.get("exception_name", ""))
    message = _message_of(str(said["exception"])) if "exception" in said else said.get("message")
    _tell(function, error, str(message), subject)


def _tell(function: str, error: str, message: str, subject: str) -> None:
    what = ": ".join(filter(None, (error, " ".join(message.split()))))
    LOG.error("%s: %s%s", function, what or "failed", f" ({subject})" if subject else "")


def _message_of(trace: str) -> str:
    """The message of the error that a trace ends with: what follows its last frame."""
    last = trace.rpartition("Traceback (most recent call last):\n")[2].splitlines()
    after = [number for number, line in enumerate(last) if line and not line.startswith(" ")]
    said = "\n".join(last[after[0] :]) if after else trace
    return said.partition(": ")[2] or said


def _subject(event: bytes | str, message_id: str = "") -> str:
    """Whose event it is: the sample, or else the file or the job; "" where it names none.

    Of a queue's event the messages are looked at, or the one with the id.
    """
    document = _document(event)
    records = document.get("Records")
    if not isinstance(records, list):
        return next(_named(document), "")
    messages = [
        _document(str(record.get("body", "")))
        for record in records
        if isinstance(record, dict) and message_id in {"", record.get("messageId")}
    ]
    found = dict.fromkeys(next(_named(message), "") for message in messages)
    return ", ".join(filter(None, found))


def _named(document: dict[str, Any]) -> Iterator[str]:
    """What a document names, by what says most first."""
    for key, kind in (("sample", "sample"), ("key", "file"), ("jobName", "job")):
        yield from (f"{kind} {name}" for name in _values(document, key))


def _values(document: object, key: str) -> Iterator[str]:
    if isinstance(document, dict):
        if isinstance(document.get(key), str):
            yield document[key]
        for value in document.values():
            yield from _values(value, key)


def _document(text: bytes | str) -> dict[str, Any]:
    """What a JSON text says, where it is an object."""
    try:
        found = json.loads(text)
    except ValueError:  # a function may be called with, and print, whatever it likes
        return {}
    return found if isinstance(found, dict) else {}
