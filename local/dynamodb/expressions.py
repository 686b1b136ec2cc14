"""Update expressions in moto: each text is parsed once, and its tree copied without ado.

A tree is made from the text alone; names and values come in with the copy that each update gets.
"""

import copy
from functools import lru_cache
from typing import Any

from moto.dynamodb.parsing.ast_nodes import DepthFirstTraverser, Node, UpdateExpression
from moto.dynamodb.parsing.expressions import UpdateExpressionParser

_KEPT_TREES = 1024
_stock_make = UpdateExpressionParser.make.__func__


def make(_parser: type[UpdateExpressionParser], text: str) -> UpdateExpression:
    """Stock ``make``, once for each text: nobody changes the tree that it gives."""
    return _tree_of(text)


@lru_cache(_KEPT_TREES)
def _tree_of(text: str) -> UpdateExpression:
    return _stock_make(UpdateExpressionParser, text)


def copy_of_node(node: Node, memo: dict[int, Any]) -> Node:
    """What ``deepcopy`` makes of a node, without the way round by pickle's protocol."""
    twin = memo[id(node)] = object.__new__(type(node))
    vars(twin).update(vars(node))
    twin.parent = memo.get(id(node.parent), node.parent)
    if node.children is not None:
        twin.children = [copy.deepcopy(child, memo) for child in node.children]
    return twin


def nodes_to_be_processed(traverser: DepthFirstTraverser) -> tuple[type, ...]:
    """The types of nodes that a traverser is for, kept with it."""
    types: tuple[type, ...] | None = vars(traverser).get("_types")
    if types is None:
        types = traverser._types = tuple(traverser._processing_map())
    return types
