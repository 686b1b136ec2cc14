"""``run.json``: all that the results of a run are made of, and by."""

import msgspec

from seqdrop.domain.blueprint import Blueprint
from seqdrop.domain.keys import digest
from seqdrop.domain.plan import ReadPair, RunPlan, StageResult
from seqdrop.domain.records import Run
from seqdrop.domain.version import VERSION


class Part(msgspec.Struct, frozen=True):
    """A file of the reference that the run used."""

    uri: str
    bytes: int
    sha256: str


class RunRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """What names a run's results, what they are made of, and what was judged of them."""

    sample: str
    assay: str
    run_key: str
    attempt: int
    pipeline: str
    reference: str
    parts: dict[str, str]
    """SHA-256 of each part of the reference."""
    qc: str
    qc_reasons: tuple[str, ...]
    metrics: dict[str, float]
    cost_usd: float
    simulated: bool
    results: dict[str, StageResult]
    """By stage: files with checksums, tool versions, command lines, counts and times."""
    prefixes: dict[str, str]
    """Where each stage's results are in the bucket."""
    version: str = ""
    """Seqdrop's own."""
    pipeline_digest: str = ""
    """Of all stages as they were frozen: the same digest is the same pipeline."""
    settings: dict[str, bool | str] = {}
    """What the assay set, and its reference has."""
    inputs: tuple[ReadPair, ...] = ()
    """The FASTQ files of each lane, with their version ids, sizes and checksums."""
    files: dict[str, tuple[Part, ...]] = {}
    """By stage: every file of the reference that it was given, indexes too."""
    images: dict[str, str] = {}
    """By kind of queue: the image by its digest, and an FPGA host's AMI after a |."""
    instead_of: str = ""
    """The pipeline in whose place another made these results, which are not equivalent to its."""
    claimed: str = ""
    started: str = ""
    calling_version: str = ""
    """What decides the calls beside the files: the version that a validation is of."""


def make_record(
    run: Run, blueprint: Blueprint, plan: RunPlan, results: dict[str, StageResult]
) -> RunRecord:
    """The record of a run that has its figures."""
    return RunRecord(
        sample=run.sample,
        assay=run.assay,
        run_key=run.run_key,
        attempt=run.attempt,
        pipeline=run.pipeline,
        reference=run.reference,
        parts=run.parts,
        qc=run.qc,
        qc_reasons=run.qc_reasons,
        metrics=run.metrics,
        cost_usd=run.cost_usd or 0.0,
        simulated=run.simulated,
        results=results,
        prefixes={stage.stage: stage.prefix for stage in plan.stages},
        version=VERSION,
        pipeline_digest=digest(blueprint.stages),
        settings=blueprint.variables,
        inputs=blueprint.pairs,
        files={
            stage: tuple(
                Part(f"s3://{f.object.bucket}/{f.object.key}", f.object.size, f.object.sha256)
                for f in files
            )
            for stage, files in blueprint.files.items()
        },
        images=blueprint.images,
        instead_of=run.instead_of,
        claimed=run.claimed,
        started=run.started,
        calling_version=blueprint.calling,
    )
