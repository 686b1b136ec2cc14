"""Text files: a line ends at its line feed and nowhere else, whoever reads it.

Python's text files and ``str.splitlines`` end lines at other characters too (vertical tab, NEL,
U+2028), so that one reader sees more lines than another. And bytes that are no UTF-8 stop a
reader before anyone can say in which line they are.
"""

from collections.abc import Iterable, Iterator


def text_lines(lines: Iterable[bytes]) -> Iterator[str]:
    """The lines of a file that was opened as bytes, with their ends.

    What is no UTF-8 is kept as surrogates: ``unprintable`` finds it.
    """
    return (line.decode("utf-8", "surrogateescape") for line in lines)


def unprintable(text: str) -> str:
    """What a line holds that no table or report can show, and what to do; tabs are none of it."""
    for character in text:
        if "\udc80" <= character <= "\udcff":
            return (
                f"holds the byte 0x{ord(character) - 0xDC00:02X}, which is not UTF-8: save the "
                "file as UTF-8"
            )
        if character != "\t" and not character.isprintable():
            return (
                f"holds the character U+{ord(character):04X}, which can't be printed: write a "
                "blank there, or nothing"
            )
    return ""


def not_a_line(text: str, number: int) -> str:
    """What makes a line no line of a table, whatever its columns."""
    if number == 1 and text.startswith("\ufeff"):
        return "begins with a byte order mark (BOM): save the file as UTF-8 without one"
    if "\x00" in text:
        return "holds zero bytes: the file is UTF-16 or not text; save it as plain text"
    if "\r" in text:
        return "holds a carriage return within it: save the file with Unix line ends"
    if not text.strip():
        return "is blank: tools read no more after it; delete the line"
    return ""


def visible(text: str) -> str:
    """A text of several lines, with its control characters shown as text: ``\\x1b`` for escape."""
    return "".join(
        c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in text
    )
