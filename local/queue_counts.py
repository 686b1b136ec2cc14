"""What moto's SQS works out again and again: the time, and attributes of a queue that nobody asked.

| rebound | stock moto |
|---|---|
| `sqs.models.unix_time_millis` | takes two dates apart, twice for each message of each look |
| `SQSBackend.is_message_valid_based_on_retention_period` | counts all messages three times over |

With a hundred messages in a queue that was a fifth of the runtime's work.
"""

import time
from datetime import datetime
from typing import Any

from moto.sqs import models
from moto.sqs.models import SQSBackend

_stock_milliseconds = models.unix_time_millis
_stock_is_valid = SQSBackend.is_message_valid_based_on_retention_period


def install() -> None:
    """Patch moto in this process; doing it twice is doing it once."""
    models.unix_time_millis = _milliseconds
    SQSBackend.is_message_valid_based_on_retention_period = _is_valid


def uninstall() -> None:
    """Give moto its own functions back."""
    models.unix_time_millis = _stock_milliseconds
    SQSBackend.is_message_valid_based_on_retention_period = _stock_is_valid


def _milliseconds(moment: datetime | None = None) -> float:
    return time.time() * 1000 if moment is None else float(_stock_milliseconds(moment))


def _is_valid(backend: Any, queue_name: str, message: Any) -> bool:
    kept_seconds = int(backend.get_queue(queue_name).message_retention_period)
    return bool(message.sent_timestamp / 1000 + kept_seconds > time.time())
