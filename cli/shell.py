"""Runs other programs, each printed before it starts: argument lists, never a shell's text."""

import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from cli.faults import CommandFailed
from cli.screen import say, warn

DOCKER = ("docker", "info")
"""Answers where a Docker engine does."""
PYTHON_FOR_LAMBDA = ("make", "--silent", "lambda-python")
"""Answers where `make build` finds the Python that Lambda has."""


class Shell:
    """Runs programs in a folder; with ``dry`` it only says what it would run.

    ``to_stderr``: what it says, and they, is no part of a command's own output.
    """

    def __init__(self, folder: Path, *, dry: bool = False, to_stderr: bool = False) -> None:
        self._folder = folder
        self._to_stderr = to_stderr
        self.dry = dry

    def run(self, command: Sequence[str], standard_input: str = "") -> None:
        """Runs one program to its end. Raises CommandFailed where it fails."""
        (warn if self._to_stderr else say)(f"+ {shlex.join(command)}")
        if self.dry:
            return
        try:
            # Without input of its own a program speaks with the person: `sam deploy` asks.
            ended = subprocess.run(
                command, cwd=self._folder, text=True, check=False, input=standard_input or None,
                stdout=sys.stderr if self._to_stderr else None,
            )  # fmt: skip
        except FileNotFoundError as error:
            raise CommandFailed(f"{command[0]} is not there: install it") from error
        if ended.returncode:
            name = " ".join([Path(command[0]).name, *command[1:2]])
            raise CommandFailed(f"`{name}` ended with exit code {ended.returncode}: see above")

    def output(self, command: Sequence[str]) -> str:
        """What one program prints. Raises CommandFailed where it fails; "" where nothing is run."""
        if self.dry:
            return ""
        try:
            ended = subprocess.run(
                command, cwd=self._folder, text=True, check=False, capture_output=True
            )
        except FileNotFoundError as error:
            raise CommandFailed(f"{command[0]} is not there: install it") from error
        if ended.returncode:
            raise CommandFailed(f"`{shlex.join(command)}` failed: {ended.stderr.strip()}")
        return ended.stdout

    def answers(self, *command: str) -> bool:
        """Whether a program is there and ends well; what it prints is not shown."""
        try:
            ended = subprocess.run(command, cwd=self._folder, capture_output=True, check=False)
        except FileNotFoundError:
            return False
        return ended.returncode == 0
