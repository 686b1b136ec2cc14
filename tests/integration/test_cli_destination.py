"""What a deployment would make of an upload, asked before anything is sent."""

import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.error import URLError

import msgspec
import pytest
from botocore.exceptions import ClientError

from cli import deployed_library as module
from cli import destination, replacement
from cli.deployed_library import KnownLibrary, deployed_library
from cli.drop import Drop
from cli.drop_by_name import drop_as_named, drop_with_options
from cli.gather import gather
from cli.inspection import inspect
from cli.stack import Stack
from seqdrop.aws.catalog import Catalog
from seqdrop.aws.catalog.layout import SampleItems, read_sample
from seqdrop.aws.objects import Objects
from seqdrop.domain.manifest import SampleEntry
from seqdrop.domain.reference import ReferenceState
from seqdrop.library import Library
from tests.cloud_support import UPLOADS, Cloud, open_cloud
from tests.domain_support import reference
from tests.lab import pair

_STAGE = """
    size: {vcpus: 2, memory_mib: {base: 100}, seconds: {base: 100}}
    reference: [sequence]
    reads: files
    steps: [{pipe: [[tool, "{out}/a"]]}]
    outputs: [{name: a}]
"""
FILES = {
    "assays.yaml": """
default: wgs
assays:
  wgs: {pipeline: quick, reference: tiny}
  wes: {pipeline: quick, reference: tiny, targets: exome}
  lost: {pipeline: quick, reference: gone}
  fast: {pipeline: fpga, reference: tiny}
""",
    "quick.yaml": f"name: quick\ndescription: one\nstages:\n  align:\n    queue: cpu{_STAGE}",
    "fpga.yaml": f"name: fpga\ndescription: one\nstages:\n  align:\n    queue: fpga-genome{_STAGE}",
}


@dataclass
class FakeStack:
    """A deployment without FPGA."""

    catalog: Catalog
    objects: Objects | None = None
    name: str = "seqdrop"
    image_names: frozenset[str] = frozenset({"cpu"})

    def sample(self, sample: str) -> SampleItems:
        return read_sample(self.catalog.analyses.partition(sample))

    @staticmethod
    def output(name: str) -> str:
        return {"QueueKinds": "cpu", "UploadsBucket": UPLOADS}[name]


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    with open_cloud(tmp_path, monkeypatch) as cloud:
        yield cloud


@pytest.fixture
def library(tmp_path: Path) -> Library:
    folder = tmp_path / "pipelines of a test"
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text)
    return Library(str(folder))


def dropped(folder: Path, **given: Any) -> Drop:
    names = [f"S1_R{read}.fastq.gz" for read in (1, 2)]
    for name, body in zip(names, pair(3), strict=True):
        (folder / name).write_bytes(body)
    return drop_with_options([folder / n for n in names], SampleEntry("S1", (), **given), UPLOADS)


def looked(cloud: Cloud, library: Library, drop: Drop, doubt: str = "") -> Drop:
    stack = cast("Stack", FakeStack(cloud.catalog))
    destination.check_choices(drop, KnownLibrary(library, doubt), stack)
    return drop


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"assay": "wgz"}, "no assay 'wgz'; is 'wgs' meant? (there are: fast, lost, wes, wgs)"),
        ({"assay": "rna"}, "no assay 'rna' (there are: fast, lost, wes, wgs)"),
        ({"pipeline": "quik", "reference": "tiny"}, "no pipeline 'quik'; is 'quick' meant?"),
        (
            {"pipeline": "quick", "reference": "tinny"},
            "no reference 'tinny'; is 'tiny' meant? (there are: broken, tiny)",
        ),
        (
            {"pipeline": "quick", "reference": "hg38"},
            "no reference 'hg38' (there are: broken, tiny): add it with `seqdrop reference add "
            "hg38 VERSION FASTA`",
        ),
        ({"assay": "lost"}, "S1 (lost): there is no reference 'gone'"),
        ({"assay": "wes"}, "has no target regions 'exome'"),
        ({"assay": "fast"}, "no fpga-genome queue"),
        (
            {"pipeline": "quick", "reference": "tiny", "reference_version": "9"},
            "reference tiny has no version '9' (1 is READY): name one",
        ),
        (
            {"pipeline": "quick", "reference": "broken"},
            "reference broken 2 is PREPARING: wait until",
        ),
        (
            {"pipeline": "quick", "reference": "broken", "reference_version": "1"},
            "reference broken 1 is FAILED (bwa: out of memory): add another version",
        ),
    ],
)
def test_what_would_hold_the_sample_is_a_fault(
    cloud: Cloud, library: Library, tmp_path: Path, given: dict[str, Any], says: str
) -> None:
    one = reference(name="broken", version="1", state=ReferenceState.PREPARING, created="2026-01")
    cloud.catalog.references.add(one, "test", cloud.clock())
    cloud.catalog.references.settle(one, ReferenceState.FAILED, "bwa: out of memory", cloud.clock())
    two = msgspec.structs.replace(one, version="2", created="2026-02")
    cloud.catalog.references.add(two, "test", cloud.clock())
    drop = looked(cloud, library, dropped(tmp_path, **given))
    [fault] = drop.faults
    assert says in fault
    assert "rerun" not in fault
    assert not ("meant?" in fault and "add it" in fault)
    assert drop.warnings == []


