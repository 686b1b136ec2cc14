"""Uploads that wait for somebody: manifests that can't be used, objects that can't be read."""

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from seqdrop.aws.objects import Objects
from seqdrop.domain.errors import LockedObject
from seqdrop.domain.identity import AnalysisId, ObjectName
from seqdrop.domain.naming import unplaced_sample
from seqdrop.domain.records import Analysis, AnalysisStatus
from tests import cloud_support
from tests.cloud_support import UPLOADS, Cloud, client_of, open_cloud
from tests.field_cases import made, needs_cases
from tests.lab import reads

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")
R1, R2 = reads(5, mate=1), reads(5, mate=2)
SHEET = "sheets/run.samplesheet.csv"
BROKEN = b"sample,assay,r1,r2\nNEW,wgs,../NA1_1.fastq.gz\n"
RIGHT = b"sample,assay,r1,r2\nNEW,wgs,../NA1_1.fastq.gz,../NA1_2.fastq.gz\n"


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    folder = tmp_path / "pipelines"
    folder.mkdir()
    with open_cloud(folder, monkeypatch) as cloud:
        yield cloud


def analysis(cloud: Cloud, sample: str, assay: str = "wgs") -> Analysis | None:
    return cloud.catalog.analyses.get(AnalysisId(sample, assay))


def status(cloud: Cloud, sample: str) -> AnalysisStatus | None:
    found = analysis(cloud, sample)
    return found.status if found else None


def event_of(cloud: Cloud, kind: str, key: str, version: str = "") -> dict[str, Any]:
    """An event of S3 in AWS's own shape."""
    event = cloud_support._event(kind)
    stored = {"key": key, "version-id": version, "sequencer": "FF", "etag": "e"}
    event["detail"] |= {"bucket": {"name": UPLOADS}, "object": stored}
    return event


def drop_pair(cloud: Cloud) -> None:
    cloud.upload("NA1_1.fastq.gz", R1)
    cloud.upload("NA1_2.fastq.gz", R2)


def test_files_that_a_refused_sheet_names_wait_for_the_right_one(cloud: Cloud) -> None:
    broken = BROKEN + b"NEW,wgs,../NA1_2.fastq.gz\n"
    cloud.upload(SHEET, broken)
    drop_pair(cloud)
    assert status(cloud, unplaced_sample(UPLOADS, SHEET)) is AnalysisStatus.HELD
    assert (status(cloud, "NA1"), cloud.executions.starts) == (None, 0)
    placement, _ = cloud.catalog.uploads.known(ObjectName(UPLOADS, "NA1_1.fastq.gz"))
    assert SHEET in placement.note
    cloud.upload(SHEET, RIGHT)
    assert status(cloud, "NEW") is AnalysisStatus.ANALYSING
    assert (status(cloud, "NA1"), cloud.executions.starts) == (None, 1)
    assert status(cloud, unplaced_sample(UPLOADS, SHEET)) is None


def test_files_that_a_deleted_sheet_held_back_go_by_their_names(cloud: Cloud) -> None:
    cloud.upload(SHEET, BROKEN + b"NEW,wgs,../NA1_2.fastq.gz\n")
    drop_pair(cloud)
    answer = client_of("s3").delete_object(Bucket=UPLOADS, Key=SHEET)
    gone = event_of(cloud, "object_deleted", SHEET, answer["VersionId"])
    assert cloud.deliver("register_upload", gone, gone) == []
    assert status(cloud, "NA1") is AnalysisStatus.ANALYSING
    assert status(cloud, unplaced_sample(UPLOADS, SHEET)) is None
    assert cloud.executions.starts == 1


def test_what_was_analysed_by_its_name_stays_until_a_sheet_can_be_used(cloud: Cloud) -> None:
    drop_pair(cloud)
    cloud.upload(SHEET, BROKEN + b"NEW,wgs,../NA1_2.fastq.gz\n")
    assert status(cloud, "NA1") is AnalysisStatus.ANALYSING
    assert cloud.executions.stopped == {}


def test_an_archived_file_holds_its_sample_until_it_is_restored(cloud: Cloud) -> None:
    cloud.upload("NA1_1.fastq.gz", R1)
    event = cloud.drop("NA1_2.fastq.gz", R2)
    s3 = client_of("s3")
    copied = s3.copy_object(
        Bucket=UPLOADS, Key="NA1_2.fastq.gz", StorageClass="GLACIER",
        CopySource={"Bucket": UPLOADS, "Key": "NA1_2.fastq.gz"},
    )  # fmt: skip
    assert cloud.deliver("register_upload", event, event) == []
    held = analysis(cloud, "NA1")
    assert held is not None
    assert held.status is AnalysisStatus.HELD
    assert "aws s3api restore-object" in held.why
    assert repr("NA1_2.fastq.gz") in held.why
    s3.restore_object(Bucket=UPLOADS, Key="NA1_2.fastq.gz", RestoreRequest={"Days": 14})
    restored = event_of(cloud, "object_restored", "NA1_2.fastq.gz", copied["VersionId"])
    assert cloud.deliver("register_upload", restored, restored) == []
    assert status(cloud, "NA1") is AnalysisStatus.ANALYSING
    assert cloud.executions.starts == 1


def test_a_locked_file_holds_its_sample_and_is_looked_at_again(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.upload("NA1_1.fastq.gz", R1)
    head = Objects.head

    def refusing(self: Objects, bucket: str, key: str, version_id: str = "") -> Any:
        if key == "NA1_2.fastq.gz":
            raise LockedObject(f"s3://{bucket}/{key} may not be read", "let the key's policy")
        return head(self, bucket, key, version_id)

    event = cloud.drop("NA1_2.fastq.gz", R2)
    with monkeypatch.context() as patch:
        patch.setattr(Objects, "head", refusing)
        sent: list[tuple[Any, int]] = []
        patch.setattr(
            "seqdrop.aws.queues.UploadsQueue.send",
            lambda _, message, delay_seconds=0: sent.append((message, delay_seconds)),
        )
        assert cloud.deliver("register_upload", event) == []
    held = analysis(cloud, "NA1")
    assert held is not None
    assert held.status is AnalysisStatus.HELD
    assert "let the key's policy" in held.why
    [(again, seconds)] = sent
    assert seconds == 900
    body = json.dumps({"seqdrop": "look", "object": {"bucket": UPLOADS, "key": again.object.key}})
    assert cloud.deliver("register_upload", body) == []
    assert status(cloud, "NA1") is AnalysisStatus.ANALYSING


@needs_cases
@pytest.mark.parametrize("number", range(24))
def test_no_bytes_first_and_the_file_afterwards_is_one_run_in_every_order(
    cloud: Cloud, tmp_path: Path, number: int
) -> None:
    files = made("19_zero_bytes_then_whole", tmp_path / "case")
    names = sorted(path.name for path in files.glob("*.fastq.gz"))
    events = [cloud.drop(name, b"") for name in names]
    events += [cloud.drop(name, (files / name).read_bytes()) for name in names]
    assert len(events) == 4
    order = list(itertools.permutations(events))[number]
    for event in order:
        assert cloud.deliver("register_upload", event) == []
    (started,) = cloud.executions.started.values()
    found = analysis(cloud, started.sample, started.assay)
    assert found is not None
    assert found.holds == {}
