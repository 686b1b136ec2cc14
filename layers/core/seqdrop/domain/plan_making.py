"""From a blueprint to a plan: what is to be run, where, how big, and in which order."""

from collections.abc import Mapping

from msgspec import structs

from seqdrop.domain.blueprint import Blueprint
from seqdrop.domain.pipeline import Stage, waves_of
from seqdrop.domain.plan import RunPlan, StagePlan
from seqdrop.domain.records import Run, RunOptions
from seqdrop.domain.workflow import work_key

LONGEST_POLL_SECONDS = 7_200
TIMEOUT_FACTOR = 6
"""An attempt may take this many times what it should: slow hosts are waited for, hung ones not."""
SHORTEST_TIMEOUT_SECONDS = 3_600
LONGEST_TIMEOUT_SECONDS = 7 * 24 * 3_600


def reusable_stages(blueprint: Blueprint, run: Run, complete: set[str]) -> set[str]:
    """Stages whose results are taken as they are.

    ``complete`` are those with good results under their keys. ``--fresh`` takes none; ``--from``
    takes none from that stage on.
    """
    if run.options.fresh:
        return set()
    anew: set[str] = set()
    for wave in waves_of({name: stage.needs for name, stage in blueprint.stages.items()}):
        for name in wave:
            asked_for = name == run.options.from_stage
            if asked_for or name not in complete or anew.intersection(blueprint.stages[name].needs):
                anew.add(name)
    return set(blueprint.stages) - anew


def is_begun_anew(blueprint: Blueprint, options: RunOptions, stage: str) -> bool:
    """Whether a person wants nothing of what earlier tries at a stage have left: it is named by
    ``--from``, or after that one, or all are to be made anew."""
    if options.fresh or not options.from_stage:
        return options.fresh
    anew = {options.from_stage}
    for name in stages_in_order(blueprint):
        if anew.intersection(blueprint.stages[name].needs):
            anew.add(name)
    return stage in anew


def stages_in_order(blueprint: Blueprint) -> list[str]:
    """The stages in the order of their work: each after those that it needs."""
    waves = waves_of({name: stage.needs for name, stage in blueprint.stages.items()})
    return [name for wave in waves for name in wave]


def make_plan(
    blueprint: Blueprint,
    run: Run,
    *,
    bucket: str,
    good: dict[str, int],
    next_number: dict[str, int],
    shortest_poll_seconds: int,
    begun: Mapping[str, int] | None = None,
) -> RunPlan:
    """The plan of a run.

    ``good`` gives the number of the newest good result of each stage that has one,
    ``next_number`` the number that a new result of each stage would get, ``begun`` that of the
    newest run that has begun a workflow anew.
    """
    reused = reusable_stages(blueprint, run, set(good))
    waves = [
        tuple(name for name in wave if name not in reused)
        for wave in waves_of({name: stage.needs for name, stage in blueprint.stages.items()})
    ]
    stages = []
    for name in stages_in_order(blueprint):
        number = good[name] if name in reused else next_number[name]
        prefix = run.id.analysis.results(name, blueprint.stage_keys[name]).numbered(number)
        stage = _stage_plan(blueprint, name, prefix, shortest_poll_seconds)
        work = ""
        if blueprint.stages[name].workflow:
            # Of all tries since the last good results, or since a person wanted it anew: the next
            # one goes on with what one left.
            since = max(good.get(name, 0) + 1, (begun or {}).get(name, 0))
            if is_begun_anew(blueprint, run.options, name):
                since = number
            work = work_key(run.id.analysis.results(name, stage.key).numbered(since))
        stages.append(structs.replace(stage, bucket=bucket, work=work, reused=name in reused))
    return RunPlan(
        sample=run.sample,
        assay=run.assay,
        run_key=run.run_key,
        attempt=run.attempt,
        folder=run.id.folder,
        pipeline=blueprint.pipeline,
        reference=blueprint.reference,
        stages=tuple(stages),
        pairs=blueprint.pairs,
        variables=blueprint.variables,
        waves=tuple(wave for wave in waves if wave),
    )


def _stage_plan(
    blueprint: Blueprint, name: str, prefix: str, shortest_poll_seconds: int
) -> StagePlan:
    stage = blueprint.stages[name]
    seconds = stage.size.seconds.of(blueprint.input_bytes)
    return StagePlan(
        stage=name,
        key=blueprint.stage_keys[name],
        needs=stage.needs,
        prefix=prefix,
        queue=stage.queue,
        image=blueprint.images[stage.image_name],
        definition=blueprint.definitions.get(name, ""),
        vcpus=stage.size.vcpus_of(blueprint.input_bytes),
        memory_mib=stage.size.memory_mib.of(blueprint.input_bytes),
        scratch_mib=stage.size.scratch_mib.of(blueprint.input_bytes),
        expected_seconds=seconds,
        timeout_seconds=timeout_seconds(stage, blueprint.input_bytes),
        poll_seconds=poll_seconds(seconds, blueprint.poll_factor, shortest_poll_seconds),
        steps=stage.steps,
        outputs=stage.outputs,
        reads=stage.reads,
        inputs=stage.inputs,
        measures=stage.measures,
        reference_files=blueprint.files[name],
    )


def timeout_seconds(stage: Stage, input_bytes: int) -> int:
    """How long one attempt of a stage may run."""
    longest = TIMEOUT_FACTOR * stage.size.seconds.of(input_bytes)
    return min(max(longest, SHORTEST_TIMEOUT_SECONDS), LONGEST_TIMEOUT_SECONDS)


def poll_seconds(expected_seconds: int, factor: float, shortest: int) -> int:
    """How long a job's event is waited for before Batch is asked."""
    return max(shortest, min(int(expected_seconds * factor), LONGEST_POLL_SECONDS))
