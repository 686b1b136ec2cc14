"""What the tests of ingest share: end states looked at when nothing moves any more."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from seqdrop.aws.catalog.layout import read_sample
from seqdrop.aws.queues import UploadsQueue
from seqdrop.composition import now
from seqdrop.domain.naming import unplaced_sample
from seqdrop.domain.records import RunOptions
from seqdrop.sample_view import view_sample
from tests.lab import Lab

_ASSAYS = """
default: quick
assays:
  quick: {pipeline: quick, reference: tiny, complete: {rule: pairs, quiet_seconds: 1}}
  patient: {pipeline: quick, reference: tiny, complete: {rule: pairs, quiet_seconds: 4}}
  listed: {pipeline: quick, reference: tiny, complete: {rule: manifest}}
"""
_ONE_STAGE = """
name: quick
description: counts the reads, and says that variants were found
stages:
  count:
    queue: cpu
    reads: stream
    reference: [sequence]
    size: {vcpus: 1, memory_mib: {base: 100}, seconds: {base: 1}}
    steps:
      - for_each: read_pair
        pipe: [[counttool, "{tmp}/{pair.id}", "{pair.r1}", "{pair.r2}"]]
      - pipe:
          - [sumtool, count, "{out}/flagstat.json",
             {for_each: read_pair, args: ["{tmp}/{pair.id}"]}]
      - pipe: [[cp, "{out}/flagstat.json", "{out}/variants.vcf.gz"]]
    measures: {flagstat.json: flagstat}
    outputs: [{name: flagstat.json}, {name: variants.vcf.gz}]
"""
PIPELINES = {"assays.yaml": _ASSAYS, "quick.yaml": _ONE_STAGE}
"""One stage, and assays that differ in when a sample is complete."""
VISIBILITY_SECONDS = 180
"""The template's own: how long a message that a function has failed at is not tried again."""
_QUEUES = ("uploads", "job-events", "execution-ends")
_COUNTS = [
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
]


def wait_until_quiet(lab: Lab, seconds: float = 240.0) -> None:
    """Waits until no message and no execution is left, and looks twice to be sure.

    Between the two looks a message may become an execution, or an execution's end a message.
    """

    def is_quiet() -> bool:
        return not any(messages(lab) or running_executions(lab) for _ in range(2))

    lab.wait_until(is_quiet, seconds, lambda: f"{messages(lab)}, {running_executions(lab)}")


@contextmanager
def tried_again_after(lab: Lab, seconds: int) -> Iterator[None]:
    """Messages that a function fails at within the block come again so soon."""
    _set_visibility(lab, seconds)
    try:
        yield
    finally:
        _set_visibility(lab, VISIBILITY_SECONDS)


def _set_visibility(lab: Lab, seconds: int) -> None:
    sqs = lab.client("sqs")
    for name in _QUEUES:
        url = sqs.get_queue_url(QueueName=f"seqdrop-{name}")["QueueUrl"]
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": str(seconds)})


def messages(lab: Lab) -> dict[str, int]:
    """How many messages each queue has that has any, dead-letter queues included.

    What asks for copies of logs waits a minute in the queue of job events, and changes nothing.
    """
    sqs, found = lab.client("sqs"), {}
    for url in sqs.list_queues().get("QueueUrls", []):
        counts = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=_COUNTS)["Attributes"]
        name = url.rsplit("/", 1)[-1]
        if lab.runtime.outputs["JobEventsQueueUrl"].endswith(f"/{name}"):
            counts.pop("ApproximateNumberOfMessagesDelayed")
        found[name] = sum(int(count) for count in counts.values())
    return {name: count for name, count in found.items() if count}


def running_executions(lab: Lab) -> list[str]:
    """The names of the executions that run."""
    machine = lab.runtime.outputs["AnalyseSampleStateMachine"]
    answer = lab.client("stepfunctions").list_executions(
        stateMachineArn=machine, statusFilter="RUNNING"
    )
    return [execution["name"] for execution in answer["executions"]]


def assert_nothing_is_left(lab: Lab) -> None:
    """No message in any queue or dead-letter queue, no execution, no job."""
    wait_until_quiet(lab)
    lab.wait_until(lambda: not lab.live_batch_jobs())
    names = lab.client("sqs").list_queues()["QueueUrls"]
    assert len([name for name in names if "DeadLetters" in name or "Undelivered" in name]) == 5


