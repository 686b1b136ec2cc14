"""Runs in the catalog: claimed once whoever claims, moved forward only, closed once."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import msgspec
import pytest

from seqdrop.aws.catalog.layout import blueprint_key, run_item_key
from seqdrop.domain.blueprint import encode_blueprint
from seqdrop.domain.errors import Conflict
from seqdrop.domain.identity import ReferenceId, RunId
from seqdrop.domain.records import Analysis, AnalysisStatus, Run, RunStatus, StageRun
from tests.cloud_support import START, Cloud, open_cloud
from tests.domain_support import analysis as analysis_of
from tests.domain_support import blueprint, change_to, lane_pair, run_of

FROZEN = encode_blueprint(blueprint())
RUN = run_of(blueprint(), parts={"sequence": "s1"}, reference="tiny/1")
TINY = ReferenceId("tiny", "1")
STAGES = [StageRun("align", "k1", "NA1/wgs/align/k1/1/", "cpu")]


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    with open_cloud(tmp_path, monkeypatch) as cloud:
        begun = change_to(analysis_of(*lane_pair()))
        cloud.catalog.analyses.change(begun, "test", START)
        yield cloud


def analysis(cloud: Cloud) -> Analysis:
    """The analysis as it is."""
    found = cloud.catalog.analyses.get(RUN.id.analysis)
    assert found is not None
    return found


def trail(cloud: Cloud) -> list[dict[str, Any]]:
    """What happened since there are files, in order."""
    begun, *events = cloud.catalog.analyses.events("NA1")
    assert begun["what"] == "begun"
    return events


def run(cloud: Cloud, wanted: Run = RUN) -> Run:
    """The run as it is."""
    found = cloud.catalog.runs.get(wanted.id)
    assert found is not None
    return found


def ended(status: RunStatus, of: Run = RUN) -> Run:
    """A run as whoever closes it has it."""
    return msgspec.structs.replace(of, status=status)


def claimed(cloud: Cloud) -> Analysis:
    """The analysis, with its run claimed."""
    cloud.catalog.runs.claim(analysis(cloud), RUN, FROZEN, TINY, cloud.clock())
    return analysis(cloud)


def at_once(count: int, attempt: Callable[[int], None]) -> list[int]:
    """Makes attempts in as many threads; returns who was not in conflict with another."""
    barrier = Barrier(count)

    def one(number: int) -> bool:
        barrier.wait()
        try:
            attempt(number)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(count) as pool:
        won = list(pool.map(one, range(count)))
    return [number for number, ok in enumerate(won) if ok]


def test_of_many_claims_at_once_exactly_one_wins(cloud: Cloud) -> None:
    seen = analysis(cloud)

    def claim(number: int) -> None:
        other = msgspec.structs.replace(RUN, run_key=f"{number:024x}")
        cloud.catalog.runs.claim(seen, other, FROZEN, TINY, cloud.clock())

    (winner,) = at_once(8, claim)
    assert analysis(cloud).active_run == RunId("NA1", "wgs", f"{winner:024x}", 1)
    runs = [i for i in cloud.catalog.analyses.partition("NA1") if str(i["sk"]).startswith("RUN#")]
    assert [item["run_key"] for item in runs] == [f"{winner:024x}"]
    assert [event["what"] for event in trail(cloud)] == ["run claimed"]


def test_of_many_who_close_a_run_exactly_one_does(cloud: Cloud) -> None:
    seen = claimed(cloud)
    statuses = [RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.ABORTED] * 3

    def close(number: int) -> None:
        status = AnalysisStatus.ANALYSED if number % 3 == 0 else AnalysisStatus.FAILED
        cloud.catalog.runs.close(ended(statuses[number]), seen, status, cloud.clock())

    (winner,) = at_once(9, close)
    assert run(cloud).status is statuses[winner]
    assert analysis(cloud).current_run == (RUN.id if winner % 3 == 0 else None)
    assert analysis(cloud).active_run is None


def test_a_claim_freezes_the_run_and_marks_its_analysis(cloud: Cloud) -> None:
    seen = claimed(cloud)
    assert (seen.status, seen.active_run) == (AnalysisStatus.ANALYSING, RUN.id)
    assert run(cloud) == RUN


def test_a_blueprint_is_written_with_the_claim_and_never_again(cloud: Cloud) -> None:
    seen = claimed(cloud)
    (before,) = (i for i in cloud.items("NA1") if "blueprint" in i)
    assert cloud.catalog.runs.blueprint(run(cloud)) == FROZEN
    cloud.catalog.runs.mark_running(RUN, "arn:1", STAGES, cloud.clock())
    cloud.catalog.runs.close(
        ended(RunStatus.SUCCEEDED, run(cloud)), seen, AnalysisStatus.ANALYSED, cloud.clock()
    )
    assert [i for i in cloud.items("NA1") if "blueprint" in i] == [before]
    assert run_item_key(RUN.id) != (before["pk"], before["sk"]) == blueprint_key(RUN.id)


def test_each_attempt_has_a_blueprint_of_its_own(cloud: Cloud) -> None:
    for attempt in (1, 2):
        one = msgspec.structs.replace(RUN, attempt=attempt)
        cloud.catalog.runs.claim(analysis(cloud), one, b"%d" % attempt, TINY, cloud.clock())
        cloud.catalog.runs.close(
            ended(RunStatus.FAILED, one), analysis(cloud), AnalysisStatus.FAILED, cloud.clock()
        )
        assert cloud.catalog.runs.blueprint(one) == b"%d" % attempt


def test_a_run_without_a_blueprint_says_so_by_having_none(cloud: Cloud) -> None:
    assert cloud.catalog.runs.blueprint(RUN) == b""


def test_a_claim_of_changed_inputs_fails(cloud: Cloud) -> None:
    old = analysis(cloud)
    cloud.catalog.analyses.hold(RUN.id.analysis, "object-1", "empty", cloud.clock())
    before = cloud.items("NA1")
    with pytest.raises(Conflict):
        cloud.catalog.runs.claim(old, RUN, FROZEN, TINY, cloud.clock())
    assert cloud.items("NA1") == before


def test_a_run_is_marked_running_once(cloud: Cloud) -> None:
    claimed(cloud)
    cloud.catalog.runs.mark_running(RUN, "arn:1", STAGES, cloud.clock())
    running = run(cloud)
    assert (running.status, running.execution, running.stages) == ("RUNNING", "arn:1", (STAGES[0],))
    cloud.catalog.runs.mark_running(RUN, "arn:2", [], cloud.clock())
    assert run(cloud) == running


@pytest.mark.parametrize("status", [RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.ABORTED])
def test_a_closed_run_moves_no_more(cloud: Cloud, status: RunStatus) -> None:
    seen = claimed(cloud)
    cloud.catalog.runs.close(ended(status), seen, AnalysisStatus.FAILED, cloud.clock())
    before = cloud.items("NA1")
    with pytest.raises(Conflict):
        cloud.catalog.runs.mark_running(RUN, "arn:1", STAGES, cloud.clock())
    for other in (RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.ABORTED):
        with pytest.raises(Conflict):
            cloud.catalog.runs.close(ended(other), seen, AnalysisStatus.ANALYSED, cloud.clock())
    assert cloud.items("NA1") == before


def test_a_good_run_becomes_the_current_one(cloud: Cloud) -> None:
    seen = claimed(cloud)
    cloud.catalog.runs.close(
        ended(RunStatus.SUCCEEDED), seen, AnalysisStatus.ANALYSED, cloud.clock()
    )
    found = analysis(cloud)
    assert (found.status, found.current_run, found.active_run) == ("ANALYSED", RUN.id, None)
    assert found.released_run is None


def test_a_run_whose_inputs_changed_says_nothing_of_its_analysis(cloud: Cloud) -> None:
    claimed(cloud)
    cloud.catalog.analyses.hold(RUN.id.analysis, "object-1", "R2 is empty", cloud.clock())
    held = analysis(cloud)
    cloud.catalog.runs.close(ended(RunStatus.SUCCEEDED), held, None, cloud.clock())
    found = analysis(cloud)
    assert (found.status, found.current_run, found.active_run) == ("HELD", None, None)
    assert run(cloud).status is RunStatus.SUCCEEDED


def test_a_failed_run_may_hold_its_analysis(cloud: Cloud) -> None:
    seen = claimed(cloud)
    cloud.catalog.runs.close(
        ended(RunStatus.FAILED), seen, AnalysisStatus.HELD, cloud.clock(),
        why="R2 is shorter", hold="run",
    )  # fmt: skip
    assert analysis(cloud).holds == {"run": "R2 is shorter"}


def test_an_earlier_good_run_is_taken_again(cloud: Cloud) -> None:
    seen = claimed(cloud)
    good = msgspec.structs.replace(
        ended(RunStatus.SUCCEEDED), qc="FAIL", qc_reasons=("FAIL: mapped", "WARN: depth")
    )
    cloud.catalog.runs.close(good, seen, AnalysisStatus.ANALYSED, cloud.clock(), why="as then")
    cloud.catalog.analyses.hold(RUN.id.analysis, "x", "y", cloud.clock())
    cloud.catalog.runs.adopt(analysis(cloud), run(cloud), TINY, cloud.clock())
    assert (analysis(cloud).status, analysis(cloud).current_run) == ("ANALYSED", RUN.id)
    assert analysis(cloud).why == "FAIL: mapped; WARN: depth", "its verdict is taken with it"
    what = [event["what"] for event in trail(cloud)]
    assert what == ["run claimed", "run succeeded", "held", "run adopted"]


def test_the_content_that_a_current_run_uses_is_indexed_and_no_other(cloud: Cloud) -> None:
    seen = claimed(cloud)
    cloud.catalog.runs.close(
        ended(RunStatus.SUCCEEDED), seen, AnalysisStatus.ANALYSED, cloud.clock()
    )
    second = msgspec.structs.replace(RUN, run_key="f" * 24, parts={"annotation": "a1"})
    cloud.catalog.runs.claim(analysis(cloud), second, FROZEN, TINY, cloud.clock())
    cloud.catalog.runs.close(
        ended(RunStatus.SUCCEEDED, second), analysis(cloud), AnalysisStatus.ANALYSED, cloud.clock()
    )
    uses = [i for i in cloud.catalog.analyses.partition("NA1") if str(i["sk"]).startswith("USES#")]
    assert [(i["part"], i["run"], i["by_reference_pk"]) for i in uses] == [
        ("annotation", second.id.short, "PART#a1")
    ]


def test_attempts_of_a_run_are_found_in_their_order(cloud: Cloud) -> None:
    for attempt in (1, 2, 10):
        one = msgspec.structs.replace(RUN, attempt=attempt)
        cloud.catalog.runs.claim(analysis(cloud), one, FROZEN, TINY, cloud.clock())
        cloud.catalog.runs.close(
            ended(RunStatus.FAILED, one), analysis(cloud), AnalysisStatus.FAILED, cloud.clock()
        )
    attempts = [r.attempt for r in cloud.catalog.runs.of_key(RUN.id.analysis, RUN.run_key)]
    assert attempts == [1, 2, 10]


def test_every_audit_event_has_a_time_and_a_cause_of_its_own(cloud: Cloud) -> None:
    seen = claimed(cloud)
    cloud.catalog.runs.mark_running(RUN, "arn:1", STAGES, cloud.clock())
    cloud.catalog.runs.close(
        ended(RunStatus.SUCCEEDED), seen, AnalysisStatus.ANALYSED, cloud.clock()
    )
    events = trail(cloud)
    assert [str(e["sk"]).split("#", 1)[1] for e in events] == [
        f"claim#{RUN.id.short}", f"run#{RUN.id.short}", f"close#{RUN.id.short}",
    ]  # fmt: skip
    assert all(event["who"] == "seqdrop" for event in events)


@pytest.mark.parametrize("way", ["claim", "adopt"])
def test_no_run_is_taken_with_a_reference_that_was_retired(cloud: Cloud, way: str) -> None:
    references = cloud.catalog.references
    references.retire(references.choose("tiny"), "wrong", "an analyst", cloud.clock())
    with pytest.raises(Conflict):
        if way == "claim":
            cloud.catalog.runs.claim(analysis(cloud), RUN, FROZEN, TINY, cloud.clock())
        else:
            cloud.catalog.runs.adopt(analysis(cloud), RUN, TINY, cloud.clock())
    assert cloud.catalog.runs.get(RUN.id) is None
    assert analysis(cloud).status is AnalysisStatus.RECEIVING
