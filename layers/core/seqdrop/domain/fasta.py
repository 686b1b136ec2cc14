"""FASTA: what a reference's sequence may hold, and the working copy that every tool reads alike.

bwa, samtools and bcftools each take files that another of them then refuses, or misreads without
a word: names that no SAM or VCF header may hold, lines of odd lengths, letters that callers skip.
The rules here are for all of them. Text comes in chunks of any size: a human genome is 3 GB.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from seqdrop.domain.alt import is_alternate
from seqdrop.domain.bed import Region
from seqdrop.domain.errors import InvalidReference
from seqdrop.domain.letters import LETTERS, Letters
from seqdrop.domain.problems import Problems

CONTIG_NAME = re.compile(r"[0-9A-Za-z!$%&+./:;?@^_|~-][0-9A-Za-z!#$%&*+./:;=?@^_|~-]*")
"""Reference names of the SAM specification (1.2.1), which VCF 4.3 has taken over (1.4.7).

The specification allows ``#`` in the first place too; a line of a VCF or BED that begins with it
is a comment, though.
"""
LONGEST_CONTIG = 2**29
"""Bases: what a .bai, a .tbi or a .csi of default depth can reach (SAM specification, 5.1.1)."""
_PROTEIN = frozenset("EFILOPQZ")
_BOM = b"\xef\xbb\xbf"
_SHOWN_LETTERS = 60


class FastaContent(NamedTuple):
    """What a FASTA file holds."""

    lengths: dict[str, int]
    """Bases of each contig, in the file's order."""
    masked: int
    """Letters in lower case: soft-masked repeats. Tools map to them and call them as others."""
    uncertain: int
    """N: no tool can call there."""
    codes: list[Region]
    """Where IUPAC codes stood, each run of one code with it as its name."""
    callable: list[Region]
    """The stretches without N."""
    alternates: list[str]
    """Contigs that are ALT contigs or patches, by their names or descriptions."""

    @property
    def bases(self) -> int:
        """Letters of all contigs."""
        return sum(self.lengths.values())

    @property
    def replaced(self) -> int:
        """Letters that stood for several bases, and are one base in the working copy."""
        return sum(region.end - region.start for region in self.codes)


def read_fasta(
    chunks: Iterable[bytes], write: Callable[[bytes], object], file: str = "the FASTA"
) -> FastaContent:
    """Reads a FASTA file, and writes its working copy.

    The copy has Unix line ends, no blank lines between contigs, and one base for each IUPAC code
    but N; soft-masking stays. A copy of it is itself. Raises InvalidReference, which names lines.
    """
    reader = _Reader(file)
    pieces: list[bytes] = []
    for chunk in chunks:
        whole = chunk.rfind(b"\n") + 1
        if whole:
            write(reader.read(b"".join([*pieces, chunk[:whole]])))
            pieces.clear()
        pieces.append(chunk[whole:])
    if rest := b"".join(pieces):
        write(reader.read(rest + b"\n"))
    return reader.finish()


@dataclass
class _Contig:
    """The contig that is being read."""

    name: str
    header: int
    length: int = 0
    width: int = 0
    """Letters of its first line. All other lines but the last must have as many."""
    short: int = 0
    """The line that was shorter: only blank ones may follow."""
    blank: int = 0


