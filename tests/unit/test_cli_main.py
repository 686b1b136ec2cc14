"""The command as a whole: its lists, the examples in its help, its version, and completion."""

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from cli.main import app
from seqdrop.domain.version import VERSION

ROOT: Any = typer.main.get_command(app)
WIDTH = 80


def leaves(group: Any = ROOT, *before: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command under the words that call it."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from leaves(command, *before, name)
        else:
            yield (*before, name), command


COMMANDS = dict(leaves())
EXAMPLES = [
    (words, line.strip())
    for words, command in COMMANDS.items()
    for line in (command.epilog or "").splitlines()
    if line.startswith("  ")
]


def said(*arguments: str, **environment: str) -> str:
    """What the command prints in a process of its own."""
    answer = subprocess.run(
        [sys.executable, "-m", "cli.main", *arguments],
        env={**os.environ, "COLUMNS": str(WIDTH), **environment},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return answer.stdout


@pytest.mark.parametrize("words", [(), ("local",), ("reference",)])
def test_lists_have_each_command_on_one_line_in_whole_words(words: tuple[str, ...]) -> None:
    shown = said(*words, "--help")
    group = ROOT
    for word in words:
        group = group.commands[word]
    listed = shown.partition("Commands:\n")[2].splitlines()
    assert [line.split()[0] for line in listed] == list(group.commands)
    assert all(line.endswith(".") and not line.endswith("...") for line in listed)


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_each_command_explains_itself_and_its_options(words: tuple[str, ...]) -> None:
    command = COMMANDS[words]
    assert command.help
    assert command.short_help
    assert [p.name for p in command.params if p.param_type_name == "option" and not p.help] == []


@pytest.mark.parametrize(("words", "example"), EXAMPLES, ids=[line for _, line in EXAMPLES])
def test_an_example_in_the_help_is_a_command_that_is_there(
    words: tuple[str, ...], example: str
) -> None:
    program, *arguments = shlex.split(example.partition(" | ")[0])
    assert program == "seqdrop"
    assert tuple(arguments[: len(words)]) == words
    options = {name for param in COMMANDS[words].params for name in param.opts}
    used = {word for word in arguments if word.startswith("-")}
    assert used <= options


def test_help_of_a_command_ends_with_its_examples_one_a_line() -> None:
    shown = said("logs", "--help")
    assert shown.endswith("Examples:\n    seqdrop logs NA1\n    seqdrop logs NA1 align --follow\n")


def test_the_command_says_its_version() -> None:
    assert said("--version") == f"seqdrop {VERSION}\n"


@pytest.mark.parametrize(
    ("shell", "registers"),
    [
        ("bash", "complete -o default -F _seqdrop_completion seqdrop"),
        ("zsh", "compdef _seqdrop_completion seqdrop"),
        ("fish", "complete --command seqdrop"),
    ],
)
def test_a_shell_gets_a_script_that_completes_the_command(shell: str, registers: str) -> None:
    program = "import sys; sys.argv[0] = 'seqdrop'; from cli.main import main; main()"
    answer = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "_SEQDROP_COMPLETE": f"source_{shell}"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert registers in answer.stdout


def test_completion_offers_commands_and_options() -> None:
    program = "import sys; sys.argv[0] = 'seqdrop'; from cli.main import main; main()"

    def offered(typed: str) -> set[str]:
        answer = subprocess.run(
            [sys.executable, "-c", program],
            env={
                **os.environ,
                "_SEQDROP_COMPLETE": "complete_bash",
                "COMP_WORDS": f"seqdrop {typed}",
                "COMP_CWORD": str(len(typed.split())),
            },
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        return set(answer.stdout.split())

    assert offered("re") == {
        "rerun", "results", "reference", "references", "redrive", "resume", "reanalyse",
        "reanalysis", "reject",
    }  # fmt: skip
    assert "--fresh" in offered("rerun --f")
