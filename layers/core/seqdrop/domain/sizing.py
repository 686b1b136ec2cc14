"""What stages took against what they asked for: sizes in pipelines/ can follow experience."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from statistics import median

import msgspec

from seqdrop.domain.duration import duration_text

MOST_OF_MEMORY, LEAST_OF_MEMORY = 0.9, 0.5
"""Of what was asked for: a stage that takes more may fail on the next sample, one that takes less
keeps others from its host."""
MOST_OF_TIME = 2.0
"""Of the seconds that a stage should take; at several times as much it is ended."""
ENOUGH = 3
"""So many jobs say something of a stage."""


class Taken(msgspec.Struct, frozen=True):
    """What one job that succeeded asked for and took; 0 where that is not known."""

    pipeline: str
    stage: str
    memory_mib: int
    """As its plan has it: of the first job of the stage, whatever followed."""
    peak_memory_mib: int
    peak_scratch_mib: int
    expected_seconds: int
    seconds: float
    ran_out: bool = False
    """Whether an earlier job of the stage ran out of memory."""
    has_host_alone: bool = False
    scratch_mib: int = 0
    """As its plan has it; 0 where nobody has said."""
    is_played: bool = False
    """Whether a stand-in ran in DRAGEN's place, whose size says nothing."""


class StageSize(msgspec.Struct, frozen=True):
    """What the jobs of a stage took. Fractions are of what each asked for."""

    pipeline: str
    stage: str
    jobs: int
    memory_mib: int
    """The most that any asked for."""
    peak_memory_mib: int
    """The most that any took."""
    memory_fraction: float
    """The largest."""
    time_fraction: float
    """The median."""
    longest_fraction: float
    peak_scratch_mib: int
    scratch_fraction: float | None = None
    """The largest; None where a stage does not say how much it takes."""
    advice: tuple[str, ...] = ()


def sizes_of(taken: Iterable[Taken]) -> list[StageSize]:
    """A line for each stage, by pipeline, from jobs of which it is known what they took."""
    stages: dict[tuple[str, str], list[Taken]] = defaultdict(list)
    for one in taken:
        is_known = one.memory_mib and one.peak_memory_mib and one.expected_seconds and one.seconds
        if is_known and not one.is_played:
            stages[one.pipeline, one.stage].append(one)
    return [_size(jobs) for _, jobs in sorted(stages.items())]


def _size(jobs: Sequence[Taken]) -> StageSize:
    times = [one.seconds / one.expected_seconds for one in jobs]
    size = StageSize(
        pipeline=jobs[0].pipeline,
        stage=jobs[0].stage,
        jobs=len(jobs),
        memory_mib=max(one.memory_mib for one in jobs),
        peak_memory_mib=max(one.peak_memory_mib for one in jobs),
        memory_fraction=max(one.peak_memory_mib / one.memory_mib for one in jobs),
        time_fraction=median(times),
        longest_fraction=max(times),
        peak_scratch_mib=max(one.peak_scratch_mib for one in jobs),
    )
    said = [one.peak_scratch_mib / one.scratch_mib for one in jobs if one.scratch_mib]
    if said:
        size = msgspec.structs.replace(size, scratch_fraction=max(said))
    ran_out = sum(one.ran_out for one in jobs)
    slowest = max(jobs, key=lambda one: one.seconds / one.expected_seconds)
    return msgspec.structs.replace(size, advice=tuple(_advice(size, slowest, ran_out)))


def _advice(size: StageSize, slowest: Taken, ran_out: int) -> Iterator[str]:
    if size.longest_fraction > MOST_OF_TIME:
        took, should = duration_text(slowest.seconds), duration_text(slowest.expected_seconds)
        yield f"took up to {took} where it should take {should}: raise its seconds"
    if size.scratch_fraction and size.scratch_fraction > 1:
        yield f"took up to {size.scratch_fraction:.0%} of its scratch: raise its scratch_mib"
    if ran_out:
        yield f"ran out of memory in {ran_out} of {size.jobs}: raise its memory_mib"
    elif size.memory_fraction > MOST_OF_MEMORY:
        yield f"took up to {size.memory_fraction:.0%} of its memory: raise its memory_mib"
    elif (
        size.jobs >= ENOUGH
        and size.memory_fraction < LEAST_OF_MEMORY
        and not slowest.has_host_alone
    ):
        yield (
            f"never took more than {size.memory_fraction:.0%} of its memory: with less, more jobs "
            "fit on a host"
        )
