"""Which files are meant: those that an upload takes of the paths given, and those left out."""

import os
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cli.name_advice import holds_reads, why_left_out, why_no_key
from seqdrop.domain.illumina_sheet import illumina_samples
from seqdrop.domain.manifest import MAX_MANIFEST_BYTES
from seqdrop.domain.naming import UploadKind, upload_kind

_SHOWN_FILES = 3
_LEFT_OUT_FILES = 20


@dataclass(frozen=True)
class LeftOut:
    """A file that is not uploaded, and why."""

    path: Path
    why: str


@dataclass
class Gathered:
    """The files to upload, in the order in which they were given, and folders' by name."""

    files: list[Path] = field(default_factory=list)
    from_folders: set[Path] = field(default_factory=set)
    """Those of the files that nobody named one by one."""
    left_out: list[LeftOut] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    on_sheets: dict[Path, frozenset[str]] = field(default_factory=dict)
    """The samples of each of Illumina's sample sheets."""


def gather(paths: Sequence[Path], wanted: Collection[str] = ()) -> Gathered:
    """Goes through files and folders; names that are ``wanted`` (by a manifest) are never left out.

    Folders in folders are not gone into, but named: the same names may be in several of them, and
    a key has no folder of the sequencer's.
    """
    gathered = Gathered()
    seen: set[str] = set()
    for path in paths:
        if not path.is_dir():
            _take(path, gathered, seen, wanted)
            continue
        before = len(gathered.files), len(gathered.faults)
        for inside in sorted(path.iterdir()):
            _take(inside, gathered, seen, wanted, in_folder=True)
        if before == (len(gathered.files), len(gathered.faults)):
            gathered.faults.append(_has_none(path))
    _leave_orphans(gathered, wanted)
    return gathered


def _take(
    path: Path, gathered: Gathered, seen: set[str], wanted: Collection[str], *,
    in_folder: bool = False,
) -> None:  # fmt: skip
    place = os.path.abspath(path)  # noqa: PTH100  # Path.resolve would follow links
    if path.is_dir():
        why = "a folder in a folder: give it too, if its files are meant"
    elif place in seen:
        why = "given twice, taken once"
    elif path.is_symlink() and not path.exists() and holds_reads(path.name):
        gathered.faults.append(f"{path}: a link to a file that is not there: mend it or delete it")
        return
    else:
        why = "" if path.name in wanted else _why_left_out(path, gathered, in_folder=in_folder)
    if why:
        gathered.left_out.append(LeftOut(path, why))
        return
    if fault := why_no_key(path.name):
        gathered.faults.append(f"{str(path)!r}: {fault}")
        return
    seen.add(place)
    gathered.files.append(path)
    if in_folder:
        gathered.from_folders.add(path)


def _leave_orphans(gathered: Gathered, wanted: Collection[str]) -> None:
    """``fasterq-dump --split-3`` writes reads that have no mate to a third file: ``SRR1.fastq.gz``
    beside ``SRR1_1.fastq.gz`` and ``SRR1_2.fastq.gz``.
    """
    names = {path.name for path in gathered.files}
    for path in list(gathered.files):
        stem, dot, ending = path.name.partition(".")
        if path.name not in wanted and {f"{stem}_{read}{dot}{ending}" for read in "12"} <= names:
            gathered.files.remove(path)
            why = "reads without a mate, by its name, beside the pair: none is analysed alone"
            gathered.left_out.append(LeftOut(path, why))


def _why_left_out(path: Path, gathered: Gathered, *, in_folder: bool) -> str:
    if why := why_left_out(path.name):
        return why
    if not path.is_file():
        return "neither a file nor a folder"
    kind = upload_kind(path.name)
    if kind is UploadKind.OTHER and in_folder and not holds_reads(path.name):
        return "no FASTQ"
    if kind is UploadKind.MANIFEST and path.suffix.lower() == ".csv":
        with path.open("rb") as file:
            samples = illumina_samples(file.read(MAX_MANIFEST_BYTES))
        if samples is not None:
            gathered.on_sheets[path] = samples
            return "Illumina's sheet names no files: FASTQ go by their own names"
    return ""


def _has_none(folder: Path) -> str:
    inside = [path.name for path in sorted(folder.iterdir()) if path.is_dir()]
    if not inside:
        return f"{folder}: has no FASTQ file"
    return f"{folder}: has no FASTQ file; its folders are {shown(inside)}: give those that you mean"


def said_of(left_out: Iterable[LeftOut]) -> list[str]:
    """A line for each reason, with the names of its files, in the order of the first ones."""
    names: dict[str, list[str]] = {}
    for one in left_out:
        names.setdefault(one.why, []).append(str(one.path))
    return [f"left out ({why}): {_listed(files)}" for why, files in names.items()]


def _listed(names: Sequence[str]) -> str:
    said = shown(names, _LEFT_OUT_FILES)
    return f"{said}: --json has all" if len(names) > _LEFT_OUT_FILES else said


def shown(names: Sequence[str], most: int = _SHOWN_FILES) -> str:
    """Some names, and how many more there are."""
    few = ", ".join(names[:most])
    more = len(names) - most
    return f"{few} and {more} more" if more > 0 else few
