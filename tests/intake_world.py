"""A bucket, a catalog and a queue in memory, under the real rules and flows of intake.

``World`` holds what S3, DynamoDB and SQS would, with the same conditions on writes, so that tens of
thousands of orders of events can be played in seconds. ``truth`` says, in another way, what has to
come out of any of them.
"""

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import msgspec

from seqdrop.aws.objects import UploadedObject
from seqdrop.aws.queues import (
    FileOfManifest,
    LookAt,
    Message,
    NamedInRefused,
    Recheck,
    SampleOfManifest,
)
from seqdrop.domain.errors import Conflict, InvalidManifest, Overtaken
from seqdrop.domain.expectation import (
    Expectation,
    ManifestVersion,
    Named,
    NewestManifest,
    Placement,
)
from seqdrop.domain.identity import AnalysisId, FileIdentity, ObjectName, RunId
from seqdrop.domain.inputs import to_look_at_again
from seqdrop.domain.intake import AnalysisChange, Change, Found
from seqdrop.domain.lifecycle import Assessment, assess
from seqdrop.domain.manifest import expected_files, parse_manifest
from seqdrop.domain.named_files import files_named_in
from seqdrop.domain.naming import unplaced_sample
from seqdrop.domain.pipeline import Completeness
from seqdrop.domain.plan import StoredObject
from seqdrop.domain.read_name import FastqHead
from seqdrop.domain.records import Analysis, AnalysisStatus, FastqFile
from seqdrop.domain.sameness import Fingerprints, Sameness, Verdict
from seqdrop.domain.upload import Upload
from seqdrop.flow.intake import Intake
from seqdrop.flow.manifests import Manifests
from seqdrop.library import Library

BUCKET = "uploads"
DEFAULT_ASSAY = "wgs"
UNCHECKED: frozenset[str] = frozenset()
NAME_PATTERNS = Library(str(Path(__file__).resolve().parents[1] / "pipelines")).name_patterns()
NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
_LATER = NOW + timedelta(hours=1)
"""Every quiet period is over."""
_OPEN = {AnalysisStatus.RECEIVING, AnalysisStatus.READY, AnalysisStatus.HELD}
Content = frozenset[tuple[FileIdentity, str]]


class Reads(NamedTuple):
    """What a FASTQ file holds: its bytes are told by all of this."""

    read: str
    flowcell: str = "FC1"
    lane: str = "1"
    tag: str = "a"
    """Tells files of the same lane and read from each other."""
    fault: str = ""

    @property
    def etag(self) -> str:
        """Its bytes."""
        return "|".join(self)


class Version(NamedTuple):
    """One version of an object; no content marks its deletion."""

    id: str
    sequencer: str
    content: Reads | bytes | None


class Event(NamedTuple):
    """Something happened to an object."""

    key: str
    version: Version
    time: str


class Bucket:
    """S3: the newest version counts; ``compare`` and ``first_bytes`` as the adapter has them."""

    def __init__(self) -> None:
        self.versions: dict[str, list[Version]] = defaultdict(list)
        self._count = 0

    def put(self, key: str, content: Reads | bytes | None) -> Event:
        """A new version, or a delete marker."""
        self._count += 1
        version = Version(f"v{self._count}", f"{self._count:X}", content)
        self.versions[key].append(version)
        return Event(key, version, f"2026-11-28T10:00:{self._count:02d}Z")

    def now(self, key: str) -> Version | None:
        """The version that counts; None where there is none, or it was deleted."""
        versions = self.versions.get(key)
        return versions[-1] if versions and versions[-1].content is not None else None

    def head(self, bucket: str, key: str, version_id: str = "") -> UploadedObject | None:
        """As the adapter's."""
        kept = [version for version in self.versions.get(key, ()) if version.id == version_id]
        version = kept[0] if kept else None if version_id else self.now(key)
        if version is None:
            return None
        content = version.content
        etag = content.etag if isinstance(content, Reads) else "manifest"
        stored = StoredObject(bucket, key, 1_000, version.id, f"etag:{etag}")
        return UploadedObject(stored, etag, Fingerprints(1_000))

    def get(self, _bucket: str, key: str, version_id: str = "") -> bytes | None:
        """A manifest's bytes."""
        content = next((v.content for v in self.versions[key] if v.id == version_id), None)
        return content if isinstance(content, bytes) else None

    def same_content(self, one: UploadedObject, other: UploadedObject) -> Sameness:
        """By their ETags."""
        return Sameness(Verdict.SAME if one.etag == other.etag else Verdict.DIFFERENT, "")


