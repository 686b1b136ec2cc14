"""ALT contigs: other versions of a place in the genome, which mappers must know as such.

bwa reads their names from ``genome.fa.alt`` beside its index. Without it a read that fits the
primary contig and an ALT one equally well has mapping quality 0, and its variant is lost.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from seqdrop.domain.bed import listed, renamed
from seqdrop.domain.errors import InvalidReference

_ALT_NAME = re.compile(
    r".*_(alt|fix)|HLA-.*|CHR_(HSCHR|HG|MMCHR|MG).+|.*_PATCH"
    r"|HSCHR(?!UN_).*_CTG(?!.*_UNLOCALIZED).*"
)
"""GRCh38 as UCSC names it (``chr1_KI270762v1_alt``, ``chr1_KN196472v1_fix``) and Ensembl
(``CHR_HSCHR6_MHC_COX_CTG1``, ``HG2233_PATCH``), and bwakit's HLA contigs. Unplaced and unlocalized
scaffolds (``HSCHRUN_RANDOM_CTG1``, ``HSCHR1_CTG1_UNLOCALIZED``) are primary ones."""
_ALT_DESCRIPTION = re.compile(
    r"alternate locus group|\b(fix|novel) patch\b|genomic patch of type (fix|novel)", re.IGNORECASE
)
"""NCBI's names are accessions; what they are is in the description."""


def is_alternate(name: str, description: str = "") -> bool:
    """Whether a contig is an ALT contig or a patch, by what its line in the FASTA says."""
    return bool(_ALT_NAME.fullmatch(name) or _ALT_DESCRIPTION.search(description))


def check_alt(
    lines: Iterable[str], lengths: Mapping[str, int], alternates: Iterable[str], file: str
) -> list[str]:
    """Warnings about the names in a ``.alt`` file: the first column of lines without ``@``.

    ``alternates`` are the sequence's contigs that are such. Raises InvalidReference where the
    sequence has none of those that the file names.
    """
    names: dict[str, None] = {}
    for number, line in enumerate(lines, 1):
        text = line.rstrip("\r\n")
        if text.startswith("@"):
            continue
        name = text.split("\t", 1)[0]
        if not name:
            raise InvalidReference(f"{file}, line {number} names no contig: delete it")
        names[name] = None
    if not names:
        raise InvalidReference(f"{file} names no contig: leave it out")
    missing = [name for name in names if name not in lengths]
    said = f"{listed(missing)}{renamed(missing, lengths)}"
    if len(missing) == len(names):
        raise InvalidReference(f"{file} names no contig that the sequence has: {said}")
    warnings = [f"{file} names contigs that the sequence lacks: {said}"] if missing else []
    unnamed = [name for name in alternates if name not in names]
    if unnamed:
        warnings.append(f"{file} lacks ALT contigs of the sequence: {listed(unnamed)}")
    return warnings


def alt_names(lines: Iterable[str]) -> Iterator[str]:
    """The names in a ``.alt`` file that was checked."""
    for line in lines:
        if not line.startswith("@"):
            yield line.rstrip("\r\n").split("\t", 1)[0]


def missing_alt(found: Sequence[str]) -> list[str]:
    """The warning for a sequence that has these ALT contigs and comes without a ``.alt`` file."""
    if not found:
        return []
    return [
        f"the sequence has {len(found)} ALT contig{'s' * (len(found) != 1)} ({listed(found)}) and "
        "no .alt file: reads that fit them and the primary contigs are not called; give bwa's "
        ".alt file of this sequence, or a sequence without ALT contigs"
    ]
