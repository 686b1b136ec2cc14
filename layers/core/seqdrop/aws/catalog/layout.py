"""How the catalog's items are laid out: the one place that knows keys, index keys and packed text.

A record's fields are the attributes of its item. What DynamoDB has no type for is packed into text:
an identity as ``library#flowcell#lane#read#segment``, a run as ``<run key>#<attempt>``.
"""

import hashlib
import zlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from seqdrop.aws.catalog.table import Item, Key, from_item, to_item
from seqdrop.domain.admission import Place
from seqdrop.domain.due import FIRST_LOOK
from seqdrop.domain.expectation import Expectation, ManifestVersion, Named, Placement
from seqdrop.domain.identity import (
    AnalysisId,
    FileIdentity,
    IndexOf,
    JobOwner,
    ObjectName,
    ReferenceId,
    RunId,
    SeenFile,
    SetAside,
    StageOf,
)
from seqdrop.domain.manifest import ExpectedFile
from seqdrop.domain.records import Analysis, FastqFile, Job, Run
from seqdrop.domain.task import Task

_LONGEST_IN_SORT_KEY = 900
"""Bytes of an object's name: a sort key has 1,024, and S3's keys alone may have as many."""
STATUS_SHARDS = 8
"""A status is one hot key; eight partitions take 8,000 writes a second."""
COST_SHARDS = 16
"""Jobs that end at the same time are seldom added to the same item."""
STATUS_INDEX = "by_status"
REFERENCE_INDEX = "by_reference"
DUE_INDEX = "by_due"
DUE_SHARDS = 8
_RUNS = ("active_run", "current_run", "released_run")
REFERENCE_NAMES: "Range" = ("REFERENCES", "")
"""An item for each reference; its sort key is the reference's name."""
ALL_PROJECTS: "Range" = ("PROJECTS", "PROJECT#")
"""An item for each project that was paused, or of which runs are counted."""
ALL_REANALYSES: "Range" = ("REANALYSES", "")
"""An item for each reanalysis; its sort key begins with the time of its beginning."""
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


def runs_of(analysis: AnalysisId) -> Range:
    """All runs of an analysis."""
    return f"SAMPLE#{analysis.sample}", f"RUN#{analysis.assay}#"


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


def uses_item(run: Run, part: str) -> Item:
    """The item that finds an analysis by the content of a reference's part.

    Its index shows no more than it did at first, so ``run`` has ``Run.made``, too.
    """
    pk, sk = uses_key(run.id.analysis, part)
    return {
        "pk": pk,
        "sk": sk,
        "sample": run.sample,
        "assay": run.assay,
        "part": part,
        "run": f"{run.id.short}#{run.made}" if run.made else run.id.short,
        "by_reference_pk": part_users(run.parts[part]),
        "by_reference_sk": f"{run.sample}#{run.assay}",
    }


def part_users(checksum: str) -> str:
    """The index key of the analyses whose current run uses a content; sorted by sample, assay."""
    return f"PART#{checksum}"


class Use(NamedTuple):
    """The current run of an analysis uses a part of this content."""

    run: RunId
    part: str
    checksum: str
    made: str
    """See Run; "" of a run of the release before."""


def read_use(item: Item, checksum: str) -> Use:
    """Which run uses a content, of the index."""
    analysis = AnalysisId(item["sample"], item["assay"])
    run_key, attempt, *made = item["run"].split("#")
    run = RunId(analysis.sample, analysis.assay, run_key, int(attempt))
    return Use(run, item["part"], checksum, "".join(made))


def read_current_run(item: Item) -> RunId | None:
    """The current run of an analysis, of the index by status."""
    analysis = AnalysisId(item["sample"], item["assay"])
    return _read_run_id(analysis, item["current_run"]) if item.get("current_run") else None


def status_attributes(analysis: AnalysisId, status: str, now: datetime) -> dict[str, Any]:
    """An analysis' status with the keys of its index, and when it is looked at unless it changes.

    What is None is to be removed.
    """
    shard = zlib.crc32(analysis.sample.encode()) % STATUS_SHARDS
    wait = FIRST_LOOK.get(status)
    return {
        **due_attributes(analysis_key(analysis), now + wait if wait else None),
        "status": status,
        "updated": timestamp(now),
        "by_status_pk": status_shard(status, shard),
        "by_status_sk": f"{timestamp(now)}#{analysis.sample}#{analysis.assay}",
    }


