"""`seqdrop local up` and `local down`, and what they leave behind: nothing."""

import os
import shutil
import signal
import socket
import sys
from itertools import takewhile
from pathlib import Path

import pytest

from cli.arrival import wait_until_seen
from cli.stack import find_stack
from tests.e2e.command import Command, up
from tests.lab import PROJECT, fasta, make_genome

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


def descendants(pid: int) -> set[int]:
    """All processes below one, as /proc tells."""
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has just ended
    found = {pid}
    while new := {child for child, parent in parents.items() if parent in found} - found:
        found |= new
    return found - {pid}


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@linux_only
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_everything_that_was_started(
    tmp_path: Path, number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = Command(tmp_path)
    with up(command, tmp_path / "rt") as (process, document):
        monkeypatch.setenv("AWS_ENDPOINT_URL", document["endpoint"])
        stack = find_stack()
        uploads = stack.output("UploadsBucket")
        stack.s3.put_object(Bucket=uploads, Key="x.txt", Body=b"no reads")
        assert wait_until_seen(stack, uploads, ["x.txt"])  # so functions have worked
        started = descendants(process.pid)
        assert started
        process.send_signal(number)
        assert process.wait(timeout=60) == 0
    assert not {pid for pid in started if is_alive(pid)}
    left = sorted(path.name for path in (tmp_path / "rt").rglob("*") if path.is_file())
    assert left == ["runtime.lock", "runtime.log"]


def test_down_ends_a_runtime_and_waits_until_it_is_gone(tmp_path: Path) -> None:
    command, folder = Command(tmp_path), str(tmp_path / "rt")
    with up(command, tmp_path / "rt") as (process, document):
        assert document["pid"] == process.pid
        refused = command.bad("local", "up", "--port", "0", "--dir", folder)
        assert f"already at {document['endpoint']} (pid {process.pid})" in refused
        assert refused.endswith("with another --dir and --port\n")
        ended = command.ask("local", "down", "--dir", folder)
        assert (ended["ended"], ended["endpoint"]) == (True, document["endpoint"])
        assert process.wait(timeout=10) == 0
    assert "no runtime is running" in command.good("local", "down", "--dir", folder)


def test_up_names_what_is_wrong_in_the_pipelines_and_leaves_nothing_behind(tmp_path: Path) -> None:
    """The command of a project whose files are spoiled."""
    for folder in ("cli", "pipelines"):
        shutil.copytree(PROJECT / folder, tmp_path / "project" / folder)
    assays = tmp_path / "project/pipelines/assays.yaml"
    assays.write_text(assays.read_text().replace("default: wgs\n", "default: none\n"))
    command = Command(tmp_path)
    command.environment["PYTHONPATH"] = str(tmp_path / "project")
    process = command.start("local", "up", "--port", "0", "--dir", str(tmp_path / "rt"))
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    (line,) = said.splitlines()
    assert line.startswith(
        f"seqdrop: {assays}, line 4: the default 'none' is not one of the assays (there are"
    )
    assert not (tmp_path / "rt").exists()


def test_a_port_in_use_is_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        said = Command(tmp_path).bad("local", "up", "--port", port, "--dir", str(tmp_path / "rt"))
    assert said.startswith(f"seqdrop: port {port} is in use")
    assert not (tmp_path / "rt").exists()


def test_text_for_people_names_the_endpoint_the_buckets_and_the_stand_in(tmp_path: Path) -> None:
    process = Command(tmp_path).start("local", "up", "--port", "0", "--dir", str(tmp_path / "rt"))
    assert process.stdout is not None
    said = list(takewhile(lambda text: not text.startswith("ready at "), process.stdout))
    process.send_signal(signal.SIGINT)
    rest, errors = process.communicate(timeout=60)
    assert any(text.startswith("  export AWS_ENDPOINT_URL=http://127.0.0.1:") for text in said)
    assert any("s3://seqdrop-uploadsbucket" in text for text in said)
    assert any("FPGA" in text for text in said)
    assert (rest, errors) == ("", "")
    assert process.returncode == 0


def test_a_reference_is_added_and_its_version_never_changes(tmp_path: Path) -> None:
    command = Command(tmp_path)
    (tmp_path / "g.fa").write_bytes(fasta(make_genome(4_000)))
    (tmp_path / "h.fa").write_bytes(fasta(make_genome(4_000, seed=8)))
    (tmp_path / "exome.bed").write_text("chr1\t100\t200\n")
    with up(command, tmp_path / "rt") as (_, document):
        command.environment["AWS_ENDPOINT_URL"] = document["endpoint"]
        added = command.ask("reference", "add", "tiny", "1", "g.fa", "exome.bed")
        assert (added["state"], added["bases"]) == ("READY", 4_000)
        assert set(added["parts"]) == {"sequence", "targets:exome"}
        assert added["indexes"] == ["bwa", "dragen", "sequence"]
        assert "is READY" in command.good("reference", "add", "tiny", "1", "g.fa", "exome.bed")
        refused = command.bad("reference", "add", "tiny", "1", "h.fa", "exome.bed")
        assert "is there already, with other content" in refused
        command.good("reference", "add", "tiny", "2", "h.fa", "--no-wait")
        listed = command.ask("references")["references"]
        assert [(one["name"], one["version"]) for one in listed] == [("tiny", "1"), ("tiny", "2")]
        assert listed[0] == {**added, "users": {"analyses": 0, "samples": [], "more": False}}
        assert "tiny" in command.good("references")
