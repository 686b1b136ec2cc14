"""The stand-in's reading of Nextflow's command line and of the configuration it is given.

Options are those of ``docs/reference/cli.md`` of Nextflow 25.10.4; one that is not among them is
refused, as is a command line without one that the stand-in wants.
"""

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

LAUNCHER = frozenset(("-log", "-c", "-config"))
RUN_WITH_VALUE = frozenset((
    "-r", "-revision", "-profile", "-params-file", "-w", "-work-dir", "-with-cloudcache", "-resume",
    "-ansi-log", "-name", "-with-trace", "-with-report",
))  # fmt: skip
RUN_FLAGS = frozenset(("-offline",))
_QUOTED = r"'((?:[^'\\\\]|\\\\.)*)'"
_SETTING = re.compile(rf"^\s*(\w+) = {_QUOTED}\s*$", re.MULTILINE)
_LABELS = re.compile(r"resourceLabels = \[(.*)\]")
_LABEL = re.compile(rf"{_QUOTED}: {_QUOTED}")


class WrongUse(Exception):
    """A command line or configuration that Nextflow would not take either."""


@dataclass(frozen=True)
class Options:
    """One ``nextflow run``."""

    project: str
    revision: str
    params_file: Path
    config: Path
    work: str
    cache: str
    session: str
    name: str
    trace: Path
    report: Path
    log: Path


@dataclass(frozen=True)
class Config:
    """What the awsbatch executor takes of the configuration."""

    settings: Mapping[str, str]
    labels: Mapping[str, str]

    @property
    def fields(self) -> list[str]:
        """The columns of the trace."""
        return self.settings["fields"].split(",")


def read_options(arguments: Sequence[str]) -> Options:
    """Raises WrongUse for an option that ``nextflow run`` does not document."""
    given, project = _parse(list(arguments))
    try:
        session = given["-resume"]
        uuid.UUID(session)
        return Options(
            project=project,
            revision=given.get("-r", ""),
            params_file=Path(given["-params-file"]),
            config=Path(given["-c"]),
            work=given["-work-dir"],
            cache=given["-with-cloudcache"],
            session=session,
            name=given.get("-name", ""),
            trace=Path(given["-with-trace"]),
            report=Path(given["-with-report"]),
            log=Path(given["-log"]),
        )
    except (KeyError, ValueError) as error:
        raise WrongUse(f"the stand-in can't do without {error}") from error


def _parse(words: list[str]) -> tuple[dict[str, str], str]:
    given: dict[str, str] = {}
    project, in_run = "", False
    while words:
        word = words.pop(0)
        if not in_run and word == "run":
            in_run = True
        elif word in (RUN_WITH_VALUE if in_run else LAUNCHER):
            if not words:
                raise WrongUse(f"{word} wants a value")
            given[word] = words.pop(0)
        elif in_run and word in RUN_FLAGS:
            given[word] = ""
        elif in_run and not project and not word.startswith("-"):
            project = word
        else:
            raise WrongUse(f"Unknown option: {word}")
    if not in_run or not project:
        raise WrongUse("no project to run")
    return given, project


def read_config(path: Path) -> Config:
    """The settings that hold text, by their last names. Raises WrongUse where one is missing."""
    text = path.read_text("utf-8")
    settings = {name: _plain(value) for name, value in _SETTING.findall(text)}
    for needed in ("executor", "queue", "region", "jobRole", "logsGroup", "cliPath", "fields"):
        if not settings.get(needed):
            raise WrongUse(f"{path.name} has no {needed}")
    if settings["executor"] != "awsbatch":
        raise WrongUse(f"executor {settings['executor']} is not awsbatch")
    labels = _LABELS.search(text)
    found = _LABEL.findall(labels[1]) if labels else []
    return Config(settings, {_plain(name): _plain(value) for name, value in found})


def _plain(quoted: str) -> str:
    return re.sub(r"\\(.)", r"\1", quoted)
