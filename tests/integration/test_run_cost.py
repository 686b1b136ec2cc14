"""What a run costs beside its jobs, and that the figure counts what it says."""

from collections.abc import Iterator
from typing import Any

import pytest

from benchmarks import run_cost
from benchmarks.run_cost import Meter
from tests.cloud_support import TABLE, Cloud, client_of, open_cloud

KEY = {"pk": {"S": "SAMPLE#A"}, "sk": {"S": "RUN#1"}}
STATUS = {"by_status_pk": {"S": "STATUS#X#1"}, "by_status_sk": {"S": "1"}}


@pytest.fixture
def meter(cloud: Cloud) -> Meter:
    return Meter(client_of("dynamodb"))


@pytest.fixture
def cloud(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    with open_cloud(tmp_path, monkeypatch) as cloud:
        yield cloud


def item(size: int) -> dict[str, Any]:
    """An item with a value of so many bytes."""
    return {**KEY, "text": {"S": "x" * size}}


def test_a_run_of_two_stages_costs_no_more_than_its_aim() -> None:
    (measured,) = run_cost.measure()
    assert measured.met
    transitions, writes, reads, _ = measured.notes
    assert transitions.startswith("7 transitions")
    assert "BLUEPRINT" in writes
    assert "index of ANALYSIS" in writes
    assert "RUN" in reads


def test_a_write_is_counted_by_the_larger_of_what_was_and_what_is(meter: Meter) -> None:
    meter.put_item(TableName=TABLE, Item=item(1_500))
    meter.put_item(TableName=TABLE, Item=item(10))
    meter.put_item(TableName=TABLE, Item=item(10))
    assert meter.writes["RUN"] == 2 + 2 + 1


def test_a_transaction_is_counted_twice_and_one_that_fails_too(meter: Meter) -> None:
    put = {"Put": {"TableName": TABLE, "Item": item(1_500)}}
    meter.transact_write_items(TransactItems=[put])
    assert meter.writes["RUN"] == 4
    put["Put"]["ConditionExpression"] = "attribute_not_exists(pk)"
    with pytest.raises(Exception, match="ConditionalCheckFailed"):
        meter.transact_write_items(TransactItems=[put])
    assert meter.writes["RUN"] == 8


def test_an_index_is_written_where_an_entry_comes_changes_or_moves(meter: Meter) -> None:
    moved = {**STATUS, "by_status_sk": {"S": "2"}}
    for attributes, units in (
        (STATUS, 1), (STATUS, 0), ({**STATUS, "why": {"S": "x"}}, 1), (moved, 2), ({}, 1),
    ):  # fmt: skip
        before = meter.writes["index of RUN"]
        meter.put_item(TableName=TABLE, Item={**KEY, **attributes})
        assert meter.writes["index of RUN"] - before == units


def test_a_read_is_counted_by_four_kilobytes_and_half_where_it_may_be_old(meter: Meter) -> None:
    meter.put_item(TableName=TABLE, Item=item(5_000))
    meter.get_item(TableName=TABLE, Key=KEY, ConsistentRead=True)
    assert meter.reads["RUN"] == 2
    meter.get_item(TableName=TABLE, Key=KEY)
    assert meter.reads["RUN"] == 3
