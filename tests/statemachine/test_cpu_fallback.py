"""Runs that fall back to CPUs where no FPGA is to be had, and the assay allows it: for real.

It has a runtime of its own, so it comes before the files that share one: they are run in the order
of their names.
"""

import json
from collections.abc import Iterator

import pytest

from seqdrop.aws.queues import UploadsQueue
from seqdrop.composition import now
from seqdrop.domain.records import Run, RunOptions
from tests.statemachine.bench import QUICK, Bench, entered, open_bench
from tests.statemachine.test_breaker import QUEUE, gate, gates, runnable
from tests.statemachine.test_failures import jobs_of

EXHAUSTED = "ERROR: the license has expired"
BAD_BOARD = "**  An issue has been detected with the dragen card."
ASSAYS = """
default: quick
assays:
  quick: {pipeline: quick, reference: tiny, fallback: plain}
  strict: {pipeline: quick, reference: tiny}
  plain: {pipeline: plain, reference: tiny, qc: {mapped_fraction: {warn_below: 0.5}}}
"""
PLAIN = QUICK.replace("name: quick", "name: plain").replace("fpga-genome", "cpu")


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    own = {"assays.yaml": ASSAYS, "plain.yaml": PLAIN.replace("right", "slow")}
    folder = tmp_path_factory.mktemp("fallback")
    with open_bench(folder, own, wait_for_hosts_seconds=600) as opened:
        yield opened


@pytest.fixture(autouse=True)
def forget(lab: Bench) -> Iterator[None]:
    yield
    gates(lab).free(QUEUE, "a test")
    lab.forget()


def by_fallback(lab: Bench, sample: str) -> tuple[Run, Run]:
    """The run that got no FPGA, and the one that took its place; its results are the sample's."""
    analysis = lab.lab.wait_for(sample, "quick", "ANALYSED")
    first, second = lab.lab.runs(sample, "quick")
    assert (first.status, first.pipeline, first.instead_of) == ("FAILED", "quick", "")
    assert (second.status, second.pipeline, second.instead_of) == ("SUCCEEDED", "plain", "quick")
    assert analysis.current_run == second.id
    assert analysis.options is None
    return first, second


def test_a_licence_that_is_used_up_costs_one_job_and_the_run_is_made_on_cpu(lab: Bench) -> None:
    sample = lab.new_sample()
    lab.break_("right", EXHAUSTED)
    lab.drop_pair(sample)
    first, second = by_fallback(lab, sample)
    (job,) = jobs_of(lab, sample, "right")
    assert (job.failure_class, job.action) == ("LicenceExhausted", "fall_back")
    assert first.failure.startswith("right: ")
    assert first.failure.endswith(EXHAUSTED)
    assert second.qc == "WARN", "never PASS: it is not what the assay promises"
    (warning,) = (line for line in second.qc_reasons if "in place of" in line)
    assert warning.startswith(
        "WARN: made by plain in place of quick (LicenceExhausted in stage right): not equivalent"
    )
    assert {stage.stage for stage in second.stages} == {"count", "left", "slow"}
    body = (
        lab.lab.client("s3")
        .get_object(Bucket=lab.lab.results, Key=f"{second.id.folder}run.json")["Body"]
        .read()
    )
    record = json.loads(body)
    assert (record["pipeline"], record["instead_of"]) == ("plain", "quick")
    history = lab.lab.client("stepfunctions").describe_execution(executionArn=first.execution)
    assert history["error"] == "LicenceExhausted", "the execution says what happened"


def test_a_board_that_does_not_work_is_left_when_its_jobs_are_used_up(lab: Bench) -> None:
    sample = lab.new_sample()
    lab.break_("right", BAD_BOARD)
    lab.drop_pair(sample)
    by_fallback(lab, sample)
    actions = [job.action for job in jobs_of(lab, sample, "right")]
    assert actions == ["again", "again", "fall_back"]


