"""Parts of the runner on their own: streams that break, named pipes, placeholders, secrets."""

import errno
import io
import os
import shutil
import threading
from pathlib import Path
from queue import SimpleQueue
from typing import Any, NamedTuple, cast

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from botocore.response import StreamingBody
from hypothesis import given
from hypothesis import strategies as st

from runner import source
from runner.commands import Filler, MatePaths
from runner.faults import StageFault, machine_fault, redact
from runner.parallel import run_parallel
from runner.processes import Ended, ToolPipe
from runner.scratch import scratch
from runner.source import ObjectStream
from runner.streaming.fifo import FifoWriter
from runner.versions import _version
from seqdrop.domain.failure import FailureClass
from seqdrop.domain.pipeline import Args, Step
from seqdrop.domain.plan import ReadPair, StoredObject

CONTENT = bytes(range(256)) * 40


class FlakyStore:
    """Answers get_object; each answer breaks off after the next of the given lengths."""

    def __init__(self, breaks: list[int], etag: str = '"e"') -> None:
        self.breaks, self.etag = breaks, etag
        self.asked: list[dict[str, Any]] = []

    def get_object(self, **wanted: Any) -> dict[str, Any]:
        self.asked.append(wanted)
        start, end = 0, len(CONTENT)
        if "Range" in wanted:
            first, _, last = wanted["Range"].removeprefix("bytes=").partition("-")
            start, end = int(first), int(last) + 1
        if wanted.get("IfMatch", self.etag) != self.etag:
            raise client_error("PreconditionFailed", 412)
        sent = CONTENT[start:end]
        if self.breaks:
            sent = sent[: self.breaks.pop(0)]
        body = StreamingBody(Breaking(sent, end - start), end - start)
        return {"Body": body, "ContentLength": end - start, "ETag": self.etag}


class Breaking(io.BytesIO):
    """A connection that is lost before all was sent."""

    def __init__(self, sent: bytes, promised: int) -> None:
        super().__init__(sent)
        self._broken = len(sent) < promised

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        if not data and self._broken:
            raise ReadTimeoutError(endpoint_url="here")
        return data


def client_error(code: str, status: int) -> ClientError:
    answer: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "GetObject")


def stream_of(store: FlakyStore, **known: str) -> ObjectStream:
    stored = StoredObject("b", "k", len(CONTENT), **known)
    return ObjectStream(cast(Any, store), stored, threading.Event())


def read_all(stream: ObjectStream) -> bytes:
    return b"".join(iter(lambda: stream.read(1000), b""))


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "FIRST_WAIT_SECONDS", 0.0)


@given(st.lists(st.integers(0, 5000).map(lambda n: max(n, 1)), max_size=8))
def test_a_broken_stream_goes_on_at_the_byte_it_had_reached(breaks: list[int]) -> None:
    store = FlakyStore(list(breaks))
    assert read_all(stream_of(store)) == CONTENT
    assert "Range" not in store.asked[0]
    assert all("Range" in asked and asked["IfMatch"] == '"e"' for asked in store.asked[1:])


def test_a_stream_that_gives_no_byte_again_and_again_is_given_up() -> None:
    with pytest.raises(StageFault, match="failed 5 times") as caught:
        read_all(stream_of(FlakyStore([3000] + [0] * 9)))
    assert caught.value.failure_class is FailureClass.TRANSFER_FAILED


def test_an_object_that_was_replaced_in_mid_stream_is_not_mixed() -> None:
    store = FlakyStore([3000])
    stream = stream_of(store)
    stream.read(1000)
    store.etag = '"another"'
    with pytest.raises(StageFault, match="was replaced"):
        read_all(stream)


def test_an_etag_is_held_where_there_is_no_version() -> None:
    with pytest.raises(StageFault, match="was replaced"):
        read_all(stream_of(FlakyStore([]), checksum="etag:other"))
    store = FlakyStore([])
    assert read_all(stream_of(store, checksum="etag:other", version_id="v")) == CONTENT
    assert store.asked[0]["VersionId"] == "v"


class RefusingStore:
    """A store that answers every GET with one and the same error."""

    def __init__(self, code: str, message: str) -> None:
        self.answer: Any = {
            "Error": {"Code": code, "Message": message},
            "ResponseMetadata": {"HTTPStatusCode": 403},
        }

    def get_object(self, **_: Any) -> dict[str, Any]:
        raise ClientError(self.answer, "GetObject")


