"""A reference's files on this disk: which part each is, and how the tools want it."""

import gzip
import hashlib
import shutil
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from seqdrop.domain.errors import InvalidInput
from seqdrop.domain.plan import LocalFile, StoredObject
from seqdrop.flow.references import part_of

_CHUNK_BYTES = 1 << 20
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True)
class Part:
    """One part: its path for the tools, and the file that is to be uploaded."""

    path: str
    file: Path


def prepare_parts(files: Sequence[Path], scratch: Path) -> tuple[dict[str, Part], int]:
    """The parts by name, and the number of bases. What tools want plain is unpacked.

    Raises InvalidInput where a file is no part, a part is given twice, or the first is not FASTA.
    """
    parts: dict[str, Part] = {}
    for file in files:
        name, path = part_of(file.name)
        if name in parts:
            raise InvalidInput(f"{file.name!r} is a second {name}: a version has one")
        parts[name] = Part(path, _unpacked(file, path, scratch))
    if part_of(files[0].name)[0] != "sequence":
        raise InvalidInput(f"{files[0].name!r} is not FASTA (.fa): the sequence comes first")
    return parts, count_bases(parts["sequence"].file)


def _unpacked(file: Path, path: str, scratch: Path) -> Path:
    with file.open("rb") as head:
        is_packed = head.read(2) == _GZIP
    if not is_packed or path.endswith(".gz"):
        return file
    plain = scratch / file.name
    try:
        with gzip.open(file) as source, plain.open("wb") as target:
            shutil.copyfileobj(source, target, _CHUNK_BYTES)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InvalidInput(f"{file} is cut or damaged: {error}") from error
    return plain


def count_bases(fasta: Path) -> int:
    """The bases of all contigs. Raises InvalidInput where the file is not FASTA."""
    bases = 0
    with fasta.open("rb") as lines:
        if lines.read(1) != b">":
            raise InvalidInput(f"{fasta.name} is not FASTA: it does not begin with '>'")
        lines.seek(0)
        for line in lines:
            if not line.startswith(b">"):
                bases += len(line.strip())
    if not bases:
        raise InvalidInput(f"{fasta.name} has no bases")
    return bases


def stored_parts(parts: Mapping[str, Part], bucket: str, folder: str) -> dict[str, LocalFile]:
    """Each part as it will be in the bucket, with its checksum."""
    return {
        name: LocalFile(
            part.path,
            StoredObject(
                bucket,
                f"{folder}/{name.replace(':', '/')}/{part.path}",
                part.file.stat().st_size,
                sha256=_sha256(part.file),
            ),
        )
        for name, part in parts.items()
    }


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
