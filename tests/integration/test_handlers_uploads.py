"""register_upload with S3's own events: in any order, twice, with bad ones among them."""

import gzip
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from seqdrop.aws.catalog.references import References
from seqdrop.aws.objects import Objects
from seqdrop.domain.blueprint import decode_blueprint
from seqdrop.domain.identity import AnalysisId, ObjectName, ReferenceId
from seqdrop.domain.inputs import dismissed
from seqdrop.domain.intake import AnalysisChange
from seqdrop.domain.naming import unplaced_sample
from seqdrop.domain.records import Analysis, AnalysisStatus, RunOptions
from seqdrop.domain.reference import ReferenceVersion
from tests.cloud_support import UPLOADS, Cloud, execution_event, open_cloud
from tests.domain_support import reference
from tests.infrastructure.stack import PROJECT
from tests.lab import reads
from tests.run_support import Bench

R1, R2 = reads(5, mate=1), reads(5, mate=2)
LANE2 = reads(5, mate=1, lane=2, seed=2), reads(5, mate=2, lane=2, seed=2)
NTC, NOTHING = ("NTC_1.fastq.gz", "NTC_2.fastq.gz"), gzip.compress(b"", mtime=0)

# A batch of nothing good has no metric to tell, and Powertools says so.
pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    with open_cloud(tmp_path, monkeypatch) as cloud:
        yield cloud


def analysis(cloud: Cloud, sample: str = "NA1", assay: str = "wgs") -> Analysis:
    """An analysis as it is."""
    found = cloud.catalog.analyses.get(AnalysisId(sample, assay))
    assert found is not None
    return found


def pair(cloud: Cloud, sample: str = "NA1") -> list[dict[str, Any]]:
    """The events of a plain pair that was uploaded."""
    return [cloud.drop(f"{sample}_1.fastq.gz", R1), cloud.drop(f"{sample}_2.fastq.gz", R2)]


@pytest.mark.parametrize("order", list(itertools.permutations([0, 1, 0, 1])))
def test_a_pair_is_analysed_once_however_its_events_come(
    cloud: Cloud, order: tuple[int, ...]
) -> None:
    events = pair(cloud)
    assert cloud.deliver("register_upload", *[events[n] for n in order]) == []
    assert analysis(cloud).status is AnalysisStatus.ANALYSING
    assert cloud.executions.starts == 1
    (run,) = cloud.executions.started.values()
    assert (run.sample, run.assay, run.attempt) == ("NA1", "wgs", 1)


def test_the_same_batch_again_changes_nothing(cloud: Cloud) -> None:
    events = pair(cloud)
    cloud.deliver("register_upload", *events)
    before = cloud.items("NA1")
    assert cloud.deliver("register_upload", *reversed(events)) == []
    assert cloud.items("NA1") == before
    assert cloud.executions.starts == 1


def test_the_same_bytes_uploaded_again_start_nothing(cloud: Cloud) -> None:
    cloud.deliver("register_upload", *pair(cloud))
    generation = analysis(cloud).generation
    assert cloud.deliver("register_upload", *pair(cloud)) == []
    assert analysis(cloud).generation == generation
    assert cloud.executions.starts == 1


def test_a_run_whose_file_is_replaced_is_stopped_and_the_next_one_has_both_new_mates(
    cloud: Cloud,
) -> None:
    cloud.deliver("register_upload", *pair(cloud))
    (old,) = cloud.executions.started.values()
    sent_again = [
        cloud.drop(f"NA1_{mate}.fastq.gz", reads(7, mate=mate, seed=3)) for mate in (1, 2)
    ]
    assert cloud.deliver("register_upload", sent_again[1], sent_again[1]) == []
    gone = "'NA1_2.fastq.gz', which it reads, was replaced, or belongs to it no more"
    assert cloud.executions.stopped == {old.execution_name: gone}
    waits = "a file that a run read was sent again; others may be, too (R1 of lane 1 on flowcell HT"
    assert analysis(cloud).why.startswith(waits)
    cloud.flows.closing.end(old, "ABORTED", gone, "seqdrop")
    assert cloud.deliver("register_upload", *cloud.messages()) == []
    assert (analysis(cloud).status, cloud.executions.starts) == (AnalysisStatus.RECEIVING, 1)
    assert cloud.deliver("register_upload", sent_again[0]) == []
    assert (analysis(cloud).status, cloud.executions.starts) == (AnalysisStatus.ANALYSING, 2)
    new = next(run for run in cloud.executions.started.values() if run != old)
    run = cloud.catalog.runs.get(new)
    assert run is not None
    (both,) = decode_blueprint(cloud.catalog.runs.blueprint(run)).pairs
    versions = [event["detail"]["object"]["version-id"] for event in sent_again]
    assert [file.version_id for file in both.files] == versions
    assert (analysis(cloud).current_run, analysis(cloud).may_come_again) == (None, frozenset())


