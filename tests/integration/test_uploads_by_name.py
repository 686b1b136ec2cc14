"""register_upload with the names of the field: whose a file is, what is left out, what is held."""

import gzip
import itertools
import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from seqdrop.aws.catalog.uploads import Uploads
from seqdrop.aws.queues import LookAt
from seqdrop.domain.expectation import Expectation
from seqdrop.domain.identity import AnalysisId, ObjectName
from seqdrop.domain.naming import unplaced_sample
from seqdrop.domain.records import Analysis, AnalysisStatus
from tests import cloud_support
from tests.cloud_support import UPLOADS, Cloud, open_cloud
from tests.field_cases import made, needs_cases
from tests.lab import pair

# A batch of nothing good has no metric to tell, and Powertools says so.
pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")
A, B = "HCASEADSX5", "HCASEBDSX5"


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    (tmp_path / "pipelines").mkdir()
    with open_cloud(tmp_path / "pipelines", monkeypatch) as cloud:
        yield cloud


def analysis(cloud: Cloud, sample: str) -> Analysis | None:
    return cloud.catalog.analyses.get(AnalysisId(sample, "wgs"))


def held(cloud: Cloud, key: str) -> str:
    """Why a file that fits no sample is held; "" where it is not."""
    found = analysis(cloud, unplaced_sample(UPLOADS, key))
    return found.why if found and found.status is AnalysisStatus.HELD else ""


def note(cloud: Cloud, key: str) -> str:
    """What became of a file, for one that changed no analysis."""
    placement, _ = cloud.catalog.uploads.known(ObjectName(UPLOADS, key))
    return placement.note


def drop_case(cloud: Cloud, case: str, folder: Path) -> list[str]:
    """Uploads the FASTQ files of a case; their keys."""
    files = made(case, folder)
    keys = sorted(path.name for path in files.iterdir() if "_" in path.name or ".gz" in path.name)
    for key in keys:
        cloud.upload(key, (files / key).read_bytes())
    return keys


def lanes_of(cloud: Cloud, sample: str) -> list[str]:
    """Flowcell and lane of each of a sample's R1, and the same of R2."""
    found = analysis(cloud, sample)
    identities = [one.identity for one in (found.files_seen if found else ())]
    return sorted(f"{one.flowcell}.{one.lane}.{one.read}" for one in identities)


def analyse(cloud: Cloud, sample: str) -> None:
    """The quiet period passes, after which a sample of many lanes may start."""
    found = analysis(cloud, sample)
    assert found is not None
    assert "more lanes may come" in found.why
    cloud.clock.turn(600)
    recheck = {"seqdrop": "recheck", "sample": sample, "assay": "wgs"}
    cloud.deliver("register_upload", json.dumps({**recheck, "generation": found.generation}))
    after = analysis(cloud, sample)
    assert after is not None
    assert after.status is AnalysisStatus.ANALYSING


LANES = [(A, 2), (B, 4)]
STEMS = {
    "K5": "K5_L{lane}_R{read}.fq.gz",
    "K6": "K6_L00{lane}_{read}.fastq.gz",
    "D77": "D77_{flowcell}_L{lane}_{read}.fq.gz",
    "D78": "D78_EKDN0001-1A_{flowcell}_L{lane}_{read}.fq.gz",
    "D79": "D79_{flowcell}_S1_L00{lane}_R{read}_001.fastq.gz",
    "Hm2": "Hm2_GTGAAA_L00{lane}_R{read}_001.fastq.gz",
    "N1": "{flowcell}_L{lane}_N1_{read}.fq.gz",
}


@pytest.mark.parametrize("sample", STEMS)
def test_lanes_in_a_name_are_lanes_of_one_sample(cloud: Cloud, sample: str) -> None:
    for flowcell, lane in LANES:
        for read, body in zip("12", pair(5, flowcell=flowcell, lane=lane, seed=lane), strict=True):
            cloud.upload(STEMS[sample].format(flowcell=flowcell, lane=lane, read=read), body)
    each = [f"{A}.2.R1", f"{A}.2.R2", f"{B}.4.R1", f"{B}.4.R2"]
    assert lanes_of(cloud, sample) == each
    assert cloud.executions.starts == 0
    analyse(cloud, sample)
    assert cloud.executions.starts == 1, cloud.catalog.analyses.events("U")


