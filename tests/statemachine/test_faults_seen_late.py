"""Faults that their usual witness does not see: the next one does all that the first would have."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from moto.batch.responses import BatchResponse

from seqdrop.domain.identity import AnalysisId, ReferenceId
from seqdrop.domain.plan import LocalFile, StoredObject
from seqdrop.domain.reference import ReferenceState
from tests.lab import fasta, make_genome
from tests.statemachine.bench import Bench, entered
from tests.statemachine.test_faults import Gate, gated_submissions, kill_the_job_of


@contextmanager
def job_events_lost(bench: Bench) -> Iterator[None]:
    """No event of any job arrives."""
    events = bench.lab.client("events")
    rule = next(r["Name"] for r in events.list_rules()["Rules"] if "JobEvents" in r["Name"])
    events.disable_rule(Name=rule)
    try:
        yield
    finally:
        events.enable_rule(Name=rule)


@contextmanager
def submissions_held(stage: str) -> Iterator[Gate]:
    """The first submission of a stage waits at the gate; those of others go through."""
    submit, gate = BatchResponse.submitjob, Gate()

    def held(response: Any) -> str:
        if json.loads(response.body)["jobName"].endswith(f"-{stage}"):
            gate.hold()
        return str(submit(response))

    BatchResponse.submitjob = held
    try:
        yield gate
    finally:
        BatchResponse.submitjob = submit
        gate.open.set()


def test_job_killed_without_a_word_or_an_event_is_explained_by_the_poll(bench: Bench) -> None:
    sample, lab = bench.new_sample(), bench.lab
    with job_events_lost(bench):
        bench.hold("count")
        bench.drop_pair(sample)
        kill_the_job_of(bench, "count")
        bench.pid("count")
        bench.let_go("count")
        lab.wait_for(sample, "quick", "ANALYSED")
    jobs = [job for job in lab.jobs(sample, "quick") if job.stage == "count"]
    assert [job.failure_class for job in jobs] == ["HostFailed", ""]
    assert entered(bench, sample).count("SubmitJob") == 3 + 1, "a poll leads back to it"


def test_job_that_failed_before_its_submission_was_recorded_fails_the_run(bench: Bench) -> None:
    sample, gate, lab = bench.new_sample(), Gate(), bench.lab
    bench.break_("count")
    with gated_submissions(after=gate):
        bench.drop_pair(sample)
        assert gate.reached.wait(30)
        lab.wait_until(lambda: [j for j in lab.jobs(sample, "quick") if j.status == "FAILED"])
    assert "told to fail" in lab.wait_for(sample, "quick", "FAILED").why


def test_stage_that_fails_while_its_sibling_is_submitted_leaves_no_job(bench: Bench) -> None:
    sample, lab = bench.new_sample(), bench.lab
    bench.break_("left")
    bench.hold("right")
    with submissions_held("right") as gate:
        bench.drop_pair(sample)
        assert gate.reached.wait(30)
        lab.wait_for(sample, "quick", "FAILED")
    lab.wait_until(lambda: all(job.job_id for job in lab.jobs(sample, "quick")))
    lab.wait_until(lambda: not lab.live_batch_jobs())
    assert [run.status for run in lab.runs(sample, "quick")] == ["FAILED"]


def test_stop_of_a_run_whose_files_changed_lets_the_new_files_have_their_run(bench: Bench) -> None:
    sample, lab = bench.new_sample(), bench.lab
    bench.hold("count")
    bench.drop_pair(sample)
    bench.pid("count")
    [run] = lab.runs(sample, "quick")
    bench.drop_pair(sample, "quick/other/", flowcell="HOTHER", seed=2)
    lab.wait_until(lambda: len(lab.catalog.analyses.files(AnalysisId(sample, "quick"))) == 4)
    lab.client("stepfunctions").stop_execution(executionArn=run.execution, cause="by a test")
    lab.wait_until(lambda: lab.runs(sample, "quick")[0].status == "ABORTED")
    bench.let_go("count")
    lab.wait_for(sample, "quick", "ANALYSED")
    assert [run.status for run in lab.runs(sample, "quick")] == ["ABORTED", "SUCCEEDED"]


def test_manifest_that_gives_running_files_to_another_sample_stops_their_run(bench: Bench) -> None:
    wrong, right, lab = bench.new_sample(), bench.new_sample(), bench.lab
    bench.hold("count")
    bench.drop_pair(wrong)
    bench.pid("count")
    files = {"r1": f"{wrong}_R1.fastq.gz", "r2": f"{wrong}_R2.fastq.gz"}
    named = {"sample": right, "assay": "quick", "files": [files]}
    lab.drop_manifest(f"{right}.manifest.json", named)
    lab.wait_until(lambda: [run.status for run in lab.runs(wrong, "quick")] == ["ABORTED"])
    bench.let_go("count")
    lab.wait_for(right, "quick", "ANALYSED")


def test_reference_whose_file_is_not_what_was_added_fails_and_says_why(bench: Bench) -> None:
    lab, body, key = bench.lab, fasta(make_genome(5_000)), "changed/1/sequence/genome.fa"
    bucket, flow = lab.runtime.outputs["ReferencesBucket"], lab.references()
    lab.client("s3").put_object(Bucket=bucket, Key=key, Body=body)
    stored = StoredObject(bucket, key, len(body), sha256="0" * 64)
    flow.add(
        ReferenceId("changed", "1"), {"sequence": LocalFile("genome.fa", stored)}, 5_000, "test"
    )

    def failed() -> str:
        found = flow.refresh(ReferenceId("changed", "1"))
        return found.why if found and found.state is ReferenceState.FAILED else ""

    assert "genome.fa" in lab.wait_until(failed)
