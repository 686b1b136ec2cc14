"""Finding the runs of both sides of a sample, and starting one that is not there."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from zlib import crc32

import boto3
import msgspec
import pytest
import typer
from moto import mock_aws

from cli import equivalence_start
from cli.equivalence import asked_for
from cli.equivalence_sides import Made, Pair, SampleRuns, ToStart, is_same_content
from cli.equivalence_start import Copy, Start, make_start, wait_for
from cli.faults import CommandFailed
from local import s3_events
from seqdrop.aws.catalog.layout import SampleItems
from seqdrop.aws.objects import Objects, UploadedObject
from seqdrop.domain.assignment import assigned_by_manifest, identity_of
from seqdrop.domain.blueprint import read_group
from seqdrop.domain.equivalence.report import Asked, Change, Missing
from seqdrop.domain.errors import ArchivedObject, NoSuchSample, SeqdropError
from seqdrop.domain.identity import AnalysisId
from seqdrop.domain.manifest import expected_files, parse_manifest
from seqdrop.domain.plan import ReadPair, StoredObject
from seqdrop.domain.provenance import RunRecord
from seqdrop.domain.read_name import FastqHead
from seqdrop.domain.records import Analysis, AnalysisStatus, FastqFile, Run, RunStatus
from seqdrop.domain.reference import ReferenceVersion
from seqdrop.domain.sameness import Fingerprints, Sameness
from seqdrop.domain.sameness import Verdict as SameOrNot
from tests.domain_support import fastq, reference
from tests.equivalence_support import lane, record, stored

CPU_AND_FPGA = Asked(Change.PIPELINE, "germline-fpga", "germline-cpu")
IMAGES = Asked(Change.IMAGE, "aa", "bb")
OTHER = (lane(r1="crc32:other"),)


@dataclass
class Stack:
    """A deployment that has some runs of NA1, and their records."""

    records: list[RunRecord]
    fallbacks: frozenset[str] = frozenset()
    failed: frozenset[str] = frozenset()
    analyses: list[Analysis] = field(default_factory=list)
    files: list[FastqFile] = field(default_factory=list)
    gone: frozenset[str] = frozenset()
    archived: frozenset[str] = frozenset()

    def sample(self, _name: str) -> SampleItems:
        assays = dict.fromkeys(one.assay for one in self.records)
        made = [Analysis("NA1", assay, status=AnalysisStatus.ANALYSED) for assay in assays]
        known = {one.assay: one for one in [*made, *self.analyses]}
        return SampleItems(
            tuple(known.values()), tuple(self.files), tuple(map(self._run, self.records)), ()
        )

    def _run(self, one: RunRecord) -> Run:
        status = RunStatus.FAILED if one.run_key in self.failed else RunStatus.SUCCEEDED
        return Run(
            one.sample, one.assay, one.run_key, one.attempt, 1, status=status,
            pipeline=one.pipeline, reference=one.reference, claimed=one.claimed, project="trio",
            instead_of="germline-fpga" if one.run_key in self.fallbacks else "",
        )  # fmt: skip

    def output(self, name: str) -> str:
        return name

    @property
    def objects(self) -> Any:
        bodies = {
            f"{one.sample}/{one.assay}/runs/{one.run_key}/{one.attempt}/run.json": (
                msgspec.json.encode(one)
            )
            for one in self.records
        }

        def head(bucket: str, key: str, version_id: str = "") -> UploadedObject | None:
            is_there = key in {"r1.gz", "r2.gz"} and key not in self.gone
            stored_there = StoredObject(bucket, key, 100, version_id, "crc32:one")
            return UploadedObject(stored_there, "", Fingerprints(100)) if is_there else None

        return SimpleNamespace(
            get=lambda _bucket, key: bodies.get(key), head=head, check_readable=self.check_readable,
            same_content=lambda *_: Sameness(SameOrNot.UNKNOWN, ""),
        )  # fmt: skip

    def check_readable(self, object_: StoredObject) -> None:
        if object_.key in self.archived:
            raise ArchivedObject(f"{object_.key} is in an archive")

    @property
    def catalog(self) -> Any:
        def choose(name: str, version: str = "") -> ReferenceVersion:
            return reference(name=name, version=version or "2")

        return SimpleNamespace(references=SimpleNamespace(choose=choose))


NEWER: dict[str, Any] = {
    "reference": "GRCh38/2", "parts": {"sequence": "s2", "targets:wes": "t1"}
}  # fmt: skip
"""Another version, with another sequence."""


def made(key: str, pipeline: str, day: int = 1, **given: Any) -> RunRecord:
    """A run of a pipeline, made on a day."""
    assay = given.pop("assay", pipeline)
    claimed = f"2026-11-{day:02}T00:00:00.000Z"
    return record(run_key=key, pipeline=pipeline, assay=assay, claimed=claimed, **given)


def runs(stack: Any, asked: Asked = CPU_AND_FPGA, **given: Any) -> SampleRuns:
    return SampleRuns(stack, "NA1", asked, **given)


def keys(stack: Any, asked: Asked = CPU_AND_FPGA, **given: Any) -> tuple[str, str]:
    """The keys of the two runs that are found."""
    [found] = runs(stack, asked, **given).sides()
    assert isinstance(found, Pair), found
    return found.a.run.run_key, found.b.run.run_key


# ── Sides that whoever drops files chooses


def test_the_newest_run_of_each_side_is_taken() -> None:
    stack = Stack(
        [made("a1", "germline-fpga", 1), made("a2", "germline-fpga", 3), made("b1", "germline-cpu")]
    )
    assert keys(stack) == ("a2", "b1")


def test_b_is_the_newest_on_the_files_and_the_reference_of_a() -> None:
    stack = Stack(
        [
            made("a", "germline-fpga", 2),
            made("b1", "germline-cpu", 1),
            made("b2", "germline-cpu", 3, inputs=OTHER),
            made("b3", "germline-cpu", 4, **NEWER),
        ]
    )
    assert keys(stack) == ("a", "b1")


def test_the_same_of_a_reference_counts_whatever_its_version_is_called() -> None:
    """A manifest makes no second run of the same content: none would ever be there."""
    stack = Stack([made("a", "germline-fpga"), made("b", "germline-cpu", reference="GRCh38/2")])
    assert keys(stack) == ("a", "b")
    [found] = runs(stack, reference="GRCh38/1").sides()
    assert isinstance(found, Pair)
    [found] = runs(stack, reference="GRCh38/2").sides()
    assert isinstance(found, Pair)
    [found] = runs(stack, reference="GRCh38/3").sides()
    assert isinstance(found, Missing)


@pytest.mark.parametrize(
    "other", [{"inputs": OTHER}, NEWER], ids=["other files", "other reference"]
)
def test_without_a_run_on_the_same_b_is_to_be_started(other: dict[str, Any]) -> None:
    stack = Stack([made("a", "germline-fpga"), made("b", "germline-cpu", **other)])
    [found] = runs(stack).sides()
    assert isinstance(found, ToStart)
    assert found.wanted == ("germline-cpu",)
    assert found.basis.run.run_key == "a"


def test_a_is_started_on_what_b_has() -> None:
    [found] = runs(Stack([made("b", "germline-cpu")])).sides()
    assert isinstance(found, ToStart)
    assert (found.wanted, found.basis.run.run_key) == (("germline-fpga",), "b")


def test_both_are_started_on_the_newest_run_of_any_other() -> None:
    stack = Stack([made("c1", "own", 1), made("c2", "own", 2)])
    [found] = runs(stack).sides()
    assert isinstance(found, ToStart)
    assert (found.wanted, found.basis.run.run_key) == (("germline-fpga", "germline-cpu"), "c2")


def test_a_fall_back_and_a_failed_run_are_no_side() -> None:
    stack = Stack(
        [made("a", "germline-fpga"), made("b1", "germline-cpu", 2), made("b2", "germline-cpu", 3)],
        fallbacks=frozenset({"b1"}), failed=frozenset({"b2"}),
    )  # fmt: skip
    [found] = runs(stack).sides()
    assert isinstance(found, ToStart)
    alone = Stack([made("b1", "germline-cpu")], fallbacks=frozenset({"b1"}))
    [told] = runs(alone).sides()
    assert isinstance(told, Missing)
    assert "fall-backs are not equivalent: b1#1" in told.why


def test_an_assay_says_whose_files_are_taken() -> None:
    stack = Stack(
        [
            made("a1", "germline-fpga", 1, assay="wgs"),
            made("a2", "germline-fpga", 2, assay="panel", inputs=OTHER),
            made("b", "germline-cpu", 1),
        ]
    )
    assert keys(stack, assay="wgs") == ("a1", "b")
    [told] = runs(stack, assay="wes").sides()
    assert isinstance(told, Missing)
    assert told.why == "it has no assay 'wes'"


def test_a_reference_narrows_both_sides() -> None:
    stack = Stack(
        [
            made("a1", "germline-fpga", 1),
            made("a2", "germline-fpga", 2, reference="GRCh38/2"),
            made("b", "germline-cpu", 1),
        ]
    )
    assert keys(stack, reference="GRCh38/1") == ("a1", "b")


def test_a_sample_that_was_never_analysed_says_so() -> None:
    waiting = Analysis("NA1", "wgs", status=AnalysisStatus.HELD)
    [told] = runs(Stack([], analyses=[waiting])).sides()
    assert isinstance(told, Missing)
    assert "wgs is HELD" in told.why
    with pytest.raises(NoSuchSample, match="there is no sample 'NA1'"):
        runs(Stack([])).sides()


# ── Sides that a deployment has


def image(key: str, digest: str, day: int = 1, **given: Any) -> RunRecord:
    given.setdefault("assay", "wgs")
    return made(key, "germline-cpu", day, images={"cpu": f"lab@sha256:{digest}"}, **given)


def test_images_are_compared_within_each_assay() -> None:
    stack = Stack(
        [
            image("a1", "aa1"), image("b1", "bb1", 2), image("b2", "bb1", 3, inputs=OTHER),
            image("a2", "aa2", assay="wes"), image("b3", "bb2", assay="wes"),
            image("c", "cc", assay="panel"),
        ]
    )  # fmt: skip
    found = runs(stack, IMAGES).sides()
    assert [(s.a.run.run_key, s.b.run.run_key) for s in found if isinstance(s, Pair)] == [
        ("a1", "b1"), ("a2", "b3"),
    ]  # fmt: skip
    assert len(found) == 2, "an assay that knows neither side is left out"


def test_runs_on_other_files_are_still_a_pair_and_judged_later() -> None:
    assert keys(Stack([image("a", "aa"), image("b", "bb", inputs=OTHER)]), IMAGES) == ("a", "b")


def test_a_deployment_s_side_that_is_missing_is_named_with_what_to_do() -> None:
    [told] = runs(Stack([image("a", "aa")]), IMAGES).sides()
    assert isinstance(told, Missing)
    assert told.why == (
        "it has no good run in the image bb alone: `seqdrop rerun NA1 --assay wgs --fresh` makes "
        "one with what is deployed at that time"
    )
    [neither] = runs(Stack([image("a", "cc")]), IMAGES).sides()
    assert isinstance(neither, Missing)
    assert "in the image aa and none in the image bb alone" in neither.why


def test_a_run_that_both_sides_stand_for_is_a_run_of_neither() -> None:
    stack = Stack([image("a", "aa", 1), image("ab", "aabb", 2), image("c", "aac", 3)])
    [told] = runs(stack, Asked(Change.IMAGE, "aa", "aabb")).sides()
    assert isinstance(told, Missing)
    assert keys(stack, Asked(Change.IMAGE, "aac", "aabb")) == ("c", "ab")


# ── Starting


class Library:
    """A deployment's pipelines and assays."""

    @staticmethod
    def pipeline(name: str) -> str:
        return name

    @staticmethod
    def assay_named(name: str) -> Any:
        return SimpleNamespace(reference="GRCh38", reference_version="1" if name == "old" else "")


