"""The `seqdrop` command as a user's shell runs it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cli.main import main
from tests.forks import Ended, run_forked
from tests.lab import PROJECT

_NOT_THEIRS = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "SEQDROP_STACK", "AWS_ENDPOINT_URL")
LIMIT_SECONDS = 120


class Command:
    """Runs commands in a folder, against an endpoint."""

    def __init__(self, folder: Path, endpoint_url: str = "") -> None:
        self.folder = folder
        mine = {name: value for name, value in os.environ.items() if name not in _NOT_THEIRS}
        given = {"AWS_ENDPOINT_URL": endpoint_url} if endpoint_url else {}
        self.environment = mine | given | {
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "PYTHONPATH": str(PROJECT),
            "PYTHONUNBUFFERED": "1",
        }  # fmt: skip

    def run(self, *arguments: str) -> Ended:
        """One command to its end, in a fork that has loaded this project's code."""
        return run_forked(main, arguments, self.environment, self.folder, LIMIT_SECONDS)

    def good(self, *arguments: str) -> str:
        """What a command prints that ends well."""
        ended = self.run(*arguments)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        assert ended.stderr == ""
        return ended.stdout

    def ask(self, *arguments: str) -> Any:
        """The document of a command that ends well."""
        return json.loads(self.good(*arguments, "--json"))

    def bad(self, *arguments: str, code: int = 1) -> str:
        """What a command says that ends badly: one line, if it is not about its usage."""
        ended = self.run(*arguments)
        assert ended.returncode == code, ended.stdout + ended.stderr
        assert "Traceback" not in ended.stderr
        if code == 1:
            assert len(ended.stderr.splitlines()) == 1, ended.stderr
        return ended.stderr

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """A command that stays, or that is of another copy of the project."""
        return subprocess.Popen(
            line(*arguments), cwd=self.folder, env=self.environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip


def line(*arguments: str) -> list[str]:
    """The command line."""
    return [sys.executable, "-m", "cli.main", *arguments]


@contextmanager
def up(
    command: Command, folder: Path, *options: str
) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """A runtime on a free port, once it is ready."""
    process = command.start("local", "up", "--port", "0", "--dir", str(folder), "--json", *options)
    try:
        yield process, json.loads(first_document(process))
    finally:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=60)


def first_document(process: subprocess.Popen[str]) -> str:
    """What a command that stays prints first."""
    assert process.stdout is not None
    lines = []
    for text in process.stdout:
        lines.append(text)
        if text == "}\n":
            return "".join(lines)
    assert process.stderr is not None
    raise AssertionError("".join(lines) + process.stderr.read())
