"""What the deployment would make of an upload, asked before anything is sent."""

from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from difflib import get_close_matches
from typing import TYPE_CHECKING, NamedTuple

from cli.deployed_library import KnownLibrary
from cli.drop import Drop
from cli.gather import Gathered, shown
from cli.inspection import LoneMate
from cli.name_advice import parse_fastq_name, proposed_name
from seqdrop.aws.catalog import Catalog
from seqdrop.domain.assignment import assigned_by_manifest
from seqdrop.domain.blueprint import make_blueprint
from seqdrop.domain.errors import InvalidInput, SeqdropError
from seqdrop.domain.expectation import expectation_that_counts
from seqdrop.domain.identity import AnalysisId, ObjectName
from seqdrop.domain.manifest import ExpectedFile
from seqdrop.domain.pipeline import Assay
from seqdrop.domain.reference import ReferenceState, ReferenceVersion
from seqdrop.library import Library

if TYPE_CHECKING:
    from cli.stack import Stack
    from seqdrop.domain.manifest import SampleEntry

_AT_ONCE = 16


class AnalysisChoice(NamedTuple):
    """How samples are to be analysed: an assay; or else a pipeline and a reference."""

    assay: str = ""
    pipeline: str = ""
    reference: str = ""
    version: str = ""
    """The reference's; "" is its newest that is ready."""


def apply_expectations(drop: Drop, catalog: Catalog, bucket: str) -> None:
    """A manifest that is in the bucket already says more of a key than its name does."""
    asked = [k for k, place in drop.places.items() if place.by == "name"] + list(drop.unfit)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        objects = (ObjectName(bucket, key) for key in asked)
        answers = pool.map(lambda object_: _expected(catalog, object_), objects)
    owners = set()
    for key, expected in zip(asked, answers, strict=True):
        if expected:
            drop.places[key] = assigned_by_manifest(expected)
            drop.unfit.pop(key, None)
            owners.add(expected.analysis)
    given = {ObjectName(bucket, key) for key in drop.files}
    for owner in owners:
        analysis = catalog.analyses.get(owner)
        if analysis is None or analysis.expected - given:
            drop.awaited.add((owner.sample, owner.assay))


def _expected(catalog: Catalog, object_: ObjectName) -> ExpectedFile | None:
    """Where the manifest that counts puts an object."""
    _, said = catalog.uploads.known(object_)
    counts = expectation_that_counts(said)
    return counts.file if counts else None


def check_samples_once(drop: Drop, default_assay: str) -> None:
    """A manifest that names a sample twice under one assay is held, and so is one that does so
    with the default assay once by name and once by saying nothing.
    """
    for manifest in drop.manifests:
        named = Counter(
            (one.sample, one.assay or one.pipeline or default_assay) for one in manifest.samples
        )
        drop.faults += [
            f"a manifest names sample {sample} {count} times under the assay {assay}: name it "
            "once, with all of its files"
            for (sample, assay), count in named.items()
            if count > 1
        ]


def check_mates_there(
    drop: Drop, lone: Iterable[LoneMate], catalog: Catalog, *, partial: bool
) -> None:
    """R1 without R2 is a file that was forgotten, far more often than one that comes later; and a
    sample that waits for it tells nobody. So it is refused, unless its mate is there already, as
    for a file that is sent again, or somebody says that the other one follows.
    """
    if partial:
        return
    for mate in lone:
        sample, assay = mate.owner
        if catalog.analyses.file(AnalysisId(sample, assay), mate.missing):
            continue
        said = f"{mate.path}: has no mate: {mate.missing.describe()} of sample {sample} is missing"
        proposed = proposed_name(mate.path.name)
        is_other = proposed and parse_fastq_name(proposed).sample != sample
        other = f"; or rename it to {proposed!r}" if is_other else ""
        drop.faults.append(f"{said}: give both, or say with --partial that it comes later{other}")


def warn_of_folders(gathered: Gathered, drop: Drop, library: Library) -> None:
    """In the bucket a folder names the assay; one on this machine does not."""
    default = library.default_assay
    named = {key for key, place in drop.places.items() if place.by == "name"}
    folders = {drop.files[key].parent for key in named} & {
        path.parent for path in gathered.from_folders
    }
    for folder in sorted(folders):
        name = folder.resolve().name
        if name != default and library.has_assay(name):
            drop.warnings.append(
                f"{folder}: a folder on this machine names no assay, so its files go to {default}: "
                f"if {name} is meant, upload them with --assay {name}"
            )


def warn_of_new_assays(drop: Drop, stack: "Stack", default_assay: str) -> None:
    """A file that is sent again goes by its name to the default assay, whatever the sample had."""
    samples = sorted({place.sample for place in drop.places.values() if place.by == "name"})
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        answers = list(pool.map(stack.sample, samples))
    for sample, items in zip(samples, answers, strict=True):
        there = sorted(one.assay for one in items.analyses)
        if there and default_assay not in there:
            drop.warnings.append(
                f"{sample} is there as {', '.join(there)}; by their names, these files make it "
                f"anew as {default_assay}. To send files again, give the options of the first "
                f"upload and both mates, or see `seqdrop why {sample}`"
            )


