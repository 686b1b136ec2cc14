"""Items, inputs and messages of the release before: read as they are, and gone on with."""

import base64
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from seqdrop.aws.catalog.layout import read_sample
from seqdrop.domain.blueprint import decode_blueprint
from seqdrop.domain.identity import (
    AnalysisId,
    FileIdentity,
    ObjectName,
    ReferenceId,
    RunId,
    SeenFile,
)
from seqdrop.domain.plan import StageResult, encode
from seqdrop.domain.records import AnalysisStatus, RunStatus
from seqdrop.domain.reference import ReferenceState
from seqdrop.sample_view import view_sample
from tests.cloud_support import TABLE, Cloud, client_of, open_cloud
from tests.infrastructure.stack import PROJECT
from tests.lab import reads
from tests.run_support import Bench

BEFORE = PROJECT / "tests/fixtures/release-before"
NA1, NA3 = AnalysisId("NA1", "wgs"), AnalysisId("NA3", "wgs")
LANE = [
    SeenFile(
        FileIdentity("lib1", "HTEST", "1", f"R{mate}", "001"),
        ObjectName("uploads", f"NA1_S1_L001_R{mate}_001.fastq.gz"),
    )
    for mate in (1, 2)
]


def kept(name: str) -> Any:
    """One of the files."""
    return json.loads((BEFORE / f"{name}.json").read_text("utf-8"))


EXECUTIONS = kept("inputs")["executions"]
RUNNING, CLAIMED = (RunId(**given) for given in EXECUTIONS.values())
FIRST = RunId(RUNNING.sample, RUNNING.assay, RUNNING.run_key, 1)


def binary(value: Any) -> Any:
    """An attribute as boto3 takes it."""
    if isinstance(value, dict):
        if list(value) == ["B"]:
            return {"B": base64.b64decode(value["B"])}
        return {name: binary(part) for name, part in value.items()}
    return [binary(part) for part in value] if isinstance(value, list) else value


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    with open_cloud(tmp_path, monkeypatch) as cloud:
        cloud.s3.create_bucket(Bucket="references")
        indexes = (PROJECT / "pipelines/references.yaml").read_text("utf-8")
        (tmp_path / "references.yaml").write_text(indexes)
        for item in kept("table"):
            client_of("dynamodb").put_item(TableName=TABLE, Item=binary(item))
        for bucket, objects in kept("objects").items():
            for key, body in objects.items():
                cloud.s3.put_object(Bucket=bucket, Key=key, Body=body.encode())
        cloud.clock.turn(3_600)
        yield cloud


def test_an_analysis_has_its_files_and_its_runs(cloud: Cloud) -> None:
    found = cloud.catalog.analyses.get(NA1)
    assert found is not None
    assert found.files_seen == set(LANE)
    assert found.expected == {file.object for file in LANE}
    assert (found.active_run, found.current_run) == (RUNNING, FIRST)
    files = cloud.catalog.analyses.files(NA1)
    assert {file.seen for file in files} == set(LANE)
    assert cloud.catalog.analyses.file(NA1, LANE[0].identity) in files


def test_a_run_and_its_jobs_know_each_other(cloud: Cloud) -> None:
    run = cloud.catalog.runs.get(RUNNING)
    assert run is not None
    assert (run.id, run.supersedes, run.reference) == (RUNNING, FIRST, "tiny/1")
    assert [one.attempt for one in cloud.catalog.runs.of_key(NA1, RUNNING.run_key)] == [1, 2]
    (job,) = cloud.catalog.jobs.of_run(RUNNING)
    assert (job.stage, job.status, job.token) == ("align", "RUNNING", "token of align")
    assert len(cloud.catalog.jobs.of_analysis(NA1)) == 3


