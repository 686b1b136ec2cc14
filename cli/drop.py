"""What an upload drops: files under their keys, and what each of them is of which sample."""

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from cli.gather import LeftOut, shown
from cli.manifest_file import NamedManifest, files_named, leads_out
from cli.name_advice import advice, parse_fastq_name, why_aside, why_no_key
from seqdrop.domain.assignment import Assignment, assigned_by_manifest, assigned_by_name
from seqdrop.domain.errors import InvalidInput, UnplaceableFile
from seqdrop.domain.manifest import (
    LaneFiles,
    Manifest,
    SampleEntry,
    expected_files,
    locate,
    parse_manifest,
)
from seqdrop.domain.naming import UploadKind, sample_id_fault, upload_kind

_MATE = re.compile(
    r"(?P<before>.*[._])R?(?P<read>[12])(?P<after>(?:_\d{3})?\.(?:fastq|fq)\.gz)", re.DOTALL
)


Owner = tuple[str, str]
"""Sample and assay: whose analysis a file is part of."""


@dataclass
class Drop:
    """Files by their keys, in the order in which they go, and what is wrong with them so far."""

    files: dict[str, Path] = field(default_factory=dict)
    entries: list[SampleEntry] = field(default_factory=list)
    """What manifests say of samples."""
    places: dict[str, Assignment] = field(default_factory=dict)
    """Where each FASTQ file belongs; an assay "" is the deployment's default."""
    ids_from_names: bool = False
    """Whether a manifest was made with sample ids that only the files' names tell."""
    unfit: dict[str, str] = field(default_factory=dict)
    """Keys whose names fit nothing, and what to do: a fault unless a manifest knows them."""
    awaited: set[Owner] = field(default_factory=set)
    """Analyses of which a manifest names files that are not given here. An assay "" is the
    deployment's default."""
    left_out: list[LeftOut] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    manifest_key: str = ""
    manifest: bytes = b""

    @property
    def samples(self) -> tuple[str, ...]:
        """The ids of the samples, each once."""
        named = [entry.sample for entry in self.entries]
        return tuple(dict.fromkeys([*named, *(place.sample for place in self.places.values())]))


def drop_as_named(paths: Sequence[Path], bucket: str) -> Drop:
    """Each file under its own name; manifests first, so that nothing is guessed from names."""
    drop = Drop()
    ordered = sorted(paths, key=lambda path: upload_kind(path.name) is not UploadKind.MANIFEST)
    drop.files.update(_by_name(ordered, drop.faults))
    for key, path in drop.files.items():
        if upload_kind(key) is UploadKind.MANIFEST:
            try:
                _expect(drop, parse_manifest(path.read_bytes(), key), key, bucket)
            except InvalidInput as error:
                drop.faults.append(f"{path}: {error}")
    for key, path in drop.files.items():
        if key in drop.places or upload_kind(key) is UploadKind.MANIFEST:
            continue
        try:
            drop.places[key] = _place_by_name(key)
        except UnplaceableFile as error:
            # What to do is another thing before a file is in the bucket.
            drop.unfit[key] = f"{path}: {error.fact}; {advice(key, drop.files)}"
    return drop


def _place_by_name(key: str) -> Assignment:
    """Raises UnplaceableFile where its name tells no place, or a wrong one."""
    name = parse_fastq_name(key)
    if name.read == "R3":
        raise UnplaceableFile("where there is a third read, R2 holds UMIs and is not the mate")
    return assigned_by_name(name, "")


def leave_out_aside(drop: Drop, from_folders: Collection[Path]) -> None:
    """One odd file stops no folder: index reads, UMIs and backups that nothing names."""
    for key in list(drop.unfit):
        path = drop.files[key]
        if path in from_folders and (why := why_aside(path.name)):
            del drop.unfit[key], drop.files[key]
            drop.left_out.append(LeftOut(path, why))


def drop_with_options(
    paths: Sequence[Path], given: SampleEntry, bucket: str, from_folders: Collection[Path] = ()
) -> Drop:
    """Pairs of files with a manifest made from options; without a sample id names tell it.

    ``from_folders`` are those of the paths that nobody named one by one. Raises InvalidInput for a
    sample id that is impossible.
    """
    if fault := given.sample and sample_id_fault(given.sample):
        raise InvalidInput(f"--sample: {fault}")
    drop = Drop(ids_from_names=not given.sample)
    aside = {path: why for path in from_folders if (why := why_aside(path.name))}
    drop.left_out += [LeftOut(path, aside[path]) for path in paths if path in aside]
    files = _by_name((path for path in paths if path not in aside), drop.faults)
    for name in [name for name in files if upload_kind(name) is UploadKind.MANIFEST]:
        drop.faults.append(
            f"{files.pop(name)}: it says itself what its samples are: upload it without options, "
            "or leave it out"
        )
    lanes: dict[str, list[LaneFiles]] = {}
    for r1, r2 in _pairs(files, drop.faults):
        try:
            sample = given.sample or parse_fastq_name(r1).sample
        except UnplaceableFile as error:
            drop.faults.append(f"{files[r1]}: {error.fact}; {advice(r1, files)}, or give --sample")
            continue
        lanes.setdefault(sample, []).append(LaneFiles(r1=r1, r2=r2))
    if not lanes:
        return drop
    entries = tuple(
        msgspec.structs.replace(given, sample=sample, files=tuple(pairs))
        for sample, pairs in lanes.items()
    )
    body = msgspec.json.format(msgspec.json.encode(_plain(entries)), indent=1)
    name = "upload.manifest.json"
    _fill(drop, NamedManifest(name, body, parse_manifest(body, name)), files, bucket)
    others = _samples_by_name(files)
    if given.sample and len(others) > 1:
        drop.warnings.append(
            f"by their names the files are of {len(others)} samples ({shown(others)}); all of them "
            f"go to {given.sample}"
        )
    return drop