def document(lab: Lab, sample: str, assay: str) -> dict[str, Any]:
    """The analysis as ``seqdrop show --json`` prints it."""
    found = read_sample(lab.catalog.analyses.partition(sample))
    (analysis,) = view_sample(sample, found, assay).analyses
    document: dict[str, Any] = json.loads(msgspec.json.encode(analysis))
    return document


def unplaced(lab: Lab, key: str) -> str:
    """The id under which an upload that fits no sample is held."""
    return unplaced_sample(lab.uploads, key)


def published(lab: Lab, sample: str) -> list[str]:
    """What the results bucket has of a sample, but for plans, words on failures, and logs."""
    answer = lab.client("s3").list_objects_v2(Bucket=lab.results, Prefix=f"{sample}/")
    keys = [item["Key"] for item in answer.get("Contents", [])]
    return [key for key in keys if not key.endswith(("/plan.json", ".failure.json", ".log"))]


def assert_held(lab: Lab, sample: str, assay: str, *words: str) -> dict[str, Any]:
    """The analysis is held for a reason that has all words; it published nothing."""
    wait_until_quiet(lab)
    shown = document(lab, sample, assay)
    assert shown["status"] == "HELD", shown
    found = lab.analysis(sample, assay)
    assert found is not None
    assert found.why == shown["why"]  # lists of samples show this one
    for word in words:
        assert word in shown["why"], shown["why"]
    assert_no_variants(lab, sample, assay)
    return shown


def assert_waits(lab: Lab, sample: str, assay: str, *words: str) -> dict[str, Any]:
    """The analysis waits for what the words name; nothing of it has run."""
    wait_until_quiet(lab)
    shown = document(lab, sample, assay)
    assert shown["status"] == "RECEIVING", shown
    for word in words:
        assert word in shown["why"], shown["why"]
    assert shown["runs"] == []
    assert_no_variants(lab, sample, assay)
    return shown


def assert_no_variants(lab: Lab, sample: str, assay: str) -> None:
    """No run of the analysis was promoted, and no result of its can be found."""
    assert "Traceback" not in lab.describe(sample)
    assert document(lab, sample, assay)["current_run"] is None
    assert published(lab, sample) == []


def assert_analysed(lab: Lab, sample: str, assay: str, runs: int = 1) -> dict[str, Any]:
    """The analysis has come to its results, in so many runs, all good."""
    wait_until_quiet(lab)
    shown = document(lab, sample, assay)
    assert shown["status"] == "ANALYSED", lab.describe(sample)
    assert [run["status"] for run in shown["runs"]] == ["SUCCEEDED"] * runs
    assert shown["missing"] == []
    assert shown["holds"] == {}
    return shown


def assert_absent(lab: Lab, sample: str) -> None:
    """The catalog has no analysis of a sample."""
    wait_until_quiet(lab)
    items = lab.catalog.analyses.partition(sample)
    assert not [item for item in items if str(item["sk"]).startswith("ANALYSIS#")]


def rerun(lab: Lab, sample: str, assay: str) -> None:
    """What ``seqdrop rerun`` does."""
    analysis = lab.analysis(sample, assay)
    assert analysis is not None
    lab.catalog.analyses.release(analysis, "test", RunOptions(), now())
    UploadsQueue(lab.client("sqs"), lab.runtime.outputs["UploadsQueueUrl"]).recheck(analysis.id)


@contextmanager
def events_kept_back(lab: Lab) -> Iterator[list[str]]:
    """Upload events gather in the list when the block ends, and the functions see none of them."""
    events, sqs = lab.client("events"), lab.client("sqs")
    rule = next(r["Name"] for r in events.list_rules()["Rules"] if "UploadsRule" in r["Name"])
    target = events.list_targets_by_rule(Rule=rule)["Targets"][0]
    url = sqs.create_queue(QueueName="kept-back")["QueueUrl"]
    arn = target["Arn"].rsplit(":", 1)[0] + ":kept-back"
    events.put_targets(Rule=rule, Targets=[{**target, "Arn": arn}])
    kept: list[str] = []
    try:
        yield kept
    finally:
        events.put_targets(Rule=rule, Targets=[target])
        while found := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            kept += [message["Body"] for message in found]
        kept.sort(key=lambda body: str(json.loads(body)["detail"]["object"]["sequencer"]))
        sqs.delete_queue(QueueUrl=url)


def deliver(lab: Lab, bodies: list[str]) -> None:
    """Sends upload events to the queue that the functions read, in this order."""
    url = lab.runtime.outputs["UploadsQueueUrl"]
    for body in bodies:
        lab.client("sqs").send_message(QueueUrl=url, MessageBody=body)
