"""Why a sample is not done: one answer, for whoever asks (a command, an API, a page).

The rules look at what ``sample_view`` shows, and at nothing else. Each state that the catalog can
hold has an answer: what it is, its cause, since when, what Seqdrop does by itself, what a person
can do, and the evidence.
"""

import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta

import msgspec

from seqdrop.domain.admission import Kept
from seqdrop.domain.blocked import remedy_of
from seqdrop.domain.duration import duration_text
from seqdrop.domain.failure import RULES, Action, FailureClass
from seqdrop.domain.identity import ObjectName
from seqdrop.domain.inputs import MENDED_BY_FILES, holds_by_files
from seqdrop.domain.records import AnalysisStatus, RunStatus
from seqdrop.domain.unreadable import is_unreadable
from seqdrop.domain.upload import object_cause
from seqdrop.sample_view import AnalysisView, AttemptView, FileView, RunView, StageView

LATE_SECONDS = 900.0
"""After so long, what takes seconds as a rule has come to a stop."""
_LONGEST_CAUSE_LINES = 30
_JUST_RERUN = "rerun it"
_MOST_FILES = 8
"""So many files have a command each."""
_RUNNABLE_TIMEOUT = _ALERT_AFTER = timedelta(hours=4)
"""The template's defaults."""
_NO_REASON = "no reason was recorded"
_SWEPT = "the sweep looks at it within an hour, and makes up for an event that was lost"
_NOT_SWEPT = "the sweep has looked at it by now, and has not moved it on: do not wait for it"
_SWEPT_SECONDS = 4_500.0
"""After so long the sweep has had its turn."""


class Why(msgspec.Struct, frozen=True):
    """Why an analysis is where it is."""

    state: str
    """What goes on, or does not: the rest of a sentence that begins with the analysis' status."""
    cause: str
    since: str | None = None
    """When it came to be so (ISO 8601, UTC)."""
    by_itself: str = ""
    """What Seqdrop will do, and when; "" where it does nothing before a person acts."""
    do: tuple[str, ...] = ()
    """What a person can do: commands to be copied, or what to mend."""
    evidence: tuple[str, ...] = ()
    """Attempts and their hosts, and what has been paid."""
    links: tuple[str, ...] = ()
    """Into the AWS console: logs, jobs, the execution."""

    @property
    def needs_nothing(self) -> bool:
        """Whether nothing needs doing, by anybody."""
        return not self.do and not self.by_itself


def why(sample: str, analysis: AnalysisView, now: datetime) -> Why:
    """The answer for one analysis."""
    return _RULES[analysis.status](_Asked(sample, analysis, now))


