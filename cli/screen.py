"""What commands print: JSON, plain text, and tables; nothing but text where nobody looks on."""

import re
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import typer

if TYPE_CHECKING:
    from rich.console import Console


def emit(document: Any) -> None:
    """One JSON document. What is no Unicode in it, as in some paths, is replaced."""
    try:
        data = msgspec.json.encode(document)
    except UnicodeEncodeError:
        data = msgspec.json.encode(_unicode(msgspec.to_builtins(document)))
    typer.echo(msgspec.json.format(data, indent=2).decode())


def _unicode(value: Any) -> Any:
    """The same with a replacement character for each byte that was no UTF-8."""
    if isinstance(value, str):
        return re.sub("[\ud800-\udfff]", "\N{REPLACEMENT CHARACTER}", value)
    if isinstance(value, dict):
        return {_unicode(key): _unicode(one) for key, one in value.items()}
    return [_unicode(one) for one in value] if isinstance(value, list | tuple) else value


def say(text: str) -> None:
    """One line for a person."""
    typer.echo(clean(text))


def warn(text: str) -> None:
    """One line on standard error."""
    typer.echo(clean(text), err=True)


def clean(text: str) -> str:
    """Text that moves no cursor: names and reasons come from outside."""
    return "".join(c if c.isprintable() or c == "\t" else "\N{REPLACEMENT CHARACTER}" for c in text)


def on_terminal() -> bool:
    """Whether a person looks on."""
    return sys.stdout.isatty()


def console() -> "Console":
    """A console for what moves or has colours; only where a person looks on."""
    from rich.console import Console

    return Console(highlight=False, markup=False, emoji=False)


def show_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table: drawn on a terminal, aligned columns elsewhere. The last column may be long."""
    cells = [[clean(cell) for cell in row] for row in rows]
    if not on_terminal():
        for row in aligned([[c.upper() for c in columns], *cells]):
            typer.echo(row)
        return
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns, box=None, header_style="bold", pad_edge=False)
    for line in cells:
        table.add_row(*(Text(cell, style_of(cell)) for cell in line))
    console().print(table)


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows as lines, each column as wide as its widest cell."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


_STYLES = {
    "ANALYSED": "green",
    "SUCCEEDED": "green",
    "READY": "green",
    "NO_READS": "green",
    "PASS": "green",
    "REUSED": "cyan",
    "ANALYSING": "blue",
    "RUNNING": "blue",
    "PREPARING": "blue",
    "HELD": "yellow",
    "DISMISSED": "dim",
    "WARN": "yellow",
    "FAILED": "red",
    "ABORTED": "red",
    "FAIL": "red",
}


def style_of(word: str) -> str:
    """The colour of a status."""
    return _STYLES.get(word, "")
