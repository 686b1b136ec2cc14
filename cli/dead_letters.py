"""Dead-letter queues of a stack: what is in them, and the way back to where it came from.

A message is sent to its queue again, and only then deleted: a crash in between leaves it in both,
and every message may safely come twice. SQS' own StartMessageMoveTask does the same for
queues that have a source queue, but not for what EventBridge could not deliver; so there is one
way for all, which says what became of each message.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

_HIDDEN_SECONDS = 120
"""How long a message that is being moved is seen by nobody else."""
_LOOK_SECONDS = 30
_BATCH = 10
_SHOWN_BODY = 80


@dataclass(frozen=True)
class Letter:
    """A message that nobody could handle."""

    id: str
    receipt: str
    body: str
    attributes: Mapping[str, Any]
    first_sent_ms: int

    @property
    def error(self) -> str:
        """Why it was not delivered, where EventBridge says it; a function's error is in its log."""
        said = (self.attributes.get(name, {}).get("StringValue", "") for name in _ERRORS)
        return ": ".join(text for text in said if text)

    @property
    def about(self) -> str:
        """The sample, file, job or execution that it speaks of."""
        return about(self.body)


@dataclass(frozen=True)
class DeadLetterQueue:
    """A queue whose messages only a person looks at."""

    name: str
    url: str
    waiting: int
    source: str
    """The queue that its messages come from, by name; "" where each message tells it itself."""


class DeadLetters:
    """The dead-letter queues among a stack's queues (logical name to URL)."""

    def __init__(self, client: Any, queues: Mapping[str, str]) -> None:
        self._client = client
        self._urls = queues

    def queues(self) -> list[DeadLetterQueue]:
        """Every queue that has no dead-letter queue of its own, in the stack's order."""
        facts = {name: self._attributes(url) for name, url in self._urls.items()}
        sources = {_target(found): name for name, found in facts.items() if _target(found)}
        return [
            DeadLetterQueue(
                name=name,
                url=self._urls[name],
                waiting=int(found["ApproximateNumberOfMessages"])
                + int(found["ApproximateNumberOfMessagesNotVisible"]),
                source=sources.get(found["QueueArn"], ""),
            )
            for name, found in facts.items()
            if not _target(found)
        ]

    def look(self, queue: DeadLetterQueue, limit: int) -> list[Letter]:
        """Some messages, which stay where they are."""
        seen: dict[str, Letter] = {}
        for letter in self._receive(queue, _LOOK_SECONDS):
            seen.setdefault(letter.id, letter)
            if len(seen) >= limit:
                break
        self._show_again(queue, seen.values())
        return list(seen.values())

    def move_back(self, queue: DeadLetterQueue) -> tuple[int, int]:
        """Sends every message to its queue again; answers how many went, and how many can't."""
        moved, stuck = 0, []
        for letter in self._receive(queue, _HIDDEN_SECONDS):
            target = self._urls.get(queue.source) or self._target_of(letter)
            if not target:
                stuck.append(letter)
                continue
            self._client.send_message(
                QueueUrl=target, MessageBody=letter.body, **_kept(letter.attributes)
            )
            self._client.delete_message(QueueUrl=queue.url, ReceiptHandle=letter.receipt)
            moved += 1
        self._show_again(queue, stuck)
        return moved, len({letter.id for letter in stuck})

    def _target_of(self, letter: Letter) -> str:
        """Where EventBridge wanted to deliver: only to a queue of this very stack."""
        arn = letter.attributes.get("TARGET_ARN", {}).get("StringValue", "")
        name = arn.rpartition(":")[2]
        by_name = {url.rpartition("/")[2]: url for url in self._urls.values()}
        return by_name.get(name, "") if ":sqs:" in arn else ""

    def _receive(self, queue: DeadLetterQueue, hidden_seconds: int) -> Iterator[Letter]:
        """Yields messages until none is seen; a long poll asks all of SQS' servers."""
        while True:
            answer = self._client.receive_message(
                QueueUrl=queue.url, MaxNumberOfMessages=_BATCH, WaitTimeSeconds=1,
                VisibilityTimeout=hidden_seconds, MessageAttributeNames=["All"],
                MessageSystemAttributeNames=["SentTimestamp"],
            )  # fmt: skip
            if not answer.get("Messages"):
                return
            for message in answer["Messages"]:
                yield Letter(
                    id=message["MessageId"],
                    receipt=message["ReceiptHandle"],
                    body=message["Body"],
                    attributes=message.get("MessageAttributes", {}),
                    first_sent_ms=int(message.get("Attributes", {}).get("SentTimestamp", 0)),
                )

    def _show_again(self, queue: DeadLetterQueue, letters: Iterable[Letter]) -> None:
        for letter in letters:
            self._client.change_message_visibility(
                QueueUrl=queue.url, ReceiptHandle=letter.receipt, VisibilityTimeout=0
            )

    def _attributes(self, url: str) -> dict[str, str]:
        found: dict[str, str] = self._client.get_queue_attributes(
            QueueUrl=url, AttributeNames=["All"]
        )["Attributes"]
        return found


def about(body: str) -> str:
    """What a message is about, in a few words; the message itself where nobody knows its kind."""
    try:
        message = msgspec.json.decode(body, type=_Message)
    except (msgspec.DecodeError, msgspec.ValidationError):
        return body if len(body) <= _SHOWN_BODY else body[: _SHOWN_BODY - 1] + "…"
    detail = message.detail
    if message.sample:
        return f"{message.sample} ({message.assay})"
    if detail.object.key:
        return f"s3://{detail.bucket.name}/{detail.object.key}"
    what = f"job {detail.job}" if detail.job else f"execution {detail.name}"
    return f"{what} {detail.status}".rstrip() if detail.job or detail.name else body[:_SHOWN_BODY]


class _Bucket(msgspec.Struct, frozen=True):
    name: str = ""


class _Object(msgspec.Struct, frozen=True):
    key: str = ""


class _Detail(msgspec.Struct, frozen=True):
    """What S3, Batch and Step Functions say of themselves."""

    bucket: _Bucket = _Bucket()
    object: _Object = _Object()
    job: str = msgspec.field(name="jobName", default="")
    name: str = ""
    status: str = ""


class _Message(msgspec.Struct, frozen=True):
    sample: str = ""
    assay: str = ""
    detail: _Detail = _Detail()


_ERRORS = ("ERROR_CODE", "ERROR_MESSAGE")
_OF_EVENTBRIDGE = {
    "RULE_ARN", "TARGET_ARN", "RETRY_ATTEMPTS", "EXHAUSTED_RETRY_CONDITION", *_ERRORS,
}  # fmt: skip


def _kept(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """The sender's own attributes, without what EventBridge told of its failure."""
    kept = {name: value for name, value in attributes.items() if name not in _OF_EVENTBRIDGE}
    return {"MessageAttributes": kept} if kept else {}


def _target(attributes: Mapping[str, str]) -> str:
    policy = attributes.get("RedrivePolicy")
    return str(msgspec.json.decode(policy)["deadLetterTargetArn"]) if policy else ""
