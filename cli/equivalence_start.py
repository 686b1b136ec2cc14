"""Starting a side: the files of a run analysed again, under another pipeline or assay.

An object in the uploads bucket belongs to one analysis alone: a manifest that named it for another
one would take it away from the first. So S3 copies the files within the bucket, into a folder that
is named by their content, and the manifest names the copies. The same command again finds the same
folder, manifest and copies, and starts nothing twice.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from cli.equivalence_sides import Made, SampleRuns, is_same_content
from cli.faults import CommandFailed
from seqdrop.domain.equivalence.checks import is_same_file
from seqdrop.domain.equivalence.report import Change
from seqdrop.domain.identity import AnalysisId
from seqdrop.domain.keys import digest
from seqdrop.domain.plan import ReadPair, StoredObject

if TYPE_CHECKING:
    from s3transfer.manager import TransferManager

    from cli.stack import Stack
    from seqdrop.aws.catalog.layout import SampleItems
    from seqdrop.domain.pipeline import Assay
    from seqdrop.domain.records import Analysis
    from seqdrop.library import Library

_PART_BYTES = 512 * 2**20
_WHOLE_BYTES = 2**30
"""Smaller files are copied by one request."""
_FIRST_PAUSE, _LONGEST_PAUSE, _GROWTH = 0.5, 5.0, 1.2
_GIGABYTE = 1e9


class Copy(NamedTuple):
    """A file of the run, and the key of its copy."""

    source: StoredObject
    key: str


@dataclass(frozen=True)
class Start:
    """An analysis to be started, once it is known that it can be."""

    analysis: AnalysisId
    manifest_key: str
    manifest: bytes
    copies: tuple[Copy, ...] = ()
    is_there: bool = False
    """Somebody has dropped the same files for it: there is nothing to do but to wait."""

    def __str__(self) -> str:
        """What is done, for a person."""
        if self.is_there:
            return f"{self.analysis} has the same files already"
        size = sum(copy.source.size for copy in self.copies)
        told = f"{size / 1e9:,.1f} GB" if size >= _GIGABYTE else f"{size / 1e6:,.1f} MB"
        return (
            f"{self.analysis} is started on copies of its {len(self.copies)} files ({told}, copied "
            "within the uploads bucket)"
        )


# ── What is to be started


def make_start(runs: SampleRuns, library: "Library", wanted: str, basis: Made) -> Start:
    """How a side can be started on a run's files. Raises CommandFailed where it can't."""
    stack, items = runs.stack, runs.items
    record = basis.record
    sample = record.sample
    target = AnalysisId(sample, wanted)
    before = next((one for one in items.analyses if one.assay == record.assay), None)
    if before and before.control:
        raise CommandFailed(f"{before.id} is a control: there is nothing in it to compare")
    if not record.inputs:
        raise CommandFailed(
            f"{basis.run.id} has no record of its files, being of an earlier release: `seqdrop "
            f"rerun {sample} --assay {record.assay} --fresh` makes one that has"
        )
    name, _, version = record.reference.partition("/")
    if runs.asked.change is Change.ASSAY:
        _check_reference_of(stack, library.assay_named(wanted), wanted, record.reference)
        chosen = {"assay": wanted}
    else:
        library.pipeline(wanted)
        stack.catalog.references.choose(name, version)
        chosen = {"pipeline": wanted, "reference": name, "reference_version": version}
    folder = f"equivalence-{digest([sample, wanted, _content(record.inputs)])[:16]}"
    copies: list[Copy] = []
    files = []
    for pair in record.inputs:
        keys = [f"{folder}/{sample}.{pair.id}.{read}.fastq.gz" for read, _ in pair.mates]
        copies += map(Copy, pair.files, keys)
        files.append(_entry(pair, keys))
    entry = {"sample": sample, "files": files, **chosen}
    if basis.run.project:
        entry["project"] = basis.run.project
    key = f"{folder}/{sample}.manifest.json"
    body = msgspec.json.format(msgspec.json.encode({"samples": [entry]}), indent=1)
    _check_manifest(sample, key, body, record.inputs)
    _check_checksums(sample, record.inputs)
    start = _beside(stack, Start(target, key, body, tuple(copies)), items)
    if not start.is_there:
        _check_readable(stack, start)
    return start


def _content(pairs: Iterable[ReadPair]) -> list[tuple[object, ...]]:
    return [(p.id, *((file.checksum, file.size) for file in p.files)) for p in pairs]


def _check_reference_of(stack: "Stack", assay: "Assay", name: str, wanted: str) -> None:
    """Raises CommandFailed where an assay would take another version of the reference."""
    found = stack.catalog.references.choose(assay.reference, assay.reference_version)
    if str(found.id) != wanted:
        raise CommandFailed(
            f"the assay {name} would use {found.id}, and the run to compare with has {wanted}: "
            "run that one again first, or name a pipeline in place of the assay"
        )


def _entry(pair: ReadPair, keys: Sequence[str]) -> dict[str, str]:
    """A lane as a manifest names it, so that its read group is the same."""
    fields = dict(one.split(":", 1) for one in pair.read_group.split("\\t")[1:])
    unit, library = fields.get("PU", ""), fields.get("LB", "")
    entry = {"lane": unit.rpartition(".")[2]}
    for (read, file), key in zip(pair.mates, keys, strict=True):
        entry |= {read.lower(): key.rpartition("/")[2], f"{read.lower()}_md5": file.md5}
    if pair.id == f"{unit}.{library}" or pair.id.startswith(f"{unit}.{library}."):
        entry["library"] = library
    return {name: value for name, value in entry.items() if value}


def _check_manifest(sample: str, key: str, body: bytes, pairs: Sequence[ReadPair]) -> None:
    """Raises CommandFailed for lanes that no manifest can tell apart."""
    from seqdrop.domain.manifest import parse_manifest

    units = [pair.read_group for pair in pairs]
    if len(set(units)) < len(units):
        raise CommandFailed(
            f"{sample} has lanes in several files each, which a manifest can't tell apart: upload "
            "its files under the other assay by their own names"
        )
    parse_manifest(body, key)


def _check_checksums(sample: str, pairs: Iterable[ReadPair]) -> None:
    """Raises CommandFailed for a file that came in parts without a checksum of the whole: the ETag
    of a copy would be another one, and nothing else could tell that it is the same."""
    for file in (one for pair in pairs for one in pair.files):
        if file.checksum.startswith("etag:") and "-" in file.checksum:
            raise CommandFailed(
                f"S3 has no checksum of the whole of {file.key} (sample {sample}), so nobody could "
                "tell that a copy is the same: upload it again by `seqdrop upload`, or upload it "
                "under the other assay as well"
            )


def _beside(stack: "Stack", start: Start, items: "SampleItems") -> Start:
    """The same, with what the analysis has already. Raises CommandFailed for other files."""
    there = next((one for one in items.analyses if one.assay == start.analysis.assay), None)
    if there is None or there.manifest == start.manifest_key:
        return start
    sources = [copy.source for copy in start.copies]
    files = [file.object for file in items.files if file.assay == there.assay]
    others = [one for one in files if not _is_among(stack, one, sources)]
    lacks = [one for one in sources if not _is_among(stack, one, files)]
    if others or lacks:
        raise CommandFailed(
            f"{there.id} was given other files than those to compare with "
            f"({(others or lacks)[0].key}): nothing can be started there"
        )
    if there.status == "ANALYSED":
        raise CommandFailed(
            f"{there.id} has the same files, but no good run with the same version of the "
            f"reference: `seqdrop reanalyse` makes one, or `seqdrop rerun {there.sample} --assay "
            f"{there.assay} --fresh`"
        )
    return Start(start.analysis, start.manifest_key, start.manifest, start.copies, is_there=True)


def _is_among(stack: "Stack", one: StoredObject, others: Iterable[StoredObject]) -> bool:
    return any(
        is_same_file(one, other, lambda a, b: is_same_content(stack, a, b)) for other in others
    )


def _check_readable(stack: "Stack", start: Start) -> None:
    """Raises ArchivedObject where a file has to be restored first, CommandFailed for one that is
    gone; of those that were copied before, nothing is asked."""
    for copy in start.copies:
        source = copy.source
        if _is_copied(stack, source.bucket, copy):
            continue
        if stack.objects.head(source.bucket, source.key, source.version_id) is None:
            raise CommandFailed(
                f"s3://{source.bucket}/{source.key} is gone, which {start.analysis.sample} was "
                "analysed from: nothing can be run on the same files"
            )
        stack.objects.check_readable(source)


# ── Starting it


def start_all(stack: "Stack", starts: Sequence[Start], *, quiet: bool) -> None:
    """Drops manifests, and copies files. What is there already is left as it is."""
    for start in starts:
        if not start.is_there:
            _drop_manifest(stack, start)
            _copy_files(stack, start, quiet=quiet)


def _drop_manifest(stack: "Stack", start: Start) -> None:
    """Drops it, and waits until it counts: files that come before would be taken by their names.

    Raises CommandFailed where that takes too long, or it can't be used.
    """
    from cli.arrival import wait_until_expected, wait_until_seen
    from seqdrop.domain.identity import ObjectName

    bucket, key = stack.output("UploadsBucket"), start.manifest_key
    if stack.objects.get(bucket, key) != start.manifest:
        stack.objects.put(bucket, key, start.manifest)
    placed = wait_until_seen(stack, bucket, [key]).get(key)
    if placed and placed.analysis:
        raise CommandFailed(f"{placed.note}; nothing was copied")
    keys = [copy.key for copy in start.copies]
    wait_until_expected(stack, bucket, keys)
    for name in keys:
        _, said = stack.catalog.uploads.known(ObjectName(bucket, name))
        if not any(one.file for one in said):
            raise CommandFailed(
                f"s3://{bucket}/{key} was not looked at within a minute: give the command again "
                "in a while (`seqdrop queues` shows what waits)"
            )


def _copy_files(stack: "Stack", start: Start, *, quiet: bool) -> None:
    """Raises CommandFailed where S3 can't tell that a copy is the same."""
    from boto3.s3.transfer import ProgressCallbackInvoker

    from cli.progress import Progress

    bucket = stack.output("UploadsBucket")
    wanted = [copy for copy in start.copies if not _is_copied(stack, bucket, copy)]
    total = sum(copy.source.size for copy in wanted)
    with Progress("copied", total, quiet=quiet) as progress, _copies(stack) as manager:
        under_way = []
        for copy in wanted:
            source = copy.source
            version = {"VersionId": source.version_id} if source.version_id else {}
            one = manager.copy(
                {"Bucket": source.bucket, "Key": source.key, **version},
                bucket,
                copy.key,
                extra_args={"ChecksumAlgorithm": _algorithm(source), "TaggingDirective": "REPLACE"},
                subscribers=[ProgressCallbackInvoker(progress.advance)],
            )
            under_way.append((copy, one))
        for copy, transfer in under_way:
            transfer.result()
            progress.done(f"s3://{bucket}/{copy.key}")
    for copy in wanted:
        if not _is_copied(stack, bucket, copy):
            raise CommandFailed(
                f"S3 can't tell that s3://{bucket}/{copy.key} is the same as {copy.source.key}: "
                "upload that file again with a checksum of the whole, as `seqdrop upload` does"
            )


