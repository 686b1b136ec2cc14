"""Fetching results: several at once, each checked while it is written, and whole or not there."""

import hashlib
import os
import threading
import uuid
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any

from cli.faults import CommandFailed
from cli.progress import Progress

_AT_ONCE = 4
_CHUNK_BYTES = 1 << 20
_TRIES = 4
Document = dict[str, Any]


def download_all(
    s3: Any, files: list[Document], folder: Path, prefix: str, *, quiet: bool = False
) -> None:
    """Writes ``<prefix>.<name>`` for each file, and its path into the file's document.

    Raises CommandFailed where the bytes are others than the run's record says.
    """
    folder.mkdir(parents=True, exist_ok=True)
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