def test_where_uploads_went_and_what_a_manifest_expects_is_read(cloud: Cloud) -> None:
    placement, (said,) = cloud.catalog.uploads.known(LANE[0].object)
    (file,) = (one for one in cloud.catalog.analyses.files(NA1) if one.seen == LANE[0])
    assert (placement.analysis, placement.version) == (NA1, file.object.version_id)
    assert said.file is not None
    assert (said.file.analysis, said.file.object) == (NA1, LANE[0].object)
    assert placement.by == said.manifest
    left_out, nobody = cloud.catalog.uploads.known(ObjectName("uploads", "readme.txt"))
    assert (left_out.analysis, left_out.note, nobody) == (None, "no FASTQ: left out", [])
    awaited, (said,) = cloud.catalog.uploads.known(ObjectName("uploads", "a/three_2.fastq.gz"))
    assert (awaited.version, awaited.analysis) == ("", None)
    assert said.file is not None
    assert said.file.analysis == NA3


@pytest.mark.parametrize("sample", ["NA1", "NA2"])
def test_an_event_that_the_release_before_has_handled_changes_nothing(
    cloud: Cloud, sample: str
) -> None:
    """Though the bucket has none of these objects: a version that is known is not fetched again."""
    before = cloud.items(sample)
    for number, file in enumerate(cloud.catalog.analyses.files(AnalysisId(sample, "wgs"))):
        event = cloud.drop(f"other{number}.txt", b"")
        event["detail"]["object"] |= {
            "key": file.object.key, "version-id": file.object.version_id, "etag": file.etag,
        }  # fmt: skip
        assert cloud.deliver("register_upload", event) == []
    assert cloud.items(sample) == before


def whole_pair(cloud: Cloud) -> list[dict[str, Any]]:
    """The events of both mates of NA3 in new versions, and of its manifest as it was."""
    files = [{"r1": "a/three_1.fastq.gz", "r2": "a/three_2.fastq.gz"}]
    said = json.dumps({"samples": [{"sample": "NA3", "assay": "wgs", "files": files}]})
    bodies = [reads(6, mate=mate, flowcell="HTHREE") for mate in (1, 2)]
    names = ["a/three_1.fastq.gz", "a/three_2.fastq.gz", "plate.manifest.json"]
    return [cloud.drop(*one) for one in zip(names, [*bodies, said.encode()], strict=True)]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_a_whole_upload_with_its_manifest_over_what_is_there_goes_on(
    cloud: Cloud, order: tuple[int, ...]
) -> None:
    events = whole_pair(cloud)
    for n in (*order, *order):
        assert cloud.deliver("register_upload", events[n]) == []
    found = cloud.catalog.analyses.get(NA3)
    assert found is not None
    assert found.holds == {}
    # READY where something came after the start: it goes on when the run that goes on has ended.
    # Where R1 came after it, that run is stopped, and R2 may be sent again, too.
    is_after_r2 = order.index(1) < order.index(0) and order[0] == 1
    going = {AnalysisStatus.ANALYSING, AnalysisStatus.READY}
    assert found.status in going | ({AnalysisStatus.RECEIVING} if is_after_r2 else set())
    assert found.expected == found.objects_seen
    files = {file.object.key: file.object.version_id for file in cloud.catalog.analyses.files(NA3)}
    assert files == {
        event["detail"]["object"]["key"]: event["detail"]["object"]["version-id"]
        for event in events[:2]
    }
    started = [run for run in cloud.executions.started.values() if run.sample == "NA3"]
    assert len(started) == 1
    for event in events[:2]:
        name = ObjectName("uploads", event["detail"]["object"]["key"])
        placement, known = cloud.catalog.uploads.known(name)
        (said,) = (one for one in known if not one.is_of_release_before)
        assert (placement.analysis, said.manifest.object.key) == (NA3, "plate.manifest.json")


def test_a_hold_of_the_release_before_ends_with_the_manifest_that_names_its_file(
    cloud: Cloud,
) -> None:
    held = AnalysisId("unplaced-8dab76d50d93", "wgs")
    assert cloud.catalog.analyses.get(held) is not None
    files = [{"r1": "odd name.fastq.gz", "r2": "b.gz"}]
    said = json.dumps({"samples": [{"sample": "NA7", "assay": "wgs", "files": files}]})
    cloud.upload("odd.manifest.json", said.encode())
    cloud.upload("odd name.fastq.gz", reads(5, mate=1, flowcell="HODD"))
    assert cloud.catalog.analyses.get(held) is None
    cloud.upload("b.gz", reads(5, mate=2, flowcell="HODD"))
    found = cloud.catalog.analyses.get(AnalysisId("NA7", "wgs"))
    assert found is not None
    assert found.status is AnalysisStatus.ANALYSING