def _copies(stack: "Stack") -> "TransferManager":
    from boto3.s3.transfer import TransferConfig, create_transfer_manager

    config = TransferConfig(multipart_threshold=_WHOLE_BYTES, multipart_chunksize=_PART_BYTES)
    return create_transfer_manager(stack.s3, config)


def _algorithm(source: StoredObject) -> str:
    """The source's own, so that both checksums can be compared."""
    kind = source.checksum.partition(":")[0].upper()
    return kind if kind in {"CRC32", "SHA256"} else "CRC64NVME"


def _is_copied(stack: "Stack", bucket: str, copy: Copy) -> bool:
    head = stack.objects.head(bucket, copy.key)
    return head is not None and is_same_file(
        copy.source, head.object, lambda a, b: is_same_content(stack, a, b)
    )


# ── Waiting for it


def wait_for(
    stack: "Stack", starts: Sequence[Start], timeout: float | None, tell: Callable[[str], None]
) -> None:
    """Waits until each has ended, well or badly; ``tell`` gets each change of a status.

    Raises CommandFailed where the time is up before.
    """
    end = None if timeout is None else time.monotonic() + timeout
    pause, told = _FIRST_PAUSE, dict[AnalysisId, str]()
    while True:
        waited = []
        for start in starts:
            analysis = stack.catalog.analyses.get(start.analysis)
            status = _status(analysis)
            if told.get(start.analysis) != status:
                tell(f"{start.analysis} {status}")
            told[start.analysis] = status
            if not _has_ended(analysis):
                waited.append(f"{start.analysis} is {status}")
        left = pause if end is None else min(pause, end - time.monotonic())
        if not waited:
            return
        if left <= 0:
            raise CommandFailed(
                f"after {timeout:g} s, still waiting: {'; '.join(waited)}: give the command "
                "again later, it goes on by itself"
            )
        time.sleep(left)
        pause = min(pause * _GROWTH, _LONGEST_PAUSE)


def _has_ended(analysis: "Analysis | None") -> bool:
    from seqdrop.sample_view import BAD_ENDS, GOOD_ENDS

    return analysis is not None and analysis.status in GOOD_ENDS | BAD_ENDS


def _status(analysis: "Analysis | None") -> str:
    from seqdrop.sample_view import why_of

    if analysis is None:
        return "not there yet"
    why = why_of(analysis)
    return f"{analysis.status}: {why.splitlines()[0]}" if why else str(analysis.status)
