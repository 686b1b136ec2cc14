"""Manifests: what a lab may say of its files, and what each mistake in it is answered with."""

import json
import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqdrop.domain import manifest
from seqdrop.domain.errors import InvalidManifest
from seqdrop.domain.manifest import (
    ExpectedFile,
    LaneFiles,
    Manifest,
    SampleEntry,
    check_named_once,
    expected_files,
    locate,
    parse_manifest,
)

WORDS = st.from_regex(r"[A-Za-z0-9._-]{0,20}", fullmatch=True)
SAMPLES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,47}", fullmatch=True)
NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=60)


def sample(**given: Any) -> dict[str, Any]:
    """A sample of one lane."""
    files = [{"r1": "a_1.fq.gz", "r2": "a_2.fq.gz"}]
    return {"sample": "Hm2", "assay": "wgs", "files": files, **given}


def parse(*samples: dict[str, Any]) -> Manifest:
    """A JSON manifest of some samples, parsed."""
    return parse_manifest(json.dumps({"samples": samples}).encode(), "x.manifest.json")


def lane(**given: Any) -> dict[str, Any]:
    """A sample whose one lane says something special."""
    return sample(files=[{"r1": "a", "r2": "b", **given}])


def test_a_manifest_says_all_that_the_design_promises() -> None:
    files = {"lane": "L005", "library": "lib1", "r1": "a", "r2": "b", "r1_md5": "0" * 32}
    entry = parse(sample(project="P 1", priority="urgent", files=[files])).samples[0]
    assert entry == SampleEntry(
        "Hm2", (LaneFiles("a", "b", "L005", "lib1", "0" * 32),), "P 1", "wgs", priority="urgent"
    )


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"samples: []", b"\xff\xfe", b'{"samples": [}', b'"\\ud800"', b"\x1f\x8b"],
)
def test_what_is_not_json_or_no_manifest_says_so(data: bytes) -> None:
    with pytest.raises(InvalidManifest, match=r"is not JSON|does not have the right form"):
        parse_manifest(data, "x.manifest.json")


@pytest.mark.parametrize(
    ("samples", "why"),
    [
        ([], "names no sample"),
        ([sample(sample=7)], r"Expected `str`, got `int` - at `\$.samples\[0\].sample`"),
        ([sample(files="a")], r"at `\$.samples\[0\].files`"),
        ([sample(files=[])], "sample Hm2 has no files"),
        ([sample(flies=[])], "unknown field `flies`"),
        ([sample(files=[{"r2": "a"}])], "missing required field `r1`"),
        ([sample(sample="")], "may only have letters"),
        ([sample(sample="x" * 49)], "has 49 characters"),
        ([sample(sample="../x")], "may only have letters"),
        ([sample(sample="$(touch x)")], "may only have letters"),
        ([sample(assay="a b")], r"assay may have letters.* at `\$.samples\[0\].assay`"),
        ([sample(assay="wgs\n")], "assay may have letters"),
        ([lane(library="lib\n")], "library may have letters"),
        ([lane(library="a\tSM:other")], "library may have letters"),
        ([lane(lane="four")], "lane is a number of at most three digits"),
        ([lane(lane="1\n")], "lane is a number of at most three digits"),
        ([lane(r1_md5="xyz")], "r1_md5 is an MD5 in hex, 32 digits"),
        ([lane(r1="")], "length >= 1"),
        ([sample(project="p" * 65)], "project may have at most 64 characters"),
        ([sample(priority="now")], "priority is urgent, routine or bulk"),
        ([sample(project=7)], r"Expected `str`, got `int` - at `\$.samples\[0\].project`"),
        ([sample(pipeline="p", reference="r")], "has an assay and a pipeline"),
        ([sample(assay="", pipeline="p")], "needs both a pipeline and a reference"),
        ([sample(assay="", reference="r")], "needs both a pipeline and a reference"),
        ([sample(), sample(sample="Hm3")], "names 'a_1.fq.gz' more than once"),
        ([lane(r1="a", r2="a")], "names 'a' more than once"),
        ([lane(r1="a"), lane(r1="c", r2="d")], r"names 'Hm2 \(wgs\)' more than once"),
    ],
)
def test_each_mistake_in_a_manifest_is_named(samples: list[dict[str, Any]], why: str) -> None:
    with pytest.raises(InvalidManifest, match=why):
        parse(*samples)