def test_what_an_assay_names_is_what_it_means(
    cloud: Cloud, library: Library, tmp_path: Path
) -> None:
    cloud.catalog.references.add(reference(name="gones"), "test", cloud.clock())
    [fault] = looked(cloud, library, dropped(tmp_path, assay="lost")).faults
    assert "there is no reference 'gone' (there are: gones, tiny): add it with" in fault


@pytest.mark.parametrize("given", [{"assay": "wgs"}, {"pipeline": "quick", "reference": "tiny"}])
def test_what_would_be_analysed_is_no_fault(
    cloud: Cloud, library: Library, tmp_path: Path, given: dict[str, Any]
) -> None:
    drop = looked(cloud, library, dropped(tmp_path, **given))
    assert (drop.faults, drop.warnings) == ([], [])


def test_a_pipeline_and_a_reference_that_are_not_there_are_both_told(
    cloud: Cloud, library: Library, tmp_path: Path
) -> None:
    drop = looked(cloud, library, dropped(tmp_path, pipeline="x", reference="y"))
    assert len(drop.faults) == 2


def test_what_only_this_copy_says_is_a_warning_and_what_the_catalog_says_a_fault(
    cloud: Cloud, library: Library, tmp_path: Path
) -> None:
    drop = looked(cloud, library, dropped(tmp_path, assay="wgz"), doubt="AccessDenied")
    assert drop.faults == []
    assert "no assay 'wgz'" in drop.warnings[0]
    assert "the deployment can't be asked (AccessDenied)" in drop.warnings[0]
    drop = looked(cloud, library, dropped(tmp_path, pipeline="x", reference="y"), doubt="denied")
    assert ["no pipeline" in text for text in drop.warnings] == [True]
    assert ["no reference" in text for text in drop.faults] == [True]


def test_a_lone_mate_is_a_fault_unless_it_is_meant_or_its_mate_is_there(
    cloud: Cloud, tmp_path: Path
) -> None:
    paths = [tmp_path / f"S1_R{read}.fastq.gz" for read in (1, 2)]
    for path, body in zip(paths, pair(3), strict=True):
        path.write_bytes(body)

    def faults(path: Path, *, partial: bool = False) -> list[str]:
        drop = drop_as_named([path], UPLOADS)
        lone = inspect(drop, "wgs")
        destination.check_mates_there(drop, lone, cloud.catalog, partial=partial)
        return drop.faults

    [fault] = faults(paths[0])
    assert "has no mate: R2 of lane 1 on flowcell HTEST of sample S1 is missing" in fault
    assert fault.endswith("say with --partial that it comes later")
    assert faults(paths[0], partial=True) == []
    cloud.upload("S1_R1.fastq.gz", paths[0].read_bytes())
    assert faults(paths[1]) == []
    assert len(faults(paths[0])) == 1
    other_lane = tmp_path / "S1_2.fastq.gz"
    other_lane.write_bytes(pair(3, lane=2)[1])
    assert len(faults(other_lane)) == 1


def test_files_of_a_sample_that_has_another_assay_are_warned_of(
    cloud: Cloud, tmp_path: Path
) -> None:
    body = {"sample": "S1", "assay": "panel", "files": [{"r1": "a.fq.gz", "r2": "b.fq.gz"}]}
    cloud.upload("s1.manifest.json", json.dumps({"samples": [body]}).encode())
    path = tmp_path / "S1_R2.fastq.gz"
    path.write_bytes(pair(3)[1])
    drop = drop_as_named([path], UPLOADS)
    stack = cast("Stack", FakeStack(cloud.catalog))
    destination.warn_of_new_assays(drop, stack, "panel")
    assert drop.warnings == []
    destination.warn_of_new_assays(drop, stack, "wgs")
    (warning,) = drop.warnings
    assert warning.startswith("S1 is there as panel; by their names, these files make it anew as w")


def test_a_lone_mate_whose_name_was_changed_by_a_trimmer_is_told_its_right_one(
    cloud: Cloud, tmp_path: Path
) -> None:
    (path := tmp_path / "S1_R1_val_1.fq.gz").write_bytes(pair(3)[0])
    drop = drop_as_named([path], UPLOADS)
    destination.check_mates_there(drop, inspect(drop, "wgs"), cloud.catalog, partial=False)
    assert drop.faults[0].endswith("or rename it to 'S1_R1.fq.gz'")


