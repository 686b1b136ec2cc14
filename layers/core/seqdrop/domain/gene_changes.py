"""How the genes of two versions of a reference differ."""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from seqdrop.domain.gff_features import TRANSCRIPT
from seqdrop.domain.reference_diff import SHOWN

_GENE = "gene:"
_ATTRIBUTE = re.compile(r"(?:^|;) *(ID|Parent|Name|biotype)=([^;]*)")


class Genes(NamedTuple):
    """What a GFF3 file says of genes and transcripts: a digest of each one's lines, by its id."""

    genes: dict[str, int]
    names: dict[str, str]
    transcripts: dict[str, int]
    gene_of: dict[str, str]


NO_GENES = Genes({}, {}, {}, {})


def read_genes(lines: Iterable[str]) -> Genes:
    """Reads a GFF3 file as ``bcftools csq`` does: by ``ID=gene:…`` and ``ID=transcript:…``."""
    found = Genes({}, {}, {}, {})
    for line in lines:
        fields = line.rstrip("\r\n").split("\t")
        if len(fields) == 9 and not line.startswith("#"):
            _note_feature(fields, found)
    return found


def _note_feature(fields: list[str], found: Genes) -> None:
    said = dict(_ATTRIBUTE.findall(fields[8]))
    name, parent = said.get("ID", ""), said.get("Parent", "")
    digest = _digest(fields, said.get("biotype", ""), parent)
    if name.startswith(_GENE):
        gene = name.removeprefix(_GENE)
        found.genes[gene] = found.genes.get(gene, 0) + digest
        if symbol := said.get("Name"):
            found.names[gene] = symbol
    elif name.startswith(TRANSCRIPT):
        found.gene_of[_note_line(name, digest, found)] = parent.removeprefix(_GENE)
    elif parent.startswith(TRANSCRIPT):
        for one in parent.split(","):
            _note_line(one, digest, found)


def _note_line(transcript: str, digest: int, found: Genes) -> str:
    """One more line of a transcript, whose name is returned."""
    name = transcript.removeprefix(TRANSCRIPT)
    found.transcripts[name] = found.transcripts.get(name, 0) + digest
    return name


def _digest(fields: list[str], biotype: str, parent: str) -> int:
    """Of all that consequences depend on, the same within this process alone.

    Digests of lines are added, so that their order does not count.
    """
    contig, _, kind, start, end, _, strand, phase, _ = fields
    return hash((contig, kind, start, end, strand, phase, biotype, parent))


class Names(msgspec.Struct, frozen=True):
    """How many there are, and the first of them."""

    count: int
    first: tuple[str, ...]

    @classmethod
    def of(cls, names: Iterable[str]) -> "Names":
        """In the order given."""
        given = list(names)
        return cls(len(given), tuple(given[:SHOWN]))


class ThingChanges(msgspec.Struct, frozen=True):
    """Genes or transcripts by their ids."""

    added: Names
    removed: Names
    changed: Names
    """Of these a place, the strand, a phase or the biotype is another one."""


class AnnotationChanges(msgspec.Struct, frozen=True):
    """How genes differ."""

    genes: ThingChanges
    transcripts: ThingChanges
    consequences_may_change: tuple[str, ...]
    """All genes of which anything changed, be it in a transcript alone."""
    symbols: dict[str, str]
    """Of these genes, where the file has them."""


def compare_genes(before: Genes, after: Genes) -> AnnotationChanges:
    """What was added, removed or changed; consequences may change in every gene of these."""
    genes = _other_things(before.genes, after.genes)
    transcripts = _other_things(before.transcripts, after.transcripts)
    touched = dict.fromkeys(name for names in genes for name in names)
    for transcript in (name for names in transcripts for name in names):
        for genes_of in (before.gene_of, after.gene_of):
            if gene := genes_of.get(transcript):
                touched[gene] = None
    symbols = {gene: after.names.get(gene) or before.names.get(gene, "") for gene in touched}
    return AnnotationChanges(
        ThingChanges(*map(Names.of, genes)),
        ThingChanges(*map(Names.of, transcripts)),
        tuple(touched),
        {gene: symbol for gene, symbol in symbols.items() if symbol},
    )


def _other_things(
    before: Mapping[str, int], after: Mapping[str, int]
) -> tuple[list[str], list[str], list[str]]:
    """Added, removed and changed."""
    return (
        [name for name in after if name not in before],
        [name for name in before if name not in after],
        [name for name, digest in before.items() if after.get(name, digest) != digest],
    )