def test_jobs_that_wait_for_a_breaker_are_left_when_they_are_polled(lab: Bench) -> None:
    lab.break_("right", EXHAUSTED)
    breaks = lab.new_sample()
    lab.drop_pair(breaks)
    by_fallback(lab, breaks)
    lab.lab.wait_until(lambda: gate(lab).state == "shut")
    waits = lab.new_sample()
    lab.drop_pair(waits)
    by_fallback(lab, waits)
    (job,) = jobs_of(lab, waits, "right")
    assert (job.failure_class, job.action, job.started) == ("StuckInQueue", "fall_back", "")
    assert "BREAKER_OPEN - LicenceExhausted" in job.message
    assert gate(lab).state == "shut", "nobody frees it by that"


def test_a_person_s_pause_is_waited_for(lab: Bench) -> None:
    gates(lab).pause(QUEUE, "ana", "new AMI")
    sample = lab.new_sample()
    lab.drop_pair(sample)
    lab.lab.wait_until(lambda: runnable(lab, [sample]) == 1)
    lab.lab.wait_until(lambda: "PollJob" in entered(lab, sample))
    lab.lab.wait_until(lambda: runnable(lab, [sample]) == 1)
    gates(lab).free(QUEUE, "ana")
    lab.lab.wait_for(sample, "quick", "ANALYSED")
    (run,) = lab.lab.runs(sample, "quick")
    assert (run.pipeline, run.instead_of, run.qc) == ("quick", "", "PASS")


def test_an_assay_without_a_fallback_waits_for_its_fpga(lab: Bench) -> None:
    sample = lab.new_sample()
    lab.break_("right", BAD_BOARD)
    lab.drop_pair(sample, "strict/")
    lab.lab.wait_for(sample, "strict", "FAILED")
    assert [run.pipeline for run in lab.lab.runs(sample, "strict")] == ["quick"]


def test_what_failed_for_another_cause_does_not_fall_back(lab: Bench) -> None:
    sample = lab.new_sample()
    lab.break_("right", "told to fail")
    lab.drop_pair(sample)
    lab.lab.wait_for(sample, "quick", "FAILED")
    (run,) = lab.lab.runs(sample, "quick")
    assert run.failure.startswith("right: ")
    assert jobs_of(lab, sample, "right")[-1].failure_class == "ToolFailed"


def test_a_failure_of_the_fallback_ends_there(lab: Bench) -> None:
    sample = lab.new_sample()
    lab.break_("right", EXHAUSTED)
    lab.break_("slow", "told to fail")
    lab.drop_pair(sample)
    lab.lab.wait_until(lambda: len(lab.lab.runs(sample, "quick")) == 2, 60)
    lab.lab.wait_for(sample, "quick", "FAILED")
    assert [run.pipeline for run in lab.lab.runs(sample, "quick")] == ["quick", "plain"]


def test_a_good_run_of_the_assay_s_own_pipeline_is_never_put_aside_for_a_fallback(
    lab: Bench,
) -> None:
    sample = lab.new_sample()
    lab.drop_pair(sample)
    good = lab.lab.wait_for(sample, "quick", "ANALYSED").current_run
    lab.break_("right", EXHAUSTED, times=1)
    analysis = lab.lab.analysis(sample, "quick")
    assert analysis is not None
    lab.lab.catalog.analyses.release(analysis, "ana", RunOptions(fresh=True), now())
    uploads = UploadsQueue(lab.lab.client("sqs"), lab.lab.runtime.outputs["UploadsQueueUrl"])
    uploads.recheck(analysis.id)
    lab.lab.wait_until(lambda: gate(lab).state == "shut")
    gates(lab).free(QUEUE, "a test")
    lab.lab.wait_for(sample, "quick", "ANALYSED")
    assert [run.pipeline for run in lab.lab.runs(sample, "quick")] == ["quick", "quick"]
    assert good is not None
