"""The orders that are played miss no rule: with any one of them broken, some end wrongly."""

import itertools
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from seqdrop.domain import inputs, intake
from seqdrop.domain.expectation import Expectation, Named
from seqdrop.domain.identity import ObjectName
from seqdrop.domain.records import Analysis
from seqdrop.domain.sameness import Sameness, Verdict
from seqdrop.flow import intake as intake_flow
from seqdrop.flow import manifests as manifests_flow
from tests import intake_world
from tests.intake_player import OPERATIONS
from tests.unit.test_intake_orders import check

CONDITIONS = ("revision", "placement", "expect", "begin", "newest")
_SEEDS = 8
"""Each pair of operations is played so often before a broken rule counts as missed."""


def _is_caught() -> bool:
    """Whether any order ends otherwise than it should, or does not end at all."""
    for operations in itertools.product(OPERATIONS, repeat=2):
        for seed in range(_SEEDS):
            try:
                check(("R1", "R2", *operations), seed, races=True)
            except (AssertionError, LookupError, RecursionError):
                return True
    return False


@pytest.mark.parametrize("condition", CONDITIONS)
def test_a_write_without_one_of_its_conditions_is_caught(
    condition: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    left_out = frozenset({condition})
    monkeypatch.setattr(intake_world, "UNCHECKED", left_out)
    assert _is_caught()


def _any_manifest(said: Any) -> Expectation | None:
    return next(iter([one for one in said if one.file]), None)


def _never_again(analysis: Analysis) -> list[ObjectName]:
    return []


def _unsealed(before: Analysis | None, after: Analysis, **_: object) -> Analysis | None:
    return after


def _same_bytes_first(known: Any, rival: Any, file: Any) -> Any:
    if known.sameness.verdict is Verdict.SAME:
        return intake.Keep("the same bytes", beside=file.identity)
    return _DECIDE_RIVAL(known, rival, file)


_DECIDE_RIVAL = intake._decide_rival


def _never_replaced(known: Any, registered: Any, file: Any) -> Any:
    return intake.Keep("it is registered", registered)


def _first_counts(known: Any, rival: Any, file: Any) -> Any:
    return intake.LeaveOut("another one came first", file.identity)


def _holds_nothing(known: Any, rival: Any, file: Any) -> Any:
    decision = _DECIDE_RIVAL(known, rival, file)
    if isinstance(decision, intake.PutBeside):
        return intake.LeaveOut(decision.why, decision.identity)
    return decision


def _still_waiting(analysis: Analysis, object_: ObjectName) -> Analysis:
    return analysis


def _with_its_hold(analysis: Analysis, object_: ObjectName) -> Analysis:
    changed = _WITHOUT_OBJECT(analysis, object_)
    return msgspec.structs.replace(changed, holds=analysis.holds)


_WITHOUT_OBJECT = inputs.without_object


def _forgetting(self: Named, named: frozenset[ObjectName]) -> Named:
    return Named(named)


def _everything_is_the_same(*_: Any) -> Sameness:
    return Sameness(Verdict.SAME, "")


def _nothing_is_lost(known: Any, home: Any) -> Any:
    return intake.Keep("it was there once")


MUTANTS: dict[str, list[tuple[Any, str, Callable[..., Any]]]] = {
    "any manifest counts, not the newest": [
        (intake_flow, "expectation_that_counts", _any_manifest)
    ],
    "what was set aside is never looked at again": [
        (intake_world, "to_look_at_again", _never_again)
    ],
    "a change of the inputs opens nothing": [
        (intake, "sealed", _unsealed), (manifests_flow, "sealed", _unsealed),
    ],
    "the same bytes count before what a manifest names": [
        (intake, "_decide_rival", _same_bytes_first)
    ],
    "a new version changes nothing": [(intake, "_decide_own", _never_replaced)],
    "the first object of an identity counts": [(intake, "_decide_rival", _first_counts)],
    "two objects of one identity hold nothing": [(intake, "_decide_rival", _holds_nothing)],
    "an analysis goes on waiting for what a newer manifest puts elsewhere": [
        (intake, "not_expecting", _still_waiting)
    ],
    "a hold stays when its object is gone": [(intake, "without_object", _with_its_hold)],
    "what a manifest named before is forgotten": [(Named, "followed_by", _forgetting)],
    "all objects are the same": [
        (intake_world.Bucket, "same_content", _everything_is_the_same)
    ],
    "a deleted file counts": [(intake, "_decide_gone", _nothing_is_lost)],
}  # fmt: skip


@pytest.mark.parametrize("rule", MUTANTS)
def test_a_broken_rule_is_caught(rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for owner, name, broken in MUTANTS[rule]:
        monkeypatch.setattr(owner, name, broken)
    assert _is_caught()


def test_no_order_ends_wrongly_while_nothing_is_broken() -> None:
    assert not _is_caught()
