"""Analyses in the catalog: every change raises the generation, and is in the audit trail."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from seqdrop.aws.catalog import analyses as catalog_analyses
from seqdrop.aws.catalog.layout import timestamp
from seqdrop.aws.catalog.table import Table
from seqdrop.aws.queues import SampleOfManifest
from seqdrop.domain.assignment import Assignment
from seqdrop.domain.errors import Conflict, Overtaken
from seqdrop.domain.expectation import Expectation, ManifestVersion, Named, Placement
from seqdrop.domain.identity import AnalysisId, ObjectName, ReferenceId, SetAside
from seqdrop.domain.inputs import with_manifest
from seqdrop.domain.intake import Change, Found, Known, Register, Replace, change_of, decide
from seqdrop.domain.lifecycle import Assessment
from seqdrop.domain.manifest import ExpectedFile, SampleEntry
from seqdrop.domain.records import Analysis, AnalysisStatus, FastqFile, RunOptions
from seqdrop.domain.upload import object_cause
from tests.cloud_support import START, TABLE, UPLOADS, Cloud, client_of, open_cloud
from tests.domain_support import (
    analysis_item,
    blueprint,
    change_to,
    fastq,
    lane_pair,
    run_of,
)

NA1 = AnalysisId("NA1", "wgs")
R1, R2 = lane_pair()
MANIFEST = ManifestVersion(
    ObjectName(UPLOADS, "x.manifest.json"), "m1", sequencer="02", time="2026-03-01T12:00:00Z"
)
OLDER, NEWER = (
    msgspec.structs.replace(MANIFEST, version=version, sequencer=sequencer)
    for version, sequencer in (("m0", "01"), ("m2", "0100"))
)


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    with open_cloud(tmp_path, monkeypatch) as cloud:
        yield cloud


def analysis(cloud: Cloud) -> Analysis:
    """The analysis as it is."""
    found = cloud.catalog.analyses.get(NA1)
    assert found is not None
    return found


def trail(cloud: Cloud) -> list[str]:
    """What happened, in order."""
    return [str(event["what"]) for event in cloud.catalog.analyses.events("NA1")]


def known(cloud: Cloud, file: FastqFile, *, is_there: bool = True) -> Known:
    """What is known of a file's object."""
    placement, _ = cloud.catalog.uploads.known(file.object.name)
    return Known(
        file.object.name,
        placement,
        Found(file.object, file.etag) if is_there else None,
        Assignment(file.analysis, file.identity.read),
        there=cloud.catalog.analyses.get(file.analysis),
        rival=cloud.catalog.analyses.file(file.analysis, file.identity),
    )


def change_for(cloud: Cloud, file: FastqFile) -> Change:
    """What registers a file, decided from the catalog as it is now."""
    seen = known(cloud, file)
    decision = Replace(file, "a new version came") if seen.rival else Register(file)
    return change_of(decision, seen, timestamp(cloud.clock()))


def register(cloud: Cloud, *files: FastqFile) -> None:
    """Registers files."""
    for file in files:
        cloud.catalog.uploads.apply(change_for(cloud, file), cloud.clock())


def withdraw(cloud: Cloud, file: FastqFile) -> None:
    """Writes that an object is there no more."""
    seen, now = known(cloud, file, is_there=False), timestamp(cloud.clock())
    cloud.catalog.uploads.apply(change_of(decide(seen, now), seen, now), cloud.clock())


def change(cloud: Cloud, **given: Any) -> None:
    """Changes what an analysis has."""
    before = analysis(cloud)
    after = msgspec.structs.replace(before, **given)
    cloud.catalog.analyses.change(change_to(after, before, "changed"), "test", cloud.clock())


def apply_manifest(
    cloud: Cloud, entry: SampleEntry, *names: str, manifest: ManifestVersion = MANIFEST
) -> None:
    """Writes what a manifest says of the analysis."""
    files = [ExpectedFile(UPLOADS, name, "NA1", "wgs", "R1") for name in names]
    before, now = cloud.catalog.analyses.get(NA1), cloud.clock()
    after = with_manifest(
        before or Analysis("NA1", "wgs"), entry, files, manifest,
        named_before=frozenset(), now=timestamp(now),
    )  # fmt: skip
    named = Named(frozenset(file.object for file in files))
    cloud.catalog.manifests.apply(
        SampleOfManifest(manifest, NA1, entry), change_to(after, before, "manifest"), named, now
    )


