"""Update expressions: stock moto's faults, and that the same text serves any names and values."""

import copy
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from moto.core import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.parsing.ast_nodes import Node
from moto.dynamodb.parsing.expressions import ExpressionTokenizer, UpdateExpressionParser
from moto.dynamodb.parsing.validators import ActionCountValidator, UpdateExpressionValidator

from local import dynamodb

TEXT = "SET #a = if_not_exists(#a, :one) + :more, nested.b = :b REMOVE c, d[1] ADD n :more"


@pytest.fixture
def patches() -> Iterator[None]:
    """Ours, for one test."""
    with dynamodb.patched():
        yield


@pytest.fixture
def parsings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that are taken apart."""
    seen: list[str] = []
    stock = ExpressionTokenizer.make_list.__func__

    def noted(cls: type, text: str) -> Any:
        seen.append(text)
        return stock(cls, text)

    monkeypatch.setattr(ExpressionTokenizer, "make_list", classmethod(noted))
    return seen


def shown(node: Any) -> Any:
    """A tree's types and leaves, and whether each child knows its parent."""
    if not isinstance(node, Node):
        return node
    children = node.children or []
    know = [child.parent is node for child in children if isinstance(child, Node)]
    return type(node).__name__, know, [shown(child) for child in children]


def test_stock_moto_parses_a_text_each_time(parsings: list[str]) -> None:
    for _ in range(2):
        UpdateExpressionParser.make("SET stock = :one")
    assert len(parsings) == 2


def test_a_text_is_parsed_once(patches: None, parsings: list[str]) -> None:
    for _ in range(3):
        UpdateExpressionParser.make("SET ours = :one")
    assert len(parsings) == 1


def test_stock_moto_works_out_a_traverser_s_types_each_time() -> None:
    traverser = ActionCountValidator()
    assert traverser.nodes_to_be_processed() is not traverser.nodes_to_be_processed()


def test_ours_makes_the_same_of_a_tree_as_stock() -> None:
    def validated() -> Any:
        values = {":one": {"N": "1"}, ":more": {"N": "2"}, ":b": {"S": "b"}}
        item = Item(
            DynamoType({"S": "x"}),
            None,
            {
                "pk": {"S": "x"},
                "nested": {"M": {}},
                "c": {"S": "c"},
                "d": {"L": [{"S": "0"}, {"S": "1"}]},
                "n": {"N": "1"},
            },
        )
        table = SimpleNamespace(table_key_attrs=["pk"], attr=[], attribute_keys=["pk"])
        tree = UpdateExpressionParser.make(TEXT)
        return UpdateExpressionValidator(tree, {"#a": "a"}, values, item, table).validate()

    stock = shown(validated())
    with dynamodb.patched():
        assert shown(validated()) == stock


def test_stock_nodes_are_copied_by_pickle_s_protocol() -> None:
    assert not hasattr(Node, "__deepcopy__")


def test_a_copied_tree_is_the_same_and_shares_no_node(patches: None) -> None:
    tree = UpdateExpressionParser.make(TEXT)
    before = shown(tree)
    twin = copy.deepcopy(tree)
    assert shown(twin) == before
    assert not {id(n) for n in nodes(tree)} & {id(n) for n in nodes(twin)}
    twin.children[0].children.clear()
    assert shown(tree) == before


def nodes(tree: Node) -> Iterator[Node]:
    yield tree
    for child in tree.children or []:
        if isinstance(child, Node):
            yield from nodes(child)


def test_one_text_serves_other_names_values_and_items(patches: None) -> None:
    backend = dynamodb_backends[DEFAULT_ACCOUNT_ID]["us-east-1"]
    backend.create_table(
        "t", schema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        attr=[{"AttributeName": "pk", "AttributeType": "S"}], billing_mode="PAY_PER_REQUEST",
        throughput=None, indexes=[], global_indexes=[], streams=None, sse_specification=None,
        tags=[], deletion_protection_enabled=False, warm_throughput=None,
    )  # fmt: skip
    text = "SET #name = if_not_exists(#name, :start) + :more"
    for key, name, start, more in [("x", "a", 10, 1), ("y", "b", 20, 2), ("x", "a", 99, 5)]:
        values = {":start": {"N": str(start)}, ":more": {"N": str(more)}}
        backend.update_item("t", {"pk": {"S": key}}, text, {"#name": name}, values)
    found = {k: backend.get_item("t", {"pk": {"S": k}}).to_json()["Attributes"] for k in "xy"}
    backend.reset()
    assert found == {
        "x": {"pk": {"S": "x"}, "a": {"N": "16"}},
        "y": {"pk": {"S": "y"}, "b": {"N": "22"}},
    }
