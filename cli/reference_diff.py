"""`seqdrop reference diff`: which parts of two versions differ, how, and what that means."""

import os
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import msgspec

from cli.faults import CommandFailed
from cli.object_text import lines_of, pieces_of
from cli.screen import on_terminal, warn
from seqdrop.domain.alt import alt_names
from seqdrop.domain.bed import Region, listed, parse_bed
from seqdrop.domain.chain_file import EqualBlocks
from seqdrop.domain.contigs import Contig, read_contigs, read_index, read_list
from seqdrop.domain.errors import InvalidInput
from seqdrop.domain.flavour import Flavour, OtherFlavour, flavour, other_flavour
from seqdrop.domain.gene_changes import (
    NO_GENES,
    AnnotationChanges,
    Genes,
    compare_genes,
    read_genes,
)
from seqdrop.domain.identity import ReferenceId
from seqdrop.domain.reference import ReferenceVersion
from seqdrop.domain.reference_diff import (
    BaseDifferences,
    ChangedContig,
    ContigChanges,
    Counterpart,
    LineChanges,
    OtherKeys,
    TargetChanges,
    changed_parts,
    compare_contigs,
    compare_lines,
    compare_targets,
    counterparts,
    other_letters,
    side_by_side,
    stages_with_other_keys,
)

if TYPE_CHECKING:
    from cli.stack import Stack
    from seqdrop.domain.pipeline import Assay
    from seqdrop.domain.plan import StoredObject
    from seqdrop.library import Library


class VersionShown(msgspec.Struct, frozen=True):
    """A version as the difference names it."""

    version: str
    state: str
    sequence: Flavour | None
    """None where the sequence is the same, and nobody has looked at it or indexed it."""


class Meaning(msgspec.Struct, frozen=True):
    """Which stages get other keys since a part is another one, by the pipelines that use it."""

    part: str
    pipelines: dict[str, OtherKeys]
    says: str


class Difference(msgspec.Struct, frozen=True):
    """How two versions differ."""

    name: str
    before: VersionShown
    after: VersionShown
    same: bool
    parts: dict[str, str]
    """Those that are ``added``, ``removed`` or ``changed``."""
    sequence: ContigChanges | None
    targets: dict[str, TargetChanges]
    annotation: AnnotationChanges | None
    lines: dict[str, LineChanges]
    """Of all other parts."""
    meaning: list[Meaning]
    chain: str | None
    """The chain file that was written."""
    flavour: dict[str, OtherFlavour]
    """The signs of the sequence that are others, where both are known."""


def compare_versions(
    stack: "Stack", name: str, before: str, after: str, chain: Path | None
) -> Difference:
    """Two versions of a reference, part by part; writes a chain file where one is asked for.

    Raises CommandFailed where a version is not there, or such a file is or can't be made.
    """
    one, other = (_version(stack, name, version) for version in (before, after))
    if chain is None:
        return _compare(stack, one, other, None)
    with _new_file(chain) as file:
        found = _compare(stack, one, other, file)
    return msgspec.structs.replace(found, chain=str(chain))


def _version(stack: "Stack", name: str, version: str) -> ReferenceVersion:
    """One version. Raises CommandFailed where there is none, and names those that there are."""
    found = stack.catalog.references.get(ReferenceId(name, version))
    if found is not None:
        return found
    known = _known_versions(stack, name)
    if known:
        raise CommandFailed(f"there is no reference {name} {version} (there are: {known})")
    names = ", ".join(stack.catalog.references.names()) or "none"
    raise CommandFailed(f"there is no reference {name!r} (there are: {names})")


def _known_versions(stack: "Stack", name: str) -> str:
    versions = sorted(stack.catalog.references.versions(name), key=lambda one: one.created)
    return ", ".join(one.version for one in versions)


def lengths_in(stack: "Stack", reference: ReferenceId, version: str) -> Mapping[str, int]:
    """Bases of the contigs of the version that a chain file to ``reference`` is named after.

    Raises InvalidInput where there is none.
    """
    if version == reference.version:
        raise InvalidInput(
            f"{version}.chain would lead from version {version} to itself: name the file after "
            "the earlier version, from whose sequence it leads"
        )
    there = stack.catalog.references.get(ReferenceId(reference.name, version))
    if there is None:
        known = _known_versions(stack, reference.name) or "none"
        raise InvalidInput(
            f"there is no version {version!r} of {reference.name}, from which {version}.chain "
            f"would lead (there are: {known}): name the file after the earlier version"
        )
    return {contig.name: contig.length for contig in _contigs(stack, there)}


def _compare(
    stack: "Stack", before: ReferenceVersion, after: ReferenceVersion, chain: IO[str] | None
) -> Difference:
    parts = changed_parts(before, after)
    shown_before, shown_after, sequence = _compare_sequences(stack, before, after, chain)
    targets = {
        part.partition(":")[2]: compare_targets(*_both(_regions, stack, part, before, after))
        for part in parts
        if part.startswith("targets:")
    }
    annotation = None
    if "annotation" in parts:
        annotation = compare_genes(*_both(_genes, stack, "annotation", before, after))
    lines = {
        part: compare_lines(*_both(_lines_of, stack, part, before, after))
        for part in parts
        if part not in {"sequence", "annotation"} and not part.startswith("targets:")
    }
    return Difference(
        before.name, shown_before, shown_after, not parts, parts, sequence, targets, annotation,
        lines, _meanings(stack, before.name, parts), None,
        other_flavour(shown_before.sequence, shown_after.sequence),
    )  # fmt: skip