def test_a_file_is_added_to_its_analysis_and_to_the_trail_in_one_step(cloud: Cloud) -> None:
    register(cloud, R1)
    found = analysis(cloud)
    assert found.files_seen == {R1.seen}
    assert found.generation == 1
    assert [f.identity for f in cloud.catalog.analyses.files(NA1)] == [R1.identity]
    assert trail(cloud) == ["file"]
    placement, said = cloud.catalog.uploads.known(R1.object.name)
    assert (placement.analysis, placement.version, said) == (NA1, "v1", [])


def test_an_analysis_is_begun_once(cloud: Cloud) -> None:
    """Both mates are looked at at the same time, when there is no analysis yet."""
    first, second = change_for(cloud, R1), change_for(cloud, R2)
    cloud.catalog.uploads.apply(first, cloud.clock())
    before = cloud.items("NA1")
    with pytest.raises(Conflict):
        cloud.catalog.uploads.apply(second, cloud.clock())
    assert cloud.items("NA1") == before


def test_the_same_change_again_changes_nothing(cloud: Cloud) -> None:
    twice = change_for(cloud, R1)
    cloud.catalog.uploads.apply(twice, cloud.clock())
    before = cloud.items("NA1")
    with pytest.raises(Conflict):
        cloud.catalog.uploads.apply(twice, cloud.clock())
    assert cloud.items("NA1") == before


@pytest.mark.parametrize("backwards", [False, True])
def test_files_may_come_in_any_order(cloud: Cloud, backwards: bool) -> None:
    files = [*lane_pair("1"), *lane_pair("2")]
    register(cloud, *(reversed(files) if backwards else files))
    assert analysis(cloud).files_seen == {file.seen for file in files}
    assert analysis(cloud).generation == 4


def test_a_new_version_of_a_file_is_in_its_place_and_a_change_of_its_analysis(
    cloud: Cloud,
) -> None:
    register(cloud, R1)
    newer = fastq("R1", content="other bytes")
    register(cloud, newer)
    (there,) = cloud.catalog.analyses.files(NA1)
    assert there.object.checksum == newer.object.checksum
    assert analysis(cloud).generation == 2
    assert trail(cloud) == ["file", "file replaced"]


def claim(cloud: Cloud) -> None:
    """Claims a run, as who looks at the same analysis may do at any time."""
    run = run_of(blueprint())
    tiny = ReferenceId("tiny", "1")
    cloud.catalog.runs.claim(analysis(cloud), run, b"{}", tiny, cloud.clock())


MEANWHILE: dict[str, Callable[[Cloud], None]] = {
    "another file": lambda cloud: register(cloud, fastq("R1", "2")),
    "a version of this one": lambda cloud: register(cloud, R2),
    "a hold": lambda cloud: cloud.catalog.analyses.hold(NA1, "x", "y", cloud.clock()),
    "a claim": claim,
    "a status": lambda cloud: cloud.catalog.analyses.settle(
        analysis(cloud), Assessment(AnalysisStatus.READY), cloud.clock()
    ),
    "a trouble": lambda cloud: change(cloud, troubles={"object-1": "is tried again"}),
    "its end": lambda cloud: withdraw(cloud, R1),
}


@pytest.mark.parametrize("what", MEANWHILE)
def test_what_was_decided_from_an_older_state_is_not_written(cloud: Cloud, what: str) -> None:
    register(cloud, R1)
    decided = change_for(cloud, R2)
    MEANWHILE[what](cloud)
    before, placed = cloud.items("NA1"), cloud.catalog.uploads.known(R2.object.name)
    with pytest.raises(Conflict):
        cloud.catalog.uploads.apply(decided, cloud.clock())
    assert cloud.items("NA1") == before
    assert cloud.catalog.uploads.known(R2.object.name) == placed
    register(cloud, R2)
    assert R2.seen in analysis(cloud).files_seen


def test_each_assay_of_a_sample_has_a_state_of_its_own(cloud: Cloud) -> None:
    exome = AnalysisId("NA1", "wes")
    register(cloud, R1)
    other = Analysis("NA1", "wes", files_seen=frozenset({R1.seen}))
    cloud.catalog.analyses.change(change_to(other), "test", cloud.clock())
    cloud.catalog.analyses.hold(exome, "why", "because", cloud.clock())
    assert analysis(cloud).status is AnalysisStatus.RECEIVING
    assert [one.id for one in cloud.catalog.analyses.of_sample("NA1")] == [exome, NA1]


