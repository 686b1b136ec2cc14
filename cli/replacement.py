"""What an upload would replace at the bucket's root, asked before anything is sent."""

import base64
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from cli.drop import Drop
from cli.drop_by_manifest import OWN_FOLDER
from cli.gather import shown
from seqdrop.domain.errors import InvalidManifest
from seqdrop.domain.identity import AnalysisId, ObjectName
from seqdrop.domain.manifest import parse_manifest
from seqdrop.domain.naming import UploadKind, upload_kind

if TYPE_CHECKING:
    from cli.stack import Stack


def check_no_others_file(drop: Drop, stack: "Stack", bucket: str, default_assay: str) -> None:
    """What a manifest names may lie at the bucket's root, where another lab's file of the same name
    may be: it would be replaced, and that lab's sample be made of these reads.
    """
    _check_no_others_manifest(drop, stack, bucket)
    at_root = {key: place for key, place in drop.places.items() if place.by == "manifest"}
    for key in [key for key in at_root if not key.startswith(OWN_FOLDER)]:
        placement, _ = stack.catalog.uploads.known(ObjectName(bucket, key))
        mine = AnalysisId(at_root[key].sample, at_root[key].assay or default_assay)
        if placement.analysis in {None, mine}:
            continue
        if not _is_there(stack, bucket, key, drop.files[key]):
            drop.faults.append(
                f"{drop.files[key]}: s3://{bucket}/{key} is another file, of "
                f"{placement.analysis}, "
                "and would be replaced: give all files that the manifest names, which puts them "
                "in a folder of their own; or rename it"
            )


def _check_no_others_manifest(drop: Drop, stack: "Stack", bucket: str) -> None:
    """A manifest takes the place of the one of its name: it should be of the same samples."""
    for key, path in drop.files.items():
        if upload_kind(key) is not UploadKind.MANIFEST or key.startswith(OWN_FOLDER):
            continue
        body = stack.objects.get(bucket, key)
        theirs = _samples_named(body, key) if body else set()
        if theirs and not theirs & _samples_named(path.read_bytes(), key):
            drop.faults.append(
                f"{path}: s3://{bucket}/{key} is another manifest, of {shown(sorted(theirs))}, and "
                "would be replaced: rename yours"
            )


def _samples_named(manifest: bytes, key: str) -> set[str]:
    try:
        return {entry.sample for entry in parse_manifest(manifest, key).samples}
    except InvalidManifest:
        return set()  # nobody's samples are of it


def _is_there(stack: "Stack", bucket: str, key: str, path: Path) -> bool:
    """Whether the object is this very file, as far as the bucket tells; or is gone."""
    there = stack.objects.head(bucket, key)
    if there is None:
        return True
    crc = there.fingerprints.whole.get("CRC32", "")
    return there.object.size == path.stat().st_size and crc == _crc32(path)


def _crc32(path: Path) -> str:
    """In base64, as S3 has it."""
    found = 0
    with path.open("rb") as file:
        while chunk := file.read(2**20):
            found = zlib.crc32(chunk, found)
    return base64.b64encode(found.to_bytes(4, "big")).decode()
