"""A VCF, read contig by contig in chunks of many lines, each line held against the rules.

Most lines of two files are alike. So a chunk is taken apart by one regular expression, and only
those lines whose keys differ are looked at one by one.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

from seqdrop.domain.comparison.alleles import Record, is_symbolic, parse_genotype
from seqdrop.domain.comparison.headers import (
    FIXED,
    Header,
    chosen_sample,
    parse_header,
)
from seqdrop.domain.errors import InvalidInput

Key = tuple[bytes, bytes, bytes, bytes]
"""POS, REF and ALT with the tab between them, FILTER, and GT."""
_BOM = b"\xef\xbb\xbf"
_MOST_HEADER = 200_000_000
_ALLELE = re.compile(r"[A-Za-z]+")
_GENOTYPE = re.compile(r"(?:[0-9]+|\.)(?:[/|](?:[0-9]+|\.))*")
_POS, _ID, _REF, _ALT, _FILTER, _INFO, _FORMAT = 1, 2, 3, 4, 6, 7, 8


class Chunk(NamedTuple):
    """Some lines of one contig, in their order."""

    first: int
    """The number of the first line in the file."""
    lines: list[bytes]
    keys: list[Key]
    positions: list[int]


class CallFile:
    """A VCF's header and records; blocks of its text may be cut anywhere."""

    def __init__(
        self,
        blocks: Iterable[bytes],
        file: str,
        sample: str = "",
        blocks_from: Callable[[str], Iterable[bytes]] | None = None,
        indexed: frozenset[str] = frozenset(),
    ) -> None:
        """``blocks_from`` gives the text from a contig's first line on, of those ``indexed``."""
        self.file = file
        self.lengths: dict[str, int] = {}
        """Of contigs, for those where they are known."""
        self._digest, self.records = hashlib.sha256(), 0
        self._blocks_from, self._indexed = blocks_from, indexed
        self._blocks = iter(blocks)
        self._text, self._number = b"", 1
        self._seen: set[str] = set()
        self.header = self._read_header()
        self.sample = chosen_sample(self.header, sample, file)
        self._column = len(FIXED) + self.header.samples.index(self.sample)
        self._columns = len(FIXED) + len(self.header.samples)
        self._ahead: Iterator[bytes] = self._whole_lines()
        self._chunk = next(self._ahead, b"")

    @property
    def is_indexed(self) -> bool:
        """Whether it can be read contig by contig in any order."""
        return self._blocks_from is not None

    @property
    def digest(self) -> bytes:
        """The checksum of all records that were read."""
        return self._digest.digest()

    def _read_header(self) -> Header:
        text = b""
        for block in self._blocks:
            text += block
            if len(text) < len(_BOM):
                continue
            if not text.startswith((b"##", _BOM)) or len(text) > _MOST_HEADER:
                break
            if b"\n#CHROM" in text and b"\n" in text[text.index(b"\n#CHROM") + 1 :]:
                break
        if not text:
            raise InvalidInput(f"{self.file} is empty", "give the whole file")
        text = text.removeprefix(_BOM)
        at = text.find(b"\n#CHROM")
        end = text.find(b"\n", at + 1) if at >= 0 else -1
        head, self._text = (text[:end], text[end + 1 :]) if end >= 0 else (text, b"")
        try:
            lines = head.decode("utf-8").replace("\r\n", "\n").rstrip("\r\n").split("\n")
        except UnicodeDecodeError:
            if head.startswith(b"BCF"):
                raise InvalidInput(f"{self.file} is BCF", "give VCF: `bcftools view -Oz`") from None
            raise InvalidInput(f"{self.file}: its header is not UTF-8", "give a VCF") from None
        if at < 0:
            lines = [line for line in lines if line.startswith("#")] or lines[:1]
        self._number = len(lines) + 1
        return parse_header(lines, self.file)

    def _whole_lines(self) -> Iterator[bytes]:
        """The records as text that ends with a line's end."""
        rest = self._text
        self._text = b""
        for block in self._blocks:
            at = block.rfind(b"\n") + 1
            if not at:
                rest += block
                continue
            yield self._cleaned(rest + block[:at])
            rest = block[at:]
        if rest.strip(b"\r\n"):
            yield self._cleaned(rest if rest.endswith(b"\n") else rest + b"\n")

    @staticmethod
    def _cleaned(text: bytes) -> bytes:
        return text.replace(b"\r\n", b"\n") if b"\r" in text else text

    def next_contig(self) -> str | None:
        """The contig of the next record; None after the last."""
        if not self._chunk:
            self._chunk = next(self._ahead, b"")
        if not self._chunk:
            return None
        line = self._chunk[: self._chunk.index(b"\n")]
        contig, tab, _ = line.partition(b"\t")
        if not tab or not contig:
            raise self._wrong(self._number, f"is no record: {_shown(line)}", "mend or remake it")
        return contig.decode("utf-8", "replace")

    def begin(self, contig: str) -> None:
        """Notes that a contig's records come now. Raises InvalidInput where they came before."""
        if contig in self._seen:
            raise self._wrong(
                self._number,
                f"goes back to {contig}, whose records have ended before",
                "sort the file with `bcftools sort`",
            )
        self._seen.add(contig)

    def has_seen(self, contig: str) -> bool:
        """Whether a contig's records came already."""
        return contig in self._seen

    def go_to(self, contig: str) -> bool:
        """Reads on at a contig by the index; False where the index has none of its records."""
        if self._blocks_from is None or contig not in self._indexed:
            return False
        self._blocks, self._text = iter(self._blocks_from(contig)), b""
        self._ahead, self._chunk = self._whole_lines(), b""
        if self.next_contig() != contig:
            raise self._stale()
        return True

    def check_index(self) -> None:
        """Raises InvalidInput where what follows is not in the index."""
        following = self.next_contig()
        if self.is_indexed and following is not None and following not in self._indexed:
            raise self._stale()

    def unread(self) -> list[str]:
        """Contigs of the index that were not read."""
        return sorted(self._indexed - self._seen)

    def _stale(self) -> InvalidInput:
        return InvalidInput(
            f"the index of {self.file} does not belong to it", "make it again: `bcftools index -t`"
        )

    def more(self, contig: str) -> Chunk | None:
        """The next records of a contig; None after its last."""
        if self.next_contig() != contig:
            return None
        text, self._chunk = self._chunk, b""
        count = text.count(b"\n")
        keys = _pattern(contig, self._column, self._columns).findall(text)
        if len(keys) != count:
            text, keys = self._only(contig, text)
            count = len(keys)
        self._digest.update(text)
        positions = [int(key[0]) for key in keys]
        lines = text.split(b"\n")
        lines.pop()
        chunk = Chunk(self._number, lines, keys, positions)
        self._look_at_order(contig, chunk)
        self._number += count
        self.records += count
        return chunk

    def _only(self, contig: str, text: bytes) -> tuple[bytes, list[Key]]:
        """The lines of the contig with which the text begins; the rest is kept for later."""
        start, lines = contig.encode() + b"\t", text.split(b"\n")
        lines.pop()
        end = next((n for n, line in enumerate(lines) if not line.startswith(start)), len(lines))
        mine = b"".join(line + b"\n" for line in lines[:end])
        self._chunk = text[len(mine) :]
        keys = _pattern(contig, self._column, self._columns).findall(mine)
        if len(keys) != end:
            for number, line in enumerate(lines[:end], self._number):
                self._look_at_line(number, contig, line)
        return mine, keys

    def _look_at_line(self, number: int, contig: str, line: bytes) -> None:
        """Raises InvalidInput where a line does not have the form of a record."""
        if _pattern(contig, self._column, self._columns).fullmatch(line + b"\n"):
            return
        fields = line.split(b"\t")
        if len(fields) != self._columns:
            raise self._wrong(
                number,
                f"has {len(fields)} columns, but the header names {self._columns}",
                "the file was cut off or changed by hand: make it again",
            )
        if not fields[_POS].isdigit():
            raise self._wrong(number, f"has {_shown(fields[_POS])} for POS", "give a number")
        if fields[_FORMAT].split(b":")[0] != b"GT":
            raise self._wrong(
                number, "does not have GT first in FORMAT", "give a VCF with genotypes"
            )
        text = fields[self._column].split(b":")[0]
        if not _GENOTYPE.fullmatch(text.decode("ascii", "replace")):
            raise self._wrong(number, f"has {_shown(text)} for a genotype", "make the file again")
        raise self._wrong(number, "has an empty column", "make the file again")

    def _look_at_order(self, contig: str, chunk: Chunk) -> None:
        positions = chunk.positions
        if sorted(positions) != positions:
            at = next(n for n, (one, two) in enumerate(pairwise(positions), 1) if two < one)
            self.unsorted(chunk.first + at, contig)
        length = self.lengths.get(contig, 0)
        if length and positions[-1] > length:
            at = next(n for n, position in enumerate(positions) if position > length)
            raise self._wrong(
                chunk.first + at,
                f"({contig}:{positions[at]}) is beyond the contig's end, {length}",
                "the calls were made with another sequence: give that one",
            )

    def unsorted(self, number: int, contig: str) -> None:
        """Raises InvalidInput for a line that lies before the one above it."""
        raise self._wrong(
            number, f"({contig}) lies before the line above it", "sort it with `bcftools sort`"
        )

    def record(self, contig: str, number: int, line: bytes) -> Record:
        """A line as a record. Raises InvalidInput where its alleles can't be."""
        fields = line.decode("utf-8", "replace").split("\t")
        ref, alts = fields[_REF].upper(), tuple(map(_upper, fields[_ALT].split(",")))
        values = fields[self._column].split(":")
        problem = genotype_problem(ref, fields[_ALT], values[0])
        position = int(fields[_POS])
        if not problem and position < 1 and not any(map(is_symbolic, alts)):
            problem = "has the position 0: positions begin with 1"
        if problem:
            raise self._wrong(number, problem, "make the file again")
        names = fields[_FORMAT].split(":")
        phase_set = values[names.index("PS")] if "PS" in names[: len(values)] else ""
        return Record(
            number=number,
            contig=contig,
            position=position,
            name=fields[_ID],
            ref=ref,
            alts=alts,
            filters=fields[_FILTER],
            passed=self.header.passes(fields[_FILTER]),
            info=fields[_INFO],
            genotype=values[0],
            phase_set="" if phase_set == "." else phase_set,
        )

    def wrong_base(self, record: Record, found: str) -> InvalidInput:
        """The error where REF is not what the sequence has."""
        return self._wrong(
            record.number,
            f"({record.contig}:{record.position}) has REF {record.ref[:20]}, but the sequence has "
            f"{found[:20]} there",
            "the calls were likely made with another assembly: give the sequence that they were "
            "made with",
        )

    def _wrong(self, number: int, problem: str, remedy: str) -> InvalidInput:
        return InvalidInput(f"{self.file}, line {number} {problem}", remedy)


