"""The patched DynamoDB gives stock moto's answers, whatever is asked of it."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moto import mock_aws
from moto.dynamodb.models import dynamodb_backends

from local import dynamodb

ACCOUNT, REGION, TABLE = "123456789012", "us-east-1", "catalog"
Operation = tuple[str, dict[str, Any]]


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as environment, mock_aws():
        environment.setenv("AWS_ACCESS_KEY_ID", "test")
        environment.setenv("AWS_SECRET_ACCESS_KEY", "test")
        yield boto3.client("dynamodb", region_name=REGION)


def make_table(client: Any) -> None:
    keys = {"pk": "S", "sk": "S", "status": "S", "rank": "N"}
    client.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": kind} for name, kind in keys.items()
        ],
        KeySchema=schema("pk", "sk"),
        GlobalSecondaryIndexes=[
            {"IndexName": name, "KeySchema": schema(*names), "Projection": {"ProjectionType": kept}}
            for name, names, kept in [
                ("ranked", ("status", "rank"), "ALL"),
                ("grouped", ("status",), "KEYS_ONLY"),
                ("turned", ("sk", "pk"), "ALL"),
            ]
        ],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )


def schema(*names: str) -> list[dict[str, str]]:
    kinds = ("HASH", "RANGE")
    return [{"AttributeName": n, "KeyType": k} for n, k in zip(names, kinds, strict=False)]


def answer(client: Any, operation: Operation) -> Any:
    name, arguments = operation
    try:
        response = getattr(client, name)(**arguments)
    except ClientError as error:
        body = dict(error.response)
        body.pop("ResponseMetadata")
        return body
    response.pop("ResponseMetadata")
    return response


def stream() -> list[tuple[Any, ...]]:
    shard = dynamodb_backends[ACCOUNT][REGION].tables[TABLE].stream_shard
    return [
        (
            r.record["eventName"],
            *(str(r.record["dynamodb"].get(i)) for i in ("OldImage", "NewImage")),
        )
        for r in shard.items
    ]


def play(client: Any, operations: list[Operation]) -> list[Any]:
    make_table(client)
    answers = [answer(client, operation) for operation in operations]
    answers.append(client.scan(TableName=TABLE)["Items"])
    answers.append(stream())
    client.delete_table(TableName=TABLE)
    return answers


partitions = st.sampled_from(["a", "b"])
ranks = st.integers(-2, 12).map(str)
sort_keys = st.sampled_from(["f#1", "f#2", "f#3", "g", "g#1", "h", "i"])
statuses = st.sampled_from(["held", "ready"])
conditions: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [
        {},
        {},
        {"ConditionExpression": "attribute_not_exists(pk)"},
        {
            "ConditionExpression": "attribute_exists(pk)",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        },
    ]
)


@st.composite
def keys(draw: st.DrawFn) -> dict[str, Any]:
    return {"pk": {"S": draw(partitions)}, "sk": {"S": draw(sort_keys)}}


@st.composite
def puts(draw: st.DrawFn) -> dict[str, Any]:
    item = draw(keys())
    if draw(st.booleans()):
        item["status"] = {"S": draw(statuses)}
    if draw(st.booleans()):
        item["rank"] = {"N": draw(ranks)}
    if draw(st.booleans()):
        item["seen"] = {"N": "1"}
    item["digest"] = {"B": b"\x00\xff"}
    item["files"] = {"L": [{"M": {"lane": {"S": draw(sort_keys)}}}]}
    return {"TableName": TABLE, "Item": item, **draw(conditions)}


UPDATES: list[tuple[str, dict[str, Any]]] = [
    ("SET #s = :s ADD seen :n", {":s": {"S": "ready"}, ":n": {"N": "1"}}),
    ("SET #s = :s, #r = :n", {":s": {"S": "held"}, ":n": {"N": "5"}}),
    ("REMOVE #s SET note = :s", {":s": {"S": "x"}}),
    ("SET tally = gone + :n", {":n": {"N": "1"}}),
]


@st.composite
def updates(draw: st.DrawFn) -> dict[str, Any]:
    expression, values = draw(st.sampled_from(UPDATES))
    names = {"#s": "status", "#r": "rank"}
    return {
        "TableName": TABLE,
        "Key": draw(keys()),
        "UpdateExpression": expression,
        "ExpressionAttributeValues": values,
        **draw(conditions),
        **(
            {"ExpressionAttributeNames": used}
            if (used := {k: v for k, v in names.items() if k in expression})
            else {}
        ),
    }


@st.composite
def deletes(draw: st.DrawFn) -> dict[str, Any]:
    return {"TableName": TABLE, "Key": draw(keys()), **draw(conditions)}


@st.composite
def checks(draw: st.DrawFn) -> dict[str, Any]:
    condition = {"ConditionExpression": "attribute_exists(pk)"}
    return {"TableName": TABLE, "Key": draw(keys()), **condition}


@st.composite
def transactions(draw: st.DrawFn) -> dict[str, Any]:
    kinds = st.one_of(
        puts().map(lambda put: {"Put": put}),
        updates().map(lambda update: {"Update": update}),
        deletes().map(lambda delete: {"Delete": delete}),
        checks().map(lambda check: {"ConditionCheck": check}),
    )
    return {"TransactItems": draw(st.lists(kinds, min_size=1, max_size=4, unique_by=key_in))}


def key_in(operation: dict[str, Any]) -> str:
    (details,) = operation.values()
    named = details.get("Key") or details["Item"]
    return str((named["pk"], named["sk"]))


@st.composite
def sort_conditions(draw: st.DrawFn, name: str, kind: str) -> tuple[str, dict[str, Any]]:
    drawn = ranks if kind == "N" else st.sampled_from(["f", "f#1", "g", "h", "z"])
    values = sorted((draw(drawn), draw(drawn)), key=float if kind == "N" else str)
    low, high = ({kind: value} for value in values)
    comparison = draw(st.sampled_from(["=", "<", "<=", ">", ">=", "BETWEEN", "begins_with", ""]))
    if not comparison or (comparison == "begins_with" and kind == "N"):
        return "", {}
    if comparison == "BETWEEN":
        return f" AND {name} BETWEEN :low AND :high", {":low": low, ":high": high}
    if comparison == "begins_with":
        return f" AND begins_with({name}, :low)", {":low": low}
    return f" AND {name} {comparison} :low", {":low": low}


@st.composite
def queries(draw: st.DrawFn) -> dict[str, Any]:
    index, hash_name, sort_name, kind = draw(
        st.sampled_from(
            [
                ("", "pk", "sk", "S"),
                ("ranked", "#s", "#r", "N"),
                ("grouped", "#s", "", ""),
                ("turned", "sk", "pk", "S"),
            ]
        )
    )
    text, values = draw(sort_conditions(sort_name, kind)) if sort_name else ("", {})
    drawn = {"pk": partitions, "#s": statuses, "sk": sort_keys}[hash_name]
    condition = f"{hash_name} = :hash{text}"
    names = {"#s": "status", "#r": "rank"}
    asked: dict[str, Any] = {
        "TableName": TABLE,
        "KeyConditionExpression": condition,
        "ExpressionAttributeValues": {":hash": {"S": draw(drawn)}, **values},
        "ScanIndexForward": draw(st.booleans()),
        **({"IndexName": index} if index else {}),
        **({"Limit": limit} if (limit := draw(st.integers(0, 4))) else {}),
    }
    if draw(st.booleans()):
        asked["FilterExpression"] = "attribute_exists(seen)"
    if used := {name: full for name, full in names.items() if name in condition}:
        asked["ExpressionAttributeNames"] = used
    return asked


def every_page(client: Any, asked: dict[str, Any]) -> list[Any]:
    pages = [answer(client, ("query", asked))]
    while "LastEvaluatedKey" in pages[-1]:
        start = pages[-1]["LastEvaluatedKey"]
        pages.append(answer(client, ("query", {**asked, "ExclusiveStartKey": start})))
    return pages


operations = st.one_of(
    st.tuples(st.just("put_item"), puts()),
    st.tuples(st.just("update_item"), updates()),
    st.tuples(st.just("delete_item"), deletes()),
    st.tuples(st.just("query"), queries()),
    st.tuples(st.just("transact_write_items"), transactions()),
)


@given(
    first=st.lists(puts(), min_size=5, max_size=10),
    history=st.lists(operations, min_size=5, max_size=25),
    asked=st.lists(queries(), max_size=6),
)
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
def test_any_history_is_answered_as_stock_moto_answers_it(
    client: Any,
    first: list[dict[str, Any]],
    history: list[Operation],
    asked: list[dict[str, Any]],
) -> None:
    make = [*(("put_item", put) for put in first), *history, *(("query", q) for q in asked)]
    stock = play(client, make)
    with dynamodb.patched():
        assert play(client, make) == stock


@given(items=st.lists(puts(), min_size=8, max_size=20), asked=st.lists(queries(), min_size=4))
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
def test_every_page_of_any_query_is_stock_motos(
    client: Any, items: list[dict[str, Any]], asked: list[dict[str, Any]]
) -> None:
    make_table(client)
    for put in items:
        answer(client, ("put_item", put))
    stock = [every_page(client, query) for query in asked]
    with dynamodb.patched():
        assert [every_page(client, query) for query in asked] == stock
    client.delete_table(TableName=TABLE)