def start(
    stack: Stack, wanted: str = "germline-cpu", change: Change = Change.PIPELINE, basis: int = 0
) -> Start:
    asked = Asked(change, "germline-fpga", wanted)
    found = runs(stack, asked)
    library: Any = Library()
    return make_start(found, library, wanted, found.made[basis])


def test_a_pipeline_is_started_with_the_version_of_the_other_side() -> None:
    made_start = start(Stack([made("a", "germline-fpga")]))
    [entry] = parse_manifest(made_start.manifest, made_start.manifest_key).samples
    assert made_start.analysis == AnalysisId("NA1", "germline-cpu")
    assert (entry.pipeline, entry.reference, entry.reference_version) == (
        "germline-cpu", "GRCh38", "1",
    )  # fmt: skip
    assert entry.project == "trio"
    named = expected_files(entry, "germline-cpu", "uploads", made_start.manifest_key)
    assert [file.key for file in named] == [copy.key for copy in made_start.copies]


def test_the_same_files_have_the_same_folder_and_others_have_another() -> None:
    first = start(Stack([made("a", "germline-fpga", 1)]))
    again = start(Stack([made("a2", "germline-fpga", 2, reference="GRCh38/2")]))
    other = start(Stack([made("a", "germline-fpga", inputs=OTHER)]))
    assert first.manifest_key == again.manifest_key != other.manifest_key
    assert first.manifest != again.manifest, "another version of the reference"
    assert start(Stack([made("a", "germline-fpga", 1)])) == first


