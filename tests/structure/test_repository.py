"""What people look for in a repository: a licence, how to take part, checks at each commit."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

PROJECT = Path(__file__).resolve().parents[2]
DECLARED = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))
LINK = re.compile(r"\]\((?!https?://)([^)#]+)(?:#[^)]*)?\)")


def test_the_licence_is_the_one_that_the_package_declares() -> None:
    text = (PROJECT / "LICENSE").read_text("utf-8")
    assert DECLARED["project"]["license"] == "Apache-2.0"
    assert "Apache License\n                           Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text
    assert "\n   9. Accepting Warranty or Additional Liability." in text


def test_checks_at_each_commit_call_tools_of_this_clone_and_fetch_nothing() -> None:
    config = yaml.safe_load((PROJECT / ".pre-commit-config.yaml").read_text("utf-8"))
    assert [repo["repo"] for repo in config["repos"]] == ["local"]
    hooks = {hook["id"]: hook for repo in config["repos"] for hook in repo["hooks"]}
    assert hooks.keys() == {"ruff-format", "ruff-check", "mypy"}
    development = " ".join(DECLARED["project"]["optional-dependencies"]["dev"])
    for hook in hooks.values():
        assert hook["language"] == "system"
        tool = hook["entry"].split()[0]
        assert tool in {".venv/bin/ruff", ".venv/bin/mypy"}
        assert Path(tool).name in development


def documents() -> list[Path]:
    """Every page for people."""
    return [*PROJECT.glob("*.md"), *PROJECT.glob("docs/**/*.md")]


@pytest.mark.parametrize("page", documents(), ids=lambda page: str(page.relative_to(PROJECT)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text("utf-8")):
        assert (page.parent / target).exists(), target
