"""A run that falls back to CPUs: once, whatever comes twice, and never for other inputs."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from msgspec import structs

from seqdrop.aws.catalog.layout import SampleItems, read_sample
from seqdrop.aws.queues import UploadsQueue
from seqdrop.domain.assay_gate import Verdict
from seqdrop.domain.errors import Transient
from seqdrop.domain.records import AnalysisStatus, RunOptions
from seqdrop.flow.assay_gates import AssayGates
from seqdrop.sample_view import view_sample
from seqdrop.why import Why, why
from seqdrop.yaml_file import load_yaml
from tests.cloud_support import QUICK, Cloud, execution_event, open_cloud
from tests.lab import reads
from tests.run_support import Bench

ASSAYS = """
default: wgs
assays:
  wgs: {pipeline: fast, reference: tiny, fallback: slow, qc: {mapped_fraction: {warn_below: 0.5}}}
  slow: {pipeline: quick, reference: tiny, qc: {mapped_fraction: {fail_below: 0.999}}}
"""
SLOW = QUICK.replace("reads: files", "reads: files\n    measures: {a: flagstat}")
FAST = SLOW.replace("name: quick", "name: fast").replace("queue: cpu", "queue: fpga-genome", 1)
EXHAUSTED = {"Error": "NoJobLeft", "Cause": "align: licence"}

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """A pair whose run, on an FPGA, was claimed."""
    with open_cloud(tmp_path, monkeypatch) as cloud:
        (tmp_path / "assays.yaml").write_text(ASSAYS)
        (tmp_path / "fast.yaml").write_text(FAST)
        (tmp_path / "quick.yaml").write_text(SLOW)
        for mate in (1, 2):
            cloud.upload(f"NA1_{mate}.fastq.gz", reads(5, mate=mate))
        yield Bench(cloud, next(iter(cloud.executions.started.values())))


@pytest.fixture
def failed(bench: Bench) -> Bench:
    """Its job has found the licence used up."""
    bench.state("plan_run")
    bench.stage("submit_job")
    end = bench.ended("FAILED", 35)
    bench.cloud.deliver("record_job_event", end, end)
    return bench


def dies(*_: object) -> None:
    """In the place of a call that does not come through."""
    raise EndpointConnectionError(endpoint_url="sqs")


def work(cloud: Cloud) -> None:
    """The functions do what messages ask for, each twice."""
    due = cloud.messages()
    if not due:
        return
    assert cloud.deliver("register_upload", *due) == []
    assert cloud.deliver("register_upload", *due) == []


def found(bench: Bench) -> SampleItems:
    """All that the catalog has of the sample."""
    return read_sample(bench.cloud.catalog.analyses.partition("NA1"))


def runs(bench: Bench) -> list[tuple[str, str, str]]:
    """Pipeline, in whose place, and status of each run, the oldest first."""
    records = sorted(found(bench).runs, key=lambda run: run.claimed)
    return [(run.pipeline, run.instead_of, str(run.status)) for run in records]


SOON_AFTER_THE_JOB = datetime(1970, 1, 1, 1, 1, tzinfo=UTC)
"""Batch's events of the bench are of 1970."""


def told(folder: Path, assays: str) -> None:
    """A deploy, which starts the functions anew."""
    (folder / "assays.yaml").write_text(assays)
    load_yaml.cache_clear()


def goes_on(bench: Bench, options: RunOptions) -> None:
    """A person lets it go on."""
    bench.cloud.catalog.analyses.release(bench.analysis, "ana", options, bench.cloud.clock())
    bench.cloud.flows.claiming.advance(bench.ids.analysis)


def finished(bench: Bench) -> Bench:
    """The run that goes on, ended well."""
    ids = bench.analysis.active_run
    assert ids is not None
    second = Bench(bench.cloud, ids)
    second.state("plan_run")
    for stage in second.plan.stages:
        if not stage.reused:
            second.publish(stage.stage)
    second.state("finish_run")
    return second


def fallen_back(bench: Bench) -> Bench:
    """The run that has taken the place of the failed one, planned."""
    bench.state("record_failure", failure=EXHAUSTED)
    work(bench.cloud)
    ids = bench.analysis.active_run
    assert ids is not None
    second = Bench(bench.cloud, ids)
    second.state("plan_run")
    return second


def answer_now(bench: Bench) -> Why:
    """What `seqdrop why` says."""
    (shown,) = view_sample("NA1", found(bench)).analyses
    return why("NA1", shown, SOON_AFTER_THE_JOB)