def test_a_manifest_in_the_bucket_says_more_than_a_name(cloud: Cloud, tmp_path: Path) -> None:
    body = b'{"samples": [{"sample": "S7", "files": [{"r1": "monday.gz", "r2": "B_R1.fastq.gz"}]}]}'
    cloud.upload("x.manifest.json", body)
    first, second = pair(3)
    (odd := tmp_path / "monday.gz").write_bytes(first)
    (named := tmp_path / "B_R1.fastq.gz").write_bytes(second)
    drop = drop_as_named([odd, named], UPLOADS)
    assert list(drop.unfit) == ["monday.gz"]
    destination.apply_expectations(drop, cloud.catalog, UPLOADS)
    assert drop.unfit == {}
    assert {key: (place.sample, place.read) for key, place in drop.places.items()} == {
        "monday.gz": ("S7", "R1"),
        "B_R1.fastq.gz": ("S7", "R2"),
    }
    assert inspect(drop, "wgs") == []
    assert drop.faults == []
    alone = drop_as_named([odd], UPLOADS)
    destination.apply_expectations(alone, cloud.catalog, UPLOADS)
    assert inspect(alone, "wgs") == []
    assert alone.faults == []


def test_a_file_of_another_sample_at_the_buckets_root_is_not_replaced(
    cloud: Cloud, tmp_path: Path
) -> None:
    first, second = pair(3)
    cloud.upload("a_R1.fastq.gz", first)
    stack = cast(Stack, FakeStack(cloud.catalog, Objects(cloud.s3)))
    path, manifest = tmp_path / "a_R1.fastq.gz", tmp_path / "m.manifest.json"

    def faults(sample: str, content: bytes) -> list[str]:
        path.write_bytes(content)
        files = [{"r1": "a_R1.fastq.gz", "r2": "later.gz"}]
        manifest.write_text(json.dumps({"samples": [{"sample": sample, "files": files}]}))
        drop = drop_as_named([manifest, path], UPLOADS)
        replacement.check_no_others_file(drop, stack, UPLOADS, "wgs")
        return drop.faults

    [fault] = faults("B", second)
    assert fault.startswith(f"{path}: s3://{UPLOADS}/a_R1.fastq.gz is another file, of a (wgs), ")
    assert faults("a", second) == []  # its own sample's file, sent anew
    cloud.s3.put_object(Bucket=UPLOADS, Key="a_R1.fastq.gz", Body=second, ChecksumAlgorithm="CRC32")
    assert faults("B", second) == []  # the very file


def test_a_manifest_of_other_samples_at_the_buckets_root_is_not_replaced(
    cloud: Cloud, tmp_path: Path
) -> None:
    stack = cast(Stack, FakeStack(cloud.catalog, Objects(cloud.s3)))
    manifest = tmp_path / "samplesheet.csv"
    cloud.s3.put_object(
        Bucket=UPLOADS, Key=manifest.name, Body=b"sample,r1,r2\nA,a_R1.fq.gz,a_R2.fq.gz\n"
    )
    for sample, expected in (("B", 1), ("A", 0)):
        manifest.write_text(f"sample,r1,r2\n{sample},b_R1.fq.gz,b_R2.fq.gz\n")
        drop = drop_as_named([manifest], UPLOADS)
        replacement.check_no_others_file(drop, stack, UPLOADS, "wgs")
        assert ["is another manifest, of A, and" in one for one in drop.faults] == [True] * expected


def test_a_sample_under_the_default_assay_named_and_not_named_is_named_twice(
    tmp_path: Path,
) -> None:
    manifest = tmp_path / "m.manifest.json"
    entries = [
        {"sample": "A", "files": [{"r1": "a1", "r2": "a2"}]},
        {"sample": "A", "assay": "wgs", "files": [{"r1": "b1", "r2": "b2"}]},
    ]
    manifest.write_text(json.dumps({"samples": entries}))
    for default, count in (("wgs", 1), ("wes", 0)):
        drop = drop_as_named([manifest], UPLOADS)
        destination.check_samples_once(drop, default)
        assert len(drop.faults) == count
        assert all("names sample A 2 times under the assay wgs" in one for one in drop.faults)


