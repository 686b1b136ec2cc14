"""Where downloaded results go: one attempt's files never take the place of another's."""

import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cli.download import _touch_indexes, place_record
from seqdrop.domain.provenance import RunRecord


def a_record(attempt: int, **more: Any) -> RunRecord:
    known = {"parts": {}, "qc_reasons": (), "metrics": {}, "results": {}, "prefixes": {}} | more
    return RunRecord(
        "NA1", "wgs", "abc", attempt, "p", "r/1", qc="PASS", cost_usd=0.0, simulated=False, **known
    )


def place(folder: Path, attempt: int) -> str:
    record = a_record(attempt)
    return place_record(folder, record, msgspec.json.encode(record))


def test_the_first_attempt_has_the_plain_prefix_and_its_record_is_there(tmp_path: Path) -> None:
    assert place(tmp_path / "new", 1) == "NA1.wgs.abc"
    written = (tmp_path / "new/NA1.wgs.abc.run.json").read_bytes()
    assert msgspec.json.decode(written, type=RunRecord).attempt == 1


def test_each_other_attempt_gets_a_prefix_of_its_own_in_any_order(tmp_path: Path) -> None:
    assert place(tmp_path, 2) == "NA1.wgs.abc"
    assert place(tmp_path, 1) == "NA1.wgs.abc.1"
    assert place(tmp_path, 3) == "NA1.wgs.abc.3"
    assert [place(tmp_path, n) for n in (2, 1, 3)] == [
        "NA1.wgs.abc", "NA1.wgs.abc.1", "NA1.wgs.abc.3",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["NA1.wgs.abc.variants.vcf.gz", "NA1.wgs.abc.run.json"])
def test_files_of_an_unknown_attempt_stay_as_they_are(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"somebody's")
    assert place(tmp_path, 1) == "NA1.wgs.abc.1"
    assert (tmp_path / name).read_bytes() == b"somebody's"


def test_files_of_another_attempt_alone_do_not_take_the_plain_prefix(tmp_path: Path) -> None:
    (tmp_path / "NA1.wgs.abc.2.variants.vcf.gz").write_bytes(b"x")
    assert place(tmp_path, 1) == "NA1.wgs.abc"


def test_an_index_is_never_older_than_its_file(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("v.vcf.gz.tbi", "v.vcf.gz", "a.bam.bai", "a.bam")]
    for number, path in enumerate(paths):
        path.write_bytes(b"x")
        os.utime(path, (1_000 + number, 1_000 + number))
    _touch_indexes(paths)
    for index in paths[::2]:
        assert index.stat().st_mtime_ns >= index.with_suffix("").stat().st_mtime_ns
