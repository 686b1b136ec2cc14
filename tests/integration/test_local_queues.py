"""Functions are fed from queues as Lambda's pollers do it."""

import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from moto.sqs.models import Queue, SQSBackend, sqs_backends

from local.eventbridge import put_event
from local.functions import HostStopped, Invocation, TooManyRequests
from local.queues import EventSource, QueuePollers, lock_queues

ACCOUNT, REGION = "123456789012", "us-east-1"
ARN = f"arn:aws:sqs:{REGION}:{ACCOUNT}:"

Event = dict[str, Any]
Answer = Callable[[Event], Any]


class FakeHost:
    """Stands for the functions: each event is kept, and answered by `answer`."""

    def __init__(self, answer: Answer) -> None:
        self.events: list[Event] = []
        self._answer = answer
        self.throttled: Callable[[Event], bool] = lambda _: False

    def invoke(self, name: str, payload: bytes) -> Invocation:
        assert name == "worker"
        event = json.loads(payload)
        if self.throttled(event):
            raise TooManyRequests(name)
        self.events.append(event)
        answer = self._answer(event)
        if isinstance(answer, Exception):
            return Invocation(b'{"errorType": "Transient"}', error=True)
        return Invocation(json.dumps(answer).encode(), error=False)

    def bodies(self) -> list[str]:
        return [record["body"] for event in self.events for record in event["Records"]]


def good(_: Event) -> None:
    return None


Start = Callable[..., FakeHost]


@pytest.fixture
def sqs() -> Iterator[Any]:
    backend = sqs_backends[ACCOUNT][REGION]
    yield backend
    backend.queues.clear()


@pytest.fixture
def start(sqs: Any) -> Iterator[Start]:
    running = []

    def started(answer: Answer = good, **settings: Any) -> FakeHost:
        host = FakeHost(answer)
        pollers = QueuePollers([EventSource(f"{ARN}work", "worker", **settings)], host)
        running.append(pollers)
        pollers.start()
        return host

    yield started
    for pollers in running:
        pollers.stop()


def until(condition: Callable[[], Any]) -> Any:
    for _ in range(1000):
        found = condition()
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError("it never came true")


def test_a_message_arrives_in_lambdas_shape_and_is_deleted(sqs: Any, start: Start) -> None:
    queue = sqs.create_queue("work")
    host = start()
    attributes = {"kind": {"DataType": "String", "StringValue": "fastq"}}
    message = sqs.send_message("work", "hello", message_attributes=attributes)
    until(lambda: host.events and not queue._messages)
    (record,) = host.events[0]["Records"]
    assert record["messageId"] == message.id
    assert record["body"] == "hello"
    assert record["md5OfBody"] == hashlib.md5(b"hello").hexdigest()  # noqa: S324 (SQS's own choice)
    assert record["eventSource"] == "aws:sqs"
    assert record["eventSourceARN"] == f"{ARN}work"
    assert record["awsRegion"] == REGION
    assert record["receiptHandle"]
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    assert record["attributes"]["SentTimestamp"] == str(message.sent_timestamp)
    assert record["messageAttributes"]["kind"] == {
        "stringValue": "fastq",
        "stringListValues": [],
        "binaryListValues": [],
        "dataType": "String",
    }


def test_a_window_gathers_messages_into_full_batches(sqs: Any, start: Start) -> None:
    sqs.create_queue("work")
    for number in range(7):
        sqs.send_message("work", str(number))
    host = start(batch_size=5, window_seconds=0.2, max_concurrency=2)
    until(lambda: len(host.bodies()) == 7)
    assert sorted(len(event["Records"]) for event in host.events) == [2, 5]


def test_only_the_failed_items_of_a_batch_come_again(sqs: Any, start: Start) -> None:
    sqs.create_queue("work", VisibilityTimeout=1)
    for body in "abc":
        sqs.send_message("work", body)

    def answer(event: Event) -> Any:
        failed = [r["messageId"] for r in event["Records"] if r["body"] == "b"]
        first = len(event["Records"]) > 1
        return {"batchItemFailures": [{"itemIdentifier": i} for i in failed] if first else []}

    host = start(answer, report_item_failures=True, max_concurrency=1)
    until(lambda: not sqs.queues["work"]._messages)
    assert host.bodies() == ["a", "b", "c", "b"]
    assert host.events[1]["Records"][0]["attributes"]["ApproximateReceiveCount"] == "2"