def _both(
    read: Any, stack: "Stack", part: str, before: ReferenceVersion, after: ReferenceVersion
) -> Iterator[Any]:
    """What a reader makes of a part of both versions."""
    for version in (before, after):
        yield read(stack, part, version)


def _lines_of(stack: "Stack", part: str, version: ReferenceVersion) -> Iterator[str]:
    """The lines of a part, none where the version has no such part."""
    if part in version.parts:
        yield from lines_of(stack.s3, version.parts[part].object)


def _regions(stack: "Stack", part: str, version: ReferenceVersion) -> list[Region]:
    if part not in version.parts:
        return []
    return parse_bed(_lines_of(stack, part, version), None, f"{part} of {version.version}").regions


def _genes(stack: "Stack", part: str, version: ReferenceVersion) -> Genes:
    return read_genes(_lines_of(stack, part, version)) if part in version.parts else NO_GENES


def _compare_sequences(
    stack: "Stack", before: ReferenceVersion, after: ReferenceVersion, chain: IO[str] | None
) -> tuple[VersionShown, VersionShown, ContigChanges | None]:
    """Both versions with their flavours, and the changes of the sequence if there are any."""
    is_same = before.parts["sequence"].object.sha256 == after.parts["sequence"].object.sha256
    if is_same:
        contigs = _indexed(stack, before) or _indexed(stack, after)
        if chain and not contigs:
            contigs = _contigs(stack, before)
        one = other = contigs
    else:
        one, other = _contigs(stack, before), _contigs(stack, after)
    shown_before, shown_after = _shown(stack, before, one), _shown(stack, after, other)
    if is_same and chain is None:
        return shown_before, shown_after, None
    changes = compare_contigs(one, other)
    if chain:
        _refuse_other_lengths(changes)
    sequences = _Sequences(stack, before, after, chain)
    changed = {contig.name: contig for contig in changes.changed}
    by_name = {contig.name: contig for contig in other}
    for pair in counterparts(one, other):
        if pair.is_same:
            sequences.chain_whole(pair)
            continue
        contig = changed[pair.before.name]
        if contig.now_named:
            sequences.chain_whole(Counterpart(pair.before, by_name[contig.now_named]))
        if pair.before.length == pair.after.length:
            changed[contig.name] = sequences.compare(pair, contig)
    changes = msgspec.structs.replace(changes, changed=tuple(changed.values()))
    return shown_before, shown_after, None if is_same else changes


def _shown(stack: "Stack", version: ReferenceVersion, contigs: list[Contig]) -> VersionShown:
    facts = version.facts
    sequence = facts.flavour if facts else None
    if contigs and sequence is None:
        lengths = {contig.name: contig.length for contig in contigs}
        named = alt_names(_lines_of(stack, "alt", version))
        sequence = flavour(lengths, named, facts.uncertain if facts else None)
    return VersionShown(version.version, version.state.value, sequence)


def _refuse_other_lengths(changes: ContigChanges) -> None:
    """Raises CommandFailed where only an alignment of the sequences could say what lies where."""
    wrong = [
        f"{c.name} ({c.length_before:,} and {c.length_after:,} bases)"
        for c in changes.changed
        if c.length_before != c.length_after and not c.now_named
    ]
    if wrong:
        raise CommandFailed(
            f"no chain file can be made: {listed(wrong, quoted=False)} have other lengths in both "
            "versions; that takes an alignment of the two, so take the chain file of who made the "
            "sequence"
        )


class _Sequences:
    """The bases of two versions, compared contig by contig, and the chain file beside it."""

    def __init__(
        self,
        stack: "Stack",
        before: ReferenceVersion,
        after: ReferenceVersion,
        chain: IO[str] | None,
    ) -> None:
        self._s3, self._chain = stack.s3, chain
        self._before = before.parts["sequence"].object
        self._after = after.parts["sequence"].object
        self._chains = 0

    def chain_whole(self, pair: Counterpart) -> None:
        """A contig whose bases are the same is one block."""
        self._write(pair, EqualBlocks.whole(pair.before.length), None)

    def compare(self, pair: Counterpart, contig: ChangedContig) -> ChangedContig:
        """Reads a contig of both versions side by side: what differs, and where."""
        if on_terminal():
            warn(f"comparing {contig.name}, {contig.length_before:,} bases")
        found, blocks = BaseDifferences(contig.name), EqualBlocks()
        with tempfile.TemporaryFile("w+", encoding="ascii") as lines:
            pieces = side_by_side(
                _bases(self._s3, self._before, pair.before),
                _bases(self._s3, self._after, pair.after),
            )
            for at, one, other in pieces:
                difference = other_letters(one, other)
                found.take(at, one, other, difference)
                if self._chain:
                    lines.writelines(blocks.take(at, len(one), difference))
            if self._chain and not contig.now_named:
                if found.is_another_sequence:
                    raise CommandFailed(
                        f"no chain file can be made: more than a tenth of the bases of "
                        f"{contig.name} differ, so its places are not those of before; take the "
                        "chain file of who made the sequence"
                    )
                lines.seek(0)
                self._write(pair, blocks, lines)
        return found.of(contig)

    def _write(self, pair: Counterpart, blocks: EqualBlocks, lines: IO[str] | None) -> None:
        if self._chain is None or not blocks.equal:
            return
        self._chains += 1
        before, after = ((c.name, c.length) for c in pair)
        self._chain.write(blocks.header(before, after, self._chains))
        for line in lines or ():
            self._chain.write(line)
        self._chain.write(blocks.last())