class _Asked(msgspec.Struct, frozen=True):
    """An analysis that somebody asks about, and how it is answered."""

    sample: str
    analysis: AnalysisView
    now: datetime

    # Where nobody waits for it

    def dismissed(self) -> Why:
        """A person gave it up."""
        return Why(
            "nobody waits for it",
            self.analysis.why or _NO_REASON,
            self.analysis.updated,
            do=(self._command("rerun", "opens it again; so does a new upload of its files"),),
            evidence=tuple(f"it was held: {why}" for why in self.analysis.holds.values()),
        )

    def without_reads(self) -> Why:
        """A control in which nothing was to be found."""
        return Why(
            "a control without reads, as it should be",
            self.analysis.why or "its files hold no read",
            self.analysis.updated,
        )

    def analysed(self) -> Why:
        """It has results."""
        analysis = self.analysis
        run = next((one for one in analysis.runs if one.id == analysis.current_run), None)
        evidence = tuple(self._of_run_that_goes_on())
        if run is None or run.qc not in {"WARN", "FAIL"}:
            verdict = f", QC {run.qc}" if run and run.qc else ""
            since = run.ended if run else analysis.updated
            cause = analysis.why or "it is done"
            return Why(f"its results are there{verdict}", cause, since, evidence=evidence)
        return Why(
            f"its results are there, and its QC is {run.qc}",
            "; ".join(run.qc_reasons) or _NO_REASON,
            run.ended,
            by_itself="nothing is left for it to do: the results are not held back",
            do=(
                "tell who uses them; `show` has all figures, and report.html their plots",
                self._command("results", "lists them"),
                *(
                    (self._command("rerun", f"makes those of {run.instead_of}"),)
                    if run.instead_of
                    else ()
                ),
            ),
            evidence=evidence,
        )

    # Before a run

    def held(self) -> Why:
        """It waits for a person."""
        analysis = self.analysis
        holds = analysis.holds or {"": analysis.why or _NO_REASON}
        by_files = {cause for cause, told in holds.items() if self._is_by_files(cause, told)}
        others, by_itself = holds.keys() - by_files, ""
        do, again = [], [*self._send_again(holds)]
        if "stopped" in others:
            do.append("ask who stopped it whether that still holds")
        if holds.keys() - {"stopped"} and not again:
            do.append("do what is said above")
        do += again
        if others and analysis.holds:
            do.append(
                self._command(
                    "rerun", "lets it go on once that is done, with its files as they are"
                )
            )
        else:
            by_itself = "it goes on when that is done: nobody has to rerun it"
        do.append(self._give_up())
        run = analysis.newest
        is_by_run = run is not None and run.why in holds.values()
        by_run = self._of_failed_run(run) if run and is_by_run else ()
        return Why(
            "a person must act",
            "\n".join(holds.values()),
            analysis.updated,
            by_itself=by_itself,
            do=("do what is said above", self._stop()) if analysis.active_run else tuple(do),
            links=tuple(_links_of(run)) if run and is_by_run else (),
            evidence=(
                *analysis.troubles,
                *self._told_of_files(),
                *by_run,
                *self._of_run_that_goes_on(),
            ),
        )

    def _is_by_files(self, cause: str, told: str) -> bool:
        """Whether a hold is lifted by what becomes of the files, without a word of a person's.

        One of a claim may be about a reference; and a job's, about a file that it may not read.
        """
        if cause in MENDED_BY_FILES:
            return not is_unreadable(told) and (cause == "run" or bool(self._named(told)))
        return not cause or cause in holds_by_files({cause: told})

    def _named(self, told: str) -> list[str]:
        """The files that a text names, with their mates, and the objects beside them, as URIs."""

        def is_named(uri: str) -> bool:
            return uri.rpartition("/")[2] in told

        files = self.analysis.files
        pairs = {_pair_of(one) for one in files if is_named(one.uri)}
        there = [one.uri for one in files if _pair_of(one) in pairs]
        there += [one.uri for one in self.analysis.aside if one.holds and is_named(one.uri)]
        return list(dict.fromkeys(there))

    def _send_again(self, holds: Mapping[str, str]) -> Iterator[str]:
        """A command for each file in which a job found a fault, and for what is no FASTQ file.

        All else (two files for one lane, an archive) is mended in another way, which the hold says.
        """
        there = [
            one.uri
            for one in self.analysis.aside
            if one.holds and one.would_be is None and not _says_unreadable(holds, one.uri)
        ]
        if (told := holds.get("run")) and not is_unreadable(told):
            there += self._named(told) or [one.uri for one in self.analysis.files]
        if not there:
            return
        yield "compare the files with their source; send what is wrong again, under its name:"
        for uri in list(dict.fromkeys(there))[:_MOST_FILES]:
            yield f"`aws s3 cp FILE {shlex.quote(uri)}`" + (" if it is this one" * (len(there) > 1))

    def receiving(self) -> Why:
        """It waits for files, or for time to pass."""
        analysis = self.analysis
        found = Why(
            "it waits for files",
            analysis.why or "none is there yet",
            analysis.updated,
            by_itself="it starts when they are there; " + self._alert(),
            do=(
                "send what is missing; if it was sent, `seqdrop samples` shows under which name it "
                "came: rename it (`aws s3 mv`), or drop a manifest that names it as it is",
                self._give_up(),
            ),
        )
        if analysis.troubles:
            found = Why(
                "files of it are there, and could not be processed yet",
                "\n".join(analysis.troubles),
                analysis.updated,
                by_itself="each is tried again, at the time that it says",
                do=("if it stays so: `seqdrop redrive --dry-run` shows what was given up",),
            )
        elif analysis.files and not analysis.missing and not analysis.why:
            late = self._is_late(analysis.updated)
            found = Why(
                "it was released, and has all its files",
                "it is about to be looked at",
                analysis.updated,
                by_itself=self._swept(analysis.updated) or "that takes seconds",
                do=(self._command("rerun", "has it looked at again"),) if late else (),
            )
        elif analysis.files and not analysis.missing and not analysis.why.startswith("waiting"):
            found = Why(
                "it has all its files, and waits whether more come",
                analysis.why,
                analysis.updated,
                by_itself="it starts at the end of the quiet period",
                do=(self._command("rerun", "starts it at once", " --now"),),
            )
        seen = (*self._told_of_files(), *self._of_run_that_goes_on())
        return msgspec.structs.replace(found, evidence=seen)

    def ready(self) -> Why:
        """It waits for its turn."""
        analysis = self.analysis
        if analysis.active_run:
            return Why(
                f"its next run waits for the end of run {analysis.active_run}",
                analysis.why or f"run {analysis.active_run} goes on",
                analysis.updated,
                by_itself=f"the next run starts when {analysis.active_run} has ended",
                do=(self._stop(),),
                evidence=tuple(self._of_run_that_goes_on()),
            )
        if analysis.kept:
            return self._kept(Kept(analysis.kept))
        late = self._is_late(analysis.updated)
        return Why(
            "its run is about to be claimed",
            analysis.why or "its turn comes with the next message about it",
            analysis.updated,
            by_itself=self._swept(analysis.updated) or "that takes seconds",
            do=(self._command("rerun", "sends that message again"),) if late else (),
            evidence=tuple(self._told_of_files()),
        )

    def _kept(self, kept: Kept) -> Why:
        state, by_itself, do = _KEPT[kept]
        project = shlex.quote(self.analysis.project)
        return Why(
            state,
            self.analysis.why,
            self.analysis.updated,
            by_itself=by_itself,
            do=tuple(line.format(project=project, assay=self.analysis.assay) for line in do),
            evidence=tuple(self._told_of_files()),
        )

    def _alert(self) -> str:
        """When a person is told of it, who need not have asked."""
        if self.analysis.alerted:
            return f"an alert told of it, {clock(self.analysis.alerted)}"
        at = _later(self.analysis.updated, _ALERT_AFTER) or "four hours later"
        return f"an alert tells of it after AlertAfterSeconds (by default {at})"

    def _told_of_files(self) -> Iterator[str]:
        told = "\n".join([self.analysis.why, *self.analysis.holds.values()])
        # Reads beside the files say nothing to somebody whose files are all there.
        beside = self.analysis.companions if self.analysis.missing else ()
        yield from (said for said in beside if said not in told)
        if self.analysis.starts_now:
            yield "its quiet period was ended: it starts as soon as nothing else keeps it"

    # While a run goes on

    def analysing(self) -> Why:
        """A run of it goes on."""
        run = self._active()
        if run is None:
            return Why(
                "by a run that is not to be found",
                f"the catalog has no run {self.analysis.active_run or 'for it'}",
                self.analysis.updated,
                do=(self._stop(),),
            )
        if run.status is RunStatus.RUNNING:
            return self._running(run)
        if run.status is RunStatus.CLAIMED:
            state = f"run {run.id} is started, and not planned yet"
            cause = "its execution has not planned it"
        else:
            state = f"run {run.id} is {run.status}, and its analysis is about to be told"
            cause = run.why or "it has ended"
        late = self._is_late(run.ended or run.claimed)
        return Why(
            state,
            cause + (", which takes seconds as a rule: it is stuck" if late else ""),
            run.ended or run.claimed,
            by_itself=self._swept(run.ended or run.claimed) or "that takes seconds",
            do=(
                *self._look_at(run),
                self._command("stop", "ends it; a rerun then makes it anew"),
            )
            if late
            else (),
            evidence=tuple(self._of_failed_run(run)),
            links=tuple(_links_of(run)),
        )

    def _active(self) -> RunView | None:
        return next((r for r in self.analysis.runs if r.id == self.analysis.active_run), None)

    def _running(self, run: RunView) -> Why:
        stage = next((one for rank in _RANKS for one in run.stages if rank(one)), None)
        if stage is None:
            since = max((s.ended for s in run.stages if s.ended), default=run.started)
            return Why(
                "between two stages",
                "no job of it waits or runs now",
                run.started,
                by_itself=self._swept(since) or "it goes on within seconds",
                do=self._look_at(run) if self._is_late(since) else (),
                links=tuple(_links_of(run)),
            )
        found = _RULES_OF_JOBS.get(stage.status, _Asked.job_is_on_its_way)(self, run, stage)
        if stage.blocked_reason:
            found = self._job_is_blocked(stage, stage.blocked_reason)
        if stage.gate:
            found = self._job_is_kept(stage, stage.gate)
        seen = (
            *_in_place_of(run), *_moved(run, stage), *_attempts_of(stage),
            f"cost so far ${run.cost_usd:.2f}",
        )  # fmt: skip
        return msgspec.structs.replace(found, evidence=seen, links=tuple(_links_of(run, stage)))

    def job_has_failed(self, run: RunView, stage: StageView) -> Why:
        """The run is about to end."""
        late = self._is_late(stage.ended)
        return Why(
            f"stage {stage.stage} has failed, and the run ends",
            _cut(stage.message) or _NO_REASON,
            stage.ended,
            by_itself=self._swept(stage.ended)
            or _ENDS.get(Action(stage.action or "fail"), _CLOSED),
            do=self._look_at(run) if late else (),
        )

    def job_is_followed(self, run: RunView, stage: StageView) -> Why:
        """Another job is to follow on the one that failed."""
        failure = _class_of(stage)
        pause = RULES[failure].longest_pause
        waited = self._seconds_since(stage.ended) or 0.0
        late = waited > pause + LATE_SECONDS
        follows = _FOLLOWS.get(Action(stage.action or ""), "another job follows")
        by = _later(stage.ended, timedelta(seconds=pause)).removeprefix("at ")
        when = "any moment now" if waited > pause or not by else f"by {by} at the latest"
        return Why(
            f"stage {stage.stage} has failed{_attempt_of(stage)}, and will be tried again",
            f"{failure}: {_cut(stage.message) or RULES[failure].means}",
            stage.ended,
            by_itself=_SWEPT if late else f"{follows}, {when}",
            do=(*(self._look_at(run) if late else ()), self._stop()),
        )

    def _job_is_blocked(self, stage: StageView, reason: str) -> Why:
        then = "its run fails"
        if stage.fallback:
            then = f"its fall-back, {stage.fallback}, takes its place"
        return Why(
            f"stage {stage.stage} can't start: queue {stage.queue} is blocked",
            reason,
            stage.blocked_since,
            by_itself="it starts as soon as that is over; if it is still blocked after "
            "RunnableTimeoutSeconds "
            f"(by default {_later(stage.blocked_since, _RUNNABLE_TIMEOUT) or 'four hours'}), "
            f"{then}",
            do=(remedy_of(reason).do, self._stop()),
        )

    def _job_is_kept(self, stage: StageView, gate: str) -> Why:
        state = f"stage {stage.stage} is waiting, as all jobs of queue {stage.queue} are"
        resume = f"`seqdrop resume {stage.queue}` lets all jobs start"
        if gate.startswith("paused"):
            return Why(
                state,
                gate,
                stage.submitted,
                by_itself="it waits until that is ended, and is not given up meanwhile",
                do=(f"ask who paused it; then {resume}", self._stop()),
            )
        given_up = "none is given up meanwhile"
        if stage.fallback:
            given_up = (
                "where that is of the licence or the boards, its fall-back, "
                f"{stage.fallback}, takes its place when it is next polled"
            )
        return Why(
            state,
            gate,
            stage.submitted,
            by_itself="one job is let through as a probe: if it succeeds, all go on; if it fails "
            f"alike, the next probe comes later; {given_up}",
            do=(f"{_cure(gate)}; only then {resume}", self._stop()),
        )

    def job_waits(self, _run: RunView, stage: StageView) -> Why:
        """It is RUNNABLE, and Batch has no reason why it can't start."""
        return Why(
            f"stage {stage.stage} is waiting in queue {stage.queue}{_attempt_of(stage)}",
            "others are before it, or hosts are being started",
            stage.submitted,
            by_itself="it starts when its turn comes and a host is there",
            do=(self._stop(),),
        )

    def job_is_on_its_way(self, run: RunView, stage: StageView) -> Why:
        """It is not in its queue yet."""
        late = self._is_late(stage.submitted)
        return Why(
            f"stage {stage.stage} is being submitted to queue {stage.queue}",
            "Batch has it, or is about to",
            stage.submitted,
            by_itself=self._swept(stage.submitted) or "that takes seconds",
            do=self._look_at(run) if late else (),
        )

    def job_starts(self, _run: RunView, stage: StageView) -> Why:
        """It has a host."""
        return Why(
            f"stage {stage.stage} has a host, and its container is starting{_attempt_of(stage)}",
            "its image is being pulled",
            stage.submitted,
            by_itself="it runs within minutes",
            do=(self._stop(),),
        )

    def job_runs(self, _run: RunView, stage: StageView) -> Why:
        """Its container runs."""
        took, should = self._seconds_since(stage.started), stage.expected_seconds
        late = bool(took and should and took > 2 * should)
        cause = "its job runs" if took is None else f"its job has run for {duration_text(took)}"
        if should:
            cause += f", and should take about {duration_text(should)}"
        return Why(
            f"stage {stage.stage} is running{_attempt_of(stage)}",
            cause,
            stage.started,
            by_itself="it goes on; one that runs for several times as long is ended",
            do=(self._logs(stage, "shows what it does"), self._stop()) if late else (),
        )

    # After a run

    def failed(self) -> Why:
        """Its last run failed."""
        analysis, run = self.analysis, self.analysis.newest
        stage = _first_failed(run) if run else None
        if run is None or stage is None:
            return Why(
                "its run failed, and no job of it did" if run else "it failed without a run",
                _cut(analysis.why or (run.why if run else "")) or _NO_REASON,
                (run and run.ended) or analysis.updated,
                do=(*(self._look_at(run) if run else ()), self._command("rerun", "tries again")),
                links=tuple(_links_of(run)) if run else (),
            )
        failure = _class_of(stage)
        return Why(
            f"{failure} in stage {stage.stage}: {RULES[failure].means}",
            _cut(analysis.why or run.why or stage.message) or _NO_REASON,
            run.ended or stage.ended or analysis.updated,
            do=(
                *((self._logs(stage, "shows all that it wrote"),) if stage.tries else ()),
                *((RULES[failure].do,) if RULES[failure].do != _JUST_RERUN else ()),
                *self._goes_on(run),
            ),
            evidence=tuple(self._of_failed_run(run)),
            links=tuple(_links_of(run, *(one for one in run.stages if one.status == "FAILED"))),
        )

    def _goes_on(self, run: RunView) -> tuple[str, ...]:
        if not run.instead_of:
            return (self._command("rerun", "makes what is missing; finished stages stand"),)
        return (
            self._command("rerun", "makes what is missing; finished stages stand", " --fallback"),
            self._command("rerun", f"tries {run.instead_of} again"),
        )

    # Evidence, and what a person can do

    def _of_run_that_goes_on(self) -> Iterator[str]:
        run = self._active()
        if run and run.status.live:
            yield f"run {run.id} goes on, since {clock(run.claimed)}"

    def _of_failed_run(self, run: RunView) -> Iterator[str]:
        yield from _in_place_of(run)
        failed = [stage for stage in run.stages if stage.status == "FAILED"]
        for stage in failed:
            yield from _attempts_of(stage)
        yield f"cost ${run.cost_usd:.2f}"

    def _command(self, command: str, does: str, options: str = "") -> str:
        return f"`seqdrop {command} {self.sample}{self._only}{options}` {does}"

    def _give_up(self) -> str:
        """What is refused while a run goes on."""
        if self.analysis.active_run:
            return self._stop()
        does = "gives it up: its files stay, and a rerun opens it again"
        return self._command("dismiss", does, " --reason TEXT")

    def _logs(self, stage: StageView, does: str) -> str:
        return f"`seqdrop logs {self.sample} {stage.stage}{self._only}` {does}"

    def _stop(self) -> str:
        return self._command("stop", "ends the run and holds the sample, if it is not wanted")

    @property
    def _only(self) -> str:
        """Which analysis is meant, where its sample has several."""
        return f" --assay {self.analysis.assay}" if self.analysis.of_several else ""

    @staticmethod
    def _look_at(run: RunView) -> tuple[str, ...]:
        where = run.execution_url or run.execution
        looked = (f"look at its execution: {where}",) if where else ()
        return (*looked, "`seqdrop redrive --dry-run` shows which messages were given up")

    def _swept(self, since: str | None) -> str:
        """What the sweep does about what should have taken seconds; "" before that is late."""
        if (self._seconds_since(since) or 0.0) > _SWEPT_SECONDS:
            return _NOT_SWEPT
        return _SWEPT if self._is_late(since) else ""

    def _is_late(self, since: str | None) -> bool:
        seconds = self._seconds_since(since)
        return seconds is not None and seconds > LATE_SECONDS

    def _seconds_since(self, since: str | None) -> float | None:
        if not since:
            return None
        return max(0.0, (self.now - datetime.fromisoformat(since)).total_seconds())


