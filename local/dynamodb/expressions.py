"""Update expressions in moto: each text is parsed once, and its tree copied without ado.

A tree is made from the text alone; names and values come in with the copy that each update gets.
"""

import copy
from functools import cache, lru_cache
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
        twin.children = [_copy_of_child(child, memo) for child in node.children]
    return twin


def _copy_of_child(child: Any, memo: dict[int, Any]) -> Any:
    if child.__class__ is str:
        return child
    is_new_node = _is_node(child.__class__) and id(child) not in memo
    return copy_of_node(child, memo) if is_new_node else copy.deepcopy(child, memo)


def traverse(traverser: DepthFirstTraverser, node: Any, child_id: int = -1) -> Any:
    """Stock ``traverse_node_recursively``; which types a traverser is for is found once."""
    type_ = node.__class__
    if not _is_node(type_):
        return node
    parent = node.parent
    for number, child in enumerate(node.children or ()):
        traverser.pre_processing_of_child(node, number)
        traverse(traverser, child, number)
    processors = vars(traverser).get("_processors")
    if processors is None:
        processors = traverser._processors = traverser._processing_map()
    process = _processor_of(tuple(processors), type_)
    if process is not None:
        node = processors[process](node)
        node.parent = parent
        if parent:
            parent.children[child_id] = node
    return node


@cache
def _is_node(type_: Any) -> bool:
    """Kept for each type: ``issubclass`` is slow with abstract classes."""
    return issubclass(type_, Node)


@cache
def _processor_of(types: tuple[Any, ...], type_: Any) -> Any:
    return next((one for one in types if issubclass(type_, one)), None)