def test_a_mate_that_is_sent_again_alone_is_analysed_after_a_quiet_period(cloud: Cloud) -> None:
    cloud.deliver("register_upload", *pair(cloud))
    (old,) = cloud.executions.started.values()
    cloud.upload("NA1_2.fastq.gz", reads(5, mate=2, seed=1, length=99))
    cloud.flows.closing.end(old, "ABORTED", "gone", "seqdrop")
    cloud.clock.turn(601)
    assert cloud.deliver("register_upload", *cloud.messages()) == []
    assert (analysis(cloud).status, cloud.executions.starts) == (AnalysisStatus.ANALYSING, 2)


def test_a_file_that_mends_one_that_no_run_reads_any_more_is_not_waited_for(cloud: Cloud) -> None:
    cloud.deliver("register_upload", *pair(cloud))
    (old,) = cloud.executions.started.values()
    cloud.flows.closing.fail(old, "States.Timeout", "")
    cloud.upload("NA1_2.fastq.gz", reads(5, mate=2, seed=1, length=99))
    assert (analysis(cloud).status, cloud.executions.starts) == (AnalysisStatus.ANALYSING, 2)


def test_a_run_goes_on_when_a_lane_is_added(cloud: Cloud) -> None:
    cloud.deliver("register_upload", *pair(cloud))
    cloud.upload("wgs/NA1_1.fastq.gz", LANE2[0])
    cloud.upload("wgs/NA1_2.fastq.gz", LANE2[1])
    assert analysis(cloud).why.startswith("its files have changed")
    assert cloud.executions.stopped == {}