@pytest.mark.parametrize(
    ("code", "message", "gone", "expected", "said"),
    [
        (
            "InvalidObjectState",
            "",
            FailureClass.BAD_INPUT,
            FailureClass.BAD_INPUT,
            "restore-object",
        ),
        ("InvalidObjectState", "", FailureClass.BAD_PLAN, FailureClass.BAD_INPUT, "restore-object"),
        (
            "AccessDenied",
            "kms:Decrypt",
            FailureClass.BAD_INPUT,
            FailureClass.BAD_INPUT,
            "allow kms:Decrypt",
        ),
        ("AccessDenied", "", FailureClass.BAD_PLAN, FailureClass.BAD_PLAN, "the bucket's policy"),
        (
            "ExpiredToken",
            "",
            FailureClass.BAD_INPUT,
            FailureClass.TRANSFER_FAILED,
            "reading s3://b/k",
        ),
    ],
)
def test_an_object_that_can_not_be_read_is_not_tried_again_and_says_what_to_do(
    code: str, message: str, gone: FailureClass, expected: FailureClass, said: str
) -> None:
    stored = StoredObject("b", "k", 10)
    store = cast(Any, RefusingStore(code, message))
    stream = ObjectStream(store, stored, threading.Event(), gone=gone)
    with pytest.raises(StageFault, match=said) as caught:
        stream.read(10)
    assert caught.value.failure_class is expected


def test_a_pipe_that_is_never_opened_ends_with_the_tools(tmp_path: Path) -> None:
    ended = threading.Event()
    ended.set()
    os.mkfifo(tmp_path / "p")
    assert not FifoWriter(tmp_path / "p", ended).write(b"x")


def test_a_pipe_whose_reader_leaves_takes_no_more(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "p")
    writer = FifoWriter(tmp_path / "p", threading.Event())

    def read_a_little() -> None:
        with (tmp_path / "p").open("rb", buffering=0) as file:
            file.read(10)

    reader = threading.Thread(target=read_a_little)
    reader.start()
    assert not writer.write(bytes(2**23))
    writer.close()
    reader.join()


def test_a_pipe_that_is_held_open_but_not_read_ends_with_the_tools(tmp_path: Path) -> None:
    ended = threading.Event()
    os.mkfifo(tmp_path / "p")
    writer = FifoWriter(tmp_path / "p", ended)
    held = os.open(tmp_path / "p", os.O_RDONLY | os.O_NONBLOCK)
    threading.Timer(0.05, ended.set).start()
    assert not writer.write(bytes(2**23))
    writer.close()
    os.close(held)


def filler() -> Filler:
    stored = StoredObject("b", "k", 1)
    pairs = {
        lane: (
            ReadPair(lane, f"@RG\\tID:{lane}", stored, stored),
            MatePaths(Path(f"/j/t/{lane}_R1"), Path(f"/j/t/{lane}_R2")),
        )
        for lane in ("L.1", "L.2")
    }
    texts = {"tmp": "t", "sample": "{tmp}"}
    return Filler(Path("/j"), texts, {"sample": "no", "on": True, "t": "v"}, pairs)


def test_placeholders_are_filled_in_once_and_text_is_left_alone() -> None:
    step = Step(pipe=(("awk", "{print $1}{sample} {t}", "{ }{}"),), stdout="{tmp}/x")
    (pipe,) = filler().pipes(step)
    assert pipe.commands == [["awk", "{print $1}{tmp} v", "{ }{}"]]
    assert pipe.stdout == Path("/j/t/x")
    assert not pipe.pairs


def test_a_step_for_each_pair_runs_once_for_each() -> None:
    step = Step(pipe=(("a", "{pair.r1}", "{pair.read_group}"),), for_each="read_pair")
    first, second = filler().pipes(step)
    assert first.commands == [["a", "t/L.1_R1", "@RG\\tID:L.1"]]
    assert [pair.id for pair in second.pairs] == ["L.2"]


def test_arguments_come_when_they_apply_and_for_each_pair() -> None:
    args = (
        Args(args=("-x",), when="on"),
        Args(args=("-y",), when="off"),
        Args(args=("-i", "{pair.id}"), for_each="read_pair"),
    )
    (pipe,) = filler().pipes(Step(pipe=(("a", *args),)))
    assert pipe.commands == [["a", "-x", "-i", "L.1", "-i", "L.2"]]
    assert not list(filler().pipes(Step(pipe=(("a",),), when="off")))


@pytest.mark.parametrize("text", ["{nothing}", "{on}", "{pair.id}", "{pair.r1}", "{region.id}"])
def test_a_placeholder_that_means_nothing_is_the_plan_s_fault(text: str) -> None:
    with pytest.raises(StageFault) as caught:
        filler().path(text)
    assert caught.value.failure_class is FailureClass.BAD_PLAN


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("--lic-server https://a:b@h/x", "--lic-server ***"),
        ("--lic-credentials=/a/b.txt -x", "--lic-credentials=*** -x"),
        ("at https://user:p%40ss@host/x", "at https://***@host/x"),
        ("at https://host/a@b", "at https://host/a@b"),
    ],
)
def test_secrets_are_taken_out_of_text(text: str, redacted: str) -> None:
    assert redact(text) == redacted


