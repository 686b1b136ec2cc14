"""Fetching results: several at once, each checked while it is written, and whole or not there."""

import glob
import hashlib
import os
import threading
import uuid
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import msgspec

from cli.faults import CommandFailed
from cli.progress import Progress

if TYPE_CHECKING:
    from seqdrop.domain.provenance import RunRecord

_AT_ONCE = 4
_INDEXES = {".tbi", ".csi", ".bai", ".crai", ".fai"}
_CHUNK_BYTES = 1 << 20
_TRIES = 4
Document = dict[str, Any]


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
    s3: Any, files: list[Document], folder: Path, prefix: str, *, quiet: bool = False
) -> None:
    """Writes ``<prefix>.<name>`` for each file, and its path into the file's document.

    Raises CommandFailed where the bytes are others than the run's record says.
    """
    times = Counter(file["name"] for file in files)
    total = sum(file["bytes"] for file in files)
    stopped = threading.Event()
    with Progress("fetched", total, quiet=quiet) as progress:

        def advance(count: int) -> None:
            if stopped.is_set():  # one file went wrong, or Ctrl-C: the others don't go on
                raise CommandFailed("stopped")
            progress.advance(count)

        def fetch(file: Document) -> None:
            name = file["name"].replace("/", "_")
            unique = name if times[file["name"]] == 1 else f"{file['stage']}.{name}"
            path = folder / f"{prefix}.{unique}"
            fetch_checked(s3, file, path, advance)
            file["path"] = str(path)
            progress.done(str(path))

        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for future in [pool.submit(fetch, file) for file in files]:
                try:
                    future.result()
                except BaseException:
                    stopped.set()
                    pool.shutdown(wait=False, cancel_futures=True)
                    raise
    _touch_indexes([Path(file["path"]) for file in files])


def _touch_indexes(paths: list[Path]) -> None:
    """Makes indexes younger than their files: tools warn of older ones, and some refuse them."""
    youngest = max((path.stat().st_mtime_ns for path in paths), default=0)
    for path in paths:
        if path.suffix in _INDEXES:
            os.utime(path, ns=(youngest, youngest))


def fetch_checked(s3: Any, file: Document, path: Path, advance: Callable[[int], None]) -> None:
    """Writes one object under another name, and gives it its own once its checksum is right."""
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        with part.open("wb") as out:
            digest = _copy(s3, file["uri"], out, advance)
            out.flush()
            os.fsync(out.fileno())
        if digest != file["sha256"]:
            raise CommandFailed(
                f"{file['uri']} has the SHA-256 {digest}, the run's record says {file['sha256']}: "
                "it is not kept"
            )
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _copy(s3: Any, uri: str, out: IO[bytes], advance: Callable[[int], None]) -> str:
    """The SHA-256 of what was written; a connection that breaks is taken up where it ended."""
    from botocore.exceptions import IncompleteReadError, ReadTimeoutError, ResponseStreamingError

    bucket, _, key = uri.removeprefix("s3://").partition("/")
    digest = hashlib.sha256()
    for attempt in range(1, _TRIES + 1):
        written = out.tell()
        onward = {"Range": f"bytes={written}-"} if written else {}
        try:
            for chunk in s3.get_object(Bucket=bucket, Key=key, **onward)["Body"].iter_chunks(
                _CHUNK_BYTES
            ):
                out.write(chunk)
                digest.update(chunk)
                advance(len(chunk))
        except (IncompleteReadError, ReadTimeoutError, ResponseStreamingError):
            if attempt == _TRIES:
                raise
        else:
            break
    return digest.hexdigest()
