"""What can be known of an assay before any sample runs it."""

import re
from collections.abc import Iterator

from seqdrop.domain.metrics import unmeasured_limits
from seqdrop.domain.pipeline import Assay, Calling, Mistake, Pipeline
from seqdrop.domain.qc import FLOORS, crossed_limits
from seqdrop.domain.validation.limits import mistakes_of_validation
from seqdrop.domain.workflow import TASKS

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""Folders, catalog keys and manifests are made with it."""


_CHOICES = (("annotator", "annotate", "annotates by"), ("caller", "call", "calls by"))
"""Settings that choose among a pipeline's steps: name, beginning of the variable, what they do."""


def mistakes_of_assay(name: str, assay: Assay, pipeline: Pipeline) -> list[Mistake]:
    """What is wrong with an assay, its pipeline's lacks among it; places begin at the assay."""
    named = (
        []
        if _NAME.fullmatch(name) and name != TASKS
        else [
            Mistake(
                (),
                "its name must have letters, digits, '.', '_' and '-', at most 64, "
                "begin with a letter or digit, and not be 'tasks'",
            )
        ]
    )
    unknown = [
        Mistake(("floors", floor), f"floors names {floor!r}, which is none of {', '.join(FLOORS)}")
        for floor in sorted(assay.floors.keys() - FLOORS.keys())
    ]
    unexplained = [
        Mistake(("floors", floor), f"floors gives no reason for {floor!r}")
        for floor, why in assay.floors.items()
        if not why
    ]
    unmeasured = unmeasured_limits(pipeline, assay)
    crossed = crossed_limits(assay.qc)
    unfit = [
        Mistake(("validation", *place), says)
        for place, says in mistakes_of_validation(assay.validation)
    ]
    return [
        *named, *unmeasured, *crossed, *_unused_settings(assay, pipeline), *unknown, *unexplained,
        *unfit,
    ]  # fmt: skip


def _unused_settings(assay: Assay, pipeline: Pipeline) -> Iterator[Mistake]:
    """A lab that sets how to call relies on it: what has no effect must not look as if it had."""
    asked = set[str]().union(*(stage.asked for stage in pipeline.stages.values()))
    asked |= {stage.when for stage in pipeline.stages.values()}
    usual, usual_assay = Calling(), Assay("")
    for name, variable, does in _CHOICES:
        choice = getattr(assay, name)
        if choice != getattr(usual_assay, name) and f"{variable}_{choice}" not in asked:
            says = f"pipeline {pipeline.name} has no stage that {does} {choice}"
            yield Mistake((name,), says)
    if assay.reads == "single" and "paired_reads" not in asked:
        yield Mistake(("reads",), f"pipeline {pipeline.name} takes reads in pairs")
    ways = {stage.reads for stage in pipeline.stages.values()} - {""}
    if assay.reads == "interleaved" and ways != {"stream"}:
        says = f"pipeline {pipeline.name} wants R1 and R2 as files: only those that stream can part"
        yield Mistake(("reads",), f"{says} interleaved reads")
    if assay.ploidy == "by_sex" and "ploidy_by_sex" not in asked:
        says = (
            f"pipeline {pipeline.name} does not call X and Y by a sex that it measures (DRAGEN "
            "calls them by its own estimate, whatever is set here)"
        )
        yield Mistake(("ploidy",), says)
    file = f"alignment.{assay.alignment}"
    if file != "alignment.bam" and all(
        file not in stage.outputs_named for stage in pipeline.stages.values()
    ):
        yield Mistake(("alignment",), f"pipeline {pipeline.name} has no output {file}")
    if assay.caller == "freebayes" and not assay.calling.min_mapq:
        yield Mistake(
            ("caller",),
            "freebayes can't weigh reads that fit several places equally well (MAPQ 0): set "
            "`calling: {min_mapq: 20}`, as depth is counted, or at least 1",
        )
    if assay.duplicates == "umi" and "umi_pattern" not in asked:
        says = f"pipeline {pipeline.name} does not tell duplicates by UMIs"
        yield Mistake(("duplicates",), says)
    if assay.duplicates != "umi" and assay.umi_separator != usual_assay.umi_separator:
        says = "umi_separator is of use with duplicates: umi alone"
        yield Mistake(("umi_separator",), says)
    yield from [
        Mistake(
            ("calling", name),
            f"calling sets {name!r}, which pipeline {pipeline.name} does not use",
        )
        for name in Calling.__struct_fields__
        if getattr(assay.calling, name) != getattr(usual, name) and name not in asked
    ]