def test_only_what_may_work_the_next_time_comes_again(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = pair(cloud)
    unavailable = cloud.drop("NA2_1.fastq.gz", R1)
    messages = [
        cloud.drop("no name at all.bin.gz", b"x"),
        good[0],
        unavailable,
        cloud.drop("NA3_1.fastq.gz", b"not gzip"),
        "{ this is no event",
        cloud.drop("bad.manifest.json", b"{"),
        good[1],
    ]
    head = type(cloud.objects).head

    def refused(objects: Any, bucket: str, key: str, version_id: str = "") -> Any:
        if key == "NA2_1.fastq.gz":
            raise ClientError({"Error": {"Code": "SlowDown", "Message": "later"}}, "HeadObject")
        return head(objects, bucket, key, version_id)

    monkeypatch.setattr(type(cloud.objects), "head", refused)
    assert cloud.deliver("register_upload", *messages) == ["2", "4"]
    assert analysis(cloud).status is AnalysisStatus.ANALYSING
    monkeypatch.setattr(type(cloud.objects), "head", head)
    assert cloud.deliver("register_upload", unavailable) == []
    assert analysis(cloud, "NA2").why.startswith("waiting for R2 of lane 1")


@pytest.mark.parametrize(
    ("key", "body", "why"),
    [
        ("NA1_1.fastq.gz", b"", "the file is empty"),
        ("NA1_1.fastq.gz", b"ACGT", "not gzip"),
        ("NA1_1.fastq.gz", R2, "the mates seem to be swapped"),
    ],
)
def test_an_unreadable_file_holds_its_sample_until_a_good_one_comes(
    cloud: Cloud, key: str, body: bytes, why: str
) -> None:
    cloud.upload(key, body)
    held = analysis(cloud)
    assert held.status is AnalysisStatus.HELD
    assert why in held.why
    assert repr(key) in held.why
    cloud.deliver("register_upload", *pair(cloud))
    assert analysis(cloud).status is AnalysisStatus.ANALYSING


@pytest.mark.parametrize("named_before", [False, True])
@pytest.mark.parametrize("empty", [b"", gzip.compress(b"", mtime=0)], ids=["no bytes", "gzip"])
def test_an_empty_lane_holds_its_sample_until_a_manifest_leaves_it_out(
    cloud: Cloud, named_before: bool, empty: bytes
) -> None:
    lanes = [("NA1_S1_L001_R1_001.fastq.gz", "NA1_S1_L001_R2_001.fastq.gz"),
             ("NA1_S1_L002_R1_001.fastq.gz", "NA1_S1_L002_R2_001.fastq.gz")]  # fmt: skip
    if named_before:
        cloud.upload("x.manifest.json", manifest_of_lanes(*lanes))
    for name, body in zip(itertools.chain(*lanes), (R1, R2, empty, empty), strict=True):
        cloud.upload(name, body)
    held = analysis(cloud)
    assert held.status is AnalysisStatus.HELD
    assert "drop a manifest of the sample that leaves it out" in held.why
    cloud.upload("x.manifest.json", manifest_of_lanes(lanes[0]))
    assert analysis(cloud).status is AnalysisStatus.ANALYSING
    (run,) = cloud.executions.started.values()
    found = cloud.catalog.runs.get(run)
    assert found is not None
    pairs = decode_blueprint(cloud.catalog.runs.blueprint(found)).pairs
    assert [tuple(file.key for file in pair.files) for pair in pairs] == lanes[:1]


@pytest.mark.parametrize("after", ["head", "first_bytes"])
def test_a_bad_version_that_is_replaced_while_it_is_looked_at_holds_nothing(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, after: str
) -> None:
    """The good version is registered between the look at the bad one and what comes of it."""
    bad = cloud.drop("NA1_1.fastq.gz", b"cut in transfer")
    asked, is_replaced = getattr(Objects, after), list[bool]()

    def ask(objects: Objects, *given: Any) -> Any:
        found = asked(objects, *given)
        if not is_replaced:
            is_replaced.append(True)
            assert cloud.deliver("register_upload", *pair(cloud)) == []
        return found

    monkeypatch.setattr(Objects, after, ask)
    assert cloud.deliver("register_upload", bad) == []
    assert is_replaced
    assert cloud.deliver("register_upload", bad) == []
    assert analysis(cloud).holds == {}
    assert analysis(cloud).status is AnalysisStatus.ANALYSING
    assert cloud.executions.starts == 1


@pytest.mark.parametrize(
    "key",
    [
        "two words_1.fastq.gz",
        "a;b_1.fastq.gz",
        "$(touch x)_1.fastq.gz",
        "`id`_1.fastq.gz",
        "quote'\"_1.fastq.gz",
        "Ä_1.fastq.gz",
        f"{'x' * 49}_1.fastq.gz",
        "NA1_1.fastq",
        "no such assay/NA1_1.fastq.gz",
        "notes.docx",
    ],
)
def test_a_file_that_belongs_nowhere_is_held_in_sight(cloud: Cloud, key: str) -> None:
    cloud.upload(key, R1)
    held = analysis(cloud, unplaced_sample(UPLOADS, key))
    assert held.status is AnalysisStatus.HELD
    assert repr(key) in held.why
    assert cloud.executions.starts == 0


def test_reads_that_are_neither_r1_nor_r2_hold_their_sample_until_a_pair_comes(
    cloud: Cloud,
) -> None:
    cloud.upload("NA1.fastq.gz", R1)
    held = analysis(cloud)
    assert held.status is AnalysisStatus.HELD
    assert "'NA1.fastq.gz'" in held.why
    assert held.files_seen == frozenset()
    assert cloud.catalog.analyses.of_sample(unplaced_sample(UPLOADS, "NA1.fastq.gz")) == []
    cloud.deliver("register_upload", *pair(cloud))
    assert analysis(cloud).status is AnalysisStatus.ANALYSING
    assert cloud.executions.starts == 1


def test_an_unknown_assay_is_answered_with_those_that_there_are(cloud: Cloud) -> None:
    cloud.upload("wgz/NA1_1.fastq.gz", R1)
    held = analysis(cloud, "NA1", "wgz")
    assert held.status is AnalysisStatus.HELD
    assert "there is no assay 'wgz' (there are: panel, wgs)" in held.why


def test_companions_and_index_reads_are_left_out(cloud: Cloud) -> None:
    for key in ("NA1_1.fastq.gz.md5", "NA1_S1_L001_I1_001.fastq.gz", "report.html"):
        cloud.upload(key, b"x")
    assert cloud.items("NA1") == []
    placement, _ = cloud.catalog.uploads.known(ObjectName(UPLOADS, "NA1_S1_L001_I1_001.fastq.gz"))
    assert (placement.analysis, placement.note) == (None, "an index read: left out")


def test_an_object_that_is_gone_by_then_is_noted(cloud: Cloud) -> None:
    event = cloud.drop("NA1_1.fastq.gz", R1)
    version = event["detail"]["object"]["version-id"]
    cloud.s3.delete_object(Bucket=UPLOADS, Key="NA1_1.fastq.gz", VersionId=version)
    assert cloud.deliver("register_upload", event) == []
    assert cloud.catalog.analyses.get(AnalysisId("NA1", "wgs")) is None


def test_lane_split_files_wait_for_more_lanes(cloud: Cloud) -> None:
    for lane, (r1, r2) in (("1", (R1, R2)), ("2", LANE2)):
        cloud.upload(f"NA1_S1_L00{lane}_R1_001.fastq.gz", r1)
        cloud.upload(f"NA1_S1_L00{lane}_R2_001.fastq.gz", r2)
    waiting = analysis(cloud)
    assert waiting.status is AnalysisStatus.RECEIVING
    assert "more lanes may come" in waiting.why
    recheck = {"seqdrop": "recheck", "sample": "NA1", "assay": "wgs"}
    early = json.dumps({**recheck, "generation": waiting.generation})
    old = json.dumps({**recheck, "generation": waiting.generation - 1})
    cloud.deliver("register_upload", early)
    assert analysis(cloud).status is AnalysisStatus.RECEIVING
    cloud.clock.turn(600)
    cloud.deliver("register_upload", old)
    assert analysis(cloud).status is AnalysisStatus.RECEIVING
    cloud.deliver("register_upload", early, early)
    assert analysis(cloud).status is AnalysisStatus.ANALYSING
    assert cloud.executions.starts == 1


def test_a_recheck_of_nothing_does_nothing(cloud: Cloud) -> None:
    recheck = json.dumps({"seqdrop": "recheck", "sample": "nobody", "assay": "wgs"})
    assert cloud.deliver("register_upload", recheck) == []
    assert cloud.items("nobody") == []


def test_a_claim_whose_execution_was_never_started_is_started_by_the_next_look(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = cloud.executions.start

    def dies(name: str, run: Any) -> None:
        raise ClientError({"Error": {"Code": "ServiceUnavailable"}}, "StartExecution")

    monkeypatch.setattr(cloud.executions, "start", dies)
    events = pair(cloud)
    assert cloud.deliver("register_upload", *events) == ["1"]
    monkeypatch.setattr(cloud.executions, "start", start)
    assert cloud.deliver("register_upload", events[1]) == []
    assert cloud.executions.starts == 1
    assert len({i["run_key"] for i in cloud.items("NA1") if str(i["sk"]).startswith("RUN#")}) == 1


def delete(cloud: Cloud, key: str) -> dict[str, Any]:
    """Deletes an object; returns S3's event of it."""
    marker = cloud.s3.delete_object(Bucket=UPLOADS, Key=key)["VersionId"]
    example = PROJECT / "tests/infrastructure/events/object_deleted.json"
    event: dict[str, Any] = json.loads(example.read_text("utf-8"))
    event["detail"]["bucket"]["name"] = UPLOADS
    event["detail"]["object"] |= {"key": key, "version-id": marker}
    return event


def test_a_file_that_is_deleted_while_its_sample_waits_is_withdrawn(cloud: Cloud) -> None:
    cloud.upload("NA1_1.fastq.gz", R1)
    event = delete(cloud, "NA1_1.fastq.gz")
    assert cloud.deliver("register_upload", event, event) == []
    assert cloud.catalog.analyses.get(AnalysisId("NA1", "wgs")) is None
    cloud.upload("NA1_2.fastq.gz", R2)
    assert analysis(cloud).why.startswith("waiting for R1 of lane 1")
    assert cloud.executions.starts == 0
    what = [event["what"] for event in cloud.catalog.analyses.events("NA1")]
    assert what == ["file", "analysis removed", "file"]


def test_a_file_that_is_deleted_after_its_run_was_claimed_leaves_the_run_alone(
    cloud: Cloud,
) -> None:
    cloud.deliver("register_upload", *pair(cloud))
    before = cloud.items("NA1")
    event = delete(cloud, "NA1_1.fastq.gz")
    assert cloud.deliver("register_upload", event, event) == []
    assert cloud.items("NA1") == before
    assert analysis(cloud).status is AnalysisStatus.ANALYSING


def test_a_file_that_is_deleted_and_comes_again_is_analysed_whatever_the_order_of_events(
    cloud: Cloud,
) -> None:
    cloud.upload("NA1_1.fastq.gz", R1)
    gone = delete(cloud, "NA1_1.fastq.gz")
    events = pair(cloud)
    assert cloud.deliver("register_upload", *events, gone) == []
    assert analysis(cloud).status is AnalysisStatus.ANALYSING
    assert cloud.executions.starts == 1


@pytest.mark.parametrize("key", ["NA1_1.fastq.gz", "NA1_2.fastq.gz"])
def test_a_file_that_is_deleted_after_it_was_analysed_changes_nothing(
    cloud: Cloud, key: str
) -> None:
    cloud.deliver("register_upload", *pair(cloud))
    (run,) = cloud.executions.started.values()
    bench = Bench(cloud, run)
    bench.state("plan_run")
    for stage in ("align", "call"):
        bench.publish(stage, counts={"reads_in": 10, "identical_mates": 0})
    assert bench.state("finish_run")["status"] == "SUCCEEDED"
    before = cloud.items("NA1")
    event = delete(cloud, key)
    assert cloud.deliver("register_upload", event, event) == []
    assert cloud.items("NA1") == before
    assert analysis(cloud).status is AnalysisStatus.ANALYSED
    assert cloud.executions.starts == 1


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_a_control_without_reads_ends_by_itself_however_its_events_come(
    cloud: Cloud, order: tuple[int, ...]
) -> None:
    events = [
        cloud.drop("x.manifest.json", manifest(*NTC, sample="NTC", control=True)),
        cloud.drop(NTC[0], NOTHING),
        cloud.drop(NTC[1], NOTHING),
    ]
    for n in (*order, *order):
        assert cloud.deliver("register_upload", events[n]) == []
    found = analysis(cloud, "NTC")
    assert found.status is AnalysisStatus.NO_READS
    assert (found.holds, found.active_run) == ({}, None)
    assert cloud.executions.starts == 0


@pytest.mark.parametrize(
    ("bodies", "is_control"),
    [((NOTHING, NOTHING), False), ((b"", b""), True)],
    ids=["a sample", "files that were cut"],
)
def test_files_without_reads_hold_whatever_is_no_control_with_whole_files(
    cloud: Cloud, bodies: tuple[bytes, bytes], is_control: bool
) -> None:
    cloud.upload("x.manifest.json", manifest(*NTC, sample="NTC", control=is_control))
    for name, body in zip(NTC, bodies, strict=True):
        cloud.upload(name, body)
    assert analysis(cloud, "NTC").status is AnalysisStatus.HELD
    assert cloud.executions.starts == 0


def server_error(*given: Any) -> Any:
    """What S3 answers on a bad day."""
    answer: Any = {
        "Error": {"Code": "500", "Message": "Internal Server Error"},
        "ResponseMetadata": {"HTTPStatusCode": 500},
    }
    raise ClientError(answer, "HeadObject")


@pytest.mark.parametrize("is_known", [False, True], ids=["the first file", "its mate is there"])
def test_a_fault_is_on_its_analysis_in_words_until_the_object_is_looked_at(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, is_known: bool
) -> None:
    if is_known:
        cloud.upload("NA1_2.fastq.gz", R2)
    event = cloud.drop("NA1_1.fastq.gz", R1)
    with monkeypatch.context() as broken:
        broken.setattr(Objects, "head", server_error)
        assert cloud.deliver("register_upload", event) == ["0"]
        assert cloud.deliver("register_upload", event) == ["0"]
    waits = analysis(cloud)
    assert waits.status is AnalysisStatus.RECEIVING
    assert "'NA1_1.fastq.gz' is being processed, next try about 12:03 UTC" in waits.why
    assert "Internal Server Error" in waits.why
    assert cloud.deliver("register_upload", event) == []
    found = analysis(cloud)
    assert found.troubles == {}
    if is_known:
        assert (found.status, cloud.executions.starts) == (AnalysisStatus.ANALYSING, 1)
    else:
        assert found.why.startswith("waiting for R2 of lane 1")


def test_a_fault_of_an_object_that_is_gone_by_the_retry_leaves_nothing(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = cloud.drop("NA1_1.fastq.gz", R1)
    with monkeypatch.context() as broken:
        broken.setattr(Objects, "head", server_error)
        assert cloud.deliver("register_upload", event) == ["0"]
    delete(cloud, "NA1_1.fastq.gz")
    assert cloud.deliver("register_upload", event) == []
    assert cloud.catalog.analyses.get(AnalysisId("NA1", "wgs")) is None


def dismiss(cloud: Cloud) -> None:
    """Leaves a sample as it is, as a person does."""
    before = analysis(cloud)
    change = AnalysisChange(before.id, before, dismissed(before, "the wrong tube"), "dismissed")
    cloud.catalog.analyses.change(change, "dismiss", cloud.clock(), who="an analyst")


@pytest.mark.parametrize("body", [R1, b"cut in transfer"], ids=["waiting", "held"])
def test_a_dismissed_sample_stays_so_until_a_new_version_comes(cloud: Cloud, body: bytes) -> None:
    event = cloud.drop("NA1_1.fastq.gz", body)
    cloud.deliver("register_upload", event)
    dismiss(cloud)
    before = cloud.items("NA1")
    look = {"seqdrop": "look", "object": {"bucket": UPLOADS, "key": "NA1_1.fastq.gz"}}
    recheck = {"seqdrop": "recheck", "sample": "NA1", "assay": "wgs"}
    again = [event, event, json.dumps(look), json.dumps(recheck)]
    assert cloud.deliver("register_upload", *again) == []
    assert cloud.items("NA1") == before
    assert (analysis(cloud).status, analysis(cloud).why) == ("DISMISSED", "the wrong tube")
    cloud.upload("NA1_1.fastq.gz", reads(6, mate=1))
    opened = analysis(cloud)
    assert opened.status is AnalysisStatus.RECEIVING
    assert opened.why.startswith("waiting for R2 of lane 1")
    cloud.upload("NA1_2.fastq.gz", reads(6, mate=2))
    assert analysis(cloud).status is AnalysisStatus.ANALYSING
    what = [(e["what"], e["who"]) for e in cloud.catalog.analyses.events("NA1")]
    assert ("dismissed", "an analyst") in what


def manifest(*names: str, sample: str = "Hm2", **given: Any) -> bytes:
    """A manifest of one lane."""
    files = [{"r1": names[0], "r2": names[1], "lane": "L005"}]
    return json.dumps({"samples": [{"sample": sample, "files": files, **given}]}).encode()


def manifest_of_lanes(*lanes: tuple[str, str]) -> bytes:
    """A manifest of NA1."""
    files = [{"r1": r1, "r2": r2} for r1, r2 in lanes]
    return json.dumps({"samples": [{"sample": "NA1", "files": files}]}).encode()


def manifest_of_two(*assays: str) -> bytes:
    """A manifest that names a sample under each of the assays, with one lane each."""
    samples = [
        {"sample": "Hm2", "assay": assay, "files": [{"r1": f"{n}a.gz", "r2": f"{n}b.gz"}]}
        for n, assay in enumerate(assays)
    ]
    return json.dumps({"samples": samples}).encode()


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_a_manifest_and_its_files_may_come_in_any_order(
    cloud: Cloud, order: tuple[int, ...]
) -> None:
    events = [
        cloud.drop("run/x.manifest.json", manifest("odd name.gz", "b.gz", assay="panel")),
        cloud.drop("run/odd name.gz", R1),
        cloud.drop("run/b.gz", R2),
    ]
    for n in (*order, *order):
        assert cloud.deliver("register_upload", events[n]) == []
    found = analysis(cloud, "Hm2", "panel")
    assert found.status is AnalysisStatus.ANALYSING
    assert cloud.executions.starts == 1
    lanes = {
        file.identity.lane for file in cloud.catalog.analyses.files(AnalysisId("Hm2", "panel"))
    }
    assert lanes == {"5"}


@pytest.mark.parametrize("order", list(itertools.permutations(range(5)))[::7])
def test_the_same_bytes_under_the_keys_of_a_manifest_are_what_it_waits_for(
    cloud: Cloud, order: tuple[int, ...]
) -> None:
    """A file that was uploaded by its name, and again with a manifest that says more of it."""
    entry = {"sample": "Hm2", "project": "p", "files": [{"r1": "a.gz", "r2": "b.gz"}]}
    events = [
        cloud.drop("Hm2_R1.fastq.gz", R1),
        cloud.drop("Hm2_R2.fastq.gz", R2),
        cloud.drop("again/x.manifest.json", json.dumps({"samples": [entry]}).encode()),
        cloud.drop("again/a.gz", R1),
        cloud.drop("again/b.gz", R2),
    ]
    for n in (*order, *order):
        assert cloud.deliver("register_upload", events[n]) == []
    found = analysis(cloud, "Hm2")
    assert found.holds == {}
    files = cloud.catalog.analyses.files(AnalysisId("Hm2", "wgs"))
    assert sorted(file.object.key for file in files) == ["again/a.gz", "again/b.gz"]
    assert found.active_run is not None
    run = found.active_run
    assert {one.run_key for one in cloud.executions.started.values()} == {run.run_key}
    assert cloud.executions.starts == 1


@pytest.mark.parametrize(
    ("again", "held"),
    [
        ({}, True),
        ({"project": "other"}, False),
        ({"md5": "a" * 32}, False),
    ],
)
def test_a_manifest_that_says_the_same_again_does_not_start_what_failed(
    cloud: Cloud, again: dict[str, str], held: bool
) -> None:
    cloud.upload("a.gz", R1)
    cloud.upload("b.gz", R2)
    cloud.upload("x.manifest.json", manifest("a.gz", "b.gz", assay="wgs"))
    found = analysis(cloud, "Hm2")
    assert found.active_run is not None
    cloud.deliver("end_run", execution_event(found.active_run, "TIMED_OUT"))
    cloud.catalog.analyses.hold(
        AnalysisId("Hm2", "wgs"), "run", "R2 is shorter than R1", cloud.clock()
    )
    body = json.loads(manifest("a.gz", "b.gz", assay="wgs"))
    md5 = again.pop("md5", "")
    body["samples"][0] |= again
    if md5:
        body["samples"][0]["files"][0]["r2_md5"] = md5
    cloud.upload("x.manifest.json", json.dumps(body).encode())
    assert ("run" in analysis(cloud, "Hm2").holds) is held
    assert cloud.executions.starts == (1 if held else 2)
    cloud.upload("b.gz", reads(7, mate=2))
    assert analysis(cloud, "Hm2").holds == {}
    assert analysis(cloud, "Hm2").status is not AnalysisStatus.HELD


def test_a_manifest_wins_over_what_a_files_name_said(cloud: Cloud) -> None:
    cloud.upload("NA9_1.fastq.gz", R1)
    cloud.upload("x.manifest.json", manifest("NA9_1.fastq.gz", "NA9_2.fastq.gz", assay="wgs"))
    cloud.upload("NA9_2.fastq.gz", R2)
    assert cloud.catalog.analyses.get(AnalysisId("NA9", "wgs")) is None
    assert analysis(cloud, "Hm2").status is AnalysisStatus.ANALYSING


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"{", "is not JSON"),
        (manifest("a.gz", "../../b.gz"), "points outside the bucket"),
        (manifest("a.gz", "s3://[", assay="wgs"), "is not in the uploads bucket"),
        (manifest("a.gz", "./a.gz"), "names 'a.gz' more than once"),
        (manifest("a.gz", f"s3://{UPLOADS}/a.gz"), "names 'a.gz' more than once"),
        (manifest("a.gz", "b" * 1_100), "can't be an object's key"),
        (manifest_of_two("", "wgs"), "names 'Hm2 (wgs)' more than once"),
    ],
)
def test_a_manifest_that_can_not_be_used_is_held_until_it_is_corrected(
    cloud: Cloud, body: bytes, why: str
) -> None:
    cloud.upload("x.manifest.json", body)
    unplaced = unplaced_sample(UPLOADS, "x.manifest.json")
    assert why in analysis(cloud, unplaced).why
    cloud.upload("x.manifest.json", manifest("a.gz", "b.gz", assay="wgs"))
    assert cloud.catalog.analyses.get(AnalysisId(unplaced, "wgs")) is None
    assert "waiting for 2 of 2 files that x.manifest.json names" in analysis(cloud, "Hm2").why


