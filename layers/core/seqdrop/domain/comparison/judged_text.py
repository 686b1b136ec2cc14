"""The text of a VCF as it is judged against a truth: PASS alone, and without phase."""

import re
from collections.abc import Iterable, Iterator

from seqdrop.domain.bed import Region
from seqdrop.domain.comparison.alleles import Bases, Edit, trimmed
from seqdrop.domain.comparison.headers import FIXED
from seqdrop.domain.errors import InvalidInput

_POS, _REF, _ALT, _FILTER, _INFO = 1, 3, 4, 6, 7
_BASES = frozenset("ACGT")
_NUMBER = re.compile(rb"\d+")
_END = re.compile(rb"(?:^|;)END=(\d+)")
_NO_CALL, _PASS = b"./.", b"PASS"


class Dropped:
    """Calls that are not PASS: which a truth's variant might have been."""

    def __init__(self) -> None:
        self._keys: dict[str, set[tuple[int, str, str]]] = {}

    def add(self, contig: str, position: int, ref: str, alts: Iterable[str]) -> None:
        """Remembers a call's alleles."""
        keys = self._keys.setdefault(contig, set())
        keys.update(trimmed(position - 1, ref.upper(), alt.upper()) for alt in alts)

    def has(self, contig: str, edit: Edit) -> bool:
        """Whether there was such a call."""
        keys = self._keys.get(contig, set())
        return (edit.start, edit.ref, edit.alt) in keys or edit.key in keys

    def forget(self, contig: str) -> None:
        """A contig is done."""
        self._keys.pop(contig, None)


def judged_lines(
    blocks: Iterable[bytes], sample: str = "", dropped: Dropped | None = None
) -> Iterator[bytes]:
    """A VCF's text without phase, and without a genotype where a record is not PASS.

    A genotype of one copy is written as of two equal ones: callers differ in that. Lines keep their
    numbers. "." passes in a truth (``dropped`` is None), and in calls that declare no filters.
    Calls that do not pass are remembered in ``dropped``.
    """
    reader = _JudgedLines(sample, dropped)
    rest = b""
    for block in blocks:
        *lines, rest = (rest + block).split(b"\n")
        yield b"".join(map(reader.judged, lines))
    if rest:
        yield reader.judged(rest)


class _JudgedLines:
    """Takes a VCF's lines, and takes the genotype from those that are not judged."""

    def __init__(self, sample: str, dropped: Dropped | None) -> None:
        self._sample, self._dropped = sample, dropped
        self._passes = {_PASS, b"."}
        self.column = len(FIXED)

    def judged(self, line: bytes) -> bytes:
        """The line as it counts."""
        if line.startswith(b"#"):
            self._read_header(line)
            return line + b"\n"
        fields = line.rstrip(b"\r").split(b"\t")
        if len(fields) <= self.column:
            return line + b"\n" if line else b""  # the reader says what is wrong with it
        genotype, colon, values = fields[self.column].partition(b":")
        if fields[_FILTER] not in self._passes:
            self._drop(fields)
            genotype = _NO_CALL
        else:
            fields[_FILTER] = _PASS
        genotype = genotype.replace(b"|", b"/")
        if genotype.isdigit():  # one copy, as some write chromosome X of a male, and others 1/1
            genotype += b"/" + genotype
        fields[self.column] = genotype + colon + values
        return b"\t".join(fields) + b"\n"

    def _read_header(self, line: bytes) -> None:
        if self._dropped is not None and line.startswith(b"##FILTER=<ID="):
            if not line.startswith(b"##FILTER=<ID=PASS,"):
                self._passes = {_PASS}
        elif line.startswith(b"#CHROM") and self._sample:
            names = line.rstrip(b"\r").decode("utf-8", "replace").split("\t")
            if self._sample in names[len(FIXED) :]:
                self.column = names.index(self._sample, len(FIXED))

    def _drop(self, fields: list[bytes]) -> None:
        if self._dropped is None or not fields[_POS].isdigit():
            return
        contig, ref, alts = (fields[n].decode("utf-8", "replace") for n in (0, _REF, _ALT))
        self._dropped.add(contig, int(fields[_POS]), ref, alts.split(","))


