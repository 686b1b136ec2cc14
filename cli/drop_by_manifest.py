"""Files that a manifest of this machine names: they go, with it, to a folder of their own."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import msgspec

from cli.drop import Drop
from cli.gather import LeftOut
from cli.manifest_file import NamedManifest, files_named, leads_out
from cli.name_advice import why_no_key
from seqdrop.domain.assignment import assigned_by_manifest
from seqdrop.domain.manifest import Manifest, check_named_once, expected_files, locate

OWN_FOLDER = "upload-"
"""How the folders begin that uploads make for themselves."""


def drop_with_manifest(
    file: Path,
    manifest: NamedManifest,
    paths: Sequence[Path],
    bucket: str,
    from_folders: Collection[Path] = (),
) -> Drop:
    """A manifest and the files that it names: from its own folder, or from where they are given.

    ``from_folders`` are those of the paths that nobody named one by one: what the manifest does not
    name is left out of them. A name that leads out of the manifest's folder is a fault: its key
    would be outside the upload's own folder, where another upload's file may be. Raises
    InvalidManifest where a name in it can't be a key.
    """
    drop = Drop()
    names = _own_names(manifest)
    drop.faults += name_faults(file, names)
    if drop.faults:
        return drop
    given = [path for path in paths if not path.samefile(file)]
    found = files_named(file, names, given)
    for name in names:
        if not found[name].is_file():
            drop.faults.append(f"{file}: names {name!r}, but there is no {found[name]}")
    taken = {_same_file(path) for path in found.values() if path.is_file()}
    for path in given:
        if _same_file(path) in taken:
            continue
        if path in from_folders:
            drop.left_out.append(LeftOut(path, f"{file.name} does not name it"))
        elif path.name in {Path(name).name for name in names}:
            drop.faults.append(
                f"{path}: there is another file of this name, given or named by the manifest "
                f"{file}: put each where the manifest names it"
            )
        else:
            drop.faults.append(f"{path}: the manifest {file} does not name it")
    fill(drop, manifest, {n: path for n, path in found.items() if path.is_file()}, bucket)
    return drop


def _own_names(manifest: NamedManifest) -> list[str]:
    """What it names relative to its own folder."""
    return [name for name in manifest.names if not name.startswith("s3://")]


def name_faults(file: Path, names: Sequence[str]) -> list[str]:
    """Names in a manifest that lead out of its folder, or that no key can have."""
    return [
        f"{file}: names {name!r}, which is outside the manifest's folder: move the manifest to a "
        "folder that all of its files are below, and name them from there"
        for name in filter(leads_out, names)
    ] + [f"{file}: names {n!r}: {why}" for n in names if (why := why_no_key(n))]


def add_listed(
    drop: Drop, file: Path, manifest: NamedManifest, given: Sequence[Path], bucket: str, *,
    folder_is_given: bool,
) -> str:  # fmt: skip
    """A manifest among the files, and those of them that it names; its key.

    Where all that it names is there, both go to a folder of their own, so that two labs' files of
    one name never meet. Else the rest is to come, by whichever way: then their keys are at the
    bucket's root, as the manifest's is. With ``folder_is_given`` all in its folder was given.
    """
    names = _own_names(manifest)
    if faults := name_faults(file, names):
        drop.faults += faults
        return ""
    here = {_same_file(path) for path in given}
    found = {
        name: path
        for name, path in files_named(file, names, given).items()
        if path.is_file() and (folder_is_given or _same_file(path) in here)
    }
    is_whole = len(found) == len(names)
    key = f"{own_folder(manifest.says)}/{manifest.name}" if is_whole else manifest.name
    for name, path in [(manifest.name, file), *found.items()]:
        put(drop, locate(name, bucket, key)[1], path)
    return key


def put(drop: Drop, key: str, path: Path) -> None:
    """A file under a key; two files for one key are a fault."""
    there = drop.files.setdefault(key, path)
    if _same_file(there) != _same_file(path):
        drop.faults.append(
            f"{path}: has the same name as {there}: name both in a manifest (--manifest), each "
            "with its folder"
        )


def check_named_in_one(drop: Drop) -> None:
    """A file that several manifests name would be two files in the bucket."""
    keys: dict[tuple[int, int], str] = {}
    for key, path in drop.files.items():
        first = keys.setdefault(_same_file(path), key)
        if first == key:
            continue
        said = " and ".join(
            f"as {place.read} of {place.sample}"
            for place in (drop.places.get(first), drop.places.get(key))
            if place
        )
        drop.faults.append(f"{path}: manifests name it {said}: name it in one of them")


def _same_file(path: Path) -> tuple[int, int]:
    """What two paths to one file have in common, be it through a link."""
    found = path.stat()
    return found.st_dev, found.st_ino


def fill(drop: Drop, manifest: NamedManifest, files: Mapping[str, Path], bucket: str) -> None:
    """A manifest and its files, by the names that it has for them, in a folder of their own."""
    key = f"{own_folder(manifest.says)}/{manifest.name}"
    drop.manifest_key, drop.manifest = key, manifest.body
    for name, path in files.items():
        drop.files[locate(name, bucket, key)[1]] = path
    expect(drop, manifest.says, key, bucket)


def own_folder(manifest: Manifest) -> str:
    """A folder for each manifest: no other upload's file of the same name is in the way.

    It is known by what the manifest says of samples and names, so that the same upload again,
    or with a corrected file, comes to the same keys.
    """
    content = [
        (e.sample, e.assay or e.pipeline, [(pair.r1, pair.r2) for pair in e.files])
        for e in manifest.samples
    ]
    digest = hashlib.sha256(msgspec.json.encode(sorted(content))).hexdigest()
    return f"{OWN_FOLDER}{digest[:12]}"


def expect(drop: Drop, manifest: Manifest, key: str, bucket: str) -> None:
    """What a manifest says of files. Raises InvalidManifest where a name can't be a key, or two
    are one key.
    """
    named: list[str] = []
    drop.manifests.append(manifest)
    for entry in manifest.samples:
        for expected in expected_files(entry, entry.assay or entry.pipeline, bucket, key):
            named.append(expected.key)
            if path := drop.files.get(expected.key):
                place = assigned_by_manifest(expected)
                there = drop.places.setdefault(expected.key, place)
                if there != place:
                    drop.faults.append(
                        f"{path}: manifests name it as {there.read} of {there.sample} and as "
                        f"{place.read} of {place.sample}: name it in one of them"
                    )
            else:
                drop.awaited.add((expected.sample, expected.assay))
    check_named_once(named)
