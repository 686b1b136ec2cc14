"""Alerts: events of our own on the account's default bus, for whoever has a rule for them."""

from typing import TYPE_CHECKING

import msgspec

from seqdrop.domain.errors import Transient

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient

SOURCE = "seqdrop"


class Alerts:
    """The account's default event bus."""

    def __init__(self, client: "EventBridgeClient") -> None:
        self._client = client

    def send(self, kind: str, detail: msgspec.Struct) -> None:
        """Sends an event of a kind (its detail type). Raises Transient where it is refused."""
        text = msgspec.json.encode(detail).decode()
        answer = self._client.put_events(
            Entries=[{"Source": SOURCE, "DetailType": kind, "Detail": text}]
        )
        if answer.get("FailedEntryCount"):
            raise Transient(f"EventBridge refused {kind}: {answer['Entries']}")