def test_it_is_shown(cloud: Cloud) -> None:
    found = read_sample(cloud.catalog.analyses.partition("NA1"))
    (shown,) = view_sample("NA1", found).analyses
    assert (shown.active_run, shown.current_run) == (RUNNING.short, FIRST.short)
    newest, first = shown.runs
    assert (newest.supersedes, first.supersedes) == (FIRST.short, None)
    assert [stage.status for stage in newest.stages] == ["RUNNING", "WAITING"]


def test_a_run_goes_on_from_its_jobs_event_to_its_end(cloud: Cloud) -> None:
    bench = Bench(cloud, RUNNING)
    frozen = bench.run.blueprint
    assert decode_blueprint(frozen).stages.keys() == {"align", "call"}
    bench.publish("align", counts={"reads_in": 10, "identical_mates": 0})
    assert cloud.deliver("record_job_event", kept("messages")["job_event"]) == []
    assert cloud.executions.answers == [("token of align", "SUCCEEDED")]
    cloud.call("submit_job", {"stage": kept("inputs")["stage"], "token": "t", "execution": "e"})
    (request,) = cloud.batch.submitted
    assert request.name == RUNNING.job_name("call")
    bench.publish("call")
    assert bench.state("finish_run") == {"status": "SUCCEEDED", "qc": "PASS"}
    assert (bench.analysis.status, bench.analysis.current_run) == ("ANALYSED", RUNNING)
    assert bench.run.blueprint == frozen, "where it was, it stays"


def test_a_run_that_was_claimed_is_planned_and_goes_on(cloud: Cloud) -> None:
    bench = Bench(cloud, CLAIMED)
    assert len(bench.state("plan_run")["waves"]) == 2
    bench.stage("submit_job")
    assert bench.job.owner.stage == "align"
    for stage in ("align", "call"):
        bench.publish(stage)
    assert bench.state("finish_run")["status"] == "SUCCEEDED"
    assert bench.run.status is RunStatus.SUCCEEDED


def test_the_end_of_an_execution_ends_its_run_and_its_jobs(cloud: Cloud) -> None:
    bench = Bench(cloud, RUNNING)
    assert cloud.deliver("end_run", kept("messages")["execution_event"]) == []
    assert bench.run.status is RunStatus.ABORTED
    assert bench.run.failure == "stopped by an analyst: wrong plate"
    assert list(cloud.batch.terminated) == [bench.cloud.catalog.jobs.of_run(RUNNING)[0].job_id]


def test_a_message_that_waited_starts_what_has_waited_long_enough(cloud: Cloud) -> None:
    assert cloud.deliver("register_upload", kept("messages")["recheck"]) == []
    (started,) = cloud.executions.started.values()
    assert started.sample == "NA4"


def test_the_file_that_a_manifest_waits_for_completes_its_sample(cloud: Cloud) -> None:
    waiting = cloud.catalog.analyses.get(NA3)
    assert waiting is not None
    (missing,) = waiting.expected - waiting.objects_seen
    cloud.upload(missing.key, reads(5, mate=2, flowcell="HTHREE"))
    found = cloud.catalog.analyses.get(NA3)
    assert found is not None
    assert found.status is AnalysisStatus.ANALYSING


def test_an_index_that_was_being_made_is_taken_in(cloud: Cloud) -> None:
    reference = ReferenceId("g", "1")
    jobs = {job.stage: job for job in cloud.catalog.jobs.of_reference(reference)}
    result = StageResult("bwa", "k", (), {})
    key = f"{jobs['bwa'].prefix}bwa.json"
    cloud.s3.put_object(Bucket="references", Key=key, Body=encode(result))
    assert cloud.deliver("record_job_event", kept("messages")["index_event"]) == []
    found = cloud.catalog.references.get(reference)
    assert found is not None
    assert (found.state, set(found.indexes)) == (ReferenceState.PREPARING, {"bwa"})
