"""Contigs of a sequence with their checksums, by which other programs know the same ones.

The checksums are of the sequence that tools read: bases in capitals, one base for each code but N.
"""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Sequence

import msgspec

PATH = "contigs.json"
"""The list of a version's contigs, beside its sequence in the bucket."""
_FASTA_SPACE = b" \t\r\n"
_CAPITALS = bytes(range(256)).upper()


class Contig(msgspec.Struct, frozen=True):
    """A contig, and where the lines of its bases are in the FASTA."""

    name: str
    length: int
    md5: str
    """Of the bases in capitals, as SAM's M5 is."""
    begin: int = 0
    end: int = 0
    refget: str = ""
    """GA4GH's digest of the bases, ``SQ.…``; "" where it was read from an index, which has none."""


class _ContigList(msgspec.Struct, frozen=True):
    """The document that lists them."""

    contigs: tuple[Contig, ...]


def write_list(contigs: Iterable[Contig]) -> bytes:
    """The list as it is kept, in the order of the sequence."""
    return msgspec.json.encode(_ContigList(tuple(contigs)))


def read_list(text: bytes) -> list[Contig]:
    """The contigs of a list that was kept."""
    return list(msgspec.json.decode(text, type=_ContigList).contigs)


def seqcol(contigs: Sequence[Contig]) -> str:
    """GA4GH's digest of a sequence collection: one word for all names and bases, in their order.

    Level 0 of version 1.0, of the attributes that are ``inherent`` there: names and sequences.
    """
    attributes = {
        "names": [contig.name for contig in contigs],
        "sequences": [contig.refget for contig in contigs],
    }
    level_1 = {name: _truncated(msgspec.json.encode(v)) for name, v in attributes.items()}
    return _truncated(msgspec.json.encode(level_1))


def _truncated(canonical: bytes) -> str:
    """GA4GH's sha512t24u of a canonical JSON document (RFC 8785): no blanks, keys in order."""
    return _first_24(hashlib.sha512(canonical).digest())


def _first_24(sha512: bytes) -> str:
    return urlsafe_b64encode(sha512[:24]).decode()


def read_index(dictionary: str, index: str) -> list[Contig]:
    """The contigs, by ``genome.dict`` and ``genome.fa.fai``; none where these don't say it all."""
    lines = (line.split("\t") for line in dictionary.splitlines() if line.startswith("@SQ\t"))
    tags = [dict(field.partition(":")[::2] for field in fields) for fields in lines]
    sums = {one.get("SN", ""): one.get("M5", "") for one in tags}
    found = []
    for line in index.splitlines():
        name, length, begin, bases, width = line.split("\t")[:5]
        if not sums.get(name):
            return []
        lines_before, rest = divmod(int(length), int(bases))
        end = int(begin) + lines_before * int(width) + rest
        found.append(Contig(name, int(length), sums[name], int(begin), end))
    return found


def read_contigs(chunks: Iterable[bytes]) -> list[Contig]:
    """The contigs of a FASTA that nobody has indexed."""
    reader = ContigReader()
    for chunk in chunks:
        reader.read(chunk)
    return reader.finish()


class ContigReader:
    """Takes a FASTA in chunks; a ``>`` within bases can only begin a header.

    Each letter is looked at once, and in pieces as long as lines come together: a human genome
    takes seconds.
    """

    def __init__(self) -> None:
        self._found: list[Contig] = []
        self._header: list[bytes] | None = None
        self._name = ""
        self._at = 0
        self._begin_bases(0)

    def _begin_bases(self, at: int) -> None:
        self._begin, self._length = at, 0
        self._md5, self._sha512 = hashlib.md5(usedforsecurity=False), hashlib.sha512()

    def read(self, chunk: bytes) -> None:
        """Takes the next chunk, of any size."""
        at = 0
        while at < len(chunk):
            sought = b">" if self._header is None else b"\n"
            end = chunk.find(sought, at)
            piece = chunk[at : end if end >= 0 else len(chunk)]
            at += len(piece) + (end >= 0)
            if self._header is not None:
                self._header.append(piece)
            else:
                self._take(piece)
            if end >= 0:
                self._turn(self._at + at)
        self._at += len(chunk)

    def _take(self, piece: bytes) -> None:
        bases = piece.translate(_CAPITALS, _FASTA_SPACE)
        self._length += len(bases)
        self._md5.update(bases)
        self._sha512.update(bases)

    def _turn(self, at: int) -> None:
        """A header begins, or its bases do; ``at`` is the place behind the ``>`` or line end."""
        if self._header is None:
            self._end_contig(at - 1)
            self._header = []
            return
        self._name = (b"".join(self._header).decode("utf-8", "replace").split() or [""])[0]
        self._header = None
        self._begin_bases(at)

    def _end_contig(self, end: int) -> None:
        if self._name:
            md5, refget = self._md5.hexdigest(), f"SQ.{_first_24(self._sha512.digest())}"
            self._found.append(Contig(self._name, self._length, md5, self._begin, end, refget))
        self._name = ""

    def finish(self) -> list[Contig]:
        """The contigs, once there is no more."""
        self._end_contig(self._at)
        return self._found