@pytest.mark.parametrize("key", ["K5_L3_R1.fq.gz", "K5-L2_R1.fq.gz", "K5_H2W7MDSXC_R1.fq.gz"])
def test_a_name_in_doubt_is_held_before_a_job_until_a_manifest_says_whose_it_is(
    cloud: Cloud, key: str
) -> None:
    bodies = pair(5, lane=2)
    keys = (key, key.replace("R1", "R2"))
    for each, body in zip(keys, bodies, strict=True):
        cloud.upload(each, body)
        assert "if K5 is the sample; or name it in a manifest" in held(cloud, each)
        assert repr(each) in held(cloud, each)
    assert analysis(cloud, key.partition("_R1")[0]) is None
    entry = {"sample": "K5", "assay": "wgs", "files": [{"r1": keys[0], "r2": keys[1]}]}
    cloud.upload("k5.manifest.json", json.dumps({"samples": [entry]}).encode())
    found = analysis(cloud, "K5")
    assert found is not None
    assert found.status is AnalysisStatus.ANALYSING


@pytest.mark.parametrize("is_late", [False, True])
def test_a_newer_version_whose_reads_tell_whose_it_is_ends_the_doubt(
    cloud: Cloud, is_late: bool
) -> None:
    key = "K5_L2_R1.fq.gz"
    doubted = cloud.drop(key, pair(5, lane=3)[0])
    clear = cloud.drop(key, pair(5, lane=2)[0])
    for event in (clear, doubted) if is_late else (doubted, clear):
        assert cloud.deliver("register_upload", event) == []
    assert held(cloud, key) == ""
    assert lanes_of(cloud, "K5") == ["HTEST.2.R1"]


def test_a_good_version_ends_the_hold_of_a_broken_one_that_only_its_name_placed(
    cloud: Cloud,
) -> None:
    cloud.upload("K5_L2_R1.fq.gz", b"not gzip")
    broken = analysis(cloud, "K5_L2")
    assert broken is not None
    assert broken.status is AnalysisStatus.HELD
    cloud.upload("K5_L2_R1.fq.gz", pair(5, lane=2)[0])
    assert analysis(cloud, "K5_L2") is None
    assert lanes_of(cloud, "K5") == ["HTEST.2.R1"]


def test_a_version_whose_reads_are_of_another_owner_takes_the_file_there(cloud: Cloud) -> None:
    key = "A_HTEST_R1.fq.gz"
    cloud.upload(key, pair(5, flowcell="OTHER")[0])
    assert lanes_of(cloud, "A_HTEST") == ["OTHER.1.R1"]
    cloud.upload(key, pair(5)[0])
    assert analysis(cloud, "A_HTEST") is None
    assert lanes_of(cloud, "A") == ["HTEST.1.R1"]


def test_a_name_with_flowcell_lane_and_barcode_alone_is_held(cloud: Cloud) -> None:
    text = b"@V300019058L1C001R0010000000/1\nACGT\n+\nFFFF\n"
    cloud.upload("V300019058_L01_UDB-1_1.fq.gz", gzip.compress(text))
    assert "and no sample: name it in a manifest" in held(cloud, "V300019058_L01_UDB-1_1.fq.gz")


@pytest.mark.parametrize(
    "key",
    [
        "._S9_R1.fastq.gz",
        "__MACOSX/S9_R1.fastq.gz",
        ".S9_R1.fastq.gz.Xa12bC",
        "S9_R1.fastq.gz.filepart",
        "S9_R1.fastq.gz.part",
        "S9_R1.fastq.gz.tmp",
        "Thumbs.db",
        "._run7.manifest.json",
        "S9.manifest.json.part",
        "S9_UMI.fastq.gz",
        "S9_1U.fastq.gz",
        "S9_R1.fastq.gz~",
    ],
)
def test_what_is_no_file_of_the_lab_is_noted_once_and_makes_no_sample(
    cloud: Cloud, key: str
) -> None:
    event = cloud.drop(key, b"anything")
    assert cloud.deliver("register_upload", event, event) == []
    assert note(cloud, key).endswith(": left out")
    assert held(cloud, key) == ""
    assert analysis(cloud, "S9") is None


def test_a_name_in_capital_letters_is_taken_as_it_is(cloud: Cloud) -> None:
    for read, body in zip("12", pair(5), strict=True):
        cloud.upload(f"BIG1_R{read}.FASTQ.GZ", body)
    found = analysis(cloud, "BIG1")
    assert found is not None
    assert found.status is AnalysisStatus.ANALYSING


@needs_cases
def test_other_packers_get_the_advice_that_fits(cloud: Cloud, tmp_path: Path) -> None:
    drop_case(cloud, "15_other_packers", tmp_path / "case")
    big = analysis(cloud, "BIG1")
    assert big is not None
    assert big.status is AnalysisStatus.ANALYSING
    for key, words in {
        "ORA1_S1_L001_R1_001.fastq.ora": ["ORA", "orad"],
        "BZ1_R1.fastq.bz2": ["compress it with gzip", "bzcat"],
        "ZST1_R2.fastq.zst": ["compress it with gzip", "zstdcat"],
        "WG1_R1.fastq.gz.1": ["rename it to 'WG1_R1.fastq.gz'"],
        "BR1_R2.fastq (1).gz": ["rename it to 'BR1_R2.fastq.gz'"],
    }.items():
        assert all(word in held(cloud, key) for word in [*words, repr(key)]), held(cloud, key)
    mis = analysis(cloud, "MIS1")
    assert mis is not None
    assert mis.status is AnalysisStatus.HELD
    assert "not gzip but bzip2" in mis.why