def test_a_disk_that_is_full_is_the_host_s_fault() -> None:
    fault = machine_fault(OSError(errno.ENOSPC, "No space left on device"))
    assert fault.failure_class is FailureClass.DISK_FULL
    assert "the disk is full" in str(fault)


@pytest.mark.parametrize(("free", "expected"), [(1 << 20, "DiskFull"), (1 << 30, "ToolFailed")])
def test_a_tool_that_only_says_that_a_write_failed_is_the_host_s_fault_on_a_full_disk(
    free: int, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: SimpleQueue[Ended] = SimpleQueue()
    pipe = ToolPipe(ended.put)
    with scratch(tmp_path) as folders:
        pipe.start([["sh", "-c", "echo '[tmp_file] write failed' >&2; exit 1"]], None, folders)
        tool = ended.get(timeout=30).tool
        monkeypatch.setattr("runner.processes.shutil.disk_usage", lambda _: _Usage(free))
        fault = pipe.fault(tool)
    assert fault.failure_class == expected
    assert str(fault).startswith("the disk is full: ") is (expected == "DiskFull")
    assert "sh ended with exit code 1\n[tmp_file] write failed" in str(fault)


WORDS_OF_A_TASK = (
    "No space left on device", "std::bad_alloc", "paired reads have different names",
    "Cannot allocate memory",
)  # fmt: skip


@pytest.mark.parametrize("words", WORDS_OF_A_TASK)
def test_what_a_task_has_said_elsewhere_tells_nothing_of_the_head_job_s_host_or_of_the_reads(
    words: str, tmp_path: Path
) -> None:
    faults = {}
    for name in ("nextflow", "other"):
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\necho '{words}' >&2\nexit 1\n")
        program.chmod(0o755)
        ended: SimpleQueue[Ended] = SimpleQueue()
        pipe = ToolPipe(ended.put)
        with scratch(tmp_path / "s") as folders:
            pipe.start([[str(program)]], None, folders)
            faults[name] = pipe.fault(ended.get(timeout=30).tool)
    assert faults["nextflow"].failure_class is FailureClass.TOOL_FAILED
    assert words in str(faults["nextflow"])
    assert faults["other"].failure_class is not FailureClass.TOOL_FAILED


@pytest.mark.parametrize(("name", "is_failure"), [("nextflow", False), ("bcftools", True)])
def test_that_a_task_lost_its_output_is_not_that_nextflow_did(
    name: str, is_failure: bool, tmp_path: Path
) -> None:
    program = tmp_path / name
    program.write_text("#!/bin/sh\necho '[E::bgzf_close] file write failed' >&2\n")
    program.chmod(0o755)
    ended: SimpleQueue[Ended] = SimpleQueue()
    pipe = ToolPipe(ended.put)
    with scratch(tmp_path / "s") as folders:
        pipe.start([[str(program)]], None, folders)
        assert pipe.is_failure(ended.get(timeout=30).tool) is is_failure


def test_a_disk_that_the_runner_sees_full_is_so_whatever_nextflow_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "nextflow"
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o755)
    ended: SimpleQueue[Ended] = SimpleQueue()
    pipe = ToolPipe(ended.put)
    with scratch(tmp_path / "s") as folders:
        pipe.start([[str(program)]], None, folders)
        tool = ended.get(timeout=30).tool
        monkeypatch.setattr("runner.processes.shutil.disk_usage", lambda _: _Usage(1))
        assert pipe.fault(tool).failure_class is FailureClass.DISK_FULL


class _Usage(NamedTuple):
    free: int


def test_the_first_fault_of_parallel_tasks_stops_the_others() -> None:
    stop = threading.Event()

    def fail() -> bool:
        raise StageFault(FailureClass.HOST_FAILED, "first")

    with pytest.raises(StageFault, match="first"):
        run_parallel([fail, lambda: stop.wait(30)], 2, stop)
    assert stop.is_set()
    assert run_parallel([lambda: 1, lambda: 2], 2, threading.Event()) == [1, 2]


def test_a_version_is_the_first_line_or_the_line_that_says_so() -> None:
    assert _version("samtools 1.16\nmore\n") == "samtools 1.16"
    assert _version("\nProgram: bwa\nVersion: 0.7.17-r1188\n") == "0.7.17-r1188"
    assert _version("") == "unknown"


def test_what_no_disk_of_the_host_can_hold_is_told_before_anything_is_fetched(
    tmp_path: Path,
) -> None:
    whole = shutil.disk_usage(tmp_path).total // 2**20
    with scratch(tmp_path / "new", whole):
        pass
    with pytest.raises(StageFault) as told, scratch(tmp_path / "new", whole + 1):
        pytest.fail("it went on")
    assert told.value.failure_class is FailureClass.DISK_FULL
    assert f"take about {whole + 1:,} MiB of scratch" in str(told.value)
    assert "raise ScratchGib" in str(told.value)
    assert list((tmp_path / "new").iterdir()) == []