@dataclass
class Catalog:
    """DynamoDB: what is written only if what was read is still so."""

    analyses: dict[AnalysisId, Analysis] = field(default_factory=dict)
    files: dict[tuple[AnalysisId, FileIdentity], FastqFile] = field(default_factory=dict)
    placements: dict[ObjectName, Placement] = field(default_factory=dict)
    expectations: dict[ObjectName, dict[ObjectName, Expectation]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    manifests: dict[ObjectName, NewestManifest] = field(default_factory=dict)
    names: dict[tuple[ObjectName, AnalysisId], Named] = field(default_factory=dict)
    before_write: Callable[[], None] = lambda: None
    """Somebody else may come in between what was read and what is written."""
    unchecked: frozenset[str] = field(default_factory=lambda: UNCHECKED)
    """Conditions that are left out, to see that the tests miss them."""

    def check(self, name: str, *, holds: bool) -> None:
        """Raises Conflict where a condition fails."""
        if not holds and name not in self.unchecked:
            raise Conflict(name)

    # uploads

    def known(self, object_: ObjectName) -> tuple[Placement, list[Expectation]]:
        """As the adapter's."""
        placement = self.placements.get(object_, Placement(object_))
        return placement, list(self.expectations[object_].values())

    def expect(self, said: Expectation) -> None:
        """As the adapter's."""
        self.before_write()
        there = self.expectations[said.object].get(said.manifest.object)
        if there is not None and not self._may_follow(there, said):
            if there.manifest.order > said.manifest.order and "expect" not in self.unchecked:
                raise Overtaken(said.object.key)
            return
        self.expectations[said.object][said.manifest.object] = said

    def _may_follow(self, there: Expectation, said: Expectation) -> bool:
        if there.manifest.order != said.manifest.order:
            newer = said.manifest.order > there.manifest.order or "expect" in self.unchecked
            return newer and not (said.is_refused and there.file)
        return bool(said.file) or not there.file

    def apply(self, change: Change, _now: datetime) -> None:
        """As the adapter's."""
        self.before_write()
        there = self.placements.get(change.before.object, Placement(change.before.object))
        self.check("placement", holds=there.revision == change.before.revision)
        self._check_analyses(change.analyses)
        self.placements[change.before.object] = _next(change.placement)
        self._write_analyses(change.analyses)
        for key in change.deletes:
            self.files.pop(key, None)
        if change.puts:
            self.files[change.puts.analysis, change.puts.identity] = change.puts

    def _check_analyses(self, changes: Iterable[AnalysisChange]) -> None:
        for change in changes:
            there = self.analyses.get(change.id)
            mine, theirs = change.before, there
            self.check("revision", holds=_revision(mine) == _revision(theirs))

    def _write_analyses(self, changes: Iterable[AnalysisChange]) -> None:
        for change in changes:
            if change.after is None:
                self.analyses.pop(change.id, None)
            else:
                self.analyses[change.id] = change.after

    # manifests

    def newest(self, manifest: ObjectName) -> NewestManifest | None:
        """As the adapter's."""
        return self.manifests.get(manifest)

    def begin(self, manifest: ManifestVersion) -> NewestManifest | None:
        """As the adapter's."""
        self.before_write()
        there = self.manifests.get(manifest.object)
        if there and there.manifest.order > manifest.order and "begin" not in self.unchecked:
            return None
        newest = NewestManifest(manifest, there.refused if there else None)
        self.manifests[manifest.object] = newest
        return newest

    def refuse(self, manifest: ManifestVersion) -> None:
        """As the adapter's."""
        self.before_write()
        there = self.manifests.get(manifest.object)
        if there and there.manifest.version == manifest.version:
            self.manifests[manifest.object] = NewestManifest(manifest, refused=manifest)

    def freed(self, manifest: ManifestVersion) -> None:
        """As the adapter's."""
        self.before_write()
        there = self.manifests.get(manifest.object)
        if there and there.manifest.version == manifest.version:
            self.manifests[manifest.object] = NewestManifest(there.manifest)

    def withdraw(self, newest: NewestManifest) -> NewestManifest:
        """As the adapter's."""
        self.before_write()
        manifest = newest.manifest
        there = self.manifests.get(manifest.object)
        gone = msgspec.structs.replace(manifest, version="")
        if there and there.manifest.version == manifest.version:
            self.manifests[manifest.object] = NewestManifest(gone, there.refused)
        return NewestManifest(gone, newest.refused)

    def named(self, manifest: ObjectName, analysis: AnalysisId) -> Named:
        """As the adapter's."""
        return self.names.get((manifest, analysis), Named())

    def analyses_of(self, manifest: ObjectName) -> list[AnalysisId]:
        """As the adapter's."""
        return sorted(analysis for key, analysis in self.names if key == manifest)

    def apply_manifest(self, part: SampleOfManifest, change: AnalysisChange, named: Named) -> None:
        """As the adapter's."""
        self.before_write()
        newest = self.manifests.get(part.manifest.object)
        is_newest = newest is None or newest.manifest.version == part.manifest.version
        if not is_newest and "newest" not in self.unchecked:
            raise Overtaken(str(part.analysis))
        self._check_analyses([change])
        if change.before != change.after:
            self._write_analyses([change])
        self.names[part.manifest.object, part.analysis] = named


def _revision(analysis: Analysis | None) -> int | None:
    return analysis.revision if analysis else None


def _next(placement: Placement) -> Placement:
    return msgspec.structs.replace(placement, revision=placement.revision + 1)


@dataclass
class World:
    """All of it, and what was started."""

    bucket: Bucket = field(default_factory=Bucket)
    catalog: Catalog = field(default_factory=Catalog)
    queue: list[Message] = field(default_factory=list)
    starts: list[tuple[AnalysisId, Content]] = field(default_factory=list)
    succeeded: dict[AnalysisId, set[Content]] = field(default_factory=lambda: defaultdict(set))
    running: dict[AnalysisId, tuple[Content, int]] = field(default_factory=dict)
    current: dict[AnalysisId, Content] = field(default_factory=dict)

    def __post_init__(self) -> None:
        catalog = self.catalog
        shared = SimpleNamespace(
            uploads=catalog,
            analyses=SimpleNamespace(
                get=catalog.analyses.get, file=lambda a, i: catalog.files.get((a, i))
            ),
            manifests=SimpleNamespace(
                newest=catalog.newest, begin=catalog.begin, refuse=catalog.refuse,
                withdraw=catalog.withdraw, freed=catalog.freed, named=catalog.named,
                analyses_of=catalog.analyses_of,
                apply=lambda part, change, named, _: catalog.apply_manifest(part, change, named),
            ),
        )  # fmt: skip
        library: Any = SimpleNamespace(
            default_assay=DEFAULT_ASSAY, name_patterns=lambda: NAME_PATTERNS
        )
        objects: Any = self.bucket
        claims: Any = SimpleNamespace(advance=self.advance)
        sender: Any = SimpleNamespace(send_all=self.queue.extend)
        ticks = count()

        def now() -> datetime:
            return NOW + timedelta(milliseconds=next(ticks))

        self.intake = MemoryIntake(shared, objects, library, claims, sender, now)  # type: ignore[arg-type]
        self.manifests = Manifests(shared, objects, self.intake, sender, now)  # type: ignore[arg-type]

    # What register_upload does

    def deliver(self, event: Event) -> None:
        """An event of S3 comes."""
        object_ = ObjectName(BUCKET, event.key)
        is_manifest = event.key.endswith(".json")
        if event.version.content is None:
            if is_manifest:
                self.manifests.forget(object_)
            else:
                self.intake.look(object_)
            return
        upload = Upload(
            BUCKET, event.key, event.version.id, event.version.sequencer, time=event.time
        )
        if is_manifest:
            self.manifests.receive(upload)
        else:
            self.intake.look(upload.object, upload.version)

    def handle(self, message: Message) -> None:
        """A message to ourselves comes."""
        if isinstance(message, SampleOfManifest):
            self.manifests.apply(message)
        elif isinstance(message, FileOfManifest):
            self.manifests.apply_to_file(message.said)
        elif isinstance(message, NamedInRefused):
            self.manifests.keep_back(message)
        elif isinstance(message, LookAt):
            self.intake.look(message.object)
        elif isinstance(message, Recheck):
            self.advance(message.analysis)

    def settle(self) -> None:
        """All messages are handled, all runs end, until nothing is left to be done."""
        for _ in range(1_000):
            if self.queue:
                self.handle(self.queue.pop(0))
            elif self.running:
                self.end(min(self.running))
            else:
                return
        raise AssertionError("it never settles")

    # What claims and runs do

    def advance(self, id_: AnalysisId) -> str:
        """As Claiming does it, with a content in place of a run's plan."""
        analysis = self.catalog.analyses.get(id_)
        if analysis is None:
            return ""
        if analysis.status not in _OPEN:
            return analysis.status
        self.queue += [LookAt(one) for one in to_look_at_again(analysis)]
        assessment = assess(analysis, Completeness("pairs", 0), _LATER)
        if assessment.status is not AnalysisStatus.READY or analysis.active_run:
            self._set(analysis, assessment)
            return assessment.status
        content = self.content(analysis)
        if content in self.succeeded[id_]:
            self._set(analysis, Assessment(AnalysisStatus.ANALYSED))
            self.current[id_] = content
            return AnalysisStatus.ANALYSED
        self.starts.append((id_, content))
        self.running[id_] = (content, analysis.generation)
        run = RunId(id_.sample, id_.assay, "key", len(self.starts))
        changed = msgspec.structs.replace(analysis, active_run=run, waits_for_others=False)
        self._set(changed, Assessment(AnalysisStatus.ANALYSING))
        return AnalysisStatus.ANALYSING

    def end(self, id_: AnalysisId) -> None:
        """The run of an analysis succeeds."""
        content, generation = self.running.pop(id_)
        self.succeeded[id_].add(content)
        analysis = self.catalog.analyses[id_]
        free = msgspec.structs.replace(analysis, active_run=None, revision=analysis.revision + 1)
        if analysis.generation == generation:
            free = msgspec.structs.replace(
                free,
                current_run=analysis.active_run,
                status=AnalysisStatus.ANALYSED,
                may_come_again=frozenset(),
            )
            self.current[id_] = content
        self.catalog.analyses[id_] = free
        self.advance(id_)

    def _set(self, analysis: Analysis, assessment: Assessment) -> None:
        self.catalog.analyses[analysis.id] = msgspec.structs.replace(
            analysis,
            status=assessment.status,
            why=assessment.why,
            revision=analysis.revision + 1,
        )

    def content(self, analysis: Analysis) -> Content:
        """The bytes that a run would be made of."""
        return frozenset(
            (one.identity, self.catalog.files[analysis.id, one.identity].etag)
            for one in analysis.files_seen
        )


class MemoryIntake(Intake):
    """Looks at files without gzip: their heads are what the bucket says they are."""

    def _found(self, object_: ObjectName, version_id: str = "", *, has_reads: bool) -> Found | None:
        bucket: Any = self.objects
        described = bucket.head(object_.bucket, object_.key, version_id)
        if described is None:
            return None
        kept = bucket.versions[object_.key]
        version = next(one for one in kept if one.id == described.object.version_id)
        found = Found(described.object, described.etag, described.fingerprints)
        reads = version.content
        if not has_reads or not isinstance(reads, Reads):
            return found
        head = FastqHead(f"{reads.flowcell}:{reads.lane}:{reads.tag}", reads.flowcell, reads.lane)
        return msgspec.structs.replace(found, head=head, fault=reads.fault)


# ── What has to come out of it


class Outcome(NamedTuple):
    """How an analysis has to end: with a content, held, or waiting."""

    status: str
    content: Content = frozenset()


def truth(
    world: World, keeping: Mapping[str, Reads] | None = None, *, minds_refused: bool = True
) -> dict[AnalysisId, Outcome]:
    """How each analysis has to end, from what is in the bucket and which manifests count.

    ``keeping`` are deleted objects that count as if they were there: they were read before. Files
    that a manifest names which can't be used are left out, unless they were read before.
    """
    kept = dict(keeping or {})
    objects = _objects(world) | kept
    claims, refused = _claims(world)
    held_back = refused - kept.keys() if minds_refused else set()
    groups: dict[AnalysisId, dict[FileIdentity, dict[str, Reads]]] = defaultdict(
        lambda: defaultdict(dict)
    )
    faults: set[AnalysisId] = set()
    companions: set[AnalysisId] = set()
    expected: dict[AnalysisId, set[str]] = defaultdict(set)
    for key, file in claims.items():
        expected[file.analysis].add(key)
    for key, reads in objects.items():
        claim = claims.get(key)
        is_kept = key in refused and key in kept
        if claim is None and (key in held_back or (_was_dropped(world, key) and not is_kept)):
            continue
        if claim is None and key == "S.fastq.gz":
            companions.add(AnalysisId("S", DEFAULT_ASSAY))
            continue
        if claim:
            analysis, read = claim.analysis, claim.read
        else:
            analysis, read = _by_name(key)
        if reads.fault:
            if claim or not expected[analysis]:
                faults.add(analysis)
            continue
        identity = FileIdentity("-", reads.flowcell, reads.lane, read, "001")
        groups[analysis][identity][key] = reads
    outcomes = _held_manifests(world)
    for analysis in {*groups, *faults, *expected, *companions}:
        outcome = _outcome(groups[analysis], expected[analysis], held=analysis in faults)
        if analysis in companions and outcome.status == "RECEIVING":
            outcome = Outcome("HELD")  # nobody but a person knows whether they are the mates
        outcomes[analysis] = outcome
    return outcomes


def _held_manifests(world: World) -> dict[AnalysisId, Outcome]:
    """Manifests that can't be used are in sight under an id of their own."""
    newest = {key: world.bucket.now(key) for key in world.bucket.versions}
    return {
        AnalysisId(unplaced_sample(BUCKET, key), DEFAULT_ASSAY): Outcome("HELD")
        for key, version in newest.items()
        if key.endswith(".json") and version and not _is_usable(version.content)
    }


def _outcome(
    groups: Mapping[FileIdentity, Mapping[str, Reads]], expected: set[str], *, held: bool
) -> Outcome:
    content, registered = set(), set()
    for identity, candidates in groups.items():
        named = {key: reads for key, reads in candidates.items() if key in expected}
        chosen = named or candidates
        if len(named) > 1 or len({reads.etag for reads in chosen.values()}) > 1:
            held = True
            continue
        registered |= set(chosen)
        content.add((identity, next(iter(chosen.values())).etag))
    if held:
        return Outcome("HELD")
    seen = {identity for identity, _ in content}
    if expected - registered or {identity.mate for identity in seen} != seen or not seen:
        return Outcome("RECEIVING")
    return Outcome("ANALYSED", frozenset(content))


def _objects(world: World) -> dict[str, Reads]:
    found = {key: world.bucket.now(key) for key in world.bucket.versions}
    return {
        key: version.content
        for key, version in found.items()
        if version and isinstance(version.content, Reads)
    }


def _claims(world: World) -> tuple[dict[str, Any], set[str]]:
    """Where the manifests put each object, of several the newest; and what refused ones name.

    A manifest that is deleted, or follows as one that can't be used, leaves what was said before,
    if anybody had heard of it.
    """
    refused: set[str] = set()
    said = [one for per in world.catalog.expectations.values() for one in per.values() if one.file]
    newest = {
        key: versions[-1].content
        for key, versions in world.bucket.versions.items()
        if key.endswith(".json")
    }
    found = [  # of manifests that the bucket no longer has, or that can't be used
        (int(one.manifest.sequencer, 16), one.object.key, one.file)
        for one in said
        if not _is_usable(newest[one.manifest.object.key])
    ]
    for key, versions in world.bucket.versions.items():
        content = newest.get(key)
        if isinstance(content, bytes) and _is_usable(content):
            number = int(versions[-1].sequencer, 16)
            for entry in parse_manifest(content, key).samples:
                files = expected_files(entry, entry.assay or DEFAULT_ASSAY, BUCKET, key)
                found += [(number, file.key, file) for file in files]
    claims: dict[str, Any] = {key: file for _, key, file in sorted(found, key=lambda one: one[0])}
    for key, content in newest.items():
        if isinstance(content, bytes) and not _is_usable(content):
            refused |= {one.key for one in files_named_in(content, ObjectName(BUCKET, key))}
    return claims, refused


def _is_usable(content: Reads | bytes | None) -> bool:
    try:
        return isinstance(content, bytes) and bool(parse_manifest(content, "m.manifest.json"))
    except InvalidManifest:
        return False


def _was_dropped(world: World, key: str) -> bool:
    """Whether a manifest that was applied named an object, and names it no longer."""
    said = world.catalog.expectations.get(ObjectName(BUCKET, key), {})
    return any(not one.is_refused for one in said.values()) and not any(
        one.file for one in said.values()
    )


def _by_name(key: str) -> tuple[AnalysisId, str]:
    folder, slash, name = key.rpartition("/")
    sample, _, rest = name.partition("_")
    return AnalysisId(sample, folder if slash else DEFAULT_ASSAY), "R" + rest.removeprefix("R")[0]


def check_outcome(world: World) -> None:
    """Nothing is lost, started twice or started wrongly."""
    assert len(set(world.starts)) == len(world.starts), "started twice"
    wanted = [
        truth(world, kept, minds_refused=minds) for kept in _kept(world) for minds in (True, False)
    ]
    for analysis in {*world.catalog.analyses, *(a for one in wanted for a in one)}:
        allowed = [one.get(analysis, Outcome("GONE")) for one in wanted]
        assert _is_so(world, analysis, allowed), (analysis, allowed, _shown(world, analysis))


def _kept(world: World) -> Iterator[dict[str, Reads]]:
    """What may be left of objects that are deleted, or that a refused manifest holds back: nothing,
    or any version that was read before.
    """
    _, refused = _claims(world)
    gone = {
        key: [None, *(v.content for v in versions if isinstance(v.content, Reads))]
        for key, versions in world.bucket.versions.items()
        if versions[-1].content is None or key in refused
    }
    for chosen in itertools.product(*gone.values()):
        yield {key: reads for key, reads in zip(gone, chosen, strict=True) if reads}


def _is_so(world: World, analysis: AnalysisId, allowed: list[Outcome]) -> bool:
    there = world.catalog.analyses.get(analysis)
    if there is None:
        return any(one.status == "GONE" for one in allowed)
    if "files" in there.holds:  # it was analysed, and none of its files is its own
        return any(not one.content for one in allowed) and not there.files_seen
    if there.status is AnalysisStatus.ANALYSED:
        content = world.current.get(analysis, frozenset())
        return any(one.content == content for one in allowed if one.status == "ANALYSED")
    if there.holds and there.status is not AnalysisStatus.HELD:
        return False
    if any("was overwritten with" in why for why in there.holds.values()):
        return _is_of_two_lanes(world, there)
    return any(one.status == there.status for one in allowed)


def _is_of_two_lanes(world: World, analysis: Analysis) -> bool:
    """Whether a key of an analysis has had reads of several lanes: who saw both, held it."""
    lanes = defaultdict(set)
    for key, versions in world.bucket.versions.items():
        reads = [version.content for version in versions if isinstance(version.content, Reads)]
        lanes[key] = {(one.flowcell, one.lane) for one in reads}
    return any(len(lanes[one.object.key]) > 1 for one in analysis.aside)


def _shown(world: World, analysis: AnalysisId) -> str:
    there = world.catalog.analyses.get(analysis)
    return f"{there} current={world.current.get(analysis)} starts={world.starts}"