def test_an_assay_that_would_take_another_version_is_refused() -> None:
    stack = Stack([made("a", "germline-fpga")])
    with pytest.raises(CommandFailed, match=r"the assay new would use GRCh38/2, and the run to"):
        start(stack, "new", Change.ASSAY)
    [entry] = parse_manifest(start(stack, "old", Change.ASSAY).manifest, "x.json").samples
    assert (entry.assay, entry.pipeline) == ("old", "")


@pytest.mark.parametrize("library", ["-", "lib2", "NA1"])
@pytest.mark.parametrize("number", ["1", "8"])
def test_a_lane_has_the_same_read_group_in_the_new_analysis(library: str, number: str) -> None:
    identity = fastq("R1", number, library=library).identity
    unit = f"HXY.{number}"
    id_ = unit if library == "-" else f"{unit}.{library}"
    group = read_group("NA1", identity)
    pair = ReadPair(id_, group, stored("r1.gz", "crc32:1"), stored("r2.gz", "crc32:2"))
    made_start = start(Stack([made("a", "germline-fpga", inputs=(pair,))]))
    [entry] = parse_manifest(made_start.manifest, made_start.manifest_key).samples
    placed = assigned_by_manifest(expected_files(entry, "x", "b", made_start.manifest_key)[0])
    head = FastqHead(f"M01:7:HXY:{number}:1:1:1", "HXY", number, "1")
    assert read_group("NA1", identity_of(placed, head)) == group


