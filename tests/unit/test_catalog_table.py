"""The table's adapter: what DynamoDB answers that an emulator never does."""

from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from seqdrop.aws.catalog.table import Table
from seqdrop.domain.errors import Conflict, Transient

KEY = ("SAMPLE#NA1", "ANALYSIS#wgs")


@pytest.fixture
def stubbed(monkeypatch: pytest.MonkeyPatch) -> tuple[Table, Stubber]:
    """A table whose DynamoDB is scripted, and whose pauses take no time."""
    monkeypatch.setattr("seqdrop.aws.catalog.table.pause", lambda *_: None)
    client: Any = boto3.client("dynamodb", "us-east-1")
    stubber = Stubber(client)
    stubber.activate()
    return Table(client, "catalog"), stubber


def test_a_write_waits_for_a_transaction_on_its_item(stubbed: tuple[Table, Stubber]) -> None:
    table, stubber = stubbed
    stubber.add_client_error("update_item", "TransactionConflictException", http_status_code=400)
    stubber.add_response("update_item", {"Attributes": {"status": {"S": "HELD"}}})
    assert table.update(KEY, sets={"status": "HELD"}) == {"status": "HELD"}


def test_a_transaction_that_never_ends_is_a_passing_fault(stubbed: tuple[Table, Stubber]) -> None:
    table, stubber = stubbed
    for _ in range(50):
        stubber.add_client_error("put_item", "TransactionConflictException", http_status_code=400)
    with pytest.raises(Transient, match="too many writers"):
        table.put({"pk": "a", "sk": "b"})


def test_a_condition_that_fails_is_not_tried_again(stubbed: tuple[Table, Stubber]) -> None:
    table, stubber = stubbed
    code = "ConditionalCheckFailedException"
    stubber.add_client_error("put_item", code, http_status_code=400)
    with pytest.raises(Conflict):
        table.put({"pk": "a", "sk": "b"}, ("pk", "absent", None))
    stubber.assert_no_pending_responses()
