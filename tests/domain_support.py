"""Makers of domain values for tests, with defaults, so that a test names only its point."""

from typing import Any

from seqdrop.aws.catalog.layout import analysis_attributes, analysis_key
from seqdrop.aws.catalog.table import Item
from seqdrop.domain.blueprint import Blueprint, make_blueprint
from seqdrop.domain.identity import AnalysisId, FileIdentity, JobOwner
from seqdrop.domain.inputs import sealed
from seqdrop.domain.intake import AnalysisChange
from seqdrop.domain.pipeline import Args, Assay, Linear, Output, Pipeline, Size, Stage, Step
from seqdrop.domain.plan import LocalFile, StoredObject
from seqdrop.domain.records import Analysis, FastqFile, Job, Run
from seqdrop.domain.reference import ReferenceState, ReferenceVersion
from seqdrop.library import Library
from tests.tools_support import ROOT

SIZE = Size(vcpus=4, memory_mib=Linear(1_000), seconds=Linear(60, per_input_gib=100))
PATTERNS = Library(str(ROOT / "pipelines")).name_patterns()
"""How the project's own pipelines/names.yaml names files."""
IMAGES = {
    "cpu": "cpu@sha256:1", "fpga-genome": "fpga@sha256:2", "fpga-exome": "exome@sha256:3",
    **{name: f"{name}@sha256:4" for name in ("report", "snpeff", "isaac", "strelka2", "nextflow")},
}  # fmt: skip


def stored(key: str, content: str, size: int = 100) -> StoredObject:
    """An uploaded object, known by its content."""
    return StoredObject("uploads", key, size, "v1", f"crc64nvme:{content}")


def fastq(
    read: str, lane: str = "1", *, sample: str = "NA1", flowcell: str = "HXY", library: str = "-",
    segment: str = "001", content: str = "", first_read: str = "", size: int = 100,
) -> FastqFile:  # fmt: skip
    """A registered file of a sample."""
    identity = FileIdentity(library, flowcell, lane, read, segment)
    content = content or f"bytes of {identity}"
    name = first_read or f"M01:7:{flowcell}:{lane}:{segment}:1:1"
    key = f"{sample}_L00{lane}_{read}_{segment}.fastq.gz"
    return FastqFile(sample, "wgs", identity, stored(key, content, size), content, name)


def lane_pair(lane: str = "1", **given: Any) -> list[FastqFile]:
    """Both mates of a lane."""
    return [fastq("R1", lane, **given), fastq("R2", lane, **given)]


def part(path: str, content: str) -> LocalFile:
    """A part of a reference."""
    return LocalFile(path, StoredObject("references", f"r/1/{path}", 10, sha256=content))


def reference(**given: Any) -> ReferenceVersion:
    """A ready reference with a sequence and its index."""
    values: dict[str, Any] = {
        "name": "tiny",
        "version": "1",
        "state": ReferenceState.READY,
        "bases": 1_000,
        "parts": {"sequence": part("genome.fa", "s1")},
        "indexes": {"bwa": (part("genome.fa.bwt", "i1"),)},
    }
    return ReferenceVersion(**{**values, **given})


def stage(*command: str | Args, **given: Any) -> Stage:
    """A CPU stage of one command."""
    values: dict[str, Any] = {
        "queue": "cpu",
        "size": SIZE,
        "steps": (Step(pipe=(command or ("true",),)),),
        "outputs": (Output("out.txt"),),
    }
    return Stage(**{**values, **given})


def pipeline() -> Pipeline:
    """Reads aligned, then called, then annotated where the reference has genes."""
    align = stage("align", "{pair.r1}", reads="files", reference=("sequence",), indexes=("bwa",))
    call = stage(
        "call",
        Args(args=("-T", "{ref}/targets.bed"), when="targets"),
        needs=("align",),
        reference=("sequence", "targets"),
    )
    annotate = stage(
        "annotate", needs=("call",), when="annotation", reference=("sequence", "annotation")
    )
    return Pipeline("germline", "test", {"align": align, "call": call, "annotate": annotate})


def blueprint(**given: Any) -> Blueprint:
    """A blueprint of two lanes."""
    values: dict[str, Any] = {
        "analysis": AnalysisId("NA1", "wgs"),
        "assay": Assay("germline", "tiny"),
        "pipeline": pipeline(),
        "reference": reference(),
        "files": [*lane_pair("1"), *lane_pair("2")],
        "images": IMAGES,
    }
    return make_blueprint(**{**values, **given})


def run_of(frozen: Blueprint, attempt: int = 1, **given: Any) -> Run:
    """A run of a blueprint."""
    return Run(frozen.sample, frozen.assay, frozen.run_key, attempt, 1, **given)


def job(owner: JobOwner, **given: Any) -> Job:
    """A job of an owner, before Batch hears of it."""
    values: dict[str, Any] = {
        "name": "name",
        "queue": "lab-cpu-routine",
        "prefix": "prefix/1/",
        "bucket": "results",
        "folder": "folder/",
    }
    return Job(owner, **{**values, **given})


def analysis(*files: FastqFile, **given: Any) -> Analysis:
    """An analysis that has registered some files."""
    seen = frozenset(file.seen for file in files)
    return Analysis("NA1", "wgs", files_seen=seen, **given)


def analysis_item(of: Analysis) -> Item:
    """The item of an analysis."""
    pk, sk = analysis_key(of.id)
    return {"pk": pk, "sk": sk, **analysis_attributes(of)}


def change_to(
    after: Analysis, before: Analysis | None = None, what: str = "begun"
) -> AnalysisChange:
    """A change of an analysis, sealed as intake seals it."""
    return AnalysisChange(after.id, before, sealed(before, after), what)
