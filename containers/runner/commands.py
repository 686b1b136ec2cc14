"""Steps with their placeholders filled in: lists of arguments, never text for a shell."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from runner.faults import StageFault
from seqdrop.domain.failure import FailureClass
from seqdrop.domain.pipeline import PLACEHOLDER, Args, Step
from seqdrop.domain.plan import ReadPair


@dataclass
class PipePlan:
    """A step (for one pair, where it is for each), ready to be started."""

    commands: list[list[str]]
    stdout: Path | None
    pairs: list[ReadPair] = field(default_factory=list)
    """The pairs of which ``{pair.r1}`` or ``{pair.r2}`` is among the arguments."""


@dataclass(frozen=True)
class MatePaths:
    """Where the tools find a pair: named pipes or files."""

    r1: Path
    r2: Path


class Filler:
    """Knows what each placeholder stands for."""

    def __init__(
        self,
        texts: Mapping[str, str],
        variables: Mapping[str, bool | str],
        pairs: Mapping[str, tuple[ReadPair, MatePaths]],
    ) -> None:
        """``texts`` win over variables of the same name."""
        own = {name: value for name, value in variables.items() if isinstance(value, str)}
        self._texts = {**own, **texts}
        self._variables = variables
        self._pairs = pairs

    def applies(self, when: str) -> bool:
        """Whether a condition holds; a variable that the plan does not have is false."""
        return not when or bool(self._variables.get(when, False))

    def pipes(self, step: Step) -> Iterable[PipePlan]:
        """What the step runs: nothing, once, or once for each pair."""
        if not self.applies(step.when):
            return
        if step.for_each:
            for pair_id in self._pairs:
                yield self._pipe(step, pair_id)
        else:
            yield self._pipe(step, "")

    def text(self, text: str, pair_id: str = "") -> str:
        """The text with each placeholder replaced, once: what came in is not looked at again."""
        return self._fill(text, pair_id, {})

    def _pipe(self, step: Step, pair_id: str) -> PipePlan:
        used: dict[str, ReadPair] = {}
        commands = [self._arguments(command, pair_id, used) for command in step.pipe]
        stdout = Path(self._fill(step.stdout, pair_id, used)) if step.stdout else None
        return PipePlan(commands, stdout, list(used.values()))

    def _arguments(
        self, command: tuple[str | Args, ...], pair_id: str, used: dict[str, ReadPair]
    ) -> list[str]:
        arguments: list[str] = []
        for item in command:
            if isinstance(item, str):
                arguments.append(self._fill(item, pair_id, used))
            elif self.applies(item.when):
                for each in self._pairs if item.for_each else (pair_id,):
                    arguments.extend(self._fill(text, each, used) for text in item.args)
        return arguments

    def _fill(self, text: str, pair_id: str, used: dict[str, ReadPair]) -> str:
        def value(match: re.Match[str]) -> str:
            name = match[1]
            if name.startswith("pair."):
                return self._of_pair(name.removeprefix("pair."), pair_id, used)
            if name not in self._texts:
                raise StageFault(FailureClass.PLAN, f"unknown placeholder {{{name}}} in {text!r}")
            return self._texts[name]

        return PLACEHOLDER.sub(value, text)

    def _of_pair(self, name: str, pair_id: str, used: dict[str, ReadPair]) -> str:
        if pair_id not in self._pairs:
            message = f"{{pair.{name}}} is used outside of for_each: read_pair"
            raise StageFault(FailureClass.PLAN, message)
        pair, paths = self._pairs[pair_id]
        match name:
            case "id":
                return pair.id
            case "read_group":
                return pair.read_group
            case "r1" | "r2":
                used[pair.id] = pair
                return str(paths.r1 if name == "r1" else paths.r2)
        raise StageFault(FailureClass.PLAN, f"unknown placeholder {{pair.{name}}}")
