"""ALT contigs: other versions of a place in the genome, which mappers must know as such.

bwa reads their names from ``genome.fa.alt`` beside its index. Without it a read that fits the
primary contig and an ALT one equally well has mapping quality 0, and its variant is lost.
"""

import re
from collections.abc import Iterable, Mapping

from seqdrop.domain.bed import listed, renamed
from seqdrop.domain.errors import InvalidReference

_ALT_NAME = re.compile(r".*_alt|HLA-.*")


def alt_contigs(names: Iterable[str]) -> list[str]:
    """Those that are ALT contigs by their names, as GRCh38's and bwakit's HLA contigs are."""
    return [name for name in names if _ALT_NAME.fullmatch(name)]


def check_alt(lines: Iterable[str], lengths: Mapping[str, int], file: str) -> list[str]:
    """Warnings about the names in a ``.alt`` file: the first column of lines without ``@``.

    Raises InvalidReference where the sequence has none of them.
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
    unnamed = [name for name in alt_contigs(lengths) if name not in names]
    if unnamed:
        warnings.append(f"{file} lacks ALT contigs of the sequence: {listed(unnamed)}")
    return warnings


def missing_alt(lengths: Mapping[str, int]) -> list[str]:
    """The warning for a sequence that has ALT contigs and comes without a ``.alt`` file."""
    found = alt_contigs(lengths)
    if not found:
        return []
    return [
        f"the sequence has {len(found)} ALT contig{'s' * (len(found) != 1)} ({listed(found)}) and "
        "no .alt file: reads that fit them and the primary contigs are not called; give bwa's "
        ".alt file of this sequence, or a sequence without ALT contigs"
    ]
