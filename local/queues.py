"""SQS event sources: what Lambda's pollers do between a queue and a function.

A poller sleeps until a message is due, takes a batch, calls the function, and deletes what
succeeded. What failed stays until its visibility timeout, and moto moves it to the dead-letter
queue when it has been received often enough. A batch that is throttled is tried until its
visibility timeout is over, and counts as received although no function has seen it: as AWS's
"Handling errors for an SQS event source" says.
"""

import base64
import functools
import json
import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from moto.sqs.exceptions import QueueDoesNotExist, ReceiptHandleIsInvalid
from moto.sqs.models import Queue, SQSBackend, sqs_backends

from local.functions import HostError, HostStopped, Invocation, TooManyRequests

LOG = logging.getLogger(__name__)

# A queue that was deleted and made again is found after this time at the latest.
LONGEST_SLEEP_SECONDS = 60.0
# moto may hold back a message that is due: for the rest of its millisecond, or for its FIFO group.
SHORTEST_SLEEP_SECONDS = 0.02
STOP_GRACE_SECONDS = 5.0
# Between the tries of a throttled batch; AWS documents none, and this is small beside its 180 s.
THROTTLED_PAUSES_SECONDS = (0.1, 5.0)
"""The first, and the longest: it doubles."""


class Host(Protocol):
    """What runs the functions: `FunctionHost`, or a test's own."""

    def invoke(self, name: str, payload: bytes) -> Invocation:
        """Runs a function and waits for what comes of it."""


@dataclass(frozen=True)
class EventSource:
    """A queue whose messages go to a function, in the words of an event source mapping."""

    queue_arn: str
    function_name: str
    batch_size: int = 10
    window_seconds: float = 0.0
    report_item_failures: bool = False
    max_concurrency: int = 2


def lock_queues() -> None:
    """Makes moto's queues safe under threads, and wakes waiters when a message is visible again.

    Stock moto hands one message to two receivers at once, loses a message that is sent while
    another is deleted, and tells nobody that ChangeMessageVisibility made one visible.
    """
    if hasattr(Queue.delete_message, "__wrapped__"):
        return
    SQSBackend.receive_message = _locked(SQSBackend.receive_message, _condition_by_name)
    SQSBackend.change_message_visibility = _locked(
        SQSBackend.change_message_visibility, _condition_by_name, wakes=True
    )
    Queue.delete_message = _locked(Queue.delete_message, _own_condition)


def _condition_by_name(backend: Any, queue_name: str, *_: Any, **__: Any) -> threading.Condition:
    condition: threading.Condition = backend.get_queue(queue_name)._messages_lock
    return condition


def _own_condition(queue: Any, *_: Any, **__: Any) -> threading.Condition:
    condition: threading.Condition = queue._messages_lock
    return condition


def _locked(
    method: Callable[..., Any],
    condition_of: Callable[..., threading.Condition],
    wakes: bool = False,
) -> Callable[..., Any]:
    """Returns a method that holds its queue's lock (reentrant, and lets go of by a long poll)."""

    @functools.wraps(method)
    def locked(*args: Any, **kwargs: Any) -> Any:
        condition = condition_of(*args, **kwargs)
        with condition:
            result = method(*args, **kwargs)
            if wakes:
                condition.notify_all()
            return result

    return locked


class QueuePollers:
    """The pollers of all event sources."""

    def __init__(self, sources: Iterable[EventSource], host: Host) -> None:
        lock_queues()
        self._pollers = [_Poller(source, host) for source in sources]

    def start(self) -> None:
        """Begins to read the queues."""
        for poller in self._pollers:
            poller.start()

    def stop(self) -> None:
        """Stops reading, and gives batches that are being worked on a little time to end."""
        for poller in self._pollers:
            poller.stop()
        end = time.monotonic() + STOP_GRACE_SECONDS
        for poller in self._pollers:
            poller.join(end)


