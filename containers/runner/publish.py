"""Results into the bucket: the files first, and last the record that marks them good."""

from functools import partial
from pathlib import Path
from threading import Event

import msgspec

from runner.objects import Objects
from runner.parallel import run_parallel
from seqdrop.domain.plan import ResultFile, StagePlan, StageResult, decode_result, encode

WORKERS = 8


class Publisher:
    """Publishes one stage's results, once: what is there is never written over."""

    def __init__(self, stage: StagePlan, objects: Objects, stop: Event) -> None:
        """Results go below the prefix that the plan gives the stage."""
        self._stage, self._objects, self._stop = stage, objects, stop
        self._record_key = f"{stage.prefix}{stage.stage}.json"

    def is_published(self) -> bool:
        """Whether good results are there already."""
        return self._objects.read(self._stage.bucket, self._record_key) is not None

    def upload(self, files: dict[str, Path]) -> tuple[ResultFile, ...]:
        """Uploads the files side by side; returns their names, sizes and checksums."""
        tasks = [partial(self._upload, name, path) for name, path in files.items()]
        return tuple(run_parallel(tasks, WORKERS, self._stop))

    def record(self, result: StageResult) -> str:
        """Writes ``<stage>.json``; returns "published", or what another job had done before."""
        if self._objects.write_new(self._stage.bucket, self._record_key, encode(result)):
            return "published"
        theirs = self._objects.read(self._stage.bucket, self._record_key) or b"{}"
        try:
            files = decode_result(theirs).files
        except msgspec.MsgspecError:
            files = ()
        same = {(f.name, f.sha256) for f in files} == {(f.name, f.sha256) for f in result.files}
        return "published_by_another_job_alike" if same else "published_by_another_job"

    def _upload(self, name: str, path: Path) -> ResultFile:
        size = path.stat().st_size
        sha256 = self._objects.upload(path, self._stage.bucket, self._stage.prefix + name)
        return ResultFile(name=name, bytes=size, sha256=sha256)