def test_a_samplesheet_that_contradicts_itself_changes_nothing_until_it_is_corrected(
    cloud: Cloud,
) -> None:
    sheet = "sample,r1,r2,assay,sex\nHm2,a.gz,b.gz,wgs,male\nHm2,c.gz,d.gz,,{}\n"
    cloud.upload("samplesheet.csv", sheet.format("female").encode())
    unplaced = unplaced_sample(UPLOADS, "samplesheet.csv")
    held = analysis(cloud, unplaced)
    assert held.status is AnalysisStatus.HELD
    assert "sample Hm2, column sex: two different values on lines 2 and 3" in held.why
    assert "male" not in str(cloud.items(unplaced))
    assert cloud.catalog.analyses.get(AnalysisId("Hm2", "wgs")) is None
    cloud.upload("samplesheet.csv", sheet.format("").encode())
    assert cloud.catalog.analyses.get(AnalysisId(unplaced, "wgs")) is None
    found = analysis(cloud, "Hm2")
    assert (found.sex, len(found.expected)) == ("male", 4)


def test_a_reference_that_is_not_there_holds_until_a_person_releases(cloud: Cloud) -> None:
    chosen = {"pipeline": "quick", "reference": "GRCh37"}
    cloud.upload("x.manifest.json", manifest("a.gz", "b.gz", **chosen))
    cloud.upload("a.gz", R1)
    cloud.upload("b.gz", R2)
    held = analysis(cloud, "Hm2", "quick")
    assert held.status is AnalysisStatus.HELD
    assert "no ready version of the reference 'GRCh37'" in held.why
    from tests.domain_support import reference

    cloud.catalog.references.add(reference(name="GRCh37"), "an analyst", cloud.clock())
    cloud.catalog.analyses.release(held, "an analyst", RunOptions(), cloud.clock())
    cloud.deliver(
        "register_upload", json.dumps({"seqdrop": "recheck", "sample": "Hm2", "assay": "quick"})
    )
    assert analysis(cloud, "Hm2", "quick").status is AnalysisStatus.ANALYSING


