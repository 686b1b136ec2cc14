"""What is wrong with a file, collected so that one message names it all."""

from seqdrop.domain.errors import InvalidInput, InvalidReference

SHOWN_PROBLEMS = 10
"""How many faults of one file a message lists; the rest are counted."""


class Problems:
    """The faults of one file, by line."""

    def __init__(
        self, file: str, *, stop: bool = False, error: type[InvalidInput] = InvalidReference
    ) -> None:
        """``stop``: raise as soon as there are as many as are shown, for files of gigabytes."""
        self._file, self._stop, self._error = file, stop, error
        self._shown: list[str] = []
        self._count = 0

    def __bool__(self) -> bool:
        """Whether there is any."""
        return self._count > 0

    def add(self, line: int, problem: str) -> None:
        """One more; the text goes on after the file's name and the line's number."""
        self._count += 1
        if self._count <= SHOWN_PROBLEMS:
            self._shown.append(f"{self._file}, line {line} {problem}")
        if self._stop and self._count == SHOWN_PROBLEMS:
            raise self._error("\n".join([*self._shown, "there may be more"]))

    def raise_any(self) -> None:
        """Raises the error where there is one."""
        more = self._count - len(self._shown)
        rest = [f"{self._file} has {more} more such lines"] if more else []
        if self._shown:
            raise self._error("\n".join(self._shown + rest))
