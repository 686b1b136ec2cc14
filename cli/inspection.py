"""What an upload's files say themselves, looked at on this machine before anything is sent."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cli.drop import Drop, Owner
from cli.gather import Gathered, shown
from cli.name_advice import parse_fastq_name
from seqdrop.domain.assignment import Assignment, assigned_by_name, identity_of
from seqdrop.domain.errors import InvalidInput, UnplaceableFile
from seqdrop.domain.fastq import (
    HEAD_BYTES,
    check_mates,
    check_read_number,
    read_head,
    require_reads,
)
from seqdrop.domain.identity import FileIdentity
from seqdrop.domain.read_name import FastqHead


@dataclass(frozen=True)
class LoneMate:
    """One mate of a lane, whose other is not among the files."""

    path: Path
    owner: Owner
    missing: FileIdentity


@dataclass(frozen=True)
class _Read:
    """A file that could be read."""

    path: Path
    place: Assignment
    head: FastqHead

    @property
    def identity(self) -> FileIdentity:
        return identity_of(self.place, self.head)


def inspect(drop: Drop, default_assay: str, single: Collection[str] = ()) -> list[LoneMate]:
    """Looks at the first record of each file, as the bucket would once all of it is there.

    ``single`` are the assays that take one file a lane. Adds to the drop's faults and warnings.
    Returns the mates that are alone, for whoever can see what the bucket has.
    """
    same = _same_content(drop, default_assay)
    reads, broken = _read(drop, same, default_assay)
    _tell_of_same(drop, same, default_assay)
    awaited = {(sample, assay or default_assay) for sample, assay in drop.awaited}
    lone: list[LoneMate] = []
    by_owner: dict[Owner, list[str]] = defaultdict(list)
    for key in reads:
        by_owner[_owner(drop.places[key], default_assay)].append(key)
    for owner, keys in by_owner.items():
        lanes = _lanes(drop, [reads[key] for key in keys])
        for mates in lanes.values():
            if owner[1] in single:
                _check_single(drop, owner, mates)
            elif len(mates) == 2:
                _check_pair(drop, mates)
            elif owner not in broken:
                lone += _alone(drop, owner, mates, more_may_come=owner in awaited)
    return lone


def _owner(place: Assignment, default_assay: str) -> Owner:
    return place.sample, place.assay or default_assay


def _read(
    drop: Drop, same: Mapping[str, str], default_assay: str
) -> tuple[dict[str, _Read], set[Owner]]:
    """The files' first records, once for the same bytes; and the analyses that lack a good file."""
    reads: dict[str, _Read] = {}
    broken: set[Owner] = set()
    for key, place in list(drop.places.items()):
        path = drop.files[key]
        if _is_twice(drop, key, same, default_assay):
            broken.add(_owner(place, default_assay))
            continue
        try:
            with path.open("rb") as file:
                head = require_reads(read_head(file.read(HEAD_BYTES), path.stat().st_size))
            check_read_number(head, place.read)
            drop.places[key] = _by_reads(path.name, place, head, from_name=drop.ids_from_names)
        except (InvalidInput, OSError) as error:
            said = error.strerror if isinstance(error, OSError) else str(error)
            drop.faults.append(f"{path}: {said}")
            broken.add(_owner(place, default_assay))
        else:
            reads[key] = _Read(path, drop.places[key], head)
    return reads, broken


def _by_reads(name: str, place: Assignment, head: FastqHead, *, from_name: bool) -> Assignment:
    """Where the bucket would place the file. ``from_name``: an id that a manifest was made with is
    the name's. Raises UnplaceableFile where that is not the sample's alone, as ``A_H2W7MDSXC_L2``:
    each lane would be a sample, with its part of the reads.
    """
    if place.by == "name":
        return assigned_by_name(parse_fastq_name(name), place.assay, head)
    if from_name:
        of_reads = assigned_by_name(parse_fastq_name(name), place.assay, head)
        if of_reads.sample != place.sample:
            raise UnplaceableFile(
                f"by its name its sample is {place.sample!r}, which has the flowcell or lane of "
                f"its reads in it: give --sample {of_reads.sample}, or --sample {place.sample} if "
                "that is its id"
            )
    return place


def _same_content(drop: Drop, default_assay: str) -> dict[str, str]:
    """Keys whose bytes came before, under the key that is the value: one of the same analysis, if
    there is one.

    Only files of one size that begin alike are read whole, each once.
    """
    alike = [list(drop.places)]
    for tell in (_size, _beginning, _content):
        alike = [kind for keys in alike for kind in _by(tell, keys, drop)]
    same: dict[str, str] = {}
    for keys in alike:
        firsts: dict[Owner, str] = {}
        for key in keys:
            there = firsts.setdefault(_owner(drop.places[key], default_assay), key)
            if key != keys[0]:
                same[key] = there if there != key else keys[0]
    return same