class _Reader:
    """Takes whole lines, as many as come at once, and looks at single ones only where it must."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._line = 0
        self._problems = Problems(file, stop=True)
        self._header_lines: dict[str, int] = {}
        self._contig: _Contig | None = None
        self._lengths: dict[str, int] = {}
        self._alternates: list[str] = []
        self._letters = Letters()

    def read(self, text: bytes) -> bytes:
        """Takes lines that all end, and returns them as the working copy has them."""
        text = text.replace(b"\r\n", b"\n")
        written: list[bytes] = []
        at = 0
        while at < len(text):
            if text.startswith(b">", at):
                end = text.index(b"\n", at) + 1
                self._begin(text[at:end])
                written.append(text[at:end])
            else:
                header = text.find(b"\n>", at)
                end = len(text) if header < 0 else header + 1
                written.append(self._read_lines(text[at:end]))
            at = end
        return b"".join(written)

    def finish(self) -> FastaContent:
        """What was read, once there is no more."""
        self._end_contig()
        if not self._header_lines and not self._problems:
            raise InvalidReference(f"{self._file} is empty: FASTA begins with '>' and a name")
        self._problems.raise_any()
        found = self._letters
        content = FastaContent(
            self._lengths,
            found.masked,
            found.uncertain,
            found.codes,
            found.callable,
            self._alternates,
        )
        if content.replaced * 2 > content.bases:
            raise InvalidReference(
                f"{self._file} has codes for several bases in more than half of its letters "
                f"({content.replaced} of {content.bases}): it seems to be protein, not DNA"
            )
        if not content.callable:
            raise InvalidReference(f"{self._file} has no base but N: nothing can be called")
        return content

    def _begin(self, header: bytes) -> None:
        self._end_contig()
        self._line += 1
        text = header[1:].decode("utf-8", "backslashreplace")
        name, *description = re.split(r"[ \t\n\v\f\r]", text, maxsplit=1)
        if b"\r" in header:
            self._problems.add(self._line, "holds a carriage return: save it with Unix line ends")
        if not name:
            self._problems.add(self._line, "gives a contig no name: write one directly after '>'")
        elif not CONTIG_NAME.fullmatch(name):
            wrong = ", ".join(sorted({repr(c) for c in name if not CONTIG_NAME.fullmatch("x" + c)}))
            why = f"it has {wrong}" if wrong else f"it begins with {name[0]!r}"
            self._problems.add(
                self._line, f"names a contig {name[:_SHOWN_LETTERS]!r}, as no SAM or VCF may: {why}"
            )
        elif name in self._header_lines:
            self._problems.add(
                self._line,
                f"names a contig {name!r} as line {self._header_lines[name]} does: each needs "
                "a name of its own",
            )
        self._header_lines.setdefault(name, self._line)
        if is_alternate(name, "".join(description)):
            self._alternates.append(name)
        self._contig = _Contig(name, self._line)

    def _end_contig(self) -> None:
        contig = self._contig
        if contig is None:
            return
        if not contig.length:
            self._problems.add(
                contig.header, f"begins the contig {contig.name!r}, which has no bases: delete it"
            )
        elif contig.length > LONGEST_CONTIG:
            self._problems.add(
                contig.header,
                f"begins the contig {contig.name!r} of {contig.length} bases; indexes reach "
                f"{LONGEST_CONTIG}: split it",
            )
        self._letters.end_contig(contig.name, contig.length)
        self._lengths[contig.name] = contig.length

    def _read_lines(self, block: bytes) -> bytes:
        """Takes lines of one contig, without its header."""
        contig = self._contig
        if contig is None:
            return self._before_contigs(block)
        lines = block.count(b"\n")
        is_odd = block.translate(None, LETTERS + b"\n")
        if is_odd or not _all_full(contig, block, lines):
            block = self._look_at_lines(contig, block)
        self._line += lines
        at = contig.length
        contig.length += len(block) - block.count(b"\n")
        return self._letters.take(contig.name, at, block)

    def _before_contigs(self, block: bytes) -> bytes:
        if block.startswith(_BOM) and not self._line:
            self._problems.add(
                1, "begins with a byte order mark (BOM): save it as UTF-8 without one"
            )
        for line in block.split(b"\n")[:-1]:
            self._line += 1
            if line.strip():
                shown = line[:_SHOWN_LETTERS].decode("utf-8", "backslashreplace")
                self._problems.add(
                    self._line,
                    f"({shown!r}) comes before the first contig: FASTA begins with '>' and a name",
                )
                self._problems.raise_any()
        return b""

    def _look_at_lines(self, contig: _Contig, block: bytes) -> bytes:
        """Looks at each by itself; returns those that are not blank."""
        kept = []
        for number, line in enumerate(block.split(b"\n")[:-1], self._line + 1):
            if not line:
                contig.blank = contig.blank or number
                continue
            kept.append(line)
            self._look_at_letters(number, line)
            if contig.blank:
                self._problems.add(contig.blank, f"is blank, within {contig.name!r}: delete it")
                contig.blank = 0
            if contig.short:
                self._problems.add(
                    contig.short,
                    f"is shorter than the first of {contig.name!r} and not its last: give all "
                    f"lines of a contig one length ({contig.width})",
                )
                contig.short, contig.width = 0, 0
            contig.width = contig.width or len(line)
            if len(line) > contig.width:
                self._problems.add(
                    number,
                    f"has {len(line)} letters, but the first of {contig.name!r} has "
                    f"{contig.width}: give all lines of a contig one length",
                )
                contig.width = len(line)
            elif len(line) < contig.width:
                contig.short = number
        return b"\n".join([*kept, b""]) if kept else b""

    def _look_at_letters(self, number: int, line: bytes) -> None:
        wrong = line.translate(None, LETTERS)
        if not wrong:
            return
        letter = wrong[:1].decode("latin-1")
        why = "it stands for no base; unknown ones are N"
        if letter.upper() in _PROTEIN:
            why = "it seems to be protein, not DNA"
        elif letter == "\r":
            why = "save it with Unix line ends"
        self._problems.add(number, f"has {letter!r} in column {line.index(wrong[:1]) + 1}: {why}")


def _all_full(contig: _Contig, block: bytes, lines: int) -> bool:
    """Whether the lines of a block have the contig's length each, as nearly all have."""
    if contig.short or contig.blank:
        return False
    width = contig.width or block.index(b"\n")
    if not width or len(block) != lines * (width + 1):
        return False
    contig.width = width
    return block[width :: width + 1] == b"\n" * lines
