"""What a stage says of itself while it runs: a line in the log, and an object that `show` reads."""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Event, Thread

from runner.faults import StageFault
from runner.host import facts_of
from runner.log import OutcomeLog
from runner.settings import Settings
from runner.streaming.reads import Reads
from runner.usage import Usage, cpu_seconds
from seqdrop.domain.plan import encode
from seqdrop.domain.progress import StageProgress, expected_end

BEAT_SECONDS = 60.0
PUBLISH_SECONDS = 300.0
"""Between two objects: each costs a request, and a version in a bucket that keeps versions."""
_LAST_BEAT_SECONDS = 1.0
"""How long the stage's end waits for a beat that hangs in the network."""


@dataclass
class Heartbeat:
    """Beats in a thread of its own until the stage is over. Nothing that fails here fails it."""

    stage: str
    steps: int
    reads: Reads
    usage: Usage
    cores: int
    settings: Settings
    log: OutcomeLog
    write: Callable[[bytes], None] | None
    """Writes the object; None where nobody would read it."""
    steps_done: int = 0
    begun: float = field(default_factory=time.monotonic)
    _written: float | None = None
    _logged: set[str] = field(default_factory=set)
    _cpu: tuple[float, float] = (0.0, 0.0)
    _over: Event = field(default_factory=Event)

    def note_steps(self, done: int) -> None:
        """So many steps are done."""
        self.steps_done = done

    def beat_on(self) -> None:
        """Again and again until the stage is over."""
        self._cpu = (time.monotonic(), cpu_seconds())
        while not self._over.wait(BEAT_SECONDS):
            try:
                self.beat()
            except Exception as error:  # noqa: BLE001  # whatever it is: the stage goes on
                self._log_once("heartbeat_failed", repr(error))

    def end(self) -> None:
        """No more beats."""
        self._over.set()

    def beat(self) -> None:
        """Says it once."""
        progress = self.progress()
        self.log.info("progress", **self._load(), **_told(progress))
        if self.write is not None and self._is_due():
            self._write(self.write, progress)

    def progress(self) -> StageProgress:
        """How far the stage is now."""
        seconds, at = time.monotonic() - self.begun, datetime.now(UTC).replace(microsecond=0)
        done, reads = self.reads.read_so_far()
        whole = self.reads.bytes_all
        fraction = done / whole if whole else self.steps_done / max(1, self.steps)
        # The checks of files on disk have a pace of their own: the tool's end is not theirs.
        is_paced = not self.reads.on_disk
        return StageProgress(
            stage=self.stage,
            at=at,
            fraction=round(min(1.0, fraction), 4),
            seconds=int(seconds),
            ends_at=expected_end(at, seconds, fraction) if is_paced else None,
            bytes_read=done,
            bytes_all=whole,
            reads=reads if whole else None,
            steps_done=self.steps_done,
            steps=self.steps,
            job_id=self.settings.job_id,
            job_attempt=int(self.settings.job_attempt or 0),
            host=facts_of(self.settings.host),
        )

    def _load(self) -> dict[str, int]:
        """What it takes of its host; of CPU since the last beat."""
        (then, before), (now, used) = self._cpu, (time.monotonic(), cpu_seconds())
        self._cpu = (now, used)
        share = max(0.0, used - before) / ((now - then) * self.cores)
        return {
            "cpu_percent": round(100 * share),
            "memory_mib": self.usage.memory_bytes_now // 2**20,
            "scratch_mib": self.usage.scratch_bytes_now // 2**20,
            "scratch_free_mib": shutil.disk_usage(self.usage.scratch).free // 2**20,
        }

    def _is_due(self) -> bool:
        return self._written is None or time.monotonic() - self._written >= PUBLISH_SECONDS

    def _write(self, write: Callable[[bytes], None], progress: StageProgress) -> None:
        try:
            write(encode(progress))
        except StageFault as fault:  # the next beat tries again
            self._log_once("progress_not_written", str(fault))
        else:
            self._written = time.monotonic()

    def _log_once(self, outcome: str, message: str) -> None:
        if outcome not in self._logged and not self._over.is_set():
            self._logged.add(outcome)
            self.log.error(outcome, message=message)


def _told(progress: StageProgress) -> dict[str, object]:
    """For the log, whose lines have the stage and the job anyway."""
    told: dict[str, object] = {"seconds": progress.seconds, "fraction": progress.fraction}
    if progress.reads is not None:
        told |= {
            "bytes_read": progress.bytes_read,
            "bytes_all": progress.bytes_all,
            "reads": progress.reads,
        }
    else:
        told |= {"steps_done": progress.steps_done, "steps": progress.steps}
    if progress.ends_at:
        told["ends_at"] = progress.ends_at.isoformat().replace("+00:00", "Z")
    return told


@contextmanager
def beating(heartbeat: Heartbeat) -> Iterator[Heartbeat]:
    """Beats while the block runs."""
    thread = Thread(target=heartbeat.beat_on, daemon=True)
    thread.start()
    try:
        yield heartbeat
    finally:
        heartbeat.end()
        thread.join(_LAST_BEAT_SECONDS)
