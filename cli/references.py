"""`seqdrop reference add`, `list`, `diff` and `retire`."""

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer
from msgspec.structs import replace

from cli.faults import CommandFailed, expected_faults, explain
from cli.options import Json
from cli.reference_document import Document, reference_document, sequence_told
from cli.screen import clean, console, emit, on_terminal, say, show_table, warn

if TYPE_CHECKING:
    from cli.parts import Part
    from cli.stack import Stack
    from seqdrop.aws.catalog.current_runs import CurrentRuns
    from seqdrop.domain.identity import ReferenceId
    from seqdrop.domain.reference import ReferenceVersion

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_FIRST_PAUSE, _LONGEST_PAUSE, _GROWTH = 0.3, 10.0, 1.2
_IDLE_LOOKS = 2
"""How often jobs may be seen to have all ended while the version is still PREPARING: the end of the
last one may be recorded a moment later."""
_MOST_COUNTED = 20_000
"""Analyses of one reference: their count is a few requests a thousand."""
_SHOWN_SAMPLES = 5
_CONTIG_LIST = "contigs"
"""Its folder in the bucket. It is no part: no stage reads it, and the sequence decides it."""


def _checked_name(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise typer.BadParameter("letters, digits, '.', '_' and '-', at most 64 of them")
    return value


def add(
    name: Annotated[str, typer.Argument(metavar="NAME", callback=_checked_name)],
    version: Annotated[str, typer.Argument(metavar="VERSION", callback=_checked_name)],
    fasta: Annotated[
        Path,
        typer.Argument(metavar="FASTA", exists=True, dir_okay=False, help="The sequence (.fa)."),
    ],
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="FILE", exists=True, dir_okay=False,
            help="Target regions (<name>.bed), the primers of a panel (<name>.primers.bed), "
            "what X and Y share (par.bed), genes (.gff3), names of ALT contigs (.alt), SNPs for "
            "identity (.fingerprint.vcf), the way from an earlier version (<version>.chain).",
        ),
    ] = None,
    *,
    no_wait: Annotated[
        bool, typer.Option("--no-wait", help="Return before the indexes are made.")
    ] = False,
    json: Json = False,
) -> None:  # fmt: skip
    """Looks at a version's files, adds it, and waits until its indexes are made.

    A file that tools would refuse or misread is named, and nothing is uploaded.
    """
    from cli.stack import find_stack
    from seqdrop.domain.identity import ReferenceId

    stack = find_stack()
    wanted = ReferenceId(name, version)
    there = stack.catalog.references.get(wanted)
    reference = _put(stack, wanted, [fasta, *(files or [])], is_new=there is None, quiet=json)
    if not no_wait:
        reference = _until_settled(stack, reference, quiet=json)
    if json:
        emit(reference_document(reference))
    if reference.state in {"FAILED", "RETIRED"}:
        why = f": {reference.why}" if reference.why else ""
        raise CommandFailed(f"reference {name} {version} is {reference.state}{why}")
    if not json:
        document = reference_document(reference)
        sequence = sequence_told(document)
        counts = f"{reference.bases:,} bases{sequence and f', {sequence}'}"
        again = ", as it was before" if there and there.state == reference.state else ""
        say(f"reference {name} {version} is {reference.state}{again}: {counts}")


def _put(
    stack: "Stack", reference: "ReferenceId", files: list[Path], *, is_new: bool, quiet: bool
) -> "ReferenceVersion":
    """Checks the files, and uploads those that are not there; never writes over a version's."""
    from cli.parts import prepare_parts, stored_parts
    from cli.reference_diff import lengths_in
    from cli.transfer import upload_all

    bucket = stack.output("ReferencesBucket")
    with TemporaryDirectory(prefix="seqdrop-") as scratch:
        prepared = prepare_parts(files, Path(scratch), partial(lengths_in, stack, reference))
        prepared.warnings += _lost(stack, reference, prepared.parts)
        for warning in prepared.warnings:
            warn(f"WARN {warning}")
        files_of = prepared.parts | {_CONTIG_LIST: prepared.contig_list}
        stored = stored_parts(files_of, bucket, f"{reference.name}/{reference.version}")
        if is_new:
            new = {stored[name].object.key: part.file for name, part in files_of.items()}
            upload_all(stack.s3, bucket, new, quiet=quiet)
    listed = stored.pop(_CONTIG_LIST)
    facts = replace(prepared.facts, contig_list=listed.object)
    return stack.reference_flow.add(
        reference, stored, prepared.bases, stack.who(), facts=facts, warnings=prepared.warnings
    )  # fmt: skip


