"""Why a sample is not done: every state that the catalog can hold has an answer."""

import itertools
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from cli.main import app
from seqdrop.aws.catalog.layout import SampleItems
from seqdrop.console_links import ConsoleLinks
from seqdrop.domain.admission import Kept
from seqdrop.domain.blocked import REMEDIES
from seqdrop.domain.failure import RULES, Action, FailureClass
from seqdrop.domain.gate import Gate
from seqdrop.domain.identity import RunId, StageOf
from seqdrop.domain.records import (
    JOB_STATUSES,
    Analysis,
    AnalysisStatus,
    Attempt,
    Job,
    Run,
    RunStatus,
    StageRun,
)
from seqdrop.sample_view import AnalysisView, view_sample
from seqdrop.why import Why, why, why_lines
from tests.domain_support import fastq
from tests.domain_support import job as job_of

RUN = RunId("NA1", "wgs", "abc", 1)
BEGUN, NOW = "2026-01-01T09:00:00.000Z", datetime(2026, 1, 1, 9, 5, tzinfo=UTC)
MUCH_LATER = datetime(2026, 1, 3, tzinfo=UTC)
ENDED_FOR_GOOD = {"FAILED", "DISMISSED"}
"""Statuses under which no run goes on."""


def jobs_of(stage: str) -> Iterator[tuple[Job, ...]]:
    """Every state that the jobs of a stage can be in; none is one of them."""
    yield ()
    for status in (*JOB_STATUSES, "SUCCEEDED"):
        yield (one_job(stage, status=status),)
        yield (failed(stage, FailureClass.HOST_FAILED, Action.AGAIN), one_job(stage, 2, status))
    for code in (*REMEDIES, "MISCONFIGURATION:NEW"):
        blocked = f"{code} - why"
        yield (one_job(stage, status="RUNNABLE", blocked_reason=blocked, blocked_since=BEGUN),)
    for failure in FailureClass:
        for action in {RULES[failure].action, Action.FAIL, Action.FALL_BACK}:
            yield (failed(stage, failure, action),)
    yield (one_job(stage, status="FAILED", failure_class="lost", message="of the release before"),)


def one_job(stage: str, number: int = 1, status: str = "RUNNING", **given: Any) -> Job:
    times = {"created": BEGUN, "submitting": BEGUN, "started": BEGUN, "ended": BEGUN}
    return job_of(StageOf(RUN, stage, number), status=status, job_id="1", **{**times, **given})


def failed(stage: str, failure: FailureClass, action: Action) -> Job:
    attempt = Attempt(9.0, BEGUN, BEGUN, 137, "its words", "i-0123456789abcdef0", "log/1", 0.01)
    return one_job(
        stage, status="FAILED", failure_class=failure, action=action, message="its words\nits tail",
        attempts=(attempt,), cost_usd=0.01, expected_seconds=60,
    )  # fmt: skip


def analysis_of(status: AnalysisStatus, **given: Any) -> Analysis:
    return Analysis("NA1", "wgs", status=status, updated=BEGUN, **given)


def run_of(status: RunStatus, **given: Any) -> Run:
    stages = (StageRun("align", "k", "p/", "cpu"), StageRun("call", "k", "p/", "cpu"))
    ended = "" if status.live else BEGUN
    return Run(
        "NA1", "wgs", "abc", 1, 1, status, stages=stages, claimed=BEGUN, started=BEGUN,
        ended=ended, **given,
    )  # fmt: skip


def view_of(analysis: Analysis, run: Run | None, jobs: tuple[Job, ...] = ()) -> AnalysisView:
    found = SampleItems((analysis,), (), (run,) if run else (), jobs)
    (shown,) = view_sample("NA1", found).analyses
    return shown


