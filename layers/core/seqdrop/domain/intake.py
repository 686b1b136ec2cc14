"""What becomes of an object in the uploads bucket: decided from what is known, then written.

An object is looked at as it is now, whatever its event told. So events may come twice, late and in
any order, and each look ends where the facts say. Three steps, all of them pure:

1. Where it belongs: what a manifest says of it (``belongs_by``), else what its name and its reads
   say (``assigned_by_name``).
2. ``decide``: what becomes of it there, and why.
3. ``change_of``: what that writes. It is written in one transaction, on the condition that nothing
   of what was known has changed since; else the object is looked at again.
"""

from collections.abc import Callable, Iterable
from functools import partial

import msgspec

from seqdrop.domain.assignment import Assignment, Head, assigned_by_manifest, identity_of
from seqdrop.domain.errors import MismatchedMates
from seqdrop.domain.expectation import Expectation, ManifestVersion, Overwritten, Placement
from seqdrop.domain.fastq import check_read_number
from seqdrop.domain.identity import AnalysisId, FileIdentity, ObjectName
from seqdrop.domain.inputs import (
    FileWrite,
    begun,
    expecting,
    not_expecting,
    sealed,
    setting_aside,
    with_companion,
    with_file,
    without_hold_of,
    without_object,
    without_trouble,
)
from seqdrop.domain.no_reads import NoReads, why_without_reads
from seqdrop.domain.plan import StoredObject
from seqdrop.domain.records import Analysis, AnalysisStatus, FastqFile
from seqdrop.domain.sameness import Fingerprints, Sameness, Verdict
from seqdrop.domain.upload import object_cause

_BEYOND_ITS_FILES = frozenset(
    (AnalysisStatus.ANALYSING, AnalysisStatus.ANALYSED, AnalysisStatus.FAILED,
     AnalysisStatus.DISMISSED, AnalysisStatus.NO_READS)
)  # fmt: skip
"""Where an analysis has read its files, or waits for none: it goes on if they are deleted."""


# ── What is known


class Found(msgspec.Struct, frozen=True):
    """An object as it is in the bucket now."""

    object: StoredObject
    etag: str
    fingerprints: Fingerprints | None = None
    head: Head = NoReads()
    fault: str = ""
    """Why it is no FASTQ file, or can't be read; what to do about it."""
    is_locked: bool = False
    """It may not be read: no event tells when it may."""

    @property
    def version(self) -> str:
        """Tells it from others under its key, in a bucket without versions too."""
        return self.object.version_id or self.etag


class Companion(msgspec.Struct, frozen=True):
    """Reads beside a pair: of a sample, but neither R1 nor R2."""

    analysis: AnalysisId
    why: str


class Known(msgspec.Struct, frozen=True):
    """All that decides what becomes of an object."""

    object: ObjectName
    placement: Placement
    found: Found | None
    """None where the bucket has no such object now."""
    belongs: "Assignment | Companion | LeaveOut | Unplaced"
    there: Analysis | None = None
    """The analysis where it belongs."""
    rival: FastqFile | None = None
    """The file there that has its identity: itself, an earlier version, or another object."""
    registered: FastqFile | None = None
    """The file that it is registered as. Looked up only where the object can't be read, so that its
    identity is not known."""
    rival_is_gone: bool = False
    """The bucket has that other object no more."""
    sameness: Sameness = Sameness(Verdict.UNKNOWN, "")
    """Whether the rival is the same bytes, and why that is thought, or can't be told."""
    before: Analysis | None = None
    """The analysis that knows it so far, where that is another one."""
    elsewhere: tuple[Analysis, ...] = ()
    """Analyses that wait for it because of manifests that no longer count."""
    overwrote: Overwritten | None = None
    """The reads of another lane that an earlier version of it held."""
    earlier: Found | None = None
    """An earlier version, whose event comes only now."""
    has_expired: bool = False
    """Where it is gone: a lifecycle rule removed it, and nobody took it back."""
    by: ManifestVersion | None = None
    """The manifest that puts it where it belongs; None where its name does."""
    is_told: bool = True
    """Whether any manifest has said anything of it. While a manifest is being applied, an analysis
    may expect the object before the object is told."""

    @property
    def expected_in(self) -> AnalysisId | None:
        """The analysis that a manifest puts it into."""
        if isinstance(self.belongs, Assignment) and self.belongs.by == "manifest":
            return self.belongs.analysis
        return None

    @property
    def is_expected_elsewhere(self) -> bool:
        """Whether a manifest puts it into another analysis than the one that knows it so far."""
        return self.expected_in not in {None, self.placement.analysis}

    @property
    def named(self) -> frozenset[ObjectName]:
        """What manifests name for the analysis where it belongs."""
        return self.there.expected if self.there else frozenset()

    @property
    def is_as_it_was(self) -> bool:
        """Whether the bucket has the version that was looked at last."""
        return self.found is not None and self.found.version == self.placement.version

    @property
    def is_registered(self) -> bool:
        """Whether the bucket has the version that is registered."""
        registered, found = self.registered, self.found
        return bool(registered and found and registered.version == found.version)


