"""What a plan may name, and which of it a job refuses."""

from typing import Any

import pytest
from msgspec import structs

from seqdrop.domain.identity import ObjectName
from seqdrop.domain.pipeline import COMPARE, Output
from seqdrop.domain.plan import LocalFile, ReadPair, RunPlan, StagePlan, StoredObject
from seqdrop.domain.plan_scope import PlanScope
from tests.runner_support import BUCKET, REFERENCES, UPLOADS, a_stage

FOLDER = "S1/wgs/runs/abc/1/"
PLACE = ObjectName(BUCKET, f"{FOLDER}plan.json")
PAIR = ReadPair(
    "F.1",
    "@RG",
    StoredObject(UPLOADS, "any/../key of//the lab", 1),
    StoredObject(UPLOADS, "S2_R2.fastq.gz", 1),
)


def a_plan(*stages: StagePlan, **more: Any) -> RunPlan:
    """A plan that keeps to its own, unless told otherwise."""
    given: dict[str, Any] = {"reference": "g/1", "pairs": (PAIR,), "folder": FOLDER, **more}
    names = {"sample": "S1", "assay": "wgs", "run_key": "abc", "attempt": 1, "pipeline": "p"}
    return RunPlan(stages=stages or (a_stage(),), **{**names, **given})


def reading(key: str, bucket: str = REFERENCES, stage: str = "align") -> StagePlan:
    """A stage with one reference file."""
    return a_stage(stage, reference_files=(LocalFile("g.fa", StoredObject(bucket, key, 1)),))


def refused(plan: RunPlan, place: ObjectName = PLACE) -> str:
    """Why a plan is refused; "" where it is not."""
    return "; ".join(PlanScope(plan, place).strays())


def test_a_plan_of_its_own_sample_is_not_refused() -> None:
    assert refused(a_plan(a_stage(), a_stage("call", needs=("align",)))) == ""
    assert refused(a_plan(reading("g/1/sequence/0a1b/genome.fa"))) == ""
    assert refused(a_plan(reading("g/1/indexes/dragen/dragen/hash_table.cmp"))) == ""


@pytest.mark.parametrize("name", ["", ".", "..", "S1/wgs", "/", "S1\0"])
@pytest.mark.parametrize("what", ["sample", "assay", "run_key"])
def test_a_name_that_is_no_part_of_a_path_is_refused(what: str, name: str) -> None:
    assert "can't be a part of a path" in refused(a_plan(**{what: name}))


@pytest.mark.parametrize(
    "place",
    ["S2/wgs/runs/abc/1/plan.json", "plan.json", "", f"{FOLDER}other.json", f"/{FOLDER}plan.json"],
)
def test_a_plan_that_lies_where_another_sample_s_should_is_refused(place: str) -> None:
    assert f"was found at s3://{BUCKET}/{place}" in refused(a_plan(), ObjectName(BUCKET, place))


def test_a_plan_for_another_sample_at_this_one_s_place_is_refused() -> None:
    theirs = a_plan(sample="S2", folder="S2/wgs/runs/abc/1/")
    assert "it is a plan for S2/wgs/runs/abc/1/" in refused(theirs)


@pytest.mark.parametrize("folder", ["S2/wgs/runs/abc/1/", "", "../", "/", "S1/wgs/runs/abc/2/"])
def test_a_folder_that_is_not_the_run_s_is_refused(folder: str) -> None:
    assert f"with the folder {folder!r}" in refused(a_plan(folder=folder))


@pytest.mark.parametrize(
    "prefix",
    [
        "S2/wgs/align/k/1/",
        "S1/wes/align/k/1/",
        "S1/wgs/call/k/1/",
        "S1/wgs/align/other/1/",
        "S1/wgs/align/k/../../../../S2/wgs/align/k/1/",
        "S1/wgs/align/k/",
        "S1/wgs/align/k/1",
        "S1/wgs/align/k/01/",
        "/S1/wgs/align/k/1/",
        "S1/wgs/../S1/wgs/align/k/1/",
        "",
    ],
)
def test_results_that_would_go_elsewhere_are_refused_also_of_a_stage_that_is_only_read(
    prefix: str,
) -> None:
    stray = structs.replace(a_stage(), prefix=prefix)
    assert "stage align writes to" in refused(a_plan(stray))
    assert "stage align writes to" in refused(a_plan(a_stage("call", needs=("align",)), stray))


@pytest.mark.parametrize(
    "work",
    [
        "_work/S2/wgs/align/k/1/", "_work/S1/wgs/align/other/1/", "_work/S1/wgs/align/k/",
        "S1/wgs/align/k/1/", "_work/../S1/wgs/align/k/1/", "_work/",
        "_work/_work/S1/wgs/align/k/1/",
    ],
)  # fmt: skip
def test_a_work_folder_of_another_sample_or_stage_is_refused(work: str) -> None:
    assert refused(a_plan(structs.replace(a_stage(), work="_work/S1/wgs/align/k/3/"))) == ""
    stray = structs.replace(a_stage(), work=work)
    assert "stage align works in" in refused(a_plan(stray))


@pytest.mark.parametrize("bucket", [UPLOADS, REFERENCES, ""])
def test_results_in_another_bucket_than_the_plan_s_are_refused(bucket: str) -> None:
    assert "stage align writes to" in refused(a_plan(structs.replace(a_stage(), bucket=bucket)))