def check_choices(drop: Drop, known: KnownLibrary, stack: "Stack") -> None:
    """Whether each sample could be analysed as it is meant to be: its assay, and its reference.

    What only this copy's files speak against is a warning.
    """
    for choice, samples in _choices(drop, known.library.default_assay).items():
        who = f"{shown(samples)} ({choice.assay or choice.pipeline})"
        try:
            for fault, is_sure in _faults(choice, samples[0], known, stack):
                _note(drop, f"{who}: {fault}", known, is_sure=is_sure)
        except InvalidInput as error:
            _note(drop, f"{who}: {error.to_mend}", known, is_sure=not known.doubt)
        except SeqdropError as error:
            _note(drop, f"{who}: {error}", known, is_sure=not known.doubt)
    default = known.library.assays().get(known.library.default_assay)
    names = [place for place in drop.places.values() if place.by == "name"]
    if names and default and default.complete.rule == "manifest":
        drop.warnings.append(
            f"{shown(list(dict.fromkeys(place.sample for place in names)))}: the assay "
            f"{known.library.default_assay} starts by a manifest: without one they wait (--sample "
            "or --assay make one)"
        )


def _note(drop: Drop, text: str, known: KnownLibrary, *, is_sure: bool) -> None:
    if is_sure:
        drop.faults.append(text)
    else:
        doubt = f"this copy of Seqdrop says so; the deployment can't be asked ({known.doubt})"
        drop.warnings.append(f"{text}; {doubt}")


def _choices(drop: Drop, default_assay: str) -> dict[AnalysisChoice, list[str]]:
    """The samples by how they are to be analysed."""
    choices: dict[AnalysisChoice, dict[str, None]] = {}
    for entry in drop.entries:
        choices.setdefault(_choice(entry, default_assay), {})[entry.sample] = None
    for place in drop.places.values():
        if place.by == "name":
            choices.setdefault(AnalysisChoice(default_assay), {})[place.sample] = None
    return {choice: list(samples) for choice, samples in choices.items()}


def _choice(entry: "SampleEntry", default_assay: str) -> AnalysisChoice:
    if entry.pipeline:
        return AnalysisChoice("", entry.pipeline, entry.reference, entry.reference_version)
    return AnalysisChoice(entry.assay or default_assay)


def _faults(
    choice: AnalysisChoice, sample: str, known: KnownLibrary, stack: "Stack"
) -> Iterator[tuple[str, bool]]:
    """What speaks against it, and whether that is sure. Raises SeqdropError."""
    name, pipeline = choice.assay, choice.pipeline
    library, is_sure = known.library, not known.doubt
    if name and not library.has_assay(name):
        yield f"there is no assay {name!r}{_others(name, library.assays())}", is_sure
        return
    assay = library.assays()[name] if name else Assay(pipeline, choice.reference, choice.version)
    is_known = assay.pipeline in library.pipeline_names()
    if not is_known:
        there = _others(assay.pipeline, library.pipeline_names())
        yield f"there is no pipeline {assay.pipeline!r}{there}", is_sure
    found = _reference(assay, stack.catalog, by_person=not name)
    if isinstance(found, str):
        yield found, is_sure or not name
    elif is_known:
        # As the claim will: what it would be held for, it would be held for now.
        make_blueprint(
            analysis=AnalysisId(sample, name or pipeline),
            assay=assay,
            pipeline=library.pipeline(assay.pipeline),
            reference=found,
            files=(),
            images=dict.fromkeys(stack.image_names, ""),
        )


def _reference(assay: Assay, catalog: Catalog, *, by_person: bool) -> ReferenceVersion | str:
    """The version that would be used; or why there is none, and what to do.

    A person may have mistyped its name; an assay of the library means the one that it names.
    """
    name, version = assay.reference, assay.reference_version
    versions = sorted(catalog.references.versions(name), key=lambda one: one.created)
    if not versions:
        known = list(catalog.references.names())
        if by_person and _nearest(name, known):
            return f"there is no reference {name!r}{_others(name, known)}"
        return (
            f"there is no reference {name!r}{_listed(known)}: add it with `seqdrop reference add "
            f"{name} {version or 'VERSION'} FASTA`"
        )
    ready = [one for one in versions if one.state is ReferenceState.READY]
    if not version and ready:
        return ready[-1]
    meant = [one for one in versions if version in {"", one.version}]
    if not meant:
        there = ", ".join(f"{one.version} is {one.state}" for one in versions)
        return (
            f"reference {name} has no version {version!r} ({there}): name one that is READY, or "
            f"add it with `seqdrop reference add {name} {version} FASTA`"
        )
    if meant[-1] in ready:
        return meant[-1]
    return _not_ready(meant[-1])


def _not_ready(reference: ReferenceVersion) -> str:
    said = f"reference {reference.name} {reference.version} is {reference.state}"
    if reference.why:
        said += f" ({reference.why})"
    if reference.state is ReferenceState.PREPARING:
        return f"{said}: wait until `seqdrop reference list` says that it is READY"
    return (
        f"{said}: add another version with `seqdrop reference add {reference.name} VERSION FASTA`"
    )


def _others(name: str, known: Iterable[str]) -> str:
    """The nearest of what there is, and all of it."""
    there = list(known)
    near = _nearest(name, there)
    return (f"; is {near!r} meant?" if near else "") + _listed(there)


def _listed(there: Iterable[str]) -> str:
    names = ", ".join(sorted(there))
    return f" (there are: {names})" if names else " (none is there yet)"


def _nearest(name: str, known: Iterable[str]) -> str:
    """What may be meant; "" where nothing is near."""
    return next(iter(get_close_matches(name, sorted(known), n=1, cutoff=0.6)), "")