def test_lanes_in_several_files_are_refused() -> None:
    twice = (lane(), lane(2, "crc32:3", "crc32:4"))
    with pytest.raises(CommandFailed, match="in several files each"):
        start(Stack([made("a", "germline-fpga", inputs=twice)]))


def test_a_file_of_which_no_copy_can_be_known_is_refused() -> None:
    in_parts = (lane(r1="etag:0a1b-12"),)
    with pytest.raises(CommandFailed, match=r"has no checksum of the whole of r1\.gz"):
        start(Stack([made("a", "germline-fpga", inputs=in_parts)]))
    assert start(Stack([made("a", "germline-fpga", inputs=(lane(r1="etag:0a1b"),))])).copies


def there(*checksums: str, status: str = "READY") -> Stack:
    """An analysis of the other pipeline that was given files by somebody else."""
    reads = ("R1", "R2")
    files = [
        msgspec.structs.replace(fastq(read), assay="germline-cpu", object=stored(read, checksum))
        for read, checksum in zip(reads, checksums, strict=False)
    ]
    waiting = Analysis("NA1", "germline-cpu", status=AnalysisStatus(status))
    return Stack([made("a", "germline-fpga")], analyses=[waiting], files=files)


def test_an_analysis_that_was_given_the_same_files_is_only_waited_for() -> None:
    assert start(there("crc32:one", "crc32:two")).is_there
    assert not start(Stack([made("a", "germline-fpga")])).is_there