# ── What becomes of it


class Register(msgspec.Struct, frozen=True):
    """It is a new file of its analysis."""

    file: FastqFile

    @property
    def why(self) -> str:
        """Nothing has to be said of it."""
        return ""


class Replace(msgspec.Struct, frozen=True):
    """It takes the place of the file that has its identity."""

    file: FastqFile
    why: str
    keeps_rival: bool = False
    """The other object is still there, and remembered beside the files."""


class Keep(msgspec.Struct, frozen=True):
    """No run comes of it. ``file`` is the registered one, where it is this object."""

    why: str
    file: FastqFile | None = None
    beside: FileIdentity | None = None
    """The identity of the same bytes under another key, which it is remembered beside."""
    for_now: bool = False
    """Until the manifest is corrected or deleted. Then the object is looked at as if this version
    had come only now."""


class PutBeside(msgspec.Struct, frozen=True):
    """It holds its analysis: another object has its identity, and nobody can say which is meant."""

    identity: FileIdentity
    why: str


class Hold(msgspec.Struct, frozen=True):
    """It holds its analysis: it can't be used as it is, or a person must say what it is for."""

    why: str


class LeaveOut(msgspec.Struct, frozen=True):
    """It takes no part, and a note says why."""

    why: str
    beside: FileIdentity | None = None
    """What it would be, if another object did not count in its place."""
    companion_of: AnalysisId | None = None
    """The analysis that it lies beside, and that tells of it as long as it waits for files."""
    for_now: bool = False
    """Until the manifest is corrected or deleted."""


class Unplaced(msgspec.Struct, frozen=True):
    """It belongs nowhere, and is kept in sight under an id of its own."""

    analysis: AnalysisId
    why: str


Decision = Register | Replace | Keep | PutBeside | Hold | LeaveOut | Unplaced


def belongs_by(said: Expectation) -> Assignment | LeaveOut:
    """Where the manifest that counts puts an object."""
    if said.file is not None:
        return assigned_by_manifest(said.file)
    manifest = said.manifest.object.key
    if not said.is_refused:
        return LeaveOut(f"{manifest!r} names it no longer")
    why = f"{manifest!r} names it and can't be used as it stands: it waits for the right one"
    return LeaveOut(why, for_now=True)


def decide(known: Known, now: str) -> Decision:
    """What becomes of an object, from all that is known of it."""
    home = _home(known)
    if known.found is None:
        return _decide_gone(known, home)
    is_dismissed = home is not None and home.status is AnalysisStatus.DISMISSED
    if is_dismissed and known.is_as_it_was and not known.is_expected_elsewhere:
        return Keep("its analysis was dismissed with it")
    if isinstance(known.belongs, Assignment):
        return _decide_fastq(known, known.belongs, known.found, now)
    if isinstance(known.belongs, Companion):
        return LeaveOut(known.belongs.why, companion_of=known.belongs.analysis)
    if isinstance(known.belongs, LeaveOut) and known.belongs.for_now and _was_read(known, home):
        return Keep(f"it has been analysed; {known.belongs.why}", for_now=True)
    return known.belongs


def _decide_fastq(known: Known, belongs: Assignment, found: Found, now: str) -> Decision:
    fault = _fault(belongs, found, known.there)
    home = _home(known)
    goes_on = home is not None and home.status in _BEYOND_ITS_FILES
    if fault and known.is_registered and goes_on:
        return Keep(f"it was read when it could be; now {fault}")
    is_named = bool(known.expected_in) or (known.object in known.named and not known.is_told)
    if fault and known.named and not is_named:
        return LeaveOut(f"no manifest names it, and it can't be used: {fault}")
    if fault:
        return Hold(f"{known.object.key!r}: {fault}")
    return _decide_good(known, _file(belongs, found, now))