def due_attributes(key: Key, due: datetime | None) -> dict[str, Any]:
    """The index keys of an item that is to be looked at; None each where nothing is due."""
    if due is None:
        return {"by_due_pk": None, "by_due_sk": None}
    shard = zlib.crc32("|".join(key).encode()) % DUE_SHARDS
    return {"by_due_pk": due_shard(shard), "by_due_sk": timestamp(due)}


def due_shard(shard: int) -> str:
    """The index key of one of the shards of what is due."""
    return f"DUE#{shard}"


def status_shard(status: str, shard: int) -> str:
    """The index key of one of a status' shards."""
    return f"STATUS#{status}#{shard}"


def status_order(item: Item) -> str:
    """What the items of a status are sorted by: the time of their last change."""
    return str(item["by_status_sk"])


# Uploads, manifests, references, hosts, and the audit trail


def placement_key(object_: ObjectName) -> Key:
    """What became of an object when it was last looked at."""
    return all_of_object(object_)[0], "PLACED"


def expectation_key(object_: ObjectName, manifest: ObjectName) -> Key:
    """What one manifest says of an object."""
    text = object_text(manifest)
    if len(text.encode()) > _LONGEST_IN_SORT_KEY:
        text = hashlib.sha256(text.encode()).hexdigest()
    return all_of_object(object_)[0], f"EXPECTED#{text}"


def all_of_object(object_: ObjectName) -> Range:
    """All that is known of an uploaded object: where it is, and what manifests say of it."""
    return f"OBJECT#{object_text(object_)}", ""


def newest_manifest_key(manifest: ObjectName) -> Key:
    """The newest version of a manifest."""
    return f"MANIFEST#{manifest.key}", "NEWEST"


def named_key(manifest: ObjectName, analysis: AnalysisId) -> Key:
    """What a manifest names for an analysis."""
    pk, prefix = named_by(manifest)
    return pk, f"{prefix}{analysis.sample}#{analysis.assay}"


def named_by(manifest: ObjectName) -> Range:
    """The analyses that a manifest names, or has named."""
    return f"MANIFEST#{manifest.key}", "NAMED#"


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


def reanalysis_key(reanalysis: str) -> Key:
    """A reanalysis."""
    return f"REANALYSIS#{reanalysis}", "REANALYSIS"


def member_key(reanalysis: str, analysis: AnalysisId) -> Key:
    """A member of a reanalysis."""
    pk, prefix = members_of(reanalysis)
    return pk, f"{prefix}{analysis.sample}#{analysis.assay}"


def members_of(reanalysis: str) -> Range:
    """The members of a reanalysis for which a run was asked."""
    return f"REANALYSIS#{reanalysis}", "MEMBER#"


def listed_reanalysis(reanalysis: str, created: str) -> Key:
    """The place of a reanalysis in the list of all."""
    return ALL_REANALYSES[0], f"{created}#{reanalysis}"


def events_of_reanalysis(reanalysis: str) -> Range:
    """The audit trail of a reanalysis, oldest first."""
    return f"EVENTS#REANALYSIS#{reanalysis}", ""


def validation_key(assay: str, record: str) -> Key:
    """A validation record of an assay."""
    pk, prefix = validations_of(assay)
    return pk, f"{prefix}{record}"


def validations_of(assay: str) -> Range:
    """The validation records of an assay."""
    return f"ASSAY#{assay}", "VALIDATION#"


def passed_key(assay: str, version: str) -> Key:
    """A version of an assay's pipeline that has passed."""
    pk, prefix = passed_versions(assay)
    return pk, f"{prefix}{version}"


def passed_versions(assay: str) -> Range:
    """All such versions: few, and small, so that each claim may read them."""
    return f"ASSAY#{assay}", "PASSED#"


def events_of_assay(assay: str) -> Range:
    """The audit trail of an assay, oldest first."""
    return f"EVENTS#ASSAY#{assay}", ""


def hosts_key(hosts: str) -> Key:
    """What is known of the hosts of some queues; see ``domain/hosts.py``."""
    return f"HOSTS#{hosts}", "SEEN"


def gate_key(kind: str) -> Key:
    """The gate of a kind of queues (``cpu``), or of an assay (``assay/<name>``)."""
    family, _, name = kind.partition("/")
    return f"GATE#{family}", name or "STATE"


def gates_of(family: str) -> Range:
    """The gates of all assays, of which nobody else has a list."""
    return f"GATE#{family}", ""