def genotype_problem(ref: str, alts: str, genotype: str) -> str:
    """What is wrong with a record's alleles; "" if nothing is."""
    if not _ALLELE.fullmatch(ref):
        return f"has {ref[:20]!r} for REF, which is no bases"
    names = alts.split(",")
    if not all(_ALLELE.fullmatch(alt) or (alt and is_symbolic(alt)) for alt in names):
        return f"has {alts[:20]!r} for ALT, which is neither bases nor a symbol"
    count = 0 if alts == "." else len(names)
    highest = parse_genotype(genotype).highest
    if highest > count:
        return f"has the allele {highest} in its genotype, but {count} in ALT"
    return ""


def _upper(alt: str) -> str:
    return alt if not alt or is_symbolic(alt) else alt.upper()


def _shown(text: bytes) -> str:
    return repr(text[:40].decode("utf-8", "replace"))


_patterns: dict[tuple[str, int, int], re.Pattern[bytes]] = {}


def _pattern(contig: str, column: int, columns: int) -> re.Pattern[bytes]:
    """Takes a line of a contig apart; a line that does not have the form is not matched."""
    known = _patterns.get((contig, column, columns))
    if known is None:
        before, after = column - len(FIXED), columns - column - 1
        known = _patterns[contig, column, columns] = re.compile(
            b"^"
            + re.escape(contig.encode())
            + rb"\t([0-9]++)\t[^\t]++\t([^\t]++\t[^\t]++)\t[^\t]++\t([^\t]++)\t[^\t]++"
            + rb"\tGT(?::[^\t]*+)?+\t"
            + rb"[^\t\n]*+\t" * before
            + rb"((?:[0-9]++|\.)(?:[/|](?:[0-9]++|\.))*+)(?::[^\t\n]*+)?+"
            + rb"\t[^\t\n]*+" * after
            + rb"\n",
            re.MULTILINE,
        )
    return known
