"""Each condition expression that intake writes with is needed: without it, some order ends wrongly.

Two more hold a claim to a reference that is READY; tests/integration/test_catalog_runs.py and
test_catalog_references.py are about them.
"""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seqdrop.aws.catalog.table import Table
from tests.integration.test_intake_orders import (
    Expression,
    ends_wrongly,
    expression_of,
    open_player,
)

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")
_CUT, _OTHER_CUT = "a manifest that is cut off", "another manifest that is cut off"
_IN_RUN = "manifest of the run's folder"
_R1_IN_RUN, _R2_IN_RUN = "R1 in the run's folder", "R2 in the run's folder"
_FOR_SAMPLE = "the same manifest for another sample"
_FOR_ASSAY = "the same manifest for another assay"
_OTHER_FOR_SAMPLE = "another manifest for another sample"
_DELETED = "the manifest deleted"

Operations = tuple[str, ...]
CAUGHT: dict[Expression, tuple[Operations, int]] = {
    ("Analyses._difference", "ANALYSIS", "revision ="): (("R1 with other bytes",), 593),
    ("Analyses._write_of", "ANALYSIS", "pk absent"): (("another manifest",), 49),
    ("Analyses._write_of", "ANALYSIS", "revision ="): (("R1 deleted", "R2"), 55),
    ("Analyses.settle", "ANALYSIS", "generation =", "status ="): ((_CUT,), 228),
    ("ManifestRecords.apply", "NEWEST", "version ="): (
        (_FOR_ASSAY, _IN_RUN, _OTHER_FOR_SAMPLE), 335,
    ),
    ("ManifestRecords.begin", "NEWEST", "order absent or <="): ((_IN_RUN, _FOR_SAMPLE), 795),
    ("ManifestRecords.freed", "NEWEST", "version ="): (
        (_CUT, _FOR_ASSAY, _OTHER_CUT, _R1_IN_RUN, _R2_IN_RUN, _DELETED), 48,
    ),
    ("ManifestRecords.refuse", "NEWEST", "version ="): (
        (_CUT, _OTHER_CUT, _R1_IN_RUN, _R2_IN_RUN, _FOR_ASSAY), 10,
    ),
    ("ManifestRecords.withdraw", "NEWEST", "version ="): (
        (_CUT, _DELETED, "manifest of two samples", _R1_IN_RUN, _R2_IN_RUN), 7,
    ),
    ("Runs.adopt", "ANALYSIS", "generation =", "active_run absent", "options absent"): (
        (_IN_RUN, "another manifest"), 544,
    ),
    ("Runs.claim", "ANALYSIS", "generation =", "active_run absent", "options absent"): (
        ("R1 of another lane",), 581,
    ),
    ("Runs.claim", "RUN", "pk absent"): ((_CUT, _DELETED), 329),
    ("Runs.close", "ANALYSIS", "active_run =", "generation ="): ((_IN_RUN,), 405),
    ("Uploads._placement_write", "PLACED", "pk absent"): ((_FOR_SAMPLE,), 86),
    ("Uploads._placement_write", "PLACED", "revision ="): ((_FOR_ASSAY, _CUT, _IN_RUN), 174),
    ("Uploads.expect", "EXPECTED", "order absent or <"): ((_FOR_SAMPLE, _FOR_ASSAY), 304),
    ("Uploads.expect", "EXPECTED", "order absent or <", "file absent"): (
        (_IN_RUN, _FOR_ASSAY, _CUT), 787,
    ),
    ("Uploads.expect", "EXPECTED", "order absent or <="): ((_IN_RUN, _FOR_ASSAY), 70),
}  # fmt: skip
"""Operations after a pair, and how their events come, that end wrongly without an expression."""
OF_REFERENCES = {
    ("References.add", "VERSION", "pk absent"),
    ("Runs._ready_check", "VERSION", "state ="),
}
_SEEDS = 300
"""So many seeds are tried where the noted one ends well by now."""


@pytest.mark.parametrize("expression", CAUGHT, ids="/".join)
def test_without_any_one_condition_expression_an_order_ends_wrongly(
    expression: Expression, tmp_path: Path
) -> None:
    operations, seed = CAUGHT[expression]
    played = ("R1", "R2", *operations)
    wrong = next(
        one
        for one in itertools.chain([seed], range(_SEEDS))
        if ends_wrongly(tmp_path, played, one, expression)
    )
    assert not ends_wrongly(tmp_path, played, wrong)


def test_there_are_no_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: set[Expression] = set()
    for name in ("put_write", "update_write", "delete_write", "check_write"):
        monkeypatch.setattr(Table, name, _noted(seen, getattr(Table, name)))
    for operations, seed in CAUGHT.values():
        with open_player(tmp_path, (("R1", "R2", *operations), seed)) as player:
            player.play(("R1", "R2", *operations))
    assert seen == set(CAUGHT) | OF_REFERENCES


def _noted(seen: set[Expression], make: Callable[..., Any]) -> Callable[..., Any]:
    """A write whose condition expression is noted, if it has one."""

    def making(table: Table, where: Any, *given: Any, **named: Any) -> Any:
        if conditions := (*given, *named.get("conditions", ())):
            seen.add(expression_of(where, conditions))
        return make(table, where, *given, **named)

    return making