@needs_cases
def test_orphans_of_a_pair_are_left_out_or_held_with_a_word_on_single_reads(
    cloud: Cloud, tmp_path: Path
) -> None:
    files = made("13_orphans_of_split3", tmp_path / "case")
    for name in ("_1.fastq.gz", "_2.fastq.gz", ".fastq.gz"):
        key = f"SRR9000004{name}"
        cloud.upload(key, (files / key).read_bytes())
    found = analysis(cloud, "SRR9000004")
    assert found is not None
    assert found.status is AnalysisStatus.ANALYSING
    assert "single reads are not analysed" in note(cloud, "SRR9000004.fastq.gz")
    for number in "13":
        key = f"ERR9000005_{number}.fastq.gz"
        cloud.upload(key, (files / key).read_bytes())
    waits = analysis(cloud, "ERR9000005")
    assert waits is not None
    assert waits.why.startswith("waiting for R2")
    assert waits.status is AnalysisStatus.HELD
    assert "rename it to 'ERR9000005_2.fastq.gz'" in waits.why


@needs_cases
def test_a_control_without_reads_asks_for_no_upload_of_what_is_right(
    cloud: Cloud, tmp_path: Path
) -> None:
    drop_case(cloud, "09_control_without_reads", tmp_path / "case")
    for sample in ("NTC1", "NTC2"):
        found = analysis(cloud, sample)
        assert found is not None
        assert found.status is AnalysisStatus.HELD
        assert '"control": true' in found.why
        assert "upload" not in found.why
    assert cloud.executions.starts == 0
    analyse(cloud, "GOOD")


@needs_cases
@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_a_temporary_name_leaves_nothing_whenever_its_events_come(
    cloud: Cloud, tmp_path: Path, order: tuple[int, ...]
) -> None:
    files = made("20_part_then_renamed", tmp_path / "case")
    for name in ("sftp_R1.fastq.gz", "sftp_R2.fastq.gz"):
        body = (files / name).read_bytes()
        events = [cloud.drop(key, body) for key in (f"{name}.filepart", f"{name}.part", name)]
        cloud.s3.delete_object(Bucket=UPLOADS, Key=f"{name}.filepart")
        cloud.s3.delete_object(Bucket=UPLOADS, Key=f"{name}.part")
        cloud.deliver("register_upload", *[events[n] for n in order])
        assert held(cloud, f"{name}.filepart") == held(cloud, f"{name}.part") == ""
    found = analysis(cloud, "sftp")
    assert found is not None
    assert found.status is AnalysisStatus.ANALYSING
    assert cloud.executions.starts == 1, cloud.catalog.analyses.events("U")


def test_a_look_while_a_manifest_is_being_applied_starts_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R2 holds UMIs: with it the sample must not run, whoever looks at R3 before all is told."""
    at_once = "  fast: {pipeline: quick, reference: tiny}\n"
    monkeypatch.setattr(cloud_support, "ASSAYS", cloud_support.ASSAYS + at_once)
    keys = [f"fast/U_S1_L001_R{number}_001.fastq.gz" for number in (1, 2, 3)]
    (r1, r2), (_, umi) = pair(50), pair(50, length=12)
    opened: list[Cloud] = []
    looks = [LookAt(ObjectName(UPLOADS, key)) for key in keys]
    stock = Uploads.expect

    def told_late(uploads: Uploads, said: Expectation) -> None:
        while looks:
            opened[0].deliver("register_upload", msgspec.json.encode(looks.pop()).decode())
        stock(uploads, said)

    with open_cloud(tmp_path, monkeypatch) as cloud:
        opened.append(cloud)
        for key, body in zip((keys[0], keys[2], keys[1]), (r1, r2, umi), strict=True):
            cloud.upload(key, body)
        monkeypatch.setattr(Uploads, "expect", told_late)
        named = {"sample": "U", "assay": "fast", "files": [{"r1": keys[0], "r2": keys[2]}]}
        cloud.upload("u.manifest.json", json.dumps({"samples": [named]}).encode())
        found = cloud.catalog.analyses.get(AnalysisId("U", "fast"))
        assert not looks
        assert cloud.executions.starts == 1
        assert found is not None
        assert {one.object.key for one in found.files_seen} == {keys[0], keys[2]}
        assert found.status is AnalysisStatus.ANALYSING
