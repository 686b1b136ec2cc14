"""How the catalog's items are laid out: the one place that knows keys, index keys and packed text.

A record's fields are the attributes of its item. What DynamoDB has no type for is packed into text:
an identity as ``library#flowcell#lane#read#segment``, a run as ``<run key>#<attempt>``.
"""

import zlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from seqdrop.aws.catalog.table import Item, Key, from_item, to_item
from seqdrop.domain.identity import (
    AnalysisId,
    FileIdentity,
    IndexOf,
    JobOwner,
    ObjectName,
    ReferenceId,
    RunId,
    SeenFile,
    StageOf,
)
from seqdrop.domain.manifest import ExpectedFile
from seqdrop.domain.records import Analysis, FastqFile, Job, Placed, Run

STATUS_SHARDS = 8
"""A status is one hot key; eight partitions take 8,000 writes a second."""
STATUS_INDEX = "by_status"
REFERENCE_NAMES: "Range" = ("REFERENCES", "")
"""An item for each reference; its sort key is the reference's name."""
Range = tuple[str, str]
"""Items of one partition (pk) whose sort keys have a prefix."""


# Samples: analyses, files, runs and the jobs of their stages


def all_of_sample(sample: str) -> Range:
    """Everything of a sample but its audit trail."""
    return f"SAMPLE#{sample}", ""


def analysis_key(analysis: AnalysisId) -> Key:
    """The analysis item."""
    return f"SAMPLE#{analysis.sample}", f"ANALYSIS#{analysis.assay}"


def analyses_of(sample: str) -> Range:
    """The analyses of a sample, one an assay."""
    return f"SAMPLE#{sample}", "ANALYSIS#"


def file_key(analysis: AnalysisId, identity: FileIdentity) -> Key:
    """A file item."""
    return f"SAMPLE#{analysis.sample}", f"FILE#{analysis.assay}#{identity_text(identity)}"


def files_of(analysis: AnalysisId) -> Range:
    """The files of an analysis."""
    return f"SAMPLE#{analysis.sample}", f"FILE#{analysis.assay}#"


def run_item_key(run: RunId) -> Key:
    """A run item; attempts sort as numbers."""
    return f"SAMPLE#{run.sample}", f"RUN#{run.assay}#{run.run_key}#{run.attempt:04d}"


def blueprint_key(run: RunId) -> Key:
    """The blueprint of a run."""
    return f"SAMPLE#{run.sample}", f"BLUEPRINT#{run.assay}#{run.run_key}#{run.attempt:04d}"


def runs_of_key(analysis: AnalysisId, run_key: str) -> Range:
    """The attempts under one run key, oldest first."""
    return f"SAMPLE#{analysis.sample}", f"RUN#{analysis.assay}#{run_key}#"


def job_key(owner: JobOwner) -> Key:
    """A job item."""
    if isinstance(owner, IndexOf):
        pk, prefix = jobs_of_reference(owner.reference)
    else:
        pk, prefix = jobs_of_run(owner.run)
    return pk, f"{prefix}{owner.stage}#{owner.number}"


def jobs_of(analysis: AnalysisId) -> Range:
    """The jobs of all runs of an analysis."""
    return f"SAMPLE#{analysis.sample}", f"JOB#{analysis.assay}#"


def jobs_of_run(run: RunId) -> Range:
    """The jobs of a run."""
    return f"SAMPLE#{run.sample}", f"JOB#{run.assay}#{run.run_key}#{run.attempt:04d}#"


def uses_key(analysis: AnalysisId, part: str) -> Key:
    """Which content of a reference's part the current run of an analysis uses."""
    return f"SAMPLE#{analysis.sample}", f"USES#{analysis.assay}#{part}"


def uses_item(run: RunId, part: str, checksum: str) -> Item:
    """The item that finds an analysis by the content of a reference's part."""
    pk, sk = uses_key(run.analysis, part)
    return {
        "pk": pk,
        "sk": sk,
        "sample": run.sample,
        "assay": run.assay,
        "part": part,
        "run": run.short,
        "by_reference_pk": f"PART#{checksum}",
        "by_reference_sk": f"{run.sample}#{run.assay}",
    }


def status_attributes(analysis: AnalysisId, status: str, now: datetime) -> dict[str, Any]:
    """An analysis' status with the keys of its index."""
    shard = zlib.crc32(analysis.sample.encode()) % STATUS_SHARDS
    return {
        "status": status,
        "updated": timestamp(now),
        "by_status_pk": status_shard(status, shard),
        "by_status_sk": f"{timestamp(now)}#{analysis.sample}#{analysis.assay}",
    }


def status_shard(status: str, shard: int) -> str:
    """The index key of one of a status' shards."""
    return f"STATUS#{status}#{shard}"


def status_order(item: Item) -> str:
    """What the items of a status are sorted by: the time of their last change."""
    return str(item["by_status_sk"])