def _decide_good(known: Known, file: FastqFile) -> Decision:
    if known.overwrote:
        return Hold(_why_overwritten(known.object, known.overwrote, file.identity))
    if known.rival is None:
        return Register(file)
    if known.rival.object.name == known.object:
        return _decide_own(known, known.rival, file)
    return _decide_rival(known, known.rival, file)


def _why_overwritten(object_: ObjectName, before: Overwritten, identity: FileIdentity) -> str:
    return (
        f"{object_.key!r} held {before.identity.describe()}, and was overwritten with "
        f"{identity.describe()}. To have both: upload the new one under a name of its own, and the "
        f"one before (version {before.version}) under this name again. To have the new one alone: "
        "delete it, and upload it again"
    )


def _decide_gone(known: Known, home: Analysis | None) -> Decision:
    """What has been read is read. Only an analysis that still waits, or is held, goes without."""
    is_left_out = isinstance(known.belongs, LeaveOut) and not known.belongs.for_now
    is_elsewhere = is_left_out or known.is_expected_elsewhere
    if home is None or is_elsewhere or known.object not in home.objects_seen:
        return LeaveOut("it is no longer in the bucket")
    if home.status in _BEYOND_ITS_FILES:
        return Keep("it was deleted, and its analysis needs it no more")
    was_gone = not known.placement.version
    if home.current_run and (known.has_expired or was_gone):
        return Keep("it was removed when it had been analysed, and counts on")
    return LeaveOut("it is no longer in the bucket")


def _was_read(known: Known, home: Analysis | None) -> bool:
    """Whether it is a file of an analysis that has a run."""
    return bool(
        home and known.object in home.objects_seen and (home.active_run or home.current_run)
    )


def _fault(belongs: Assignment, found: Found, there: Analysis | None) -> str:
    if found.fault or belongs.doubt:
        return found.fault or belongs.doubt
    if isinstance(found.head, NoReads):
        return "" if there and there.control else why_without_reads()
    try:
        check_read_number(found.head, belongs.read)
    except MismatchedMates as error:
        return str(error)
    return ""


def _file(belongs: Assignment, found: Found, now: str) -> FastqFile:
    return FastqFile(
        sample=belongs.analysis.sample,
        assay=belongs.analysis.assay,
        identity=identity_of(belongs, found.head),
        object=msgspec.structs.replace(found.object, md5=belongs.md5),
        etag=found.etag,
        first_read="" if isinstance(found.head, NoReads) else found.head.read_name,
        named_lane=belongs.named_lane,
        placed_by=belongs.by,
        registered=now,
    )


def _decide_own(known: Known, registered: FastqFile, file: FastqFile) -> Decision:
    """The object has been registered under this identity before."""
    is_said_the_same = registered.object.md5 == file.object.md5
    if registered.version == file.version and is_said_the_same:
        return Keep("it is registered as it is", registered)
    if known.sameness.verdict is Verdict.SAME and is_said_the_same:
        return Keep("the same bytes came again", _with_version_of(registered, file))
    if registered.version == file.version:
        return Replace(file, "a manifest gives an MD5 for it that was not checked before")
    if known.sameness.verdict is Verdict.UNKNOWN:
        return Replace(file, f"nobody can tell whether it is the same again: {known.sameness.why}")
    return Replace(file, "a new version came")


def _with_version_of(registered: FastqFile, file: FastqFile) -> FastqFile:
    """The registered file, under the new version of the same bytes: older versions expire."""
    stored = msgspec.structs.replace(registered.object, version_id=file.object.version_id)
    return msgspec.structs.replace(registered, object=stored, etag=file.etag)