FULL = Analysis(
    "NA1",
    "wgs",
    why="because",
    project="P",
    priority="urgent",
    manifest="x.manifest.json",
    expected=frozenset({ObjectName(UPLOADS, "a"), ObjectName(UPLOADS, "b")}),
    files_seen=frozenset({R1.seen, R2.seen}),
    aside=frozenset({SetAside(ObjectName(UPLOADS, "c"), R1.identity, is_outdated=True)}),
    without_reads=frozenset({R1.object.name}),
    companions={"object-3": "an index read"},
    troubles={"object-4": "is tried again"},
    holds={"object-5": "empty"},
    control=True,
    lane_split=True,
    last_file="2026-03-01T12:00:00.000Z",
)
FEW = Analysis("NA1", "wgs", files_seen=frozenset({R1.seen}))
OTHER = msgspec.structs.replace(
    FULL,
    project="Q",
    expected=frozenset({ObjectName(UPLOADS, "b"), ObjectName(UPLOADS, "d")}),
    files_seen=frozenset({R2.seen, fastq("R1", "2").seen}),
    aside=frozenset({SetAside(ObjectName(UPLOADS, "c"))}),
    holds={"object-6": "other"},
)


@pytest.mark.parametrize(
    ("first", "second"),
    [(FULL, FEW), (FEW, FULL), (FULL, OTHER), (OTHER, FULL)],
    ids=["less", "more", "other", "back"],
)
def test_whatever_changes_of_an_analysis_reads_back(
    cloud: Cloud, first: Analysis, second: Analysis
) -> None:
    cloud.catalog.analyses.change(change_to(first), "test", cloud.clock())
    before = analysis(cloud)
    after = msgspec.structs.replace(
        second, generation=before.generation, revision=before.revision, created="2026"
    )
    written = change_to(after, before, "changed")
    cloud.catalog.analyses.change(written, "test", cloud.clock())
    assert written.after is not None
    found = analysis(cloud)
    assert msgspec.structs.replace(found, updated="") == written.after
    assert found.generation == before.generation + 1
    assert trail(cloud) == ["begun", "changed"]


def test_what_a_newer_release_knows_of_an_analysis_stays(cloud: Cloud) -> None:
    newer = {**analysis_item(FEW), "revision": 1, "unheard_of": "of the next release"}
    Table(client_of("dynamodb"), TABLE).put(newer)
    change(cloud, project="P")
    (item,) = cloud.catalog.analyses.partition("NA1")
    assert (item["project"], item["unheard_of"]) == ("P", "of the next release")


def test_a_hold_says_why_until_it_is_released(cloud: Cloud) -> None:
    register(cloud, R1)
    cloud.catalog.analyses.hold(NA1, "object-1", "R1 is empty", cloud.clock())
    held = analysis(cloud)
    assert (held.status, held.holds) == (AnalysisStatus.HELD, {"object-1": "R1 is empty"})
    cloud.catalog.analyses.release(held, "an analyst", RunOptions(fresh=True), cloud.clock())
    released = analysis(cloud)
    assert (released.status, released.holds) == (AnalysisStatus.RECEIVING, {})
    assert released.options == RunOptions(fresh=True)
    assert released.generation == 3
    who = [event["who"] for event in cloud.catalog.analyses.events("NA1")]
    assert who == ["seqdrop", "seqdrop", "an analyst"]


def test_a_decision_about_an_older_state_changes_nothing(cloud: Cloud) -> None:
    register(cloud, R1)
    old = analysis(cloud)
    cloud.catalog.analyses.hold(NA1, "object-1", "R1 is empty", cloud.clock())
    before = cloud.items("NA1")
    with pytest.raises(Conflict):
        cloud.catalog.analyses.release(old, "an analyst", RunOptions(), cloud.clock())
    with pytest.raises(Conflict):
        cloud.catalog.analyses.hold(NA1, "a", "b", cloud.clock(), judged=old.generation)
    with pytest.raises(Conflict):
        other = msgspec.structs.replace(old, project="P")
        cloud.catalog.analyses.change(change_to(other, old), "test", cloud.clock())
    cloud.catalog.analyses.settle(old, Assessment(AnalysisStatus.READY), cloud.clock())
    assert cloud.items("NA1") == before


def test_an_analysis_that_is_gone_is_not_held(cloud: Cloud) -> None:
    with pytest.raises(Conflict):
        cloud.catalog.analyses.hold(NA1, "stopped", "by an analyst", cloud.clock())
    assert cloud.items("NA1") == []


