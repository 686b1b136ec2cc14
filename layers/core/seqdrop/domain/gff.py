"""Genes: GFF3 as ``bcftools csq`` wants it, held against the sequence.

csq takes genes, transcripts and coding sequences from the attributes that Ensembl writes:
``ID=gene:…;biotype=…``, ``ID=transcript:…;Parent=gene:…;biotype=…``, ``Parent=transcript:…``.
What is written otherwise is an error to some of its versions, and left out without an error by
others (1.16 reads nothing after a blank line).
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from seqdrop.domain.bed import SHOWN_PROBLEMS, Region, listed, renamed
from seqdrop.domain.errors import InvalidReference

_OF_TRANSCRIPT = {"CDS", "exon", "five_prime_UTR", "three_prime_UTR"}
_GENE, _TRANSCRIPT = "gene:", "transcript:"
_REMEDY = "give the GFF3 that Ensembl has of this sequence, or one that is written alike"
_SITES = 5
"""How many transcripts are tried with csq itself: one may be incomplete, and left out by it."""


class GffContent(NamedTuple):
    """What a GFF3 file holds that csq uses."""

    transcripts: int
    """Coding transcripts that are whole: gene, transcript and coding sequence, with biotypes."""
    coding: list[Region]
    """Coding sequence of some of them, one each, the name being the transcript's."""
    warnings: list[str]


def parse_gff(
    lines: Iterable[str], lengths: Mapping[str, int], file: str = "the GFF3 file"
) -> GffContent:
    """Reads a GFF3 file for a sequence with contigs of these lengths.

    Raises InvalidReference, which names the wrong lines, or what csq would find none of.
    """
    reader = _Reader(lengths, file)
    for number, line in enumerate(lines, 1):
        reader.read(number, line.rstrip("\r\n"))
    return reader.finish()


class _Feature(NamedTuple):
    """One line; positions as they are written."""

    contig: str
    kind: str
    start: str
    end: str
    strand: str
    phase: str
    attributes: dict[str, str]

    @classmethod
    def of(cls, fields: list[str]) -> "_Feature":
        """From the line's nine columns."""
        contig, _, kind, start, end, _, strand, phase, text = fields
        attributes = dict(pair.strip().partition("=")[::2] for pair in text.split(";"))
        return cls(contig, kind, start, end, strand, phase, attributes)

    @property
    def wrong_strand(self) -> str:
        return f"({self.kind}) has the strand {self.strand!r}: it must be '+' or '-'"


