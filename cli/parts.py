"""A reference's files on this disk: which part each is, checked, and as tools need it."""

import hashlib
import mmap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from msgspec.structs import replace

from cli.packed import is_gzip, opened
from seqdrop.domain.alt import alt_names, check_alt, missing_alt
from seqdrop.domain.bases import Bases
from seqdrop.domain.bed import parse_bed
from seqdrop.domain.chain_file import PART as CHAIN
from seqdrop.domain.chain_file import chains_of, check_chain, without_chain
from seqdrop.domain.contigs import PATH as CONTIGS
from seqdrop.domain.contigs import Contig, ContigReader, seqcol, write_list
from seqdrop.domain.errors import InvalidInput
from seqdrop.domain.fasta import FastaContent, read_fasta
from seqdrop.domain.fingerprint_sites import PART as FINGERPRINT
from seqdrop.domain.fingerprint_sites import check_bases, parse_sites
from seqdrop.domain.flavour import flavour, par_mask
from seqdrop.domain.gff import parse_gff
from seqdrop.domain.plan import LocalFile, StoredObject
from seqdrop.domain.ploidy import PART as PAR
from seqdrop.domain.ploidy import parse_par
from seqdrop.domain.primers import PART as PRIMERS
from seqdrop.domain.primers import parse_primers, primer_warnings
from seqdrop.domain.reading_frames import check_reading_frames
from seqdrop.domain.reference import SequenceFacts
from seqdrop.domain.targets import uncallable
from seqdrop.domain.text import text_lines
from seqdrop.domain.twins import twin_warnings
from seqdrop.flow.references import CODES_PART, left_out_part, part_of

_CHUNK_BYTES = 1 << 20
Lengths = Mapping[str, int]
"""Bases of contigs."""


@dataclass(frozen=True)
class Part:
    """One part: its path for the tools, and the file that is to be uploaded."""

    path: str
    file: Path


@dataclass
class PreparedReference:
    """Files that were checked and may be uploaded."""

    facts: SequenceFacts
    bases: int
    parts: dict[str, Part]
    contig_list: Part
    warnings: list[str] = field(default_factory=list)


def _nothing_is_earlier(version: str) -> Lengths:
    raise InvalidInput(f"there is no version {version!r} from which a chain file could lead")


def prepare_parts(
    files: Sequence[Path],
    scratch: Path,
    lengths_in: Callable[[str], Lengths] = _nothing_is_earlier,
) -> PreparedReference:
    """Checks all files, and writes to ``scratch`` those that tools need in another form.

    ``lengths_in`` says what contigs an earlier version has, and raises InvalidInput where there is
    no such version. Raises InvalidInput where a file is no part, a part is given twice, the first
    is not FASTA, or a file holds what tools would refuse or misread.
    """
    given: dict[str, tuple[str, Path]] = {}
    for file in files:
        name, path = part_of(file.name)
        if name in given:
            raise InvalidInput(f"{file.name!r} is a second {name}: a version has one")
        given[name] = path, file
    if part_of(files[0].name)[0] != "sequence":
        raise InvalidInput(f"{files[0].name!r} is not FASTA (.fa): the sequence comes first")
    _check_primers_have_targets(given)
    earlier = {name: lengths_in(version) for name, version in _chains(given)}
    prepared, content = _prepare_sequence(files[0], scratch)
    with _bases(prepared, content) as bases:
        prepared.warnings += twin_warnings(content, bases)
    for name, (path, file) in given.items():
        if name in earlier:
            copy = scratch / f"{len(prepared.parts)}-{path}"
            prepared.warnings += _copy_chain(file, copy, earlier[name], content.lengths)
            prepared.parts[name] = Part(path, copy)
        elif name != "sequence":
            _prepare(name, Part(path, file), content, scratch, prepared)
    if "alt" not in given:
        prepared.warnings += missing_alt(content.alternates)
    _note_flavour(prepared, content)
    return prepared


def _check_primers_have_targets(given: Mapping[str, tuple[str, Path]]) -> None:
    """Raises InvalidInput for primers of which no assay would ever know."""
    for name, (_, file) in given.items():
        kind, _, targets = name.partition(":")
        if kind == PRIMERS and f"targets:{targets}" not in given:
            raise InvalidInput(
                f"{file.name!r} has the primers of the target regions {targets!r}, which are not "
                f"given: give {targets}.bed, too, or name the primers after the file that you have"
            )