@pytest.mark.parametrize(
    "answer",
    [
        {"batchItemFailures": [{"itemIdentifier": "another"}]},
        {"batchItemFailures": [{"itemIdentifier": ""}]},
        {"batchItemFailures": [{}]},
        {"batchItemFailures": "all"},
        ["what is this"],
        RuntimeError("the function failed"),
    ],
)
def test_a_batch_with_no_usable_answer_stays_whole(sqs: Any, start: Start, answer: Any) -> None:
    queue = sqs.create_queue("work")
    for body in "ab":
        sqs.send_message("work", body)
    host = start(lambda _: answer, report_item_failures=True)
    until(lambda: host.events)
    assert len(queue._messages) == 2


@pytest.mark.parametrize("answer", [None, {}, {"batchItemFailures": None}, "fine"])
def test_without_item_failures_a_batch_that_ran_is_deleted(
    sqs: Any, start: Start, answer: Any
) -> None:
    queue = sqs.create_queue("work")
    sqs.send_message("work", "a")
    start(lambda _: answer, report_item_failures=answer != "fine")
    until(lambda: not queue._messages)


def test_what_keeps_failing_goes_to_the_dead_letter_queue(sqs: Any, start: Start) -> None:
    dead = sqs.create_queue("dead")
    policy = json.dumps({"deadLetterTargetArn": f"{ARN}dead", "maxReceiveCount": 2})
    queue = sqs.create_queue("work", VisibilityTimeout=1, RedrivePolicy=policy)
    host = start(lambda _: RuntimeError("never"))
    sqs.send_message("work", "poison")
    until(lambda: dead._messages)
    assert host.bodies() == ["poison", "poison"]
    assert not queue._messages


def test_a_throttled_batch_is_tried_again_within_its_visibility_timeout(
    sqs: Any, start: Start
) -> None:
    queue = sqs.create_queue("work", VisibilityTimeout=30)
    host, left = start(), iter([True, True, True])
    host.throttled = lambda _: next(left, False)
    sqs.send_message("work", "a")
    until(lambda: not queue._messages)
    (event,) = host.events
    assert event["Records"][0]["attributes"]["ApproximateReceiveCount"] == "1"


def test_a_batch_that_is_throttled_too_long_goes_back_unseen_with_its_receive_counted(
    sqs: Any, start: Start
) -> None:
    queue = sqs.create_queue("work", VisibilityTimeout=1)
    host = start()
    host.throttled = lambda event: _receives(event) == 1
    sqs.send_message("work", "a")
    until(lambda: not queue._messages)
    assert [_receives(event) for event in host.events] == [2]


def test_throttles_alone_bring_a_message_to_the_dead_letters(sqs: Any, start: Start) -> None:
    dead = sqs.create_queue("dead")
    policy = json.dumps({"deadLetterTargetArn": f"{ARN}dead", "maxReceiveCount": 2})
    sqs.create_queue("work", VisibilityTimeout=1, RedrivePolicy=policy)
    host = start()
    host.throttled = lambda _: True
    sqs.send_message("work", "a")
    until(lambda: dead._messages)
    assert not host.events


def _receives(event: Event) -> int:
    return int(event["Records"][0]["attributes"]["ApproximateReceiveCount"])


def test_a_delayed_message_comes_when_it_is_due(sqs: Any, start: Start) -> None:
    sqs.create_queue("work")
    host = start()
    sqs.send_message("work", "later", delay_seconds=1)
    sqs.send_message("work", "now")
    until(lambda: len(host.bodies()) == 2)
    assert host.bodies() == ["now", "later"]
    (record,) = host.events[1]["Records"]
    attributes = record["attributes"]
    received = int(attributes["ApproximateFirstReceiveTimestamp"])
    assert received - int(attributes["SentTimestamp"]) >= 1000


def test_batches_run_side_by_side_up_to_the_limit(sqs: Any, start: Start) -> None:
    sqs.create_queue("work")
    both = threading.Barrier(2)
    running: list[int] = []

    def answer(_: Event) -> None:
        running.append(1)
        both.wait(10)

    start(answer, batch_size=1, max_concurrency=2)
    for number in range(4):
        sqs.send_message("work", str(number))
    until(lambda: len(running) == 4)
    assert not both.broken


def test_events_of_a_rule_reach_the_function(sqs: Any, start: Start) -> None:
    from moto.events.models import events_backends

    sqs.create_queue("work")
    events = events_backends[ACCOUNT][REGION]
    events.put_rule("jobs", event_pattern=json.dumps({"source": ["aws.batch"]}))
    events.put_targets("jobs", None, [{"Id": "1", "Arn": f"{ARN}work"}])
    host = start()
    put_event(ACCOUNT, REGION, source="aws.batch", detail_type="x", resources=[], detail={"a": 1})
    (body,) = until(host.bodies)
    assert json.loads(body)["detail"] == {"a": 1}
    events.remove_targets("jobs", None, ["1"])
    events.delete_rule("jobs", None)