def test_its_place_is_taken_once_by_a_run_of_the_fallback(failed: Bench) -> None:
    assert failed.cloud.executions.answers[-1][1].startswith("NoJobLeft: align: ")
    answer = failed.state("record_failure", failure=EXHAUSTED)
    assert answer["error"] == "LicenceExhausted"
    assert failed.state("record_failure", failure=EXHAUSTED) == answer
    there = failed.analysis
    assert there.status is AnalysisStatus.READY
    assert there.why == (
        "fast got no FPGA (LicenceExhausted in stage align): its fall-back, slow, comes next"
    )
    work(failed.cloud)
    work(failed.cloud)
    assert runs(failed) == [("fast", "", "FAILED"), ("quick", "fast", "CLAIMED")]
    assert len(failed.cloud.executions.started) == 2
    assert failed.analysis.options is None


def test_who_dies_before_the_message_of_a_closed_run_is_made_up_for(
    failed: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(UploadsQueue, "recheck", dies)
        with pytest.raises(Transient):
            failed.state("record_failure", failure=EXHAUSTED)
    assert failed.analysis.status is AnalysisStatus.READY
    failed.cloud.flows.claiming.advance(failed.ids.analysis)  # as the sweep does
    assert runs(failed)[-1] == ("quick", "fast", "CLAIMED")
    failed.state("record_failure", failure=EXHAUSTED)
    work(failed.cloud)
    assert len(failed.cloud.executions.started) == 2


def test_it_is_judged_by_the_limits_of_the_fallback_and_is_never_pass(failed: Bench) -> None:
    second = fallen_back(failed)
    assert {stage.queue for stage in second.plan.stages} == {"cpu"}
    for stage in ("align", "call"):
        second.publish(stage)
    assert second.state("finish_run") == {"status": "SUCCEEDED", "qc": "FAIL"}
    assert "`seqdrop rerun NA1` makes those of fast" in answer_now(failed).do
    limit, mark, *_ = second.run.qc_reasons
    assert limit.startswith("FAIL: mapped_fraction is 0.99")
    assert mark.startswith("WARN: made by quick in place of fast (LicenceExhausted in stage align)")
    assert second.shown_run.instead_of == "fast"
    assert second.shown_run.options.fallback == "LicenceExhausted in stage align"
    assert failed.analysis.current_run == second.ids


def test_a_run_that_was_no_fallback_is_not_adopted_as_one(failed: Bench, tmp_path: Path) -> None:
    """The assay had the pipeline of its fall-back before, and has good results of it."""
    own = ASSAYS.replace("pipeline: fast", "pipeline: quick").replace("fallback: slow, ", "")
    failed.cloud.flows.closing.end(failed.ids, "FAILED", "for another cause", "test")
    told(tmp_path, own)
    goes_on(failed, RunOptions())
    finished(failed)
    told(tmp_path, ASSAYS)
    goes_on(failed, RunOptions(fallback="asked for by hand"))
    assert runs(failed)[1:] == [("quick", "", "SUCCEEDED"), ("quick", "fast", "CLAIMED")]
    finished(failed)
    goes_on(failed, RunOptions(fallback="asked for by hand"))
    assert len(runs(failed)) == 3, "the one that was a fall-back is adopted"
    assert failed.analysis.status is AnalysisStatus.ANALYSED
    assert "in place of fast" in failed.analysis.why


def test_a_fallback_says_nothing_of_its_assay_s_breaker(failed: Bench) -> None:
    ended: list[Any] = []
    failed.state("record_failure", failure=EXHAUSTED)
    work(failed.cloud)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AssayGates, "run_ended", lambda _, _assay, end: ended.append(end.verdict))
        finished(failed)
    assert ended == [Verdict.NONE]


def test_a_control_s_run_says_in_whose_place_it_is(failed: Bench) -> None:
    failed.state("record_failure", failure=EXHAUSTED)
    work(failed.cloud)
    with pytest.MonkeyPatch.context() as patch:
        there = structs.replace(failed.analysis, control=True)
        patch.setattr(type(failed.cloud.catalog.analyses), "get", lambda *_: there)
        patch.setattr(failed.cloud.catalog.analyses, "get", lambda *_: there, raising=False)
        second = finished(failed)
    assert any(line.startswith("WARN: made by quick in place of") for line in second.run.qc_reasons)