def _lost(stack: "Stack", reference: "ReferenceId", parts: "Mapping[str, Part]") -> "Iterator[str]":
    """What the newest earlier version has, and an assay would miss without a word."""
    from seqdrop.domain.primers import lost_primers

    there = stack.catalog.references.versions(reference.name)
    earlier = [one for one in there if one.version != reference.version and one.state == "READY"]
    for newest in sorted(earlier, key=lambda one: one.created)[-1:]:
        yield from lost_primers(newest.version, newest.parts, parts)


def _until_settled(
    stack: "Stack", reference: "ReferenceVersion", *, quiet: bool
) -> "ReferenceVersion":
    """The version once its jobs have made it READY or FAILED. Raises CommandFailed if none runs."""
    from cli.timeline import status_text

    name, version = reference.name, reference.version
    pause, idle = _FIRST_PAUSE, 0
    with ExitStack() as shown:
        show = _display(shown, quiet=quiet)
        while reference.state == "PREPARING":
            jobs = stack.catalog.jobs.of_reference(reference.id)
            show(
                {f"index {job.stage}": status_text(job.status, job.blocked_reason) for job in jobs}
            )
            idle = 0 if any(not job.has_ended for job in jobs) else idle + 1
            if idle > _IDLE_LOOKS:
                raise CommandFailed(
                    f"reference {name} {version} is PREPARING, and none of its jobs is running: "
                    "add the same files again, which goes on with what is missing"
                )
            time.sleep(pause)
            pause = min(pause * _GROWTH, _LONGEST_PAUSE)
            found = stack.reference_flow.refresh(reference.id)
            if found is None:
                raise CommandFailed(f"reference {name} {version} is gone")
            reference = found
    return reference


def _display(shown: ExitStack, *, quiet: bool) -> Callable[[dict[str, str]], None]:
    """Shows where the indexes are: in place on a terminal, a line for each change elsewhere."""
    seen: dict[str, str] = {}

    def say_changes(now: dict[str, str]) -> None:
        for what, status in now.items():
            if not quiet and seen.get(what) != status:
                say(f"{what} {status}")
        seen.update(now)

    if quiet or not on_terminal():
        return say_changes
    status = shown.enter_context(console().status("preparing"))
    return lambda now: status.update(clean(", ".join(f"{k} {v}" for k, v in now.items())))


def references(json: Json = False) -> None:
    """Lists references: their versions, what they hold, whether they are ready, and who uses them.

    Looks after the jobs of those that are not, and gives up one that has got no host for too long.
    """
    from cli.stack import find_stack

    stack = find_stack()
    catalog = stack.catalog.references
    found = []
    for name in catalog.names():
        versions = sorted(catalog.versions(name), key=lambda v: v.created)
        users = users_of(versions, stack.catalog.current_runs)
        for version in versions:
            document = reference_document(_looked_after(stack, version))
            found.append(document | {"users": users[version.version]})
    if json:
        emit({"references": found})
    elif not found:
        say("there are no references: add one with `seqdrop reference add`")
    else:
        columns = (
            "reference", "version", "state", "bases", "sequence", "parts", "indexes", "users",
            "why",
        )  # fmt: skip
        show_table(columns, [_row(document) for document in found])


