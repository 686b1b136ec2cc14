"""In which region a command looks."""

import pytest
from typer.testing import CliRunner

from cli.faults import CommandFailed
from cli.main import app
from cli.stack import is_embedded, session_for


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment that says nothing of AWS."""
    for name in ("AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")


@pytest.mark.parametrize(
    "endpoint",
    ["127.0.0.1:4566", "localhost:4566", "localhost", "http://", "http://127.0.0.1:port",
     "http://[::1:4566", "s3://bucket"],
)  # fmt: skip
def test_what_is_no_endpoint_is_one_line(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    for command in (["samples"], ["doctor"]):
        raised = CliRunner().invoke(app, command).exception
        assert isinstance(raised, CommandFailed)
        assert str(raised).startswith(f"AWS_ENDPOINT_URL is {endpoint!r}, which is not the URL")


@pytest.mark.parametrize(
    "endpoint", ["http://127.0.0.1:4566", "http://localhost:4566/", "https://[::1]:4566", ""]
)
def test_what_is_an_endpoint_is_taken(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    assert is_embedded() == bool(endpoint)


@pytest.mark.parametrize("name", ["AWS_REGION", "AWS_DEFAULT_REGION"])
def test_either_variable_names_the_region(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "eu-west-2")
    assert session_for().region_name == "eu-west-2"


def test_an_environment_of_samconfig_names_it_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-west-2")
    assert session_for("us-west-2").region_name == "us-west-2"
