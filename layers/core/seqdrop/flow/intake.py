"""Uploads: an object is looked at as it is now; what becomes of it is decided, and then written."""

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

import msgspec

from seqdrop.aws.catalog import Catalog
from seqdrop.aws.catalog.layout import timestamp
from seqdrop.aws.objects import Objects, UploadedObject
from seqdrop.aws.queues import LONGEST_DELAY_SECONDS, LookAt, UploadsQueue
from seqdrop.domain.assignment import Assignment, assigned_by_name, identity_of
from seqdrop.domain.errors import (
    Conflict,
    InvalidInput,
    LockedObject,
    Transient,
    UnplaceableFile,
    Unreadable,
)
from seqdrop.domain.expectation import (
    Expectation,
    Overwritten,
    Placement,
    expectation_that_counts,
)
from seqdrop.domain.fastq import HEAD_BYTES, read_head
from seqdrop.domain.identity import AnalysisId, FileIdentity, ObjectName
from seqdrop.domain.inputs import begun, sealed, with_trouble
from seqdrop.domain.intake import (
    AnalysisChange,
    Change,
    Companion,
    Found,
    Known,
    LeaveOut,
    Unplaced,
    belongs_by,
    change_of,
    decide,
)
from seqdrop.domain.key_meaning import (
    CompanionReads,
    Manifest,
    NoPart,
    NoPlace,
    Reads,
    meaning_of,
)
from seqdrop.domain.naming import UploadKind, folder_of, unplaced_sample, upload_kind
from seqdrop.domain.no_reads import NoReads
from seqdrop.domain.plan import StoredObject
from seqdrop.domain.records import Analysis, FastqFile
from seqdrop.domain.sameness import Sameness, Verdict
from seqdrop.domain.upload import object_cause
from seqdrop.flow.claiming import Claiming
from seqdrop.flow.retry import retry_on_conflict
from seqdrop.library import Library

_MOST_TRIES = 7 * 24 * 4
"""An object that is locked is looked at again every quarter of an hour, for a week: no event tells
of a policy that was mended. After that `seqdrop rerun` looks again."""
_ASSAY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class _Look:
    """A look at an object, and what whoever asks for it knows."""

    object: ObjectName
    version: str = ""
    """The version that it is about; "" for whatever is there."""
    belongs: LeaveOut | Unplaced | None = None
    """Where that version belongs; None where the look is to find out."""
    tries: int = 0
    """How often the object was found and could not be read."""
    has_expired: bool = False
    """If the object is gone, a lifecycle rule has removed it."""


