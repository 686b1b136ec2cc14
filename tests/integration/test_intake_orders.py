"""The orders of ``tests/unit/test_intake_orders.py`` through the real handlers and the catalog."""

import gzip
import inspect
import itertools
import json
import pkgutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from seqdrop.aws import catalog
from seqdrop.aws.catalog import table
from seqdrop.aws.catalog.layout import read_analysis
from seqdrop.aws.catalog.table import Table, _item, from_item
from seqdrop.aws.queues import Recheck
from seqdrop.domain.blueprint import decode_blueprint
from seqdrop.domain.expectation import Expectation
from seqdrop.domain.identity import AnalysisId, FileIdentity, RunId
from seqdrop.domain.records import AnalysisStatus, RunStatus
from tests import cloud_support
from tests.cloud_support import ASSAYS, TABLE, UPLOADS, Cloud, client_of, open_cloud
from tests.intake_player import OPERATIONS, Player
from tests.intake_world import Content, Event, Reads, Version, check_outcome

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")
_MORE_ASSAYS = "".join(
    f"  {name}: {{pipeline: quick, reference: tiny, complete: {{rule: pairs, quiet_seconds: 0}}}}\n"
    for name in ("run", "wes")
)


class CloudBucket:
    """The bucket of uploads, and what was put there in which version."""

    def __init__(self) -> None:
        self.versions: dict[str, list[Version]] = {}
        self.by_id: dict[str, Reads] = {}
        self._count = 0

    def put(self, key: str, content: Reads | bytes | None) -> Event:
        """A new version, or a delete marker."""
        s3 = client_of("s3")
        self._count += 1
        if content is None:
            answer = s3.delete_object(Bucket=UPLOADS, Key=key)
        else:
            body = content if isinstance(content, bytes) else _fastq(content)
            answer = s3.put_object(Bucket=UPLOADS, Key=key, Body=body)
        version = Version(answer["VersionId"], f"{self._count:X}", content)
        if isinstance(content, Reads):
            self.by_id[version.id] = content
        self.versions.setdefault(key, []).append(version)
        return Event(key, version, f"2026-11-28T10:{self._count // 60:02d}:{self._count % 60:02d}Z")

    def now(self, key: str) -> Version | None:
        """The version that counts."""
        versions = self.versions.get(key)
        return versions[-1] if versions and versions[-1].content is not None else None


def _fastq(reads: Reads) -> bytes:
    """One read whose name tells flowcell, lane and mate; ``tag`` makes other bytes of it."""
    if reads.fault:
        return b"cut in transfer"
    quality = "F" * 8 if reads.tag == "a" else f"{reads.tag}FFFFFFF"
    name = f"@M1:1:{reads.flowcell}:{reads.lane}:1101:1000:2000 {reads.read[1]}:N:0:ACGTACGT"
    return gzip.compress(f"{name}\nACGTACGT\n+\n{quality}\n".encode(), mtime=0)