def test_a_file_that_mends_a_hold_lifts_that_hold_and_no_other(cloud: Cloud) -> None:
    register(cloud, R2)
    for name in (object_cause(R1.object.name), "object-other", "run"):
        cloud.catalog.analyses.hold(NA1, name, f"because of {name}", cloud.clock())
    register(cloud, R1)
    assert set(analysis(cloud).holds) == {"object-other"}


def test_a_manifest_sets_what_it_names_and_leaves_the_rest(cloud: Cloud) -> None:
    assert cloud.catalog.manifests.begin(MANIFEST)
    apply_manifest(cloud, SampleEntry("NA1", (), project="P", priority="urgent"), "a")
    found = analysis(cloud)
    assert (found.project, found.priority, found.pipeline) == ("P", "urgent", "")
    assert found.expected == {ObjectName(UPLOADS, "a")}
    assert trail(cloud) == ["manifest"]
    named = cloud.catalog.manifests.named(MANIFEST.object, NA1)
    assert named == Named(frozenset({ObjectName(UPLOADS, "a")}))
    assert cloud.catalog.manifests.analyses_of(MANIFEST.object) == [NA1]


def test_the_sex_of_a_sample_is_in_its_analysis_and_in_no_event(cloud: Cloud) -> None:
    assert cloud.catalog.manifests.begin(MANIFEST)
    apply_manifest(cloud, SampleEntry("NA1", (), sex="female"), "a")
    assert analysis(cloud).sex == "female"
    others = [item for item in cloud.items("NA1") if not str(item["sk"]).startswith("ANALYSIS#")]
    assert others
    assert "female" not in str(others)


def test_an_older_version_of_a_manifest_writes_nothing(cloud: Cloud) -> None:
    assert cloud.catalog.manifests.begin(MANIFEST)
    apply_manifest(cloud, SampleEntry("NA1", (), project="P"), "a")
    before = cloud.items("NA1")
    assert cloud.catalog.manifests.begin(OLDER) is None
    with pytest.raises(Overtaken):
        apply_manifest(cloud, SampleEntry("NA1", (), project="Q"), "b", manifest=OLDER)
    assert cloud.items("NA1") == before
    assert cloud.catalog.manifests.begin(NEWER)
    with pytest.raises(Overtaken):
        apply_manifest(cloud, SampleEntry("NA1", (), project="Q"), "b")
    assert cloud.items("NA1") == before


def test_a_manifest_that_can_not_be_used_is_known_as_such_until_a_newer_one_comes(
    cloud: Cloud,
) -> None:
    def is_refused() -> bool:
        newest = cloud.catalog.manifests.newest(MANIFEST.object)
        assert newest is not None
        return newest.is_refused

    assert cloud.catalog.manifests.newest(MANIFEST.object) is None
    assert cloud.catalog.manifests.begin(MANIFEST)
    cloud.catalog.manifests.refuse(MANIFEST)
    assert is_refused()
    assert cloud.catalog.manifests.begin(NEWER)
    cloud.catalog.manifests.refuse(MANIFEST)
    assert not is_refused()


def test_a_withdrawn_file_is_gone_and_may_come_again(cloud: Cloud) -> None:
    register(cloud, R1, R2)
    withdraw(cloud, R1)
    assert analysis(cloud).files_seen == {R2.seen}
    assert cloud.catalog.analyses.files(NA1) == [R2]
    register(cloud, R1)
    assert analysis(cloud).files_seen == {R1.seen, R2.seen}
    assert analysis(cloud).generation == 4
    assert trail(cloud) == ["file", "file", "file withdrawn", "file"]


def test_an_analysis_whose_last_file_goes_is_removed_and_leaves_its_trail(cloud: Cloud) -> None:
    register(cloud, R1)
    withdraw(cloud, R1)
    assert cloud.catalog.analyses.get(NA1) is None
    assert cloud.catalog.analyses.partition("NA1") == []
    assert trail(cloud) == ["file", "analysis removed"]


def test_where_manifests_put_an_object_is_known_before_it_comes(cloud: Cloud) -> None:
    object_ = ObjectName(UPLOADS, "odd name; $(x)")
    file = ExpectedFile(UPLOADS, object_.key, "NA1", "wgs", "R1", "5")
    other = msgspec.structs.replace(MANIFEST, object=ObjectName(UPLOADS, "other.manifest.json"))
    said = [Expectation(object_, one, file) for one in (other, MANIFEST)]
    for one in said:
        cloud.catalog.uploads.expect(one)
    placement, found = cloud.catalog.uploads.known(object_)
    assert (placement.analysis, placement.version) == (None, "")
    assert found == said, "each manifest has its own say"