def everything() -> Iterator[tuple[str, AnalysisView]]:
    """All combinations of an analysis, its run, and the jobs of a stage."""
    for status in AnalysisStatus:
        for run_status in (None, *RunStatus):
            run = run_of(run_status) if run_status else None
            for active, jobs in itertools.product((None, RUN), jobs_of("align") if run else [()]):
                analysis = analysis_of(status, active_run=active, current_run=RUN if run else None)
                jobs_text = ", ".join(f"{job.status} {job.failure_class}" for job in jobs)
                name = f"{status}, run {run_status}, active {bool(active)}, {jobs_text}"
                yield name, view_of(analysis, run, jobs)
    for kept in Kept:
        yield (
            f"kept by {kept}",
            view_of(analysis_of(AnalysisStatus.READY, kept=kept, why="y"), None),
        )
    for alerted in ("", BEGUN):
        waits = analysis_of(AnalysisStatus.RECEIVING, alerted=alerted, why="waiting for R2")
        yield f"alerted {alerted}", view_of(waits, None)


COMMANDS = {command.name for command in app.registered_commands}


def check(name: str, found: Why) -> None:
    """What an answer must have, whatever it is about."""
    assert found.state, name
    assert found.cause.strip(), name
    text = "\n".join([found.state, *why_lines(found)])
    assert "None" not in text, (name, text)
    assert not re.search(r"\bnothing needs doing\b", text) or found.needs_nothing, name
    assert found.needs_nothing or found.by_itself or found.do, name
    for command in re.findall(r"`seqdrop ([a-z]+)", text):
        assert command in COMMANDS, (name, command)


def test_every_combination_of_states_has_a_cause_and_a_next_step() -> None:
    count = 0
    for name, shown in everything():
        for now in (NOW, MUCH_LATER):
            check(name, why("NA1", shown, now))
            count += 1
    assert count > 5_000


def test_nobody_is_told_what_seqdrop_would_refuse() -> None:
    """While a run goes on, `rerun` and `dismiss` are refused."""
    for name, shown in everything():
        if shown.active_run and shown.status not in ENDED_FOR_GOOD:
            for now in (NOW, MUCH_LATER):
                for do in why("NA1", shown, now).do:
                    assert "seqdrop dismiss" not in do, (name, do)
                    assert "seqdrop rerun" not in do or "--now" in do, (name, do)


def test_what_has_stopped_going_on_by_itself_is_left_to_nobody() -> None:
    """After a quarter of an hour, what takes seconds says what a person can do."""
    for name, shown in everything():
        found = why("NA1", shown, MUCH_LATER)
        assert "seconds" not in found.by_itself, (name, found)
        if not found.by_itself and shown.status not in {"ANALYSED", "NO_READS"}:
            assert found.do, name


JUST_RERUN = {failure for failure in FailureClass if RULES[failure].do == "rerun it"}
"""Of these, the command says all that there is to do."""


@pytest.mark.parametrize("failure", FailureClass)
def test_a_failure_is_told_with_its_meaning_its_remedy_and_its_attempts(
    failure: FailureClass,
) -> None:
    said = "align: its words\nits tail"
    analysis = analysis_of(AnalysisStatus.FAILED, why=said)
    shown = view_of(
        analysis, run_of(RunStatus.FAILED, failure=said), (failed("align", failure, Action.FAIL),)
    )
    found = why("NA1", shown, NOW)
    assert found.state == f"{failure} in stage align: {RULES[failure].means}"
    assert found.cause == "align: its words\nits tail"
    assert found.do[0] == "`seqdrop logs NA1 align` shows all that it wrote"
    assert RULES[failure].do in found.do or failure in JUST_RERUN
    assert found.evidence[0] == (
        f"align, attempt 1: {failure}, its words, exit code 137, on i-0123456789abcdef0, ran 0.0 s,"
        " $0.01"
    )


def test_a_stage_that_fell_with_another_is_not_the_cause() -> None:
    stopped = failed("call", FailureClass.STOPPED, Action.FAIL)
    jobs = (failed("align", FailureClass.DISK_FULL, Action.FAIL), stopped)
    run = run_of(RunStatus.FAILED, failure="align: its words")
    shown = view_of(analysis_of(AnalysisStatus.FAILED), run, jobs)
    assert why("NA1", shown, NOW).state.startswith("DiskFull in stage align")


