"""What moto works out again for each request, worked out once or not at all.

| rebound | stock moto |
|---|---|
| `core.responses.method_names_from_class` | looks through a service's class for each request |
| `sqs.models.unix_time_millis` | takes two dates apart, twice for each message of each look |
| `SQSBackend.is_message_valid_based_on_retention_period` | counts all messages three times over |

With a hundred messages in a queue the last two were a fifth of the runtime's work.
"""

import time
from datetime import datetime
from functools import cache
from typing import Any

from moto.core import responses
from moto.sqs import models
from moto.sqs.models import SQSBackend

_STOCK: tuple[tuple[Any, str, Any], ...] = (
    (responses, "method_names_from_class", responses.method_names_from_class),
    (models, "unix_time_millis", models.unix_time_millis),
    (
        SQSBackend,
        "is_message_valid_based_on_retention_period",
        SQSBackend.is_message_valid_based_on_retention_period,
    ),
)


def install() -> None:
    """Patch moto in this process; doing it twice is doing it once."""
    for (owner, name, _), ours in zip(_STOCK, _OURS, strict=True):
        setattr(owner, name, ours)


def uninstall() -> None:
    """Give moto its own functions back."""
    for owner, name, stock in _STOCK:
        setattr(owner, name, stock)


def milliseconds(moment: datetime | None = None, stock: Any = models.unix_time_millis) -> float:
    """Milliseconds since the epoch, of now or of a moment in UTC without its zone."""
    return time.time() * 1000 if moment is None else float(stock(moment))


def is_kept(backend: Any, queue_name: str, message: Any) -> bool:
    """Whether a message is younger than its queue keeps messages."""
    kept_seconds = int(backend.get_queue(queue_name).message_retention_period)
    return bool(message.sent_timestamp / 1000 + kept_seconds > time.time())


_OURS = (cache(responses.method_names_from_class), milliseconds, is_kept)
