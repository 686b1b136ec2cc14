"""One stage from its plan to its published results."""

import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from threading import Event

from runner.commands import Filler, applies
from runner.copying import can_be_shared
from runner.faults import StageFault
from runner.fetch import Needed, keep_results, needed_results, wanted_files
from runner.heartbeat import Heartbeat, beating
from runner.host import facts_of
from runner.host_files import HostFiles, host_files
from runner.licence import check_version, lent
from runner.log import OutcomeLog
from runner.objects import Objects
from runner.outputs import check_records, collect, measure
from runner.publish import Publisher
from runner.sample_names import check_names
from runner.scratch import Folders, scratch
from runner.settings import Settings, cores
from runner.staging import Staging
from runner.steps import run_steps
from runner.streaming.reads import Reads
from runner.usage import Usage, watched
from runner.versions import ToolVersions, VersionQuestions, programs_of
from seqdrop.domain.failure import FailureClass
from seqdrop.domain.identity import ObjectName, RunId
from seqdrop.domain.pipeline import COMPARE, Step
from seqdrop.domain.plan import ResultFile, RunPlan, StagePlan, StageResult
from seqdrop.domain.plan_scope import PlanScope
from seqdrop.domain.progress import progress_key
from seqdrop.domain.version import VERSION
from seqdrop.domain.workflow import session_of, tag_of