def test_a_run_that_ended_by_itself_is_not_said_to_have_been_stopped() -> None:
    run = run_of(RunStatus.FAILED, failure="the execution ended as TIMED_OUT")
    jobs = (failed("align", FailureClass.STOPPED, Action.FAIL),)
    found = why("NA1", view_of(analysis_of(AnalysisStatus.FAILED), run, jobs), NOW)
    assert found.state == "its run failed, and no job of it did"
    assert found.cause == "the execution ended as TIMED_OUT"


def test_a_shut_gate_is_why_its_jobs_wait_and_not_why_others_run() -> None:
    gate = Gate("cpu", "shut", "LicenceExhausted: used up", since=BEGUN, probe_at=BEGUN)
    for status, state in (("RUNNABLE", "waiting, as all"), ("RUNNING", "running")):
        found = SampleItems(
            (analysis_of(AnalysisStatus.ANALYSING, active_run=RUN),), (),
            (run_of(RunStatus.RUNNING),), (one_job("align", status=status),),
        )  # fmt: skip
        (shown,) = view_sample("NA1", found, gates=[gate]).analyses
        assert why("NA1", shown, NOW).state.startswith(f"stage align is {state}")
    (shown,) = view_sample("NA1", found, gates=[Gate("cpu")]).analyses
    assert shown.newest_stages[0].gate is None


@pytest.mark.parametrize("failure", [one for one in FailureClass if RULES[one].cure])
def test_a_breaker_is_resumed_only_after_its_cure(failure: FailureClass) -> None:
    gate = Gate("cpu", "shut", f"{failure}: its words", since=BEGUN, probe_at=BEGUN)
    found = SampleItems(
        (analysis_of(AnalysisStatus.ANALYSING, active_run=RUN),), (),
        (run_of(RunStatus.RUNNING),), (one_job("align", status="RUNNABLE"),),
    )  # fmt: skip
    (shown,) = view_sample("NA1", found, gates=[gate]).analyses
    begin = f"{RULES[failure].cure}; only then `seqdrop resume cpu`"
    assert why("NA1", shown, NOW).do[0].startswith(begin)
    assert RULES[failure].do.startswith(RULES[failure].cure)


def test_commands_name_the_assay_where_a_sample_has_several() -> None:
    one, other = (Analysis("NA1", assay, status=AnalysisStatus.FAILED) for assay in ("wgs", "wes"))
    found = SampleItems((one, other), (), (), ())
    for shown in view_sample("NA1", found).analyses:
        (do,) = why("NA1", shown, NOW).do
        assert do == f"`seqdrop rerun NA1 --assay {shown.assay}` tries again"


@pytest.mark.parametrize(
    ("partition", "domain"),
    [("aws", "aws.amazon.com"), ("aws-cn", "amazonaws.cn"),
     ("aws-us-gov", "amazonaws-us-gov.com")],
)  # fmt: skip
def test_links_lead_to_the_console_of_the_region(partition: str, domain: str) -> None:
    links = ConsoleLinks("eu-west-1", partition, "/aws/batch/job")
    home = f"https://eu-west-1.console.{domain}"
    arn = "arn:aws:states:eu-west-1:1:execution:m:name"
    assert links.execution(arn) == (
        f"{home}/states/home?region=eu-west-1#/v2/executions/details/{arn}"
    )
    assert links.job("1-2") == f"{home}/batch/home?region=eu-west-1#jobs/detail/1-2"
    assert links.log("cpu/default/a1") == (
        f"{home}/cloudwatch/home?region=eu-west-1#logsV2:log-groups/log-group/"
        "$252Faws$252Fbatch$252Fjob/log-events/cpu$252Fdefault$252Fa1"
    )
    assert (links.execution(None), links.job(""), links.log(None)) == (None, "", None)