# Uploads, manifests, references, hosts, and the audit trail


def placed_key(object_: ObjectName, version: str) -> Key:
    """What became of one version of an uploaded object."""
    return all_of_object(object_)[0], f"VERSION#{version}"


def expected_key(object_: ObjectName) -> Key:
    """Where a manifest puts an object."""
    return all_of_object(object_)[0], "EXPECTED"


def all_of_object(object_: ObjectName) -> Range:
    """All that is known of an uploaded object: its versions, and where a manifest puts it."""
    return f"OBJECT#{_object_text(object_)}", ""


def control_item(manifest: str, analysis: AnalysisId) -> Item:
    """The item that finds a control by its manifest."""
    pk, prefix = controls_of(manifest)
    sk = f"{prefix}{analysis.sample}#{analysis.assay}"
    return {"pk": pk, "sk": sk, "sample": analysis.sample, "assay": analysis.assay}


def controls_of(manifest: str) -> Range:
    """The controls of a manifest, which is known by its object's key."""
    return f"MANIFEST#{manifest}", "CONTROL#"


def reference_key(reference: ReferenceId) -> Key:
    """A reference version."""
    return f"REFERENCE#{reference.name}", f"VERSION#{reference.version}"


def versions_of(name: str) -> Range:
    """All versions of one reference."""
    return f"REFERENCE#{name}", "VERSION#"


def jobs_of_reference(reference: ReferenceId) -> Range:
    """The jobs that make the indexes of a reference version."""
    return f"REFERENCE#{reference.name}", f"JOB#{reference.version}#"


def hosts_key(hosts: str) -> Key:
    """What is known of the hosts of some queues; see ``domain/hosts.py``."""
    return f"HOSTS#{hosts}", "SEEN"


def events_of(sample: str) -> Range:
    """The audit trail of a sample, oldest first."""
    return f"EVENTS#{sample}", ""


def events_of_reference(name: str) -> Range:
    """The audit trail of a reference, oldest first."""
    return f"EVENTS#REFERENCE#{name}", ""


def event_item(
    trail: Range, now: datetime, cause: str, *, who: str, what: str, **details: Any
) -> Item:
    """An audit event: written in the transaction of the change, and never again."""
    return {
        "pk": trail[0],
        "sk": f"{timestamp(now)}#{cause}",
        "who": who,
        "what": what,
        **{name: value for name, value in details.items() if value},
    }


def read_event_key(key: Key) -> tuple[str, str]:
    """Whose audit trail an event belongs to, and when it happened."""
    return key[0].removeprefix("EVENTS#"), key[1].partition("#")[0]


def timestamp(now: datetime) -> str:
    """ISO 8601, UTC, milliseconds: sorts as text."""
    return now.isoformat(timespec="milliseconds").replace("+00:00", "Z")


# Records as items, and items as records


def analysis_item(analysis: AnalysisId) -> Item:
    """The item of an analysis that nothing is known of yet."""
    pk, sk = analysis_key(analysis)
    return {"pk": pk, "sk": sk, "sample": analysis.sample, "assay": analysis.assay}


def read_analysis(item: Item) -> Analysis:
    """An analysis of its item."""
    analysis = AnalysisId(item["sample"], item["assay"])
    runs = {
        name: _read_run_id(analysis, item[name])
        for name in ("active_run", "current_run", "released_run")
        if item.get(name)
    }
    files = {
        "expected": {_read_object(text) for text in item.get("expected", ())},
        "files_seen": {_read_seen(text) for text in item.get("files_seen", ())},
    }
    return from_item({**item, **runs, **files}, Analysis)


def expected_texts(files: Iterable[ExpectedFile]) -> set[str]:
    """The files that an analysis expects, as its item has them."""
    return {_object_text(file.object) for file in files}


def seen_text(file: SeenFile) -> str:
    """A registered file, as its analysis' item has it."""
    return f"{identity_text(file.identity)}|{_object_text(file.object)}"


def identity_text(identity: FileIdentity) -> str:
    """An identity in a sort key, an attribute or an audit event."""
    return "#".join(msgspec.structs.astuple(identity))


def _read_identity(text: str) -> FileIdentity:
    return FileIdentity(*text.split("#"))


def _read_seen(text: str) -> SeenFile:
    identity, _, object_ = text.partition("|")
    return SeenFile(_read_identity(identity), _read_object(object_))


def _object_text(object_: ObjectName) -> str:
    return f"{object_.bucket}/{object_.key}"


def _read_object(text: str) -> ObjectName:
    bucket, _, key = text.partition("/")
    return ObjectName(bucket, key)


def _read_run_id(analysis: AnalysisId, text: str) -> RunId:
    """A run of an analysis, as ``RunId.short`` wrote it."""
    run_key, _, attempt = text.partition("#")
    return RunId(analysis.sample, analysis.assay, run_key, int(attempt))


