"""The calls of two runs held against each other, as the job of a reanalysis does it."""

import hashlib
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from cli.faults import CommandFailed

if TYPE_CHECKING:
    from cli.stack import Stack
    from seqdrop.domain.comparison.report import Report
    from seqdrop.domain.plan import StoredObject
    from seqdrop.domain.records import Run


def compare_two_runs(
    stack: "Stack", before: "Run", now: "Run", table: Path | None = None, kept: Path | None = None
) -> "Report":
    """Fetches what both runs left, and compares it; all rows go to ``table``.

    The runs are of one sample, be it under two assays. Files of references stay in the folder
    ``kept``: whoever compares many samples fetches them once.
    """
    from runner.tools.comparison import TABLE_FILE
    from runner.tools.comparison_of_runs import compare_runs

    references = stack.output("ReferencesBucket")
    with TemporaryDirectory(prefix="seqdrop-compare-") as scratch:
        folder = Path(scratch)
        ref, calls = folder / "ref", folder / "now"
        layout, same = _layout(stack, before, now)
        for path, object_ in layout.items():
            if kept and object_.sha256 and object_.bucket == references:
                _fetch_once(stack, object_, folder / path, kept)
            else:
                fetch(stack, object_, folder / path)
        facts = {"run": now.id.short, "reference": now.reference, "pipeline": now.pipeline}
        return compare_runs(ref, calls, facts, now.metrics, table or folder / TABLE_FILE, same=same)


def _layout(
    stack: "Stack", before: "Run", now: "Run"
) -> "tuple[dict[str, StoredObject], frozenset[str]]":
    """Where the files of both runs go, below one folder; and those that both have used."""
    from seqdrop.domain.identity import ReferenceId
    from seqdrop.domain.reanalysis.comparing import OF_REFERENCE
    from seqdrop.flow.reanalysis.run_files import chain_between

    of_before, of_now = (stack.run_files.of(run) for run in (before, now))
    for which, found in (("earlier", of_before), ("later", of_now)):
        if "variants.vcf.gz" not in found:
            raise CommandFailed(f"the {which} run has no variants to compare")
    same = frozenset(
        name
        for name in OF_REFERENCE & of_before.keys() & of_now.keys()
        if of_before[name].sha256 == of_now[name].sha256 != ""
    )
    layout = {(f"ref/{n}" if n in OF_REFERENCE else f"now/{n}"): o for n, o in of_now.items()}
    layout |= {f"ref/before/{name}": o for name, o in of_before.items() if name not in same}
    reference, _, version = now.reference.partition("/")
    there = stack.catalog.references.get(ReferenceId(reference, version))
    if there:
        layout |= {f"ref/{file.path}": file.object for file in chain_between(before, there)}
    return layout, same


def _fetch_once(stack: "Stack", object_: "StoredObject", path: Path, kept: Path) -> None:
    """A link to the file that was fetched for an earlier sample; by its checksum."""
    there = kept / object_.sha256.lower()
    if not there.is_file():
        fetch(stack, object_, there)
    path.parent.mkdir(parents=True, exist_ok=True)
    os.link(there, path)


def fetch(stack: "Stack", object_: "StoredObject", path: Path) -> None:
    """Raises CommandFailed where the bytes are others than were recorded."""
    path.parent.mkdir(parents=True, exist_ok=True)
    stack.s3.download_file(object_.bucket, object_.key, str(path))
    if not object_.sha256:
        return
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != object_.sha256.lower():
        path.unlink()
        raise CommandFailed(
            f"s3://{object_.bucket}/{object_.key} has other bytes than were recorded: SHA-256 is "
            f"{found}, not {object_.sha256}"
        )
