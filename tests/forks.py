"""Runs the project's programs in processes that are forked where their libraries are loaded.

Most of what a short program costs is importing boto3: here one process does it for all.
"""

import multiprocessing
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple, NoReturn

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["__main__", "tests.forked_libraries"])


class Ended(NamedTuple):
    """How a program ended."""

    returncode: int
    stdout: str
    stderr: str


def run_forked(
    main: Callable[[], int | None],
    arguments: Sequence[str],
    environment: Mapping[str, str],
    folder: Path,
    seconds: float,
) -> Ended:
    """Runs a program to its end, as its entry point would, with a folder as its working folder.

    Raises AssertionError when it has not ended after so many seconds.
    """
    with TemporaryDirectory() as said:
        streams = [Path(said) / name for name in ("stdout", "stderr")]
        given = (main, list(arguments), dict(environment), folder, streams)
        process = _FORKS.Process(target=_become, args=given)
        process.start()
        process.join(seconds)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise AssertionError(f"{arguments} did not end within {seconds:g} s")
        out, err = (path.read_text("utf-8") for path in streams)
    return Ended(process.exitcode, out, err)


def _become(
    main: Callable[[], int | None], arguments: list[str], environment: dict[str, str], folder: Path,
    streams: list[Path],
) -> NoReturn:  # fmt: skip
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    for stream, path in zip((sys.stdout, sys.stderr), streams, strict=True):
        with path.open("wb") as file:
            os.dup2(file.fileno(), stream.fileno())
    sys.argv[1:] = arguments
    sys.exit(main())
