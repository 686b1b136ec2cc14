"""One attempt from an empty folder to its end: environment, process, output, time limit."""

import shutil
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from local.batch import faults
from local.batch.docker_engine import ContainerLaunch, DockerEngine
from local.batch.jobs import Attempt, Job, now_ms
from local.batch.process import CannotStart, JobProcess, Launch, Running, Watchdog
from local.batch.retry import AttemptEnd
from local.batch.secrets import SecretNotRead, secret_values
from local.batch.starting import check_may_start
from local.batch.warm import WarmRunner
from local.roles import job_key

_ENDED = "Essential container in task exited"
_NOT_STARTED = "Task failed to start"
_OUTPUT_SECONDS = 5  # for what is left in the pipe once the whole process group has ended


@dataclass(frozen=True)
class BatchSettings:
    """How Batch jobs run on this machine.

    `environment` is all that a job sees besides its own variables; its PATH finds the commands.
    `slots` says how many jobs a compute environment runs at once, by its ARN, its name or a part
    of its name (the longest part wins); those of one part share its slots.
    """

    scratch_dir: Path
    environment: Mapping[str, str]
    slots: Mapping[str, int] = field(default_factory=dict)
    default_slots: int = 1
    images: Mapping[str, str] = field(default_factory=dict)
    """The engine's ids of images, by their names in job definitions: their jobs are containers."""
    grace_seconds: float = 10.0
    queue_second: float = 1.0
    """How long a second of a queue's time limits is here: Batch takes none below ten minutes."""

    def slots_of(self, name: str, arn: str) -> tuple[str, int]:
        """What a compute environment's slots are counted by, and how many there are."""
        for exact in (arn, name):
            if exact in self.slots:
                return exact, self.slots[exact]
        part = max((part for part in self.slots if part in name), key=len, default="")
        return (part, self.slots[part]) if part else (arn, self.default_slots)


class AttemptRunner:
    """Runs attempts below one scratch folder."""

    def __init__(
        self, settings: BatchSettings, scratch: Path, watchdog: Watchdog, warm: WarmRunner
    ) -> None:
        self._settings = settings
        self._scratch = scratch
        self._engine = DockerEngine(settings.images) if settings.images else None
        self._watchdog = watchdog
        self._warm = warm

    def run(
        self,
        job: Job,
        attempt: Attempt,
        on_start: Callable[[Running], None],
        on_timeout: Callable[[], None],
    ) -> AttemptEnd:
        """Run an attempt to its end; `on_start` is called once the process is there."""
        if played := faults.end_played(job):
            if played.status_reason != _NOT_STARTED:
                attempt.started_at = now_ms()
            return played
        folder = self._scratch / f"{job.id}-{len(job.attempts)}"
        try:
            check_may_start(job, attempt)
            attempt.log_stream.create()
            folder.mkdir()
            process = self._start(job, attempt, folder)
            on_start(process)
            exit_code = _follow(process, attempt, job.timeout_seconds, on_timeout)
        except SecretNotRead as refusal:
            return AttemptEnd(None, str(refusal))
        except (CannotStart, OSError) as refusal:
            return AttemptEnd(None, _NOT_STARTED, f"CannotStartContainerError: {refusal}")
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return AttemptEnd(exit_code, _ENDED, process.reason)

    def _start(self, job: Job, attempt: Attempt, folder: Path) -> Running:
        """A container where the engine has the job's image, and else a process."""
        command = job.container.command(job.parameters)
        image = str(job.container.properties.get("image", ""))
        shared = self._settings.environment
        if self._engine is None or not self._engine.has(image):
            launch = Launch(
                command, self._environment(job, attempt, shared), folder, shared.get("PATH", "")
            )
            return JobProcess(launch, self._watchdog, self._warm)
        of_aws = {name: value for name, value in shared.items() if name.startswith("AWS_")}
        return self._engine.start(
            ContainerLaunch(
                image, command, self._environment(job, attempt, of_aws), job.container,
                job.task.around or {}, self._scratch, f"seqdrop-{folder.name}",
            ),
            self._watchdog,
        )  # fmt: skip

    def _environment(self, job: Job, attempt: Attempt, shared: Mapping[str, str]) -> dict[str, str]:
        return {
            **shared,
            "AWS_ACCESS_KEY_ID": job_key(job.definition.name),
            **job.container.environment,
            **secret_values(job.container.secrets, job.account, job.region),
            "AWS_BATCH_JOB_ID": job.id,
            "AWS_BATCH_JOB_ATTEMPT": str(len(job.attempts)),
            "AWS_BATCH_JQ_NAME": job.queue.name,
            "AWS_BATCH_CE_NAME": attempt.environment.name,
        }


def _follow(
    process: Running,
    attempt: Attempt,
    timeout_seconds: int | None,
    on_timeout: Callable[[], None],
) -> int:
    """Store the output and keep the time limit until the process ends; return its exit code."""
    reader = threading.Thread(
        target=attempt.log_stream.copy_from, args=(process.output,), daemon=True
    )
    reader.start()
    limit = threading.Timer(timeout_seconds or 0, on_timeout)
    limit.daemon = True
    if timeout_seconds is not None:
        limit.start()
    exit_code = process.wait()
    limit.cancel()
    reader.join(_OUTPUT_SECONDS)
    if not reader.is_alive():
        process.output.close()
    return exit_code