def test_mates_of_two_lanes_are_a_fault_where_all_that_the_buckets_manifest_names_is_given(
    cloud: Cloud, tmp_path: Path
) -> None:
    body = b'{"samples": [{"sample": "S7", "files": [{"r1": "monday.gz", "r2": "tuesday.gz"}]}]}'
    cloud.upload("x.manifest.json", body)
    paths = [tmp_path / "monday.gz", tmp_path / "tuesday.gz"]
    paths[0].write_bytes(pair(3, lane=1)[0])
    paths[1].write_bytes(pair(3, lane=2)[1])
    drop = drop_as_named(paths, UPLOADS)
    destination.apply_expectations(drop, cloud.catalog, UPLOADS)
    assert inspect(drop, "wgs") == []
    assert ["they are not each other's mates" in fault for fault in drop.faults] == [True, True]


def test_names_alone_are_warned_of_where_the_assay_starts_by_a_manifest(
    cloud: Cloud, library: Library, tmp_path: Path
) -> None:
    folder = tmp_path / "pipelines of a test"
    listed = FILES["assays.yaml"].replace("default: wgs", "default: listed")
    more = "  listed: {pipeline: quick, reference: tiny, complete: {rule: manifest}}\n"
    (folder / "assays.yaml").write_text(listed + more)
    paths = [tmp_path / f"S1_R{read}.fastq.gz" for read in (1, 2)]
    for path, body in zip(paths, pair(3), strict=True):
        path.write_bytes(body)
    drop = looked(cloud, library, drop_as_named(paths, UPLOADS))
    [warning] = drop.warnings
    assert warning.startswith("S1: the assay listed starts by a manifest")
    assert looked(cloud, library, dropped(tmp_path, assay="listed")).warnings == []


def test_a_folder_named_like_an_assay_is_warned_of(tmp_path: Path, library: Library) -> None:
    for name in ("wes", "wgs"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}_R1.fastq.gz").write_bytes(b"x")
    gathered = gather([tmp_path / "wes", tmp_path / "wgs"])
    drop = drop_as_named(gathered.files, UPLOADS)
    destination.warn_of_folders(gathered, drop, library)
    [warning] = drop.warnings
    assert "its files go to wgs: if wes is meant, upload them with --assay wes" in warning


class Layers:
    """CloudFormation and Lambda, which have one version of one layer."""

    def __init__(self, location: str = "https://layers/x", denied: str = "") -> None:
        self._location, self._denied = location, denied

    def __call__(self, _: str) -> "Layers":
        return self

    def get_paginator(self, _: str) -> "Layers":
        return self

    def paginate(self, **_: str) -> list[dict[str, Any]]:
        if self._denied:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": self._denied}}, "List")
        arn = "arn:aws:lambda:eu-west-1:123456789012:layer:PipelinesLayer0a:"
        return [
            {
                "StackResourceSummaries": [
                    {
                        "ResourceType": "AWS::Lambda::LayerVersion",
                        "LogicalResourceId": f"{name}0a1b2c3d4e",
                        "PhysicalResourceId": f"{arn}{number}",
                        "ResourceStatus": status,
                    }
                    for name, number, status in (
                        ("CoreLayer", 9, "CREATE_COMPLETE"),
                        ("PipelinesLayer", 3, "DELETE_COMPLETE"),
                        ("PipelinesLayer", 4, "CREATE_COMPLETE"),
                    )
                ]
            }
        ]

    def get_layer_version(self, **asked: Any) -> dict[str, Any]:
        if asked != {"LayerName": "PipelinesLayer0a", "VersionNumber": 4}:
            said = f"there is no {asked}"
            raise ClientError(
                {"Error": {"Code": "ResourceNotFoundException", "Message": said}}, "Get"
            )
        return {"Content": {"Location": self._location}}


@dataclass
class LayeredStack:
    """A stack of which only its layers are asked."""

    client: Layers
    name: str = "seqdrop"


def test_the_deployments_own_assays_are_read_from_its_layer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        for name, text in FILES.items():
            packed.writestr(name, text)

    def urlopen(url: str, timeout: float) -> io.BytesIO:
        if url != "https://layers/x":
            raise URLError(f"there is nothing at {url}")
        return io.BytesIO(archive.getvalue())

    monkeypatch.setattr(module, "urlopen", urlopen)
    with deployed_library(cast("Stack", LayeredStack(Layers()))) as known:
        assert known.doubt == ""
        assert set(known.library.assays()) == {"wgs", "wes", "lost", "fast"}
        assert known.library.pipeline("quick").name == "quick"


@pytest.mark.parametrize(
    ("layers", "doubt"),
    [
        (Layers(denied="not for you"), "not for you"),
        (Layers(location="file:///etc"), "is said to be at file:///etc"),
    ],
    ids=["denied", "a strange place"],
)
def test_where_nobody_may_ask_this_copys_assays_stand_in(
    monkeypatch: pytest.MonkeyPatch, layers: Layers, doubt: str
) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with deployed_library(cast("Stack", LayeredStack(layers))) as known:
        assert doubt in known.doubt
        assert known.library.has_assay("wgs-cpu")