def test_a_stopped_poller_reads_no_more(sqs: Any) -> None:
    queue = sqs.create_queue("work")
    host = FakeHost(good)
    pollers = QueuePollers([EventSource(f"{ARN}work", "worker")], host)
    pollers.start()
    pollers.stop()
    sqs.send_message("work", "a")
    assert not host.events
    assert queue.messages
    assert not any(thread.name == "queue work" for thread in threading.enumerate())


def test_a_host_that_stopped_ends_the_pollers(sqs: Any, start: Start) -> None:
    queue = sqs.create_queue("work")

    def answer(_: Event) -> Any:
        raise HostStopped

    start(answer, max_concurrency=1)
    sqs.send_message("work", "a")
    until(lambda: not any(thread.name == "queue work" for thread in threading.enumerate()))
    assert len(queue._messages) == 1


@pytest.fixture
def stock_queues() -> Iterator[None]:
    """Take the locks away for a while."""
    patched = [
        (SQSBackend, "receive_message"),
        (SQSBackend, "change_message_visibility"),
        (Queue, "delete_message"),
    ]
    lock_queues()
    kept = [(owner, name, getattr(owner, name)) for owner, name in patched]
    for owner, name, method in kept:
        setattr(owner, name, method.__wrapped__)
    yield
    for owner, name, method in kept:
        setattr(owner, name, method)


def wake_up_on_visibility(sqs: Any) -> list[bool]:
    """Make a message visible that another thread waits for, and tell whether that one woke."""
    queue = sqs.create_queue("woken")
    sqs.send_message("woken", "a")
    (message,) = sqs.receive_message("woken", 1, 0, 1000)
    woken: list[bool] = []
    ready = threading.Event()

    def wait() -> None:
        with queue._messages_lock:
            ready.set()
            woken.append(queue._messages_lock.wait(0.3))

    waiter = threading.Thread(target=wait)
    waiter.start()
    ready.wait()
    sqs.change_message_visibility("woken", message.receipt_handle, 0)
    waiter.join()
    return woken


@pytest.mark.usefixtures("stock_queues")
def test_stock_moto_wakes_nobody_when_a_message_is_visible_again(sqs: Any) -> None:
    """Fails once moto notifies of it: `wakes` may then go from `lock_queues`."""
    assert wake_up_on_visibility(sqs) == [False]


def test_who_waits_is_woken_when_a_message_is_visible_again(sqs: Any) -> None:
    lock_queues()
    assert wake_up_on_visibility(sqs) == [True]


def receive_in_a_gap(sqs: Any, monkeypatch: pytest.MonkeyPatch) -> int:
    """Have two receivers look at one message before either has taken it."""
    from moto.sqs.models import Message

    sqs.create_queue("shared", VisibilityTimeout=1000)
    sqs.send_message("shared", "one")
    both_looked = threading.Barrier(2)
    mark_received = Message.mark_received

    def mark_slowly(message: Any, visibility_timeout: int | None = None) -> None:
        try:
            both_looked.wait(0.2)
        except threading.BrokenBarrierError:
            both_looked.reset()
        mark_received(message, visibility_timeout)

    monkeypatch.setattr(Message, "mark_received", mark_slowly)
    with ThreadPoolExecutor() as pool:
        takes = [pool.submit(sqs.receive_message, "shared", 1, 0, 1000) for _ in range(2)]
        return sum(len(take.result()) for take in takes)


@pytest.mark.usefixtures("stock_queues")
def test_stock_moto_gives_one_message_to_two(sqs: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails once moto receives under a lock: `lock_queues` may then go."""
    assert receive_in_a_gap(sqs, monkeypatch) == 2


def test_one_message_goes_to_one_receiver(sqs: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    lock_queues()
    assert receive_in_a_gap(sqs, monkeypatch) == 1


def test_a_thousand_messages_are_each_worked_on_once(sqs: Any, start: Start) -> None:
    sqs.create_queue("work")
    host = start(max_concurrency=4)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: sqs.send_message("work", str(n)), range(1000)))
    until(lambda: not sqs.queues["work"]._messages)
    assert sorted(map(int, host.bodies())) == list(range(1000))
