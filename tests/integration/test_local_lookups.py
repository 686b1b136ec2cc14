"""What moto works out again and again: stock moto's fault, and that ours says the same.

The tests named `test_stock_…` fail once moto no longer has the fault; the patch can then go.
"""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from moto.core import responses
from moto.sqs import models
from moto.sqs.models import Queue, sqs_backends
from moto.sqs.responses import SQSResponse

from local import lookups

ACCOUNT, REGION = "123456789012", "us-east-1"


@pytest.fixture
def sqs() -> Iterator[Any]:
    """Queues."""
    backend = sqs_backends[ACCOUNT][REGION]
    yield backend
    backend.reset()


@pytest.fixture
def patches() -> Iterator[None]:
    """Ours, for one test."""
    lookups.install()
    yield
    lookups.uninstall()


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Each time that a queue's messages are counted."""
    seen: list[str] = []
    attributes = Queue.attributes.fget

    def counted(queue: Any) -> Any:
        seen.append(queue.name)
        return attributes(queue)

    monkeypatch.setattr(Queue, "attributes", property(counted))
    return seen


def receive_three(sqs: Any, counts: list[str]) -> int:
    """How many of three messages are received; what is counted while they are sent is left out."""
    sqs.create_queue("q")
    for body in "abc":
        sqs.send_message("q", body)
    counts.clear()
    return len(sqs.receive_message("q", 10, 0, 100))


def test_stock_moto_counts_all_messages_thrice_for_each_that_it_gives(
    sqs: Any, counts: list[str]
) -> None:
    assert receive_three(sqs, counts) == 3
    assert len(counts) == 9


def test_a_queue_counts_no_messages_to_give_some(
    sqs: Any, counts: list[str], patches: None
) -> None:
    assert receive_three(sqs, counts) == 3
    assert counts == []


@pytest.mark.parametrize(("age_seconds", "given"), [(50, 1), (70, 0)])
def test_a_message_older_than_its_queue_keeps_them_is_not_given(
    sqs: Any, patches: None, age_seconds: int, given: int
) -> None:
    queue = sqs.create_queue("q", MessageRetentionPeriod="60")
    sqs.send_message("q", "old")
    queue._messages[0].sent_timestamp -= age_seconds * 1000
    assert len(sqs.receive_message("q", 10, 0, 100)) == given


def test_the_time_is_the_same_in_milliseconds() -> None:
    stock = models.unix_time_millis
    before, ours, after = stock(), lookups.milliseconds(), stock()
    assert before - 1 <= ours <= after + 1
    moment = datetime.now(UTC).replace(tzinfo=None) + timedelta(days=1)
    assert lookups.milliseconds(moment) == stock(moment)
    assert ours == pytest.approx(time.time() * 1000, abs=1000)


def test_stock_moto_lists_a_service_s_methods_for_each_request() -> None:
    stock = responses.method_names_from_class
    assert stock(SQSResponse) is not stock(SQSResponse)


def test_a_service_s_methods_are_listed_once(patches: None) -> None:
    listed = responses.method_names_from_class(SQSResponse)
    assert "send_message" in listed
    assert responses.method_names_from_class(SQSResponse) is listed
