"""Batch jobs as containers of a Docker engine: the job definition's image, limits and user.

The engine's networks are left alone: containers use the host's, so that the endpoint on loopback
answers them. What Batch takes from a host (``/scratch``) is a folder of the runtime.
"""

import logging
import os
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from local.batch.containers import Container
from local.batch.process import CannotStart, Watchdog

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container as RunningContainer

log = logging.getLogger(__name__)

LABEL = "seqdrop"
_OUT_OF_MEMORY = "OutOfMemoryError: Container killed due to memory usage"
"""What Batch says of a container in which the kernel has ended a process for its memory."""
_CPU_SHARES = 1024
"""Of one vCPU, as ECS reckons: a share of a busy host, no bound on an idle one."""
_HOST_FOLDERS = ("/dev/", "/opt/edico", "/var/lib/edico")
"""Taken from this machine as they are; all others are below the runtime's scratch."""


@dataclass(frozen=True)
class ContainerLaunch:
    """What a container is started with."""

    image: str
    command: list[str]
    environment: Mapping[str, str]
    container: Container
    around: Mapping[str, Any]
    """The task's own properties: volumes, and whose processes it sees."""
    scratch: Path
    """What stands for the host's folders."""
    name: str


class DockerEngine:
    """The engine that answers at DOCKER_HOST, or at its usual socket."""

    def __init__(self, images: Mapping[str, str]) -> None:
        """``images`` are ids by the names that job definitions have for them.

        Raises DockerException where no engine answers.
        """
        import docker

        self.images = images
        self._client: DockerClient = docker.from_env()
        self._client.ping()

    def has(self, image: str) -> bool:
        """Whether jobs of an image run as containers here."""
        return image in self.images

    def start(self, launch: ContainerLaunch, watchdog: Watchdog) -> "JobContainer":
        """A container that has begun. Raises CannotStart in the words of the ECS agent."""
        from docker.errors import APIError, DockerException

        try:
            made = self._client.containers.create(
                self.images[launch.image],
                launch.command,
                name=launch.name,
                detach=True,
                environment=dict(launch.environment),
                labels={LABEL: "job"},
                network_mode="host",
                **_limits(launch.container),
                **_device_settings(launch.container),
                **_around(launch),
            )
        except DockerException as refusal:
            raise CannotStart(f"Error response from daemon: {_said(refusal)}") from refusal
        watchdog.watch_container(made.id)
        running = JobContainer(made, watchdog)
        try:
            running.start()
        except (APIError, OSError) as refusal:
            running.remove()
            raise CannotStart(f"Error response from daemon: {_said(refusal)}") from refusal
        return running


def _said(refusal: Exception) -> str:
    return str(getattr(refusal, "explanation", None) or refusal)


class JobContainer:
    """A running container, with what of a ``JobProcess`` its attempt needs."""

    def __init__(self, container: "RunningContainer", watchdog: Watchdog) -> None:
        self._container = container
        self._watchdog = watchdog
        self._escalation: threading.Timer | None = None
        self._ended = threading.Event()
        read, self._write = os.pipe()
        self.output: IO[bytes] = os.fdopen(read, "rb", buffering=0)
        self.reason: str | None = None

    def start(self) -> None:
        """Begin, with everything that it writes from the first byte on."""
        chunks = self._container.attach(stream=True, stdout=True, stderr=True, logs=True)
        self._container.start()
        threading.Thread(target=self._copy, args=(chunks,), daemon=True).start()

    def wait(self) -> int:
        """Wait for its end, remove it, and return its exit code."""
        code = int(self._container.wait()["StatusCode"])
        self._ended.set()
        if self._escalation is not None:
            self._escalation.cancel()
        self._container.reload()
        if self._container.attrs["State"]["OOMKilled"]:
            self.reason = _OUT_OF_MEMORY
        self.remove()
        return code

    def stop(self, grace_seconds: float) -> None:
        """Ask it to end, and kill it when the grace is over; returns at once."""
        if self._ended.is_set() or self._escalation is not None:
            return
        self._escalation = threading.Timer(grace_seconds, self._signal, ("SIGKILL",))
        self._escalation.daemon = True
        self._escalation.start()
        self._signal("SIGTERM")

    def remove(self) -> None:
        """Leave nothing of it in the engine."""
        from docker.errors import APIError, NotFound

        try:
            with suppress(NotFound):
                self._container.remove(force=True)
        except APIError as error:
            log.error("the container %s stays: %s", self._container.name, _said(error))
        self._watchdog.forget_container(self._container.id)

    def _signal(self, name: str) -> None:
        from docker.errors import APIError

        if not self._ended.is_set():
            with suppress(APIError):  # it has just ended
                self._container.kill(name)

    def _copy(self, chunks: Any) -> None:
        with os.fdopen(self._write, "wb", buffering=0) as sink, suppress(BrokenPipeError):
            for chunk in chunks:
                sink.write(chunk)


def _limits(container: Container) -> dict[str, Any]:
    """Memory as Batch bounds it, without swap; a share of the processors; ``ulimits``."""
    from docker.types import Ulimit

    memory = f"{int(container.amount('MEMORY', 'memory'))}m"
    vcpus = container.amount("VCPU", "vcpus")
    return {
        "mem_limit": memory,
        "memswap_limit": memory,
        "cpu_shares": max(2, int(vcpus * _CPU_SHARES)),
        "ulimits": [
            Ulimit(name=one["name"], soft=one["softLimit"], hard=one["hardLimit"])
            for one in container.properties.get("ulimits") or []
        ],
        "user": container.properties.get("user") or None,
        "privileged": bool(container.properties.get("privileged", False)),
        "read_only": bool(container.properties.get("readonlyRootFilesystem", False)),
    }


def _device_settings(container: Container) -> dict[str, Any]:
    """``linuxParameters``: devices, memory that goes with the container, and a first process."""
    given = container.properties.get("linuxParameters") or {}
    return {
        "devices": [
            f"{one['hostPath']}:{one.get('containerPath') or one['hostPath']}:"
            + "".join(word[0].lower() for word in one.get("permissions") or ("READ", "WRITE"))
            for one in given.get("devices") or []
        ],
        "tmpfs": {
            one["containerPath"]: ",".join([*one.get("mountOptions", []), f"size={one['size']}m"])
            for one in given.get("tmpfs") or []
        },
        "init": bool(given.get("initProcessEnabled", False)),
        "shm_size": f"{given['sharedMemorySize']}m" if given.get("sharedMemorySize") else None,
    }


def _around(launch: ContainerLaunch) -> dict[str, Any]:
    """Volumes and whose processes it sees: of the task, or of a container by itself."""
    said = {**launch.container.properties, **launch.around}
    hosts = {
        one["name"]: _host_folder(str(one["host"]["sourcePath"]), launch.scratch)
        for one in said.get("volumes") or []
    }
    mounts = {
        str(hosts[one["sourceVolume"]]): {
            "bind": one["containerPath"],
            "mode": "ro" if one.get("readOnly") else "rw",
        }
        for one in launch.container.properties.get("mountPoints") or []
    }
    return {"volumes": mounts, "pid_mode": said.get("pidMode") or None}


def _host_folder(path: str, scratch: Path) -> Path:
    if path.startswith(_HOST_FOLDERS):
        return Path(path)
    folder = scratch / path.strip("/").replace("/", "-")
    folder.mkdir(exist_ok=True)
    folder.chmod(0o1777)  # as a host's scratch is: jobs run as nobody
    return folder
