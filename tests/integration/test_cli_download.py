"""Results fetched from a bucket: whole and right, or not there."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ReadTimeoutError
from moto import mock_aws

from cli.download import download_all
from cli.faults import CommandFailed
from seqdrop.sample_view import ResultView

MIB = 1 << 20
SIZE = 20 * MIB + 7


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client = boto3.client(
            "s3", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b",
            config=Config(retries={"total_max_attempts": 1}),
        )  # fmt: skip
        client.create_bucket(Bucket="results")
        yield client


def stored(s3: Any, name: str, body: bytes, stage: str = "align") -> ResultView:
    """A file of a run, as the run's record has it."""
    s3.put_object(Bucket="results", Key=f"NA1/{stage}/{name}", Body=body)
    uri = f"s3://results/NA1/{stage}/{name}"
    return ResultView(stage, name, uri, len(body), hashlib.sha256(body).hexdigest())


def body_of(size: int) -> bytes:
    """Bytes that no two places share, so that a part in the wrong place shows."""
    return b"".join(hashlib.sha256(b"%d" % n).digest() for n in range(-(-size // 32)))[:size]


class Broken:
    """A body that ends with an error after half of a mebibyte."""

    def __init__(self, body: Any) -> None:
        self._body = body
        self._left = MIB // 2

    def read(self, size: int = -1) -> bytes:
        if self._left <= 0:
            raise ReadTimeoutError(endpoint_url="https://results.s3.amazonaws.com")
        data: bytes = self._body.read(min(size, self._left) if size >= 0 else self._left)
        self._left -= len(data)
        return data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._body, name)


def breaking(s3: Any, times: int) -> list[str]:
    """So many answers break off in the middle; returns a list that fills with all answers."""
    asked: list[str] = []

    def answered(parsed: dict[str, Any], **_: Any) -> None:
        asked.append(parsed.get("ContentRange", ""))
        if len(asked) <= times:
            parsed["Body"] = Broken(parsed["Body"])

    s3.meta.events.register("after-call.s3.GetObject", answered)
    return asked


def test_files_large_and_empty_come_whole_under_the_runs_prefix(s3: Any, tmp_path: Path) -> None:
    large = body_of(SIZE)
    files = [stored(s3, "alignment.bam", large), stored(s3, "lanes/empty.bed", b"")]
    fetched = download_all(s3, files, tmp_path, "NA1.wgs.abc", quiet=True)
    assert {path.name for path in tmp_path.iterdir()} == {
        "NA1.wgs.abc.alignment.bam", "NA1.wgs.abc.lanes_empty.bed",
    }  # fmt: skip
    assert (tmp_path / "NA1.wgs.abc.alignment.bam").read_bytes() == large
    assert fetched[0].path == str(tmp_path / "NA1.wgs.abc.alignment.bam")


def test_two_stages_files_of_one_name_are_two_files(s3: Any, tmp_path: Path) -> None:
    files = [stored(s3, "log.txt", b"one"), stored(s3, "log.txt", b"two", stage="call")]
    download_all(s3, files, tmp_path, "p", quiet=True)
    assert (tmp_path / "p.align.log.txt").read_bytes() == b"one"
    assert (tmp_path / "p.call.log.txt").read_bytes() == b"two"


def test_a_connection_that_breaks_is_taken_up_again(s3: Any, tmp_path: Path) -> None:
    large = body_of(SIZE)
    files = [stored(s3, "alignment.bam", large)]
    asked = breaking(s3, 2)
    download_all(s3, files, tmp_path, "p", quiet=True)
    assert len(asked) > len(set(asked)) > 1
    assert (tmp_path / "p.alignment.bam").read_bytes() == large


def test_of_connections_that_always_break_the_cause_is_told_and_nothing_kept(
    s3: Any, tmp_path: Path
) -> None:
    files = [stored(s3, "alignment.bam", body_of(SIZE))]
    breaking(s3, 1_000)
    with pytest.raises(ReadTimeoutError):
        download_all(s3, files, tmp_path, "p", quiet=True)
    assert list(tmp_path.iterdir()) == []


def test_other_bytes_than_the_record_says_are_not_kept_and_no_older_file_is_lost(
    s3: Any, tmp_path: Path
) -> None:
    good, bad, later = (stored(s3, name, name.encode()) for name in ("a", "b", "c"))
    s3.put_object(Bucket="results", Key="NA1/align/b", Body=b"B")
    (tmp_path / "p.b").write_bytes(b"from before")
    with pytest.raises(CommandFailed, match=r"^s3://results/NA1/align/b has the SHA-256 "):
        download_all(s3, [good, bad, later], tmp_path, "p", quiet=True)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        "p.a": b"a", "p.b": b"from before",
    }  # fmt: skip


def test_a_file_that_is_gone_is_told_by_s3_and_the_others_are_not_left_half(
    s3: Any, tmp_path: Path
) -> None:
    gone, other = stored(s3, "gone", b"x"), stored(s3, "alignment.bam", body_of(SIZE))
    s3.delete_object(Bucket="results", Key="NA1/align/gone")
    with pytest.raises(s3.exceptions.ClientError, match="404"):
        download_all(s3, [gone, other], tmp_path, "p", quiet=True)
    assert list(tmp_path.iterdir()) == []