def test_a_manifest_of_many_samples_is_read_at_once() -> None:
    many = [sample(sample=f"S{n}", files=[{"r1": f"{n}_1", "r2": f"{n}_2"}]) for n in range(20_000)]
    assert len(parse(*many).samples) == 20_000


@pytest.mark.parametrize(
    "name", ["a b.gz", "a'\".gz", "a;b.gz", "$(touch x).gz", "Ä/文.gz", "a%2Fb"]
)
def test_a_files_name_may_have_any_characters(name: str) -> None:
    assert locate(name, "up", "run/x.manifest.json") == ("up", f"run/{name}")


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("a.gz", "run/a.gz"),
        ("./a.gz", "run/a.gz"),
        ("../b/a.gz", "b/a.gz"),
        ("s3://up/other/a.gz", "other/a.gz"),
        ("s3://up/a?b#c.gz", "a?b#c.gz"),
        ("s3://up/../a.gz", "../a.gz"),  # in S3 a key like any other
    ],
)
def test_a_name_is_relative_to_the_manifests_folder_or_whole(name: str, key: str) -> None:
    assert locate(name, "up", "run/x.manifest.json") == ("up", key)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("../../a.gz", "points outside the bucket"),
        ("/etc/passwd", "points outside the bucket"),
        ("..", "points outside the bucket"),
        ("s3://other/a.gz", "is not in the uploads bucket"),
        ("s3://[", "is not in the uploads bucket"),
        ("s3://up", "can't be an object's key"),
        ("s3://up/", "can't be an object's key"),
        ("x" * 1_025, "can't be an object's key"),
    ],
)
def test_a_name_that_is_no_key_of_the_bucket_is_refused(name: str, why: str) -> None:
    with pytest.raises(InvalidManifest, match=re.escape(why)):
        locate(name, "up", "run/x.manifest.json")


@given(NAMES)
def test_any_name_is_located_in_the_bucket_or_refused(name: str) -> None:
    try:
        bucket, key = locate(name, "up", "run/x.manifest.json")
    except InvalidManifest:
        return
    assert bucket == "up"
    assert 0 < len(key.encode()) <= 1_024


def test_expected_files_say_where_each_object_belongs() -> None:
    entry = SampleEntry("Hm2", (LaneFiles("a", "b", "L005", "lib", r2_md5="AB" * 16),))
    assert expected_files(entry, "wgs", "up", "run/x.manifest.json") == [
        ExpectedFile("up", "run/a", "Hm2", "wgs", "R1", "5", "lib"),
        ExpectedFile("up", "run/b", "Hm2", "wgs", "R2", "5", "lib", "ab" * 16),
    ]


def test_more_names_than_the_catalog_can_hold_are_refused() -> None:
    lanes = tuple(LaneFiles(f"{n:0500}_1", f"{n:0500}_2") for n in range(200))
    with pytest.raises(InvalidManifest, match="400 files of sample Hm2 are too long"):
        expected_files(SampleEntry("Hm2", lanes), "wgs", "up", "x.manifest.json")


def test_one_object_may_not_be_named_twice() -> None:
    check_named_once(["a", "b"])
    with pytest.raises(InvalidManifest, match="names 'a' more than once"):
        check_named_once(["a", "b", "a"])


@pytest.mark.parametrize(
    ("column", "value", "why"),
    [
        ("sex", "weiblich", "sex is female or male"),
        ("priority", "now", "priority is urgent, routine or bulk"),
        (
            "lane",
            "four",
            "lane is a number of at most three digits, as 5, L005 or lane_5, not 'four'",
        ),
        ("r2_md5", "xyz", "r2_md5 is an MD5 in hex, 32 digits"),
        ("project", "p" * 65, "project may have at most 64 characters"),
        ("reference_version", "a b", "reference_version may have letters"),
    ],
)
@pytest.mark.parametrize("line", [2, 3, 5])
def test_a_value_that_can_not_be_used_is_named_with_its_line(
    column: str, value: str, why: str, line: int
) -> None:
    lines = [f"sample,r1,r2,{column}", "A,a1,a2,", "B,b1,b2,", "", "A,c1,c2,"]
    lines[line - 1] += value
    with pytest.raises(InvalidManifest, match=f"^line {line} of the samplesheet: {why}"):
        parse_manifest("\n".join(lines).encode(), "samplesheet.csv")