@dataclass(frozen=True)
class Intake:
    """One object at a time: the same event twice, late or out of order changes nothing."""

    catalog: Catalog
    objects: Objects
    library: Library
    claiming: Claiming
    queue: UploadsQueue
    now: Callable[[], datetime]

    def look(
        self, object_: ObjectName, version: str = "", tries: int = 0, *, has_expired: bool = False
    ) -> str:
        """Looks at an object, and brings the catalog to what is so; returns that, for the log.

        With ``version`` an object that was looked at in this very version is not fetched again.
        ``tries`` tells how often it was found and could not be read; ``has_expired``, that a
        lifecycle rule has removed it, if it is gone.
        """
        return self._settle(_Look(object_, version, tries=tries, has_expired=has_expired))

    def tell_trouble(self, object_: ObjectName, error: str) -> None:
        """Puts on the analysis of an object why it could not be looked at, and is tried again."""
        placement, said = self.catalog.uploads.known(object_)
        belongs = self._belongs(object_, expectation_that_counts(said), None)
        at = placement.analysis
        if isinstance(belongs, Assignment):
            at = belongs.analysis
        if at is None or placement.analysis not in {None, at}:
            return
        before, now = self.catalog.analyses.get(at), timestamp(self.now())
        after = with_trouble(before or begun(at, now), object_, f"{object_.key!r} {error}")
        change = AnalysisChange(at, before, sealed(before, after, opens=False), "not looked at")
        told = Change(
            before=placement,
            placement=msgspec.structs.replace(placement, analysis=at),
            analyses=(change,),
        )
        with suppress(Conflict):  # somebody else is at it, and will say what comes of it
            self.catalog.uploads.apply(told, self.now())
        self.claiming.advance(at)

    def settle(self, object_: ObjectName, version: str, belongs: LeaveOut | Unplaced) -> str:
        """Writes down where a version of an object belongs that is no FASTQ file: a manifest.

        Of one that has been replaced since, nothing is written.
        """
        return self._settle(_Look(object_, version, belongs))

    def _settle(self, look: _Look) -> str:
        often = Transient(f"{look.object.key!r}: its place in the catalog changes all the time")
        outcome, touched = retry_on_conflict(lambda: self._try(look), often)
        statuses = [f"{one} is {self.claiming.advance(one) or 'gone'}" for one in touched]
        return "; ".join([outcome, *statuses])

    def _try(self, look: _Look) -> tuple[str, list[AnalysisId]]:
        """What became of the object, and whose inputs may have changed. Raises Conflict."""
        placement, said = self.catalog.uploads.known(look.object)
        said = [one for one in said if not one.is_refused or self._is_refused_still(one)]
        counts = expectation_that_counts(said)
        by = counts.manifest if counts else None
        is_known = look.version and (placement.version, placement.by) == (look.version, by)
        if look.belongs is None and is_known and not self._is_waiting(placement):
            return placement.note or "known", [placement.analysis] if placement.analysis else []
        known = self._known(look, placement, said)
        if look.belongs and (known.found is None or known.found.version != look.version):
            return "replaced or deleted since", []
        is_manifest = upload_kind(look.object.key) is UploadKind.MANIFEST
        if look.belongs is None and known.found and is_manifest:
            return "a manifest, whose own event says that it came", []
        decision = decide(known, timestamp(self.now()))
        change = change_of(decision, known, timestamp(self.now()))
        if change.changes_anything:
            self.catalog.uploads.apply(change, self.now())
        if known.found and known.found.is_locked and look.tries < _MOST_TRIES:
            self.queue.send(LookAt(look.object, look.tries + 1), LONGEST_DELAY_SECONDS)
        touched = {placement.analysis, change.placement.analysis, *(c.id for c in change.analyses)}
        return decision.why or "registered", sorted(one for one in touched if one)

    def _known(self, look: _Look, placement: Placement, said: list[Expectation]) -> Known:
        object_, counts = look.object, expectation_that_counts(said)
        is_named_as_reads = counts is not None or self._is_named_as_reads(object_)
        has_reads = look.belongs is None and is_named_as_reads
        found = self._found(object_, has_reads=has_reads)
        belongs = look.belongs or self._belongs(object_, counts, found)
        is_late = has_reads and look.version not in {"", placement.version}
        earlier = None
        if is_late and found and found.object.version_id not in {"", look.version}:
            earlier = self._found(object_, look.version, has_reads=True)
            if self._belongs(object_, counts, earlier) != belongs:
                earlier = None  # it was in doubt, or somebody else's
        at = None if isinstance(belongs, LeaveOut) else belongs.analysis
        home = placement.analysis
        known = Known(
            object=object_,
            placement=placement,
            found=found,
            belongs=belongs,
            there=self._analysis(at),
            before=self._analysis(home) if home != at else None,
            elsewhere=self._elsewhere(said, placement, at),
            by=counts.manifest if counts else None,
            is_told=bool(said),
            has_expired=look.has_expired,
            earlier=earlier,
        )
        if found is None or not isinstance(belongs, Assignment):
            return known
        if found.fault:
            return msgspec.structs.replace(known, registered=self._registered(known))
        return self._with_rival(known, belongs, found)

    def _is_waiting(self, placement: Placement) -> bool:
        """Whether its analysis says that the object can't be used, or is tried again."""
        analysis, cause = self._analysis(placement.analysis), object_cause(placement.object)
        return analysis is not None and (cause in analysis.troubles or cause in analysis.holds)

    def _is_refused_still(self, said: Expectation) -> bool:
        """Whether the manifest that holds an object back has not been corrected or deleted."""
        newest = self.catalog.manifests.newest(said.manifest.object)
        return newest is not None and newest.manifest.version == said.manifest.version

    def _analysis(self, analysis: AnalysisId | None) -> Analysis | None:
        return self.catalog.analyses.get(analysis) if analysis else None

    def _belongs(
        self, object_: ObjectName, counts: Expectation | None, found: Found | None
    ) -> Assignment | Companion | LeaveOut | Unplaced:
        """Where an object belongs: what a manifest says of it comes before its name."""
        if counts:
            return belongs_by(counts)
        try:
            return self._belongs_by_name(object_, found)
        except UnplaceableFile as error:
            return self._unplaced(object_, str(error))

    def _belongs_by_name(
        self, object_: ObjectName, found: Found | None
    ) -> Assignment | Companion | LeaveOut | Unplaced:
        match meaning_of(object_.key, self.library.name_patterns()):
            case NoPart(why):
                return LeaveOut(f"{why}: left out")
            case Reads(name):
                head = found.head if found else NoReads()
                return assigned_by_name(name, self._assay_of_folder(object_.key), head)
            case CompanionReads(sample, why, remedy):
                analysis = AnalysisId(sample, self._assay_of_folder(object_.key))
                return Companion(analysis, f"{why}: {remedy}")
            case NoPlace(why, remedy):
                return self._unplaced(object_, f"{why}: {remedy}" if remedy else why)
            case Manifest():
                return LeaveOut("a manifest")

    def _unplaced(self, object_: ObjectName, why: str) -> Unplaced:
        sample = unplaced_sample(object_.bucket, object_.key)
        analysis = AnalysisId(sample, self.library.default_assay)
        return Unplaced(analysis, f"{object_.key!r}: {why}")

    def _assay_of_folder(self, key: str) -> str:
        """The first folder's name; whether there is such an assay is seen when it may start."""
        folder = folder_of(key)
        if not folder:
            return self.library.default_assay
        if not _ASSAY.fullmatch(folder):
            raise UnplaceableFile(f"its first folder {folder[:70]!r} can't be an assay's name")
        return folder

    def _registered(self, known: Known) -> FastqFile | None:
        """The file that an object is registered as, in whichever version."""
        for home in filter(None, (known.there, known.before)):
            if identity := home.seen_as(known.object):
                return self.catalog.analyses.file(home.id, identity)
        return None

    def _with_rival(self, known: Known, belongs: Assignment, found: Found) -> Known:
        """What is registered under the object's identity, and whether it is the same bytes."""
        identity = identity_of(belongs, found.head)
        known = msgspec.structs.replace(known, overwrote=self._overwrote(known, belongs, identity))
        rival = self.catalog.analyses.file(belongs.analysis, identity)
        if rival is None:
            return known
        is_itself = rival.object.name == known.object
        return msgspec.structs.replace(
            known,
            rival=rival,
            rival_is_gone=not is_itself and not self.is_there(rival.object.name),
            sameness=self._compare(rival, found),
        )

    def _overwrote(
        self, known: Known, belongs: Assignment, identity: FileIdentity
    ) -> Overwritten | None:
        """The reads of another lane that the object took the place of, and that would be lost.

        Either they were known before, or they are registered, or their event comes only now.
        """
        found, before = known.found, known.placement.overwrote
        if before and not before.identity.is_lane_of(identity):
            return before
        there = known.there.seen_as(known.object) if known.there else None
        if there and not there.is_lane_of(identity):
            file = self.catalog.analyses.file(belongs.analysis, there)
            if file is not None and found is not None and file.version != found.version:
                return Overwritten(file.identity, file.version)
        if known.earlier is None or known.earlier.fault:
            return None
        earlier = identity_of(belongs, known.earlier.head)
        if earlier.is_lane_of(identity):
            return None
        return Overwritten(earlier, known.earlier.version)

    def _compare(self, rival: FastqFile, found: Found) -> Sameness:
        """Whether both have the same content; S3 is asked only where the catalog can't tell."""
        mine, theirs = found.object, rival.object
        if (mine.size, mine.checksum) == (theirs.size, theirs.checksum):
            return Sameness(Verdict.SAME, f"the same {mine.checksum.partition(':')[0]}")
        try:
            described = self.objects.head(theirs.bucket, theirs.key, theirs.version_id)
        except Unreadable as error:
            return Sameness(Verdict.UNKNOWN, str(error))
        if described is None or found.fingerprints is None:
            return Sameness(Verdict.UNKNOWN, "the version before it is no longer in the bucket")
        mine_described = UploadedObject(found.object, found.etag, found.fingerprints)
        return self.objects.same_content(described, mine_described)

    def is_there(self, object_: ObjectName) -> bool:
        """Whether an object is in the bucket still, in whatever version."""
        try:
            return self.objects.head(object_.bucket, object_.key) is not None
        except Unreadable:
            return True

    def _elsewhere(
        self, said: list[Expectation], placement: Placement, at: AnalysisId | None
    ) -> tuple[Analysis, ...]:
        """The analyses that manifests which do not count, or no longer do, put an object into."""
        named = {one.file.analysis for one in said if one.file} | {placement.expected_in}
        others = sorted(one for one in named - {at, placement.analysis} if one)
        return tuple(one for one in map(self.catalog.analyses.get, others) if one)

    def _is_named_as_reads(self, object_: ObjectName) -> bool:
        return isinstance(meaning_of(object_.key, self.library.name_patterns()), Reads)

    def _found(self, object_: ObjectName, version_id: str = "", *, has_reads: bool) -> Found | None:
        """An object as it is now, or was; one that can't be read, or is no FASTQ, has a fault."""
        try:
            described = self.objects.head(object_.bucket, object_.key, version_id)
        except Unreadable as error:
            stored = StoredObject(object_.bucket, object_.key, 0)
            return Found(stored, "", fault=str(error), is_locked=True)
        if described is None:
            return None
        found = Found(described.object, described.etag, described.fingerprints)
        if not has_reads:
            return found
        try:
            data = self.objects.first_bytes(described.object, HEAD_BYTES)
            head = read_head(data, described.object.size)
        except InvalidInput as error:
            is_locked = isinstance(error, LockedObject)
            return msgspec.structs.replace(found, fault=str(error), is_locked=is_locked)
        return msgspec.structs.replace(found, head=head)
