"""Which run of a sample is a side: what of it is recorded, against what is asked for."""

import re

from seqdrop.domain.equivalence.report import Change, RunSide
from seqdrop.domain.pipeline import COMPARE
from seqdrop.domain.provenance import RunRecord

_RELEASE = re.compile(r"\d+(?:\.\d+)+")
_DRAGEN = "dragen"


def is_side(change: Change, wanted: str, record: RunRecord) -> bool:
    """Whether a run is of what is asked for, by its record."""
    match change:
        case Change.PIPELINE:
            return record.pipeline == wanted
        case Change.ASSAY:
            return record.assay == wanted
        case Change.IMAGE:
            return any(is_image(one, wanted) for one in images_of(record).values())
        case Change.AMI:
            return any(one.startswith(wanted) for one in amis_of(record).values())
        case Change.DRAGEN:
            return is_release(tools_of(record).get(_DRAGEN, ""), wanted)


def images_of(record: RunRecord) -> dict[str, str]:
    """The image of each kind of queue."""
    return {kind: image.partition("|")[0] for kind, image in record.images.items()}


def amis_of(record: RunRecord) -> dict[str, str]:
    """The AMI of each kind of queue whose hosts have one of the lab's."""
    found = {kind: [*image.split("|"), ""][1] for kind, image in record.images.items()}
    return {kind: ami for kind, ami in found.items() if ami}


def tools_of(record: RunRecord) -> dict[str, str]:
    """The version of each tool that the run's stages used."""
    return {
        tool: said
        for stage, result in record.results.items()
        if stage != COMPARE
        for tool, said in result.tools.items()
    }


def is_image(image: str, wanted: str) -> bool:
    """Whether an image is meant by its whole name, or by its digest or the beginning of it."""
    digest = image.partition("@")[2]
    return image == wanted or any(
        one.startswith(wanted) for one in (digest, digest.removeprefix("sha256:")) if one
    )


def is_release(said: str, wanted: str) -> bool:
    """Whether a tool's word on its version names a release, or one that begins with it.

    DRAGEN's own word ends with its release after the hardware's (``07.021.609.3.9.5``), so that
    any of its numbers may be the first one; ``3.9`` is not the beginning of ``3.90``.
    """
    parts = wanted.split(".")
    for number in _RELEASE.findall(said):
        known = number.split(".")
        begins = (0, 3) if len(known) > 4 else (0,)  # three are the hardware's
        if any(known[at : at + len(parts)] == parts for at in begins):
            return True
    return False


def side_of(record: RunRecord, wall_seconds: float | None) -> RunSide:
    """What the page tells of a run."""
    return RunSide(
        run=f"{record.run_key}#{record.attempt}",
        assay=record.assay,
        pipeline=record.pipeline,
        reference=record.reference,
        claimed=record.claimed,
        qc=record.qc,
        simulated=record.simulated,
        images=images_of(record),
        amis=amis_of(record),
        tools=tools_of(record),
        version=record.version,
        wall_seconds=wall_seconds,
    )
