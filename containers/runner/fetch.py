"""Reference files and earlier stages' outputs, brought into the job's folders and checked."""

import hashlib
import os
from collections.abc import Callable, Iterable
from contextlib import closing
from functools import partial
from pathlib import Path
from threading import Event

import msgspec

from runner.faults import StageFault
from runner.objects import Objects
from runner.parallel import run_parallel
from runner.scratch import Folders, below
from runner.source import ObjectStream
from seqdrop.domain.failure import FailureClass
from seqdrop.domain.plan import RunPlan, StagePlan, StageResult, StoredObject, decode_result, encode

PART_BYTES = 64 * 2**20
"""Large files come in parts side by side: one connection gives some 90 MB/s."""
WORKERS = 16
FETCHED_AT = 946_684_800
"""When all that was fetched seems to have been written (2000-01-01): tools complain of an index
that looks older than its data, and files of the host are older than those of this job."""
_CHUNK_BYTES = 2**20


Wanted = dict[Path, StoredObject]
Needed = list[tuple[StagePlan, StageResult]]


def needed_results(plan: RunPlan, stage: StagePlan, objects: Objects, stop: Event) -> Needed:
    """The stages that came before, with their results."""
    needed = _needed(plan, stage)
    results = run_parallel([partial(_result_of, each, objects) for each in needed], WORKERS, stop)
    return list(zip(needed, results, strict=True))


def wanted_files(stage: StagePlan, needed: Needed, folders: Folders) -> Wanted:
    """Everything that the steps find in ``{ref}`` and ``{in}``, and where it comes from."""
    wanted: Wanted = {}
    for file in stage.reference_files:
        _claim(wanted, below(folders.ref, file.path), file.object)
    for each, result in needed:
        for name, stored in _result_objects(each, result):
            if stage.inputs and name not in stage.inputs:
                continue
            _claim(wanted, below(folders.inputs, name), stored)
    return wanted


def keep_results(needed: Needed, folders: Folders) -> None:
    """Writes what each stage before has measured as ``{in}/stages/<stage>.json``."""
    folder = folders.inputs / "stages"
    folder.mkdir()
    for each, result in needed:
        (folder / f"{each.stage}.json").write_bytes(encode(result))


def fetch_tasks(wanted: Wanted, objects: Objects, stop: Event) -> list[Callable[[], None]]:
    """What brings the files, for run_parallel; large ones in several parts."""
    return [
        task for path, stored in wanted.items() for task in part_tasks(stored, path, objects, stop)
    ]


def part_tasks(
    stored: StoredObject,
    path: Path,
    objects: Objects,
    stop: Event,
    *,
    gone: FailureClass = FailureClass.BAD_PLAN,
) -> list[Callable[[], None]]:
    """What brings one file; ``gone`` says whose fault it is when it is not there any more."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    tasks: list[Callable[[], None]] = []
    for start in range(0, stored.size, PART_BYTES):
        span = (start, min(start + PART_BYTES, stored.size))
        part = partial(ObjectStream, objects.client, stored, stop, span=span, gone=gone)
        tasks.append(partial(_fetch_part, path, start, part))
    return tasks


def check_files(wanted: Wanted, stop: Event) -> None:
    """Holds the files that came against the SHA-256 that is known of them."""
    for path in wanted:
        os.utime(path, (FETCHED_AT, FETCHED_AT))
    known = [(path, stored) for path, stored in wanted.items() if stored.sha256]
    run_parallel([partial(check_file, path, stored) for path, stored in known], WORKERS, stop)


def _needed(plan: RunPlan, stage: StagePlan) -> list[StagePlan]:
    known = {other.stage: other for other in plan.stages}
    for need in stage.needs:
        if need not in known:
            raise StageFault(
                FailureClass.BAD_PLAN, f"the plan has no stage {need!r}, which is needed"
            )
    return [known[need] for need in stage.needs]


def _result_of(needed: StagePlan, objects: Objects) -> StageResult:
    key = f"{needed.prefix}{needed.stage}.json"
    content = objects.read(needed.bucket, key)
    if content is None:
        message = f"stage {needed.stage} has no results at s3://{needed.bucket}/{key}"
        raise StageFault(FailureClass.BAD_PLAN, message)
    try:
        return decode_result(content)
    except msgspec.MsgspecError as error:
        message = f"s3://{needed.bucket}/{key} is no stage's result: {error}"
        raise StageFault(FailureClass.BAD_PLAN, message) from error


def _result_objects(needed: StagePlan, result: StageResult) -> Iterable[tuple[str, StoredObject]]:
    for file in result.files:
        yield (
            file.name,
            StoredObject(
                bucket=needed.bucket,
                key=needed.prefix + file.name,
                size=file.bytes,
                sha256=file.sha256,
            ),
        )


def _claim(wanted: Wanted, path: Path, stored: StoredObject) -> None:
    if path in wanted:
        message = f"{wanted[path].key!r} and {stored.key!r} want to be the same file {path.name!r}"
        raise StageFault(FailureClass.BAD_PLAN, message)
    wanted[path] = stored


def _fetch_part(path: Path, start: int, part: Callable[[], ObjectStream]) -> None:
    with closing(part()) as stream, path.open("r+b") as file:
        file.seek(start)
        while data := stream.read(_CHUNK_BYTES):
            file.write(data)


def check_file(path: Path, stored: StoredObject) -> None:
    """Raises StageFault where a file's content is not that of the object."""
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != stored.sha256.lower():
        message = f"s3://{stored.bucket}/{stored.key}: SHA-256 is {found}, not {stored.sha256}"
        raise StageFault(FailureClass.TRANSFER_FAILED, message)
