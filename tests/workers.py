"""How pytest-xdist's workers share the tests, and how one of them learns how the others' ended."""

import os
import shutil
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

TESTS = Path(__file__).resolve().parent
JUDGES = TESTS / "policies" / "test_calls_of_the_suite.py"
LEVELS = (
    "containers", "statemachine", "e2e", "integration", "infrastructure", "policies", "structure",
    "unit",
)  # fmt: skip
"""In this order: the longest files first, so that at the end no worker waits long for another."""
ONE_RUNTIME = ("tests/statemachine/",)
"""Packages whose files share a runtime, and so a worker."""
SUITE_FOLDER = "SEQDROP_SUITE_FOLDER"
"""The environment variable that tells workers the folder of the process that started them."""
_NEWS_SECONDS = 900.0


def make_suite_folder(config: pytest.Config) -> None:
    """Makes the folder that all processes of this run share; it is gone after the run."""
    if SUITE_FOLDER not in os.environ:
        folder = os.environ[SUITE_FOLDER] = tempfile.mkdtemp(prefix="seqdrop-suite-")
        config.add_cleanup(lambda: shutil.rmtree(folder))
        config.add_cleanup(_forget_suite_folder)


def _forget_suite_folder() -> None:
    del os.environ[SUITE_FOLDER]


def suite_folder() -> Path:
    """The folder that all processes of this run share."""
    return Path(os.environ[SUITE_FOLDER])


def position(item: pytest.Item) -> tuple[bool, int]:
    """Where a test is sorted to: by its level, and the judges of the others' calls last."""
    level = item.path.relative_to(TESTS).parts[0]
    return item.path == JUDGES, LEVELS.index(level)


class ByFile(LoadScopeScheduling):  # type: ignore[misc]  # xdist's own base is untyped
    """A worker gets whole files, or all files that share a runtime, in the order of collection."""

    def __init__(self, config: pytest.Config, log: object = None) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False

    def remove_node(self, node: WorkerController) -> str | None:
        """Takes a worker out; returns the test that it crashed at, which is not tried again."""
        workload = self.assigned_work.pop(node)
        left = ((unit, test) for unit in workload.values() for test in unit if not unit[test])
        if (found := next(left, None)) is None:
            return None
        unit, crashed = found
        unit[crashed] = True
        self.workqueue |= {name: one for name, one in workload.items() if not all(one.values())}
        for other in self.assigned_work:
            self._reschedule(other)
        return str(crashed)

    def _reschedule(self, node: WorkerController) -> None:
        """Gives work to a worker that has collected; one in place of a crashed one may not yet.

        A worker starts its last test when it knows the next, or that there is none.
        """
        if node in self.registered_collections:
            super()._reschedule(node)
            if self._pending_of(self.assigned_work[node]) < 2:
                super()._reschedule(node)

    def _split_scope(self, nodeid: str) -> str:
        shared = (folder for folder in ONE_RUNTIME if nodeid.startswith(folder))
        return next(shared, nodeid.partition("::")[0])


def tell_end(report: pytest.TestReport) -> None:
    """Writes that a test has failed, or that its teardown has ended.

    Pytest's first process is told of all tests, those that ended with their worker included.
    """
    if "PYTEST_XDIST_WORKER" not in os.environ and (report.failed or report.when == "teardown"):
        outcome = "failed" if report.failed else "ended"
        with (suite_folder() / "ends").open("a", encoding="utf-8") as ends:
            ends.write(f"{outcome} {report.nodeid}\n")


def wait_for_ends(tests: Iterable[str]) -> bool:
    """Whether some tests have all ended, and none failed; waits for those of other workers.

    Raises TimeoutError when none has ended for a quarter of an hour.
    """
    missing, news = set(tests), time.monotonic()
    while True:
        failed, ended = _ends()
        if failed & missing:
            return False
        if ended & missing:
            missing, news = missing - ended, time.monotonic()
        if not missing or "PYTEST_XDIST_WORKER" not in os.environ:
            return not missing
        if time.monotonic() - news > _NEWS_SECONDS:
            raise TimeoutError(f"{len(missing)} tests have not ended, as {min(missing)}")
        time.sleep(0.2)


def _ends() -> tuple[set[str], set[str]]:
    path = suite_folder() / "ends"
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    found = [line.partition(" ") for line in lines]
    failed = {nodeid for outcome, _, nodeid in found if outcome == "failed"}
    return failed, {nodeid for outcome, _, nodeid in found if outcome == "ended"}
