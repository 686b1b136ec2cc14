"""The sequences of a comparison: bases by place, and what is known of each contig."""

import hashlib
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from runner.tools.sequence import Sequence, lengths_of
from seqdrop.domain.comparison.headers import Contig
from seqdrop.domain.errors import InvalidInput

_GZIP = b"\x1f\x8b"
_STRETCH = 1 << 22


class Fasta:
    """A FASTA, plain or compressed by bgzip; an index that it lacks is made elsewhere."""

    def __init__(self, path: Path) -> None:
        """Makes no file beside the FASTA."""
        if not path.is_file():
            raise InvalidInput(f"{path} is not there", "name an existing FASTA")
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._path = path
        with path.open("rb") as file:
            is_packed = file.read(2) == _GZIP
        needed = [".fai", ".gzi"] if is_packed else [".fai"]
        if not all(self._beside(suffix).is_file() for suffix in needed):
            self._index(path)
        self.lengths = lengths_of(self._beside(".fai"))
        """Of contigs, in the order of the sequence."""
        self._read = _packed(self._path) if is_packed else Sequence(self._path).bases
        self._sums: dict[str, str] | None = None

    def _beside(self, suffix: str) -> Path:
        return self._path.with_name(self._path.name + suffix)

    def _index(self, path: Path) -> None:
        import pysam

        self._folder = tempfile.TemporaryDirectory(prefix="seqdrop-compare-")
        self._path = Path(self._folder.name) / path.name
        self._path.symlink_to(path.resolve())
        try:
            pysam.faidx(str(self._path))
        except pysam.SamtoolsError as error:
            raise InvalidInput(
                f"{path.name} can't be indexed ({error})",
                "give a FASTA, plain or compressed by bgzip",
            ) from error

    def bases(self, contig: str, start: int, end: int) -> str:
        """Bases from start to end (0-based, half-open), in capitals. Raises InvalidInput."""
        if contig not in self.lengths:
            raise InvalidInput(
                f"{self._path.name} has no contig {contig!r}, on which there are calls",
                "give the sequence that the calls were made with",
            )
        return self._read(contig, start, end)

    def contigs(self, *, with_checksums: bool = False) -> dict[str, Contig]:
        """Lengths, and MD5 as SAM has it (of capitals, without line ends) where wanted."""
        sums = self._checksums() if with_checksums else self._of_dictionary()
        return {n: Contig(length, sums.get(n, "")) for n, length in self.lengths.items()}

    def _checksums(self) -> dict[str, str]:
        known = self._of_dictionary()
        if known.keys() >= self.lengths.keys():
            return known
        return {name: self._checksum(name, length) for name, length in self.lengths.items()}

    def _checksum(self, name: str, length: int) -> str:
        digest = hashlib.md5(usedforsecurity=False)
        for start in range(0, length, _STRETCH):
            digest.update(self._read(name, start, min(length, start + _STRETCH)).encode())
        return digest.hexdigest()

    def _of_dictionary(self) -> dict[str, str]:
        """M5 of the ``.dict`` beside the FASTA, if its lengths are those of the FASTA."""
        stem = self._path.with_suffix("") if self._path.suffix == ".gz" else self._path
        path = stem.with_suffix(".dict")
        if self._folder or not path.is_file():
            return {}
        found = {}
        for line in path.read_text("utf-8").splitlines():
            values = dict(field.partition(":")[::2] for field in line.split("\t")[1:])
            if line.startswith("@SQ") and "M5" in values:
                if self.lengths.get(values["SN"]) != int(values["LN"]):
                    return {}
                found[values["SN"]] = values["M5"]
        return found


def _packed(path: Path) -> Callable[[str, int, int], str]:
    import pysam

    fasta: Any = pysam.FastaFile(str(path))

    def bases(contig: str, start: int, end: int) -> str:
        text: str = fasta.fetch(contig, start, max(start, end))
        return text.upper()

    return bases
