"""Tools joined by pipes, run side by side, every one of their exit codes looked at."""

import os
import shutil
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from threading import Thread
from typing import IO

from runner.descendants import end_trees
from runner.faults import StageFault, machine_fault, redact
from runner.memory import processes_ended_for_memory
from runner.scratch import Folders
from seqdrop.domain.failure import FailureClass
from seqdrop.domain.tool_failure import class_of_tool, has_lost_output

GRACE_SECONDS = 3.0
"""Between SIGTERM and SIGKILL; Batch itself gives the whole job 30."""
_LONGER_GRACE = {"nextflow": 20.0}
"""Nextflow ends the jobs of its tasks first, one call for each."""
TAIL_LINES = 20
BAD_DATA_EXIT_CODE = 65
"""How ``seqdrop-tool`` ends where its input is wrong (EX_DATAERR of sysexits.h); it says what."""
_LONGEST_LINE_BYTES = 8192
_LONGEST_SHOWN = _LONGEST_LINE_BYTES // 2
_LONGEST_KEPT = 500
_LAST_LINES_SECONDS = 2.0
_LEAST_FREE_BYTES = 32 << 20
"""Less than a tool's next block and its buffers: what failed then, failed for want of space."""
_NO_REFERENCE_SERVER = {"REF_PATH": "/dev/null/%s", "REF_CACHE": ""}
"""htslib asks a server of the EBI for a CRAM's sequence that it is not given, unless there is a
path where it looks for it instead. Here it finds none: a step that gives no sequence fails."""
_PARTED_MATES = "paired reads have different names"
"""bwa's words; the mates' counts may be the same."""
_OWN_TOOL = "seqdrop-tool"
_OF_OTHERS = frozenset(("nextflow",))
"""Tools that repeat what tasks on other hosts have said: it tells nothing of this host, nor of the
reads."""
_SIGPIPE_CODES = (-signal.SIGPIPE, 128 + signal.SIGPIPE)
_KILLED_CODES = (-signal.SIGKILL, 128 + signal.SIGKILL)


@dataclass(frozen=True)
class Ended:
    """A tool of the pipe has ended."""

    tool: "Tool"


@dataclass(eq=False)
class Tool:
    """One running process of a pipe."""

    name: str
    process: subprocess.Popen[bytes]
    tail: deque[str] = field(default_factory=lambda: deque(maxlen=TAIL_LINES))
    readers: list[Thread] = field(default_factory=list)
    exit_code: int | None = None

    def pass_lines_on(self, stream: IO[bytes]) -> None:
        """Shows what the tool says, line by line under its name, and keeps the end of it."""
        for line in _lines_of(stream):
            text = redact(line.decode(errors="replace").rstrip())
            if len(line) >= _LONGEST_LINE_BYTES:  # no more of it: a secret may be cut in two there
                text = f"{text[:_LONGEST_SHOWN]} …"
            self.tail.append(text[:_LONGEST_KEPT])
            sys.stderr.write(f"{self.name}: {text}\n")
        stream.close()

    def start_reader(self, stream: IO[bytes]) -> None:
        """Reads one of its outputs in the background."""
        reader = Thread(target=self.pass_lines_on, args=(stream,), daemon=True)
        reader.start()
        self.readers.append(reader)

    def wait(self, tell: Callable[[Ended], None]) -> None:
        """Calls ``tell`` when the process has ended and its last lines are read."""
        exit_code = self.process.wait()
        for reader in self.readers:
            reader.join(_LAST_LINES_SECONDS)  # something that it left behind may hold on
        self.exit_code = exit_code
        tell(Ended(self))

    def how_it_ended(self) -> str:
        """Its exit code or signal, in words."""
        code = self.exit_code or 0
        if code < 0:
            return f"was killed by signal {-code} ({signal.strsignal(-code)})"
        return f"ended with exit code {code}"


def _lines_of(stream: IO[bytes]) -> Iterator[bytes]:
    """Lines without their ends; of one that was written over (``10 %\\r20 %``), what stayed. Of one
    without an end, the beginning."""
    line, too_long = b"", False
    while piece := stream.readline(_LONGEST_LINE_BYTES):
        if b"\r" in piece.rstrip():  # the line was written over
            line, too_long = b"", False
        line += piece.rstrip(b"\r\n").rpartition(b"\r")[2]
        has_ended = piece.endswith(b"\n")
        if not too_long and (has_ended or len(line) >= _LONGEST_LINE_BYTES):
            yield line
        too_long = not has_ended and (too_long or len(line) >= _LONGEST_LINE_BYTES)
        line = line if not has_ended and not too_long else b""
    if line and not too_long:
        yield line


