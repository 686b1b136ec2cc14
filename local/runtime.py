"""The embedded runtime: an AWS endpoint on this machine with the project's template deployed."""

import gc
import logging
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from moto.moto_api._internal import moto_api_backend

from local import (
    batch,
    dynamodb,
    executions,
    functions,
    layers,
    log_groups,
    lookups,
    s3_bodies,
    s3_departures,
    s3_events,
)
from local.batch import BatchSettings
from local.deploy import Deployment, deploy
from local.endpoint import Endpoint
from local.executions.endings import end_all
from local.forks.server import COLLECT_AFTER_OBJECTS
from local.functions import FunctionHost
from local.queues import QueuePollers
from local.roles import check_policies
from local.schedules import ScheduleClock
from seqdrop.library import Library

PROJECT = Path(__file__).resolve().parent.parent
_PATCHED: tuple[Any, ...] = (
    dynamodb,
    executions,
    log_groups,
    lookups,
    s3_bodies,
    s3_departures,
    s3_events,
)
_NO_DIGEST = f"sha256:{0:064}"
STAND_INS = ("dragen", "isaac-align", "strelka2-germline", "nextflow")
"""Vendors' programs, whose part is played where they are not; what comes of it is marked."""
TOOLS = ("bwa", "samtools", "bcftools", "mosdepth", *STAND_INS)
_PLAYED_BY_NOTHING = {"snpeff": "snpEff"}
"""Images whose jobs are processes only where this machine has the program."""
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RuntimeSettings:
    """Where and how the runtime runs."""

    folder: Path
    """Its scratch: emptied of what it wrote when it stops."""
    port: int = 0
    fpga_slots: int = 1
    cpu_slots: int = field(default_factory=lambda: os.cpu_count() or 1)
    shortest_poll_seconds: int = 20
    account_concurrency: int | None = None
    """Lambda's executions at once. A new account has ten; one machine knows no such limit."""
    tool_path: str = field(default_factory=lambda: os.environ.get("PATH", os.defpath))
    """Where native tools are looked for first."""
    project: Path = PROJECT
    images: Mapping[str, str] = field(default_factory=dict)
    """A Docker engine's ids of images by name. Jobs of others run as processes."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """Values of the template's parameters that differ from the runtime's own."""


class Runtime:
    """``with Runtime(settings) as runtime:`` runs until the block ends; nothing outlives it."""

    def __init__(self, settings: RuntimeSettings) -> None:
        self.settings = settings
        settings.folder.mkdir(parents=True, exist_ok=True)
        os.environ["MOTO_EC2_LOAD_DEFAULT_AMIS"] = "false"  # 0.2 s, and no image is started here
        _install_patches()
        layers.install(settings.project)
        self._endpoint = Endpoint(settings.port)
        executions.configure(self._endpoint.port)
        self._host: FunctionHost | None = None
        self._pollers: QueuePollers | None = None
        self._clock: ScheduleClock | None = None
        self.deployment: Deployment | None = None
        self._gc_thresholds = gc.get_threshold()

    @property
    def url(self) -> str:
        """The endpoint's URL."""
        return self._endpoint.url

    @property
    def outputs(self) -> Mapping[str, str]:
        """The stack's outputs."""
        return self.deployment.outputs if self.deployment else {}

    @property
    def host(self) -> FunctionHost:
        """The functions' worker processes."""
        if self._host is None:
            raise RuntimeError("the runtime has not started")
        return self._host

    def start(self) -> None:
        """Starts everything; when it returns, files may be dropped."""
        self._endpoint.start()
        batch.install(self._batch_settings())
        parameters = {
            "EnableFpga": str(self.settings.fpga_slots > 0).lower(),
            "CpuImage": self._image("cpu"),
            **self._slots(),
            "FpgaGenomeImage": f"local/seqdrop-fpga-genome@{_NO_DIGEST}",
            "FpgaExomeImage": f"local/seqdrop-fpga-exome@{_NO_DIGEST}",
            "NextflowImage": self._image("nextflow"),
            "FpgaGenomeAmi": "ami-0000000000000local",
            "FpgaExomeAmi": "ami-0000000000000local",
            "DragenLicences": str(2 * self.settings.fpga_slots),  # for genomes, and for exomes
            "ShortestPollSeconds": str(self.settings.shortest_poll_seconds),
            **self.settings.parameters,
        }
        self.deployment = deploy(self.settings.project, self.url, parameters, self.settings.folder)
        check_policies()
        self._host = FunctionHost(
            self.deployment.functions,
            endpoint_url=self.url,
            account_concurrency=self.settings.account_concurrency,
        )
        functions.install(self._host)
        self._host.start()
        self._pollers = QueuePollers(self.deployment.sources, self._host)
        self._pollers.start()
        self._clock = ScheduleClock(self.deployment.schedules, self._host)
        self._clock.start()
        gc.collect()
        gc.freeze()  # moto's own objects are many, and live on: no collection need look at them
        gc.set_threshold(COLLECT_AFTER_OBJECTS)

    def stop(self) -> None:
        """Ends everything that was started; safe to call after a start that failed."""
        if self._clock:
            self._clock.stop()
        if self._pollers:
            self._pollers.stop()
        end_all("the runtime stops")
        batch.shutdown()
        if self._host:
            self._host.stop()
        self._endpoint.stop()
        gc.unfreeze()
        gc.set_threshold(*self._gc_thresholds)
        # moto as it was, so that another runtime may start in this process.
        moto_api_backend.reset()
        for service in (functions, layers, *_PATCHED):
            service.uninstall()
        shutil.rmtree(self.settings.folder / "bin", ignore_errors=True)

    def __enter__(self) -> "Runtime":
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _image(self, name: str) -> str:
        """An image as the template wants it; one that only processes play has no digest."""
        return f"local/seqdrop-{name}@{self.settings.images.get(name, _NO_DIGEST)}"

    def _slots(self) -> dict[str, str]:
        """The template's parameters for the images that stages name."""
        names = Library(str(self.settings.project / "pipelines")).images().slots
        return {
            f"Image{number}": f"{name}={self._image(name)}"
            for number, name in enumerate(names, 1)
            if name in self.settings.images or is_playable(name)
        }

    def _batch_settings(self) -> BatchSettings:
        settings = self.settings
        bin_folder = settings.folder / "bin"
        put_tools(bin_folder, settings.tool_path)
        path = os.pathsep.join(
            [str(Path(sys.executable).parent), str(bin_folder), settings.tool_path]
        )
        scratch = settings.folder / "scratch"
        scratch.mkdir(exist_ok=True)
        return BatchSettings(
            scratch_dir=scratch,
            images={self._image(name): image for name, image in settings.images.items()},
            environment={
                "PATH": path,
                "HOME": str(scratch),
                "TMPDIR": str(scratch),
                "LANG": "C.UTF-8",
                "AWS_ENDPOINT_URL": self.url,
                "AWS_ACCESS_KEY_ID": "local",
                "AWS_SECRET_ACCESS_KEY": "local",
            },
            slots={
                "FpgaGenome": settings.fpga_slots,
                "FpgaExome": settings.fpga_slots,
                "Cpu": settings.cpu_slots,  # on demand, too: the machine's cores are there once
                "Nextflow": settings.cpu_slots,  # their heads wait for tasks, and do little else
            },
        )


