"""``seqdrop-tool nextflow-prepare`` and ``nextflow-results``: a workflow's work folder in S3.

Before the workflow: its sheet and the reference go there, and an earlier try's results go away.
After it: the results that the pipeline names are fetched.
"""

import argparse
import hashlib
import re
import sys
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from threading import Event

from botocore.exceptions import ClientError

from runner.faults import StageFault
from runner.fetch import part_tasks
from runner.objects import Objects, is_gone, make_client, transfers
from runner.parallel import run_parallel
from seqdrop.domain.errors import InvalidMeasure
from seqdrop.domain.identity import ObjectName
from seqdrop.domain.plan import StoredObject
from seqdrop.domain.trace import read_trace

WORKERS = 8
_SHOWN = 20
_S3_URI = re.compile(r"s3://([^/]+)/(.+)", re.DOTALL)


class NoSuchResult(Exception):
    """The workflow ended well, and has not made what the pipeline names."""


def prepare(arguments: list[str]) -> int:
    """Uploads what tasks read, and removes results of an earlier try."""
    parser = argparse.ArgumentParser(prog="seqdrop-tool nextflow-prepare", description=__doc__)
    parser.add_argument("folder", type=Path, help="where nextflow-files has written")
    parser.add_argument("work", type=read_uri, help="the work folder, an s3:// URI")
    parser.add_argument("--reference", type=Path, help="the folder of the reference")
    options = parser.parse_args(arguments)
    objects, work = Objects(make_client()), options.work
    files = {f"{work.key}sheet.csv": options.folder / "sheet.csv"}
    if options.reference:
        for path in sorted(p for p in options.reference.rglob("*") if p.is_file()):
            name = path.relative_to(options.reference).as_posix()
            files[f"{work.key}reference/{name}"] = path
    try:
        tasks = [partial(_put, path, work.bucket, key, objects) for key, path in files.items()]
        run_parallel(tasks, WORKERS, Event())
        # Of a workflow that is resumed, Nextflow writes over nothing that is there.
        _remove_all(ObjectName(work.bucket, f"{work.key}results/"), objects)
    except StageFault as fault:
        sys.stderr.write(f"{fault}\n")
        return 1
    return 0


def fetch(arguments: list[str]) -> int:
    """Fetches the one result that each pattern matches; 1 where one matches none, or several."""
    parser = argparse.ArgumentParser(prog="seqdrop-tool nextflow-results", description=__doc__)
    parser.add_argument("results", type=read_uri, help="the workflow's outdir, an s3:// URI")
    parser.add_argument("out", type=Path)
    parser.add_argument("trace", type=Path, help="what Nextflow wrote of its tasks")
    parser.add_argument(
        "--output", nargs=2, action="append", default=[], metavar=("NAME", "PATTERN")
    )
    options = parser.parse_args(arguments)
    objects, stop = Objects(make_client()), Event()
    folder = ObjectName(options.results.bucket, f"{options.results.key.rstrip('/')}/")
    try:
        check_trace(options.trace)
        there = {
            one.key.removeprefix(folder.key): one
            for one in _below(folder, objects)
            if not one.key.endswith("/")  # marks a folder, which AWS' file system for Java writes
        }
        tasks = []
        for name, pattern in options.output:
            stored = there[the_one(name, pattern, there)]
            tasks += part_tasks(stored, options.out / name, objects, stop)
        run_parallel(tasks, WORKERS, stop)
    except (StageFault, NoSuchResult) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def check_trace(path: Path) -> None:
    """Raises NoSuchResult for a trace that does not tell which jobs the tasks were."""
    try:
        tasks = read_trace(path.read_bytes())
    except (InvalidMeasure, OSError) as error:
        raise NoSuchResult(f"{path.name} {error}") from error
    if not tasks:
        raise NoSuchResult(f"{path.name} has no task: the workflow did nothing")


def read_uri(text: str) -> ObjectName:
    """An s3:// URI. Raises ArgumentTypeError."""
    found = _S3_URI.fullmatch(text)
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} is not an s3:// URI")
    return ObjectName(found[1], found[2])


def the_one(name: str, pattern: str, there: dict[str, StoredObject]) -> str:
    """The one path that a pattern matches, folder by folder. Raises NoSuchResult."""
    found = [path for path in sorted(there) if _matches(path, pattern)]
    if len(found) == 1:
        return found[0]
    if found:
        said = f"{len(found)} results of the workflow are {pattern!r}: {', '.join(found[:_SHOWN])}"
        raise NoSuchResult(f"the output {name} is not clear: {said}")
    others = ", ".join(sorted(there)[:_SHOWN]) or "none"
    raise NoSuchResult(
        f"the workflow ended well, but its output {name} is not there: no result is {pattern!r} "
        f"(results there are: {others})"
    )


def _matches(path: str, pattern: str) -> bool:
    steps, wanted = path.split("/"), pattern.strip("/").split("/")
    return len(steps) == len(wanted) and all(map(fnmatchcase, steps, wanted))


def _put(path: Path, bucket: str, key: str, objects: Objects) -> None:
    """Uploads a file, unless it is there: then it keeps its time, by which it is known again."""
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    with transfers(f"looking for s3://{bucket}/{key}"):
        try:
            there = objects.client.head_object(Bucket=bucket, Key=key)["Metadata"]
        except ClientError as error:
            if not is_gone(error):
                raise
            there = {}
    if there.get("sha256") != sha256:
        objects.upload(path, bucket, key)


def _below(folder: ObjectName, objects: Objects) -> Iterator[StoredObject]:
    pages = objects.client.get_paginator("list_objects_v2")
    with transfers(f"listing {folder.uri}"):
        for page in pages.paginate(Bucket=folder.bucket, Prefix=folder.key):
            for one in page.get("Contents", ()):
                etag = f"etag:{one['ETag']}"
                yield StoredObject(folder.bucket, one["Key"], one["Size"], checksum=etag)


def _remove_all(folder: ObjectName, objects: Objects) -> None:
    remove = objects.client.delete_object
    with transfers(f"removing {folder.uri}"):
        found = [one.key for one in _below(folder, objects)]
        tasks = [partial(remove, Bucket=folder.bucket, Key=key) for key in found]
        run_parallel(tasks, WORKERS, Event())
