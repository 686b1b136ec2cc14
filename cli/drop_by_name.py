"""Files that an upload drops by their own names, or by what options say of all of them."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from cli.drop import Drop
from cli.drop_by_manifest import add_listed, check_named_in_one, expect, fill, put
from cli.gather import LeftOut, shown
from cli.manifest_file import NamedManifest, read_manifest
from cli.name_advice import advice, parse_fastq_name, why_aside
from seqdrop.domain.assignment import Assignment, assigned_by_name
from seqdrop.domain.errors import InvalidInput, UnplaceableFile
from seqdrop.domain.manifest import LaneFiles, SampleEntry, parse_manifest
from seqdrop.domain.naming import UploadKind, sample_id_fault, upload_kind

_ENDINGS = (".fastq.gz", ".fq.gz")
_MATE = re.compile(
    r"(?P<before>.*[._])R?(?P<read>[12])(?P<after>(?:_\d{3})?\.(?:fastq|fq)\.gz)", re.DOTALL
)


def drop_as_named(paths: Sequence[Path], bucket: str, folders: Collection[Path] = ()) -> Drop:
    """Each file under its own name, but for those that a manifest among them names.

    ``folders`` were given whole: what a manifest in one of them names below it was given, too.
    """
    drop = Drop()
    manifests = [path for path in paths if upload_kind(path.name) is UploadKind.MANIFEST]
    others = [path for path in paths if path not in manifests]
    listed: list[tuple[str, Path, NamedManifest]] = []
    for path in manifests:
        with _fault_of(drop):
            manifest = read_manifest(path)
            key = add_listed(
                drop, path, manifest, others, bucket, folder_is_given=path.parent in folders
            )
            listed.append((key, path, manifest))
    taken = {path.resolve() for path in drop.files.values()}
    by_name = [path for path in others if path.resolve() not in taken]
    for path in by_name:
        put(drop, path.name, path)
    for key, path, manifest in listed:
        if key:
            with _fault_of(drop, path):
                expect(drop, manifest.says, key, bucket)
    check_named_in_one(drop)
    for path in by_name:
        if path.name not in drop.places:
            _place(drop, path)
    return drop


@contextmanager
def _fault_of(drop: Drop, file: Path | None = None) -> Iterator[None]:
    try:
        yield
    except InvalidInput as error:
        drop.faults.append(f"{file}: {error}" if file else str(error))


def _place(drop: Drop, path: Path) -> None:
    """Where a file belongs by its name."""
    key = path.name
    try:
        if why := parse_fastq_name(key).left_out:
            del drop.files[key]
            drop.left_out.append(LeftOut(path, why))
        else:
            drop.places[key] = _place_by_name(key)
    except UnplaceableFile as error:
        # What to do is another thing before a file is in the bucket.
        drop.unfit[key] = f"{path}: {error.fact}; {advice(key, drop.files)}"


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
    paths: Sequence[Path], given: SampleEntry, bucket: str, from_folders: Collection[Path] = (),
    *, are_single: bool = False,
) -> Drop:  # fmt: skip
    """Pairs of files, or single ones, with a manifest made from options; without a sample id names
    tell it.

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
    pairs = _single(files, drop.faults) if are_single else _pairs(files, drop.faults)
    for r1, r2 in pairs:
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
    fill(drop, NamedManifest(name, body, parse_manifest(body, name)), files, bucket)
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


def _single(files: Mapping[str, Path], faults: list[str]) -> list[tuple[str, str]]:
    """Files of single reads, whatever they are called."""
    found = []
    for name, path in files.items():
        match = _MATE.fullmatch(name)
        if not name.endswith(_ENDINGS):
            faults.append(f"{path}: {_why_no_mate(name)}; {advice(name, files)}")
        elif match and match["read"] == "2" and _first_of(name, match) in files:
            faults.append(f"{path}: is R2 by its name, and the assay takes one file a lane")
        else:
            found.append((name, ""))
    return found


def _first_of(name: str, match: re.Match[str]) -> str:
    return f"{name[: match.start('read')]}1{name[match.end('read') :]}"


def _why_no_mate(name: str) -> str:
    """What is wrong with a name that is neither an R1's nor an R2's."""
    if not name.endswith(_ENDINGS):
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