def test_each_field_has_its_rule_in_words_or_may_have_any_text() -> None:
    fields = {*LaneFiles.__struct_fields__, *SampleEntry.__struct_fields__}
    assert fields - manifest._RULES.keys() == {"sample", "files", "control", "r1", "r2"}
    assert manifest._RULES.keys() <= fields


def test_a_sample_may_have_a_sex_in_either_form() -> None:
    assert parse(sample(sex="female")).samples[0].sex == "female"
    assert parse(sample()).samples[0].sex == ""
    sheet = b"sample,sex,r1,r2\nHm2,male,a,b\n"
    assert parse_manifest(sheet, "samplesheet.csv").samples[0].sex == "male"
    with pytest.raises(InvalidManifest, match="sex"):
        parse(sample(sex="m"))


@pytest.mark.parametrize(
    ("said", "control"),
    [("true", True), ("Yes", True), ("1", True), ("false", False), ("no", False), ("", False)],
)
def test_a_control_is_named_in_a_samplesheet_too(said: str, control: bool) -> None:
    sheet = f"sample,r1,r2,control\nNTC,a,b,{said}\nNTC,c,d,\n".encode()
    [entry] = parse_manifest(sheet, "samplesheet.csv").samples
    assert (entry.control, len(entry.files)) == (control, 2)
    assert parse(sample(control=control)).samples[0].control is control
    assert parse(sample()).samples[0].control is False


def test_a_samplesheet_is_the_same_manifest() -> None:
    sheet = (
        "\ufeffSample,assay,R1,R2,Lane,r1_md5\r\n"
        f"Hm2,wgs,a1,a2,L001,{'0' * 32}\r\n"
        "Hm2,wgs,b1,b2,L002,\r\n"
        "\r\n"
        "Hm3,wes,c1,c2,,\r\n"
    )
    found = parse_manifest(sheet.encode(), "run/SampleSheet.CSV")
    lanes = (LaneFiles("a1", "a2", "L001", r1_md5="0" * 32), LaneFiles("b1", "b2", "L002"))
    assert found.samples == (
        SampleEntry("Hm2", lanes, assay="wgs"),
        SampleEntry("Hm3", (LaneFiles("c1", "c2"),), assay="wes"),
    )


@pytest.mark.parametrize(
    ("sheet", "why"),
    [
        (b"", "names no sample"),
        (b"sample,r1,r2\n", "names no sample"),
        (b"\xff\xfe", "is not CSV in UTF-8"),
        (b'sample,r1,r2\n"Hm2,a,b\n', "is not CSV in UTF-8"),
        (
            b"sample,r1\nHm2,a\n",
            "line 1 of the samplesheet lacks the column r2 (it has",
        ),
        (b"sample,r1,r2\nHm2,a,b,c\n", "line 2 of the samplesheet has 4 values for 3 columns"),
        (b"sample,r1,r2,\nHm2,a,b,c\n", "line 2 of the samplesheet has a value in a column wi"),
        (b"sample,r1,r1,r2\nHm2,a,x,b\n", "line 1 of the samplesheet has the column r1 more th"),
        (b"sample,R1,r2,r1 \nHm2,a,b,x\n", "line 1 of the samplesheet has the column r1 more th"),
        (b"sample,r1,r2,files\nHm2,a,b,c\n", "the samplesheet has a column 'files', which is none"),
        (b"sample,r1,r2\nHm2,,b\n", "line 2 of the samplesheet lacks"),
        (b"sample,r1,r2,control\nHm2,a,b,maybe\n", "line 2 of the samplesheet: control is true"),
        (
            b"sample,r1,r2,colour\nHm2,a,b,red\n",
            "the samplesheet has a column 'colour', which is none of assay, control, lane, ",
        ),
        (b"[Header],,\nFileFormatVersion,2,\n", "this is Illumina's sample sheet"),
        (b"sample,r1,r2,priority\nHm2,a,b,now\n", "line 2 of the samplesheet: priority is urg"),
    ],
)
def test_each_mistake_in_a_samplesheet_is_named(sheet: bytes, why: str) -> None:
    with pytest.raises(InvalidManifest, match=re.escape(why)):
        parse_manifest(sheet, "samplesheet.csv")


