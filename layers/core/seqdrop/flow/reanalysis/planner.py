"""Planning a reanalysis: who is affected, what of their runs is stale, and what that takes."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import NamedTuple

from seqdrop.aws.catalog import Catalog
from seqdrop.aws.catalog.current_runs import CurrentRun, Found
from seqdrop.aws.objects import Objects
from seqdrop.domain.blueprint import make_blueprint
from seqdrop.domain.cost import Prices
from seqdrop.domain.errors import InvalidInput, SeqdropError, Transient
from seqdrop.domain.identity import AnalysisId, RunId
from seqdrop.domain.pipeline import COMPARE, Assay
from seqdrop.domain.plan import StoredObject
from seqdrop.domain.reanalysis.canaries import Candidate
from seqdrop.domain.reanalysis.comparing import makes_calls
from seqdrop.domain.reanalysis.estimate import (
    Estimate,
    History,
    Sampled,
    StageEstimate,
    add_up,
    hours_of_run,
    reckon,
)
from seqdrop.domain.reanalysis.plan import Archived, Group, Groups, Member, Omissions, Plan
from seqdrop.domain.reanalysis.scope import (
    LeftOut,
    Scope,
    is_in_scope,
    is_named,
    why_left_out,
)
from seqdrop.domain.reanalysis.staleness import (
    Made,
    Stale,
    Target,
    find_stale,
    target_of,
    why_not_without,
)
from seqdrop.domain.records import Analysis, Run
from seqdrop.domain.reference import ReferenceState, ReferenceVersion
from seqdrop.flow.reanalysis.runs import made_of, version_for
from seqdrop.library import Library

_LOOKS_AT_ONCE = 16
"""HEAD requests that are under way at once."""


class Planned(NamedTuple):
    """A plan, and the members that may be its canaries."""

    plan: Plan
    candidates: list[Candidate]


@dataclass(frozen=True)
class ReanalysisPlanner:
    """Reads, and changes nothing: a plan may be made as often as somebody asks."""

    catalog: Catalog
    objects: Objects
    library: Library
    images: dict[str, str]
    scratch_gib: int

    def plan(self, scope: Scope, take: Callable[[Member], None]) -> Planned:
        """The plan; each member is given to ``take`` as it is found, in the order of the samples.

        Memory does not grow with the number of samples. Raises InvalidInput where the scope is of
        nothing that is there.
        """
        work = _Planning(self, scope, self._version(scope))
        for found in self.catalog.current_runs.read(self._candidates(scope)):
            if member := work.judge(found):
                take(member)
        return work.finish()

    def _version(self, scope: Scope) -> ReferenceVersion | None:
        """The version that is asked for. Raises InvalidInput where it can't be used."""
        if scope.target is None:
            return None
        there = self.catalog.references.get(scope.target)
        if there is None:
            known = ", ".join(v.version for v in self.catalog.references.versions(scope.reference))
            raise InvalidInput(
                f"there is no reference {scope.reference} {scope.version}",
                f"its versions are: {known}" if known else "`seqdrop references` has all",
            )
        if there.state is not ReferenceState.READY:
            raise InvalidInput(
                f"reference {scope.reference} {scope.version} is {there.state}",
                "only a version that is READY can be analysed with",
            )
        return there

    def _candidates(self, scope: Scope) -> Iterator[CurrentRun]:
        """The current runs of all that may be stale; some that are not are among them."""
        if scope.target is None:
            return self.catalog.current_runs.all()
        versions = self.catalog.references.versions(scope.reference)
        contents = contents_to_look_for(scope.version, versions)
        return self.catalog.current_runs.using(contents)

    def sampled_runs(self, ids: Iterable[RunId]) -> list[Run]:
        """Some runs as they are."""
        return [run for one in ids if (run := self.catalog.runs.get(one))]

    def history(self, runs: Iterable[Run]) -> History:
        """What the jobs of some analyses have taken, those of all their runs."""
        seen = History()
        for run in runs:
            jobs = self.catalog.jobs.of_analysis(run.id.analysis)
            tasks = self.catalog.tasks.of_jobs(run.sample, jobs)
            mine = [task for task in tasks if task.run.analysis == run.id.analysis]
            seen.add(run.assay, run.input_bytes, jobs, mine)
        return seen

    @property
    def prices(self) -> Prices:
        """What an hour costs."""
        return self.library.prices()

    def archives(self, analyses: Iterable[AnalysisId]) -> Iterator[list[tuple[str, int]]]:
        """Of each analysis the archive of each of its files ("" of what can be read), and bytes."""

        def look(object_: StoredObject) -> tuple[str, int]:
            try:
                return self.objects.archive_of(object_), object_.size
            except SeqdropError:  # locked: its own run says so
                return "", object_.size

        with ThreadPoolExecutor(_LOOKS_AT_ONCE) as pool:
            for analysis in analyses:
                files = self.catalog.analyses.files(analysis)
                yield list(pool.map(look, (file.object for file in files)))


