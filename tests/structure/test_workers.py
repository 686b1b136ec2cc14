"""How the suite is shared among workers: who judges all tests waits for all of them."""

import threading
from pathlib import Path

import pytest

from tests import workers


@pytest.fixture
def ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The list of a run's ends, in a folder of its own."""
    monkeypatch.setenv(workers.SUITE_FOLDER, str(tmp_path))
    return tmp_path / "ends"


def test_a_worker_waits_until_the_last_test_of_others_has_ended(
    ends: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTEST_XDIST_WORKER", "gw1")
    ends.write_text("ended a\n")
    found: list[bool] = []
    judge = threading.Thread(target=lambda: found.append(workers.wait_for_ends(["a", "b"])))
    judge.start()
    judge.join(0.3)
    assert found == []
    ends.write_text("ended a\nended b\n")
    judge.join(10)
    assert found == [True]


def test_a_failure_ends_the_waiting(ends: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_XDIST_WORKER", "gw1")
    ends.write_text("ended a\nfailed b\n")
    assert not workers.wait_for_ends(["a", "b", "c"])


def test_a_failure_elsewhere_changes_nothing(ends: Path) -> None:
    ends.write_text("failed unit\nended a\n")
    assert workers.wait_for_ends(["a"])


def test_alone_nobody_is_waited_for(ends: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    ends.write_text("ended a\n")
    assert not workers.wait_for_ends(["a", "b"])


def test_tests_that_share_a_runtime_are_one_worker_s() -> None:
    unit_of = workers.ByFile._split_scope
    one, other = (f"tests/statemachine/{name}.py::test_it" for name in ("test_a", "test_b"))
    assert unit_of(None, one) == unit_of(None, other)  # type: ignore[arg-type]
    file = "tests/e2e/test_cli.py"
    assert unit_of(None, f"{file}::test_it[a::b]") == file  # type: ignore[arg-type]


def test_every_level_has_its_place_in_the_order() -> None:
    there = {path.parent.relative_to(workers.TESTS).parts[0] for path in
             workers.TESTS.glob("*/**/test_*.py")}  # fmt: skip
    assert there == set(workers.LEVELS)
    assert workers.JUDGES.exists()