_RULES: dict[AnalysisStatus, Callable[[_Asked], Why]] = {
    AnalysisStatus.RECEIVING: _Asked.receiving,
    AnalysisStatus.READY: _Asked.ready,
    AnalysisStatus.ANALYSING: _Asked.analysing,
    AnalysisStatus.ANALYSED: _Asked.analysed,
    AnalysisStatus.FAILED: _Asked.failed,
    AnalysisStatus.HELD: _Asked.held,
    AnalysisStatus.DISMISSED: _Asked.dismissed,
    AnalysisStatus.NO_READS: _Asked.without_reads,
}
_RULES_OF_JOBS: dict[str, Callable[[_Asked, RunView, StageView], Why]] = {
    "FAILED": _Asked.job_has_failed,
    "RETRYING": _Asked.job_is_followed,
    "RUNNABLE": _Asked.job_waits,
    "STARTING": _Asked.job_starts,
    "RUNNING": _Asked.job_runs,
}
"""Of jobs in other states: they are on their way to their queue."""
_ON_ITS_WAY = {"SUBMITTING", "SUBMITTED", "PENDING"}
_RANKS: tuple[Callable[[StageView], bool], ...] = (
    lambda stage: stage.status == "FAILED",
    lambda stage: bool(stage.gate),
    lambda stage: stage.status == "RETRYING",
    lambda stage: bool(stage.blocked_reason),
    lambda stage: stage.status == "RUNNABLE",
    lambda stage: stage.status in _ON_ITS_WAY,
    lambda stage: stage.status == "STARTING",
    lambda stage: stage.status == "RUNNING",
)
"""Which stage tells most of why its run is not done: the first of these that any of them is."""
_ITS_TURN = "it waits for its project's turn"
_RAISE = "what a project may have is in pipelines/projects.yaml: raise it and `seqdrop deploy`"
_KEPT = {
    Kept.PAUSED: (
        "its project is paused",
        "its run begins when that is ended",
        ("ask who paused it; then `seqdrop resume --project {project}` lets its runs begin",),
    ),
    Kept.SHARE: (
        _ITS_TURN,
        "its run begins when one of them has ended, and its turn comes",
        (_RAISE,),
    ),
    Kept.BUDGET: (
        "its project has spent its budget",
        "its run begins with the next month (UTC), or once usd_a_month is raised",
        ("ask who pays for the project", _RAISE),
    ),
    Kept.BREAKER: (
        "runs of its assay failed alike, and no more begin",
        "one run is let through as a probe now and then: once one ends well, all begin within half "
        "an hour",
        ("mend that; then `seqdrop resume --assay {assay}` lets its runs begin",),
    ),
    Kept.LINE: (
        _ITS_TURN,
        "its run begins when its turn comes",
        ("`seqdrop queues` shows how many wait, and how many go on",),
    ),
}
_CLOSED = "the run is closed within seconds"
_ENDS = {Action.FALL_BACK: f"{_CLOSED}, and one as its assay's fall-back makes it takes its place"}
_FOLLOWS = {
    Action.AGAIN: "the same job follows on the same queue",
    Action.ON_DEMAND: "the same job follows on hosts that nobody takes away",
    Action.MOVE: "the same job follows on the queue of its run's priority",
    Action.LARGER: "the same job follows with the next size up",
}