def _chains(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The parts that are chain files, each with the version that it leads from."""
    for name in names:
        kind, _, version = name.partition(":")
        if kind == CHAIN:
            yield name, version


def _copy_chain(file: Path, copy: Path, before: Lengths, after: Lengths) -> list[str]:
    """Writes the unpacked file, line by line while it is checked; warnings about it."""
    seen: set[str] = set()
    with opened(file) as source:
        lines = check_chain(text_lines(source), before, after, file.name)
        _written(chains_of(lines, seen), copy)
    return without_chain(before, seen, file.name)


def _prepare_sequence(file: Path, scratch: Path) -> tuple[PreparedReference, FastaContent]:
    working, content, contigs = _working_copy(file, scratch / "genome.fa")
    listed = scratch / CONTIGS
    listed.write_bytes(write_list(contigs))
    facts = SequenceFacts(
        file=file.name,
        sha256=_sha256(file),
        contigs=len(content.lengths),
        masked=content.masked,
        uncertain=content.uncertain,
        replaced=content.replaced,
        seqcol=seqcol(contigs),
    )
    parts = {"sequence": Part("genome.fa", working)}
    prepared = PreparedReference(facts, content.bases, parts, Part(CONTIGS, listed))
    if content.codes:
        codes = scratch / "iupac.bed"
        with codes.open("w", encoding="ascii") as lines:
            for region in content.codes:
                lines.write("\t".join(map(str, region)) + "\n")
        prepared.parts[CODES_PART] = Part("iupac.bed", codes)
    return prepared, content


def _note_flavour(prepared: PreparedReference, sequence: FastaContent) -> None:
    """Notes what kind of sequence it is, by its contigs and the ``.alt`` file."""
    alternates = set(sequence.alternates)
    if alt := prepared.parts.get("alt"):
        alternates.update(alt_names(alt.file.read_text("utf-8", "surrogateescape").split("\n")))
    prepared.facts = replace(
        prepared.facts,
        flavour=flavour(
            sequence.lengths,
            alternates,
            sequence.uncertain,
            par_mask(sequence.lengths, sequence.callable),
        ),
    )


def _working_copy(file: Path, copy: Path) -> tuple[Path, FastaContent, list[Contig]]:
    """What the tools are to read: the file itself where nothing in it has to change."""
    original, written = hashlib.sha256(), hashlib.sha256()
    contigs = ContigReader()

    def look(text: bytes) -> None:
        written.update(text)
        contigs.read(text)

    with opened(file) as source:
        content = read_fasta(_chunks(source, original.update), look, file.name)
    if not is_gzip(file) and original.digest() == written.digest():
        return file, content, contigs.finish()
    with opened(file) as source, copy.open("wb") as target:
        read_fasta(_chunks(source), target.write, file.name)
    return copy, content, contigs.finish()


def _prepare(
    name: str, part: Part, sequence: FastaContent, scratch: Path, prepared: PreparedReference
) -> None:
    """Checks any part but the sequence."""
    file, shown = part.file, part.file.name
    copy = scratch / f"{len(prepared.parts)}-{part.path}"
    with opened(file) as source:
        lines = text_lines(source)
        if name == "annotation":
            genes = parse_gff(lines, sequence.lengths, shown)
            with _bases(prepared, sequence) as bases:
                frames = check_reading_frames(genes.coding, bases.read, shown)
            prepared.warnings += [*genes.warnings, *frames]
            prepared.parts[name] = part
            return
        if name == "alt":
            kept = [line.rstrip("\r\n") for line in lines]
            prepared.warnings += check_alt(kept, sequence.lengths, sequence.alternates, shown)
        elif name == FINGERPRINT:
            found = parse_sites(lines, sequence.lengths, shown)
            with _bases(prepared, sequence) as bases:
                check_bases(found.sites, bases, shown)
            prepared.warnings += found.warnings
            kept = found.lines
        elif name == PAR:
            kept = parse_par(lines, sequence.lengths, shown)
        elif name.startswith(f"{PRIMERS}:"):
            kept = parse_primers(lines, sequence.lengths, shown)
            prepared.warnings += primer_warnings(kept, shown)
        else:
            bed = parse_bed(lines, sequence.lengths, shown)
            prepared.warnings += bed.warnings
            prepared.warnings += uncallable(bed.regions, sequence.callable, shown)
            kept = bed.lines
            if bed.left_out:
                left_out, path = left_out_part(name)
                prepared.parts[left_out] = Part(path, _written(bed.left_out, Path(f"{copy}.out")))
    prepared.parts[name] = Part(part.path, _written(kept, copy))


def _written(lines: Iterable[str], copy: Path) -> Path:
    with copy.open("wb") as target:
        target.writelines(f"{line}\n".encode("utf-8", "surrogateescape") for line in lines)
    return copy


@contextmanager
def _bases(prepared: PreparedReference, sequence: FastaContent) -> Iterator[Bases]:
    """The working copy's bases, read where they are looked at."""
    fasta = prepared.parts["sequence"].file
    with fasta.open("rb") as source, mmap.mmap(source.fileno(), 0, access=mmap.ACCESS_READ) as text:
        yield Bases(text, sequence.lengths)


def _chunks(source: IO[bytes], look: Callable[[bytes], object] = lambda _: None) -> Iterator[bytes]:
    while chunk := source.read(_CHUNK_BYTES):
        look(chunk)
        yield chunk


def stored_parts(parts: Mapping[str, Part], bucket: str, folder: str) -> dict[str, LocalFile]:
    """Each part as it will be in the bucket, with its checksum.

    The checksum is in the key too: somebody who adds other content meanwhile writes over nothing.
    """
    stored = {}
    for name, part in parts.items():
        sha256 = _sha256(part.file)
        key = f"{folder}/{name.replace(':', '/')}/{sha256}/{part.path}"
        stored[name] = LocalFile(
            part.path, StoredObject(bucket, key, part.file.stat().st_size, sha256=sha256)
        )
    return stored


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
