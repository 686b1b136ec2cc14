"""``seqdrop-runner s3://BUCKET/…/plan.json STAGE``: what every Batch image runs."""

import argparse
import os
import re
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

import msgspec

from runner import log
from runner.board import reset_board
from runner.descendants import end_own_children
from runner.faults import StageFault, machine_fault
from runner.host import ask_for_its_end, facts_of
from runner.log import OutcomeLog
from runner.objects import Objects, look_up_s3, make_client
from runner.settings import Settings, read_settings
from runner.stage import StageRun
from runner.streaming.mate_process import load_libraries
from seqdrop.domain.failure import EXIT_CODES, FailureClass, StageFailure
from seqdrop.domain.host_facts import HostFacts
from seqdrop.domain.identity import ObjectName
from seqdrop.domain.plan import RunPlan, decode_plan, encode
from seqdrop.domain.plan_scope import PlanScope

STOPPED_EXIT_CODE = 128 + signal.SIGTERM
_LOOK_SECONDS = 0.5
_S3_URI = re.compile(r"s3://([^/]+)/(.+)", re.DOTALL)


def main(arguments: list[str] | None = None) -> int:
    """Runs one stage; the exit code says whose move it is after a failure.

    Meant for a process of its own: at the end it ends every child that this process has.
    """
    parser = argparse.ArgumentParser(prog="seqdrop-runner", description=__doc__)
    parser.add_argument("plan", help="s3://BUCKET/KEY of the run's plan.json")
    parser.add_argument("stage", help="the stage of the plan to run")
    options = parser.parse_args(arguments)
    uri = _S3_URI.fullmatch(options.plan)
    if not uri:
        parser.error(f"{options.plan!r} is not an s3:// URI")
    log.set_up()
    settings = read_settings()
    outcomes = _outcomes(options.stage, settings)
    try:
        with _stopped_by_sigterm():
            return _run(uri[1], uri[2], options.stage, settings, outcomes)
    except SystemExit as stopped:
        _leave(stopped, settings, outcomes)


def load() -> None:
    """Load what any stage may need: for a process that runners are forked from."""
    import encodings.idna  # noqa: F401  # what the first connection would load

    load_libraries()
    look_up_s3()


@contextmanager
def _stopped_by_sigterm() -> Iterator[None]:
    """A stop request ends the block by SystemExit, whatever the block waits for.

    Python handles a signal between two steps of the main thread. One that comes just before
    that thread blocks, or that the kernel gives to another thread, would wait as long as the
    blocking call does; hence a timer whose signal interrupts such calls. Tools do not inherit it.
    """
    before = {
        signal.SIGTERM: signal.signal(signal.SIGTERM, _stop),
        signal.SIGALRM: signal.signal(signal.SIGALRM, lambda *_: None),
    }
    signal.setitimer(signal.ITIMER_REAL, _LOOK_SECONDS, _LOOK_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)


def _stop(_number: int, _frame: FrameType | None) -> None:
    """A stop request unwinds the main thread, whatever it waits for; a second changes nothing."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise SystemExit(STOPPED_EXIT_CODE)


def _leave(stopped: SystemExit, settings: Settings, outcomes: OutcomeLog) -> NoReturn:
    """Leaves now: threads may still wait for the network, and the job has 30 seconds.

    The exit code tells Batch to try it elsewhere, where the host says that EC2 takes it back.
    """
    end_own_children()
    code, host = int(stopped.code or 0), facts_of(settings.host)
    if host and host.reclaimed and code == STOPPED_EXIT_CODE:
        outcomes.error("host_reclaimed", at=host.reclaimed)
        code = EXIT_CODES[FailureClass.SPOT_RECLAIMED]
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _outcomes(stage_name: str, settings: Settings) -> OutcomeLog:
    """A log whose lines tell the job, and the host where that is known."""
    host = facts_of(settings.host) or HostFacts()
    return OutcomeLog(
        {
            "stage": stage_name,
            "job": settings.job_id,
            "job_attempt": settings.job_attempt,
            "instance_id": host.instance_id,
            "instance_type": host.instance_type,
            "market": host.market,
        }
    )


def _run(bucket: str, key: str, stage_name: str, settings: Settings, outcomes: OutcomeLog) -> int:
    objects = Objects(make_client())
    try:
        plan = _read_plan(objects, bucket, key)
    except StageFault as fault:
        return _report(outcomes, fault)
    outcomes = outcomes.bind(sample=plan.sample, run_key=plan.run_key)
    scope = PlanScope(plan, ObjectName(bucket, key))
    # Beside the plan, wherever the plan itself says that it is.
    failures = (bucket, f"{key.rpartition('/')[0]}/{stage_name}.failure.json")
    try:
        _check_scope(scope)
        stage = next((stage for stage in plan.stages if stage.stage == stage_name), None)
        if not stage:
            raise StageFault(FailureClass.BAD_PLAN, f"the plan has no stage {stage_name!r}")
        _run_stage(lambda: StageRun(plan, stage, objects, settings, outcomes, scope))
    except StageFault as fault:
        if fault.failure_class is FailureClass.BAD_BOARD:  # or the next job gets it, too
            ask_for_its_end(settings.requests, str(fault))
        _leave_word(outcomes, objects, failures, fault, settings)
        return _report(outcomes, fault)
    return 0


def _check_scope(scope: PlanScope) -> None:
    """Refuses a plan that names another sample's objects, before any of them is touched."""
    if strays := list(scope.strays()):
        raise StageFault(FailureClass.BAD_PLAN, "the plan is refused: " + "; ".join(strays))


def _run_stage(new_run: Callable[[], StageRun]) -> None:
    """Runs the stage, and once more where its board did not work and could be reset."""
    try:
        _run_once(new_run())
    except StageFault as fault:
        if fault.failure_class is not FailureClass.BAD_BOARD or not reset_board():
            raise
        _run_once(new_run())


def _run_once(run: StageRun) -> None:
    """Runs the stage; a fault carries the counts made so far, and no child is left behind."""
    try:
        run.run()
    except StageFault as fault:
        fault.counts = {**run.counts, **fault.counts}
        raise
    except OSError as error:
        raise machine_fault(error) from error
    finally:
        end_own_children()


def _read_plan(objects: Objects, bucket: str, key: str) -> RunPlan:
    content = objects.read(bucket, key)
    if content is None:
        raise StageFault(FailureClass.BAD_PLAN, f"there is no plan at s3://{bucket}/{key}")
    try:
        return decode_plan(content)
    except msgspec.MsgspecError as error:
        message = f"s3://{bucket}/{key} is no plan: {error}"
        raise StageFault(FailureClass.BAD_PLAN, message) from error


def _leave_word(
    outcomes: OutcomeLog,
    objects: Objects,
    place: tuple[str, str],
    fault: StageFault,
    settings: Settings,
) -> None:
    """Writes the reason beside the plan, for the state machine and for people."""
    failure = StageFailure(
        fault.failure_class,
        str(fault),
        fault.counts,
        job_id=settings.job_id,
        job_attempt=int(settings.job_attempt or 0),
        host=facts_of(settings.host),
    )
    try:
        objects.write(*place, encode(failure))
    except StageFault as unwritten:
        outcomes.error("failure_not_recorded", message=str(unwritten))


def _report(outcomes: OutcomeLog, fault: StageFault) -> int:
    """The first line only: what the tools said has gone by on stderr already."""
    outcomes.error(
        "failed",
        failure_class=fault.failure_class,
        message=str(fault).partition("\n")[0],
        counts=fault.counts,
    )
    return EXIT_CODES[fault.failure_class]


if __name__ == "__main__":
    sys.exit(main())
