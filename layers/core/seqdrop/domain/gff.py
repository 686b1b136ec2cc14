"""Genes: GFF3 as ``bcftools csq`` wants it, held against the sequence.

csq takes genes, transcripts and coding sequences from the attributes that Ensembl writes:
``ID=gene:…;biotype=…``, ``ID=transcript:…;Parent=gene:…;biotype=…``, ``Parent=transcript:…``.
What is written otherwise is an error to some of its versions, and left out without an error by
others (1.16 reads nothing after a blank line).
"""

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from seqdrop.domain.bed import listed, renamed
from seqdrop.domain.errors import InvalidReference
from seqdrop.domain.gff_features import TRANSCRIPT, Coding, Feature, Transcript
from seqdrop.domain.problems import Problems
from seqdrop.domain.reading_frames import CodingSequence

_OF_TRANSCRIPT = {"CDS", "exon", "five_prime_UTR", "three_prime_UTR"}
_GENE = "gene:"
_REMEDY = "give the GFF3 that Ensembl has of this sequence, or one in the same style"
_ONE_CONTIG = "a gene and all of it are on one contig; mend it, or delete the gene"
_EXAMPLES = 5


class GffContent(NamedTuple):
    """What a GFF3 file holds that csq uses."""

    coding: list[CodingSequence]
    """Of each transcript that is whole (with a gene, a transcript and coding sequence on the
    sequence's contigs, and their biotypes)."""
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


class _Reader:
    def __init__(self, lengths: Mapping[str, int], file: str) -> None:
        self._lengths, self._file = lengths, file
        self._problems = Problems(file, stop=True)
        self._blank = 0
        self._contigs: dict[str, str] = {}
        self._gene_lines: dict[str, tuple[int, str]] = {}
        self._genes: set[str] = set()
        self._gene_of: dict[str, str] = {}
        self._transcripts: dict[str, Transcript] = {}
        self._coding: dict[str, Coding] = {}

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
        fields[0] = self._contigs.setdefault(fields[0], fields[0])  # one text for all lines
        feature = Feature.of(fields)
        problem = self._wrong_place(feature) or self._note(number, feature)
        if problem:
            self._problems.add(number, problem)

    def _wrong_place(self, feature: Feature) -> str:
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

    def _note(self, number: int, feature: Feature) -> str:
        """Keeps what csq uses of a feature; returns what is wrong with it."""
        name, parent = feature.attributes.get("ID", ""), feature.attributes.get("Parent", "")
        if feature.kind not in _OF_TRANSCRIPT:
            return self._note_gene_or_transcript(number, feature, name, parent)
        if not parent.startswith(TRANSCRIPT):
            return (
                f"({feature.kind}) lacks Parent=transcript:…, by which csq knows its own: {_REMEDY}"
            )
        if feature.strand not in {"+", "-"}:
            return feature.wrong_strand
        if feature.kind == "CDS":
            if feature.phase not in {"0", "1", "2"}:
                return f"(CDS) has the phase {feature.phase!r}: it must be 0, 1 or 2"
            return self._note_coding(number, parent, feature)
        return ""

    def _note_gene_or_transcript(
        self, number: int, feature: Feature, name: str, parent: str
    ) -> str:
        if not name.startswith((_GENE, TRANSCRIPT)):
            return ""  # csq passes it over
        if feature.strand not in {"+", "-"}:
            return feature.wrong_strand
        if name.startswith(TRANSCRIPT):
            contig, strand = feature.contig, feature.strand
            self._transcripts[name] = Transcript(number, contig, strand, *feature.place)
            if "biotype" in feature.attributes:
                self._gene_of[name] = parent
            return ""
        line, _ = self._gene_lines.setdefault(name, (number, feature.contig))
        if line != number:
            return f"gives {name!r} again, as line {line} does: csq may stop at it"
        if "biotype" in feature.attributes:
            self._genes.add(name)
        return ""

    def _note_coding(self, number: int, transcript: str, feature: Feature) -> str:
        start, end = feature.place
        coding = self._coding.get(transcript)
        if coding is None:
            phase = int(feature.phase)
            self._coding[transcript] = coding = Coding(
                feature.contig, number, feature.strand, array("q"),
                (start, number, phase), (end, number, phase),
            )  # fmt: skip
        elif coding.contig != feature.contig:
            return (
                f"(CDS) has {transcript!r} on {feature.contig!r}, but line {coding.line} has it on "
                f"{coding.contig!r}: {_ONE_CONTIG}"
            )
        coding.add(feature, number)
        return ""

    def _look_at_places(self) -> None:
        """Refuses what is not where the thing is that it belongs to.

        csq joins by names alone. It stops at coding sequence past its transcript's ends by an
        assertion (1.16), as it does at a gene that is there twice.
        """
        for name, transcript in self._transcripts.items():
            gene = self._gene_of.get(name, "")
            line, contig = self._gene_lines.get(gene, (0, transcript.contig))
            if contig != transcript.contig:
                self._problems.add(
                    transcript.line,
                    f"has {name!r} on {transcript.contig!r}, but {gene!r} is on {contig!r} by line "
                    f"{line}: {_ONE_CONTIG}",
                )
            elif coding := self._coding.get(name):
                self._look_within(name, transcript, coding)

    def _look_within(self, name: str, transcript: Transcript, coding: Coding) -> None:
        if coding.contig != transcript.contig:
            self._problems.add(
                coding.line,
                f"(CDS) is on {coding.contig!r}, but {name!r} is on {transcript.contig!r} by line "
                f"{transcript.line}: {_ONE_CONTIG}",
            )
            return
        first, last = coding.first, coding.last
        outside = {first[1]: first[0] < transcript.start}
        outside[last[1]] = outside.get(last[1], False) or last[0] > transcript.end
        for number in (line for line, is_outside in outside.items() if is_outside):
            self._problems.add(
                number,
                f"(CDS) is not within {name!r}, which has {transcript.start} to "
                f"{transcript.end}: csq may stop at it",
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
        there = {name: one for name, one in self._coding.items() if one.contig in self._lengths}
        whole = [
            coding.sequence(name, self._transcripts[name].strand)
            for name, coding in there.items()
            if self._gene_of.get(name) in self._genes
        ]
        if not whole:
            raise InvalidReference(self._why_nothing_is_coding(there))
        warnings = []
        if missing:
            warnings.append(
                f"{self._file} names contigs that the sequence lacks; their genes are not used: "
                f"{said}"
            )
        return GffContent(whole, [*warnings, *self._left_out(there)])

    def _left_out(self, coding: Mapping[str, Coding]) -> Iterator[str]:
        """The warning about coding transcripts that are not whole."""
        broken = [name for name in coding if self._gene_of.get(name) not in self._genes]
        if not broken:
            return
        yield left_out_by_csq(
            self._file, [name.removeprefix(TRANSCRIPT) for name in broken], len(coding),
            "their gene or transcript is not there, or has no biotype",
        )  # fmt: skip

    def _why_nothing_is_coding(self, coding: Mapping[str, Coding]) -> str:
        lacks = "coding sequence (CDS with Parent=transcript:…) on the sequence's contigs"
        if not self._genes:
            lacks = "gene (ID=gene:… and biotype=…)"
        elif not self._gene_of:
            lacks = "transcript (ID=transcript:…, Parent=gene:… and biotype=…)"
        elif coding:
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