def contents_to_look_for(version: str, versions: Iterable[ReferenceVersion]) -> set[str]:
    """Checksums of the parts that other versions have and this one has otherwise.

    Where this one has a part that another lacks, that one's sequence stands for it: every run uses
    a sequence.
    """
    known = {one.version: one for one in versions}
    new = known.pop(version).parts
    wanted = set()
    for other in known.values():
        for name, part in other.parts.items():
            if name not in new or new[name].object.sha256 != part.object.sha256:
                wanted.add(part.object.sha256)
        if new.keys() - other.parts.keys():
            wanted.add(other.parts["sequence"].object.sha256)
    return wanted


@dataclass
class _Planning:
    """One plan while it is made."""

    planner: ReanalysisPlanner
    scope: Scope
    version: ReferenceVersion | None
    groups: Groups = field(default_factory=Groups)
    omissions: Omissions = field(default_factory=Omissions)
    up_to_date: int = 0
    sampled: Sampled = field(default_factory=Sampled)
    _configs: dict[tuple[str, ...], Assay] = field(default_factory=dict)
    _targets: dict[tuple[str, ...], Target | InvalidInput] = field(default_factory=dict)
    _stales: dict[tuple[str, str], Stale] = field(default_factory=dict)
    """By ``Run.made`` and ``Target.judged``."""
    _passed: dict[str, set[str]] = field(default_factory=dict)
    """By assay, the versions of its pipeline that have passed a validation."""
    _known: dict[str, Made] = field(default_factory=dict)
    """What decided the results of runs, by ``Run.made``: as few as there were releases."""

    def judge(self, found: Found) -> Member | None:
        """An analysis as a member of the plan; None, and counted, where it is none."""
        analysis = found.analysis
        before = self._made(found)
        target = self._target_in_scope(analysis, before)
        if target is None:
            return None
        stale = self._stale(found.made, before, target)
        if not stale.is_any:
            self.up_to_date += 1
            return None
        if reason := why_left_out(self.scope, analysis, self._config(analysis)):
            self.omissions.add(analysis.id, reason)
            return None
        if why := why_not_without(stale, target.made.reference):
            self.omissions.add(analysis.id, LeftOut.LACKS_PART, why)
            return None
        if why := self._why_not_validated(analysis, target):
            self.omissions.add(analysis.id, LeftOut.NOT_POSSIBLE, why)
            return None
        self.groups.add(analysis.id, stale, target)
        self.sampled.offer(found.run)
        return Member(analysis.sample, analysis.assay)

    def _target_in_scope(self, analysis: Analysis, before: Made) -> Target | None:
        """What its run would be now; None, and counted, of one that can't be run or is not asked
        for."""
        if not is_named(self.scope, analysis):
            return None
        try:
            config = self._config(analysis)
            if not is_in_scope(self.scope, analysis, config):
                return None
            target = self._target(analysis, config, before)
        except InvalidInput as error:
            self.omissions.add(analysis.id, LeftOut.NOT_POSSIBLE, error.to_mend)
            return None
        return target if _uses_image(target, self.scope.image) else None

    def _stale(self, made: str, before: Made, target: Target) -> Stale:
        """What of a run is stale: looked for once for all runs of one making."""
        known = self._stales.get((made, target.judged)) if made else None
        if known is None:
            known = self._stales[made, target.judged] = find_stale(before, target)
        return known

    def _why_not_validated(self, analysis: Analysis, target: Target) -> str:
        """Why a run of such a kind may be made of controls alone; "" where it may be of any."""
        if not self._config(analysis).validation.holds_back(analysis.sample):
            return ""
        assay = analysis.assay
        if assay not in self._passed:
            found = self.planner.catalog.validations.passed(assay)
            self._passed[assay] = {one.version for one in found}
        if target.calling in self._passed[assay]:
            return ""
        return (
            f"assay {assay} asks for a validated version of its pipeline, and this one has not "
            f"passed: analyse a control, and validate it with `seqdrop validate {assay}`"
        )

    def _config(self, analysis: Analysis) -> Assay:
        chosen = _chosen(analysis)
        if chosen not in self._configs:
            self._configs[chosen] = self.planner.library.assay_of(analysis)
        return self._configs[chosen]

    def _target(self, analysis: Analysis, config: Assay, before: Made) -> Target:
        """What its run would be now. Raises InvalidInput where there can be none."""
        reference = str(self.version.id) if self.version else before.reference
        chosen = (*_chosen(analysis), reference)
        if chosen not in self._targets:
            self._targets[chosen] = self._make_target(analysis.assay, config, reference)
        target = self._targets[chosen]
        if isinstance(target, InvalidInput):
            raise target
        return target

    def _make_target(self, assay: str, config: Assay, reference: str) -> Target | InvalidInput:
        try:
            version = version_for(self.planner.catalog, config, self.scope.target, reference)
            blueprint = make_blueprint(
                analysis=AnalysisId("", assay),
                assay=config,
                pipeline=self.planner.library.pipeline(config.pipeline),
                reference=version,
                files=(),
                images=self.planner.images,
            )
        except InvalidInput as error:
            return error
        return target_of(blueprint, version.parts)

    def _made(self, found: Found) -> Made:
        """What decided a run's results; of the release before, as its blueprint has it."""
        known = self._known.get(found.made) if found.made else None
        if known is None:
            known = self._read_made(found.run)
            self._known[found.made] = known
        return known

    def _read_made(self, run: RunId) -> Made:
        whole = self.planner.catalog.runs.get(run)
        if whole is None:
            raise Transient(f"{run} was there, and is not any more")
        return made_of(self.planner.catalog, whole)

    def finish(self) -> Planned:
        """The plan of all that were judged."""
        groups = self.groups.found
        sampled = self.planner.sampled_runs(self.sampled.chosen)
        plan = Plan(
            scope=self.scope,
            groups=tuple(group for group, _ in groups),
            omitted=self.omissions.found,
            up_to_date=self.up_to_date,
            estimate=self._estimate(groups, sampled),
            archived=self._archived(groups, sampled),
        )
        candidates = [Candidate(r.assay, r.input_bytes, r.claimed, r.sample) for r in sampled]
        return Planned(plan, candidates)

    def _estimate(self, groups: list[tuple[Group, Target]], sampled: list[Run]) -> Estimate:
        history = self.planner.history(sampled)
        parts: list[StageEstimate] = []
        run_hours = 0.0
        for group, target in groups:
            mean_bytes = history.mean_bytes(group.assay)
            stages = {
                name: history.estimate(
                    group.assay,
                    name,
                    group.analyses,
                    reckon(
                        target.stages[name],
                        mean_bytes,
                        self.planner.prices,
                        self.planner.scratch_gib,
                    ),
                )
                for name in group.stale.stages
            }
            run_hours += hours_of_run(target, stages) * group.analyses
            if makes_calls(target.stages):
                comparison = self._comparison(group, history)
                run_hours += comparison.hours.expected
                stages[COMPARE] = comparison
            parts += stages.values()
        total = sum(group.analyses for group, _ in groups)
        return add_up(parts, run_hours / total if total else 0.0)

    def _comparison(self, group: Group, history: History) -> StageEstimate:
        """What it takes to compare the runs of a group with those before them."""
        stage = self.planner.library.comparison()
        size = history.mean_bytes(group.assay)
        reckoned = reckon(stage, size, self.planner.prices, self.planner.scratch_gib)
        return history.estimate(group.assay, COMPARE, group.analyses, reckoned)

    def _archived(self, groups: list[tuple[Group, Target]], sampled: list[Run]) -> Archived | None:
        """Of each assay that reads FASTQ again as many of all as of those that were sampled."""
        reading: Counter[str] = Counter()
        for group, target in groups:
            if _reads(group, target):
                reading[group.assay] += group.analyses
        if not reading:
            return None
        looked = [run for run in sampled if run.assay in reading]
        of_assay = Counter(run.assay for run in looked)
        price = self.planner.prices.restores
        found, analyses, gib, usd = 0, 0.0, 0.0, 0.0
        files_of = self.planner.archives(run.id.analysis for run in looked)
        for run, files in zip(looked, files_of, strict=True):
            stands_for = reading[run.assay] / of_assay[run.assay]
            away = [(tier, size / 2**30) for tier, size in files if tier]
            found += bool(away)
            analyses += stands_for * bool(away)
            gib += stands_for * sum(size for _, size in away)
            if price:
                each = sum(price.usd_per_gib.get(tier, 0.0) * size for tier, size in away)
                usd += stands_for * each
        return Archived(len(looked), found, round(analyses), gib, usd)


def _chosen(analysis: Analysis) -> tuple[str, ...]:
    """What decides how an analysis is run: its assay, or what a manifest chose in its place."""
    return (
        analysis.assay, analysis.pipeline, analysis.reference, analysis.reference_version
    )  # fmt: skip


def _uses_image(target: Target, name: str) -> bool:
    """Whether a stage runs in an image; any does where none is named."""
    return not name or any(stage.image_name == name for stage in target.stages.values())


def _reads(group: Group, target: Target) -> bool:
    """Whether a stale stage reads FASTQ files."""
    return any(target.stages[name].reads for name in group.stale.stages)