class ToolPipe:
    """The tools of one step."""

    def __init__(self, tell: Callable[[Ended], None]) -> None:
        """``tell`` is called once for each tool, from a thread of its own."""
        self._tell = tell
        self.tools: list[Tool] = []
        self._root: Path | None = None
        self._ended_for_memory = processes_ended_for_memory()

    def start(self, commands: list[list[str]], stdout: Path | None, folders: Folders) -> None:
        """Starts all tools; the last one's stdout goes to the file, or to the log."""
        self._root = folders.root
        folder = folders.root
        environment = {**os.environ, "TMPDIR": str(folders.tmp), **_NO_REFERENCE_SERVER}
        upstream: IO[bytes] | None = None
        if stdout:
            stdout.parent.mkdir(parents=True, exist_ok=True)
        try:
            for index, command in enumerate(commands):
                last = index == len(commands) - 1
                file = stdout.open("wb") if last and stdout else None
                tool = _start(command, upstream, file, folder, environment)
                self.tools.append(tool)
                if upstream:
                    upstream.close()
                if file:
                    file.close()
                upstream = tool.process.stdout
        except OSError as error:
            self.end()
            raise _start_fault(error, command[0]) from error
        if upstream:
            self.tools[-1].start_reader(upstream)
        for tool in self.tools:
            Thread(target=tool.wait, args=(self._tell,), daemon=True).start()

    def is_failure(self, tool: Tool) -> bool:
        """Whether an ended tool failed by itself, or lost what it wrote.

        That its reader left is not its failure: see ``unread``.
        """
        if tool.exit_code in _SIGPIPE_CODES:
            return tool is self.tools[-1]
        if tool.name in _OF_OTHERS:
            return tool.exit_code != 0
        return tool.exit_code != 0 or has_lost_output("\n".join(tool.tail))

    def unread(self) -> StageFault | None:
        """Of a pipe whose tools all ended well: what it means that one left before the end of what
        the one before it wrote. A script has an error then, too (bash: pipefail)."""
        for writer, reader in pairwise(self.tools):
            if writer.exit_code in _SIGPIPE_CODES:
                return StageFault(
                    FailureClass.TOOL_FAILED,
                    f"{reader.name} ended well without reading all that {writer.name} wrote: its "
                    "output may be of a part of it",
                )
        return None

    def fault(self, tool: Tool) -> StageFault:
        """What the bad end of one of the tools means."""
        lines = "\n".join(tool.tail)
        own = [one for one in self.tools if one.name not in _OF_OTHERS]
        said = "\n".join(line for any_tool in own for line in list(any_tool.tail))
        message = f"{tool.name} {tool.how_it_ended()}\n{lines}".rstrip()
        if tool.name == _OWN_TOOL and tool.exit_code == BAD_DATA_EXIT_CODE:
            return StageFault(FailureClass.BAD_INPUT, lines or message)
        if _PARTED_MATES in said:
            parted = "R1 and R2 do not hold the same reads in the same order: send both again"
            return StageFault(FailureClass.BAD_INPUT, f"{parted}\n{message}")
        failure = class_of_tool(tool.name, said)
        if failure is FailureClass.DISK_FULL or self._is_disk_full():
            return StageFault(FailureClass.DISK_FULL, f"the disk is full: {message}")
        if failure is FailureClass.OUT_OF_MEMORY or self._was_too_large(tool):
            return StageFault(FailureClass.OUT_OF_MEMORY, f"out of memory: {message}")
        return StageFault(failure, message)

    def _was_too_large(self, tool: Tool) -> bool:
        """Whether it was killed, and the kernel has ended a process for its memory meanwhile."""
        is_killed = tool.exit_code in _KILLED_CODES
        return is_killed and processes_ended_for_memory() > self._ended_for_memory

    def _is_disk_full(self) -> bool:
        """samtools, for one, only says that a write failed."""
        return self._root is not None and shutil.disk_usage(self._root).free < _LEAST_FREE_BYTES

    def end(self) -> None:
        """Ends what still runs, with everything that it started."""
        running = {tool.process.pid: tool for tool in self.tools if tool.process.returncode is None}
        if running:
            graces = [_LONGER_GRACE.get(tool.name, GRACE_SECONDS) for tool in running.values()]
            end_trees(set(running), max(graces))


def _start(
    command: list[str],
    upstream: IO[bytes] | None,
    stdout: IO[bytes] | None,
    folder: Path,
    environment: dict[str, str],
) -> Tool:
    process = subprocess.Popen(
        command,
        stdin=upstream or subprocess.DEVNULL,
        stdout=stdout or subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=folder,
        env=environment,
    )
    tool = Tool(Path(command[0]).name, process)
    if process.stderr:
        tool.start_reader(process.stderr)
    return tool


def _start_fault(error: OSError, program: str) -> StageFault:
    if isinstance(error, (FileNotFoundError, PermissionError)):
        return StageFault(FailureClass.BAD_PLAN, f"{program!r} can't be started: {error.strerror}")
    return machine_fault(error)
