"""Whether an analysis may start; and if it may, claiming its run, once."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from seqdrop.aws.catalog import Catalog
from seqdrop.aws.catalog.layout import timestamp
from seqdrop.aws.executions import Executions, RunInput
from seqdrop.aws.queues import Rechecks
from seqdrop.domain.blueprint import Blueprint, check_queues, make_blueprint
from seqdrop.domain.errors import Conflict, InvalidInput, Transient, UnknownAssay
from seqdrop.domain.lifecycle import Assessment, assess
from seqdrop.domain.naming import execution_name, split_run_id
from seqdrop.domain.pipeline import Assay
from seqdrop.domain.plan import encode
from seqdrop.domain.records import Analysis, AnalysisStatus, Run, RunOptions, RunStatus
from seqdrop.library import Library

_OPEN = {AnalysisStatus.RECEIVING, AnalysisStatus.READY, AnalysisStatus.HELD}
_CLAIM_TRIES = 3


@dataclass(frozen=True)
class Claims:
    """Every change of an analysis' inputs ends in a call of ``advance``."""

    catalog: Catalog
    executions: Executions
    rechecks: Rechecks
    library: Library
    images: dict[str, str]
    definitions: dict[str, str]
    now: Callable[[], datetime]

    def advance(self, sample: str, assay: str, generation: int | None = None) -> str:
        """Does what an analysis' inputs allow now; returns its status then.

        A message about an older generation is dropped: who raised it has sent another.
        """
        analysis = self.catalog.analyses.get(sample, assay)
        if analysis is None or generation not in {None, analysis.generation}:
            return ""
        if analysis.active_run:
            self._ensure_started(analysis)
        if analysis.status not in _OPEN:
            return analysis.status
        try:
            config = self.library.assay_of(analysis)
        except UnknownAssay as error:
            return self._hold(analysis, "assay", error)
        assessment = assess(analysis, config.complete, self.now())
        if assessment.status is AnalysisStatus.READY:
            return self._start(analysis, config)
        self.catalog.analyses.settle(analysis, assessment, self.now())
        if assessment.check_again_seconds is not None:
            delay = assessment.check_again_seconds
            self.rechecks.send(sample, assay, analysis.generation, delay)
        return assessment.status

    def _start(self, analysis: Analysis, config: Assay) -> str:
        if analysis.active_run:
            return self._wait_for_run(analysis, config)
        for _ in range(_CLAIM_TRIES):
            try:
                blueprint = self._blueprint(analysis, config)
            except InvalidInput as error:
                return self._hold(analysis, "claim", error)
            try:
                return self._claim(analysis, config, blueprint)
            except Conflict:
                there = self.catalog.analyses.get(analysis.sample, analysis.assay)
                if there is None or there.active_run or there.generation != analysis.generation:
                    return ""  # whoever changed the analysis, or claimed it, goes on from there
                # Its reference was retired since it was chosen: what is there without it?
        raise Transient(f"the reference of {analysis.sample} changes again and again")

    def _wait_for_run(self, analysis: Analysis, config: Assay) -> str:
        """It has its turn when the run that goes on has ended, and adopts it if it is its own."""
        why = "its files have changed: it starts when the run that goes on has ended"
        try:
            if self._blueprint(analysis, config).run_key == split_run_id(analysis.active_run)[0]:
                why = "the same files came again: the run that goes on is theirs, too"
        except InvalidInput as error:
            why = f"when the run that goes on has ended: {error}"
        self.catalog.analyses.settle(analysis, Assessment(AnalysisStatus.READY, why), self.now())
        return AnalysisStatus.READY

    def _claim(self, analysis: Analysis, config: Assay, blueprint: Blueprint) -> str:
        options = analysis.options or RunOptions()
        runs = self.catalog.runs.of_key(analysis.sample, analysis.assay, blueprint.run_key)
        good = [run for run in runs if run.status is RunStatus.SUCCEEDED]
        if good and options == RunOptions():
            self.catalog.runs.adopt(analysis, good[-1], blueprint.reference, self.now())
            return AnalysisStatus.ANALYSED
        run = Run(
            sample=analysis.sample,
            assay=analysis.assay,
            run_key=blueprint.run_key,
            attempt=max((run.attempt for run in runs), default=0) + 1,
            generation=analysis.generation,
            pipeline=blueprint.pipeline,
            reference=blueprint.reference,
            parts=blueprint.parts,
            priority=analysis.priority or config.priority,
            project=analysis.project,
            blueprint=encode(blueprint),
            options=options,
            supersedes=analysis.current_run,
            claimed=timestamp(self.now()),
        )
        self.catalog.runs.claim(analysis, run, self.now())
        self._start_execution(run)
        return AnalysisStatus.ANALYSING

    def _blueprint(self, analysis: Analysis, config: Assay) -> Blueprint:
        pipeline = self.library.pipeline(config.pipeline)
        # Before the reference, which nobody need add for a queue that is not here.
        always = {name: stage for name, stage in pipeline.stages.items() if not stage.when}
        check_queues(pipeline.name, always, self.images)
        files = self.catalog.analyses.files(analysis.sample, analysis.assay)
        seen = {entry.split("|", 1)[0] for entry in analysis.files_seen}
        return make_blueprint(
            sample=analysis.sample,
            assay_name=analysis.assay,
            assay=config,
            pipeline=pipeline,
            reference=self.catalog.references.choose(config.reference, config.reference_version),
            files=[file for file in files if str(file.identity) in seen],
            images=self.images,
            definitions=self.definitions,
        )

    def _hold(self, analysis: Analysis, cause: str, error: InvalidInput) -> str:
        if analysis.holds.get(cause) != str(error):
            self.catalog.analyses.hold(
                analysis.sample, analysis.assay, cause, str(error), self.now()
            )
            analysis = self.catalog.analyses.get(analysis.sample, analysis.assay) or analysis
        held = Assessment(AnalysisStatus.HELD, "; ".join(analysis.holds.values()))
        self.catalog.analyses.settle(analysis, held, self.now())
        return AnalysisStatus.HELD

    def _ensure_started(self, analysis: Analysis) -> None:
        """Starts what was claimed by somebody who died before he started it."""
        run = self.catalog.runs.get(analysis.sample, analysis.assay, analysis.active_run)
        if run and run.status is RunStatus.CLAIMED:
            self._start_execution(run)

    def _start_execution(self, run: Run) -> None:
        name = execution_name(run.sample, run.run_key, run.attempt)
        ids = RunInput(run.sample, run.assay, run.run_key, run.attempt)
        self.executions.start(name, ids)