@pytest.mark.parametrize("checksums", [("crc32:one",), ("crc32:one", "crc32:new")])
def test_an_analysis_that_was_given_other_files_is_left_alone(checksums: tuple[str, ...]) -> None:
    with pytest.raises(CommandFailed, match=r"NA1 \(germline-cpu\) was given other files"):
        start(there(*checksums))


def test_an_analysis_that_was_done_otherwise_is_told_what_to_do() -> None:
    with pytest.raises(CommandFailed, match="`seqdrop reanalyse` makes one"):
        start(there("crc32:one", "crc32:two", status="ANALYSED"))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"gone": frozenset({"r2.gz"})},
            r"s3://uploads/r2\.gz is gone, which NA1 was analysed from",
        ),
        ({"archived": frozenset({"r1.gz"})}, r"r1\.gz is in an archive"),
    ],
)
def test_files_that_can_not_be_read_are_told_before_anything_begins(
    given: dict[str, Any], said: str
) -> None:
    with pytest.raises(SeqdropError, match=said):
        start(Stack([made("a", "germline-fpga")], **given))


def test_a_run_that_recorded_no_files_is_no_basis() -> None:
    with pytest.raises(CommandFailed, match="run a#1 of NA1 has no record of its files"):
        start(Stack([made("a", "germline-fpga", inputs=())]))


def test_a_control_is_not_compared() -> None:
    control = Analysis("NA1", "germline-fpga", control=True)
    with pytest.raises(CommandFailed, match="is a control"):
        start(Stack([made("a", "germline-fpga")], analyses=[control]))


# ── Copying


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="UploadsBucket")
        client.put_bucket_versioning(
            Bucket="UploadsBucket", VersioningConfiguration={"Status": "Enabled"}
        )
        yield client


def copying(s3: Any, source: StoredObject) -> tuple[Any, Start]:
    stack: Any = SimpleNamespace(s3=s3, objects=Objects(s3), output=lambda name: name)
    copies = (Copy(source, "equivalence-1/r1.fastq.gz"),)
    return stack, Start(AnalysisId("NA1", "x"), "m", b"", copies)


def test_the_version_that_was_analysed_is_copied_once(s3: Any) -> None:
    s3.put_object(Bucket="UploadsBucket", Key="a.gz", Body=b"analysed")
    source = Objects(s3).head("UploadsBucket", "a.gz")
    assert source is not None
    s3.put_object(Bucket="UploadsBucket", Key="a.gz", Body=b"newer")
    stack, begun = copying(s3, source.object)
    equivalence_start._copy_files(stack, begun, quiet=True)
    key = begun.copies[0].key
    first = s3.head_object(Bucket="UploadsBucket", Key=key)["VersionId"]
    assert s3.get_object(Bucket="UploadsBucket", Key=key)["Body"].read() == b"analysed"
    equivalence_start._copy_files(stack, begun, quiet=True)
    assert s3.head_object(Bucket="UploadsBucket", Key=key)["VersionId"] == first