def test_what_a_manifest_says_of_an_object_gives_way_to_its_newer_version_alone(
    cloud: Cloud,
) -> None:
    object_ = ObjectName(UPLOADS, "a")

    def said(manifest: ManifestVersion, sample: str = "", **given: bool) -> Expectation:
        file = ExpectedFile(UPLOADS, "a", sample, "wgs", "R1") if sample else None
        return Expectation(object_, manifest, file, **given)

    def counts(*tried: Expectation) -> Expectation:
        for one in tried:
            cloud.catalog.uploads.expect(one)
        (found,) = cloud.catalog.uploads.known(object_)[1]
        return found

    first = counts(said(MANIFEST, "NA1"))
    assert counts(first, said(MANIFEST)) == first, "another sample of it may name it"
    assert counts(said(MANIFEST, is_refused=True)) == first
    with pytest.raises(Overtaken):
        counts(said(OLDER, "NA2"))
    assert counts(said(NEWER)) == said(NEWER)
    with pytest.raises(Overtaken):
        counts(first)
    assert counts(said(NEWER, "NA2")) == said(NEWER, "NA2")


def test_analyses_of_a_status_are_found_newest_first(cloud: Cloud) -> None:
    for number in range(20):
        begun = Analysis(f"S{number}", "wgs", files_seen=frozenset({R1.seen}))
        now = START + timedelta(minutes=number)
        cloud.catalog.analyses.change(change_to(begun), "test", now)
    cloud.catalog.analyses.hold(AnalysisId("S7", "wgs"), "x", "y", START + timedelta(hours=1))
    receiving = cloud.catalog.analyses.newest(AnalysisStatus.RECEIVING, 3)
    assert [found.sample for found in receiving] == ["S19", "S18", "S17"]
    held = cloud.catalog.analyses.newest(AnalysisStatus.HELD, 3)
    assert [found.sample for found in held] == ["S7"]


CHANGES: dict[str, Callable[[Cloud], None]] = {
    "file": lambda cloud: register(cloud, R2),
    "file withdrawn": lambda cloud: withdraw(cloud, R1),
    "manifest": lambda cloud: apply_manifest(cloud, SampleEntry("NA1", ()), "a"),
    "changed": lambda cloud: change(cloud, project="P"),
    "held": lambda cloud: cloud.catalog.analyses.hold(NA1, "x", "y", cloud.clock()),
    "released": lambda cloud: cloud.catalog.analyses.release(
        analysis(cloud), "an analyst", RunOptions(), cloud.clock()
    ),
}


@pytest.mark.parametrize("what", CHANGES)
def test_every_change_raises_the_generation_and_is_in_the_audit_trail_in_one_transaction(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    register(cloud, R1, fastq("R1", "2"))
    assert cloud.catalog.manifests.begin(MANIFEST)
    before, placed = cloud.items("NA1"), cloud.catalog.uploads.known(R2.object.name)

    def broken(*given: Any, **details: Any) -> dict[str, Any]:
        return {"pk": "EVENTS#NA1", "sk": ""}  # DynamoDB takes no empty key

    with monkeypatch.context() as breaking:
        breaking.setattr(catalog_analyses, "event_item", broken)
        with pytest.raises(Exception, match=r"(?i)validation|key"):
            CHANGES[what](cloud)
    assert cloud.items("NA1") == before
    assert cloud.catalog.uploads.known(R2.object.name) == placed
    generation = analysis(cloud).generation
    CHANGES[what](cloud)
    assert analysis(cloud).generation == generation + 1
    assert trail(cloud)[-1] == what


def test_an_object_that_takes_no_part_is_noted_and_in_no_trail(cloud: Cloud) -> None:
    object_ = ObjectName(UPLOADS, "notes.txt")
    before = Placement(object_)
    after = msgspec.structs.replace(before, version="v1", note="no FASTQ")
    cloud.catalog.uploads.apply(Change(before, after, ()), cloud.clock())
    found, _ = cloud.catalog.uploads.known(object_)
    assert (found.version, found.analysis, found.note) == ("v1", None, "no FASTQ")
    with pytest.raises(Conflict):
        cloud.catalog.uploads.apply(Change(before, after, ()), cloud.clock())
