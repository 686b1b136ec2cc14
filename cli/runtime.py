"""`seqdrop local up` and `seqdrop local down`: the embedded runtime on this machine."""

import logging
import os
import shlex
import shutil
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.faults import CommandFailed
from cli.options import Engine, Json
from cli.screen import emit, say, warn

if TYPE_CHECKING:
    from local.runtime import Runtime

DEFAULT_PORT = 4566
_STACK = "SEQDROP_STACK"
_DEMO_SEED = 1
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
Port = Annotated[
    int, typer.Option(min=0, max=65535, help="The endpoint's port; 0 takes a free one.")
]
Folder = Annotated[
    Path | None,
    typer.Option(
        "--dir", metavar="DIR", file_okay=False,
        help="Where it keeps its files while it runs; by default a folder for the port.",
    ),
]  # fmt: skip


def up(
    port: Port = DEFAULT_PORT,
    folder: Folder = None,
    fpga_slots: Annotated[
        int, typer.Option(min=1, help="FPGA jobs that run at once, genomes and exomes each.")
    ] = 1,
    cpu_slots: Annotated[
        int | None, typer.Option(min=1, help="CPU jobs that run at once; by default one a core.")
    ] = None,
    *,
    engine: Annotated[
        Engine | None,
        typer.Option(
            help="Run jobs as containers or processes; by default containers where a "
            "Docker engine has the images."
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Runs an AWS endpoint on this machine, with Seqdrop deployed, until Ctrl-C."""
    from cli.engine import local_images
    from cli.instance import only_one
    from cli.library_check import require_good_library
    from cli.stack import PIPELINES
    from cli.window import DiskWatch, watch
    from seqdrop.library import Library

    require_good_library(PIPELINES)
    images = local_images(engine, Library(str(PIPELINES)))
    place = _place(folder, port)
    _check_disk(place)
    another = "--dir and --port" if folder else "--port"  # without --dir it goes by the port
    with ended_by_signals(), only_one(place, another) as instance:
        _keep_temporary_files_in(place)
        log, space = watch(place, warn), DiskWatch(place, warn)
        with _start(place, port, fpga_slots, cpu_slots, images) as runtime:
            instance.write(runtime.url)
            document = _document(runtime, log)
            if json:
                emit(document)
            else:
                _announce(document)
            while True:  # not signal.pause(): a signal just before it would be lost
                space.look()
                time.sleep(1)


def down(port: Port = DEFAULT_PORT, folder: Folder = None, json: Json = False) -> None:
    """Ends the runtime that `local up` started, and waits until it is gone."""
    from cli.instance import end

    place = _place(folder, port)
    ended = end(place)
    if not ended and folder is None and _answers(port):
        warn(
            f"something answers at port {port}: if it is a runtime that was started with --dir, "
            "give that here, too"
        )
    if json:
        emit({"dir": str(place), "ended": bool(ended), "endpoint": ended or None})
    elif ended:
        say(f"ended {ended}; what was in it is gone")
    else:
        say(f"no runtime is running in {place}")


def _answers(port: int) -> bool:
    import socket

    try:
        socket.create_connection(("127.0.0.1", port), timeout=1.0).close()
    except OSError:
        return False
    return True


def _place(folder: Path | None, port: int) -> Path:
    if folder is not None:
        return folder.resolve()
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache).resolve() / "seqdrop" / str(port)


def _check_disk(place: Path) -> None:
    from seqdrop import disk

    if disk.free_mib(place) < disk.LEAST_FREE_MIB:
        raise CommandFailed(
            f"too little space is left for {disk.describe(place)}: the runtime needs "
            f"{disk.LEAST_FREE_MIB} MiB and room for the files; choose another place with --dir"
        )


def _keep_temporary_files_in(place: Path) -> None:
    """Objects that are too large for memory are in nameless files there while it runs."""
    import tempfile

    tempfile.tempdir = str(place)


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Ctrl-C and SIGTERM end the block by one KeyboardInterrupt, which is no error here.

    The next ones are ignored, so that what was started is ended in peace.
    """

    def leave(_number: int, _frame: FrameType | None) -> None:
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    for number in _SIGNALS:
        signal.signal(number, leave)
    try:
        yield
    except KeyboardInterrupt:
        return


@contextmanager
def _start(
    place: Path, port: int, fpga_slots: int, cpu_slots: int | None, images: Mapping[str, str]
) -> "Iterator[Runtime]":
    try:
        from local.endpoint import PortInUse
        from local.permissions import CannotRead
        from local.runtime import Runtime, RuntimeSettings
    except ModuleNotFoundError as error:
        raise CommandFailed(
            f"the embedded runtime is not installed ({error.name} is missing): "
            "run `make setup`, or pip install 'seqdrop[local]'"
        ) from error
    cpus = cpu_slots or os.cpu_count() or 1
    settings = RuntimeSettings(
        place, port=port, fpga_slots=fpga_slots, cpu_slots=cpus, images=images
    )
    try:
        with Runtime(settings) as runtime:
            yield runtime
    except (PortInUse, CannotRead) as error:
        raise CommandFailed(str(error)) from error


@contextmanager
def embedded(place: Path, engine: Engine | None) -> Iterator[bool]:
    """A runtime in this process, until the block ends; this process's commands speak to it.

    Says whether jobs of CPU queues are containers. Errors of functions are warnings, and its log
    is in the folder.
    """
    from cli.engine import local_images
    from cli.stack import PIPELINES
    from cli.window import watch
    from seqdrop.library import Library

    images = local_images(engine, Library(str(PIPELINES)))
    place.mkdir(parents=True)
    _check_disk(place)
    _keep_temporary_files_in(place)
    watch(place, warn)
    with _start(place, 0, 1, None, images) as runtime:
        before = {name: os.environ.pop(name, None) for name in ("AWS_ENDPOINT_URL", _STACK)}
        os.environ["AWS_ENDPOINT_URL"] = runtime.url
        try:
            yield bool(images)
        finally:
            del os.environ["AWS_ENDPOINT_URL"]
            os.environ.update({name: value for name, value in before.items() if value is not None})
            logging.disable(logging.ERROR)  # what the end cuts off is no error
    logging.disable(logging.NOTSET)


def write_demo_files(folder: Path) -> tuple[Path, Path, Path]:
    """The demo's small genome and its plain pair: FASTA, R1, R2."""
    from local.demo.people import write_plain_pair, write_reference

    genome = write_reference(folder, _DEMO_SEED)
    r1, r2, *_ = write_plain_pair(folder, genome, _DEMO_SEED).upload
    return folder / "genome.fa", folder / r1, folder / r2


def _document(runtime: "Runtime", log: Path) -> dict[str, Any]:
    from local.deploy import REGION
    from local.runtime import TOOLS

    path = runtime.settings.tool_path
    return {
        "endpoint": runtime.url,
        "region": REGION,
        "dir": str(runtime.settings.folder),
        "log": str(log),
        "pid": os.getpid(),
        "outputs": dict(runtime.outputs),
        "images": dict(runtime.settings.images),
        "tools": {tool: shutil.which(tool, path=path) for tool in TOOLS},
    }


def _announce(document: dict[str, Any]) -> None:
    """Prints the line with ``ready`` last: whoever waits for it has seen everything."""
    outputs, tools = document["outputs"], document["tools"]
    say("for seqdrop, the AWS CLI and any other client, in another terminal:")
    for name, value in (
        ("AWS_ENDPOINT_URL", document["endpoint"]),
        ("AWS_DEFAULT_REGION", document["region"]),
        ("AWS_ACCESS_KEY_ID", "local"),
        ("AWS_SECRET_ACCESS_KEY", "local"),
    ):
        say(f"  export {name}={value}")
    say(f"drop files here:  s3://{outputs['UploadsBucket']}/")
    say(f"results are here: s3://{outputs['ResultsBucket']}/")
    if images := document["images"]:
        say(f"CPU jobs are containers of these images: {', '.join(sorted(images))}")
    for line in _tool_lines(tools):
        say(line)
    say(f"errors are shown here, one line each; the whole log is {document['log']}")
    down = f"seqdrop local down --dir {shlex.quote(document['dir'])}"
    say(f"ready at {document['endpoint']}; Ctrl-C ends it, or `{down}`")


def _tool_lines(tools: dict[str, str | None]) -> Iterator[str]:
    """What runs in place of tools that this machine does not have."""
    from local.runtime import STAND_INS

    missing = [tool for tool, path in tools.items() if not path and tool not in STAND_INS]
    if missing:
        yield f"not on PATH, so taken from PyPI: {', '.join(missing)}"
    if tools["dragen"]:
        yield f"FPGA queues run {tools['dragen']}"
    else:
        yield (
            "FPGA is simulated: a stand-in takes DRAGEN's command line and runs CPU tools; its "
            "runs are marked as simulated"
        )
