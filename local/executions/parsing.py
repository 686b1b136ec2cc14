"""A definition's grammar, worked out once; stock moto does so for each execution."""

import functools
from typing import Any

from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.asl.parse.preprocessor import Preprocessor

_stock_parse = AmazonStateLanguageParser.parse


@functools.lru_cache(maxsize=32)
def _tree(definition: str) -> Any:
    return _stock_parse(definition)[1]


def _parse(definition: str) -> tuple[Any, Any]:
    """The program, made anew for each execution, and the grammar's tree, which nobody changes."""
    tree = _tree(definition)
    return Preprocessor().visit(tree), tree


def parse_definitions_once() -> None:
    """Keeps the grammar's tree of each definition: it is four fifths of the work of parsing."""
    AmazonStateLanguageParser.parse = staticmethod(_parse)
