"""What goes wrong while `seqdrop local up` runs is told in its window, a line each."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import boto3
import pytest

from tests.e2e.command import Command, first_document, line
from tests.lab import PROJECT, fasta, make_genome, pair

_MOUNT = 'mount -t tmpfs -o size=300m tmpfs "$0" && exec "$@"'


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """Where a disk of 300 MiB is to be, if this machine lets us have one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["unshare", "-rm", "sh", "-c", _MOUNT, str(folder), "true"]
    if (
        not shutil.which("unshare")
        or subprocess.run(mount, capture_output=True, check=False).returncode
    ):
        pytest.skip("may mount nothing in a namespace of its own")
    return folder


@pytest.fixture
def command(tmp_path: Path) -> Command:
    """In a folder with a pair and its genome."""
    genome = make_genome(4_000)
    (tmp_path / "g.fa").write_bytes(fasta(genome))
    for mate, content in enumerate(pair(60, genome=genome), start=1):
        (tmp_path / f"Hm2_R{mate}.fastq.gz").write_bytes(content)
    return Command(tmp_path)


UPLOAD = (
    "upload", "Hm2_R1.fastq.gz", "Hm2_R2.fastq.gz", "--pipeline", "germline-cpu",
    "--reference", "tiny",
)  # fmt: skip


def until(condition: Callable[[], bool]) -> None:
    end = monotonic() + 30
    while not condition():
        assert monotonic() < end, "it never came true"
        sleep(0.1)


def test_a_full_disk_is_told_and_the_same_upload_works_once_there_is_room(
    command: Command, disk: Path, tmp_path: Path
) -> None:
    command.environment["MOTO_S3_DEFAULT_KEY_BUFFER_SIZE"] = "1000"  # larger ones are on the disk
    arguments = line("local", "up", "--port", "0", "--dir", str(disk), "--json")
    window = tmp_path / "window"
    with window.open("w") as errors:
        runtime = subprocess.Popen(
            ["unshare", "-rm", "sh", "-c", _MOUNT, str(disk), *arguments],
            cwd=tmp_path, env=command.environment, text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=errors, start_new_session=True,
        )  # fmt: skip
    try:
        command.environment["AWS_ENDPOINT_URL"] = json.loads(first_document(runtime))["endpoint"]
        command.good("reference", "add", "tiny", "1", "g.fa")
        # As that process sees it; to all others the folder is empty.
        filler = Path(f"/proc/{runtime.pid}/root{disk}/filler")
        fill(filler)
        until(lambda: "almost no space is left" in window.read_text())
        refused = command.bad(*UPLOAD)
        assert re.fullmatch(
            rf"seqdrop: \w+: no space is left for {disk} \(the disk at {disk} has 0 MiB free\): "
            r"make space there, then do this again\n",
            refused,
        )
        (sample,) = command.ask("samples")["samples"]  # as its manifest says, which came first
        assert (sample["status"], sample["why"][:25]) == ("RECEIVING", "waiting for 2 of 2 files ")
        filler.unlink()
        command.good(*UPLOAD)
        assert "ANALYSED" in command.good("wait", "Hm2")
    finally:
        runtime.terminate()
        runtime.communicate(timeout=60)
    said = window.read_text().splitlines()
    assert "Traceback" not in window.read_text(), window.read_text()
    assert any(re.match(rf"\d\d:\d\d:\d\d PUT /.*: no space is left for {disk} ", s) for s in said)
    assert len(said) < 10
    assert runtime.returncode == 0


def fill(filler: Path) -> None:
    """Takes all that is free, while another process may be taking some of it."""
    with filler.open("wb") as file:
        while free := (usage := os.fstatvfs(file.fileno())).f_bavail * usage.f_frsize:
            with suppress(OSError):  # less is free by now
                os.posix_fallocate(file.fileno(), file.tell(), free)
                file.seek(free, os.SEEK_CUR)


def test_a_function_s_errors_are_told_and_its_traces_are_in_the_log(
    command: Command, tmp_path: Path
) -> None:
    """In a project with a function that fails, one that fails at a message, one that can't load."""
    project = tmp_path / "project"
    for folder in ("cli", "local", "layers", "functions", "statemachine", "pipelines"):
        shutil.copytree(PROJECT / folder, project / folder)
    shutil.copy(PROJECT / "template.yaml", project)
    functions = project / "functions"
    spoil(functions / "plan_run/handler.py", "    planned = ", '    raise KeyError("of a test")\n')
    spoil(functions / "end_run/handler.py", "from typing", "import nothing_there\n")
    fault = '    raise ValueError("of a\\nmessage")\n'
    spoil(functions / "register_upload/handler.py", "    message = ", fault)
    command.environment["PYTHONPATH"] = str(project)
    process = command.start("local", "up", "--port", "0", "--dir", str(tmp_path / "rt"), "--json")
    try:
        document = json.loads(first_document(process))
        log = Path(document["log"])
        session: Any = boto3.Session("local", "local", region_name="us-east-1")
        s3, lambda_ = (
            session.client(s, endpoint_url=document["endpoint"]) for s in ("s3", "lambda")
        )
        ids = {"sample": "Hm2", "assay": "a", "run_key": "k", "attempt": 1}
        event = json.dumps({"run": ids, "execution": "arn"}).encode()
        for _ in range(3):
            lambda_.invoke(FunctionName="seqdrop-plan-run", Payload=event)
        s3.put_object(Bucket=document["outputs"]["UploadsBucket"], Key="a/x.txt", Body=b"x")
        until(lambda: "ValueError: of a message" in log.read_text())
    finally:
        process.terminate()
        out, said = process.communicate(timeout=60)
    times = re.findall(r"^\d\d:\d\d:\d\d ", said, re.MULTILINE)
    assert sorted(
        line.removeprefix(at) for line, at in zip(said.splitlines(), times, strict=True)
    ) == [
        "seqdrop-end-run: Runtime.ImportModuleError: Unable to import module 'handler': No module "
        "named 'nothing_there'",
        "seqdrop-plan-run: KeyError: 'of a test' (sample Hm2)",
        "seqdrop-register-upload: ValueError: of a message (file a/x.txt)",
    ]
    assert (out, process.returncode) == ("", 0)
    assert 'raise KeyError("of a test")' in log.read_text()


def spoil(path: Path, before: str, words: str) -> None:
    """Puts words into a file, before the first place that begins so."""
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, words + before, 1))
