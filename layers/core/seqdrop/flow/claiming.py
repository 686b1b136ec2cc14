"""Whether an analysis may start; and if it may, claiming its run, once."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from seqdrop.aws.catalog import Catalog
from seqdrop.aws.catalog.layout import timestamp
from seqdrop.aws.executions import Executions
from seqdrop.aws.queues import LookAt, NextInLine, UploadsQueue
from seqdrop.domain.admission import counts_in_share
from seqdrop.domain.blueprint import (
    Blueprint,
    check_approved,
    check_images,
    check_sex_given,
    decode_blueprint,
    encode_blueprint,
    make_blueprint,
)
from seqdrop.domain.errors import Conflict, InvalidInput, SexNotGiven, Transient, UnknownAssay
from seqdrop.domain.identity import AnalysisId, RunId
from seqdrop.domain.inputs import NO_FILES, files_of_run, to_look_at_again
from seqdrop.domain.job_definitions import JobDefinitions
from seqdrop.domain.lifecycle import Assessment, assess
from seqdrop.domain.pipeline import Assay
from seqdrop.domain.records import (
    Analysis,
    AnalysisStatus,
    FastqFile,
    Run,
    RunOptions,
    RunStatus,
)
from seqdrop.domain.reference import ReferenceVersion
from seqdrop.flow.admission import Admission
from seqdrop.flow.priorities import Priorities
from seqdrop.flow.retry import retry_on_conflict
from seqdrop.flow.validated_versions import ValidatedVersions
from seqdrop.library import Library

_OPEN = {AnalysisStatus.RECEIVING, AnalysisStatus.READY, AnalysisStatus.HELD}


@dataclass(frozen=True)
class Claiming:
    """Every change of an analysis' inputs ends in a call of ``advance``."""

    catalog: Catalog
    executions: Executions
    queue: UploadsQueue
    admission: Admission
    priorities: Priorities
    library: Library
    images: dict[str, str]
    definitions: JobDefinitions
    validated: ValidatedVersions
    now: Callable[[], datetime]

    def advance(self, wanted: AnalysisId, generation: int | None = None) -> str:
        """Does what an analysis' inputs allow now; returns its status then.

        A message about an older generation is dropped: who raised it has sent another.
        """
        analysis = self.catalog.analyses.get(wanted)
        if analysis is None or generation not in {None, analysis.generation}:
            return ""
        self._ensure_started(analysis)
        if analysis.status not in _OPEN:
            return analysis.status
        if again := to_look_at_again(analysis):
            self.queue.send_all([LookAt(object_) for object_ in again])
        try:
            config = self._config(analysis)
        except UnknownAssay as error:
            return self._hold(analysis, "assay", error)
        analysis = self.catalog.analyses.note_single(analysis, single=config.has_one_file_a_lane)
        assessment = assess(analysis, config.complete, self.now())
        if assessment.status is AnalysisStatus.READY:
            return self._start(analysis, config)
        self.catalog.analyses.settle(analysis, assessment, self.now())
        if assessment.check_again_seconds is not None:
            delay = assessment.check_again_seconds
            self.queue.recheck(wanted, analysis.generation, delay)
        return assessment.status

    def next_in_line(self, project: str) -> str:
        """Gives the next turn of a project's line; returns what came of it, for the log.

        Where that is a run, or it waits no more, whoever comes after it is asked next.
        """
        place = self.admission.first(project)
        if place is None:
            return "nobody waits"
        first = AnalysisId(place.sample, place.assay)
        status = self.advance(first)
        if status != AnalysisStatus.READY or self.admission.first(project) != place:
            self.queue.send(NextInLine(project))
        return f"{first} is {status or 'gone, or has changed since'}"

    def _config(self, analysis: Analysis) -> Assay:
        """Its assay; where its next run is to be one as the fall-back makes it, made so."""
        own = self.library.assay_of(analysis)
        if not own.fallback or not _options(analysis).fallback:
            return own
        return own.as_fallback(self.library.assay_named(own.fallback))

    def _fallback(self, analysis: Analysis, config: Assay) -> str:
        """The assay as which another run might take the place of this one; "" where none could."""
        if not config.fallback:
            return ""
        try:
            other = config.as_fallback(self.library.assay_named(config.fallback))
            self._next(analysis, other)
        except InvalidInput:  # an index that its reference does not have, say
            return ""
        return config.fallback

    def _start(self, analysis: Analysis, config: Assay) -> str:
        if analysis.active_run:
            return self._wait_for_run(analysis, config)
        often = Transient(f"the reference of {analysis.id} changes again and again")
        return retry_on_conflict(lambda: self._try_to_start(analysis, config), often)

    def _try_to_start(self, analysis: Analysis, config: Assay) -> str:
        """Claims a run, or holds its analysis. Raises Conflict where the reference that it was to
        use was retired since it was chosen: another may be there.
        """
        try:
            reference, blueprint = self._next(analysis, config)
        except InvalidInput as error:
            if _options(analysis).fallback:
                error = InvalidInput(f"as its fall-back: {error}")
            return self._hold(analysis, "claim", error)
        try:
            return self._claim(analysis, config, reference, blueprint)
        except Conflict:
            there = self.catalog.analyses.get(analysis.id)
            is_same = there and (there.generation, there.options) == (
                analysis.generation, analysis.options,
            )  # fmt: skip
            if there is None or there.active_run or not is_same:
                return ""  # whoever changed the analysis, or claimed it, goes on from there
            raise

    def _wait_for_run(self, analysis: Analysis, config: Assay) -> str:
        """It has its turn when the run that goes on has ended, and adopts it if it is its own."""
        why = "its files have changed: it starts when the run that goes on has ended"
        try:
            _, blueprint = self._next(analysis, config)
            if analysis.active_run and blueprint.run_key == analysis.active_run.run_key:
                why = "the same files came again: the run that goes on is theirs, too"
        except InvalidInput as error:
            why = f"when the run that goes on has ended: {error}"
        self.catalog.analyses.settle(analysis, Assessment(AnalysisStatus.READY, why), self.now())
        return AnalysisStatus.READY

    def _claim(
        self, analysis: Analysis, config: Assay, reference: ReferenceVersion, blueprint: Blueprint
    ) -> str:
        options = _options(analysis)
        runs = self.catalog.runs.of_key(analysis.id, blueprint.run_key)
        own = self.library.assay_of(analysis)
        instead_of = own.pipeline if own.pipeline != config.pipeline else ""
        # A run of the same content that says otherwise of whose place it took is not this one.
        good = [
            run
            for run in runs
            if run.status is RunStatus.SUCCEEDED and run.instead_of == instead_of
        ]
        # A run does not keep a patient's sex.
        is_judged_anew = blueprint.checks_sex and analysis.sex
        if good and not options.is_anew and not is_judged_anew:
            self.catalog.runs.adopt(analysis, good[-1], reference.id, self.now())
            return AnalysisStatus.ANALYSED
        priority = analysis.priority or config.priority
        if self.admission.is_refused(analysis, priority, asks_breaker=not instead_of):
            return AnalysisStatus.READY
        self._put_run(
            analysis, reference, blueprint, runs, options=options, priority=priority,
            fallback="" if good else self._fallback(analysis, config),
            instead_of=instead_of,
        )  # fmt: skip
        return AnalysisStatus.ANALYSING

    def claim_for(
        self, analysis: Analysis, reference: ReferenceVersion, blueprint: Blueprint, *,
        options: RunOptions, priority: str,
    ) -> RunId | None:  # fmt: skip
        """Claims a run that a person has asked for of an analysis that is as it should be.

        None where its project or its assay may not begin one now; it stands in no line then.
        Raises Conflict where the analysis has changed, or the project has no room any more.
        """
        if self.admission.refusal_of(analysis, priority):
            return None
        runs = self.catalog.runs.of_key(analysis.id, blueprint.run_key)
        return self._put_run(
            analysis, reference, blueprint, runs, options=options, priority=priority
        )

    def _put_run(
        self, analysis: Analysis, reference: ReferenceVersion, blueprint: Blueprint,
        runs: Sequence[Run], *, options: RunOptions, priority: str, fallback: str = "",
        instead_of: str = "",
    ) -> RunId:  # fmt: skip
        """Claims a run and starts it; ``runs`` are the earlier ones under its key."""
        limits = self.library.projects().limits_of(analysis.project)
        run = Run(
            sample=analysis.sample,
            assay=analysis.assay,
            run_key=blueprint.run_key,
            attempt=max((run.attempt for run in runs), default=0) + 1,
            generation=analysis.generation,
            pipeline=blueprint.pipeline,
            reference=blueprint.reference,
            parts=blueprint.parts,
            recipe=blueprint.recipe,
            made=blueprint.made,
            calling_version=blueprint.calling,
            input_bytes=blueprint.input_bytes,
            priority=priority,
            project=analysis.project,
            can_be_moved=True,
            in_share=counts_in_share(limits, priority),
            options=options,
            fallback=fallback,
            instead_of=instead_of,
            supersedes=analysis.current_run,
            claimed=timestamp(self.now()),
        )
        self.catalog.runs.claim(
            analysis, run, encode_blueprint(blueprint), reference.id, self.now(),
            runs_at_once=limits.runs_at_once,
        )  # fmt: skip
        self.executions.start(run.id)
        return run.id

    def _reference(self, config: Assay) -> ReferenceVersion:
        """The reference version of a new run; of a queue that is not here nobody need add one."""
        pipeline = self.library.pipeline(config.pipeline)
        always = {name: stage for name, stage in pipeline.stages.items() if not stage.when}
        check_images(pipeline.name, always, self.images)
        return self.catalog.references.choose(config.reference, config.reference_version)

    def _next(self, analysis: Analysis, config: Assay) -> tuple[ReferenceVersion, Blueprint]:
        """What its next run is made of, and by which version of the reference.

        Where its assay asks for a validation, that is the version of the pipeline that is deployed
        if it has passed, and else the last one that has. Raises InvalidInput.
        """
        try:
            reference = self._reference(config)
            blueprint = self.blueprint_of(analysis, config, reference)
            self.validated.check(analysis, config, blueprint)
        except SexNotGiven:
            raise
        except InvalidInput:
            if not config.validation.holds_back(analysis.sample):
                raise
            reference, blueprint = self.validated.as_last(analysis, config, self._files(analysis))
            check_approved(blueprint, self.library.images().approved)
            check_sex_given(analysis, blueprint)
        return reference, blueprint

    def _files(self, analysis: Analysis) -> list[FastqFile]:
        return files_of_run(analysis, self.catalog.analyses.files(analysis.id))

    def blueprint_of(
        self, analysis: Analysis, config: Assay, reference: ReferenceVersion
    ) -> Blueprint:
        """What the run of an analysis would be, by the version of its pipeline that is deployed.

        Raises InvalidInput where it can't be run.
        """
        blueprint = make_blueprint(
            analysis=analysis.id,
            assay=config,
            pipeline=self.library.pipeline(config.pipeline),
            reference=reference,
            files=self._files(analysis),
            images=self.images,
            definitions=self.definitions,
            control=analysis.control,
        )
        check_approved(blueprint, self.library.images().approved)
        check_sex_given(analysis, blueprint)
        return blueprint

    def _hold(self, analysis: Analysis, cause: str, error: InvalidInput) -> str:
        if analysis.holds.get(cause) != str(error):
            with suppress(Conflict):  # other inputs have come, and whoever wrote them goes on
                self.catalog.analyses.hold(
                    analysis.id, cause, str(error), self.now(), judged=analysis.generation
                )
            analysis = self.catalog.analyses.get(analysis.id) or analysis
            if cause not in analysis.holds:
                return analysis.status
        held = Assessment(AnalysisStatus.HELD, "; ".join(analysis.holds.values()))
        self.catalog.analyses.settle(analysis, held, self.now())
        return AnalysisStatus.HELD

    def _ensure_started(self, analysis: Analysis) -> None:
        """Starts what was claimed by somebody who died before starting it.

        A run that reads a file which counts no more is stopped: nobody wants what comes out of it.
        """
        run = self.catalog.runs.get(analysis.active_run) if analysis.active_run else None
        if run and run.status is RunStatus.CLAIMED:
            self.executions.start(run.id)
        if run and run.status.live and analysis.priority:  # it may have changed since the claim
            self.priorities.move(run.id, analysis.priority)
        if run and run.status.live and (gone := self._gone(analysis, run)):
            self.executions.stop(run.id, gone)

    def _gone(self, analysis: Analysis, run: Run) -> str:
        """Which file of a run counts no more; "" while all do."""
        if NO_FILES in analysis.holds or run.generation == analysis.generation:
            return analysis.holds.get(NO_FILES, "")
        files = self.catalog.analyses.files(analysis.id)
        there = [file for file in files if file.seen in analysis.files_seen]
        blueprint = decode_blueprint(self.catalog.runs.blueprint(run))
        gone = blueprint.files_not_among(there)
        return (
            f"{gone[0]!r}, which it reads, was replaced, or belongs to it no more" if gone else ""
        )


def _options(analysis: Analysis) -> RunOptions:
    """What was asked of the next run; inputs that have changed since try for an FPGA first."""
    options = analysis.options or RunOptions()
    if options.generation not in {0, analysis.generation}:
        return RunOptions()
    return options