def unknown_in_truth(lines: Iterable[bytes], file: str, sample: str = "") -> list[Region]:
    """Where a truth has records without a genotype: nothing is known there.

    Raises InvalidInput where it has a record twice, which would count twice.
    """
    reader, once = _JudgedLines(sample, None), _Once(file)
    unknown: list[Region] = []
    for line in lines:
        if line.startswith(b"#"):
            reader.judged(line)
            continue
        fields = line.rstrip(b"\r").split(b"\t")
        if len(fields) <= reader.column or not fields[_POS].isdigit():
            continue  # the reader says what is wrong with it
        genotype = fields[reader.column].partition(b":")[0]
        once.look(fields, genotype)
        if not any(48 <= char <= 57 for char in genotype):  # no digit, as in ./.
            start = int(fields[_POS]) - 1
            end = _END.search(fields[_INFO]) if fields[_ALT].startswith(b"<") else None
            contig = fields[0].decode("utf-8", "replace")
            last = int(end[1]) if end else start + len(fields[_REF])
            unknown.append(Region(contig, start, max(last, start + 1)))
    return unknown


class _Once:
    """Looks whether each allele comes once, however its records are padded with equal bases."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._contig, self._reach = b"", 0
        self._first: tuple[list[bytes], bytes] | None = None
        """Of records that touch each other the first, until a second comes: most stay alone."""
        self._seen: set[tuple[int, str, str]] = set()

    def look(self, fields: list[bytes], genotype: bytes) -> None:
        """Raises InvalidInput where the record, or an allele of its genotype, was there before."""
        start = int(fields[_POS]) - 1
        is_apart = fields[0] != self._contig or start > self._reach
        end = start + len(fields[_REF])
        self._contig, self._reach = fields[0], end if is_apart else max(self._reach, end)
        if is_apart:
            self._first, self._seen = (fields, genotype), set()
            return
        if self._first:
            self._seen, self._first = _written(*self._first), None
        written = _written(fields, genotype)
        if not self._seen.isdisjoint(written):
            self._refuse(fields)
        self._seen |= written

    def _refuse(self, fields: list[bytes]) -> None:
        contig, place, ref, alt = (
            fields[n].decode("utf-8", "replace") for n in (0, _POS, _REF, _ALT)
        )
        raise InvalidInput(
            f"{self._file} has {contig}:{place} {ref}>{alt} twice",
            "give each variant once, written in one way: `bcftools norm -f SEQUENCE -m -any -d "
            "exact` leaves out the others",
        )


def _written(fields: list[bytes], genotype: bytes) -> set[tuple[int, str, str]]:
    """The record as it stands, and the alleles of its genotype without shared bases."""
    start = int(fields[_POS]) - 1
    ref, alt = (fields[n].decode("utf-8", "replace").upper() for n in (_REF, _ALT))
    alts = alt.split(",")
    numbers = {int(n) for n in _NUMBER.findall(genotype)} - {0}
    alleles = {
        trimmed(start, ref, alts[n - 1])
        for n in numbers
        if n <= len(alts) and _BASES.issuperset(alts[n - 1])
    }
    return alleles | {(start, f"{ref}>{alt}", "")}


def look_at_sequence(records: Iterable[bytes], bases: Bases, file: str) -> None:
    """Raises InvalidInput where REFs of a truth are not what the sequence has, with their share."""
    total = wrong = 0
    for line in records:
        fields = line.split(b"\t", _ALT)
        if len(fields) <= _REF or not fields[_POS].isdigit():
            continue
        start, ref = int(fields[_POS]) - 1, fields[_REF].decode("ascii", "replace").upper()
        found = bases(fields[0].decode("utf-8", "replace"), start, start + len(ref))
        total += 1
        pairs = zip(found, ref, strict=False)
        is_other = any(x != y and x in _BASES and y in _BASES for x, y in pairs)
        wrong += is_other or len(found) != len(ref)
    if wrong:
        raise InvalidInput(
            f"{wrong} of the first {total} records of {file} ({wrong / total:.0%}) have another "
            "REF than the sequence",
            "give a truth of the same assembly as the reference",
        )