class CloudWorld:
    """As ``World``, over the handlers."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self.bucket = CloudBucket()
        self.queue: list[str] = []
        self.starts: list[tuple[AnalysisId, Content]] = []
        self._ended: set[str] = set()
        self._told: set[str] = set()
        self.catalog = SimpleNamespace(before_write=lambda: None)
        nothing = msgspec.json.encode(Recheck("nobody", "wgs")).decode()
        assert cloud.deliver("register_upload", nothing) == []  # so the handler is loaded
        self._register: Callable[[str], None] = cloud._handlers["register_upload"].register

    def deliver(self, event: Event) -> None:
        """An event of S3 comes."""
        deleted = event.version.content is None
        told = cloud_support._event("object_deleted" if deleted else "object_created")
        stored = {
            "key": event.key,
            "version-id": event.version.id,
            "sequencer": event.version.sequencer,
            "etag": "none",
        }
        told["time"] = event.time
        told["detail"] |= {"bucket": {"name": UPLOADS}, "object": stored}
        self.handle(json.dumps(told))

    def handle(self, message: str) -> None:
        """A message of the queue comes."""
        try:
            self._register(message)
        finally:
            self._look_around()

    def _look_around(self) -> None:
        """Takes what was sent, and notes what was started."""
        sqs = client_of("sqs")
        while found := sqs.receive_message(
            QueueUrl=self._cloud.queue_url, MaxNumberOfMessages=10
        ).get("Messages"):
            for message in found:
                self.queue.append(message["Body"])
                sqs.delete_message(
                    QueueUrl=self._cloud.queue_url, ReceiptHandle=message["ReceiptHandle"]
                )
        for name, run in self._cloud.executions.started.items():
            if name not in self._told:
                self._told.add(name)
                self.starts.append((run.analysis, self._content(run)))

    def _content(self, run: RunId) -> Content:
        record = self._cloud.catalog.runs.get(run)
        assert record is not None
        pairs = decode_blueprint(self._cloud.catalog.runs.blueprint(record)).pairs
        files = [file for pair in pairs for file in pair.files]
        reads = [self.bucket.by_id[file.version_id] for file in files]
        return frozenset(
            (FileIdentity("-", r.flowcell, r.lane, r.read, "001"), r.etag) for r in reads
        )

    @property
    def running(self) -> dict[AnalysisId, RunId]:
        """Runs that were started and go on."""
        started = self._cloud.executions.started
        return {run.analysis: run for name, run in started.items() if name not in self._ended}

    def end(self, id_: AnalysisId) -> None:
        """The run of an analysis succeeds, unless it was stopped."""
        run = self.running[id_]
        self._ended.add(run.execution_name)
        if cause := self._cloud.executions.stopped.get(run.execution_name):
            self._cloud.flows.closing.end(run, "ABORTED", cause, "seqdrop")
            self.starts.remove((id_, self._content(run)))  # its files may come back
            return self._look_around()
        record = self._cloud.catalog.runs.get(run)
        assert record is not None
        good = msgspec.structs.replace(record, status=RunStatus.SUCCEEDED, qc="PASS")
        self._cloud.flows.closing._close(good, AnalysisStatus.ANALYSED, why="")
        return self._look_around()

    def settle(self) -> None:
        """All messages are handled, all runs end, until nothing is left to be done."""
        for _ in range(300):
            if self.queue:
                self.handle(self.queue.pop(0))
            elif self.running:
                self.end(min(self.running))
            else:
                return self._read()
        raise AssertionError("it never settles")

    def _read(self) -> None:
        """What the catalog holds in the end, as ``World`` has it."""
        items = [
            _item(item)
            for page in client_of("dynamodb").get_paginator("scan").paginate(TableName=TABLE)
            for item in page["Items"]
        ]
        analyses = [read_analysis(i) for i in items if str(i["sk"]).startswith("ANALYSIS#")]
        self.catalog.analyses = {one.id: one for one in analyses}
        self.catalog.expectations = {}
        for item in items:
            if str(item["sk"]).startswith("EXPECTED#"):
                said = from_item(item, Expectation)
                per = self.catalog.expectations.setdefault(said.object, {})
                per[said.manifest.object] = said
        self.current = {
            one.id: self._content(one.current_run) for one in analyses if one.current_run
        }


Expression = tuple[str, ...]
"""The function that writes, the kind of the item by its sort key, and each condition on it."""


@contextmanager
def open_player(folder: Path, seed: object, without: Expression | None = None) -> Iterator[Player]:
    """A player over handlers; others come before each write. One expression may be left out."""
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        at_once = ASSAYS.replace("quiet_seconds: 600", "quiet_seconds: 0")
        patch.setattr(cloud_support, "ASSAYS", at_once + _MORE_ASSAYS)
        cloud = stack.enter_context(open_cloud(folder, patch))
        world = CloudWorld(cloud)
        player = Player(seed, world, races=True)
        for name in ("transact", "put", "update"):
            patch.setattr(Table, name, _after(world, getattr(Table, name)))
        if without:
            for name in ("put_write", "update_write", "delete_write", "check_write"):
                patch.setattr(Table, name, _without(without, getattr(Table, name)))
        yield player


def _after(world: CloudWorld, write: Callable[..., Any]) -> Callable[..., Any]:
    def writing(*given: Any, **named: Any) -> Any:
        world.catalog.before_write()
        return write(*given, **named)

    return writing


_WRITERS = {f"seqdrop.aws.catalog.{one.name}" for one in pkgutil.iter_modules(catalog.__path__)}
_WRITERS -= {table.__name__}


def expression_of(where: Any, conditions: Sequence[Any]) -> Expression:
    """What tells the condition expression of a write, made somewhere above, from all others."""
    frame = inspect.currentframe()
    while frame and frame.f_globals["__name__"] not in _WRITERS:
        frame = frame.f_back
    assert frame is not None
    sk = where["sk"] if isinstance(where, dict) else where[1]
    said = [f"{name} {operator}" for name, operator, _ in conditions]
    return frame.f_code.co_qualname.partition(".<")[0], str(sk).partition("#")[0], *said


def _without(left_out: Expression, make: Callable[..., Any]) -> Callable[..., Any]:
    """A write that lacks its condition expression, if it is this one."""

    def making(self: Table, where: Any, *given: Any, **named: Any) -> Any:
        conditions = (*given, *named.get("conditions", ()))
        if expression_of(where, conditions) != left_out:
            return make(self, where, *given, **named)
        if make.__name__ == "check_write":  # which has nothing else
            return make(self, where, ("pk", "present", None))
        return make(self, where, **{**named, "conditions": ()} if "conditions" in named else {})

    return making


def ends_wrongly(
    folder: Path, operations: tuple[str, ...], seed: int, without: Expression | None = None
) -> bool:
    """Whether playing the operations, without one expression, ends otherwise than it should."""
    with open_player(folder, (operations, seed), without) as player:
        try:
            check_outcome(player.play(operations))
        except Exception:  # noqa: BLE001  # whatever goes wrong is noticed
            return True
    return False


TRIPLES = list(itertools.product(OPERATIONS, repeat=2))


@pytest.mark.parametrize("number", range(20))
def test_orders_end_as_the_facts_say(tmp_path: Path, number: int) -> None:
    for operations in TRIPLES[number :: len(TRIPLES) // 10]:
        played = ("R1", "R2", *operations)
        with open_player(tmp_path, (played, number)) as player:
            check_outcome(player.play(played))