def why_lines(found: Why) -> Iterator[str]:
    """The answer as text, below the line that says its state."""
    first, *rest = found.cause.splitlines() or [_NO_REASON]
    yield f"why: {first}"
    yield from (f"     {line}" for line in rest)
    if found.by_itself or found.do:
        yield f"Seqdrop: {found.by_itself or 'does nothing by itself before you act'}"
    if found.by_itself and not found.do:
        yield "you: nothing, for now"
    yield from (f"you: {line}" for line in found.do)
    if found.needs_nothing:
        yield "nothing needs doing"
    yield from (f"seen: {line}" for line in found.evidence)
    yield from (f"link: {line}" for line in found.links)


def attempt_text(attempt: AttemptView) -> str:
    """How an attempt ended, and where, for a person."""
    code = "" if attempt.exit_code is None else f", exit code {attempt.exit_code}"
    parts = [
        attempt.failure_class or "",
        f"{attempt.reason}{code}" if attempt.reason else "",
        f"on {_host_text(attempt)}" if attempt.host else "",
        "" if attempt.ran_seconds is None else f"ran {duration_text(attempt.ran_seconds)}",
        "" if attempt.cost_usd is None else f"${attempt.cost_usd:.2f}",
    ]
    return ", ".join(part for part in parts if part) or "nothing is known of it"


