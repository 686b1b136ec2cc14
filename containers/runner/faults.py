"""What ends a stage badly, with the class that decides whose move it is; and no secrets in it."""

import errno
import re
from typing import Any

from seqdrop.domain.failure import FailureClass

_URL_LOGIN = re.compile(r"(\w+://)[^\s/@]+@")
_LICENCE = re.compile(r"(--lic[\w-]*)([=\s]+)\S+")
_SHORTEST_HIDDEN = 4
_hidden: set[str] = set()
_FULL_DISK = (errno.ENOSPC, errno.EDQUOT)


class StageFault(Exception):
    """The stage can't be finished; the message is for a person."""

    def __init__(
        self, failure_class: FailureClass, message: str, counts: dict[str, int] | None = None
    ) -> None:
        """The message is redacted here, so that no caller has to remember to."""
        super().__init__(redact(message))
        self.failure_class = failure_class
        self.counts = counts or {}

    def __reduce__(self) -> tuple[Any, ...]:
        """Lets one process hand the fault to another."""
        return StageFault, (self.failure_class, str(self), self.counts)


class FastqFault(Exception):
    """What is wrong with a FASTQ file; the message continues after the file's name."""


class Stopped(Exception):
    """Work given up because something else has already ended the stage or the step."""


def hide(*secrets: str) -> None:
    """From now on these texts are redacted, whoever says them; not words as short as ``on``."""
    _hidden.update(secret for secret in secrets if len(secret) >= _SHORTEST_HIDDEN)


def redact(text: str) -> str:
    """What a tool said, without licence strings, hidden secrets, and logins in URLs."""
    for secret in sorted(_hidden, key=len, reverse=True):  # one may be a part of another
        text = text.replace(secret, "***")
    return redact_command(text)


def redact_command(text: str) -> str:
    """A command line without licence strings and logins in URLs. No secret is handed to one."""
    return _URL_LOGIN.sub(r"\1***@", _LICENCE.sub(r"\1\2***", text))


def machine_fault(error: OSError) -> StageFault:
    """A refusal of this machine's own (disk full, no memory, bad disk): another may do better."""
    if error.errno in _FULL_DISK:
        return StageFault(FailureClass.DISK_FULL, f"the disk is full: {error}")
    if error.errno == errno.ENOMEM:
        return StageFault(FailureClass.OUT_OF_MEMORY, f"out of memory: {error}")
    return StageFault(FailureClass.HOST_FAILED, f"this machine refused: {error}")
