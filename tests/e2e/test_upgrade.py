"""An execution of the release before goes on: its definition stays, and the functions are new."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.statemachine.bench import Bench, open_bench

BEFORE = Path(__file__).parents[1] / "fixtures/release_0_1"
"""The state machine as it was released with 0.1."""


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with open_bench(
        tmp_path_factory.mktemp("upgrade"), machine=BEFORE, shortest_poll_seconds=1
    ) as bench:
        yield bench


def test_a_run_of_the_definition_before_is_submitted_polled_and_finished(bench: Bench) -> None:
    bench.hold("count")
    bench.drop_pair("K1")
    bench.lab.wait_until(lambda: entered(bench, "K1").count("PollJob") >= 2)
    bench.let_go("count")
    bench.lab.wait_for("K1", "quick", "ANALYSED")
    names = entered(bench, "K1")
    assert names[0] == "PlanRun"
    assert names[-1] == "FinishRun"
    assert "DoubleInterval" in names, "the state's name up to 0.1"


def test_a_run_of_the_definition_before_that_fails_is_recorded(bench: Bench) -> None:
    bench.break_("count")
    bench.drop_pair("K2")
    bench.lab.wait_until(lambda: "RunFailed" in entered(bench, "K2"))
    bench.mend("count")
    assert bench.lab.runs("K2", "quick")[-1].status == "FAILED"


def entered(bench: Bench, sample: str) -> list[str]:
    """The states that the newest run's execution has come to."""
    if not (bench.lab.analysis(sample, "quick") and bench.lab.runs(sample, "quick")):
        return []
    if not bench.lab.runs(sample, "quick")[-1].execution:
        return []
    events = bench.history(sample)
    details = [e["stateEnteredEventDetails"] for e in events if "stateEnteredEventDetails" in e]
    return [str(detail["name"]) for detail in details]