def is_playable(image: str) -> bool:
    """Whether processes can do what an image's jobs do: nothing plays the part of some."""
    program = _PLAYED_BY_NOTHING.get(image)
    return program is None or shutil.which(program) is not None


def put_tools(folder: Path, path: str) -> list[str]:
    """Writes a command for each tool that is not on the path, or does not start; returns which.

    They are meant to come first on the path.
    """
    folder.mkdir(parents=True, exist_ok=True)
    missing = [tool for tool in TOOLS if not _starts(tool, path)]
    for tool in missing:
        command = folder / tool
        module = f"local.tools.{tool.replace('-', '_')}"
        run = f"import runpy\n\nrunpy.run_module({module!r}, run_name='__main__', alter_sys=True)\n"
        command.write_text(f"#!{sys.executable}\n{run}")
        command.chmod(command.stat().st_mode | stat.S_IXUSR)
    return missing


def _starts(tool: str, path: str) -> bool:
    """Whether a native tool is of use: Debian's mosdepth lacks its library's link."""
    found = shutil.which(tool, path=path)
    if found is None or tool != "mosdepth":
        return found is not None
    answer = subprocess.run([found, "--version"], capture_output=True, check=False)
    return answer.returncode == 0


def _install_patches() -> None:
    for service in _PATCHED:
        service.install()