def file_item(file: FastqFile) -> Item:
    """The item of a registered file."""
    pk, sk = file_key(file.analysis, file.identity)
    return {"pk": pk, "sk": sk, **to_item(file)}


def placed_item(placed: Placed) -> Item:
    """The item of an object version that was looked at."""
    pk, sk = placed_key(placed.object, placed.version_id)
    item = {"pk": pk, "sk": sk, **to_item(placed)}
    return item | {"identity": identity_text(placed.identity)} if placed.identity else item


def expected_item(file: ExpectedFile) -> Item:
    """The item of an object that a manifest names."""
    pk, sk = expected_key(file.object)
    return {"pk": pk, "sk": sk, **to_item(file)}


def read_uploads(items: Iterable[Item]) -> tuple[list[Placed], ExpectedFile | None]:
    """What became of each version of an object, and where a manifest puts it."""
    placed, expected = [], None
    for item in items:
        if item["sk"] == "EXPECTED":
            expected = from_item(item, ExpectedFile)
        else:
            placed.append(_read_placed(item))
    return placed, expected


def _read_placed(item: Item) -> Placed:
    text = item.get("identity", "")
    return from_item({**item, "identity": _read_identity(text) if text else None}, Placed)


def run_item(run: Run) -> Item:
    """The item of a run."""
    pk, sk = run_item_key(run.id)
    item = {"pk": pk, "sk": sk, **to_item(run)}
    return item | {"supersedes": run.supersedes.short} if run.supersedes else item


def read_run(item: Item) -> Run:
    """A run of its item."""
    text = item.get("supersedes", "")
    analysis = AnalysisId(item["sample"], item["assay"])
    return from_item({**item, "supersedes": _read_run_id(analysis, text) if text else None}, Run)


def blueprint_item(run: RunId, blueprint: bytes) -> Item:
    """The item of a run's blueprint: large, written with the claim and never again."""
    pk, sk = blueprint_key(run)
    ids = {"sample": run.sample, "assay": run.assay, "run": run.short}
    return {"pk": pk, "sk": sk, **ids, "blueprint": zlib.compress(blueprint, 9)}


def read_blueprint(item: Item) -> bytes:
    """The blueprint of its item."""
    return zlib.decompress(item["blueprint"])


def job_item(job: Job) -> Item:
    """The item of a job."""
    pk, sk = job_key(job.owner)
    attributes = to_item(job)
    del attributes["owner"]
    return {"pk": pk, "sk": sk, "stage": job.stage, **attributes}


def read_job(item: Item) -> Job:
    """A job of its item."""
    owner = _read_owner((item["pk"], item["sk"]))
    return from_item({**item, "owner": owner}, Job)


def job_parameter(owner: JobOwner) -> str:
    """What a Batch job carries, so that its events bring its owner back."""
    return "|".join(job_key(owner))


def read_job_parameter(text: str) -> JobOwner | None:
    """The owner of a job that carries this; None where it is no job of ours."""
    pk, _, sk = text.partition("|")
    return _read_owner((pk, sk))


def _read_owner(key: Key) -> JobOwner | None:
    try:
        match key[0].split("#"), key[1].split("#"):
            case ["SAMPLE", sample], ["JOB", assay, run_key, attempt, stage, number]:
                return StageOf(RunId(sample, assay, run_key, int(attempt)), stage, int(number))
            case ["REFERENCE", name], ["JOB", version, index, number]:
                return IndexOf(ReferenceId(name, version), index, int(number))
    except ValueError:  # no number
        return None
    return None


class SampleItems(msgspec.Struct, frozen=True):
    """What the catalog has of a sample, its audit trail apart."""

    analyses: tuple[Analysis, ...]
    files: tuple[FastqFile, ...]
    runs: tuple[Run, ...]
    jobs: tuple[Job, ...]
    blueprints: dict[RunId, bytes]
    """As JSON; that of a run of the release before is in the run itself."""


def read_sample(items: Sequence[Item]) -> SampleItems:
    """The records of a sample's items."""
    groups: dict[str, list[Item]] = {}
    for item in items:
        groups.setdefault(str(item["sk"]).partition("#")[0], []).append(item)
    blueprints = {
        _read_run_id(AnalysisId(item["sample"], item["assay"]), item["run"]): read_blueprint(item)
        for item in groups.get("BLUEPRINT", ())
    }
    return SampleItems(
        analyses=tuple(map(read_analysis, groups.get("ANALYSIS", ()))),
        files=tuple(from_item(item, FastqFile) for item in groups.get("FILE", ())),
        runs=tuple(map(read_run, groups.get("RUN", ()))),
        blueprints=blueprints,
        jobs=tuple(map(read_job, groups.get("JOB", ()))),
    )