class _Reader:
    def __init__(self, lengths: Mapping[str, int], file: str) -> None:
        self._lengths, self._file = lengths, file
        self._problems: list[str] = []
        self._blank = 0
        self._contigs: dict[str, None] = {}
        self._genes: set[str] = set()
        self._gene_of: dict[str, str] = {}
        self._coding: dict[str, Region] = {}

    def read(self, number: int, line: str) -> None:
        if number == 1 and line.startswith("\ufeff"):
            self._refuse(1, "begins with a byte order mark (BOM): save it as UTF-8 without one")
            return
        if not line.strip():
            self._blank = self._blank or number
            return
        if self._blank:
            self._refuse(self._blank, "is blank: csq reads no more after it; delete it")
            self._blank = 0
        if line.startswith(("##FASTA", ">")):
            self._refuse(number, "begins a sequence, which csq can't read: delete it and the rest")
            self._raise_problems()
        if not line.startswith("#"):
            self._read_feature(number, line.split("\t"))

    def _read_feature(self, number: int, fields: list[str]) -> None:
        if len(fields) != 9:
            self._refuse(number, f"has {len(fields)} columns divided by tabs: a line of GFF3 has 9")
            return
        feature = _Feature.of(fields)
        self._contigs[feature.contig] = None
        problem = self._wrong_place(feature) or self._note(feature)
        if problem:
            self._refuse(number, problem)

    def _wrong_place(self, feature: "_Feature") -> str:
        for what, value in (("start", feature.start), ("end", feature.end)):
            if not (value.isascii() and value.isdigit() and len(value) < 18 and int(value)):
                return f"has {value!r} for its {what}: positions are whole numbers from 1"
        if int(feature.start) > int(feature.end):
            return f"has its start ({feature.start}) after its end ({feature.end})"
        length = self._lengths.get(feature.contig)
        if length is not None and int(feature.end) > length:
            return (
                f"ends at {feature.end}, but {feature.contig!r} has {length} bases: it was made "
                "for another sequence, or reaches round a circular one, which csq can't follow"
            )
        return ""

    def _note(self, feature: "_Feature") -> str:
        """Keeps what csq uses of a feature; returns what is wrong with it."""
        name, parent = feature.attributes.get("ID", ""), feature.attributes.get("Parent", "")
        if feature.kind not in _OF_TRANSCRIPT:
            return self._note_gene_or_transcript(feature, name, parent)
        if not parent.startswith(_TRANSCRIPT):
            return (
                f"({feature.kind}) lacks Parent=transcript:…, by which csq knows its own: {_REMEDY}"
            )
        if feature.strand not in {"+", "-"}:
            return feature.wrong_strand
        if feature.kind == "CDS":
            if feature.phase not in {"0", "1", "2"}:
                return f"(CDS) has the phase {feature.phase!r}: it must be 0, 1 or 2"
            self._note_coding(parent, feature)
        return ""

    def _note_gene_or_transcript(self, feature: "_Feature", name: str, parent: str) -> str:
        if not name.startswith((_GENE, _TRANSCRIPT)):
            return ""  # csq passes it over
        if feature.strand not in {"+", "-"}:
            return feature.wrong_strand
        if "biotype" in feature.attributes:
            if name.startswith(_GENE):
                self._genes.add(name)
            else:
                self._gene_of[name] = parent
        return ""

    def _note_coding(self, transcript: str, feature: "_Feature") -> None:
        """Keeps a transcript's longest piece."""
        start, end = int(feature.start) - 1, int(feature.end)
        kept = self._coding.get(transcript)
        if feature.contig in self._lengths and (not kept or kept.end - kept.start < end - start):
            name = transcript.removeprefix(_TRANSCRIPT)
            self._coding[transcript] = Region(feature.contig, start, end, name)

    def finish(self) -> GffContent:
        self._raise_problems()
        missing = [contig for contig in self._contigs if contig not in self._lengths]
        said = f"{listed(missing)}{renamed(missing, self._lengths)}"
        if missing and len(missing) == len(self._contigs):
            raise InvalidReference(
                f"{self._file} names no contig that the sequence has: {said}; the sequence has "
                f"{listed(list(self._lengths))}"
            )
        whole = [
            region
            for transcript, region in self._coding.items()
            if self._gene_of.get(transcript) in self._genes
        ]
        if not whole:
            raise InvalidReference(self._why_nothing_is_coding())
        warnings = [
            f"{self._file} names contigs that the sequence lacks; their genes are not used: {said}"
        ]
        return GffContent(len(whole), whole[:_SITES], warnings if missing else [])

    def _why_nothing_is_coding(self) -> str:
        lacks = "coding sequence (CDS with Parent=transcript:…) on the sequence's contigs"
        if not self._genes:
            lacks = "gene (ID=gene:… and biotype=…)"
        elif not self._gene_of:
            lacks = "transcript (ID=transcript:…, Parent=gene:… and biotype=…)"
        elif self._coding:
            lacks = "transcript with coding sequence whose gene is there"
        return (
            f"{self._file} has no {lacks}, so bcftools csq would find no consequence of any "
            f"variant: {_REMEDY}"
        )

    def _refuse(self, number: int, problem: str) -> None:
        self._problems.append(f"{self._file}, line {number} {problem}")
        if len(self._problems) >= SHOWN_PROBLEMS:
            self._problems.append("there may be more")
            self._raise_problems()

    def _raise_problems(self) -> None:
        if self._problems:
            raise InvalidReference("\n".join(self._problems))
