"""Fetching results: several at once, each checked while it is written, and whole or not there."""

import glob
import hashlib
import os
import uuid
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from cli.faults import CommandFailed
from cli.progress import Progress
from cli.transfer import transfers

if TYPE_CHECKING:
    from s3transfer.futures import TransferFuture

    from seqdrop.domain.provenance import RunRecord
    from seqdrop.sample_view import ResultView

_INDEXES = {".tbi", ".csi", ".bai", ".crai", ".fai"}


def place_record(folder: Path, record: "RunRecord", body: bytes) -> str:
    """Writes ``<prefix>.run.json`` before any other file; the prefix of all files of the run.

    It is ``<sample>.<assay>.<run key>``; where another attempt of that run has its files in the
    folder, the attempt's number follows, so that neither is written over the other.
    """
    folder.mkdir(parents=True, exist_ok=True)
    first = f"{record.sample}.{record.assay}.{record.run_key}"
    prefix = first
    if _attempt_in(folder / f"{first}.run.json", folder, first) not in {None, record.attempt}:
        prefix = f"{first}.{record.attempt}"
    path = folder / f"{prefix}.run.json"
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.part")
    part.write_bytes(body)
    part.replace(path)
    return prefix


def _attempt_in(path: Path, folder: Path, prefix: str) -> int | None:
    """The attempt whose files have the prefix; 0 where that can't be told, None without any."""
    from seqdrop.domain.provenance import RunRecord

    if path.exists():
        try:
            return msgspec.json.decode(path.read_bytes(), type=RunRecord).attempt
        except msgspec.MsgspecError:
            return 0
    mine = (p for p in folder.glob(f"{glob.escape(prefix)}.*") if not _has_attempt(p, prefix))
    return 0 if any(mine) else None


def _has_attempt(path: Path, prefix: str) -> bool:
    return path.name.removeprefix(f"{prefix}.").partition(".")[0].isdigit()


def download_all(
    s3: Any, files: "Sequence[ResultView]", folder: Path, prefix: str, *, quiet: bool = False
) -> "list[ResultView]":
    """Writes ``<prefix>.<name>`` for each file; returns the files with their paths.

    A file has another name until its checksum is right. Raises CommandFailed where the bytes are
    others than the run's record says; such a file, and what had not come yet, is not kept.
    """
    from boto3.s3.transfer import ProgressCallbackInvoker

    paths = _paths(files, folder, prefix)
    parts = [path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.part") for path in paths]
    try:
        with (
            Progress("fetched", sum(file.bytes for file in files), quiet=quiet) as progress,
            transfers(s3) as manager,
        ):
            under_way = [
                manager.download(
                    *_bucket_and_key(file.uri),
                    str(part),
                    subscribers=[ProgressCallbackInvoker(progress.advance)],
                )
                for file, part in zip(files, parts, strict=True)
            ]
            for file, path, part, transfer in zip(files, paths, parts, under_way, strict=True):
                _result(transfer)
                _check(file, part)
                part.replace(path)
                progress.done(str(path))
    finally:
        for part in parts:
            part.unlink(missing_ok=True)
    _touch_indexes(paths)
    return [
        msgspec.structs.replace(file, path=str(path))
        for file, path in zip(files, paths, strict=True)
    ]


def _paths(files: "Sequence[ResultView]", folder: Path, prefix: str) -> list[Path]:
    """Where each file goes; the stage is in the name where two stages have a file of one name."""
    times = Counter(file.name for file in files)
    paths = []
    for file in files:
        name = file.name.replace("/", "_")
        unique = name if times[file.name] == 1 else f"{file.stage}.{name}"
        paths.append(folder / f"{prefix}.{unique}")
    return paths


def _bucket_and_key(uri: str) -> tuple[str, str]:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


def _result(transfer: "TransferFuture") -> None:
    """Waits for a file. Raises what the last of several tries ended with."""
    from s3transfer.exceptions import RetriesExceededError

    try:
        transfer.result()
    except RetriesExceededError as error:
        raise error.last_exception from None


def _check(file: "ResultView", part: Path) -> None:
    """Holds what came against the run's record, and has it on the disk before it gets its name."""
    with part.open("rb+") as content:
        found = hashlib.file_digest(content, "sha256").hexdigest()
        os.fsync(content.fileno())
    if found != file.sha256:
        raise CommandFailed(
            f"{file.uri} has the SHA-256 {found}, the run's record says {file.sha256}: "
            "it is not kept"
        )


def _touch_indexes(paths: list[Path]) -> None:
    """Makes indexes younger than their files: tools warn of older ones, and some refuse them."""
    youngest = max((path.stat().st_mtime_ns for path in paths), default=0)
    for path in paths:
        if path.suffix in _INDEXES:
            os.utime(path, ns=(youngest, youngest))
