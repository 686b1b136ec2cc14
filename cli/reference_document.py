"""A version of a reference as JSON, and what it holds in a few words."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seqdrop.domain.plan import StoredObject
    from seqdrop.domain.reference import ReferenceVersion

Document = dict[str, Any]
_KINDS = {"alt": "alt", "hla": "HLA", "decoy": "decoy"}
_PAR_MASKS = {
    "masked": "PAR masked",
    "unmasked": "PAR unmasked",
    "partly": "PAR partly masked",
    "unknown": "PAR unknown",
}


def reference_document(reference: "ReferenceVersion") -> Document:
    """A version of a reference as JSON.

    Letters of the sequence as it was given: ``soft_masked`` in lower case, ``uncertain`` N,
    ``replaced`` codes for several bases; null where nobody counted them. ``flavour``,
    ``contig_list`` and ``seqcol`` are of the working copy; an earlier Seqdrop's version has null.
    """
    from seqdrop.domain.flavour import SIGNS

    facts = reference.facts
    flavour, listed = (facts.flavour, facts.contig_list) if facts else (None, None)
    return {
        "name": reference.name,
        "version": reference.version,
        "state": reference.state.value,
        "why": reference.why,
        "bases": reference.bases,
        "contigs": facts.contigs if facts else None,
        "soft_masked": facts.masked if facts else None,
        "uncertain": facts.uncertain if facts else None,
        "replaced": facts.replaced if facts else None,
        "original": {"file": facts.file, "sha256": facts.sha256} if facts else None,
        "warnings": list(reference.warnings),
        "created": reference.created or None,
        "parts": {name: _stored(part.object) for name, part in reference.parts.items()},
        "indexes": sorted(reference.indexes),
        "flavour": {sign: getattr(flavour, sign) for sign in SIGNS} if flavour else None,
        "contig_list": _stored(listed) if listed else None,
        "seqcol": (facts.seqcol or None) if facts else None,
    }


def _stored(stored: "StoredObject") -> Document:
    return {
        "uri": f"s3://{stored.bucket}/{stored.key}",
        "bytes": stored.size,
        "sha256": stored.sha256,
    }


def sequence_told(document: Document) -> str:
    """What a sequence has beside plain bases and primary contigs, as far as there is some."""
    letters = {
        "soft-masked": document["soft_masked"],
        "N": document["uncertain"],
        "ambiguous, each written as one base": document["replaced"],
    }
    said = [f"{count:,} {what}" for what, count in letters.items() if count]
    flavour = flavour_told(document["flavour"])
    return ", ".join([*said, flavour] if flavour else said)


def flavour_told(flavour: Mapping[str, Any] | None) -> str:
    """Kinds of contigs and the mask of Y, as far as there is something to say."""
    if not flavour:
        return ""
    kinds = [f"{flavour[sign]:,} {kind}" for sign, kind in _KINDS.items() if flavour[sign]]
    mask = _PAR_MASKS.get(flavour["par_mask"] or "")
    return ", ".join([*kinds, mask] if mask else kinds)