def test_inputs_that_changed_meanwhile_get_a_run_of_their_own_pipeline(failed: Bench) -> None:
    failed.cloud.upload("NA1_2.fastq.gz", reads(5, mate=2, lane=1, seed=9))
    failed.cloud.upload("NA1_1.fastq.gz", reads(5, mate=1, lane=1, seed=9))
    failed.state("record_failure", failure=EXHAUSTED)
    work(failed.cloud)
    assert [run[:2] for run in runs(failed)] == [("fast", ""), ("fast", "")]


def test_a_fallback_that_was_taken_out_of_the_assay_meanwhile_is_not_used(
    failed: Bench, tmp_path: Path
) -> None:
    failed.state("record_failure", failure=EXHAUSTED)
    told(tmp_path, ASSAYS.replace("fallback: slow, ", ""))
    work(failed.cloud)
    assert [run[:2] for run in runs(failed)] == [("fast", ""), ("fast", "")]


def test_why_says_what_comes_next_and_what_it_is_in_place_of(failed: Bench) -> None:
    by_itself = answer_now(failed).by_itself
    assert by_itself.endswith("one as its assay's fall-back makes it takes its place")
    failed.state("record_failure", failure=EXHAUSTED)
    assert answer_now(failed).cause.endswith("its fall-back, slow, comes next")
    work(failed.cloud)
    ids = failed.analysis.active_run
    assert ids is not None
    second = Bench(failed.cloud, ids)
    second.state("plan_run")
    second.stage("submit_job")
    evidence = answer_now(failed).evidence
    assert evidence[0] == "quick in place of fast: LicenceExhausted in stage align"


def test_inputs_that_changed_after_the_close_try_for_an_fpga_first(failed: Bench) -> None:
    failed.state("record_failure", failure=EXHAUSTED)
    failed.cloud.upload("NA1_2.fastq.gz", reads(5, mate=2, lane=1, seed=9))
    failed.cloud.upload("NA1_1.fastq.gz", reads(5, mate=1, lane=1, seed=9))
    work(failed.cloud)
    assert [run[:2] for run in runs(failed)] == [("fast", ""), ("fast", "")]


def test_a_run_that_record_failure_could_not_close_falls_back_by_its_execution_s_end(
    failed: Bench,
) -> None:
    event = execution_event(failed.ids, "FAILED", error="Lambda.Unknown")
    failed.cloud.deliver("end_run", event, event)
    work(failed.cloud)
    assert runs(failed) == [("fast", "", "FAILED"), ("quick", "fast", "CLAIMED")]


def test_a_run_that_is_stopped_does_not_fall_back(failed: Bench) -> None:
    failed.cloud.deliver("end_run", execution_event(failed.ids, "ABORTED", cause="stopped by ana"))
    work(failed.cloud)
    assert failed.analysis.status is AnalysisStatus.HELD
    assert len(runs(failed)) == 1


def test_where_the_fallback_could_not_be_claimed_either_its_job_waits_for_the_fpga(
    bench: Bench, tmp_path: Path
) -> None:
    slow = SLOW.replace("reference: [sequence]", "reference: [sequence]\n    indexes: [none]", 1)
    (tmp_path / "quick.yaml").write_text(slow)
    load_yaml.cache_clear()
    bench.cloud.flows.closing.end(bench.ids, "FAILED", "for another cause", "test")
    goes_on(bench, RunOptions())
    (_, second) = sorted(found(bench).runs, key=lambda run: run.claimed)
    assert (second.pipeline, second.fallback) == ("fast", "")


def test_a_claim_from_before_its_run_failed_does_not_undo_the_fallback(failed: Bench) -> None:
    stale = structs.replace(failed.analysis, active_run=None, status=AnalysisStatus.READY)
    failed.state("record_failure", failure=EXHAUSTED)
    claiming = failed.cloud.flows.claiming
    claiming._start(stale, claiming._config(stale))
    assert len(runs(failed)) == 1, "it was decided from what is not so any more"
    work(failed.cloud)
    assert runs(failed)[-1] == ("quick", "fast", "CLAIMED")


def test_a_fallback_that_failed_says_how_it_goes_on(failed: Bench) -> None:
    second = fallen_back(failed)
    second.stage("submit_job")
    failed.cloud.deliver("record_job_event", second.ended("FAILED", 20, 2))
    second.state("record_failure", failure={"Error": "ToolFailed", "Cause": "align: x"})
    answer = answer_now(failed)
    assert (
        "`seqdrop rerun NA1 --fallback` makes what is missing; finished stages stand" in answer.do
    )
    assert "`seqdrop rerun NA1` tries fast again" in answer.do
    assert answer.evidence[0].startswith("quick in place of fast: ")