@given(st.binary(max_size=200), st.sampled_from(["x.manifest.json", "samplesheet.csv"]))
def test_any_bytes_are_a_manifest_or_refused(data: bytes, key: str) -> None:
    try:
        assert parse_manifest(data, key).samples
    except InvalidManifest:
        return


@given(SAMPLES, WORDS, st.lists(NAMES, min_size=2, max_size=8, unique=True))
def test_a_written_manifest_reads_back_the_same(name: str, word: str, files: list[str]) -> None:
    lanes = tuple(
        LaneFiles(r1, r2, library=word) for r1, r2 in zip(files[::2], files[1::2], strict=False)
    )
    manifest = Manifest((SampleEntry(name, lanes, assay=word),))
    assert parse_manifest(msgspec.json.encode(manifest), "x.manifest.json") == manifest


@pytest.mark.parametrize(
    ("column", "first", "second", "said"),
    [
        ("reference", "hg19", "hg38", "'hg19' on line 2, 'hg38' on line 4"),
        ("reference_version", "1", "2", "'1' on line 2, '2' on line 4"),
        ("project", "p 1", "p 2", "'p 1' on line 2, 'p 2' on line 4"),
        ("priority", "bulk", "urgent", "'bulk' on line 2, 'urgent' on line 4"),
        ("control", "yes", "0", "true on line 2, false on line 4"),
        ("sex", "female", "male", "two different values on lines 2 and 4"),
    ],
)
def test_lines_of_one_sample_that_contradict_each_other_are_refused(
    column: str, first: str, second: str, said: str
) -> None:
    lines = [f"sample,r1,r2,{column}", f"Hm2,a,b,{first}", "Hm3,e,f,", f"Hm2,c,d,{second}"]
    with pytest.raises(InvalidManifest) as caught:
        parse_manifest("\n".join(lines).encode(), "samplesheet.csv")
    assert str(caught.value).startswith(f"sample Hm2, column {column}: {said}: ")


def test_lines_of_a_sample_under_two_assays_are_two_analyses() -> None:
    sheet = b"sample,r1,r2,assay,project\nHm2,a,b,wes,p 1\nHm2,c,d,wgs,\nHm2,e,f,wes,\n"
    wes, wgs = parse_manifest(sheet, "samplesheet.csv").samples
    assert (wes.assay, [pair.r1 for pair in wes.files], wes.project) == ("wes", ["a", "e"], "p 1")
    assert (wgs.assay, [pair.r1 for pair in wgs.files]) == ("wgs", ["c"])


def test_what_is_said_of_a_person_holds_under_each_assay() -> None:
    sheet = b"sample,r1,r2,assay,sex,control\nHm2,a,b,wes,male,\nHm2,c,d,wgs,,yes\n"
    found = parse_manifest(sheet, "samplesheet.csv").samples
    assert [(entry.assay, entry.sex, entry.control) for entry in found] == [
        ("wes", "male", True), ("wgs", "male", True),
    ]  # fmt: skip


def test_a_line_without_an_assay_must_not_be_of_either() -> None:
    sheet = b"sample,r1,r2,assay\nHm2,a,b,wes\nHm2,c,d,\nHm2,e,f,wgs\n"
    with pytest.raises(InvalidManifest) as told:
        parse_manifest(sheet, "samplesheet.csv")
    assert str(told.value) == (
        "line 3 of the samplesheet names no assay, and other lines of sample Hm2 name several "
        "('wes', 'wgs'): name one of them"
    )


SEXES = ["female", "male", "Female", "M", "f"]


@pytest.mark.parametrize("column", ["sex", "Sex"])
@given(st.lists(st.sampled_from(["", *SEXES]), min_size=1, max_size=4))
def test_no_message_shows_a_sex(column: str, sexes: list[str]) -> None:
    lines = [f"{column},sample,r1,r2"] + [f"{s},Hm2,{n}a,{n}b" for n, s in enumerate(sexes)]
    json_form = [sample(sex=s, assay=f"a{n}", files=[{"r1": f"{n}", "r2": f"{n}b"}])
                 for n, s in enumerate(sexes)]  # fmt: skip
    for data, key in (
        ("\n".join(lines), "samplesheet.csv"),
        (json.dumps({"samples": json_form}), "x.manifest.json"),
    ):
        try:
            found = parse_manifest(data.encode(), key).samples
        except InvalidManifest as error:
            said = str(error).replace("sex is female or male", "")
            assert not re.search(r"(?i)female|\bmale\b|'m'|'f'", said)
        else:
            assert {entry.sex for entry in found} - {""} == set(sexes) - {""}


