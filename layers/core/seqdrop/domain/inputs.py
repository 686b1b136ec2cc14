"""What an analysis is made of, and how it changes: each step makes a new value of an old one.

``sealed`` ends a change: whatever touches the inputs raises the generation and opens the analysis
again; all else (a copy of the same bytes that is set aside) leaves it as it is.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from enum import IntEnum

import msgspec

from seqdrop.domain.errors import MismatchedMates
from seqdrop.domain.expectation import ManifestVersion
from seqdrop.domain.identity import AnalysisId, FileIdentity, ObjectName, SeenFile, SetAside
from seqdrop.domain.manifest import ExpectedFile, SampleEntry, manifest_digest
from seqdrop.domain.records import Analysis, AnalysisStatus, FastqFile
from seqdrop.domain.upload import is_object_cause, object_cause

NO_FILES = "files"
"""The hold of an analysis that was run, and of whose files none is its own any more."""
MENDED_BY_FILES = frozenset({"claim", "run"})
"""Holds that speak of the inputs as a whole: a file that comes or goes may mend them."""
SYSTEMS_OWN = MENDED_BY_FILES | {"assay", NO_FILES}
"""Holds that say nothing once there are no files; a person's ("stopped") stays."""
_INPUTS = (
    "files_seen", "expected", "holds", "manifest", "manifest_time", "manifest_sequencer", "saying",
    "project", "priority", "pipeline", "reference", "reference_version", "sex", "control",
    "lane_split",
)  # fmt: skip
_CHOSEN = ("project", "priority", "pipeline", "reference", "reference_version", "sex")
_LOOKS_AT_ONCE = 4
MAX_ASIDE = 200
"""Objects beside its files that an analysis remembers: its item may have 400 KB in all."""


def begun(analysis: AnalysisId, now: str) -> Analysis:
    """An analysis of which nothing is there yet.

    Its revisions begin with the time, so that one that was forgotten and begun anew has others.
    """
    milliseconds = int(datetime.fromisoformat(now).timestamp() * 1_000)
    return Analysis(analysis.sample, analysis.assay, created=now, revision=milliseconds)


def with_file(
    analysis: Analysis, file: FastqFile, now: str, *, keeps_displaced: bool = False,
    is_same: bool = False,
) -> Analysis:  # fmt: skip
    """The file is registered under its identity, in place of any other one.

    Another object that had the identity is set aside where it is still of use. ``is_same`` says
    that both have the same bytes.
    """
    displaced = {
        one
        for one in analysis.files_seen
        if one.identity == file.identity and one.object != file.seen.object
    }
    rest = _without_seen(analysis, file.seen.object) - displaced
    aside = frozenset(
        _outdated(one) if one.identity == file.identity else one
        for one in _without_aside(analysis, file.seen.object)
    )
    if keeps_displaced:
        aside |= {SetAside(one.object, one.identity) for one in displaced}
    holds = _without_holds(analysis, {object_cause(file.seen.object), *MENDED_BY_FILES})
    came_again = not is_same and any(one.identity == file.identity for one in analysis.files_seen)
    return msgspec.structs.replace(
        analysis,
        files_seen=rest | {file.seen},
        without_reads=(analysis.without_reads - {file.seen.object})
        | ({file.seen.object} if not file.first_read else set()),
        companions=_without(analysis.companions, file.seen.object),
        aside=_capped(aside, holds),
        holds=holds,
        troubles=_without_trouble(analysis, file.seen.object),
        lane_split=analysis.lane_split or file.named_lane,
        last_file=now,
        starts_now=False,
        may_come_again=_may_come_again(analysis, file.identity, begins=came_again),
        waits_for_others=analysis.waits_for_others or (came_again and bool(analysis.active_run)),
    )


def _may_come_again(
    analysis: Analysis, came: FileIdentity, *, begins: bool
) -> frozenset[FileIdentity]:
    """A pair, or all lanes, are sent again file by file; ``begins`` with the first of them."""
    there = frozenset(one.identity for one in analysis.files_seen)
    awaited = analysis.may_come_again & there
    return (awaited or there if begins else awaited) - {came}