def test_a_large_file_is_copied_in_parts_whose_checksums_tell_that_it_is_the_same(
    s3: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    part_bytes = 5 * 2**20
    monkeypatch.setattr(equivalence_start, "_WHOLE_BYTES", part_bytes)
    monkeypatch.setattr(equivalence_start, "_PART_BYTES", part_bytes)
    body = bytes(range(256)) * 2**15 + b"end"
    s3.put_object(Bucket="UploadsBucket", Key="a.gz", Body=body, ChecksumAlgorithm="CRC32")
    source = Objects(s3).head("UploadsBucket", "a.gz")
    assert source is not None
    pieces = [body[at : at + part_bytes] for at in range(0, len(body), part_bytes)]
    parts = [
        {"Size": len(one), "ChecksumCRC32": base64.b64encode(crc32(one).to_bytes(4)).decode()}
        for one in pieces
    ]
    # What S3 tells of parts, which moto does not.
    monkeypatch.setattr(Objects, "_parts_after", lambda *_: {"Parts": parts})
    stack, begun = copying(s3, source.object)
    s3_events.install()
    try:
        equivalence_start._copy_files(stack, begun, quiet=True)
        parts[1]["ChecksumCRC32"] = parts[0]["ChecksumCRC32"]
        with pytest.raises(CommandFailed, match="S3 can't tell"):
            equivalence_start._copy_files(stack, begun, quiet=True)
    finally:
        s3_events.uninstall()
    copied = s3.get_object(Bucket="UploadsBucket", Key=begun.copies[0].key)
    assert copied["ETag"].endswith('-2"')
    assert copied["Body"].read() == body


def test_other_bytes_under_the_copy_s_key_are_replaced(s3: Any) -> None:
    s3.put_object(Bucket="UploadsBucket", Key="a.gz", Body=b"right")
    s3.put_object(Bucket="UploadsBucket", Key="equivalence-1/r1.fastq.gz", Body=b"wrong")
    source = Objects(s3).head("UploadsBucket", "a.gz")
    assert source is not None
    stack, begun = copying(s3, source.object)
    equivalence_start._copy_files(stack, begun, quiet=True)
    copied = Objects(s3).head("UploadsBucket", begun.copies[0].key)
    assert copied is not None
    assert is_same_content(stack, source.object, copied.object)


# ── Waiting


class Analyses:
    """Statuses as they come, one for each look."""

    def __init__(self, *statuses: str) -> None:
        self._statuses = list(statuses)

    def get(self, id_: AnalysisId) -> Analysis:
        status = self._statuses.pop(0) if len(self._statuses) > 1 else self._statuses[0]
        return Analysis(id_.sample, id_.assay, status=AnalysisStatus(status), why="reason")


def waiting(*statuses: str, timeout: float | None = None) -> list[str]:
    told: list[str] = []
    stack: Any = SimpleNamespace(catalog=SimpleNamespace(analyses=Analyses(*statuses)))
    wait_for(stack, [Start(AnalysisId("NA1", "x"), "m", b"")], timeout, told.append)
    return told


@pytest.mark.parametrize("end", ["ANALYSED", "FAILED", "HELD", "DISMISSED"])
def test_it_waits_until_an_analysis_has_ended(end: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(equivalence_start, "_FIRST_PAUSE", 0.01)
    told = waiting("RECEIVING", "RECEIVING", "ANALYSING", end)
    assert told == [f"NA1 (x) {one}: reason" for one in ("RECEIVING", "ANALYSING", end)]


def test_it_gives_up_in_time() -> None:
    with pytest.raises(CommandFailed, match=r"after 0 s, still waiting: NA1 \(x\) is ANALYSING"):
        waiting("ANALYSING", timeout=0)


# ── Usage


NONE = dict.fromkeys(Change, ("", ""))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "give the two sides by one pair of options: --pipeline-a and --pipeline-b"),
        ({Change.AMI: ("a", "b"), Change.IMAGE: ("", "c")}, "give the two sides by one pair"),
        ({Change.AMI: ("a", "")}, "--ami-b is missing"),
        ({Change.DRAGEN: ("", "4.4")}, "--dragen-a is missing"),
        ({Change.ASSAY: ("a", "a")}, "both sides are 'a'"),
    ],
)
def test_sides_are_of_one_kind_and_both_named(
    given: dict[Change, tuple[str, str]], said: str
) -> None:
    with pytest.raises(typer.BadParameter, match=said):
        asked_for(NONE | given)


def test_two_sides_of_one_kind_are_what_is_asked() -> None:
    assert asked_for(NONE | {Change.AMI: ("a", "b")}) == Asked(Change.AMI, "a", "b")


def test_a_run_whose_record_is_gone_is_no_side(monkeypatch: pytest.MonkeyPatch) -> None:
    stack = Stack([made("a", "germline-fpga")])
    [known] = runs(stack).made
    assert known == Made(runs(stack).items.runs[0], stack.records[0])
    monkeypatch.setattr(Stack, "objects", SimpleNamespace(get=lambda *_: None))
    assert runs(stack).made == []