def _host_text(attempt: AttemptView) -> str:
    kind = ", ".join(part for part in (attempt.instance_type, attempt.market) if part)
    return f"{attempt.host} ({kind})" if kind else f"{attempt.host}"


def clock(time: str | None) -> str:
    """A time for a person, to the minute."""
    return f"{time[:10]} {time[11:16]} UTC" if time else "an unknown time"


def _says_unreadable(holds: Mapping[str, str], uri: str) -> bool:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return is_unreadable(holds.get(object_cause(ObjectName(bucket, key)), ""))


def _pair_of(file: FileView) -> tuple[str, ...]:
    """What both mates have in common."""
    return file.library, file.flowcell, file.lane, file.segment


def _cure(gate: str) -> str:
    """What mends the failures that opened a breaker."""
    failure = next((one for one in FailureClass if re.search(rf"\b{one}\b", gate)), None)
    return (RULES[failure].cure if failure else "") or "mend that"


def _attempts_of(stage: StageView) -> Iterator[str]:
    """Each attempt that failed."""
    for number, attempt in enumerate(stage.tries, 1):
        if attempt.status == "FAILED":
            yield f"{stage.stage}, attempt {number}: {attempt_text(attempt)}"


def _in_place_of(run: RunView) -> Iterator[str]:
    if run.instead_of:
        yield f"{run.pipeline} in place of {run.instead_of}: {run.options.fallback}"


