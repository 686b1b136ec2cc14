"""A manifest in a file of this machine, and the files here that it names."""

import posixpath
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cli.name_advice import why_no_key
from seqdrop.domain.errors import InvalidManifest
from seqdrop.domain.manifest import MAX_MANIFEST_BYTES, Manifest, parse_manifest
from seqdrop.domain.naming import UploadKind, upload_kind


@dataclass(frozen=True)
class NamedManifest:
    """A manifest under a name by which the bucket knows what it is."""

    name: str
    body: bytes
    says: Manifest

    @property
    def names(self) -> list[str]:
        """The files that it names, as it names them."""
        pairs = [pair for entry in self.says.samples for pair in entry.files]
        return [name for pair in pairs for _, name, _ in pair.named]


def read_manifest(file: Path) -> NamedManifest:
    """A manifest from a file of any name. Raises InvalidManifest where it can't be used."""
    if fault := why_no_key(file.name):
        raise InvalidManifest(f"{str(file)!r}: {fault}")
    with file.open("rb") as opened:
        name, body = file.name, opened.read(MAX_MANIFEST_BYTES + 1)
    if upload_kind(name) is not UploadKind.MANIFEST:
        is_table = file.suffix.lower() in {".csv", ".tsv"}
        name = f"{file.stem}.samplesheet.csv" if is_table else f"{name}.manifest.json"
    try:
        return NamedManifest(name, body, parse_manifest(body, name))
    except InvalidManifest as error:
        raise InvalidManifest(f"{file}: {error.to_mend}") from error


def named_by_manifests(paths: Iterable[Path]) -> set[str]:
    """The last parts of all names in manifests that are among the paths, or in folders of theirs.

    A manifest that can't be used names nothing here: it is told as a fault of its own.
    """
    inside = [one for path in paths for one in (path.iterdir() if path.is_dir() else [path])]
    found: set[str] = set()
    for file in inside:
        if upload_kind(file.name) is UploadKind.MANIFEST and file.is_file():
            with suppress(InvalidManifest):
                found |= {Path(name).name for name in read_manifest(file).names}
    return found


def leads_out(name: str) -> bool:
    """Whether a name in a manifest is no path below the manifest's folder."""
    return posixpath.normpath(name).split("/")[0] in {"", ".", ".."}


def files_named(file: Path, names: Sequence[str], given: Iterable[Path]) -> dict[str, Path]:
    """The file for each name: the one in the place that the manifest names; where there is none,
    the one given from elsewhere, if no other is called so and no other name ends so.
    """
    by_name: dict[str, list[Path]] = {}
    for path in given:
        by_name.setdefault(path.name, []).append(path)
    count = Counter(Path(name).name for name in names)
    found = {}
    for name in names:
        last, place = Path(name).name, file.parent / name
        is_clear = count[last] == len(by_name.get(last, ())) == 1
        found[name] = by_name[last][0] if is_clear and not place.exists() else place
    return found
