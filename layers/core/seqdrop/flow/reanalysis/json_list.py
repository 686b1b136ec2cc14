"""A list as JSON, written value by value: it need not fit into memory."""

from collections.abc import Callable

import msgspec


class JsonList:
    """Writes a JSON list, value by value."""

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write = write
        self._before = b"[\n"

    def add(self, value: msgspec.Struct) -> None:
        """One more."""
        self._write(self._before + msgspec.json.encode(value))
        self._before = b",\n"

    def finish(self) -> None:
        """The end of the list; of an empty one, too."""
        self._write(b"\n]\n" if self._before == b",\n" else b"[]\n")
