"""The runs of a reanalysis: claimed one by one, each compared with the run that it may replace."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from seqdrop.aws.catalog import Catalog
from seqdrop.domain.admission import Limits, Refusal, refusal
from seqdrop.domain.blueprint import Blueprint, decode_blueprint
from seqdrop.domain.errors import Conflict, InvalidInput, Transient
from seqdrop.domain.identity import AnalysisId, ReferenceId, RunId
from seqdrop.domain.pipeline import Assay
from seqdrop.domain.reanalysis.comparing import (
    stages_to_compare,
    with_comparison,
)
from seqdrop.domain.reanalysis.record import Reanalysis
from seqdrop.domain.reanalysis.scope import WORDS, is_in_scope, why_left_out
from seqdrop.domain.reanalysis.staleness import Made, find_stale, target_of, why_not_without
from seqdrop.domain.records import Analysis, Run, RunOptions, RunStatus
from seqdrop.domain.reference import ReferenceState, ReferenceVersion
from seqdrop.flow.claiming import Claiming
from seqdrop.flow.reanalysis.members import worse_qc
from seqdrop.flow.reanalysis.run_files import RunFiles, chain_between


class Busy(Transient):
    """Something else goes on over the analysis, or nothing of it may begin now: later."""


class Lasting(Busy):
    """The same, and it may last: another run of the analysis goes on, say."""


class Paused(Lasting):
    """Its project is paused, for as long as a person likes."""


class PlanChanged(InvalidInput):
    """What was planned can't be made any more as it was planned: nothing more begins."""


class Begun(NamedTuple):
    """A run of a reanalysis that goes on, or the reason why there is none."""

    run: RunId | None
    left_out: str = ""
    failed: str = ""
    """Why the run that is there takes no other's place."""
    is_made: bool = False
    """Its results were there already, and were taken."""


def version_for(
    catalog: Catalog, config: Assay, target: ReferenceId | None, before: str
) -> ReferenceVersion:
    """The version of the reference that an analysis is made anew with.

    That is the one that is asked for; where none is, the one that its run has used (``before``),
    or the newest where that is withdrawn, or of another reference. Raises ReferenceNotReady.
    """
    name, _, version = before.partition("/")
    wanted = target or (ReferenceId(name, version) if name == config.reference else None)
    there = catalog.references.get(wanted) if wanted else None
    if there and (target or there.state is ReferenceState.READY):
        return there
    return catalog.references.choose(config.reference, config.reference_version)


def made_of(catalog: Catalog, run: Run) -> Made:
    """What decided a run's results; of the release before, as its blueprint has it."""
    recipe = run.recipe or decode_blueprint(catalog.runs.blueprint(run)).recipe
    return Made(run.pipeline, run.reference, run.parts, recipe)


