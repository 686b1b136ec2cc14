"""The versions of the tools that a stage uses, asked for while its inputs come in."""

import re
import shutil
import subprocess
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from runner.faults import StageFault, redact
from seqdrop.domain.failure import FailureClass
from seqdrop.domain.pipeline import Step

# fmt: off
_NOT_ASKED = frozenset((
    "cat", "cp", "cut", "echo", "env", "false", "head", "ln", "ls", "md5sum", "mkdir", "mv",
    "printf", "rm", "sha256sum", "sleep", "sort", "tail", "tee", "touch", "true",
))
# fmt: on
_SAY_IT_WHEN_BARE = ("bwa",)
_OTHER_QUESTIONS = {"nextflow": "-v"}
"""Of tools that do not know ``--version``."""
_LONGEST_ANSWER_SECONDS = 20
_VERSION_LINE = re.compile(r"^Version:\s*(\S.*)$", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True)
class ToolVersions:
    """First lines by tool, and whether one of the tools only plays the real one's part."""

    lines: dict[str, str]
    simulated: bool


class VersionQuestions:
    """Asks each tool in the background."""

    def __init__(self, programs: Iterable[str], folder: Path) -> None:
        """The questions are out at once; the tools answer in the folder."""
        asked = [program for program in programs if Path(program).name not in _NOT_ASKED]
        self._answers: dict[str, Future[str]] = {}
        if asked:
            pool = ThreadPoolExecutor(len(asked))
            self._answers = {
                Path(program).name: pool.submit(_answer, program, folder) for program in asked
            }
            pool.shutdown(wait=False)

    def answers(self) -> ToolVersions:
        """What they said; waits for those that have not answered yet."""
        texts = {name: future.result() for name, future in self._answers.items()}
        lines = {name: redact(_version(text)) for name, text in texts.items()}
        return ToolVersions(lines, any("simulated" in text.lower() for text in texts.values()))


def programs_of(steps: Iterable[Step]) -> list[str]:
    """The programs of the steps, each once; a PLAN fault for one that is not installed."""
    programs: dict[str, None] = {}
    for step in steps:
        for command in step.pipe:
            if not command or not isinstance(command[0], str):
                raise StageFault(FailureClass.BAD_PLAN, "a command has no program")
            programs[command[0]] = None
    for program in programs:
        if shutil.which(program) is None:
            raise StageFault(FailureClass.BAD_PLAN, f"{program!r} is not installed in this image")
    return list(programs)


def _answer(program: str, folder: Path) -> str:
    bare = Path(program).name in _SAY_IT_WHEN_BARE
    try:
        ended = subprocess.run(
            [program] if bare else [program, _OTHER_QUESTIONS.get(Path(program).name, "--version")],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=folder,
            timeout=_LONGEST_ANSWER_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):  # a version that stays unknown fails no run
        return ""
    return ended.stdout.decode(errors="replace")


def _version(text: str) -> str:
    named = _VERSION_LINE.search(text)
    if named:
        return named[1].strip()
    return next((line.strip() for line in text.splitlines() if line.strip()), "unknown")