def _decide_rival(known: Known, rival: FastqFile, file: FastqFile) -> Decision:
    """Another object has this identity. What a manifest names counts before all else."""
    mine, theirs = known.object.key, rival.object.key
    if known.rival_is_gone:
        return Replace(file, f"{theirs!r} was deleted, and {mine!r} came in its place")
    rival_is_named = rival.object.name in known.named
    if known.expected_in and not rival_is_named:
        return Replace(file, f"the manifest names {mine!r} in its place", keeps_rival=True)
    if rival_is_named and not known.expected_in:
        return LeaveOut(f"the manifest names {theirs!r} in its place", file.identity)
    what = f"{mine!r} and {theirs!r} both hold {file.identity.describe()}"
    if known.sameness.verdict is Verdict.SAME and not rival_is_named:
        return Keep(f"{what}, with the same bytes", beside=file.identity)
    if known.sameness.verdict is Verdict.SAME:
        why = f"{what}, with the same bytes, and the manifest names both: name each lane once"
    elif known.sameness.verdict is Verdict.UNKNOWN:
        why = (
            f"{what}, and nobody can tell whether they are the same ({known.sameness.why}): "
            "delete one of them, or drop a manifest that names the right one, or each with its own "
            "library"
        )
    else:
        why = (
            f"{what}, with different content: delete the wrong one, or drop a manifest that names "
            "the right one, or gives each its own lane or library"
        )
    return PutBeside(file.identity, why)


# ── What that writes


class AnalysisChange(msgspec.Struct, frozen=True):
    """An analysis before and after; None where there was none, or is none any more."""

    id: AnalysisId
    before: Analysis | None
    after: Analysis | None
    what: str
    """What happened, and why: for the audit trail."""
    why: str = ""


class Change(msgspec.Struct, frozen=True):
    """What one decision writes, all or nothing."""

    before: Placement
    placement: Placement
    analyses: tuple[AnalysisChange, ...]
    puts: FastqFile | None = None
    deletes: tuple[tuple[AnalysisId, FileIdentity], ...] = ()
    """Files that are registered no more, by analysis and identity."""

    @property
    def changes_anything(self) -> bool:
        """Whether there is anything to be written."""
        return bool(self.analyses or self.puts or self.deletes) or self.before != self.placement


def change_of(decision: Decision, known: Known, now: str) -> Change:
    """What a decision writes."""
    home, target = _home(known), _target(decision, known)
    leaves = home is not None and target != home.id
    draft = _Draft(known)
    if leaves and home is not None:
        draft.change(home.id, "file withdrawn", *_leaving(decision, known))
    expected_in = known.expected_in
    if expected_in and known.object not in known.named:
        why = f"{known.object.key!r} is expected here"
        draft.change(
            expected_in, "expected", why, partial(expecting, object_=known.object), now=now
        )
    for analysis in filter(None, (known.there, known.before, *known.elsewhere)):
        is_named = known.object in analysis.expected
        if analysis.id != expected_in and is_named and known.is_told:
            why = f"{known.object.key!r}: no manifest that counts puts it here any more"
            step = partial(not_expecting, object_=known.object)
            draft.change(analysis.id, "not expected", why, step)
        if analysis.id != target and object_cause(known.object) in analysis.troubles:
            step = partial(without_trouble, object_=known.object)
            draft.change(analysis.id, "looked at", decision.why, step)
    if target is not None:
        draft.change(
            target,
            _WORDS.get(type(decision), "left as it is"),
            decision.why,
            partial(_with_decision, decision=decision, known=known, now=now),
            now=now,
            file=_file_write(decision, known),
            opens=isinstance(decision, Register | Replace | Hold | PutBeside | Unplaced),
        )
    file = decision.file if isinstance(decision, Register | Replace | Keep) else None
    is_unchanged = isinstance(decision, Keep) and decision.file and decision.file == known.rival
    note = known.placement.note if is_unchanged else decision.why
    version = known.found.version if known.found else ""
    if isinstance(decision, Keep) and decision.for_now:
        version = known.placement.version
    return Change(
        before=known.placement,
        placement=Placement(
            known.object,
            version,
            target,
            expected_in,
            known.by,
            note,
            known.overwrote,
            known.placement.revision,
        ),
        analyses=draft.changes(),
        puts=None if file == known.rival else file,
        deletes=tuple(_deleted(decision, known, home, leaves=leaves)),
    )


_WORDS: dict[type, str] = {
    Register: "file", Replace: "file replaced", Hold: "held", PutBeside: "held", Unplaced: "held",
}  # fmt: skip
"""What the audit trail calls the change of the analysis that is meant."""
_Step = Callable[[Analysis], Analysis]


