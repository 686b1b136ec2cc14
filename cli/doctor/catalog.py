"""What stands in the way of samples once a stack is there: references, and dead letters."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from cli.dead_letters import DeadLetters
from cli.doctor.findings import Finding, Verdict, Wanted, fail, ok, warn
from seqdrop.aws.catalog import Catalog
from seqdrop.domain.blueprint import stages_under, variables_of
from seqdrop.domain.errors import ReferenceNotReady
from seqdrop.domain.pipeline import Assay
from seqdrop.domain.records import Analysis, AnalysisStatus


@dataclass(frozen=True)
class Deployed:
    """What a deployed stack is asked."""

    catalog: Catalog
    dead_letters: DeadLetters


def check_references(wanted: Wanted, deployed: Deployed) -> Iterator[Finding]:
    """Is there a ready reference for each assay, with all that its pipeline uses?

    A lab need not have one for every assay: what is missing fails only once a sample waits for it.
    """
    held = deployed.catalog.analyses.newest(AnalysisStatus.HELD, _NEWEST)
    assays: dict[Finding, list[str]] = {}
    for name, assay in wanted.library.assays().items():
        if missing := wanted.missing_queues(assay):
            found = warn(f"there is no queue {', '.join(missing)}: their samples will be held")
        elif assay.reference:
            found = _reference(assay, wanted, deployed.catalog)
            if found.verdict is Verdict.FAIL and not _does_wait(name, held, deployed.catalog):
                found = warn(found.says, found.do)
        else:
            continue
        assays.setdefault(found, []).append(name)
    for found, names in assays.items():
        yield replace(found, says=f"{', '.join(names)}: {found.says}")


def _does_wait(assay: str, held: list[Analysis], catalog: Catalog) -> bool:
    """Whether a sample of an assay is held because its run could not be claimed."""
    found = [catalog.analyses.get(one.id) for one in held if one.assay == assay]
    return any(one and _CLAIM in one.holds and not one.pipeline for one in found)


_NEWEST = 50
"""How many held samples are looked at, from the newest."""
_CLAIM = "claim"
"""The cause under which a sample with all of its files is held when its run could not start."""


def _reference(assay: Assay, wanted: Wanted, catalog: Catalog) -> Finding:
    try:
        found = catalog.references.choose(assay.reference, assay.reference_version)
    except ReferenceNotReady as error:
        return fail(error.fact, f"seqdrop reference add {assay.reference} VERSION FASTA")
    pipeline = wanted.library.pipeline(assay.pipeline)
    stages = stages_under(pipeline, variables_of("", assay, found.parts)).values()
    indexes = {index for stage in stages for index in stage.indexes} - found.indexes.keys()
    if assay.targets and f"targets:{assay.targets}" not in found.parts:
        return warn(
            f"{found.name} {found.version} has no target regions {assay.targets!r}",
            "add a new version with the BED of every assay, or take the assay out of "
            f"pipelines/assays.yaml: seqdrop reference add {found.name} VERSION FASTA "
            f"{assay.targets}.bed …",
        )
    if found.state == "RETIRED":
        return fail(
            f"{found.name} {found.version} is RETIRED",
            "name another version of it in pipelines/assays.yaml",
        )
    if found.state != "READY" or indexes:
        lacks = f", without {', '.join(sorted(indexes))}" if indexes else ""
        remedy = "wait for it"
        if found.state == "READY":
            remedy = f"seqdrop reference add {found.name} VERSION FASTA"
        return fail(f"{found.name} {found.version} is {found.state}{lacks}", remedy)
    return ok(f"{found.name} {found.version} is ready")


def check_dead_letters(_: Wanted, deployed: Deployed) -> Iterator[Finding]:
    """Is there anything that nobody could handle?"""
    full = [queue for queue in deployed.dead_letters.queues() if queue.waiting]
    for queue in full:
        yield warn(
            f"{queue.name} holds {queue.waiting} messages",
            f"seqdrop redrive {queue.name} --dry-run",
        )
    if not full:
        yield ok("there are none")