def setting_aside(
    analysis: Analysis, object_: ObjectName, identity: FileIdentity | None, why: str = ""
) -> Analysis:
    """An object is remembered beside the files; with ``why``, it holds the analysis."""
    cause = object_cause(object_)
    holds = analysis.holds | {cause: why} if why else _without_holds(analysis, {cause})
    aside = _without_aside(analysis, object_) | {SetAside(object_, identity)}
    return msgspec.structs.replace(
        analysis,
        aside=_capped(aside, holds),
        holds=holds,
        troubles=_without_trouble(analysis, object_),
    )


def with_companion(analysis: Analysis, object_: ObjectName, why: str) -> Analysis:
    """Reads lie beside the files that are neither R1 nor R2: told while the analysis waits."""
    return msgspec.structs.replace(
        analysis,
        aside=_capped(_without_aside(analysis, object_) | {SetAside(object_)}, analysis.holds),
        companions=analysis.companions | {object_cause(object_): why},
    )


def without_object(analysis: Analysis, object_: ObjectName) -> Analysis:
    """An object takes no part any more: not as a file, not beside them, and holds nothing."""
    return msgspec.structs.replace(
        analysis,
        files_seen=_without_seen(analysis, object_),
        aside=_without_aside(analysis, object_),
        without_reads=analysis.without_reads - {object_},
        holds=_without_holds(
            analysis,
            {object_cause(object_), *(MENDED_BY_FILES if object_ in analysis.objects_seen else ())},
        ),
        troubles=_without_trouble(analysis, object_),
        companions=_without(analysis.companions, object_),
    )


def without_hold_of(
    analysis: Analysis, object_: ObjectName, *, came_again: bool = False
) -> Analysis:
    """A file that is good as it is registered holds nothing, whatever came in between.

    If it ``came_again``, it may mend what a run was held for: the version that the run was to read
    may have been gone.
    """
    mended = {object_cause(object_), *(MENDED_BY_FILES if came_again else ())}
    return msgspec.structs.replace(
        analysis,
        aside=_without_aside(analysis, object_),
        holds=_without_holds(analysis, mended),
        troubles=_without_trouble(analysis, object_),
    )


def expecting(analysis: Analysis, object_: ObjectName) -> Analysis:
    """A manifest puts an object here."""
    return _expecting(analysis, analysis.expected | {object_})


def not_expecting(analysis: Analysis, object_: ObjectName) -> Analysis:
    """Another manifest, or none, puts an object elsewhere."""
    return _expecting(analysis, analysis.expected - {object_})


def _expecting(analysis: Analysis, expected: frozenset[ObjectName]) -> Analysis:
    """Where this changes what is expected, all that was set aside is to be looked at again: it may
    count now."""
    if expected == analysis.expected:
        return analysis
    aside = frozenset(map(_outdated, analysis.aside))
    return msgspec.structs.replace(analysis, expected=expected, aside=aside)


def _outdated(aside: SetAside) -> SetAside:
    return msgspec.structs.replace(aside, is_outdated=True)


def with_manifest(
    analysis: Analysis,
    entry: SampleEntry,
    files: Iterable[ExpectedFile],
    manifest: ManifestVersion,
    *,
    named_before: frozenset[ObjectName],
    now: str,
) -> Analysis:
    """What one manifest says of an analysis, in place of what it said before.

    Several manifests may name files of one analysis: all are expected. Of what they say of the
    analysis itself, the newest counts: a corrected one says all anew, another one leaves what it
    does not speak of.
    """
    files = list(files)
    expected = (analysis.expected - named_before) | {file.object for file in files}
    changed = _expecting(analysis, expected)
    if analysis.manifest and not manifest.counts_over(manifest_of(analysis, manifest)):
        return changed
    said = manifest_digest(entry, files)
    answered = {"assay", "claim"}
    if (analysis.manifest, analysis.saying) != (manifest.object.key, said):
        answered.add("run")  # the same again would fail again
    return msgspec.structs.replace(
        changed,
        manifest=manifest.object.key,
        manifest_time=manifest.time,
        manifest_sequencer=manifest.sequencer,
        saying=said,
        control=entry.control,
        holds=_without_holds(analysis, answered),
        last_file=now if said != analysis.saying else analysis.last_file,
        **dict(_chosen(analysis, manifest, entry, said)),
    )