def test_a_run_its_jobs_and_its_attempts_have_links_where_there_is_a_console() -> None:
    run = run_of(
        RunStatus.FAILED,
        failure="align: x",
        execution="arn:aws:states:eu-west-1:1:execution:m:name",
    )
    job = failed("align", FailureClass.TOOL_FAILED, Action.FAIL)
    found = SampleItems((analysis_of(AnalysisStatus.FAILED),), (), (run,), (job,))
    links = ConsoleLinks("eu-west-1", "aws", "jobs")
    (shown,) = view_sample("NA1", found, links=links).analyses
    (stage, _) = shown.newest_stages
    assert stage.job_url == links.job("1")
    assert stage.tries[0].log_url == links.log("log/1")
    evidence = "\n".join(why("NA1", shown, NOW).links)
    assert f"execution: {links.execution(run.execution)}" in evidence
    assert f"job of align: {links.job('1')}" in evidence


def test_what_was_released_is_not_said_to_have_a_quiet_period() -> None:
    file = fastq("R1")
    found = SampleItems((analysis_of(AnalysisStatus.RECEIVING),), (file,), (), ())
    (shown,) = view_sample("NA1", found).analyses
    answer = why("NA1", shown, NOW)
    assert answer.by_itself == "that takes seconds"
    assert why("NA1", shown, MUCH_LATER).by_itself.startswith("the sweep has looked")
    assert "quiet" not in " ".join((answer.state, answer.cause, *answer.do))


def held_by(**holds: str) -> Why:
    files = (fastq("R1"), fastq("R2"))
    found = SampleItems((analysis_of(AnalysisStatus.HELD, holds=holds),), files, (), ())
    (shown,) = view_sample("NA1", found).analyses
    return why("NA1", shown, NOW)


def test_what_a_job_found_in_a_file_has_the_command_that_sends_it_again() -> None:
    r1, r2 = (fastq(mate).object.name for mate in ("R1", "R2"))
    answer = held_by(run=f"align: {r2.key} is cut off")
    both = tuple(f"`aws s3 cp FILE {one.uri}` if it is this one" for one in (r1, r2))
    assert answer.do[1:-1] == both, "nobody knows which of the mates is wrong"
    assert answer.by_itself == "it goes on when that is done: nobody has to rerun it"
    assert "seqdrop rerun" not in " ".join(answer.do), "it is refused"
    assert len(held_by(run="align: there is no read in any of the files").do) == 4, "both mates"
    answer = held_by(run=f"align: {r1.key} is cut off", stopped="stopped by somebody")
    assert both[0] in answer.do
    asked = answer.do.index("ask who stopped it whether that still holds")
    assert answer.do[asked + 1].startswith("compare the files")
    assert answer.do[-2].startswith("`seqdrop rerun NA1` lets it go on once that is done")
    assert not answer.by_itself


def test_a_hold_about_a_reference_asks_for_no_files() -> None:
    answer = held_by(claim="there is no reference tiny: add it, then rerun the sample")
    assert answer.do[0] == "do what is said above"
    assert "aws s3" not in " ".join(answer.do)
    named = f"{fastq('R1').object.key} is the same file as {fastq('R2').object.key}"
    answer = held_by(claim=named)
    assert answer.do[0] == "do what is said above"
    assert answer.by_itself, "another file under one of these names lifts it"


def test_a_job_that_was_moved_says_from_where_and_has_had_no_attempt() -> None:
    moved = msgspec.structs.replace(
        failed("align", FailureClass.MOVED, Action.MOVE), attempts=(), queue="lab-cpu-bulk"
    )
    after = one_job("align", 2, "RUNNABLE", earlier=(FailureClass.MOVED,))
    run = run_of(RunStatus.RUNNING, priority="urgent")
    shown = view_of(analysis_of(AnalysisStatus.ANALYSING, active_run=RUN), run, (moved, after))
    answer = why("NA1", shown, NOW)
    assert answer.evidence[0] == ("its priority is urgent now: it came from queue lab-cpu-bulk")
    assert answer.state == "stage align is waiting in queue cpu", "no attempt is counted"
