"""The end of a run: promoted, failed or aborted, once; and nothing of it left running."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import msgspec

from seqdrop.aws.batch import Batch
from seqdrop.aws.catalog import Catalog
from seqdrop.aws.executions import function_message
from seqdrop.aws.objects import Objects
from seqdrop.aws.queues import NextInLine, UploadsQueue
from seqdrop.domain.assay_gate import OF_ASSAY, RunEnd, Verdict
from seqdrop.domain.blueprint import Blueprint, decode_blueprint
from seqdrop.domain.control import judge_control
from seqdrop.domain.errors import NoSuchSample, RunClosed, SeqdropError, Transient
from seqdrop.domain.failure import RULES, Action, FailureClass
from seqdrop.domain.fingerprint import Comparison, identity_metrics
from seqdrop.domain.identity import RunId
from seqdrop.domain.lanes import worst_lanes
from seqdrop.domain.metrics import metrics_of
from seqdrop.domain.pipeline import COMPARE
from seqdrop.domain.plan import RunPlan, StageResult, encode
from seqdrop.domain.provenance import RunRecord, make_record
from seqdrop.domain.qc import UMIS_ARE_EXACT, judge, not_equivalent
from seqdrop.domain.qc import Verdict as Qc
from seqdrop.domain.records import Analysis, AnalysisStatus, Job, Run, RunOptions, RunStatus
from seqdrop.domain.task import cost_of
from seqdrop.flow.assay_gates import AssayGates
from seqdrop.flow.controls import Controls
from seqdrop.flow.identity_check import IdentityCheck
from seqdrop.flow.reanalysis.members import ReanalysisMembers, worse_qc
from seqdrop.flow.retry import retry_on_conflict


class ResultsIncomplete(SeqdropError):
    """A stage is said to have succeeded, but its results are not all there."""


@dataclass(frozen=True)
class Closing:
    """A run is closed by whoever comes first; who comes later finds it closed."""

    catalog: Catalog
    objects: Objects
    queue: UploadsQueue
    batch: Batch
    assays: AssayGates
    members: ReanalysisMembers
    results_bucket: str
    now: Callable[[], datetime]

    def finish(self, ids: RunId) -> dict[str, str]:
        """Checks all results, writes run.json, and promotes the run if its inputs still count."""
        run = self._run(ids)
        if run.status is RunStatus.SUCCEEDED:
            self._recheck(run)
            return {"status": run.status, "qc": run.qc}
        if not run.status.live:
            raise RunClosed(f"{run.id} is {run.status}")
        folder = run.id.folder
        plan = self.objects.read_plan(self.results_bucket, folder)
        if plan is None:
            raise ResultsIncomplete(f"{run.id} has no plan")
        results = {stage.stage: self._checked_result(plan, stage.stage) for stage in plan.stages}
        blueprint = decode_blueprint(self.catalog.runs.blueprint(run))
        run = self._with_figures(run, blueprint, results)
        run = self._recorded(run, make_record(run, blueprint, plan, results), folder)
        if not self._close(run, AnalysisStatus.ANALYSED, why="; ".join(run.qc_reasons)):
            raise RunClosed(f"{run.id} was closed meanwhile")
        self._tell_assay(run, Verdict.GOOD)
        return {"status": RunStatus.SUCCEEDED, "qc": run.qc}

    def _checked_result(self, plan: RunPlan, name: str) -> StageResult:
        stage = plan.stage(name)
        result = self.objects.read_result(self.results_bucket, stage.prefix, name)
        if result is None:
            raise ResultsIncomplete(f"{name} has no results in {stage.prefix}")
        there = self.objects.sizes(self.results_bucket, stage.prefix)
        for file in result.files:
            if there.get(file.name) != file.bytes or not file.sha256:
                raise ResultsIncomplete(
                    f"{stage.prefix}{file.name} has {there.get(file.name)} bytes, "
                    f"{name}.json says {file.bytes}"
                )
        return result

    def _recorded(self, run: Run, record: RunRecord, folder: str) -> Run:
        """The run as run.json has it: a call before this one may have found other earlier runs."""
        written = self.objects.put_once(self.results_bucket, f"{folder}run.json", encode(record))
        first = msgspec.json.decode(written, type=RunRecord)
        return msgspec.structs.replace(
            run, metrics=first.metrics, qc=first.qc, qc_reasons=first.qc_reasons
        )

    def _with_figures(self, run: Run, blueprint: Blueprint, results: dict[str, StageResult]) -> Run:
        marked = blueprint.variables.get("mark_duplicates") is not False
        cap = int(blueprint.variables.get("max_depth", 0))
        metrics = metrics_of(results.values(), duplicates_marked=marked, cap=cap)
        if not blueprint.variables.get("targets"):
            metrics.pop("on_target_fraction", None)  # DRAGEN counts what is not N in its place
        analysis = self.catalog.analyses.get(run.id.analysis)
        if analysis and analysis.control:
            verdict, reasons = judge_control(metrics, blueprint.control_reads)
            if mark := not_equivalent(run):
                verdict, reasons = max(verdict, Qc.WARN), [*reasons, f"WARN: {mark}"]
        else:
            comparisons = self._comparisons(run, blueprint)
            metrics |= identity_metrics(comparisons)
            verdict, reasons = judge(
                metrics,
                blueprint.qc,
                floors_set_aside=blueprint.floors,
                sex=_sex(analysis) if blueprint.checks_sex else None,
                lanes=worst_lanes(results.values()),
                identity=comparisons,
                warnings=self._warnings(run, analysis),
                notes=[UMIS_ARE_EXACT] if blueprint.variables.get("umi_pattern") else (),
            )
        return msgspec.structs.replace(
            run,
            status=RunStatus.SUCCEEDED,
            metrics=metrics,
            qc=verdict.name,
            qc_reasons=tuple(reasons),
            cost_usd=self._cost(run),
            simulated=any(result.simulated for result in results.values()),
        )

    def _warnings(self, run: Run, analysis: Analysis | None) -> list[str]:
        of_controls = Controls(self.catalog).warnings(analysis) if analysis else ()
        mark = not_equivalent(run)
        return [*([mark] if mark else ()), *of_controls]

    def _comparisons(self, run: Run, blueprint: Blueprint) -> list[Comparison]:
        identity = IdentityCheck(self.catalog, self.objects, self.results_bucket)
        if blueprint.identity == "earlier":
            return identity.compare(run, blueprint)
        return identity.set_aside(run)

    def _cost(self, run: Run) -> float:
        jobs, tasks = self.catalog.jobs.of_run(run.id), self.catalog.tasks.of_run(run.id)
        return cost_of(jobs, tasks)

    def fail(self, ids: RunId, error: str, cause: str) -> tuple[str, str]:
        """Closes a run that failed: HELD where a person must mend the files, FAILED else.

        Returns the run's own error and cause: of the job that failed first, where one did.
        """
        run = self._run(ids)
        job = self._failed_job(run)
        failure = FailureClass(job.failure_class) if job else None
        held = bool(failure and RULES[failure].action is Action.HOLD)
        if job:
            error, reason = str(failure), f"{job.stage}: {job.message}"
        else:
            reason = f"{error}: {_message(cause)}" if cause else error
        if run.status.live:
            failed = msgspec.structs.replace(run, status=RunStatus.FAILED, failure=reason)
            if job and job.action == Action.FALL_BACK:
                closed = self._close_for_fallback(failed, job)
            else:
                status = AnalysisStatus.HELD if held else AnalysisStatus.FAILED
                closed = self._close(failed, status, why=reason, hold="run" if held else "")
            if closed:
                of_assay = failure in OF_ASSAY and (job is None or job.stage != COMPARE)
                verdict = Verdict.BAD if of_assay else Verdict.NONE
                self._tell_assay(run, verdict, job)
        else:
            self._recheck(run)
        self.end_jobs(run.id, "another stage of its run failed")
        return error, reason

    def _close_for_fallback(self, run: Run, job: Job) -> bool:
        """Closes a run that got no FPGA for a job; its fall-back begins by the next message."""
        failure = f"{job.failure_class} in stage {job.stage}"
        options = RunOptions(
            fresh=run.options.is_anew, fallback=failure, generation=run.generation
        )  # fmt: skip
        why = f"{run.pipeline} got no FPGA ({failure}): its fall-back, {run.fallback}, comes next"
        closed = self._close(run, AnalysisStatus.READY, why=why, options=options)
        self._recheck(run)
        return closed

    def _tell_assay(self, run: Run, verdict: Verdict, job: Job | None = None) -> None:
        if run.instead_of:  # it says nothing of the assay's own pipeline
            verdict = Verdict.NONE
        end = RunEnd(run.sample, run.claimed, verdict)
        if job:
            failure = FailureClass(job.failure_class)
            end = msgspec.structs.replace(
                end, failure=failure, stage=job.stage, message=job.message
            )
        self.assays.run_ended(run.assay, end)

    def _failed_job(self, run: Run) -> Job | None:
        """The job by which a run failed; None where none did."""
        newest = {job.stage: job for job in self.catalog.jobs.of_run(run.id)}  # by number
        failed = [job for job in newest.values() if job.status == "FAILED"]
        if not failed:
            return None
        # One that another was to follow did not end the run, and one that was stopped fell with its
        # sibling: the first that is neither tells why.
        failed.sort(
            key=lambda job: (
                job.is_followed, job.failure_class == FailureClass.STOPPED, job.ended
            )
        )  # fmt: skip
        return failed[0]

    def end(self, ids: RunId, status: str, cause: str, who: str) -> str:
        """Closes the run of an execution that failed, timed out or was stopped.

        Whatever it finds, no job of the run goes on: Step Functions ends none of them.
        """
        run = self._run(ids)
        job = self._failed_job(run) if status != "ABORTED" else None
        if run.status.live and job and job.action == Action.FALL_BACK:  # RecordFailure failed
            reason = f"{job.stage}: {job.message}"
            run = msgspec.structs.replace(run, status=RunStatus.FAILED, failure=reason)
            self._close_for_fallback(run, job)
        elif run.status.live:
            run, held = _ended(run, status, cause)
            analysis = AnalysisStatus.HELD if held else AnalysisStatus.FAILED
            hold = "stopped" if held else ""
            if self._close(run, analysis, why=run.failure, who=who, hold=hold):
                self._tell_assay(run, Verdict.NONE)
        else:
            self._recheck(run)
        why = "its run was stopped" if status == "ABORTED" else cause or status
        self.end_jobs(run.id, why)
        return run.failure or status

    def end_jobs(self, run: RunId, reason: str) -> list[str]:
        """Ends every job of a run that has not ended, and tasks of theirs; returns their ids.

        Head jobs come first: one that sees a task fail may try it again. One that is told to end
        ends its tasks itself, and one that is gone can't.
        """
        ended = []
        for job in self.catalog.jobs.of_run(run):
            if job.has_ended:
                continue
            ids = [job.job_id] if job.job_id else self.batch.find(job.name, job.queue)
            for job_id in ids:
                self.batch.terminate(job_id, f"stopped: {reason}")
                ended.append(job_id)
        for task in self.catalog.tasks.of_run(run):
            if not task.has_ended:
                self.batch.terminate(task.job_id, f"stopped: {reason}")
                ended.append(task.job_id)
        return ended

    def _close(
        self, run: Run, status: AnalysisStatus, *, why: str, who: str = "seqdrop", hold: str = "",
        options: RunOptions | None = None,
    ) -> bool:  # fmt: skip
        """Closes a run with its analysis; False where somebody else has closed it."""

        def attempt() -> bool:  # raises Conflict where a file came, or somebody else closed it
            analysis = self.catalog.analyses.get(run.id.analysis)
            if analysis is None or analysis.active_run != run.id:
                return False
            self._close_as_of(run, analysis, status, why=why, who=who, hold=hold, options=options)
            if run.in_share:
                self.queue.send(NextInLine(run.project))
            return True

        closed = retry_on_conflict(attempt, Transient(f"{run.id} changes all the time"))
        self.members.run_ended(run)
        return closed

    def _close_as_of(
        self, run: Run, analysis: Analysis, status: AnalysisStatus, *, why: str, who: str,
        hold: str, options: RunOptions | None,
    ) -> None:  # fmt: skip
        """Where the inputs have changed, the run says nothing of them, and they get their turn.

        A run of a reanalysis that may not take the current one's place leaves all as it was.
        """
        changed = analysis.generation != run.generation
        still = self._still(run, analysis)
        if still is not None:
            status, hold, options = AnalysisStatus.ANALYSED, "", None
        self.catalog.runs.close(
            run, analysis, None if changed else status, self.now(), why=why, who=who,
            hold="" if changed else hold, options=None if changed else options, still=still,
        )  # fmt: skip
        if changed:
            self._recheck(run)

    def _still(self, run: Run, analysis: Analysis) -> str | None:
        """What is said of the current run, of an analysis whose reanalysis does not replace it.

        None where the run may take its place, or is none of a reanalysis.
        """
        if not run.options.reanalysis:
            return None
        current = self.catalog.runs.get(analysis.current_run) if analysis.current_run else None
        if run.status is RunStatus.SUCCEEDED and not run.options.waits_for:
            return "; ".join(current.qc_reasons) if current and worse_qc(run, current) else None
        return "; ".join(current.qc_reasons) if current else ""

    def _recheck(self, run: Run) -> None:
        """Inputs that came during a run get their turn, and so does who waits for its project:
        even if who closed it died after that.
        """
        self.queue.recheck(run.id.analysis)
        if run.in_share:
            self.queue.send(NextInLine(run.project))
        self.members.run_ended(run)

    def _run(self, ids: RunId) -> Run:
        run = self.catalog.runs.get(ids)
        if run is None:
            raise NoSuchSample(f"there is no {ids}")
        return run


def _sex(analysis: Analysis | None) -> str:
    """What the manifest says now: a word on a patient that no plan or run keeps."""
    return analysis.sex if analysis else ""


def _message(cause: str) -> str:
    """The message of a function's error; other causes as they are."""
    message = function_message(cause)
    return cause if message is None else message


def _ended(run: Run, status: str, cause: str) -> tuple[Run, bool]:
    """The closed run, and whether a person must release its analysis."""
    if status == "ABORTED":
        why = cause or "stopped"
        if not why.startswith("stopped"):  # `seqdrop stop` says so itself, and by whom
            why = f"stopped: {why}"
        return msgspec.structs.replace(run, status=RunStatus.ABORTED, failure=why), True
    why = f"the execution ended as {status}" + (f": {cause}" if cause else "")
    return msgspec.structs.replace(run, status=RunStatus.FAILED, failure=why), False