def _chosen(
    analysis: Analysis, manifest: ManifestVersion, entry: SampleEntry, said: str
) -> Iterator[tuple[str, str]]:
    """What an entry chooses. That it says the same as before undoes no priority of a person's."""
    for name in _CHOSEN:
        chooses = getattr(entry, name) or analysis.manifest == manifest.object.key
        if chooses and not (name == "priority" and said == analysis.saying):
            yield name, getattr(entry, name) or ""


def without_manifest(
    analysis: Analysis, manifest: ManifestVersion, named_before: frozenset[ObjectName]
) -> Analysis:
    """A manifest's newest version names no file of this analysis any more."""
    changed = _expecting(analysis, analysis.expected - named_before)
    if analysis.manifest != manifest.object.key:
        return changed
    return msgspec.structs.replace(
        changed, manifest="", saying="", manifest_time="", manifest_sequencer=""
    )


def is_named_before(analysis: Analysis, manifest: ManifestVersion) -> bool:
    """Whether the release before applied this manifest, and kept what it names here alone."""
    return analysis.manifest == manifest.object.key and not analysis.manifest_time


def manifest_of(analysis: Analysis, like: ManifestVersion) -> ManifestVersion:
    """The manifest whose settings an analysis has; it is in the same bucket as all others."""
    return ManifestVersion(
        ObjectName(like.object.bucket, analysis.manifest),
        "",
        sequencer=analysis.manifest_sequencer,
        time=analysis.manifest_time,
    )


def dismissed(analysis: Analysis, why: str) -> Analysis:
    """A person leaves it as it is. What held it is remembered, and counts if it is opened again."""
    return msgspec.structs.replace(
        analysis,
        generation=analysis.generation + 1,
        revision=analysis.revision + 1,
        status=AnalysisStatus.DISMISSED,
        why=why,
        troubles={},
    )


def reopened(analysis: Analysis) -> Analysis:
    """A person wants after all what was dismissed. Its files hold it as before; all else that held
    it is found again if it is still so.
    """
    holds = holds_by_files(analysis.holds)
    return msgspec.structs.replace(
        analysis,
        generation=analysis.generation + 1,
        revision=analysis.revision + 1,
        status=AnalysisStatus.HELD if holds else AnalysisStatus.RECEIVING,
        why="",
        holds=holds,
    )


def with_trouble(analysis: Analysis, object_: ObjectName, why: str) -> Analysis:
    """An object can't be looked at just now, and is tried again."""
    troubles = analysis.troubles | {object_cause(object_): why}
    return msgspec.structs.replace(analysis, troubles=troubles)


def without_trouble(analysis: Analysis, object_: ObjectName) -> Analysis:
    """An object was looked at after all."""
    return msgspec.structs.replace(analysis, troubles=_without(analysis.troubles, object_))


def is_empty(analysis: Analysis) -> bool:
    """Whether only the audit trail is left."""
    return not (
        analysis.files_seen
        or analysis.aside
        or analysis.expected
        or analysis.active_run
        or analysis.current_run
        or analysis.troubles
        or set(analysis.holds) - SYSTEMS_OWN
    )


def touches_inputs(before: Analysis, after: Analysis) -> bool:
    """Whether a change is one of what a run would be made of."""
    return any(getattr(before, name) != getattr(after, name) for name in _INPUTS)


class FileWrite(IntEnum):
    """What becomes of a registered file, which the analysis itself does not show."""

    NOTHING = 0
    SAME_CONTENT = 1
    """Another version of the same bytes."""
    NEW_CONTENT = 2