SAID = {"assay": "wes", "project": "P 1", "priority": "urgent", "sex": "male", "control": "true"}


@given(
    st.lists(st.sets(st.sampled_from(sorted(SAID))), min_size=1, max_size=5),
    st.permutations(["sample", "r1", "r2", *sorted(SAID)]),
)
def test_what_any_line_of_a_sample_says_counts_for_all_of_it(
    lines: list[set[str]], columns: list[str]
) -> None:
    rows = [",".join(columns)]
    for number, told in enumerate(lines):
        row = {"sample": "Hm2", "r1": f"{number}a", "r2": f"{number}b"}
        row |= {column: SAID[column] for column in told}
        rows.append(",".join(row.get(column, "") for column in columns))
    [entry] = parse_manifest("\n".join(rows).encode(), "samplesheet.csv").samples
    told = set().union(*lines)
    assert [pair.r1 for pair in entry.files] == [f"{number}a" for number in range(len(lines))]
    given_words = {"assay": entry.assay, "project": entry.project, "sex": entry.sex}
    assert given_words == {name: SAID[name] if name in told else "" for name in given_words}
    assert (entry.priority == "urgent", entry.control) == ("priority" in told, "control" in told)


def test_lines_are_told_by_their_numbers_in_the_file() -> None:
    sheet = b'\n,,,\nsample,r1,r2,project\n\nHm2,a,b,"two\nlines"\n,,,\nHm2,c,d,x\n'
    with pytest.raises(InvalidManifest, match=r"'two\\nlines' on line 6, 'x' on line 8"):
        parse_manifest(sheet, "samplesheet.csv")


def test_a_samplesheet_with_the_line_ends_of_old_macs_is_read() -> None:
    [entry] = parse_manifest(b"sample,r1,r2\rHm2,a,b\r", "samplesheet.csv").samples
    assert entry.files == (LaneFiles("a", "b"),)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (
            b'{"samples":[{"sample":"A","sex":"male","sex":"female","files":[{"r1":"a","r2":"b"}]}]}',
            "the manifest has the key 'sex' of sample 'A' more than once: keep one",
        ),
        (
            b'{"samples":[{"sample":"A","files":[{"r1":"a","r2":"b","lane":"1","lane":"1"}]}]}',
            "the manifest has the key 'lane' of r1 'a' more than once: keep one",
        ),
        (
            b'{"samples":[],"samples":[{"sample":"A","files":[{"r1":"a","r2":"b"}]}]}',
            "the manifest has the key 'samples' more than once: keep one",
        ),
        (
            b'{"samples":[{"sample":"A","\\u0073ex":"male","sex":"male","files":[{"r1":"a","r2":"b"}]}]}',
            "the manifest has the key 'sex' of sample 'A' more than once: keep one",
        ),
    ],
)
def test_a_key_that_stands_twice_in_json_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(InvalidManifest, match=re.escape(why)):
        parse_manifest(data, "x.manifest.json")


@pytest.mark.parametrize("spelling", ["./a", "x/../a", ".//a"])
def test_one_file_under_two_spellings_is_refused(spelling: str) -> None:
    with pytest.raises(InvalidManifest, match="names 'a' more than once"):
        parse(sample(files=[{"r1": spelling, "r2": "b"}, {"r1": "a", "r2": "c"}]))


def test_a_sample_under_two_assays_is_of_one_sex() -> None:
    wgs = sample(sex="male", files=[{"r1": "a", "r2": "b"}])
    wes = sample(sex="female", assay="wes", files=[{"r1": "c", "r2": "d"}])
    with pytest.raises(InvalidManifest, match=r"^sample Hm2 has two different values for sex$"):
        parse(wgs, wes)
    assert len(parse(wgs, wes | {"sex": ""}).samples) == 2