@dataclass(frozen=True)
class ReanalysisRuns:
    """An analysis is looked at as it is now, whatever the plan has said of it."""

    catalog: Catalog
    claiming: Claiming
    files: RunFiles
    now: Callable[[], datetime]

    def begin(self, reanalysis: Reanalysis, wanted: AnalysisId, *, canary: bool) -> Begun:
        """Claims a run, or finds the one that was claimed before. Raises Busy.

        Twice is as good as once: a run of this reanalysis that goes on, or has ended well, is
        found again. Raises PlanChanged, too.
        """
        try:
            return self._begin(reanalysis, wanted, canary=canary)
        except PlanChanged:
            raise
        except InvalidInput as error:
            return Begun(None, error.to_mend)

    def _begin(self, reanalysis: Reanalysis, wanted: AnalysisId, *, canary: bool) -> Begun:
        analysis, current = self._as_it_is(wanted)
        if analysis.active_run:
            return self._going_on(reanalysis, analysis, analysis.active_run)
        config = self.claiming.library.assay_of(analysis)
        if not is_in_scope(reanalysis.scope, analysis, config):
            raise InvalidInput("it is not among those that were asked for any more")
        target = reanalysis.scope.target
        reference = version_for(self.catalog, config, target, current.reference)
        if target and reference.state is not ReferenceState.READY:
            raise PlanChanged(f"reference {target} is {reference.state}")
        blueprint = self.claiming.blueprint_of(analysis, config, reference)
        if reanalysis.plan and blueprint.judged not in reanalysis.plan.judged:
            raise PlanChanged(
                f"runs of {analysis.assay} would be made, or judged, otherwise than was planned: "
                "pipelines, limits or images were deployed since"
            )
        self.claiming.validated.check(analysis, config, blueprint)
        if blueprint.run_key == current.run_key:
            is_own = current.options.reanalysis == reanalysis.id
            return Begun(current.id, "" if is_own else "it is so already", is_made=is_own)
        if reason := why_left_out(reanalysis.scope, analysis, config):
            raise InvalidInput(WORDS[reason])
        self._check_keeps_stages(current, blueprint, reference)
        self._check_not_newer(current, reference)
        if earlier := self._made_before(reanalysis, blueprint, wanted):
            if worse := worse_qc(earlier, current):
                return Begun(earlier.id, failed=worse, is_made=True)
            if not canary:
                self._adopt(analysis, earlier, reference)
            return Begun(earlier.id, is_made=True)
        options = RunOptions(reanalysis=reanalysis.id, waits_for="approval" if canary else "")
        return Begun(self._claim(analysis, reference, blueprint, current, options))

    def _adopt(self, analysis: Analysis, run: Run, reference: ReferenceVersion) -> None:
        try:
            self.catalog.runs.adopt(analysis, run, reference.id, self.now())
        except Conflict as error:
            raise Busy(f"{analysis.id} has changed") from error

    def promote(self, reanalysis: Reanalysis, member: AnalysisId, run: RunId) -> Begun | None:
        """Makes a canary's run the current one, now that somebody has approved.

        None where that run is not what would be made now, or was judged by limits that nobody has
        approved: it has to be made anew.
        """
        analysis = self.catalog.analyses.get(member)
        if analysis and analysis.current_run == run:
            return Begun(run, is_made=True)
        made = self.catalog.runs.get(run)
        if made is None or reanalysis.plan is None:
            return None
        begun = self._promote(reanalysis, member, made)
        return begun if begun is None or begun.left_out or begun.run == run else None

    def _promote(self, reanalysis: Reanalysis, member: AnalysisId, made: Run) -> Begun | None:
        try:
            analysis, current = self._as_it_is(member)
            config = self.claiming.library.assay_of(analysis)
            target = reanalysis.scope.target
            reference = version_for(self.catalog, config, target, current.reference)
            blueprint = self.claiming.blueprint_of(analysis, config, reference)
            if blueprint.run_key != made.run_key or self._judged(made) not in reanalysis.approved:
                return None
            self.claiming.validated.check(analysis, config, blueprint)
            if analysis.active_run:
                raise Busy(f"{analysis.active_run} of {analysis.id} goes on")
            if reason := why_left_out(reanalysis.scope, analysis, config):
                raise InvalidInput(WORDS[reason])
            self._check_not_newer(current, reference)
            if worse := worse_qc(made, current):
                return Begun(made.id, failed=worse)
            self._adopt(analysis, made, reference)
        except InvalidInput as error:
            return Begun(None, error.to_mend)
        return Begun(made.id, is_made=True)

    def _as_it_is(self, wanted: AnalysisId) -> tuple[Analysis, Run]:
        """An analysis and its current run. Raises InvalidInput where it has none any more."""
        analysis = self.catalog.analyses.get(wanted)
        if analysis is None or analysis.current_run is None:
            raise InvalidInput("it has no run any more")
        current = self.catalog.runs.get(analysis.current_run)
        if current is None:
            raise Transient(f"{analysis.current_run} was there, and is not any more")
        return analysis, current

    def _going_on(self, reanalysis: Reanalysis, analysis: Analysis, active: RunId) -> Begun:
        run = self.catalog.runs.get(active)
        if run and run.options.reanalysis == reanalysis.id:
            self.claiming.executions.start(run.id)  # whoever claimed it may have died
            return Begun(run.id)
        raise Lasting(f"{active} of {analysis.id} goes on: its reanalysis comes after it")

    def _check_keeps_stages(
        self, current: Run, blueprint: Blueprint, reference: ReferenceVersion
    ) -> None:
        """Raises InvalidInput where the version lacks what a stage of the run has used."""
        stale = find_stale(made_of(self.catalog, current), target_of(blueprint, reference.parts))
        if why := why_not_without(stale, blueprint.reference):
            raise InvalidInput(why)

    def _check_not_newer(self, current: Run, reference: ReferenceVersion) -> None:
        """Raises InvalidInput where the run has used a later version already."""
        name, _, version = current.reference.partition("/")
        if name != reference.name or version == reference.version:
            return
        there = self.catalog.references.get(ReferenceId(name, version))
        if there and there.created > reference.created:
            raise InvalidInput(f"its run has used a later version already ({current.reference})")

    def _made_before(
        self, reanalysis: Reanalysis, blueprint: Blueprint, wanted: AnalysisId
    ) -> Run | None:
        """A run that was made for this reanalysis and has ended well, as that of a canary.

        One that was judged by other limits is none: its QC says nothing of those of now.
        """
        runs = self.catalog.runs.of_key(wanted, blueprint.run_key)
        good = [
            run
            for run in runs
            if run.status is RunStatus.SUCCEEDED
            and run.options.reanalysis == reanalysis.id
            and self._judged(run) == blueprint.judged
        ]
        return good[-1] if good else None

    def _judged(self, run: Run) -> str:
        """What a run was made of, and judged by."""
        return decode_blueprint(self.catalog.runs.blueprint(run)).judged

    def _claim(
        self, analysis: Analysis, reference: ReferenceVersion, blueprint: Blueprint, current: Run,
        options: RunOptions,
    ) -> RunId:  # fmt: skip
        if refused := self._refusal(analysis, Limits()):
            raise Paused(refused.why)
        compared = self._with_comparison(blueprint, current, reference)
        try:
            run = self.claiming.claim_for(
                analysis, reference, compared, options=options, priority="bulk"
            )
        except Conflict as error:
            raise Busy(f"{analysis.id} has changed, or its project has no room") from error
        if run is None:
            raise self._why_not_now(analysis)
        return run

    def _refusal(self, analysis: Analysis, limits: Limits) -> Refusal | None:
        return refusal(self.catalog.projects.get(analysis.project), limits, "bulk")

    def _why_not_now(self, analysis: Analysis) -> Busy:
        """A share of its project is free again soon; a month's budget, or a breaker, is not."""
        share = self.claiming.library.projects().limits_of(analysis.project).runs_at_once
        if refused := self._refusal(analysis, Limits(runs_at_once=share)):
            return Busy(refused.why)
        return Lasting(f"no run of {analysis.id} may begin now, by its project or its assay")

    def _with_comparison(
        self, blueprint: Blueprint, current: Run, reference: ReferenceVersion
    ) -> Blueprint:
        """The run with the stage that compares it; without, where one of the two makes no calls."""
        before = decode_blueprint(self.catalog.runs.blueprint(current))
        if not stages_to_compare(blueprint) or not stages_to_compare(before):
            return blueprint
        stage = self.claiming.library.comparison()
        return with_comparison(
            blueprint,
            stage,
            self.files.of(current, before),
            chain=chain_between(current, reference),
            image=self.claiming.images[stage.image_name],
            definition=self.claiming.definitions.of(stage),
        )
