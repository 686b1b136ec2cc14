"""What an upload drops, and under which keys."""

import json
from pathlib import Path

import pytest

from cli.drop import check_content, drop_as_named, drop_with_manifest, drop_with_options
from seqdrop.domain.errors import InvalidInput, UnplaceableFile
from seqdrop.domain.manifest import SampleEntry, parse_manifest
from tests.lab import reads

R1 = reads(50)


def made(folder: Path, *names: str) -> list[Path]:
    paths = [folder / name for name in names]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"reads of " + path.name.encode())
    return paths


def entry(sample: str = "", **given: str) -> SampleEntry:
    return SampleEntry(sample, (), **given)  # type: ignore[arg-type]  # words only


def test_without_options_files_keep_their_names_and_manifests_go_first(tmp_path: Path) -> None:
    files = made(tmp_path, "NA1_R1.fastq.gz", "NA1_R2.fastq.gz", "odd name.txt")
    manifest = tmp_path / "run.manifest.json"
    pair = {"r1": "x.gz", "r2": "y.gz"}
    manifest.write_text(json.dumps({"samples": [{"sample": "Hm2", "files": [pair]}]}))
    drop = drop_as_named([*files, manifest])
    assert list(drop.files) == [manifest.name, *(path.name for path in files)]
    assert drop.samples == ("Hm2", "NA1")
    assert drop.manifest_key == ""


def test_options_make_a_manifest_of_pairs(tmp_path: Path) -> None:
    names = [f"x y_S1_L00{lane}_R{read}_001.fastq.gz" for lane in (1, 2) for read in (2, 1)]
    drop = drop_with_options(made(tmp_path, *names), entry("NA1", assay="wes", project="p"))
    folder, name = drop.manifest_key.split("/")
    assert folder.startswith("upload-")
    assert set(drop.files) == {f"{folder}/{each}" for each in names}
    [made_entry] = parse_manifest(drop.manifest, name).samples
    assert (made_entry.sample, made_entry.assay, made_entry.project) == ("NA1", "wes", "p")
    assert [(pair.r1, pair.r2) for pair in made_entry.files] == [
        (names[1], names[0]),
        (names[3], names[2]),
    ]


def test_without_a_sample_id_names_tell_it(tmp_path: Path) -> None:
    names = ["A_1.fq.gz", "A_2.fq.gz", "B_R1.fastq.gz", "B_R2.fastq.gz"]
    drop = drop_with_options(made(tmp_path, *names), entry(assay="wes"))
    assert drop.samples == ("A", "B")


def test_index_reads_and_undetermined_reads_stay_behind(tmp_path: Path) -> None:
    taken = ["A_S1_L001_R1_001.fastq.gz", "A_S1_L001_R2_001.fastq.gz"]
    left = ["A_S1_L001_I1_001.fastq.gz", "Undetermined_S0_L001_R1_001.fastq.gz"]
    drop = drop_with_options(made(tmp_path, *taken, *left), entry("A"))
    assert [Path(key).name for key in drop.files] == taken


def test_the_same_upload_again_comes_to_the_same_keys(tmp_path: Path) -> None:
    names = ("A_1.fq.gz", "A_2.fq.gz")
    first = drop_with_options(made(tmp_path / "1", *names), entry("A", project="p"))
    again = drop_with_options(made(tmp_path / "2", *names), entry("A", project="q"))
    other = drop_with_options(made(tmp_path / "1", *names), entry("B", project="p"))
    assert list(first.files) == list(again.files)
    assert not set(first.files) & set(other.files)


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (["A_R1.fastq.gz"], "R2 is missing"),
        (["A_R1.fastq.gz", "A_1.fastq.gz"], "are the same mate"),
        (["reads.fastq.gz"], "which mate"),
        (["A_R1.bam"], "which mate"),
        (["A_S1_L001_I1_001.fastq.gz"], "no FASTQ file"),
    ],
)
def test_files_without_their_mates_are_refused(tmp_path: Path, names: list[str], says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        drop_with_options(made(tmp_path, *names), entry("A"))


def test_a_sample_id_with_other_characters_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnplaceableFile, match="may only have letters"):
        drop_with_options(made(tmp_path, "A_1.fq.gz", "A_2.fq.gz"), entry("../A"))


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    paths = made(tmp_path, "1/A_R1.fastq.gz", "2/A_R1.fastq.gz")
    with pytest.raises(InvalidInput, match="have the same name"):
        drop_as_named(paths)


def test_a_manifest_brings_the_files_that_it_names(tmp_path: Path) -> None:
    made(tmp_path, "fc1/a_1.fq.gz", "fc1/a_2.fq.gz")
    [elsewhere] = made(tmp_path, "other/b_1.fq.gz")
    pairs = [
        {"r1": "fc1/a_1.fq.gz", "r2": "fc1/a_2.fq.gz"},
        {"r1": "b_1.fq.gz", "r2": "s3://uploads/b_2.fq.gz"},
    ]
    file = tmp_path / "lane.json"
    file.write_text(json.dumps({"samples": [{"sample": "A", "files": pairs}]}))
    drop = drop_with_manifest(file, [elsewhere])
    folder, name = drop.manifest_key.split("/")
    assert name == "lane.json.manifest.json"
    assert drop.files == {
        f"{folder}/fc1/a_1.fq.gz": tmp_path / "fc1/a_1.fq.gz",
        f"{folder}/fc1/a_2.fq.gz": tmp_path / "fc1/a_2.fq.gz",
        f"{folder}/b_1.fq.gz": elsewhere,
    }
    assert drop.manifest == file.read_bytes()


def test_a_samplesheet_keeps_a_name_that_tells_what_it_is(tmp_path: Path) -> None:
    made(tmp_path, "a_1.fq.gz", "a_2.fq.gz")
    file = tmp_path / "run7.csv"
    file.write_text("sample,r1,r2\nA,a_1.fq.gz,a_2.fq.gz\n")
    assert drop_with_manifest(file, []).manifest_key.endswith("/run7.samplesheet.csv")


def test_a_manifest_of_files_that_are_not_there_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.manifest.json"
    pair = {"r1": "a_1.fq.gz", "r2": "a_2.fq.gz"}
    file.write_text(json.dumps({"samples": [{"sample": "A", "files": [pair]}]}))
    with pytest.raises(InvalidInput, match=r"names 'a_1\.fq\.gz', but there is no"):
        drop_with_manifest(file, [])
    made(tmp_path, "a_1.fq.gz", "a_2.fq.gz")
    [stranger] = made(tmp_path, "c_1.fq.gz")
    with pytest.raises(InvalidInput, match="does not name c_1"):
        drop_with_manifest(file, [stranger])


@pytest.mark.parametrize(
    ("body", "why"), [(b"", "is empty"), (b"@r\nA\n+\nI\n", "is not gzip"), (R1[:40], "cut off")]
)
def test_a_file_that_the_bucket_would_hold_is_not_uploaded(
    tmp_path: Path, body: bytes, why: str
) -> None:
    (bad := tmp_path / "NA1_R2.fastq.gz").write_bytes(body)
    (good := tmp_path / "NA1_R1.fastq.gz").write_bytes(R1)
    with pytest.raises(InvalidInput, match=f"NA1_R2.fastq.gz: .*{why}.*; nothing was uploaded"):
        check_content([good, bad])


def test_what_is_left_out_or_no_fastq_by_its_name_is_not_looked_at(tmp_path: Path) -> None:
    check_content(made(tmp_path, "A_S1_L001_I1_001.fastq.gz", "notes.txt", "x.manifest.json"))
