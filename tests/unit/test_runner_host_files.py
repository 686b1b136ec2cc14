"""The host's references: what is evicted, what is held, and when a job goes on alone."""

import hashlib
import io
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, cast

import pytest

from runner import space, staging
from runner.copying import HostFile, can_be_shared, hosts_files
from runner.eviction import evict, longest_unused
from runner.faults import StageFault
from runner.fetch import FETCHED_AT
from runner.host_files import FOLDER, HostFiles, host_files
from runner.log import OutcomeLog
from runner.objects import Objects
from runner.space import make_room
from runner.staging import Staging
from seqdrop.domain.failure import FailureClass
from seqdrop.domain.plan import StoredObject

LOG = OutcomeLog({})


class Store:
    """Answers get_object, and counts; "" of content that it does not have."""

    def __init__(self) -> None:
        self.contents: dict[str, bytes] = {}
        self.asked: list[str] = []

    def get_object(self, **wanted: Any) -> dict[str, Any]:
        self.asked.append(wanted["Key"])
        content = self.contents[wanted["Key"]]
        return {"Body": io.BytesIO(content), "ContentLength": len(content), "ETag": '"e"'}


class Host:
    """A scratch, a store, and jobs that come one after another."""

    def __init__(self, scratch: Path) -> None:
        self.scratch, self.store, self.jobs = scratch, Store(), 0

    def object(self, content: bytes) -> StoredObject:
        """A reference file in the store."""
        sha256 = hashlib.sha256(content).hexdigest()
        self.store.contents[sha256] = content
        return StoredObject("references", sha256, len(content), sha256=sha256)

    def root(self) -> Path:
        """The folder of a new job."""
        self.jobs += 1
        root = self.scratch / f"job{self.jobs}"
        root.mkdir()
        return root

    def stage(self, host: HostFiles | None, *contents: bytes, needed_mib: int = 0) -> list[Path]:
        """Stages contents for a new job; where they are."""
        root = self.root()
        wanted = {root / "ref" / str(n): self.object(one) for n, one in enumerate(contents)}
        stager = Staging(root, host, Objects(cast(Any, self.store)), LOG, threading.Event())
        stager.stage(wanted, lambda _: True, [], reads_bytes=0, needed_mib=needed_mib)
        return list(wanted)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


@pytest.fixture
def files(host: Host) -> Iterator[HostFiles]:
    """The host's files, as a job has them."""
    with host_files(host.scratch, LOG, makes=True) as found:
        assert found
        yield found


