"""One clear line for what a command meets, and what the command itself needs to start."""

import errno
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError
from typer.testing import CliRunner

from cli.faults import CommandFailed, explain
from cli.instance import end, only_one
from cli.main import app
from cli.runtime import _check_disk, _tool_lines
from cli.screen import clean
from local.endpoint import NO_SPACE
from seqdrop.domain.errors import InvalidInput
from seqdrop.domain.version import VERSION


def refused(code: str, message: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "PutObject")


def test_our_own_message_counts_and_not_what_it_came_from() -> None:
    error = InvalidInput("a version\nnever changes")
    error.__context__ = refused("TransactionCanceledException", "cancelled")
    assert explain(error) == "a version never changes"


def test_what_aws_refuses_is_named_also_inside_of_an_uploads_error() -> None:
    error = S3UploadFailedError("Failed to upload")
    error.__context__ = refused("AccessDenied", "no\nway")
    assert explain(error) == "AWS refuses PutObject (AccessDenied): no way"
    assert "does not take these credentials" in explain(refused("ExpiredToken", "old"))


def test_an_endpoint_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    error = EndpointConnectionError(endpoint_url="http://127.0.0.1:9/")
    assert explain(error) == (
        "nothing answers at http://127.0.0.1:9 (AWS_ENDPOINT_URL): is `seqdrop local up` running?"
    )
    assert "no AWS credentials" in explain(NoCredentialsError())


def test_a_full_disk_is_named_with_what_is_free_there(tmp_path: Path) -> None:
    told = explain(OSError(errno.ENOSPC, "No space", str(tmp_path / "none/x")))
    where = rf"{tmp_path}/none/x \(the disk at /\S* has \d+ MiB free\)"
    assert re.fullmatch(
        rf"no space is left for {where}: make space there, then do this again", told
    )
    assert explain(OSError(errno.EDQUOT, "Quota")).startswith("no space is left on the disk: make")


def test_the_runtime_s_full_disk_is_told_in_its_own_words() -> None:
    told = explain(refused(NO_SPACE, "no space is left for /rt"))
    assert told == "PutObject: no space is left for /rt"


def test_the_runtime_does_not_start_on_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=5 << 20))
    with pytest.raises(CommandFailed, match=r"too little space is left for .* has 5 MiB free"):
        _check_disk(tmp_path)


def test_tools_that_are_not_there_are_named_with_what_runs_instead() -> None:
    lines = list(_tool_lines({"bwa": None, "samtools": "/bin/samtools", "dragen": None}))
    assert lines[0] == "not on PATH, so taken from PyPI: bwa"
    assert lines[1].startswith("FPGA is simulated")
    assert list(_tool_lines({"bwa": "/bin/bwa", "dragen": "/opt/dragen"})) == [
        "FPGA queues run /opt/dragen"
    ]


def test_a_folder_has_one_runtime(tmp_path: Path) -> None:
    with only_one(tmp_path) as instance:
        instance.write("http://127.0.0.1:4566")
        with (
            pytest.raises(CommandFailed, match=r"runs in .* at http://127\.0\.0\.1:4566"),
            only_one(tmp_path),
        ):
            pass
    with only_one(tmp_path):  # the one before has ended
        pass
    assert end(tmp_path) == ""
    assert end(tmp_path / "never") == ""


def test_who_starts_a_second_runtime_is_told_what_makes_it_another(tmp_path: Path) -> None:
    with only_one(tmp_path):
        for another in ("--port", "--dir and --port"):
            with (
                pytest.raises(CommandFailed, match=f"beside it with another {another}$"),
                only_one(tmp_path, another),
            ):
                pass
        assert tmp_path.exists()


def test_a_start_that_is_refused_leaves_a_folder_only_where_there_was_one(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    for name, stays in (("old", True), ("new", False)):
        with pytest.raises(CommandFailed), only_one(tmp_path / name):
            raise CommandFailed("port 1 is in use")
        assert (tmp_path / name).exists() == stays


def test_text_from_outside_moves_no_cursor() -> None:
    assert clean("a\x1b[2Jb\nc\td") == "a\N{REPLACEMENT CHARACTER}[2Jb\N{REPLACEMENT CHARACTER}c\td"


def test_the_version_is_the_one_that_results_name() -> None:
    answer = CliRunner().invoke(app, ["--version"])
    assert (answer.exit_code, answer.stdout) == (0, f"seqdrop {VERSION}\n")
    assert "--version" in CliRunner().invoke(app, ["--help"]).stdout
    assert CliRunner().invoke(app, []).exit_code == 2, "a command is asked for"


def test_help_is_there_without_loading_what_only_commands_need() -> None:
    heavy = "{'boto3', 'botocore', 'moto', 'rich', 'yaml', 'pysam', 'local'}"
    script = f"import cli.main, sys; sys.exit(', '.join({heavy} & set(sys.modules)) or 0)"
    subprocess.run([sys.executable, "-c", script], check=True)
