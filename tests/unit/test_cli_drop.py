"""What an upload drops, and under which keys."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.drop_by_manifest import drop_with_manifest
from cli.drop_by_name import drop_as_named, drop_with_options, leave_out_aside
from cli.gather import gather
from cli.manifest_file import named_by_manifests, read_manifest
from cli.name_advice import advice
from seqdrop.domain.errors import InvalidInput
from seqdrop.domain.manifest import MAX_MANIFEST_BYTES, SampleEntry, parse_manifest

BUCKET = "uploads"


def made(folder: Path, *names: str) -> list[Path]:
    paths = [folder / name for name in names]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"reads of " + path.name.encode())
    return paths


def entry(sample: str = "", **given: str) -> SampleEntry:
    return SampleEntry(sample, (), **given)  # type: ignore[arg-type]  # words only


def test_without_options_files_keep_their_names_and_manifests_go_first(tmp_path: Path) -> None:
    files = made(tmp_path, "NA1_R1.fastq.gz", "NA1_R2.fastq.gz", "odd name.gz")
    manifest = tmp_path / "run.manifest.json"
    pair = {"r1": "x.gz", "r2": "y.gz"}
    manifest.write_text(json.dumps({"samples": [{"sample": "Hm2", "files": [pair]}]}))
    drop = drop_as_named([*files, manifest], BUCKET)
    assert list(drop.files) == [manifest.name, *(path.name for path in files)]
    assert drop.samples == ("Hm2", "NA1")
    assert drop.manifest_key == ""


def test_options_make_a_manifest_of_pairs(tmp_path: Path) -> None:
    names = [f"x y_S1_L00{lane}_R{read}_001.fastq.gz" for lane in (1, 2) for read in (2, 1)]
    drop = drop_with_options(made(tmp_path, *names), entry("NA1", assay="wes", project="p"), BUCKET)
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
    drop = drop_with_options(made(tmp_path, *names), entry(assay="wes"), BUCKET)
    assert drop.samples == ("A", "B")


def test_the_same_upload_again_comes_to_the_same_keys(tmp_path: Path) -> None:
    names = ("A_1.fq.gz", "A_2.fq.gz")
    first = drop_with_options(made(tmp_path / "1", *names), entry("A", project="p"), BUCKET)
    again = drop_with_options(made(tmp_path / "2", *names), entry("A", project="q"), BUCKET)
    other = drop_with_options(made(tmp_path / "1", *names), entry("B", project="p"), BUCKET)
    assert list(first.files) == list(again.files)
    assert not set(first.files) & set(other.files)


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (["A_R1.fastq.gz"], "R2 is missing"),
        (["A_R1.fastq.gz", "A_1.fastq.gz"], "the same mate as"),
        (["reads.fastq.gz"], "does not end in _R1, _R2, _1 or _2 before"),
        (["A-R1.fastq.gz"], "does not end in _R1, _R2, _1 or _2 before"),
        (["A_R1.FASTQ.GZ"], "its name does not end in .fastq.gz or .fq.gz; rename it to 'A_R1."),
        (["A_R1.fastq.bz2"], "its name does not end in .fastq.gz or .fq.gz; compress it with"),
        (["A_I1.fastq.gz"], "index reads, by its name: leave it out"),
        (["A_R1.bam"], "samtools"),
        (["A_R1.fastq"], "`gzip A_R1.fastq`"),
        (["x.manifest.json"], "upload it without options"),
    ],
)
def test_files_without_their_mates_are_refused(tmp_path: Path, names: list[str], says: str) -> None:
    drop = drop_with_options(made(tmp_path, *names), entry("A"), BUCKET)
    assert drop.manifest == b""
    assert any(says in fault for fault in drop.faults), drop.faults


def test_each_fault_of_a_set_is_told(tmp_path: Path) -> None:
    names = ["A_R1.fastq.gz", "B_R2.fastq.gz", "c.fastq.gz", "D_1.fq.gz", "D_2.fq.gz"]
    drop = drop_with_options(made(tmp_path, *names), entry(assay="wes"), BUCKET)
    told = [fault.partition(":")[0] for fault in drop.faults]
    assert sorted(told) == [str(tmp_path / name) for name in names[:3]]


def test_names_that_fit_nothing_are_told_with_what_would_fit(tmp_path: Path) -> None:
    names = ["A.R1.fastq.gz", "A_R2.fastq.gz", "A_S1_L001_R3_001.fastq.gz", "b.bam"]
    drop = drop_as_named(made(tmp_path, *names), BUCKET)
    assert list(drop.places) == ["A_R2.fastq.gz"]
    assert list(drop.unfit) == ["A.R1.fastq.gz", "A_S1_L001_R3_001.fastq.gz", "b.bam"]
    assert "rename it to 'A_R1.fastq.gz'" in drop.unfit["A.R1.fastq.gz"]
    assert "UMIs" in drop.unfit["A_S1_L001_R3_001.fastq.gz"]


@pytest.mark.parametrize(
    ("name", "fact"),
    [
        ("A.bam", "its name does not end in .fastq.gz or .fq.gz"),
        ("A.R1.fastq.gz", "nor <sample>_R<1|2>.fastq.gz (or _1, _2, .fq.gz)"),
        ("Ä: B_R1.fastq.gz", "and must begin with a letter or digit"),
    ],
)
def test_what_to_do_with_a_file_of_the_bucket_is_not_said_of_one_of_this_machine(
    tmp_path: Path, name: str, fact: str
) -> None:
    [path] = made(tmp_path, name)
    said = drop_as_named([path], BUCKET).unfit[name]
    assert said.endswith(f"{fact}; {advice(name)}")
    assert "drop a manifest" not in said


ASIDE = ["A_I1.fastq.gz", "A_I2.fq.gz", "A_R1.fastq.gz~", "A_UMI.fastq.gz"]


def test_of_a_folder_odd_files_are_left_out_and_given_one_by_one_they_are_faults(
    tmp_path: Path,
) -> None:
    pair = made(tmp_path, "A_R1.fastq.gz", "A_R2.fastq.gz")
    aside = made(tmp_path, *ASIDE)
    for from_folders in (set(aside + pair), set()):
        by_name = drop_as_named([*aside, *pair], BUCKET)
        leave_out_aside(by_name, from_folders)
        with_options = drop_with_options([*aside, *pair], entry(assay="wes"), BUCKET, from_folders)
        for drop in (by_name, with_options):
            assert set(pair) <= set(drop.files.values())
            faults = [*drop.faults, *drop.unfit.values()]
            left_out = [one.path for one in drop.left_out]
            if from_folders:
                assert (faults, left_out) == ([], aside)
            else:
                assert left_out == []
                assert [fault.partition(":")[0] for fault in faults] == [str(p) for p in aside]
                assert all(fault.endswith(": leave it out") for fault in faults)


def test_what_a_manifest_in_the_folder_names_is_not_left_out(tmp_path: Path) -> None:
    paths = made(tmp_path, "A_UMI.fastq.gz", "A_I1.fastq.gz")
    manifest_of(tmp_path / "m.manifest.json", "A", *(path.name for path in paths))
    drop = drop_as_named([*paths, tmp_path / "m.manifest.json"], BUCKET)
    leave_out_aside(drop, set(paths))
    assert (drop.left_out, [place.sample for place in drop.places.values()]) == ([], ["A", "A"])


def test_a_name_is_not_proposed_where_another_file_has_it(tmp_path: Path) -> None:
    drop = drop_as_named(made(tmp_path, "A.R1.fastq.gz", "A_R1.fastq.gz"), BUCKET)
    assert "'A_R1.fastq.gz'" not in drop.unfit["A.R1.fastq.gz"]


def test_a_manifest_among_the_files_says_what_they_are_whatever_their_names(
    tmp_path: Path,
) -> None:
    files = made(tmp_path, "odd one.gz", "B_R2.fastq.gz")
    manifest = tmp_path / "run.manifest.json"
    pairs = [
        {"r1": "odd one.gz", "r2": "later.gz"},
        {"r1": "s3://uploads/B_R1.fastq.gz", "r2": "B_R2.fastq.gz"},
    ]
    manifest.write_text(json.dumps({"samples": [{"sample": "Hm2", "files": pairs}]}))
    drop = drop_as_named([*files, manifest], BUCKET)
    assert {key: (place.sample, place.read) for key, place in drop.places.items()} == {
        "odd one.gz": ("Hm2", "R1"),
        "B_R2.fastq.gz": ("Hm2", "R2"),
    }
    assert (drop.unfit, drop.awaited) == ({}, {("Hm2", "")})


def test_a_manifest_in_a_given_folder_goes_with_its_files_to_a_folder_of_its_own(
    tmp_path: Path,
) -> None:
    names = ("sub/S1_R1.fastq.gz", "S1_R2.fastq.gz")
    drops = []
    for lab, sample in (("labA", "ALICE1"), ("labB", "BOB1")):
        below, beside = made(tmp_path / lab, *names)
        file = manifest_of(tmp_path / lab / "samples.manifest.json", sample, *names)
        drop = drop_as_named([beside, file], BUCKET, [tmp_path / lab])
        assert (drop.faults, drop.unfit, drop.awaited) == ([], {}, set())
        assert list(drop.files.values()) == [file, below, beside]
        assert {place.sample for place in drop.places.values()} == {sample}
        [folder] = {key.split("/")[0] for key in drop.files}
        assert list(drop.files) == [f"{folder}/samples.manifest.json"] + [
            f"{folder}/{name}" for name in names
        ]
        drops.append(drop)
    assert not drops[0].files.keys() & drops[1].files.keys()


def test_a_given_file_is_the_one_that_a_manifest_names_with_its_folder(tmp_path: Path) -> None:
    pair = made(tmp_path, "sub/a.fq.gz", "sub/b.fq.gz")
    file = manifest_of(tmp_path / "m.manifest.json", "A", "sub/a.fq.gz", "sub/b.fq.gz")
    drop = drop_as_named([file, *pair], BUCKET)
    assert (drop.faults, drop.unfit) == ([], {})
    assert [(place.sample, place.read) for place in drop.places.values()] == [
        ("A", "R1"), ("A", "R2"),
    ]  # fmt: skip


def test_files_beside_a_manifest_that_is_given_alone_are_not_taken_with_it(tmp_path: Path) -> None:
    made(tmp_path, "a.fq.gz", "b.fq.gz")
    file = manifest_of(tmp_path / "m.manifest.json", "A", "a.fq.gz", "b.fq.gz")
    drop = drop_as_named([file], BUCKET)
    assert (list(drop.files), drop.awaited) == (["m.manifest.json"], {("A", "")})


def test_of_what_a_manifest_names_a_part_may_come_later_to_the_same_folder(tmp_path: Path) -> None:
    [first] = made(tmp_path, "sub/a.fq.gz")
    file = manifest_of(tmp_path / "m.manifest.json", "A", "sub/a.fq.gz", "sub/b.fq.gz")
    drop = drop_as_named([file, first], BUCKET)
    assert list(drop.files) == ["m.manifest.json", "sub/a.fq.gz"]
    assert drop.places["sub/a.fq.gz"].sample == "A"
    assert drop.awaited == {("A", "")}


def test_index_reads_are_taken_where_a_manifest_in_the_folder_names_them(tmp_path: Path) -> None:
    names = ("A_S1_L001_R1_001.fastq.gz", "A_S1_L001_I1_001.fastq.gz")
    pair = made(tmp_path / "run", *names)
    other = made(tmp_path / "other", names[1], "B_R1.fastq.gz", "B_R2.fastq.gz")
    file = manifest_of(tmp_path / "run/m.manifest.json", "A", *names)
    folders = [tmp_path / "run", tmp_path / "other"]
    gathered = gather(folders, named_by_manifests(folders))
    drop = drop_as_named(gathered.files, BUCKET, folders)
    assert drop.faults == []
    assert list(drop.files.values()) == [file, *pair, *other[1:]]
    assert [(one.path, one.why) for one in drop.left_out] == [(other[0], "an index read")]
    assert [place.read for place in drop.places.values()] == ["R1", "R2", "R1", "R2"]


@pytest.mark.parametrize("name", ["../b.fq.gz", "x/../../b.fq.gz"])
def test_a_manifest_in_a_folder_names_nothing_outside_of_it(tmp_path: Path, name: str) -> None:
    made(tmp_path, "b.fq.gz", "run/a.fq.gz")
    file = manifest_of(tmp_path / "run/m.manifest.json", "A", "a.fq.gz", name)
    [fault] = drop_as_named([file], BUCKET, [tmp_path / "run"]).faults
    assert fault.startswith(f"{file}: names {name!r}, which is outside the manifest's folder")


def test_a_manifest_that_names_one_object_twice_is_refused_as_the_bucket_would(
    tmp_path: Path,
) -> None:
    file = manifest_of(tmp_path / "m.manifest.json", "A", "a.fq.gz", "s3://uploads/a.fq.gz")
    [fault] = drop_as_named([file], BUCKET).faults
    assert fault == f"{file}: the manifest names 'a.fq.gz' more than once"


def test_a_manifest_that_is_too_large_is_refused_before_it_is_sent(tmp_path: Path) -> None:
    file = tmp_path / "m.manifest.json"
    file.write_bytes(b" " * (MAX_MANIFEST_BYTES + 1))
    [fault] = drop_as_named([file], BUCKET).faults
    assert fault == f"{file}: the manifest has over 8 MiB: split it"


def test_a_manifest_among_the_files_that_can_not_be_used_is_one_fault_of_several(
    tmp_path: Path,
) -> None:
    (sheet := tmp_path / "samplesheet.csv").write_text("patient,fastq_1\nA,x\n")
    drop = drop_as_named([sheet, *made(tmp_path, "1/a_R1.fq.gz", "2/a_R1.fq.gz")], BUCKET)
    assert len(drop.faults) == 2
    assert f"{sheet}: line 1 of the samplesheet lacks the columns sample, fastq_2" in drop.faults[0]
    assert "the same name" in drop.faults[1]


def test_a_sample_id_with_other_characters_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"may only have letters[^:]*$"):
        drop_with_options(made(tmp_path, "A_1.fq.gz", "A_2.fq.gz"), entry("../A"), BUCKET)


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    paths = made(tmp_path, "1/A_R1.fastq.gz", "2/A_R1.fastq.gz")
    [fault] = drop_as_named(paths, BUCKET).faults
    assert fault.startswith(f"{paths[1]}: has the same name as {paths[0]}")


def test_a_manifest_brings_the_files_that_it_names(tmp_path: Path) -> None:
    made(tmp_path, "fc1/a_1.fq.gz", "fc1/a_2.fq.gz")
    [elsewhere] = made(tmp_path, "other/b_1.fq.gz")
    pairs = [
        {"r1": "fc1/a_1.fq.gz", "r2": "fc1/a_2.fq.gz"},
        {"r1": "b_1.fq.gz", "r2": "s3://uploads/b_2.fq.gz"},
    ]
    file = tmp_path / "lane.json"
    file.write_text(json.dumps({"samples": [{"sample": "A", "files": pairs}]}))
    drop = drop_with_manifest(file, read_manifest(file), [elsewhere], BUCKET)
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
    assert drop_with_manifest(file, read_manifest(file), [], BUCKET).manifest_key.endswith(
        "/run7.samplesheet.csv"
    )


def test_what_is_wrong_in_a_manifest_is_said_with_its_file(tmp_path: Path) -> None:
    file = tmp_path / "run7.csv"
    file.write_text("sample,r1,r2,lane\nA,a_1.fq.gz,a_2.fq.gz,\nB,b_1.fq.gz,b_2.fq.gz,four\n")
    with pytest.raises(InvalidInput) as caught:
        read_manifest(file)
    assert str(caught.value).startswith(f"{file}: line 3 of the samplesheet: lane is a number")


def test_files_that_a_manifest_names_may_be_given_by_way_of_a_link(tmp_path: Path) -> None:
    real = tmp_path / "real"
    files = made(real, "A_R1.fastq.gz", "A_R2.fastq.gz")
    pair = {"r1": files[0].name, "r2": files[1].name}
    content = {"samples": [{"sample": "A", "files": [pair]}]}
    (real / "m.manifest.json").write_text(json.dumps(content))
    link = tmp_path / "link"
    link.symlink_to(real)
    file = link / "m.manifest.json"
    drop = drop_with_manifest(file, read_manifest(file), files, BUCKET)
    assert drop.faults == []
    assert len(drop.files) == 2


def test_a_manifest_of_files_that_are_not_there_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.manifest.json"
    pair = {"r1": "a_1.fq.gz", "r2": "a_2.fq.gz"}
    file.write_text(json.dumps({"samples": [{"sample": "A", "files": [pair]}]}))
    assert [
        fault.partition(", ")[0]
        for fault in drop_with_manifest(file, read_manifest(file), [], BUCKET).faults
    ] == [
        f"{file}: names 'a_1.fq.gz'",
        f"{file}: names 'a_2.fq.gz'",
    ]
    made(tmp_path, "a_1.fq.gz", "a_2.fq.gz")
    [stranger] = made(tmp_path, "c_1.fq.gz")
    [fault] = drop_with_manifest(file, read_manifest(file), [stranger], BUCKET).faults
    assert "does not name it" in fault


def test_of_a_folder_a_manifest_takes_what_it_names_and_leaves_the_rest(tmp_path: Path) -> None:
    file = tmp_path / "a.manifest.json"
    pair = {"r1": "A_S1_L001_R1_001.fastq.gz", "r2": "A_S1_L001_I1_001.fastq.gz"}
    file.write_text(json.dumps({"samples": [{"sample": "A", "files": [pair]}]}))
    inside = made(tmp_path / "run", *pair.values(), "B_R1.fastq.gz")
    drop = drop_with_manifest(file, read_manifest(file), [*inside, file], BUCKET, inside)
    assert list(drop.files.values()) == inside[:2]
    assert drop.faults == []
    assert [(one.path, one.why) for one in drop.left_out] == [
        (inside[2], "a.manifest.json does not name it")
    ]
    assert read_manifest(file).names == list(pair.values())


def manifest_of(file: Path, sample: str, r1: str, r2: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    entry = {"sample": sample, "files": [{"r1": r1, "r2": r2}]}
    file.write_text(json.dumps({"samples": [entry]}))
    return file


def test_two_labs_of_one_layout_never_share_a_key(tmp_path: Path) -> None:
    names = ("data/S1_R1.fastq.gz", "data/S1_R2.fastq.gz")
    drops = []
    for lab, sample in (("labA", "ALICE1"), ("labB", "BOB1")):
        made(tmp_path / lab, *names)
        file = manifest_of(tmp_path / lab / "m.manifest.json", sample, *names)
        drop = drop_with_manifest(file, read_manifest(file), [], BUCKET)
        assert drop.faults == []
        assert list(drop.files.values()) == [tmp_path / lab / name for name in names]
        drops.append(drop)
    assert not drops[0].files.keys() & drops[1].files.keys()


@pytest.mark.parametrize(
    "name", ["../data/a_1.fq.gz", "x/../../a_1.fq.gz", "{}/a_1.fq.gz", "/{}/a_1.fq.gz", "..", "."]
)
def test_a_name_outside_the_manifests_folder_is_refused(tmp_path: Path, name: str) -> None:
    made(tmp_path, "data/a_1.fq.gz", "a_1.fq.gz", "sheets/a_2.fq.gz", "sheets/x/b")
    outside = name.format(tmp_path)
    file = manifest_of(tmp_path / "sheets/m.manifest.json", "A", outside, "a_2.fq.gz")
    for paths in ([], [tmp_path / "a_1.fq.gz"]):
        drop = drop_with_manifest(file, read_manifest(file), paths, BUCKET)
        [fault] = drop.faults
        assert fault.startswith(
            f"{file}: names {outside!r}, which is outside the manifest's folder"
        )
        assert (drop.files, drop.manifest) == ({}, b"")


@given(st.lists(st.sampled_from(["..", ".", "", "a", "b", "upload-0", "c.fq.gz"]), min_size=1))
def test_whatever_a_manifest_names_its_files_go_below_the_uploads_own_folder(
    tmp_path_factory: pytest.TempPathFactory, parts: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("m")
    name = "/".join(parts) or "."
    file = manifest_of(folder / "1/2/m.manifest.json", "A", name, "mate.fq.gz")
    (elsewhere := folder / "given").mkdir()
    drop = drop_with_manifest(
        file, read_manifest(file), made(elsewhere, "c.fq.gz", "mate.fq.gz"), BUCKET
    )
    assert all(key.startswith(f"{drop.manifest_key.split('/')[0]}/") for key in drop.files)


@pytest.mark.parametrize(
    ("name", "in_manifest", "why"),
    [
        ("m.manifest.json", "a\n.fq.gz", "names 'a\\n.fq.gz': its name has a line end"),
        ("m\n.manifest.json", "a.fq.gz", "m\\n.manifest.json': its name has a line end"),
        ("m\udcff.manifest.json", "a.fq.gz", "m\\udcff.manifest.json': its name is not in UTF-8"),
    ],
)
def test_no_manifest_is_made_where_a_name_can_be_no_key(
    tmp_path: Path, name: str, in_manifest: str, why: str
) -> None:
    made(tmp_path, in_manifest, "b.fq.gz")
    file = manifest_of(tmp_path / name, "A", in_manifest, "b.fq.gz")
    try:
        drop = drop_with_manifest(file, read_manifest(file), [], BUCKET)
        [said] = drop.faults
        assert drop.manifest == b""
    except InvalidInput as error:
        said = str(error)
    assert why in said


def test_two_names_that_end_alike_get_each_its_own_file(tmp_path: Path) -> None:
    a, b, other = made(tmp_path, "a/S1.fq.gz", "b/S1.fq.gz", "other/S1.fq.gz")
    file = manifest_of(tmp_path / "m.manifest.json", "A", "a/S1.fq.gz", "b/S1.fq.gz")
    for paths in ([], [b], [b, a]):
        drop = drop_with_manifest(file, read_manifest(file), paths, BUCKET)
        assert (drop.faults, list(drop.files.values())) == ([], [a, b])
    [fault] = drop_with_manifest(file, read_manifest(file), [other], BUCKET).faults
    assert fault.startswith(f"{other}: there is another file of this name")


def test_a_file_in_the_place_that_the_manifest_names_is_the_one_that_is_meant(
    tmp_path: Path,
) -> None:
    mine = made(tmp_path, "labA/data/S1_R1.fq.gz", "labA/data/S1_R2.fq.gz")
    others = made(tmp_path, "labB/S1_R1.fq.gz", "labB/S1_R2.fq.gz")
    names = ("data/S1_R1.fq.gz", "data/S1_R2.fq.gz")
    file = manifest_of(tmp_path / "labA/m.manifest.json", "ALICE1", *names)
    by_folder = drop_with_manifest(file, read_manifest(file), others, BUCKET, others)
    assert (by_folder.faults, list(by_folder.files.values())) == ([], mine)
    assert [one.path for one in by_folder.left_out] == others
    faults = drop_with_manifest(file, read_manifest(file), others, BUCKET).faults
    assert [fault.partition(":")[0] for fault in faults] == [str(path) for path in others]
    assert all("there is another file of this name" in fault for fault in faults)


def test_of_two_given_files_of_one_name_none_is_guessed(tmp_path: Path) -> None:
    made(tmp_path, "r2.fq.gz")
    paths = made(tmp_path, "x/S1.fq.gz", "y/S1.fq.gz")
    file = manifest_of(tmp_path / "m.manifest.json", "A", "S1.fq.gz", "r2.fq.gz")
    missing, *ambiguous = drop_with_manifest(file, read_manifest(file), paths, BUCKET).faults
    assert "there is no" in missing
    assert [fault.partition(":")[0] for fault in ambiguous] == [str(path) for path in paths]


def test_a_file_that_two_manifests_name_for_two_samples_is_refused(tmp_path: Path) -> None:
    pair = made(tmp_path, "S1_R1.fastq.gz", "S1_R2.fastq.gz")
    names = [path.name for path in pair]
    sheets = [
        manifest_of(tmp_path / f"{sample}.manifest.json", sample, *names)
        for sample in ("ALICE1", "BOB1")
    ]
    faults = drop_as_named([*sheets, *pair], BUCKET).faults
    assert [fault.partition(":")[0] for fault in faults] == [str(path) for path in pair]
    assert "R1 of ALICE1 and as R1 of BOB1" in faults[0]


def test_a_manifest_of_another_bucket_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.manifest.json"
    pair = {"r1": "s3://elsewhere/a_1.fq.gz", "r2": "s3://elsewhere/a_2.fq.gz"}
    file.write_text(json.dumps({"samples": [{"sample": "A", "files": [pair]}]}))
    with pytest.raises(InvalidInput, match="not in the uploads bucket"):
        drop_with_manifest(file, read_manifest(file), [], BUCKET)


def test_the_priority_travels_in_the_manifest_and_changes_no_key(tmp_path: Path) -> None:
    files = made(tmp_path, "A_1.fq.gz", "A_2.fq.gz")
    urgent, usual = SampleEntry("A", (), priority="urgent"), SampleEntry("A", ())
    drop = drop_with_options(files, urgent, BUCKET)
    [said] = parse_manifest(drop.manifest, drop.manifest_key).samples
    assert said.priority == "urgent"
    again = drop_with_options(files, usual, BUCKET)
    assert again.manifest_key == drop.manifest_key
    assert parse_manifest(again.manifest, "x.manifest.json").samples[0].priority is None
