"""The licence's parts: what the secret may hold, who is given it, and what is redacted of it."""

import io
import json
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner import faults
from runner.faults import StageFault, hide, redact
from runner.licence import NAME, VARIABLE, check_version, lent, licensed, take_licence
from runner.processes import Tool
from seqdrop.domain.failure import FailureClass

WORDS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1)
NAMES = st.integers(min_value=1, max_value=99).map("credentials-{}".format)
PAIRS = st.dictionaries(NAMES, WORDS, min_size=1)


@pytest.fixture(autouse=True)
def nothing_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults, "_hidden", set())


def shown(secret: str, folder: Path) -> str:
    """What DRAGEN would read."""
    link = folder / NAME
    with lent(secret, folder, folder) as option:
        assert option == ("--lic-credentials", NAME)
        assert (link.stat().st_mode & 0o777) == 0o600
        text = link.read_text()
    assert not link.is_symlink()
    return text


@given(pairs=PAIRS, end=st.sampled_from(["\n", "\r\n", "\n\n"]))
def test_lines_and_an_object_of_the_same_pairs_are_the_same_file(
    tmp_path_factory: pytest.TempPathFactory, pairs: dict[str, str], end: str
) -> None:
    folder = tmp_path_factory.mktemp("secrets")
    lines = end.join(f"{name}={value}" for name, value in pairs.items())
    assert shown(lines, folder) == shown(json.dumps(pairs), folder)
    assert list(folder.iterdir()) == []


def test_without_a_secret_there_is_neither_option_nor_file(tmp_path: Path) -> None:
    with lent("", tmp_path, tmp_path) as option:
        assert option == ()
        assert list(tmp_path.iterdir()) == []


def test_an_error_while_it_is_lent_takes_it_away(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    with (
        pytest.raises(KeyboardInterrupt),
        lent("credentials-1=a", tmp_path / "root", tmp_path / "root"),
    ):
        raise KeyboardInterrupt
    assert list((tmp_path / "root").iterdir()) == []


@pytest.mark.parametrize(
    ("program", "given"),
    [("dragen", True), ("/opt/edico/bin/dragen", True), ("dragen_reset", False), ("bwa", False)],
)
def test_only_dragen_itself_is_given_the_option(program: str, *, given: bool) -> None:
    command = licensed([program, "-f"], ("--lic-credentials", NAME))
    assert command == [program, "-f", *(("--lic-credentials", NAME) if given else ())]


@pytest.mark.parametrize(
    "version",
    ["dragen Version 07.021.609.3.9.5", "DRAGEN 3.7.8", "dragen Version 05.121.676.4.1.23"],
)
def test_a_dragen_that_takes_no_file_is_told_before_it_starts(version: str) -> None:
    check_version("", {"dragen": version})
    with pytest.raises(StageFault, match="takes no licence from a file") as fault:
        check_version("credentials-1=a", {"dragen": version})
    assert fault.value.failure_class is FailureClass.BAD_PLAN


@pytest.mark.parametrize(
    "version",
    ["dragen Version 13.021.732.4.4.4", "dragen 4.2.7", "4.10.1", "unknown", "", "dragen of 3.1"],
)
def test_a_dragen_that_may_take_a_file_is_given_one(version: str) -> None:
    check_version("credentials-1=a", {"dragen": version, "samtools": "samtools 1.16.1"})


def test_the_variable_is_taken_out_and_the_others_stay() -> None:
    environment = {VARIABLE: "credentials-1=a", "PATH": "/bin"}
    assert take_licence(environment) == "credentials-1=a"
    assert environment == {"PATH": "/bin"}
    assert take_licence(environment) == ""


def test_a_secret_that_is_part_of_another_leaves_nothing_of_it() -> None:
    hide("labs", "laboratory of labs", "")
    assert redact("the laboratory of labs' labs") == "the ***' ***"


def test_what_is_as_short_as_a_word_is_left_in_what_tools_say() -> None:
    hide("a", "on", "")
    assert redact("a tool goes on") == "a tool goes on"


@pytest.mark.parametrize(
    "secret",
    [
        "pa55word", "pa55word==", "https://user:pa55word@host/?site=1", "name=pa55word",
        '{"credentials-1": "pa55\\u0000word"}', '{"credentials-1": {"a": "pa55word"}}', "=pa55word",
    ],
)  # fmt: skip
def test_what_is_no_credentials_file_is_a_fault_that_does_not_repeat_it(
    secret: str, tmp_path: Path
) -> None:
    with (
        pytest.raises(StageFault, match="secret must hold the lines") as fault,
        lent(secret, tmp_path, tmp_path),
    ):
        pass
    assert "pa55" not in str(fault.value)
    assert list(tmp_path.iterdir()) == []


def test_of_a_line_that_is_written_over_the_last_word_stays(
    capfd: pytest.CaptureFixture[str],
) -> None:
    tool = Tool("tool", cast(Any, None))
    over = b"".join(b"%d %%\r" % number for number in range(5_000))
    tool.pass_lines_on(io.BytesIO(b"one\r\n\n" + over + b"Disk quota exceeded\ntwo"))
    assert list(tool.tail) == ["one", "", "Disk quota exceeded", "two"]
    assert capfd.readouterr().err.count("tool: ") == 4


@pytest.mark.parametrize("at", [0, 8_180, 8_190, 16_380])
def test_a_secret_in_a_line_without_an_end_is_never_cut_in_two(
    at: int, capfd: pytest.CaptureFixture[str]
) -> None:
    hide("TOPSECRETVALUE")
    line = b"x" * at + b"TOPSECRETVALUE" + b"y" * 20_000 + b"\nnext\n"
    tool = Tool("tool", cast(Any, None))
    tool.pass_lines_on(io.BytesIO(line))
    said = capfd.readouterr().err
    assert not any("TOPSECRETVALUE"[:length] in said for length in range(4, 15))
    assert said.endswith("tool: next\n")
