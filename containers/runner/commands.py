"""Steps with their placeholders filled in: lists of arguments, never text for a shell."""

import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from runner.faults import StageFault
from seqdrop.domain.failure import FailureClass
from seqdrop.domain.pipeline import PLACEHOLDER, Args, Step
from seqdrop.domain.plan import ReadPair

REGIONS = "tmp/regions"
"""Below the job's folder: where a step leaves a BED file for each region."""


@dataclass
class PipePlan:
    """A step (for one pair or region, where it is for each), ready to be started."""

    commands: list[list[str]]
    stdout: Path | None
    pairs: list[ReadPair] = field(default_factory=list)
    """The pairs of which ``{pair.r1}`` or ``{pair.r2}`` is among the arguments."""

    @property
    def text(self) -> str:
        """The pipe as a shell would read it, for people."""
        return " | ".join(map(shlex.join, self.commands))


@dataclass(frozen=True)
class MatePaths:
    """Where the tools find a pair: named pipes, files, or copies in the bucket (s3:// URIs)."""

    r1: Path | str
    r2: Path | str


def applies(when: str, variables: Mapping[str, bool | str]) -> bool:
    """Whether a condition holds; a variable that the plan does not have is false."""
    return not when or bool(variables.get(when, False))


class Each(NamedTuple):
    """What a command is for: a pair, a library, a region, or none of them."""

    kind: str = ""
    id: str = ""


ONCE = Each()


class Filler:
    """Knows what each placeholder stands for; paths are relative to the root folder."""

    def __init__(
        self,
        root: Path,
        texts: Mapping[str, str],
        variables: Mapping[str, bool | str],
        pairs: Mapping[str, tuple[ReadPair, MatePaths]],
    ) -> None:
        """``texts`` win over variables of the same name."""
        own = {name: value for name, value in variables.items() if isinstance(value, str)}
        self._root = root
        self._texts = {**own, **texts}
        self._variables = variables
        self._pairs = pairs

    def applies(self, when: str) -> bool:
        """Whether a condition holds."""
        return applies(when, self._variables)

    def pipes(self, step: Step) -> Iterable[PipePlan]:
        """What the step runs: nothing, once, or once for each of a kind."""
        if self.applies(step.when):
            for each in self._all(step.for_each) if step.for_each else (ONCE,):
                yield self._pipe(step, each)

    def path(self, text: str) -> Path:
        """The whole path that a text with placeholders stands for."""
        return self._root / self._fill(text, ONCE, {})

    def _all(self, kind: str, within: Each = ONCE) -> list[Each]:
        """Each of a kind; of the read pairs, those of the library that a step is for."""
        libraries = self._libraries()
        if kind == "library":
            return [Each(kind, number) for number in libraries]
        if kind == "read_pair":
            pairs = libraries[within.id] if within.kind == "library" else self._pairs
            return [Each(kind, pair_id) for pair_id in pairs]
        regions = sorted((self._root / REGIONS).glob("*.bed"))
        if not regions:
            message = f"for_each: region, but no step before wrote a BED file into {REGIONS}"
            raise StageFault(FailureClass.BAD_PLAN, message)
        return [Each(kind, region.stem) for region in regions]

    def _libraries(self) -> dict[str, list[str]]:
        """The pairs of each library, by its number: its name may have any letters."""
        found: dict[str, list[str]] = {}
        for pair_id, (pair, _) in self._pairs.items():
            found.setdefault(pair.library, []).append(pair_id)
        return {str(number): pairs for number, pairs in enumerate(found.values(), 1)}

    def _pipe(self, step: Step, each: Each) -> PipePlan:
        used: dict[str, ReadPair] = {}
        commands = [self._arguments(command, each, used) for command in step.pipe]
        stdout = self._root / self._fill(step.stdout, each, used) if step.stdout else None
        return PipePlan(commands, stdout, list(used.values()))

    def _arguments(
        self, command: tuple[str | Args, ...], each: Each, used: dict[str, ReadPair]
    ) -> list[str]:
        arguments: list[str] = []
        for item in command:
            if isinstance(item, str):
                arguments.append(self._fill(item, each, used))
            elif self.applies(item.when):
                for one in self._all(item.for_each, each) if item.for_each else (each,):
                    arguments.extend(self._fill(text, one, used) for text in item.args)
        return arguments

    def _fill(self, text: str, each: Each, used: dict[str, ReadPair]) -> str:
        def value(match: re.Match[str]) -> str:
            name = match[1]
            if name.startswith("pair."):
                return self._of_pair(name.removeprefix("pair."), each, used)
            if name == "library.id":
                return self._of_library(each)
            if name.startswith("region."):
                return self._of_region(name.removeprefix("region."), each)
            if name not in self._texts:
                raise StageFault(
                    FailureClass.BAD_PLAN, f"unknown placeholder {{{name}}} in {text!r}"
                )
            return self._texts[name]

        return PLACEHOLDER.sub(value, text)

    @staticmethod
    def _of_library(each: Each) -> str:
        if each.kind != "library":
            message = "{library.id} is used outside of for_each: library"
            raise StageFault(FailureClass.BAD_PLAN, message)
        return each.id

    def _of_region(self, name: str, each: Each) -> str:
        if each.kind != "region":
            message = f"{{region.{name}}} is used outside of for_each: region"
            raise StageFault(FailureClass.BAD_PLAN, message)
        match name:
            case "id":
                return each.id
            case "bed":
                return f"{REGIONS}/{each.id}.bed"
        raise StageFault(FailureClass.BAD_PLAN, f"unknown placeholder {{region.{name}}}")

    def _of_pair(self, name: str, each: Each, used: dict[str, ReadPair]) -> str:
        if each.kind != "read_pair":
            message = f"{{pair.{name}}} is used outside of for_each: read_pair"
            raise StageFault(FailureClass.BAD_PLAN, message)
        pair, paths = self._pairs[each.id]
        match name:
            case "id":
                return pair.id
            case "read_group":
                return pair.read_group
            case "r2" if "R2" not in pair.reads:
                message = f"{{pair.r2}} in lane {pair.id}, whose reads are single"
                raise StageFault(FailureClass.BAD_PLAN, message)
            case "r1" | "r2":
                path = paths.r1 if name == "r1" else paths.r2
                if isinstance(path, str):
                    return path
                used[pair.id] = pair
                return str(path.relative_to(self._root))
        raise StageFault(FailureClass.BAD_PLAN, f"unknown placeholder {{pair.{name}}}")
