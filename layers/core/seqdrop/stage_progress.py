"""How far running stages are, put into the view of a sample: one GetObject for each."""

from datetime import datetime

import msgspec
from botocore.exceptions import ClientError

from seqdrop.aws.objects import Objects
from seqdrop.domain.errors import Unreadable
from seqdrop.domain.identity import RunId
from seqdrop.domain.plan import StoredObject
from seqdrop.domain.progress import StageProgress, progress_key, read_progress
from seqdrop.sample_view import ProgressView, RunView, SampleView, StageView

_LARGEST_BYTES = 16 * 1024
"""Of what is read: whatever else lies there may be large."""


def with_progress(view: SampleView, objects: Objects, bucket: str) -> SampleView:
    """The view, with what the runners of its running stages have said of them in the bucket."""
    replace = msgspec.structs.replace

    def told(run: RunView, assay: str) -> RunView:
        folder = RunId(view.sample, assay, run.run_key, run.attempt).folder
        return replace(
            run, stages=tuple(_with_progress(one, folder, objects, bucket) for one in run.stages)
        )

    analyses = (
        replace(
            one, runs=tuple(told(run, one.assay) if run.status.live else run for run in one.runs)
        )
        for one in view.analyses
    )
    return replace(view, analyses=tuple(analyses))


def _with_progress(stage: StageView, folder: str, objects: Objects, bucket: str) -> StageView:
    if stage.status != "RUNNING":
        return stage
    body = _read(objects, bucket, progress_key(folder, stage.stage))
    progress = read_progress(body)
    if not progress or not _is_of(progress, stage):
        return stage
    return msgspec.structs.replace(stage, progress=_view(progress))


def _read(objects: Objects, bucket: str, key: str) -> bytes:
    """Nothing where there is nothing, or where who asks may not read it: it only adds to a view."""
    try:
        return objects.first_bytes(StoredObject(bucket, key, _LARGEST_BYTES), _LARGEST_BYTES)
    except (ClientError, Unreadable):
        return b""


def _is_of(progress: StageProgress, stage: StageView) -> bool:
    """Whether it is of the attempt that runs, and not of one before or of something else."""
    begun = stage.tries[-1].started if stage.tries else stage.started
    return (
        progress.stage == stage.stage
        and progress.job_id in {"", stage.job_id}
        and (not begun or progress.at >= datetime.fromisoformat(begun))
    )


def _view(progress: StageProgress) -> ProgressView:
    ends_at = progress.ends_at
    return ProgressView(
        fraction=progress.fraction,
        reads=progress.reads,
        ends_at=_text(ends_at) if ends_at else None,
        at=_text(progress.at),
    )


def _text(time: datetime) -> str:
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