def name(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_a_job_s_file_is_the_host_s_own_and_can_not_be_written(
    host: Host, files: HostFiles
) -> None:
    (path,) = host.stage(files, b"A")
    (other,) = host.stage(files, b"A")
    assert path.samefile(other)
    assert path.samefile(files.folder / name(b"A"))
    assert (path.stat().st_mode & 0o777, path.stat().st_mtime) == (0o444, FETCHED_AT)
    assert files.folder.stat().st_mode & 0o777 == 0o755
    assert host.store.asked == [name(b"A")]


def test_one_content_under_two_names_is_fetched_once(host: Host, files: HostFiles) -> None:
    assert [path.read_bytes() for path in host.stage(files, b"A", b"B", b"A")] == [b"A", b"B", b"A"]
    assert [path.read_bytes() for path in host.stage(files, b"A", b"A")] == [b"A", b"A"]
    assert sorted(host.store.asked) == sorted([name(b"A"), name(b"B")])


def test_files_that_no_job_uses_go_in_the_order_of_their_last_use(host: Host) -> None:
    with host_files(host.scratch, LOG, makes=True) as files:
        assert files
        for number, content in enumerate((b"A", b"B", b"C")):
            (path,) = host.stage(files, content)
            os.utime(path, (number, FETCHED_AT))
            path.unlink()
        host.stage(files, b"A")[0].unlink()
        assert longest_unused(files.folder) == [name(b"B"), name(b"C"), name(b"A")]
        assert not evict(files.folder, name(b"B"), LOG), "a job holds it"
    with host_files(host.scratch, LOG, makes=False) as later:
        assert later
        assert evict(later.folder, name(b"B"), LOG)
        assert not evict(later.folder, name(b"B"), LOG)
        assert {path.name for path in later.folder.iterdir() if path.suffix != ".lock"} == {
            name(b"A"),
            name(b"C"),
        }


def test_a_file_that_a_folder_still_has_is_not_evicted_since_that_frees_nothing(
    host: Host,
) -> None:
    with host_files(host.scratch, LOG, makes=True) as files:
        assert files
        (path,) = host.stage(files, b"A")
    with host_files(host.scratch, LOG, makes=True) as files:
        assert files
        assert not evict(files.folder, name(b"A"), LOG)
        path.unlink()
        assert evict(files.folder, name(b"A"), LOG)


def test_what_a_job_left_that_died_over_it_is_evicted_and_what_one_fetches_is_not(
    host: Host, files: HostFiles
) -> None:
    file = HostFile(host.object(b"A"), (host.root() / "ref",))
    copying = files.begin(file)
    assert copying
    copying.part.write_bytes(b"half")
    assert files.begin(file) is None
    assert not evict(files.folder, file.name, LOG)
    os.close(copying._lock)  # as the end of its process does
    assert longest_unused(files.folder) == [file.name]
    assert evict(files.folder, file.name, LOG)
    assert not copying.part.exists()


def test_a_job_waits_no_longer_than_another_one_goes_on(
    host: Host, files: HostFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staging, "PATIENCE_SECONDS", 0.3)
    file = HostFile(host.object(b"A"), (host.root() / "ref",))
    copying = files.begin(file)
    assert copying
    (path,) = host.stage(files, b"A")
    assert path.read_bytes() == b"A"
    assert path.stat().st_nlink == 1
    copying.close()


def test_without_a_host_s_folder_a_job_fetches_for_itself(host: Host) -> None:
    assert host.stage(None, b"A")[0].read_bytes() == b"A"
    with host_files(host.scratch, LOG, makes=False) as files:
        assert files is None
    assert not (host.scratch / FOLDER).exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_folder_that_others_could_write_is_closed_and_their_files_are_not_linked(
    host: Host,
) -> None:
    folder = host.scratch / FOLDER
    folder.mkdir()
    folder.chmod(0o777)
    theirs = folder / name(b"A")
    theirs.write_bytes(b"A")
    os.chown(theirs, 12345, 12345)
    with host_files(host.scratch, LOG, makes=True) as files:
        (path,) = host.stage(files, b"A")
        assert path.read_bytes() == b"A"
        assert not path.samefile(theirs)
        assert folder.stat().st_mode & 0o777 == 0o755
    assert host.store.asked == []


def test_a_folder_in_place_of_a_file_costs_a_fetch(host: Host, files: HostFiles) -> None:
    (files.folder / name(b"A")).mkdir()
    assert host.stage(files, b"A")[0].read_bytes() == b"A"
    assert host.stage(files, b"A")[0].read_bytes() == b"A"


@pytest.mark.parametrize("sha256", ["", "../../../etc/passwd", "0" * 63, "0" * 65, "g" * 64])
def test_a_checksum_that_is_none_names_no_file(sha256: str) -> None:
    assert not can_be_shared(StoredObject("b", "k", 1, sha256=sha256))
    assert can_be_shared(StoredObject("b", "k", 1, sha256="AB" * 32))
    assert hosts_files([(Path("x"), StoredObject("b", "k", 1, sha256="AB" * 32))])[0].name == (
        "ab" * 32
    )


class _Usage(NamedTuple):
    total: int
    used: int
    free: int


def test_a_job_that_fits_once_its_neighbour_has_ended_is_not_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = iter([10, 10, 100])
    monkeypatch.setattr(space, "_LOOK_SECONDS", 0.0)
    monkeypatch.setattr("runner.space.shutil.disk_usage", lambda _: _Usage(200, 0, next(free)))
    make_room(tmp_path, 50, lambda: False, lambda: True, threading.Event())
    assert list(free) == []


@pytest.mark.parametrize("neighbours", [True, False])
def test_what_does_not_fit_is_told_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, neighbours: bool
) -> None:
    evicted = iter([True, True, False])
    monkeypatch.setattr(space, "PATIENCE_SECONDS", 0.0)
    monkeypatch.setattr("runner.space.shutil.disk_usage", lambda _: _Usage(9 << 30, 0, 1 << 30))
    with pytest.raises(StageFault, match="raise ScratchGib") as told:
        make_room(
            tmp_path, 2 << 30, lambda: next(evicted, False), lambda: neighbours, threading.Event()
        )
    assert told.value.failure_class is FailureClass.DISK_FULL
    assert "about 2,048 MiB more of scratch, and 1,024 are free" in str(told.value)
    assert list(evicted) == []


def test_what_the_host_has_is_not_asked_for_again(
    host: Host, files: HostFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = bytes(3 << 20)
    host.stage(files, content)
    monkeypatch.setattr("runner.space.shutil.disk_usage", lambda _: _Usage(9 << 30, 0, 2 << 20))
    host.stage(files, content, needed_mib=4)
    monkeypatch.setattr(space, "PATIENCE_SECONDS", 0.0)
    with pytest.raises(StageFault):
        host.stage(files, content, needed_mib=6)
