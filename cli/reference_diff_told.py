"""How two versions of a reference differ, in lines for a person."""

from collections.abc import Iterator, Mapping
from typing import Literal

import msgspec

from cli.reference_diff import Difference
from cli.reference_document import flavour_told
from seqdrop.domain.flavour import Flavour, OtherFlavour
from seqdrop.domain.gene_changes import AnnotationChanges
from seqdrop.domain.reference_diff import (
    SHOWN,
    ChangedContig,
    ContigChanges,
    RegionChanges,
    TargetChanges,
)


def told(found: Difference) -> Iterator[str]:
    """The difference for a person."""
    for one in (found.before, found.after):
        yield f"{found.name} {one.version} is {one.state}{_flavour_told(one.sequence)}"
    yield from (_sign_told(sign, other) for sign, other in found.flavour.items())
    if found.same:
        yield "both have the same content"
    for part, how in found.parts.items():
        yield f"{part} was {how}"
        yield from (f"  {line}" for line in _part_told(found, part))
    if found.meaning:
        yield "stages with other keys, which are made anew:"
        yield from (f"  {meaning.says}" for meaning in found.meaning)
    if found.chain:
        yield f"{found.chain} leads from {found.before.version} to {found.after.version}"


def _flavour_told(sequence: Flavour | None) -> str:
    if sequence is None:
        return ""
    shown = flavour_told(msgspec.structs.asdict(sequence))
    uncertain = "" if sequence.uncertain is None else f", {sequence.uncertain:,} N"
    return (
        f": {_count(sequence.contigs, 'contig')}{f' ({shown})' if shown else ''}, "
        f"{_count(sequence.bases, 'base')}{uncertain}"
    )


def _sign_told(sign: str, other: OtherFlavour) -> str:
    if sign == "par_mask":
        return f"Y's pseudo-autosomal regions (PAR): {other.before} before, {other.after} now"
    kind = "HLA" if sign == "hla" else sign
    return f"{kind} contigs: {other.before:,} before, {other.after:,} now"


def _part_told(found: Difference, part: str) -> Iterator[str]:
    if part == "sequence" and found.sequence:
        return _sequence_told(found.sequence)
    if part == "annotation" and found.annotation:
        return _annotation_told(found.annotation)
    if part.startswith("targets:"):
        return _targets_told(found.targets[part.partition(":")[2]])
    lines = found.lines[part]
    return iter([f"{_count(lines.added, 'line')} added, {lines.removed:,} removed"])


def _sequence_told(changes: ContigChanges) -> Iterator[str]:
    if not changes.any:
        yield (
            "names, order and bases are the same: only capitals, descriptions or the lengths of "
            "lines differ"
        )
    for what, contigs in (("added", changes.added), ("removed", changes.removed)):
        if contigs:
            sized = [f"{c.name} ({_count(c.length, 'base')})" for c in contigs]
            yield f"{what}: {_listed(sized)}"
    if changes.renamed:
        yield f"renamed: {_listed([f'{c.before} is {c.after}' for c in changes.renamed])}"
    if changes.reordered:
        yield f"in another place of the order: {_listed(changes.reordered)}"
    for contig in changes.changed:
        yield _contig_told(contig)
    if changes.changed:
        yield "where these bases lie in a gene, its consequences may change"


def _contig_told(contig: ChangedContig) -> str:
    moved = f"; what it was is {contig.now_named} now" if contig.now_named else ""
    if contig.differing is None:
        return (
            f"{contig.name} had {_count(contig.length_before, 'base')} and has "
            f"{contig.length_after:,}{moved}: only a chain file can relate the two"
        )
    where = ", ".join(contig.regions) + (
        f" and {contig.more_regions:,} more regions" if contig.more_regions else ""
    )
    with_n = f" ({contig.with_n:,} with N in one of both)" if contig.with_n else ""
    return (
        f"{contig.name}, {_count(contig.length_after, 'base')}, differs in "
        f"{contig.differing:,}{with_n}{moved}: {where}"
    )


def _targets_told(changes: TargetChanges) -> Iterator[str]:
    yield f"{_count(changes.bases_before, 'base')} before, {changes.bases_after:,} now"
    told: tuple[tuple[str, RegionChanges], ...]
    told = (("added", changes.added), ("removed", changes.removed))
    for what, regions in told:
        if regions.regions:
            named = _listed(regions.first, regions.regions)
            yield f"{_count(regions.bases, 'base')} {what}: {named}"
    if not changes.added.regions and not changes.removed.regions:
        yield "the regions are the same: only their names, order or further columns differ"


def _annotation_told(changes: AnnotationChanges) -> Iterator[str]:
    symbols = changes.symbols
    for what, things in (("gene", changes.genes), ("transcript", changes.transcripts)):
        hows: tuple[Literal["added", "removed", "changed"], ...] = ("added", "removed", "changed")
        for how in hows:
            names = getattr(things, how)
            if names.count:
                shown = [_gene_told(name, symbols) for name in names.first]
                yield f"{_count(names.count, what)} {how}: {_listed(shown, names.count)}"
    if not (genes := changes.consequences_may_change):
        yield "genes and transcripts are the same: only other lines or attributes differ"
        return
    shown = [_gene_told(name, symbols) for name in genes]
    yield f"consequences may change in {_count(len(genes), 'gene')}: {_listed(shown)}"


def _gene_told(name: str, symbols: Mapping[str, str]) -> str:
    return f"{name} ({symbols[name]})" if symbols.get(name) else name


def _listed(names: list[str] | tuple[str, ...], count: int = 0) -> str:
    """The first of them, and how many there are more; ``count`` where these are not all."""
    more = max(count, len(names)) - len(names[:SHOWN])
    return ", ".join(names[:SHOWN]) + (f" and {more:,} more" if more else "")


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"
