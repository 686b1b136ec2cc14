"""A user's desk: the `seqdrop` command in a folder, against the demo's own endpoint."""

import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import msgspec

from seqdrop.sample_view import ResultView, SampleView

_NOT_THEIRS = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "SEQDROP_STACK")
"""Settings of whoever runs the demo that would lead it to another endpoint or account."""
T = TypeVar("T")


class CommandFailed(Exception):
    """A command of the demo did not end well; it has said why."""


class _Results(msgspec.Struct):
    """What `seqdrop results` answers."""

    files: tuple[ResultView, ...]


class Desk:
    """Runs commands as a user would type them."""

    def __init__(self, folder: Path, endpoint_url: str, show: Callable[[str], None]) -> None:
        """``show`` takes each command line before it is run."""
        self._folder, self._show = folder, show
        mine = {name: value for name, value in os.environ.items() if name not in _NOT_THEIRS}
        self._environment = mine | {
            "AWS_ENDPOINT_URL": endpoint_url,
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "PYTHONUNBUFFERED": "1",
        }

    def run(self, *arguments: str) -> None:
        """One command, its output where ours goes. Raises CommandFailed."""
        self._show(f"seqdrop {shlex.join(arguments)}")
        self._call(arguments, capture=False)

    def fetch(self, sample: str, folder: str) -> tuple[ResultView, ...]:
        """Downloads a sample's results, and says what they are. Raises CommandFailed."""
        arguments = ("results", sample, "--download", folder)
        self._show(f"seqdrop {shlex.join(arguments)}")
        return self._ask(_Results, *arguments).files

    def look_at(self, sample: str) -> SampleView:
        """What `seqdrop show` says of a sample. Raises CommandFailed."""
        return self._ask(SampleView, "show", sample)

    def _ask(self, kind: type[T], *arguments: str) -> T:
        """What a command answers with ``--json``."""
        return msgspec.json.decode(self._call((*arguments, "--json"), capture=True), type=kind)

    def _call(self, arguments: tuple[str, ...], *, capture: bool) -> str:
        ended = subprocess.run(
            [sys.executable, "-m", "cli.main", *arguments],
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if capture else None,
            text=True,
            check=False,
        )
        if ended.returncode:
            command = f"seqdrop {shlex.join(arguments)}"
            raise CommandFailed(f"{command} ended with exit code {ended.returncode}")
        return ended.stdout or ""
