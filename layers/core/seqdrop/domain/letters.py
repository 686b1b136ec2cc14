"""The letters of a sequence: bases, soft-masked ones, N, and codes for several bases."""

import re

from seqdrop.domain.bed import Region

CODE_BASES = {
    "R": "AG", "Y": "CT", "S": "CG", "W": "AT", "K": "GT", "M": "AC",
    "B": "CGT", "D": "AGT", "H": "ACT", "V": "ACG",
}  # fmt: skip
"""IUPAC's codes for several bases. N, any base, is none of them."""
FIRST_BASE = {code: bases[0] for code, bases in CODE_BASES.items()}
"""What stands for each code in the working copy: the first of its bases in the alphabet."""

_CODES = "".join(FIRST_BASE).encode()
_EITHER = _CODES + _CODES.lower()
_WORKING = bytes.maketrans(
    _EITHER + b"Uu",
    "".join(FIRST_BASE.values()).encode() + "".join(FIRST_BASE.values()).lower().encode() + b"Tt",
)
_COMPLEMENT = bytes.maketrans(b"ACGT", b"TGCA")
PLAIN = b"ACGTNacgtn"
_LOWER = b"acgtnu" + _CODES.lower()
LETTERS = PLAIN + b"Uu" + _EITHER
_UNCERTAIN = re.compile(rb"[Nn]+")
_CODE_RUN = re.compile(rb"([" + _EITHER + rb"])\1*")


def reverse_complement(bases: bytes) -> bytes:
    """The other strand of bases in capitals; what is no base stays as it is."""
    return bases.translate(_COMPLEMENT)[::-1]


class Letters:
    """Counts and places of all that are not plain bases, contig after contig."""

    def __init__(self) -> None:
        self.masked = self.uncertain = 0
        self.codes: list[Region] = []
        self.callable: list[Region] = []
        self._certain_since = 0

    def take(self, contig: str, at: int, block: bytes) -> bytes:
        """Takes whole lines of a contig, the first base being its ``at``-th from 0.

        Returns them as the working copy has them.
        """
        self.masked += len(block) - len(block.translate(None, _LOWER))
        special = block.translate(None, PLAIN + b"\n")
        if special or b"N" in block or b"n" in block:
            letters = block.translate(None, b"\n")
            self._note_codes(contig, at, letters)
            self._note_uncertain(contig, at, letters)
        return block.translate(_WORKING) if special else block

    def end_contig(self, contig: str, length: int) -> None:
        """The contig has no more letters."""
        if self._certain_since < length:
            self.callable.append(Region(contig, self._certain_since, length))
        self._certain_since = 0

    def _note_codes(self, contig: str, at: int, letters: bytes) -> None:
        for found in _CODE_RUN.finditer(letters):
            region = Region(contig, at + found.start(), at + found.end(), found[1].decode())
            last = self.codes[-1] if self.codes else None
            if last and (last.contig, last.end, last.name) == (contig, region.start, region.name):
                self.codes[-1] = last._replace(end=region.end)
            else:
                self.codes.append(region)

    def _note_uncertain(self, contig: str, at: int, letters: bytes) -> None:
        for found in _UNCERTAIN.finditer(letters):
            start, end = at + found.start(), at + found.end()
            self.uncertain += end - start
            if self._certain_since < start:
                self.callable.append(Region(contig, self._certain_since, start))
            self._certain_since = end