def _moved(run: RunView, stage: StageView) -> Iterator[str]:
    if stage.moved_from:
        yield f"its priority is {run.priority} now: it came from queue {stage.moved_from}"


def _attempt_of(stage: StageView) -> str:
    most = max(stage.most_attempts, len(stage.tries))
    return f", attempt {len(stage.tries)} of {most}" if stage.most_attempts else ""


def _first_failed(run: RunView) -> StageView | None:
    """The stage that its run failed by, as the run has it; None where it was none's failure."""
    failed = (stage for stage in run.stages if stage.status == "FAILED")
    return next((one for one in failed if run.why.startswith(f"{one.stage}: ")), None)


def _class_of(stage: StageView) -> FailureClass:
    """TOOL_FAILED where none is recorded."""
    return FailureClass(stage.failure_class or FailureClass.TOOL_FAILED)


def _links_of(run: RunView, *stages: StageView) -> Iterator[str]:
    for stage in stages:
        if stage.log_url and any(one.started for one in stage.tries):
            yield f"log of {stage.stage}: {stage.log_url}"
        if stage.job_url:
            yield f"job of {stage.stage}: {stage.job_url}"
    if run.execution_url:
        yield f"execution: {run.execution_url}"


def _later(since: str | None, by: timedelta) -> str:
    """The time after one, for a person; "" where there is none."""
    return f"at {clock((datetime.fromisoformat(since) + by).isoformat())}" if since else ""


def _cut(text: str) -> str:
    lines = text.splitlines()
    if len(lines) <= _LONGEST_CAUSE_LINES:
        return text
    return "\n".join([*lines[:_LONGEST_CAUSE_LINES], "…"])