def test_a_version_that_was_retired_holds_who_names_it_and_the_reason_says_so(
    cloud: Cloud,
) -> None:
    references = cloud.catalog.references
    version = references.get(ReferenceId("tiny", "1"))
    assert version is not None
    references.retire(version, "its contigs are wrong", "an analyst", cloud.clock())
    chosen = {"pipeline": "quick", "reference": "tiny", "reference_version": "1"}
    cloud.upload("x.manifest.json", manifest("a.gz", "b.gz", **chosen))
    cloud.upload("a.gz", R1)
    cloud.upload("b.gz", R2)
    held = analysis(cloud, "Hm2", "quick")
    assert held.status is AnalysisStatus.HELD
    assert "tiny 1 was retired (its contigs are wrong)" in held.why


@pytest.mark.parametrize("other", [False, True])
def test_a_version_that_is_retired_at_the_moment_of_a_claim_is_not_used(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, *, other: bool
) -> None:
    """The retire lands between the claim's look at the versions and its transaction."""
    references, choose = cloud.catalog.references, References.choose
    if other:
        references.add(reference(version="2", created="2026"), "test", cloud.clock())
    retired: list[str] = []

    def choose_just_before(self: References, name: str, version: str = "") -> ReferenceVersion:
        found = choose(self, name, version)
        if not retired:
            references.retire(found, "wrong", "an analyst", cloud.clock())
            retired.append(found.version)
        return found

    monkeypatch.setattr(References, "choose", choose_just_before)
    chosen = {"pipeline": "quick", "reference": "tiny"}
    cloud.upload("x.manifest.json", manifest("a.gz", "b.gz", **chosen))
    cloud.upload("a.gz", R1)
    cloud.upload("b.gz", R2)
    found = analysis(cloud, "Hm2", "quick")
    if other:
        assert found.status is AnalysisStatus.ANALYSING
        assert found.active_run is not None
        run = cloud.catalog.runs.get(found.active_run)
        assert run is not None
        assert (retired, run.reference) == (["2"], "tiny/1")
    else:
        assert found.status is AnalysisStatus.HELD
        assert "no ready version of the reference 'tiny' (1 is RETIRED)" in found.why
        assert cloud.executions.started == {}
