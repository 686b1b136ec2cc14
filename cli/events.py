"""`seqdrop events`: what happened to a sample, and who did it."""

import json as json_
from collections.abc import Iterator, Mapping
from typing import Any

from cli.faults import CommandFailed
from cli.options import Assay, Json, Sample
from cli.screen import emit, say

_IN_FRONT = ("who", "what", "assay")


def events(sample: Sample, assay: Assay = "", json: Json = False) -> None:
    """Prints a sample's audit trail, the oldest event first."""
    from cli.stack import find_stack
    from seqdrop.aws.catalog.layout import read_event_key

    found = [
        {"time": read_event_key((item["pk"], item["sk"]))[1], **_without_keys(item)}
        for item in find_stack().catalog.analyses.events(sample)
        if assay in {"", item.get("assay", "")}
    ]
    if not found:
        raise CommandFailed(f"nothing has happened to a sample {sample!r} here")
    if json:
        emit({"sample": sample, "events": found})
        return
    for event in found:
        of = f" ({event['assay']})" if event.get("assay") else ""
        at = event["time"][:19].replace("T", " ")
        begin = f"{at} UTC  {event['what']}{of}, by {event['who']}"
        say(": ".join([begin, *filter(None, [", ".join(_details(event))])]))


def _without_keys(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in item.items() if name not in {"pk", "sk"}}


def _details(event: Mapping[str, Any]) -> Iterator[str]:
    for name, value in sorted(event.items()):
        if name not in {*_IN_FRONT, "time"}:
            yield f"{name} {_text(value)}" if name != "why" else str(value)


def _text(value: Any) -> str:
    """A value for a person: what is set in a record, and not how the catalog keeps it."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_text(one)}" for name, one in value.items()) or "none"
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(map(_text, value)) or "none"
    return value if isinstance(value, str) else json_.dumps(value, default=str)
