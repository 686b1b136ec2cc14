"""Analyses in the catalog: every change raises the generation, and is in the audit trail."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from seqdrop.domain.errors import Conflict
from seqdrop.domain.identity import AnalysisId, ObjectName
from seqdrop.domain.lifecycle import Assessment
from seqdrop.domain.manifest import ExpectedFile, SampleEntry
from seqdrop.domain.records import Analysis, AnalysisStatus, FastqFile, RunOptions
from seqdrop.domain.upload import Upload
from tests.cloud_support import START, UPLOADS, Cloud, open_cloud
from tests.domain_support import fastq, lane_pair

NA1 = AnalysisId("NA1", "wgs")


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    with open_cloud(tmp_path, monkeypatch) as cloud:
        cloud.catalog.analyses.ensure(NA1, START)
        yield cloud


def register(cloud: Cloud, file: FastqFile, version: str = "v1", replaces: str = "") -> None:
    """Registers a file as register_upload does."""
    upload = Upload(UPLOADS, file.object.key, version)
    placed = upload.placed(file.analysis, file.identity)
    cloud.catalog.analyses.register_file(
        file, placed, upload.cause, cloud.clock(), replaces=replaces
    )


def analysis(cloud: Cloud) -> Analysis:
    """The analysis as it is."""
    found = cloud.catalog.analyses.get(NA1)
    assert found is not None
    return found


def trail(cloud: Cloud) -> list[str]:
    """What happened, in order."""
    return [str(event["what"]) for event in cloud.catalog.analyses.events("NA1")]


def test_an_analysis_is_made_once(cloud: Cloud) -> None:
    register(cloud, fastq("R1"))
    before = analysis(cloud)
    cloud.catalog.analyses.ensure(NA1, cloud.clock(), project="other")
    assert analysis(cloud) == before


def test_a_file_is_added_to_its_analysis_and_to_the_trail_in_one_step(cloud: Cloud) -> None:
    register(cloud, fastq("R1"))
    found = analysis(cloud)
    assert found.files_seen == {fastq("R1").seen}
    assert found.generation == 1
    assert [f.identity for f in cloud.catalog.analyses.files(NA1)] == [fastq("R1").identity]
    assert trail(cloud) == ["file"]


def test_the_same_file_again_changes_nothing(cloud: Cloud) -> None:
    register(cloud, fastq("R1"))
    before = cloud.items("NA1")
    with pytest.raises(Conflict):
        register(cloud, fastq("R1"))
    assert cloud.items("NA1") == before


@pytest.mark.parametrize("backwards", [False, True])
def test_files_may_come_in_any_order(cloud: Cloud, backwards: bool) -> None:
    files = [*lane_pair("1"), *lane_pair("2")]
    for file in reversed(files) if backwards else files:
        register(cloud, file)
    assert analysis(cloud).files_seen == {file.seen for file in files}
    assert analysis(cloud).generation == 4


def test_a_file_replaces_only_the_version_that_it_means(cloud: Cloud) -> None:
    register(cloud, fastq("R1"))
    newer = fastq("R1", content="other bytes")
    with pytest.raises(Conflict):
        register(cloud, newer, "v2", replaces="v9")
    register(cloud, newer, "v2", replaces="v1")
    (there,) = cloud.catalog.analyses.files(NA1)
    assert there.object.checksum == newer.object.checksum
    assert trail(cloud) == ["file", "file replaced"]


def test_a_file_of_an_analysis_that_is_not_there_is_not_registered(cloud: Cloud) -> None:
    with pytest.raises(Conflict):
        register(cloud, fastq("R1", sample="NA2"))
    assert cloud.items("NA2") == []


def test_each_assay_of_a_sample_has_a_state_of_its_own(cloud: Cloud) -> None:
    cloud.catalog.analyses.ensure(AnalysisId("NA1", "wes"), START)
    cloud.catalog.analyses.hold(AnalysisId("NA1", "wes"), "why", "because", cloud.clock())
    assert analysis(cloud).status is AnalysisStatus.RECEIVING


def test_a_hold_says_why_until_it_is_released(cloud: Cloud) -> None:
    cloud.catalog.analyses.hold(NA1, "object-1", "R1 is empty", cloud.clock())
    held = analysis(cloud)
    assert (held.status, held.holds) == (AnalysisStatus.HELD, {"object-1": "R1 is empty"})
    cloud.catalog.analyses.release(held, "an analyst", RunOptions(fresh=True), cloud.clock())
    released = analysis(cloud)
    assert (released.status, released.holds) == (AnalysisStatus.RECEIVING, {})
    assert released.options == RunOptions(fresh=True)
    assert released.generation == 2
    assert [e["who"] for e in cloud.catalog.analyses.events("NA1")] == ["seqdrop", "an analyst"]


def test_a_decision_about_an_older_state_changes_nothing(cloud: Cloud) -> None:
    old = analysis(cloud)
    cloud.catalog.analyses.hold(NA1, "object-1", "R1 is empty", cloud.clock())
    before = cloud.items("NA1")
    with pytest.raises(Conflict):
        cloud.catalog.analyses.release(old, "an analyst", RunOptions(), cloud.clock())
    with pytest.raises(Conflict):
        cloud.catalog.analyses.lift_hold(
            Analysis("NA1", "wgs", holds={"object-1": "R1 is empty"}), "object-1", cloud.clock()
        )
    cloud.catalog.analyses.settle(old, Assessment(AnalysisStatus.READY), cloud.clock())
    assert cloud.items("NA1") == before


def test_a_file_that_mends_a_hold_lifts_that_hold_and_no_other(cloud: Cloud) -> None:
    cause = Upload(UPLOADS, fastq("R1").object.key, "v1").cause
    for name in (cause, "object-other", "run"):
        cloud.catalog.analyses.hold(NA1, name, f"because of {name}", cloud.clock())
    register(cloud, fastq("R1"))
    assert set(analysis(cloud).holds) == {"object-other"}


def test_a_manifest_sets_what_it_names_and_leaves_the_rest(cloud: Cloud) -> None:
    files = [ExpectedFile(UPLOADS, "a", "NA1", "wgs", "R1")]
    cloud.catalog.analyses.apply_manifest(
        SampleEntry("NA1", (), project="P", priority="urgent"), NA1, files,
        manifest="x.manifest.json", saying="d", cause="object-1", now=cloud.clock(),
    )  # fmt: skip
    found = analysis(cloud)
    assert (found.project, found.priority, found.pipeline) == ("P", "urgent", "")
    assert found.expected == {ObjectName("uploads", "a")}
    assert trail(cloud) == ["manifest"]


def test_the_sex_of_a_sample_is_in_its_analysis_and_in_no_event(cloud: Cloud) -> None:
    cloud.catalog.analyses.apply_manifest(
        SampleEntry("NA1", (), sex="female"), NA1, [],
        manifest="x.manifest.json", saying="d", cause="object-1", now=cloud.clock(),
    )  # fmt: skip
    assert analysis(cloud).sex == "female"
    others = [item for item in cloud.items("NA1") if not str(item["sk"]).startswith("ANALYSIS#")]
    assert others
    assert "female" not in str(others)


def test_a_withdrawn_file_is_gone_and_may_come_again(cloud: Cloud) -> None:
    file = fastq("R1")
    register(cloud, file)
    cloud.catalog.analyses.withdraw(file, "the manifest knows better", "manifest", cloud.clock())
    assert analysis(cloud).files_seen == frozenset()
    assert cloud.catalog.analyses.files(NA1) == []
    register(cloud, file)
    assert analysis(cloud).files_seen == {file.seen}
    assert trail(cloud) == ["file", "file withdrawn", "file"]


def test_an_analysis_that_was_removed_leaves_its_trail(cloud: Cloud) -> None:
    cloud.catalog.analyses.forget_empty(analysis(cloud), "it was empty", cloud.clock())
    assert cloud.catalog.analyses.get(NA1) is None
    assert trail(cloud) == ["analysis removed"]


def test_where_a_manifest_puts_an_object_is_known_before_it_comes(cloud: Cloud) -> None:
    expected = ExpectedFile(UPLOADS, "odd name; $(x)", "NA1", "wgs", "R1", "5")
    cloud.catalog.analyses.expect([expected])
    assert cloud.catalog.analyses.uploads(ObjectName(UPLOADS, "odd name; $(x)")) == ([], expected)


def test_analyses_of_a_status_are_found_newest_first(cloud: Cloud) -> None:
    for number in range(20):
        now = START + timedelta(minutes=number)
        cloud.catalog.analyses.ensure(AnalysisId(f"S{number}", "wgs"), now)
    cloud.catalog.analyses.hold(AnalysisId("S7", "wgs"), "x", "y", START + timedelta(hours=1))
    receiving = cloud.catalog.analyses.newest(AnalysisStatus.RECEIVING, 3)
    assert [found.sample for found in receiving] == ["S19", "S18", "S17"]
    held = cloud.catalog.analyses.newest(AnalysisStatus.HELD, 3)
    assert [found.sample for found in held] == ["S7"]


def test_an_audit_event_is_in_the_transaction_of_its_change(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = cloud.items("NA1")
    from seqdrop.aws.catalog import analyses

    def broken(*given: Any, **details: Any) -> dict[str, Any]:
        return {"pk": "EVENTS#NA1", "sk": ""}  # DynamoDB takes no empty key

    monkeypatch.setattr(analyses, "event_item", broken)
    with pytest.raises(Exception, match=r"(?i)validation|key"):
        register(cloud, fastq("R1"))
    assert cloud.items("NA1") == before