@pytest.mark.parametrize("name", ["../x", "/x", "a/../x", "", "a//b", "../"])
def test_an_output_that_would_leave_its_prefix_is_refused(name: str) -> None:
    assert f"has the output {name!r}" in refused(a_plan(a_stage(outputs=(Output(name),))))


@pytest.mark.parametrize(("stage", "key"), [("../align", "k"), ("align", "../k"), ("", "k")])
def test_a_stage_whose_name_or_key_is_no_part_of_a_path_is_refused(stage: str, key: str) -> None:
    odd = structs.replace(a_stage(), stage=stage, key=key, prefix=f"S1/wgs/{stage}/{key}/1/")
    assert "can't be a part of a path" in refused(a_plan(odd))


@pytest.mark.parametrize(
    ("bucket", "key"),
    [
        (BUCKET, "S2/wgs/align/k/1/alignment.bam"),
        (BUCKET, "S1/wgs/../../S2/wgs/align/k/1/alignment.bam"),
        (BUCKET, "S1/wes/align/k/1/alignment.bam"),
        (UPLOADS, "S2_R1.fastq.gz"),
        (UPLOADS, "g/1/S2_R1.fastq.gz"),
        (REFERENCES, "g/2/sequence/genome.fa"),
        (REFERENCES, "g/10/sequence/genome.fa"),
        (REFERENCES, "g/1/../2/genome.fa"),
        (REFERENCES, "/g/1/genome.fa"),
        (REFERENCES, "g/1/"),
        (REFERENCES, "genome.fa"),
        (REFERENCES, ""),
    ],
)
def test_a_reference_file_that_is_another_sample_s_or_another_reference_s_is_refused(
    bucket: str, key: str
) -> None:
    assert "is not its sample's nor its reference's" in refused(a_plan(reading(key, bucket)))


def test_reads_from_the_bucket_of_the_results_are_refused() -> None:
    theirs = structs.replace(PAIR, r2=StoredObject(BUCKET, "S2/wgs/align/k/1/x.fastq.gz", 1))
    assert "are in the bucket of the results" in refused(a_plan(pairs=(theirs,)))


def test_reference_files_from_two_buckets_are_refused() -> None:
    files = (
        LocalFile("a", StoredObject(REFERENCES, "g/1/a", 1)),
        LocalFile("b", StoredObject("elsewhere", "g/1/b", 1)),
    )
    assert "several buckets" in refused(a_plan(a_stage(reference_files=files)))


def test_a_comparison_reads_the_run_before_of_the_same_sample_and_its_reference() -> None:
    files = tuple(
        LocalFile(f"before/{number}", StoredObject(bucket, key, 1))
        for number, (bucket, key) in enumerate(
            [
                (BUCKET, "S1/wgs/call/other/1/variants.vcf.gz"),
                (BUCKET, "S1/wgs/runs/older/2/run.json"),
                (REFERENCES, "older/3/sequence/genome.fa"),
                (REFERENCES, "g/1/sequence/genome.fa"),
            ]
        )
    )
    assert refused(a_plan(a_stage(COMPARE, reference_files=files))) == ""
    theirs = LocalFile("before/x", StoredObject(BUCKET, "S2/wgs/runs/older/2/run.json", 1))
    hostile = a_stage(COMPARE, reference_files=(*files, theirs))
    assert "S2/wgs/runs/older/2/run.json" in refused(a_plan(hostile))


def an_index(**parts: Any) -> tuple[RunPlan, ObjectName]:
    """The plan that makes the indexes of a reference, and its place."""
    stage = structs.replace(
        a_stage("bwa", reads=""), bucket=REFERENCES, prefix="g/1/indexes/bwa/", key="0a1b"
    )
    file = LocalFile("genome.fa", StoredObject(REFERENCES, "g/1/sequence/genome.fa", 1))
    stage = structs.replace(stage, **{"reference_files": (file,), **parts})
    plan = RunPlan("g", "reference", "1", 1, "g/1/", "references", (stage,))
    return plan, ObjectName(REFERENCES, "g/1/plan.json")


def test_the_plan_of_a_reference_s_indexes_keeps_to_its_own_version() -> None:
    assert refused(*an_index()) == ""
    theirs = LocalFile("genome.fa", StoredObject(REFERENCES, "g/2/sequence/genome.fa", 1))
    assert "g/2/sequence/genome.fa" in refused(*an_index(reference_files=(theirs,)))
    for prefix in ("g/2/indexes/bwa/", "g/1/sequence/", "g/1/indexes/../sequence/", ""):
        assert "stage bwa writes to" in refused(*an_index(prefix=prefix))


def test_only_files_of_a_reference_are_kept_for_other_jobs() -> None:
    scope = PlanScope(a_plan(), PLACE)
    assert scope.is_of_reference(StoredObject(REFERENCES, "g/1/sequence/genome.fa", 1))
    assert not scope.is_of_reference(StoredObject(BUCKET, "S1/wgs/call/k/1/variants.vcf.gz", 1))
    index = PlanScope(*an_index())
    assert index.is_of_reference(StoredObject(REFERENCES, "g/1/sequence/genome.fa", 1))
    assert not index.is_of_reference(StoredObject(BUCKET, "S1/wgs/call/k/1/x", 1))