def _samples_by_name(names: Iterable[str]) -> list[str]:
    found = set()
    for name in names:
        with suppress(UnplaceableFile):
            found.add(parse_fastq_name(name).sample)
    return sorted(found)


def _plain(entries: Iterable[SampleEntry]) -> dict[str, object]:
    """A manifest as a person would write it: only what was given."""
    samples = msgspec.to_builtins(list(entries))
    for sample in samples:
        sample["files"] = [{k: v for k, v in pair.items() if v} for pair in sample["files"]]
    return {"samples": [{k: v for k, v in sample.items() if v} for sample in samples]}


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
    names = [name for name in manifest.names if not name.startswith("s3://")]
    drop.faults += [
        f"{file}: names {name!r}, which is outside the manifest's folder: move the manifest to a "
        "folder that all of its files are below, and name them from there"
        for name in filter(leads_out, names)
    ]
    drop.faults += [f"{file}: names {n!r}: {why}" for n in names if (why := why_no_key(n))]
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
    _fill(drop, manifest, {n: path for n, path in found.items() if path.is_file()}, bucket)
    return drop


def _same_file(path: Path) -> tuple[int, int]:
    """What two paths to one file have in common, be it through a link."""
    found = path.stat()
    return found.st_dev, found.st_ino


def _fill(drop: Drop, manifest: NamedManifest, files: Mapping[str, Path], bucket: str) -> None:
    """A folder for each manifest: no other upload's file of the same name is in the way.

    It is known by what the manifest says of samples and names, so that the same upload again,
    or with a corrected file, comes to the same keys.
    """
    content = [
        (e.sample, e.assay or e.pipeline, [(pair.r1, pair.r2) for pair in e.files])
        for e in manifest.says.samples
    ]
    digest = hashlib.sha256(msgspec.json.encode(sorted(content))).hexdigest()
    drop.manifest_key, drop.manifest = f"upload-{digest[:12]}/{manifest.name}", manifest.body
    for name, path in files.items():
        drop.files[locate(name, bucket, drop.manifest_key)[1]] = path
    _expect(drop, manifest.says, drop.manifest_key, bucket)


def _expect(drop: Drop, manifest: Manifest, key: str, bucket: str) -> None:
    """What a manifest says of files. Raises InvalidManifest where a name can't be a key."""
    for entry in manifest.samples:
        drop.entries.append(entry)
        for expected in expected_files(entry, entry.assay or entry.pipeline, bucket, key):
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


def _pairs(files: Mapping[str, Path], faults: list[str]) -> list[tuple[str, str]]:
    """R1 and R2 of each lane: names that differ in the read's number alone."""
    mates: dict[tuple[str, str], dict[str, str]] = {}
    for name, path in files.items():
        match = _MATE.fullmatch(name)
        if match is None:
            faults.append(f"{path}: {_why_no_mate(name)}; {advice(name, files)}")
            continue
        reads = mates.setdefault((match["before"], match["after"]), {})
        there = reads.setdefault(match["read"], name)
        if there != name:
            faults.append(f"{path}: the same mate as {files[there]}: give one of them")
    for reads in mates.values():
        if len(reads) == 1:
            read, name = next(iter(reads.items()))
            faults.append(
                f"{files[name]}: has no mate, R{3 - int(read)} is missing: give both (options make "
                "a manifest, which names both)"
            )
    return [(reads["1"], reads["2"]) for reads in mates.values() if len(reads) == 2]


def _why_no_mate(name: str) -> str:
    """What is wrong with a name that is neither an R1's nor an R2's."""
    if not name.endswith((".fastq.gz", ".fq.gz")):
        return "its name does not end in .fastq.gz or .fq.gz"
    return "its name does not end in _R1, _R2, _1 or _2 before .fastq.gz or .fq.gz"


def _by_name(paths: Iterable[Path], faults: list[str]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in paths:
        there = found.setdefault(path.name, path)
        if there != path:
            faults.append(
                f"{path}: has the same name as {there}: name both in a manifest (--manifest), each "
                "with its folder"
            )
    return found
