"""A sample whose stage runs, as it is shown."""

from typing import Any

from seqdrop.aws.catalog.layout import job_item, read_sample, run_item
from seqdrop.domain.identity import RunId, StageOf
from seqdrop.domain.records import Analysis, AnalysisStatus, Run, RunStatus, StageRun
from seqdrop.sample_view import ProgressView, SampleView, view_sample
from tests.domain_support import analysis_item, job

STARTED = "2026-01-01T00:00:00.000Z"


def running_sample(
    sample: str = "NA1", run_key: str = "abc", status: str = "RUNNING", **given: Any
) -> SampleView:
    """One with a run whose only stage, align, has a job of this status."""
    run = RunId(sample, "wgs", run_key, 1)
    analysis = Analysis(sample, "wgs", status=AnalysisStatus.ANALYSING, active_run=run)
    stages = (StageRun("align", "k", f"{sample}/wgs/align/k/1/", "cpu"),)
    record = Run(
        sample, "wgs", run_key, 1, 1, RunStatus.RUNNING, pipeline="p", reference="G/1",
        stages=stages, claimed=STARTED,
    )  # fmt: skip
    its_job = job(
        StageOf(run, "align"), status=status, **{"created": STARTED, "started": STARTED, **given}
    )
    items = [analysis_item(analysis), run_item(record), job_item(its_job)]
    return view_sample(sample, read_sample(items))


def progress_of(view: SampleView) -> ProgressView | None:
    """Of its only stage."""
    (analysis,) = view.analyses
    ((stage,),) = [run.stages for run in analysis.runs]
    return stage.progress