def _indexed(stack: "Stack", version: ReferenceVersion) -> list[Contig]:
    """The contigs by the version's list or index; none where an earlier Seqdrop made neither."""
    facts = version.facts
    if facts and (stored := facts.contig_list):
        body = stack.objects.get(stored.bucket, stored.key)
        if body is not None:
            return read_list(body)
    files = {file.path: file.object for file in version.indexes.get("sequence", ())}
    texts = []
    for name in ("genome.dict", "genome.fa.fai"):
        stored = files.get(name)
        body = stack.objects.get(stored.bucket, stored.key) if stored else None
        if body is None:
            return []
        texts.append(body.decode("utf-8", "replace"))
    return read_index(*texts)


def _contigs(stack: "Stack", version: ReferenceVersion) -> list[Contig]:
    """The contigs with their checksums; by the sequence itself where it has no index."""
    if found := _indexed(stack, version):
        return found
    if on_terminal():
        warn(f"reading the whole sequence of {version.name} {version.version}: it has no index")
    stored = version.parts["sequence"].object
    return read_contigs(pieces_of(stack.s3, stored, 0, stored.size))


def _bases(s3: Any, stored: "StoredObject", contig: Contig) -> Iterator[bytes]:
    for piece in pieces_of(s3, stored, contig.begin, contig.end):
        yield piece.translate(None, b" \t\r\n")


@contextmanager
def _new_file(path: Path) -> Iterator[IO[str]]:
    """A file that is there when all of it is, and never in place of another one."""
    there = f"{path} is there already: name a file that is not, or delete it"
    if os.path.lexists(path):
        raise CommandFailed(there)
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        with part.open("x", encoding="utf-8", newline="\n") as file:
            yield file
        try:
            os.link(part, path)
        except FileExistsError:
            raise CommandFailed(there) from None
        except OSError:  # a disk that has no links
            if os.path.lexists(path):
                raise CommandFailed(there) from None
            part.rename(path)
    finally:
        part.unlink(missing_ok=True)


def _meanings(stack: "Stack", name: str, parts: Mapping[str, str]) -> list[Meaning]:
    """A line for each changed part, by the pipelines and assays that the deployment has."""
    from cli.deployed_library import deployed_library

    if not parts:
        return []
    with deployed_library(stack) as known:
        if known.doubt:
            warn(
                "WARN what it means is said by this copy's pipelines and assays; the deployment "
                f"can't be asked for its own ({known.doubt})"
            )
        return [_meaning(known.library, name, part) for part in parts]


def _meaning(library: "Library", name: str, part: str) -> Meaning:
    assays = {key: one for key, one in library.assays().items() if one.reference == name}
    kind, _, which = part.partition(":")
    if kind in {"targets", "left_out", "primers"}:
        assays = {key: one for key, one in assays.items() if one.targets == which}
        names = _pipelines_of(assays, library)
    else:
        names = _pipelines_of(assays, library) if assays else library.pipeline_names()
    found = {name: stages_with_other_keys(library.pipeline(name), part) for name in names}
    used = {name: keys for name, keys in found.items() if keys.stages}
    if not names:
        return Meaning(part, {}, f"{part}: no assay of this reference has these target regions")
    return Meaning(part, used, f"{part}: {_said(used)}")


def _pipelines_of(assays: Mapping[str, "Assay"], library: "Library") -> list[str]:
    """Their pipelines, and those of the assays that they fall back to."""
    everything = library.assays()
    names = [one.pipeline for one in assays.values()]
    names += [everything[one.fallback].pipeline for one in assays.values() if one.fallback]
    return sorted(set(names))


def _said(used: Mapping[str, OtherKeys]) -> str:
    """The stages, with the pipelines where they are these."""
    by_stages: dict[str, list[str]] = {}
    for pipeline, keys in used.items():
        then = f", then {', '.join(keys.then)}" if keys.then else ""
        said = "all" if keys.is_all else ", ".join(keys.stages) + then
        by_stages.setdefault(said, []).append(pipeline)
    return "; ".join(f"{said} ({', '.join(names)})" for said, names in by_stages.items()) or (
        "no stage uses it"
    )