def sealed(
    before: Analysis | None,
    after: Analysis,
    *,
    file: FileWrite = FileWrite.NOTHING,
    opens: bool = True,
) -> Analysis | None:
    """The change with its revision, generation and status; None where nothing is left of it.

    An analysis that was dismissed is opened again by what ``opens``, and not by what only takes
    away.
    """
    if is_empty(after):
        return None
    after = _with_hold_for_files(after)
    is_dismissed = before is not None and before.status is AnalysisStatus.DISMISSED
    is_opened = is_dismissed and opens
    if after == before and not file and not is_opened:
        return after
    after = msgspec.structs.replace(after, revision=after.revision + 1)
    is_new = file is FileWrite.NEW_CONTENT or is_opened
    if before and not is_new and not touches_inputs(before, after):
        return after
    status = AnalysisStatus.HELD if after.holds else AnalysisStatus.RECEIVING
    if is_dismissed and not opens:
        status = AnalysisStatus.DISMISSED
    return msgspec.structs.replace(after, generation=after.generation + 1, status=status)


def _with_hold_for_files(analysis: Analysis) -> Analysis:
    """What was made of reads that belong elsewhere must not stand there unseen."""
    has_run = analysis.active_run or analysis.current_run
    if not has_run or analysis.files_seen or analysis.expected or analysis.aside:
        return msgspec.structs.replace(analysis, holds=_without_holds(analysis, {NO_FILES}))
    why = (
        "none of the files that were analysed belongs here any more: "
        f"`seqdrop dismiss {analysis.sample}` ends it, files of its own start it anew"
    )
    return msgspec.structs.replace(analysis, holds=analysis.holds | {NO_FILES: why})


def to_look_at_again(analysis: Analysis) -> list[ObjectName]:
    """The next few objects that were set aside and may count now.

    The object that they were set aside for is gone, or has other content; or manifests name other
    objects since. Each look advances the analysis, which asks for the next few: if it asked for
    all of them each time, n objects would be looked at n² times.
    """
    taken = {one.identity for one in analysis.files_seen}
    again = sorted(
        one.object
        for one in analysis.aside
        if one.is_outdated or (one.identity is not None and one.identity not in taken)
    )
    return again[:_LOOKS_AT_ONCE]


def holds_by_files(holds: Mapping[str, str]) -> dict[str, str]:
    """The holds that only other files can lift: no word of a person's makes a file right."""
    return {
        cause: why for cause, why in holds.items() if cause == NO_FILES or is_object_cause(cause)
    }


def objects_that_hold(analysis: Analysis) -> list[ObjectName]:
    """The objects whose uploads hold an analysis."""
    return sorted(o.object for o in analysis.aside if object_cause(o.object) in analysis.holds)


def files_of_run(analysis: Analysis, files: Iterable[FastqFile]) -> list[FastqFile]:
    """The files that a run is made of: the registered ones, but for pairs without a read.

    Raises MismatchedMates where only one of a control's mates holds reads.
    """
    registered = {file.identity: file for file in files if file.seen in analysis.files_seen}
    chosen = []
    for identity, file in sorted(registered.items()):
        mate = registered.get(identity.mate)
        if file.first_read:
            chosen.append(file)
        elif mate is not None and mate.first_read:
            raise MismatchedMates(
                f"{file.object.key!r}: there is no read in it, but in its mate there are: make "
                "both anew from the run, and upload them"
            )
    return chosen


def _without_seen(analysis: Analysis, object_: ObjectName) -> frozenset[SeenFile]:
    return frozenset(one for one in analysis.files_seen if one.object != object_)


def _without_aside(analysis: Analysis, object_: ObjectName) -> frozenset[SetAside]:
    return frozenset(one for one in analysis.aside if one.object != object_)


def _without_holds(analysis: Analysis, causes: Iterable[str]) -> dict[str, str]:
    gone = frozenset(causes)
    return {cause: why for cause, why in analysis.holds.items() if cause not in gone}


def _without_trouble(analysis: Analysis, object_: ObjectName) -> dict[str, str]:
    return _without(analysis.troubles, object_)


def _without(said: Mapping[str, str], object_: ObjectName) -> dict[str, str]:
    cause = object_cause(object_)
    return {name: why for name, why in said.items() if name != cause}


def _capped(aside: frozenset[SetAside], holds: Mapping[str, str]) -> frozenset[SetAside]:
    """Those that hold, and the first of the others: a thousand names of one file are one file."""
    holding = {one for one in aside if object_cause(one.object) in holds}
    return frozenset(holding | set(sorted(aside - holding)[:MAX_ASIDE]))
