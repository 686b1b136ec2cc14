"""AWS Batch on this machine: moto keeps the definitions, real processes run the jobs."""

import uuid

from local.batch import api, patches
from local.batch.events import StateChanges
from local.batch.process import Watchdog
from local.batch.runner import AttemptRunner, BatchSettings
from local.batch.scheduler import Scheduler
from local.batch.warm import WarmRunner

__all__ = ["BatchRuntime", "BatchSettings", "install", "shutdown"]

_installed: list["BatchRuntime"] = []


class BatchRuntime:
    """Everything that runs the jobs of one embedded AWS."""

    def __init__(self, settings: BatchSettings) -> None:
        # A folder of its own: the watchdog ends whatever works below it.
        scratch = settings.scratch_dir.resolve() / f"batch-{uuid.uuid4().hex[:12]}"
        scratch.mkdir(parents=True)
        self._watchdog = Watchdog(scratch)
        self._changes = StateChanges()
        self._warm = WarmRunner(settings.environment)
        runner = AttemptRunner(settings, scratch, self._watchdog, self._warm)
        self.scheduler = Scheduler(settings, runner, self._changes)

    def close(self) -> None:
        """Stop all jobs and wait until no process, event or folder of theirs is left."""
        self.scheduler.close()
        self._changes.close()
        self._warm.close()
        self._watchdog.close()


def install(settings: BatchSettings) -> BatchRuntime:
    """Let moto's Batch run its jobs as processes; an earlier installation is shut down first."""
    shutdown()
    patches.apply()
    runtime = BatchRuntime(settings)
    _installed.append(runtime)
    api.serve(runtime.scheduler)
    return runtime


def shutdown() -> None:
    """End every job that runs, and refuse further calls; nothing is left when this returns."""
    api.stop_serving()
    while _installed:
        _installed.pop().close()
