"""DRAGEN's licence: out of the environment at the start, and shown to DRAGEN alone.

The secret is the text of DRAGEN's licence credentials file (4.2 and later: ``credentials-1=…`` and
``credentials-2=…``, a line each), or the same names and values as a JSON object, as Secrets
Manager's console makes it.
"""

import contextlib
import ctypes
import os
import re
import tempfile
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from pathlib import Path

import msgspec

from runner.faults import StageFault, hide
from seqdrop.domain.failure import FailureClass

VARIABLE = "DRAGEN_LICENCE"
"""The variable that the job definition fills from the secret."""
NAME = "licence"
"""The link's name in the job's folder. DRAGEN writes its command line into its results, so the name
is the same in every run."""
OLDEST = (4, 2)
"""The first DRAGEN that has the option."""
_OPTION = "--lic-credentials"
_NAME = re.compile(r"credentials-\d+")
_RELEASE = re.compile(r"\b(\d+)\.(\d+)\.\d+\s*$")
_PROGRAM = "dragen"


def take_licence(environment: MutableMapping[str, str]) -> str:
    """The secret, "" without one; no process that is started afterwards inherits it."""
    secret = environment.get(VARIABLE, "")
    if secret and environment is os.environ:
        _blank(VARIABLE, len(os.fsencode(secret)))
    environment.pop(VARIABLE, None)
    return secret


def _blank(name: str, size: int) -> None:
    """Wipes a variable's bytes: /proc shows what a process was started with as long as it lives."""
    getenv = ctypes.CDLL(None).getenv
    getenv.restype = ctypes.c_void_p
    if place := getenv(name.encode()):
        ctypes.memset(place, 0, size)


@contextmanager
def lent(secret: str, folder: Path, root: Path) -> Iterator[tuple[str, ...]]:
    """DRAGEN's option for its licence, valid until the block ends; none without a secret.

    The file is its owner's alone and lies in ``folder``, out of ``root``, where the tools work.
    Whatever ends the block, it is overwritten and removed, with the link to it. A PLAN fault for a
    secret that no DRAGEN could read.
    """
    if not secret:
        yield ()
        return
    credentials = _credentials(secret)
    hide(*credentials.values())
    content = "".join(f"{name}={value}\n" for name, value in credentials.items()).encode()
    descriptor, name = tempfile.mkstemp(prefix="dragen-", suffix=".lic", dir=folder)  # mode 0600
    file, link = Path(name), root / NAME
    try:
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(content)
        link.symlink_to(file)
        yield (_OPTION, NAME)
    finally:
        link.unlink(missing_ok=True)
        _shred(file, len(content))


def is_dragen(command: list[str]) -> bool:
    """Whether a command is DRAGEN's."""
    return Path(command[0]).name == _PROGRAM


def licensed(command: list[str], option: tuple[str, ...]) -> list[str]:
    """A command, with the licence if it is DRAGEN's."""
    return [*command, *option] if is_dragen(command) else command


def check_version(secret: str, versions: Mapping[str, str]) -> None:
    """A PLAN fault where there is a secret, and a DRAGEN that takes none.

    ``versions`` are the tools' own words. DRAGEN's end with its release, as in
    ``dragen Version 07.021.609.3.9.5``; of other words nothing is concluded.
    """
    found = _RELEASE.search(versions.get(_PROGRAM, ""))
    if secret and found and (int(found[1]), int(found[2])) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise StageFault(
            FailureClass.BAD_PLAN,
            f"DRAGEN {found[0]} takes no licence from a file, as {oldest} and later do: leave "
            "DragenLicenceSecretArn empty, and let the host have its licence (docs/deploy.md, FPGA "
            "hosts)",
        )


def _shred(file: Path, size: int) -> None:
    with contextlib.suppress(FileNotFoundError):  # a tool took it away
        with file.open("r+b") as opened:
            opened.write(bytes(size))
            opened.flush()
            os.fsync(opened.fileno())
        file.unlink()


def _credentials(secret: str) -> dict[str, str]:
    """Names and values, in the secret's own order."""
    found = _of_object(secret) if secret.lstrip().startswith("{") else _of_lines(secret)
    whole = found and all(
        _NAME.fullmatch(name) and value and value.isprintable() for name, value in found.items()
    )
    if not whole:
        raise StageFault(
            FailureClass.BAD_PLAN,
            f"the licence that the job got as {VARIABLE} is not DRAGEN's credentials file: the "
            "secret must hold the lines credentials-1=NAME and credentials-2=PASSWORD, or a JSON "
            "object of both (docs/deploy.md, FPGA hosts)",
        )
    return found


def _of_object(secret: str) -> dict[str, str]:
    try:
        return msgspec.json.decode(secret, type=dict[str, str])
    except msgspec.MsgspecError:
        return {}


def _of_lines(secret: str) -> dict[str, str]:
    lines = [line.strip() for line in secret.splitlines() if line.strip()]
    pairs = [line.partition("=") for line in lines]
    return {name.strip(): value.strip() for name, _, value in pairs}
