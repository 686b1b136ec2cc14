"""Genes: GFF3 as ``bcftools csq`` wants it, held against the sequence.

csq takes genes, transcripts and coding sequences from the attributes that Ensembl writes:
``ID=gene:…;biotype=…``, ``ID=transcript:…;Parent=gene:…;biotype=…``, ``Parent=transcript:…``.
What is written otherwise is an error to some of its versions, and left out without an error by
others (1.16 reads nothing after a blank line).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from seqdrop.domain.bed import Region, listed, renamed
from seqdrop.domain.errors import InvalidReference
from seqdrop.domain.problems import Problems

_OF_TRANSCRIPT = {"CDS", "exon", "five_prime_UTR", "three_prime_UTR"}
_GENE, _TRANSCRIPT = "gene:", "transcript:"
_REMEDY = "give the GFF3 that Ensembl has of this sequence, or one that is written alike"
_EXAMPLES = 5


class GffContent(NamedTuple):
    """What a GFF3 file holds that csq uses."""

    coding: list[Region]
    """Coding sequence of each transcript that is whole (with a gene, a transcript and coding
    sequence, and their biotypes): its longest piece, the name being the transcript's."""
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
    def place(self) -> tuple[int, int]:
        """First and last base, from 1."""
        return int(self.start), int(self.end)

    @property
    def wrong_strand(self) -> str:
        return f"({self.kind}) has the strand {self.strand!r}: it must be '+' or '-'"


class _Reader:
    def __init__(self, lengths: Mapping[str, int], file: str) -> None:
        self._lengths, self._file = lengths, file
        self._problems = Problems(file, stop=True)
        self._blank = 0
        self._contigs: dict[str, None] = {}
        self._gene_lines: dict[str, int] = {}
        self._genes: set[str] = set()
        self._gene_of: dict[str, str] = {}
        self._places: dict[str, tuple[int, int]] = {}
        self._coding: dict[str, Region] = {}
        self._first: dict[str, tuple[int, int]] = {}
        self._last: dict[str, tuple[int, int]] = {}

    def read(self, number: int, line: str) -> None:
        if number == 1 and line.startswith("\ufeff"):
            self._problems.add(
                1, "begins with a byte order mark (BOM): save it as UTF-8 without one"
            )
            return
        if not line.strip():
            self._blank = self._blank or number
            return
        if self._blank:
            self._problems.add(self._blank, "is blank: csq reads no more after it; delete it")
            self._blank = 0
        if line.startswith(("##FASTA", ">")):
            self._problems.add(
                number, "begins a sequence, which csq can't read: delete it and the rest"
            )
            self._problems.raise_any()
        if not line.startswith("#"):
            self._read_feature(number, line.split("\t"))

    def _read_feature(self, number: int, fields: list[str]) -> None:
        if len(fields) != 9:
            self._problems.add(
                number, f"has {len(fields)} columns divided by tabs: a line of GFF3 has 9"
            )
            return
        feature = _Feature.of(fields)
        self._contigs[feature.contig] = None
        problem = self._wrong_place(feature) or self._note(number, feature)
        if problem:
            self._problems.add(number, problem)

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

    def _note(self, number: int, feature: "_Feature") -> str:
        """Keeps what csq uses of a feature; returns what is wrong with it."""
        name, parent = feature.attributes.get("ID", ""), feature.attributes.get("Parent", "")
        if feature.kind not in _OF_TRANSCRIPT:
            return self._note_gene_or_transcript(number, feature, name, parent)
        if not parent.startswith(_TRANSCRIPT):
            return (
                f"({feature.kind}) lacks Parent=transcript:…, by which csq knows its own: {_REMEDY}"
            )
        if feature.strand not in {"+", "-"}:
            return feature.wrong_strand
        if feature.kind == "CDS":
            if feature.phase not in {"0", "1", "2"}:
                return f"(CDS) has the phase {feature.phase!r}: it must be 0, 1 or 2"
            self._note_coding(number, parent, feature)
        return ""

    def _note_gene_or_transcript(
        self, number: int, feature: "_Feature", name: str, parent: str
    ) -> str:
        if not name.startswith((_GENE, _TRANSCRIPT)):
            return ""  # csq passes it over
        if feature.strand not in {"+", "-"}:
            return feature.wrong_strand
        if name.startswith(_TRANSCRIPT):
            self._places[name] = feature.place
            if "biotype" in feature.attributes:
                self._gene_of[name] = parent
            return ""
        if self._gene_lines.setdefault(name, number) != number:
            return (
                f"gives {name!r} again, as line {self._gene_lines[name]} does: csq may stop at it"
            )
        if "biotype" in feature.attributes:
            self._genes.add(name)
        return ""

    def _note_coding(self, number: int, transcript: str, feature: "_Feature") -> None:
        """Keeps a transcript's longest piece, and the lines of its first and last."""
        first, end = feature.place
        start = first - 1
        self._first[transcript] = min(self._first.get(transcript, (first, number)), (first, number))
        self._last[transcript] = max(self._last.get(transcript, (end, number)), (end, number))
        kept = self._coding.get(transcript)
        if feature.contig in self._lengths and (not kept or kept.end - kept.start < end - start):
            name = transcript.removeprefix(_TRANSCRIPT)
            self._coding[transcript] = Region(feature.contig, start, end, name)

    def _look_at_places(self) -> None:
        """Refuses coding sequence past its transcript's ends.

        csq 1.16 stops there by an assertion, as it does at a gene that is there twice.
        """
        for transcript, (start, end) in self._places.items():
            if transcript not in self._first:
                continue
            first, last = self._first[transcript], self._last[transcript]
            for outside, (_, number) in ((first[0] < start, first), (last[0] > end, last)):
                if outside:
                    self._problems.add(
                        number,
                        f"(CDS) is not within {transcript!r}, which has {start} to {end}: csq "
                        "may stop at it",
                    )

    def finish(self) -> GffContent:
        self._look_at_places()
        self._problems.raise_any()
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
        warnings = []
        if missing:
            warnings.append(
                f"{self._file} names contigs that the sequence lacks; their genes are not used: "
                f"{said}"
            )
        return GffContent(whole, [*warnings, *self._left_out()])

    def _left_out(self) -> Iterator[str]:
        """The warning about coding transcripts that are not whole."""
        broken = [t for t in self._coding if self._gene_of.get(t) not in self._genes]
        if not broken:
            return
        yield left_out_by_csq(
            self._file, [name.removeprefix(_TRANSCRIPT) for name in broken], len(self._coding),
            "their gene or transcript is not there, or has no biotype",
        )  # fmt: skip

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


def left_out_by_csq(file: str, names: Sequence[str], count: int, why: str) -> str:
    """The warning that csq leaves transcripts out, of ``count`` that were looked at.

    Raises InvalidReference where they are more than half: the file is not of the kind it reads.
    """
    examples = ", ".join(names[:_EXAMPLES]) + (" …" if len(names) > _EXAMPLES else "")
    said = (
        f"{file}: bcftools csq leaves out {len(names)} of {count} coding transcripts ({examples}); "
        f"{why}"
    )
    if len(names) * 2 > count:
        raise InvalidReference(f"{said}: {_REMEDY}")
    return f"{said}: variants in them get no consequence"