class _Draft:
    """The analyses that a change touches, each changed once however many reasons there are."""

    def __init__(self, known: Known) -> None:
        there = (known.there, known.before, *known.elsewhere)
        self._before = {one.id: one for one in there if one}
        self._after: dict[AnalysisId, Analysis] = {}
        self._said: dict[AnalysisId, tuple[str, str]] = {}
        self._files: dict[AnalysisId, FileWrite] = {}
        self._opens: dict[AnalysisId, bool] = {}

    def change(
        self, analysis: AnalysisId, what: str, why: str, step: _Step, *, now: str = "",
        file: FileWrite = FileWrite.NOTHING, opens: bool = False,
    ) -> None:  # fmt: skip
        """Takes one step with an analysis. The audit trail gets the decision's
        own reason, or else that of the first step.
        """
        self._files[analysis] = file
        self._opens[analysis] = opens
        start = self._after.get(analysis) or self._before.get(analysis) or begun(analysis, now)
        self._after[analysis] = step(start)
        if file or opens:
            self._said[analysis] = (what, why)
        self._said.setdefault(analysis, (what, why))

    def changes(self) -> tuple[AnalysisChange, ...]:
        """Those that differ from what was there."""
        found = []
        for analysis, after in self._after.items():
            before = self._before.get(analysis)
            sealed_after = sealed(
                before, after, file=self._files[analysis], opens=self._opens[analysis]
            )
            if sealed_after != before:
                found.append(AnalysisChange(analysis, before, sealed_after, *self._said[analysis]))
        return tuple(found)


def _file_write(decision: Decision, known: Known) -> FileWrite:
    if isinstance(decision, Register | Replace):
        return FileWrite.NEW_CONTENT
    if isinstance(decision, Keep) and decision.file and decision.file != known.rival:
        return FileWrite.SAME_CONTENT
    return FileWrite.NOTHING


def _home(known: Known) -> Analysis | None:
    """The analysis that knows the object so far; it may belong to another one by now."""
    at = known.placement.analysis
    return next((a for a in (known.before, known.there) if a is not None and a.id == at), None)


def _target(decision: Decision, known: Known) -> AnalysisId | None:
    """The analysis that is to know the object from now on."""
    if isinstance(decision, Unplaced):
        return decision.analysis
    if isinstance(decision, Keep) and decision.file is None and decision.beside is None:
        return known.placement.analysis
    if isinstance(decision, LeaveOut) and decision.beside is None:
        return decision.companion_of
    return known.belongs.analysis if isinstance(known.belongs, Assignment) else None


def _leaving(decision: Decision, known: Known) -> tuple[str, _Step]:
    """An analysis goes on without the object: why, and how."""
    why = decision.why
    if isinstance(known.belongs, Assignment) and known.found is not None:
        why = f"{known.object.key!r} belongs to {known.belongs.analysis}"
    return why, partial(without_object, object_=known.object)


def _with_decision(start: Analysis, decision: Decision, known: Known, now: str) -> Analysis:
    object_ = known.object
    after = without_trouble(start, object_)
    if isinstance(decision, Register):
        after = with_file(start, decision.file, now)
    elif isinstance(decision, Replace):
        after = with_file(
            start,
            decision.file,
            now,
            keeps_displaced=decision.keeps_rival,
            is_same=known.sameness.verdict is Verdict.SAME,
        )
    elif isinstance(decision, Hold | Unplaced):
        after = setting_aside(start, object_, None, decision.why)
    elif isinstance(decision, LeaveOut) and decision.companion_of:
        after = with_companion(start, object_, f"{object_.key!r}: {decision.why}")
    elif identity := _aside(decision):
        holds = decision.why if isinstance(decision, PutBeside) else ""
        after = setting_aside(without_object(start, object_), object_, identity, holds)
    elif isinstance(decision, Keep) and start.status is not AnalysisStatus.DISMISSED:
        came_again = decision.file is not None and decision.file != known.rival
        after = without_hold_of(start, object_, came_again=came_again)
    return after


def _aside(decision: Decision) -> FileIdentity | None:
    """What an object would be that is remembered beside the files of its analysis."""
    if isinstance(decision, PutBeside):
        return decision.identity
    return decision.beside if isinstance(decision, Keep | LeaveOut) else None


def _deleted(
    decision: Decision, known: Known, home: Analysis | None, *, leaves: bool
) -> Iterable[tuple[AnalysisId, FileIdentity]]:
    """Identities under which the object is registered no longer."""
    if home is None:
        return
    moves = isinstance(decision, Register | Replace) or _aside(decision) is not None
    kept = decision.file.identity if isinstance(decision, Register | Replace) else None
    for one in home.files_seen:
        if one.object == known.object and (leaves or (moves and one.identity != kept)):
            yield home.id, one.identity