def project_key(name: str) -> Key:
    """What goes on of a project; see ``domain/admission.py``."""
    pk, prefix = ALL_PROJECTS
    return pk, f"{prefix}{name}"


def line_of(project: str) -> Range:
    """The analyses that wait for their project, in the order of their turns."""
    return f"LINE#{project}", ""


def place_key(project: str, place: Place) -> Key:
    """The place of an analysis in its project's line."""
    return line_of(project)[0], f"{place.rank}#{place.since}#{place.sample}#{place.assay}"


def read_place(item: Item) -> Place:
    """A place of its item."""
    return from_item(item, Place)


def cost_key(job: Job) -> Key:
    """The part of a day's costs that an ended job is added to: the same, whoever counts it."""
    return _cost_key(job_parameter(job.owner), job.ended, job.project, job.pipeline)


def task_cost_key(task: Task) -> Key:
    """The same, of a workflow's task."""
    return _cost_key(task.job_id, task.ended, task.project, task.pipeline)


def _cost_key(of: str, ended: str, project: str, pipeline: str) -> Key:
    day, shard = ended[:10], zlib.crc32(of.encode()) % COST_SHARDS
    return f"COST#{day[:7]}#{shard:02d}", f"{day}#{project}#{pipeline}"


def costs_of_month(month: str) -> list[Range]:
    """All parts of the costs of a month, ``2026-11``."""
    return [(f"COST#{month}#{shard:02d}", "") for shard in range(COST_SHARDS)]


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


def analysis_attributes(analysis: Analysis) -> Item:
    """What an analysis' item has of it, its status' index keys apart."""
    packed: Item = {
        "expected": set(map(object_text, analysis.expected)),
        "files_seen": set(map(_seen_text, analysis.files_seen)),
        "aside": set(map(_aside_text, analysis.aside)),
        "without_reads": set(map(object_text, analysis.without_reads)),
        "may_come_again": set(map(identity_text, analysis.may_come_again)),
    }
    runs = {name: getattr(analysis, name) for name in _RUNS}
    packed |= {name: run.short for name, run in runs.items() if run}
    plain = to_item(msgspec.structs.replace(analysis, **dict.fromkeys(packed.keys() | runs, None)))
    return {
        **plain,
        **{name: value for name, value in packed.items() if value},
        # They are there when they are empty: updates write into them, or compare with them.
        "holds": analysis.holds,
        "troubles": analysis.troubles,
        "companions": analysis.companions,
        "generation": analysis.generation,
    }


def read_analysis(item: Item) -> Analysis:
    """An analysis of its item."""
    analysis = AnalysisId(item["sample"], item["assay"])
    runs = {name: _read_run_id(analysis, item[name]) for name in _RUNS if item.get(name)}
    files = {
        "expected": set(map(read_object, item.get("expected", ()))),
        "files_seen": set(map(_read_seen, item.get("files_seen", ()))),
        "aside": set(map(_read_aside, item.get("aside", ()))),
        "without_reads": set(map(read_object, item.get("without_reads", ()))),
        "may_come_again": set(map(_read_identity, item.get("may_come_again", ()))),
    }
    return from_item({**item, **runs, **files}, Analysis)


def _seen_text(file: SeenFile) -> str:
    return f"{identity_text(file.identity)}|{object_text(file.object)}"


def _aside_text(aside: SetAside) -> str:
    identity = identity_text(aside.identity) if aside.identity else ""
    return f"{'outdated' if aside.is_outdated else ''}|{identity}|{object_text(aside.object)}"


def _read_aside(text: str) -> SetAside:
    outdated, identity, object_ = text.split("|", 2)
    return SetAside(
        read_object(object_),
        _read_identity(identity) if identity else None,
        is_outdated=bool(outdated),
    )


def identity_text(identity: FileIdentity) -> str:
    """An identity in a sort key, an attribute or an audit event."""
    return "#".join(msgspec.structs.astuple(identity))


def _read_identity(text: str) -> FileIdentity:
    return FileIdentity(*text.split("#"))


def _read_seen(text: str) -> SeenFile:
    identity, _, object_ = text.partition("|")
    return SeenFile(_read_identity(identity), read_object(object_))


def object_text(object_: ObjectName) -> str:
    """An object in a sort key or an attribute: no bucket's name has a slash."""
    return f"{object_.bucket}/{object_.key}"


def read_object(text: str) -> ObjectName:
    """The object that ``object_text`` wrote."""
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


