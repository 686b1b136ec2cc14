"""Definitions and paths, parsed once; stock moto parses them for each execution and each use."""

import functools
from typing import Any

from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.asl.parse.preprocessor import Preprocessor
from moto.stepfunctions.parser.asl.utils import json_path

_stock_parse = AmazonStateLanguageParser.parse
_stock_parse_path = json_path.parse


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


def parse_paths_once() -> None:
    """Keep what a JSONPath comes to: stock moto makes the tables of a parser for each look."""
    json_path.parse = functools.lru_cache(maxsize=512)(_stock_parse_path)