SECONDS_FOR_CAUSE = 120.0
"""How long a failed tool's host waits for the checks of its reads: a tool that stumbles over a
file mostly does so near to where the checks are by then, and an FPGA host costs all the while."""


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass
class StageRun:
    """What a stage works with; ``counts``, ``metrics`` and ``timings`` grow as it goes."""

    plan: RunPlan
    stage: StagePlan
    objects: Objects
    settings: Settings
    log: OutcomeLog
    scope: PlanScope
    stop: Event = field(default_factory=Event)
    counts: dict[str, int] = field(default_factory=dict)
    lanes: dict[str, dict[str, int]] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    timings: dict[str, float] = field(default_factory=dict)
    commands: tuple[str, ...] = ()
    of_simulated: bool = False
    """Whether a stage before was played by a stand-in."""
    started: str = field(default_factory=_now)

    def run(self) -> None:
        """Runs the stage, unless good results are there already. Raises StageFault."""
        publisher = Publisher(self.stage, self.objects, self.stop)
        if publisher.is_published():
            self.log.info("already_published", bucket=self.stage.bucket, prefix=self.stage.prefix)
            return
        with (
            scratch(self.settings.scratch, self.stage.scratch_mib) as folders,
            self._reads(folders) as reads,  # it forks: before any thread runs
            self._host_files() as host,
            watched(folders.root) as usage,
            beating(self._heartbeat(reads, usage)) as heartbeat,
        ):
            steps = self._steps
            questions = VersionQuestions(programs_of(steps), folders.tmp)
            needed = needed_results(self.plan, self.stage, self.objects, self.stop)
            self.of_simulated = any(result.simulated for _, result in needed)
            self._fetch(needed, folders, reads, host)
            versions = questions.answers()
            check_version(self.settings.dragen_licence, versions.lines)
            filler = Filler(folders.root, self._texts(versions), self.plan.variables, reads.pairs)
            self._run_steps(steps, filler, reads, folders, heartbeat)
            files = self._check(filler, reads, folders.out)
            usage.look()  # all is there now, however short it was
            self._publish(publisher, files, versions, usage)

    def _reads(self, folders: Folders) -> Reads:
        copies_to = ObjectName(self.stage.bucket, f"{self.stage.work}reads/")
        return Reads(
            self.plan.pairs, self.stage.reads, folders.tmp, self.objects, self.stop,
            copies_to=copies_to,
        )  # fmt: skip

    def _heartbeat(self, reads: Reads, usage: Usage) -> Heartbeat:
        run = RunId(self.plan.sample, self.plan.assay, self.plan.run_key, self.plan.attempt)
        key = progress_key(self.plan.folder, self.stage.stage)
        # Nobody shows how far a reference's indexes are, and no role may write beside them.
        is_shown = self.plan.folder == run.folder
        return Heartbeat(
            stage=self.stage.stage,
            steps=len(self._steps),
            reads=reads,
            usage=usage,
            cores=self.threads,
            settings=self.settings,
            log=self.log,
            write=partial(self.objects.write, self.stage.bucket, key) if is_shown else None,
        )

    @property
    def _steps(self) -> list[Step]:
        return [step for step in self.stage.steps if applies(step.when, self.plan.variables)]

    @property
    def threads(self) -> int:
        """Cores that the job asked for, where the machine has them."""
        return max(1, min(self.stage.vcpus, cores()))

    def _texts(self, versions: ToolVersions) -> dict[str, str]:
        """What placeholders stand for; folders are relative to where the tools run."""
        return {
            "ref": "ref",
            "in": "in",
            "tmp": "tmp",
            "out": "out",
            "threads": str(self.threads),
            "memory_mib": str(self.stage.memory_mib),
            "sample": self.plan.sample,
            "pipeline": self.plan.pipeline,
            "reference": self.plan.reference,
            "run_key": self.plan.run_key,
            "stage_key": self.stage.key,
            "version": VERSION,
            "simulated": "true" if self._is_simulated(versions) else "false",
            "work": ObjectName(self.stage.bucket, self.stage.work).uri,
            "session": session_of(self.stage.work),
            "task_tag": tag_of(
                self.plan.sample, self.plan.assay, self.plan.run_key, self.plan.attempt,
                self.stage.stage,
            ),
        }  # fmt: skip

    def _is_simulated(self, versions: ToolVersions) -> bool:
        """Whether a stand-in ran here, or in a stage before: its results mark what follows."""
        return versions.simulated or self.of_simulated

    def _host_files(self) -> AbstractContextManager[HostFiles | None]:
        """None where no other job comes after this one on its scratch."""
        if not self.settings.shares_scratch:
            return nullcontext()
        objects = [file.object for file in self.stage.reference_files]
        makes = any(can_be_shared(one) and self.scope.is_of_reference(one) for one in objects)
        return host_files(self.settings.scratch, self.log, makes=makes)

    def _fetch(
        self, needed: Needed, folders: Folders, reads: Reads, host: HostFiles | None
    ) -> None:
        begun = time.monotonic()
        # Somebody has sized a host's disk by it; a machine of one's own may hold a small genome.
        needed_mib = self.stage.scratch_mib if self.settings.shares_scratch else 0
        Staging(folders.root, host, self.objects, self.log, self.stop).stage(
            wanted_files(self.stage, needed, folders),
            self.scope.is_of_reference,
            reads.fetch_tasks(),
            reads_bytes=reads.bytes_on_disk,
            needed_mib=needed_mib,
        )
        keep_results(needed, folders)
        reads.begin_checks()
        self.timings["fetch"] = _since(begun)

    def _run_steps(
        self, steps: list[Step], filler: Filler, reads: Reads, folders: Folders, heart: Heartbeat
    ) -> None:
        """Runs the steps while files on disk are checked: a bad file may be why a tool failed."""
        try:
            licence = partial(
                lent, self.settings.dragen_licence, self.settings.secrets, folders.root
            )
            ran = run_steps(
                steps,
                filler,
                reads,
                folders,
                licence=licence,
                threads=self.threads,
                stop=self.stop,
                tell=heart.note_steps,
            )
        except StageFault as fault:
            if fault.failure_class is FailureClass.TOOL_FAILED:
                self._look_for_cause(reads)
            raise
        self.timings |= ran.seconds
        self.commands = ran.commands
        begun = time.monotonic()
        reads.finish_checks()
        if reads.on_disk:
            self.timings["checks_after_tools"] = _since(begun)

    def _look_for_cause(self, reads: Reads) -> None:
        """Raises the fault of a bad file; without one in time, the tool's own stands."""
        begun = time.monotonic()
        if reads.wait_for_faults(SECONDS_FOR_CAUSE):
            reads.finish_checks()
        else:
            self.log.info("checks_given_up", seconds=_since(begun))

    def _check(self, filler: Filler, reads: Reads, out: Path) -> dict[str, Path]:
        """The files to publish, once the counts are right; what went in is looked at first."""
        if self.stage.reads:
            self.counts |= reads.totals()
            self.lanes = reads.by_lane()
            reads.check_all_read()
        files = collect(self.stage, filler, out)
        if self.stage.stage != COMPARE:  # its files may be of two samples
            check_names(files, self.plan.sample)
        measured = measure(self.stage.measures, files)
        self.metrics |= measured.metrics
        for lane, counts in measured.lanes.items():
            self.lanes.setdefault(lane, {}).update(counts)
        check_records(self.counts, self.metrics)
        return files

    def _publish(
        self, publisher: Publisher, files: dict[str, Path], versions: ToolVersions, usage: Usage
    ) -> None:
        if publisher.is_published():  # by another job, while this one worked
            self.log.info("published_by_another_job", prefix=self.stage.prefix)
            return
        begun = time.monotonic()
        published = publisher.upload(files)
        self.timings["upload"] = _since(begun)
        result = self._result(published, versions, usage)
        self.log.info(
            publisher.record(result),
            bucket=self.stage.bucket,
            prefix=self.stage.prefix,
            counts=self.counts,
            metrics=self.metrics,
            timings=self.timings,
            peak_memory_mib=result.peak_memory_mib,
            peak_scratch_mib=result.peak_scratch_mib,
            simulated=result.simulated,
        )

    def _result(
        self, files: tuple[ResultFile, ...], versions: ToolVersions, usage: Usage
    ) -> StageResult:
        return StageResult(
            stage=self.stage.stage,
            key=self.stage.key,
            files=files,
            tools=versions.lines,
            commands=self.commands,
            counts=self.counts,
            metrics=self.metrics,
            timings=self.timings,
            peak_memory_mib=usage.memory_mib,
            peak_scratch_mib=usage.scratch_mib,
            simulated=self._is_simulated(versions),
            started=self.started,
            ended=_now(),
            lanes=self.lanes,
            host=facts_of(self.settings.host),
            job_id=self.settings.job_id,
            job_attempt=int(self.settings.job_attempt or 0),
        )


def _since(begun: float) -> float:
    return round(time.monotonic() - begun, 3)