def placement_item(placement: Placement) -> Item:
    """The item of what became of an object."""
    pk, sk = placement_key(placement.object)
    return {"pk": pk, "sk": sk, **to_item(placement)}


def expectation_item(said: Expectation) -> Item:
    """The item of what a manifest says of an object."""
    pk, sk = expectation_key(said.object, said.manifest.object)
    return {"pk": pk, "sk": sk, "order": said.manifest.order, **to_item(said)}


def named_attributes(named: Named) -> Item:
    """What a manifest names for an analysis, as its item has it."""
    sets = {"names": named.now, "formerly": named.formerly}
    return {name: set(map(object_text, found)) for name, found in sets.items() if found}


def read_named(item: Item) -> Named:
    """What a manifest names for an analysis."""
    now, formerly = (map(read_object, item.get(name, ())) for name in ("names", "formerly"))
    return Named(frozenset(now), frozenset(formerly))


def read_known(object_: ObjectName, items: Iterable[Item]) -> tuple[Placement, list[Expectation]]:
    """What became of an object, and what manifests say of it.

    The release before wrote an item for each version, and one for the manifest that counted, by
    whichever manifest. These count where there is nothing newer.
    """
    placements, said, earlier = [], [], []
    expected_before = None
    for item in items:
        if item["sk"] == "PLACED":
            placements.append(from_item(item, Placement))
        elif item["sk"] == "EXPECTED":
            expected_before = from_item(item, ExpectedFile)
        elif item["sk"].startswith("EXPECTED#"):
            said.append(from_item(item, Expectation))
        else:
            earlier.append(item)
    if expected_before:
        nobody = ManifestVersion(ObjectName(object_.bucket, ""), "")
        said.append(Expectation(object_, nobody, expected_before))
    if placements and (placements[0].version or placements[0].note or not earlier):
        return placements[0], said
    return _placement_before(object_, placements, earlier, said), said


def _placement_before(
    object_: ObjectName, placements: list[Placement], earlier: list[Item], said: list[Expectation]
) -> Placement:
    """The newest version that the release before has placed."""
    revision = placements[0].revision if placements else 0
    if not earlier:
        return Placement(object_, revision=revision)
    newest = max(earlier, key=lambda item: str(item.get("sequencer", "")).rjust(64, "0"))
    sample, assay = newest.get("sample"), newest.get("assay")
    return Placement(
        object_,
        str(newest["version_id"]),
        AnalysisId(sample, assay) if sample and assay else None,
        by=said[0].manifest if said else None,
        note=newest.get("note", ""),
        revision=revision,
    )


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


def task_key(task: Task) -> Key:
    """The item of a workflow's task: in a partition of its own, since a run may have thousands."""
    pk, prefix = tasks_of_run(task.run)
    return pk, f"{prefix}{task.stage}#{task.job_id}"


def tasks_of_run(run: RunId) -> Range:
    """The tasks of a run's workflows."""
    return f"TASKS#{run.sample}", f"{run.assay}#{run.run_key}#{run.attempt:04d}#"


def tasks_of_sample(sample: str) -> Range:
    """The tasks of all runs of a sample."""
    return f"TASKS#{sample}", ""


def task_attributes(task: Task) -> Item:
    """All of a task's attributes but its key."""
    return to_item(task)


def read_task(item: Item) -> Task:
    """A task of its item."""
    return from_item(item, Task)


def job_item(job: Job) -> Item:
    """The item of a job."""
    pk, sk = job_key(job.owner)
    attributes = to_item(job)
    del attributes["owner"]
    return {"pk": pk, "sk": sk, "stage": job.stage, **attributes}


def read_job(item: Item) -> Job:
    """A job of its item. Of the release before, one that has the seconds of its attempts alone."""
    owner = _read_owner((item["pk"], item["sk"]))
    seconds = item.get("attempt_seconds", ())
    attempts = item.get("attempts") or [{"seconds": one} for one in seconds]
    return from_item({**item, "owner": owner, "attempts": attempts}, Job)


def read_due(item: Item) -> Analysis | Job:
    """What is due, of its item: no others are in that index."""
    return read_job(item) if item["sk"].startswith("JOB#") else read_analysis(item)


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
    blueprints: dict[RunId, bytes] = {}
    """As JSON; that of a run of the release before is in the run itself."""
    tasks: tuple[Task, ...] = ()
    """Of workflows; they are in a partition of their own."""


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
