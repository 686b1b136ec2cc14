"""The template is transformed once for each text."""

from pathlib import Path

import pytest

from infrastructure import transform
from infrastructure.transform import transformed
from tests.lab import PROJECT

TEXT = """
AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Resources:
  Work:
    Type: AWS::Serverless::Function
    Properties: {Runtime: python3.13, Handler: handler.handler, CodeUri: functions/work/}
"""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


def test_what_was_transformed_is_taken_from_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    first = transformed(TEXT, "us-east-1")
    assert first["Resources"]["Work"]["Type"] == "AWS::Lambda::Function"

    def never(*_: str) -> None:
        raise AssertionError("transformed again")

    monkeypatch.setattr(transform, "_transform", never)
    assert transformed(TEXT, "us-east-1") == first
    with pytest.raises(AssertionError, match="again"):
        transformed(TEXT.replace("Work", "Other"), "us-east-1")


def test_the_project_s_template_is_the_same_from_the_cache() -> None:
    text = (PROJECT / "template.yaml").read_text("utf-8")
    assert transformed(text, "us-east-1") == transformed(text, "us-east-1")


def test_a_cache_that_can_not_be_written_is_done_without(cache: Path) -> None:
    (cache / "seqdrop").write_text("a file where the folder should be")
    with pytest.raises(NotADirectoryError):
        (cache / "seqdrop" / "templates").mkdir()
    assert transformed(TEXT, "us-east-1")["Resources"]
