"""What an upload drops: files under their keys, and the manifest that says what they are."""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from seqdrop.domain.errors import InvalidInput, UnplaceableFile
from seqdrop.domain.fastq import HEAD_BYTES, read_head
from seqdrop.domain.manifest import (
    LaneFiles,
    Manifest,
    SampleEntry,
    locate,
    parse_manifest,
)
from seqdrop.domain.naming import UploadKind, check_sample_id, parse_fastq_name, upload_kind

_MATE = re.compile(
    r"(?P<before>.*[._])R?(?P<read>[12])(?P<after>(?:_\d{3})?\.(?:fastq|fq)\.gz)", re.DOTALL
)
_BUCKET = "uploads"
"""Stands for the bucket where a name is resolved; an s3:// URI names the true one."""


@dataclass(frozen=True)
class Drop:
    """Files by their keys, in the order in which they go."""

    files: Mapping[str, Path]
    samples: tuple[str, ...]
    manifest_key: str = ""
    manifest: bytes = b""


def drop_as_named(paths: Sequence[Path]) -> Drop:
    """Each file under its own name; manifests first, so that nothing is guessed from names."""
    ordered = sorted(paths, key=lambda path: upload_kind(path.name) is not UploadKind.MANIFEST)
    samples = []
    for path in ordered:
        if upload_kind(path.name) is UploadKind.MANIFEST:
            manifest = parse_manifest(path.read_bytes(), path.name)
            samples += [entry.sample for entry in manifest.samples]
        else:
            samples.append(_sample_of(path.name))
    return Drop(_by_name(ordered), _once(samples))


def _sample_of(name: str) -> str:
    """The sample that a name tells, "" where it tells none: the catalog then says why."""
    try:
        return parse_fastq_name(name).sample
    except UnplaceableFile:
        return ""


def drop_with_options(paths: Sequence[Path], given: SampleEntry) -> Drop:
    """Pairs of files with a manifest made from options; without a sample id names tell it.

    Raises InvalidInput where a file has no mate.
    """
    if given.sample:
        check_sample_id(given.sample)
    files = _by_name(path for path in paths if not _is_left_out(path.name))
    lanes: dict[str, list[LaneFiles]] = {}
    for r1, r2 in _pairs(files):
        sample = given.sample or _named_sample(r1)
        lanes.setdefault(sample, []).append(LaneFiles(r1=r1, r2=r2))
    if not lanes:
        raise InvalidInput("there is no FASTQ file to upload")
    entries = tuple(
        msgspec.structs.replace(given, sample=sample, files=tuple(pairs))
        for sample, pairs in lanes.items()
    )
    body = msgspec.json.format(msgspec.json.encode(_plain(entries)), indent=1)
    return _drop(body, "upload.manifest.json", files)


def _named_sample(name: str) -> str:
    try:
        return parse_fastq_name(name).sample
    except UnplaceableFile as error:
        raise UnplaceableFile(f"{name!r}: {error}; or give --sample") from error


def _plain(entries: Iterable[SampleEntry]) -> dict[str, object]:
    """A manifest as a person would write it: only what was given."""
    samples = msgspec.to_builtins(list(entries))
    for sample in samples:
        sample["files"] = [{k: v for k, v in pair.items() if v} for pair in sample["files"]]
    return {"samples": [{k: v for k, v in sample.items() if v} for sample in samples]}


def drop_with_manifest(file: Path, paths: Sequence[Path]) -> Drop:
    """A manifest and the files that it names: from its own folder, or from where they are given.

    Raises InvalidInput where one of them is not there, or one was given that it does not name.
    """
    name = file.name
    if upload_kind(name) is not UploadKind.MANIFEST:
        name = f"{file.stem}.samplesheet.csv" if file.suffix == ".csv" else f"{name}.manifest.json"
    body = file.read_bytes()
    given = _by_name(paths)
    found = {}
    for wanted in _names_in(parse_manifest(body, name)):
        if not wanted.startswith("s3://"):
            found[wanted] = given.pop(Path(wanted).name, file.parent / wanted)
            if not found[wanted].is_file():
                raise InvalidInput(f"{file} names {wanted!r}, but there is no {found[wanted]}")
    if given:
        raise InvalidInput(f"{file} does not name {', '.join(given)}")
    return _drop(body, name, found)


def _drop(body: bytes, manifest_name: str, files: Mapping[str, Path]) -> Drop:
    """A folder for each manifest: no other upload's file of the same name is in the way.

    It is known by what the manifest says of samples and names, so that the same upload again,
    or with a corrected file, comes to the same keys.
    """
    manifest = parse_manifest(body, manifest_name)
    content = [
        (e.sample, e.assay or e.pipeline, [(pair.r1, pair.r2) for pair in e.files])
        for e in manifest.samples
    ]
    digest = hashlib.sha256(msgspec.json.encode(sorted(content))).hexdigest()
    key = f"upload-{digest[:12]}/{manifest_name}"
    keys = {locate(name, _BUCKET, key)[1]: path for name, path in files.items()}
    return Drop(keys, _once(entry.sample for entry in manifest.samples), key, body)


def _names_in(manifest: Manifest) -> list[str]:
    pairs = [pair for entry in manifest.samples for pair in entry.files]
    return [name for pair in pairs for name in (pair.r1, pair.r2)]


def _pairs(files: Iterable[str]) -> list[tuple[str, str]]:
    """R1 and R2 of each lane: names that differ in the read's number alone."""
    mates: dict[tuple[str, str], dict[str, str]] = {}
    for name in files:
        match = _MATE.fullmatch(name)
        if name.endswith((".fastq", ".fq")):
            raise UnplaceableFile(f"{name!r} is not compressed: compress it with gzip")
        if match is None:
            raise UnplaceableFile(
                f"{name!r} does not say which mate it is (_R1 or _R2, _1 or _2, .fastq.gz or "
                ".fq.gz): rename it, or name the files in a manifest (--manifest)"
            )
        reads = mates.setdefault((match["before"], match["after"]), {})
        if match["read"] in reads:
            raise UnplaceableFile(f"{reads[match['read']]!r} and {name!r} are the same mate")
        reads[match["read"]] = name
    for reads in mates.values():
        if len(reads) == 1:
            read, name = next(iter(reads.items()))
            raise UnplaceableFile(f"{name!r} has no mate: R{3 - int(read)} is missing; give both")
    return [(reads["1"], reads["2"]) for reads in mates.values()]


def check_content(paths: Iterable[Path]) -> None:
    """Looks at the first record of each file, as the bucket would once all of it is there.

    Raises InvalidInput for what is empty, not gzip, or not FASTQ.
    """
    for path in paths:
        if upload_kind(path.name) is not UploadKind.FASTQ or _is_left_out(path.name):
            continue
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
        try:
            read_head(head, path.stat().st_size)
        except InvalidInput as error:
            raise InvalidInput(f"{path}: {error}; nothing was uploaded") from error


def _is_left_out(name: str) -> bool:
    try:
        return bool(parse_fastq_name(name).left_out)
    except UnplaceableFile:
        return False


def _by_name(paths: Iterable[Path]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in paths:
        there = found.setdefault(path.name, path)
        if there != path:
            raise InvalidInput(
                f"{there} and {path} have the same name: name them in a manifest (--manifest), "
                "each with its folder"
            )
    return found


def _once(samples: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(sample for sample in samples if sample))
