"""Keys: content decides. The same key means the same output, whatever it was named."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from seqdrop.domain.identity import AnalysisId
from seqdrop.domain.pipeline import Stage

STAGE_KEY_LENGTH = 24
"""Hex digits: 96 bits, so that an execution name stays in 80 characters."""


def digest(value: Any) -> str:
    """SHA-256 over a value's canonical JSON, cut to a key's length."""
    data = msgspec.json.encode(value, order="deterministic")
    return hashlib.sha256(data).hexdigest()[:STAGE_KEY_LENGTH]


def stage_key(
    stage: Stage,
    *,
    image: str,
    variables: dict[str, bool | str],
    reference_checksums: dict[str, str],
    reads: Iterable[tuple[str, str, str, int, int]],
    md5s: Sequence[tuple[str, str, str]],
    upstream: Iterable[str],
) -> str:
    """The key of a stage's output.

    ``image`` is the image's digest (or the host AMI), ``reference_checksums`` are of the parts
    that the stage uses, ``reads`` are (read group, R1's checksum, R2's, their sizes in bytes),
    ``md5s`` are (read group, R1's, R2's) as a manifest gives them: they change no output, but one
    of files that nobody has checked is none of files that were. ``upstream`` are the keys of the
    stages that it needs. How big a machine it runs on, and
    how long that should take, is left out: neither changes the output.
    """
    checked = {"md5s": sorted(md5s)} if md5s else {}
    return digest(
        checked
        | {
            "steps": stage.steps,
            "outputs": stage.outputs,
            "image": image,
            "variables": variables,
            "reference": reference_checksums,
            "reads": sorted(reads),
            "upstream": sorted(upstream),
        }
    )


def run_key(analysis: AnalysisId, stage_keys: Iterable[str], *, is_control: bool = False) -> str:
    """The key of a run: of its stages' keys, and of the analysis that they are for.

    What is a control is judged otherwise, so no run of a sample is one of a control.
    """
    control = ["control"] if is_control else []
    return digest([analysis.sample, analysis.assay, sorted(stage_keys), *control])