class _Poller:
    """One event source: as many threads as may work on a batch each."""

    def __init__(self, source: EventSource, host: Host) -> None:
        self._source = source
        self._host = host
        self._region, self._account, self._name = source.queue_arn.split(":")[3:6]
        self._backend = sqs_backends[self._account][self._region]
        self._stopping = threading.Event()
        # One thread gathers at a time, so that messages fill one batch and not several.
        self._gathering = threading.Lock()
        self._threads = [
            threading.Thread(target=self._run, name=f"queue {self._name}", daemon=True)
            for _ in range(source.max_concurrency)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        queue = self._backend.queues.get(self._name)
        with queue._messages_lock if queue else threading.Condition():
            self._stopping.set()
            if queue:
                queue._messages_lock.notify_all()

    def join(self, end: float) -> None:
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))

    def _run(self) -> None:
        while not self._stopping.is_set():
            with self._gathering:
                batch = self._gather()
            try:
                if batch:
                    self._work_on(batch)
            except HostStopped:
                return
            except HostError as error:
                LOG.warning("%s took no batch of %s: %r", self._source.function_name, batch, error)

    def _gather(self) -> list[Any]:
        """Waits for messages and returns a batch: full, or as old as the window."""
        batch: list[Any] = []
        closes = float("inf")
        while not self._stopping.is_set():
            try:
                condition = self._backend.get_queue(self._name)._messages_lock
                with condition:  # nothing is sent between finding nothing and going to sleep
                    batch += self._receive(self._source.batch_size - len(batch))
                    if batch:
                        closes = min(closes, time.monotonic() + self._source.window_seconds)
                    left = closes - time.monotonic()
                    if len(batch) >= self._source.batch_size or left <= 0:
                        return batch
                    condition.wait(min(left, self._seconds_until_due()))
            except QueueDoesNotExist:
                self._stopping.wait(1.0)
        return batch

    def _receive(self, count: int) -> list[Any]:
        queue = self._backend.get_queue(self._name)
        messages: list[Any] = self._backend.receive_message(
            self._name, count, 0, queue.visibility_timeout, ["All"]
        )
        return messages

    def _seconds_until_due(self) -> float:
        """Returns how long nothing can come, unless someone sends (which wakes the sleeper)."""
        messages = self._backend.get_queue(self._name)._messages
        due_ms = (max(message.visible_at, message.delayed_until) for message in messages)
        seconds = min(due_ms, default=float("inf")) / 1000 - time.time()
        return min(max(seconds, SHORTEST_SLEEP_SECONDS), LONGEST_SLEEP_SECONDS)

    def _work_on(self, batch: list[Any]) -> None:
        records = [self._record(message) for message in batch]
        payload = json.dumps({"Records": records}).encode()
        invocation = self._invoke(payload, hidden_until=min(m.visible_at for m in batch) / 1000)
        if invocation is None:
            return
        failed = self._failed(invocation, {message.id for message in batch})
        for message in batch:
            if message.id not in failed:
                self._delete(message)

    def _invoke(self, payload: bytes, hidden_until: float) -> Invocation | None:
        """Calls the function, again while it is throttled; None where the batch was given up."""
        pause, longest = THROTTLED_PAUSES_SECONDS
        while not self._stopping.is_set():
            try:
                return self._host.invoke(self._source.function_name, payload)
            except TooManyRequests:
                left = hidden_until - time.time()
                if left <= 0:
                    break
                self._stopping.wait(min(pause, left))
                pause = min(2 * pause, longest)
        return None

    def _failed(self, invocation: Invocation, sent: set[str]) -> set[str]:
        """Returns the ids of the messages that failed, all of them where the answer is no use."""
        if invocation.error:
            return sent
        if not self._source.report_item_failures:
            return set()
        try:
            answer = json.loads(invocation.payload) or {}
            failures = answer.get("batchItemFailures") or []
            failed = {failure["itemIdentifier"] for failure in failures}
        except (ValueError, AttributeError, TypeError, KeyError):
            LOG.warning("%s gave no valid partial response", self._source.function_name)
            return sent
        return failed if failed <= sent else sent

    def _delete(self, message: Any) -> None:
        try:
            self._backend.delete_message(self._name, message.receipt_handle)
        except (ReceiptHandleIsInvalid, QueueDoesNotExist) as error:
            LOG.info("message %s was gone before it was deleted: %r", message.id, error)

    def _record(self, message: Any) -> dict[str, Any]:
        first_received = message.approximate_first_receive_timestamp
        record = {
            "messageId": message.id,
            "receiptHandle": message.receipt_handle,
            "body": message.body,
            "attributes": {
                "ApproximateReceiveCount": str(message.approximate_receive_count),
                "SentTimestamp": str(message.sent_timestamp),
                "SenderId": message.sender_id,
                "ApproximateFirstReceiveTimestamp": str(first_received),
                **{n: a["StringValue"] for n, a in message.system_attributes.items()},
            },
            "messageAttributes": {
                name: _attribute(value) for name, value in message.message_attributes.items()
            },
            "md5OfBody": message.body_md5,
            "eventSource": "aws:sqs",
            "eventSourceARN": self._source.queue_arn,
            "awsRegion": self._region,
        }
        if message.message_attributes:
            record["md5OfMessageAttributes"] = message.attribute_md5
        return record


def _attribute(value: dict[str, Any]) -> dict[str, Any]:
    """Returns a message attribute as Lambda spells it."""
    attribute = {
        "stringListValues": [],
        "binaryListValues": [],
        "dataType": value["DataType"],
    }
    if value.get("StringValue"):
        attribute["stringValue"] = value["StringValue"]
    if value.get("BinaryValue"):
        binary = value["BinaryValue"]
        raw = binary if isinstance(binary, bytes) else str(binary).encode()
        attribute["binaryValue"] = base64.b64encode(raw).decode()
    return attribute