def _by(tell: Callable[[Path], object], keys: Iterable[str], drop: Drop) -> list[list[str]]:
    """Keys of files that are alike: two or more each. That one can't be read is told elsewhere."""
    kinds: dict[object, list[str]] = defaultdict(list)
    for key in keys:
        with suppress(OSError):
            kinds[tell(drop.files[key])].append(key)
    return [kind for kind in kinds.values() if len(kind) > 1]


def _size(path: Path) -> object:
    """Its bytes; nothing has the same content as an empty file, which is a fault of its own."""
    return path.stat().st_size or path


def _beginning(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.sha256(file.read(HEAD_BYTES)).digest()


def _content(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _is_twice(drop: Drop, key: str, same: Mapping[str, str], default_assay: str) -> bool:
    """Whether one analysis would have the same bytes under another key, too."""
    there = same.get(key, key)
    owner = _owner(drop.places[key], default_assay)
    return there != key and owner == _owner(drop.places[there], default_assay)


def _tell_of_same(drop: Drop, same: Mapping[str, str], default_assay: str) -> None:
    """The same bytes twice in one analysis would be HELD; two samples may be meant to have them."""
    for key, there in same.items():
        place, other = drop.places[key], drop.places[there]
        said = f"{drop.files[key]}: the same bytes as {drop.files[there]}"
        if not _is_twice(drop, key, same, default_assay):
            if place.sample != other.sample:
                drop.warnings.append(
                    f"{said}: samples {other.sample} and {place.sample} have the same reads"
                )
        elif {place.read, other.read} == {"R1", "R2"}:
            drop.faults.append(f"{said}, as {place.read} and {other.read}: give the right file")
        else:
            drop.faults.append(f"{said}: give it once")


def _lanes(drop: Drop, reads: Iterable[_Read]) -> dict[tuple[str, ...], dict[str, _Read]]:
    """The mates of each lane. Two files for one mate are a fault: the bucket takes neither."""
    lanes: dict[tuple[str, ...], dict[str, _Read]] = defaultdict(dict)
    for read in reads:
        identity = read.identity
        there = lanes[identity.pair].setdefault(identity.read, read)
        if there is not read:
            drop.faults.append(
                f"{read.path}: holds {identity.describe()}, as {there.path} does, with other "
                "content: give the right one, or each with its own library in a manifest"
            )
    return lanes


def _check_pair(drop: Drop, mates: dict[str, _Read]) -> None:
    r1, r2 = mates["R1"], mates["R2"]
    try:
        check_mates(r1.head.read_name, r2.head.read_name, r1.identity.describe_lane())
    except InvalidInput as error:
        drop.faults.append(f"{r1.path} and {r2.path}: {error}")


def _check_single(drop: Drop, owner: Owner, mates: dict[str, _Read]) -> None:
    if r2 := mates.get("R2"):
        drop.faults.append(
            f"{r2.path}: holds {r2.identity.describe()}, and the assay {owner[1]} takes one "
            "file a lane: leave it out, or use an assay of pairs"
        )


def _alone(
    drop: Drop, owner: Owner, mates: dict[str, _Read], *, more_may_come: bool
) -> Iterator[LoneMate]:
    for read in mates.values():
        identity = read.identity
        if read.place.by == "name":
            yield LoneMate(read.path, owner, identity.mate)
        elif not more_may_come:
            drop.faults.append(
                f"{read.path}: holds {identity.describe()}, and the manifest names no file of its "
                "mate: the one beside it is of another lane, and they are not each other's mates; "
                "or there is none, which takes an assay with `reads: single`"
            )


def compare_with_sheets(gathered: Gathered, drop: Drop) -> None:
    """Warns where Illumina's sample sheet and the names of the files beside it say otherwise."""
    for sheet, listed in gathered.on_sheets.items():
        here = {
            _as_on_sheets(place.sample): place.sample
            for key, place in drop.places.items()
            if drop.files[key].parent == sheet.parent
        }
        if without := sorted(listed - here.keys()):
            drop.warnings.append(f"{sheet}: no file here is of its {_samples(without)}")
        if others := sorted(here[name] for name in here.keys() - listed):
            drop.warnings.append(f"{sheet}: does not list {_samples(others)}, whose files are here")


def _as_on_sheets(sample: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in sample)


def _samples(names: list[str]) -> str:
    return f"sample{'s' * (len(names) > 1)} {shown(names)}"