def users_of(
    versions: "Sequence[ReferenceVersion]", current_runs: "CurrentRuns"
) -> dict[str, Document]:
    """By version: how many analyses have a current run of its content, and the first samples.

    An analysis uses a version where all that it has of any of these is content of that version:
    content that two versions share counts for both. ``more``: the count ended before its end.
    """
    users: dict[str, Document] = {
        one.version: {"analyses": 0, "samples": [], "more": False} for one in versions
    }
    contents = {file.object.sha256 for one in versions for file in one.parts.values()}
    for number, listed in enumerate(current_runs.using(contents - {""})):
        if number == _MOST_COUNTED:
            for known in users.values():
                known["more"] = True
            break
        for one in versions:
            if _has_all(one, listed.parts or {}):
                _count_in(users[one.version], listed.run.sample)
    return users


def _has_all(version: "ReferenceVersion", used: Mapping[str, str]) -> bool:
    """Whether these parts of a run are those of a version."""
    there = version.parts
    return all(
        name in there and there[name].object.sha256 == sha256 for name, sha256 in used.items()
    )


def _count_in(users: Document, sample: str) -> None:
    users["analyses"] += 1
    if len(users["samples"]) < _SHOWN_SAMPLES and sample not in users["samples"]:
        users["samples"].append(sample)


def _users(users: Document) -> str:
    """For a cell of the table."""
    if not users["analyses"]:
        return "?" if users["more"] else "-"
    count = f"{'more than ' if users['more'] else ''}{users['analyses']:,}"
    is_cut = len(users["samples"]) == _SHOWN_SAMPLES < users["analyses"]
    rest = " …" if users["more"] or is_cut else ""
    return f"{count}: {', '.join(users['samples'])}{rest}"


def _looked_after(stack: "Stack", version: "ReferenceVersion") -> "ReferenceVersion":
    """The version after a look at its jobs, which no state machine polls."""
    if version.state != "PREPARING":
        return version
    try:
        return stack.reference_flow.refresh(version.id) or version
    except expected_faults() as error:
        which = f"reference {version.name} {version.version}"
        warn(f"WARN {which} is shown as it was: its jobs can't be looked at: {explain(error)}")
        return version


def _row(document: Document) -> list[str]:
    return [
        document["name"],
        document["version"],
        document["state"],
        f"{document['bases']:,}",
        sequence_told(document) or "-",
        ", ".join(document["parts"]),
        ", ".join(document["indexes"]),
        _users(document["users"]),
        "; ".join([*document["why"].splitlines(), *document["warnings"]]),
    ]


def diff(
    name: Annotated[str, typer.Argument(metavar="NAME")],
    before: Annotated[str, typer.Argument(metavar="V1", help="The earlier version.")],
    after: Annotated[str, typer.Argument(metavar="V2", help="The later one.")],
    *,
    chain: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write a chain file from V1 to V2, where no contig has got another length.",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Says which parts of two versions differ, how, and which stages are made anew for it.

    Contigs are compared by their checksums; bases are read only of those that have others.
    """
    from cli.reference_diff import compare_versions
    from cli.reference_diff_told import told
    from cli.stack import find_stack

    found = compare_versions(find_stack(), name, before, after, chain)
    if json:
        emit(found)
        return
    for line in told(found):
        say(line)


def retire(
    name: Annotated[str, typer.Argument(metavar="NAME")],
    version: Annotated[str, typer.Argument(metavar="VERSION")],
    *,
    why: Annotated[
        str, typer.Option("--why", metavar="TEXT", help="The reason, for whoever asks later.")
    ] = "",
    json: Json = False,
) -> None:
    """Withdraws a version: no sample uses it again, and runs that did keep their provenance."""
    from cli.stack import find_stack
    from seqdrop.domain.identity import ReferenceId

    stack = find_stack()
    reference = stack.reference_flow.retire(ReferenceId(name, version), why, stack.who())
    if json:
        emit(reference_document(reference))
    else:
        say(f"reference {name} {version} is {reference.state}")
