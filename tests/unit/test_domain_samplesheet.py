"""Samplesheets as spreadsheets save them, and with the columns of nf-core's pipelines."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqdrop.domain.errors import InvalidManifest
from seqdrop.domain.identity import ObjectName
from seqdrop.domain.manifest import (
    LaneFiles,
    SampleEntry,
    check_named_once,
    expected_files,
    parse_manifest,
)
from seqdrop.domain.named_files import files_named_in
from tests.field_cases import made, needs_cases

ROW = "xl,xl_R1.fastq.gz,xl_R2.fastq.gz"
XL = SampleEntry("xl", (LaneFiles("xl_R1.fastq.gz", "xl_R2.fastq.gz"),))


def parse(sheet: str | bytes) -> tuple[SampleEntry, ...]:
    """The samples of a sheet."""
    data = sheet.encode() if isinstance(sheet, str) else sheet
    return parse_manifest(data, "samplesheet.csv").samples


def refusal(sheet: str | bytes) -> str:
    """Why a sheet can't be used."""
    with pytest.raises(InvalidManifest) as caught:
        parse(sheet)
    return str(caught.value)


@pytest.mark.parametrize(
    "sheet",
    [
        f"\ufeffsample,r1,r2\r\n{ROW}\r\n",
        f"sample,r1,r2\n{ROW}\n\n\n",
        f"sample,r1,r2\n{ROW}\n,,\n,,\n",
        f"sample;r1;r2\n{ROW.replace(',', ';')}\n;;\n",
        f"sample,r1,r2,,\n{ROW},,\n",
        f"sample , R1, r2\n{ROW.replace(',', ' , ')}\n",
        f"sample;r1;r2\n{ROW.replace(',', ';')}\n",
        f"sample\tr1\tr2\n{ROW.replace(',', chr(9))}\n",
        f"sep=;\nsample;r1;r2\n{ROW.replace(',', ';')}\n",
        f'"sample";"r1";"r2"\n{ROW.replace(",", ";")}\n',
        f"sample,fastq_1,fastq_2\n{ROW}\n",
        f"sample,fastq_1,fastq_2,strandedness\n{ROW},reverse\nxl,b_1,b_2,auto\n",
        "patient,sample,fastq_1,fastq_2\np1,xl,xl_R1.fastq.gz,xl_R2.fastq.gz\n",
        "patient,sex,status,sample,fastq_1,fastq_2\np1,NA,0,xl,xl_R1.fastq.gz,xl_R2.fastq.gz\n",
    ],
)
def test_a_sheet_is_taken_as_spreadsheets_and_other_pipelines_write_it(sheet: str) -> None:
    [entry] = parse(sheet)
    assert (entry.sample, entry.files[0], entry.sex) == (XL.sample, XL.files[0], "")


@needs_cases
def test_sheets_of_the_field_are_taken_but_for_utf_16(tmp_path: Path) -> None:
    sheets = sorted(made("18_sheet_from_excel", tmp_path).glob("*.samplesheet.csv"))
    assert len(sheets) == 10
    for sheet in sheets:
        if sheet.name.startswith("utf16"):
            assert "it is UTF-16" in refusal(sheet.read_bytes())
            assert "xl_R1.fastq.gz" in {Path(key).name for key in keys(sheet.read_bytes())}
        else:
            [entry] = parse(sheet.read_bytes())
            assert (entry.sample, entry.files[0].r1, entry.files[0].r2) == tuple(ROW.split(","))


@pytest.mark.parametrize(("chromosomes", "sex"), [("XX", "female"), ("XY", "male"), ("NA", "")])
def test_sareks_sex_chromosomes_are_a_sex(chromosomes: str, sex: str) -> None:
    sheet = f"patient,sex,sample,lane,fastq_1,fastq_2\np,{chromosomes},xl,1,a,b\np,NA,xl,2,c,d\n"
    [entry] = parse(sheet)
    assert (entry.sex, [pair.lane for pair in entry.files]) == (sex, ["1", "2"])


def test_samples_of_two_people_are_never_made_one() -> None:
    said = refusal("patient,sample,fastq_1,fastq_2\nMiller,xl,a,b\nJones,xl,c,d\n")
    assert said == (
        "sample xl, column patient: two different values on lines 2 and 3: two people's samples "
        "need ids of their own"
    )


def test_a_sample_under_two_assays_is_of_one_person() -> None:
    sheet = "patient,sample,assay,r1,r2\np1,xl,wgs,a,b\np2,xl,wes,c,d\n"
    assert "two people's samples need ids of their own" in refusal(sheet)


@pytest.mark.parametrize(
    ("status", "said"),
    [("1", "line 3 of the samplesheet: status 1 is a tumour's"), ("2", "status is 0 (normal)")],
)
def test_a_tumour_is_not_analysed_as_if_it_were_normal(status: str, said: str) -> None:
    sheet = f"sample,status,fastq_1,fastq_2\nN,0,a,b\nT,{status},c,d\n"
    assert said in refusal(sheet)


@pytest.mark.parametrize("lane", ["1", "01", "001", "L1", "L001", "lane1", "lane_1", "Lane 1"])
def test_a_lane_is_the_same_however_it_is_written(lane: str) -> None:
    [entry] = parse(f"sample,lane,r1,r2\nxl,{lane},a,b\n")
    assert {file.lane for file in expected_files(entry, "wgs", "up", "s.csv")} == {"1"}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (f"sample,r1,r2\r\n{ROW}\r\n".encode("utf-16"), "it is UTF-16"),
        (f"sample,r1,r2\r\n{ROW}\r\n".encode("utf-16-le"), "it is UTF-16"),
        (b"PK\x03\x04" + bytes(range(1, 200)), "it is a spreadsheet's workbook"),
        ("sample,r1,r2\nxl,ä,b\n".encode("latin-1"), "line 2 has the byte 0xe4"),
        (b'sample,r1,r2\n\nxl,"a,b\n', "line 3: unexpected end of data"),
    ],
)
def test_what_is_not_csv_in_utf_8_is_told_with_what_to_do(data: bytes, said: str) -> None:
    assert re.search(f"{said}.*: save it as CSV UTF-8$", refusal(data))


@pytest.mark.parametrize(
    ("sheet", "said"),
    [
        (
            "sample,fastq_1,fastq_2\nxl,,b\n",
            "line 2 of the samplesheet lacks fastq_1 (it has sample 'xl', fastq_2 'b'): give the "
            "file or delete the line",
        ),
        (
            "sample,fastq_1,fastq_2\nxl,a,b\nxl,c,\n",
            "line 2 of the samplesheet: sample xl has no r2 beside 'c', and has one beside other "
            "files: give it, or leave that lane out",
        ),
        (
            "sample,r1,r2,r2_md5\nxl,a,,0123456789abcdef0123456789abcdef\n",
            "line 2 of the samplesheet: sample xl has r2_md5 and no r2 beside 'a': give both, or "
            "neither",
        ),
        (
            "sample,r1,r2\n,a,b\n",
            "line 2 of the samplesheet lacks sample (it has r1 'a', r2 'b'): give it, or delete "
            "the line",
        ),
        (
            "sample,r1,r2\nxl,a,b\n\nxm,c,b\n",
            "the manifest names 'b' more than once (lines 2, 4)",
        ),
        ("sample,r1,r2\nxl,a,a\n", "the manifest names 'a' more than once (line 2)"),
        (
            "sample,r1,r2\nxl,a,b\nx l,c,d\n",
            "line 3 of the samplesheet: the sample id 'x l' may only have letters, digits, '.', "
            "'_' and '-', and must begin with a letter or digit",
        ),
        (
            "sample,r1,r2,priority\nxl,a,b,now\n",
            "line 2 of the samplesheet: priority is urgent, routine or bulk, not 'now'",
        ),
        (
            "sample,r1,r2,fastq_1\nxl,a,b,c\n",
            "line 1 of the samplesheet has the column r1 more than once (r1, fastq_1): keep one "
            "of them",
        ),
        (
            "sample,fastq_1,fastq_2,bam,bai\nxl,a,b,,\nxm,c,d,e,f\n",
            "the samplesheet has columns 'bai', 'bam', which are none of assay, control, lane, "
            "library, pipeline, priority, project, r1, r1_md5, r2, r2_md5, reference, "
            "reference_version, sample, sex (line 1; line 3 has a value there): delete them, or "
            "rename them to what is meant",
        ),
        (
            "sample,read1,read2\nxl,a,b\n",
            "line 1 of the samplesheet lacks the columns r1, r2 (it has sample, read1, read2): "
            "name a line for each pair of files, with the columns sample, r1 and r2 (or fastq_1 "
            "and fastq_2), separated by commas",
        ),
        (
            "sample,r1,r2\nxl,a,b,c\n",
            "line 2 of the samplesheet has 4 values for 3 columns; the first without a column is "
            "'c'",
        ),
    ],
)
def test_a_refusal_names_the_line_the_column_and_what_was_found(sheet: str, said: str) -> None:
    assert refusal(sheet) == said


def test_what_stands_in_an_unknown_column_is_not_repeated() -> None:
    assert "weiblich" not in refusal("sample,r1,r2,Geschlecht\nxl,a,b,weiblich\n")


@pytest.mark.parametrize(
    ("data", "where"),
    [
        (b'{"samples": [\n  {"sample": "A",}\n]}', "(line 2, column 18)"),
        (b'{"samples": [}', "(line 1, column 14)"),
        ('{\n"samples": [{"sample": "ä" x'.encode(), "(line 2, column 28)"),
    ],
)
def test_broken_json_is_told_with_an_editors_line_and_column(data: bytes, where: str) -> None:
    with pytest.raises(InvalidManifest, match=re.escape(where)):
        parse_manifest(data, "x.manifest.json")


def test_json_is_read_as_windows_saves_it_and_utf_16_is_named() -> None:
    body = '{"samples":[{"sample":"A","files":[{"r1":"a","r2":"b"}]}]}'
    assert parse_manifest(body.encode("utf-8-sig"), "x.manifest.json").samples[0].sample == "A"
    with pytest.raises(InvalidManifest, match="it is UTF-16: save it as UTF-8"):
        parse_manifest(body.encode("utf-16"), "x.manifest.json")


CELLS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9 ._/-]{0,12}[a-z]", fullmatch=True)


@given(
    names=st.lists(CELLS, min_size=2, max_size=8, unique=True),
    mark=st.sampled_from([",", ";", "\t"]),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    columns=st.permutations(["sample", "r1", "r2"]),
    bom=st.sampled_from(["", "\ufeff"]),
    empty=st.integers(0, 3),
)
def test_the_same_sheet_is_the_same_under_each_separator_and_line_end(
    *, names: list[str], mark: str, end: str, columns: list[str], bom: str, empty: int
) -> None:
    pairs = list(zip(names[::2], names[1::2], strict=False))
    rows = [mark.join(columns) + mark * empty]
    for r1, r2 in pairs:
        row = {"sample": "xl", "r1": r1, "r2": r2}
        rows += [mark.join(row[column] for column in columns), mark * empty]
    try:
        [entry] = parse((bom + end.join(rows)).encode())
    except InvalidManifest as error:
        assert "more than once" in str(error)  # "a" and "./a" are one file
    else:
        assert [(pair.r1, pair.r2) for pair in entry.files] == pairs


@pytest.mark.parametrize("key", ["samplesheet.csv", "x.manifest.json"])
def test_eight_megabytes_are_read_and_expanded(key: str) -> None:
    """How long it takes is measured by ``benchmarks.reading``."""
    named = [(f"S{n // 4:05}", f"run/{n:06}_R1.fastq.gz", f"run/{n:06}_R2.fastq.gz", "0" * 32)
             for n in range(48_000)]  # fmt: skip
    columns = ("sample", "r1", "r2", "r1_md5")
    body = "\n".join([",".join(columns), *(",".join([*row, " " * 60]) for row in named)])
    if key.endswith(".json"):
        by_sample: dict[str, list[dict[str, str]]] = {}
        for sample, *row in named:
            pair = dict(zip(columns[1:], row, strict=True))
            by_sample.setdefault(sample, []).append(pair)
        samples = [{"sample": name, "files": pairs} for name, pairs in by_sample.items()]
        body = json.dumps({"samples": samples}, indent=1)
    assert 7_000_000 < len(body) < 9_000_000
    entries = parse_manifest(body.encode(), key).samples
    files = [file for entry in entries for file in expected_files(entry, "wgs", "up", key)]
    check_named_once(file.key for file in files)
    assert (len(entries), len(files)) == (12_000, 96_000)


SHEET = ObjectName("up", "run/samplesheet.csv")
JSON = ObjectName("up", "run/x.manifest.json")


def keys(data: str | bytes, manifest: ObjectName = SHEET) -> set[str]:
    """The keys that a manifest seems to name."""
    body = data.encode() if isinstance(data, str) else data
    found = files_named_in(body, manifest)
    assert all(name.bucket == "up" for name in found)
    return {name.key for name in found}


@pytest.mark.parametrize(
    "sheet",
    [
        "sample,r1,r2,colour\nxl,a_R1.fastq.gz,a_R2.fastq.gz,red\n",
        "sample;fastq_1;fastq_2\nx l;a_R1.fastq.gz;a_R2.fastq.gz\n",
        "name\tread1\tread2\nxl\ta_R1.fastq.gz\ta_R2.fastq.gz\n",
        'sample,r1,r2\n"xl,a_R1.fastq.gz,a_R2.fastq.gz\nxl,a_R1.fastq.gz,"a_R2.fastq.gz"\n',
        "sample,r1,r2\nxl,a_R1.fastq.gz,\n,,a_R2.fastq.gz\n",
        "sample,r1,r2\r\nx,s3://up/run/a_R1.fastq.gz,./a_R2.fastq.gz,1,2,3\r\n",
        "sample,r1,r2\nxü,a_R1.fastq.gz,a_R2.fastq.gz".encode("latin-1"),
        "sample,r1,r2\nx,a_R1.fastq.gz,a_R2.fastq.gz".encode("utf-16"),
        "sample,r1,r2\nx,a_R1.fastq.gz,a_R2.fastq.gz".encode("utf-16-be"),
    ],
)
def test_a_refused_sheet_still_tells_which_files_it_is_of(sheet: str | bytes) -> None:
    refusal(sheet)
    assert keys(sheet) >= {"run/a_R1.fastq.gz", "run/a_R2.fastq.gz"}


@pytest.mark.parametrize(
    "body",
    [
        '{"samples":[{"sample":"x l","files":[{"r1":"a","r2":"b_2.fq.gz"}]}]}',
        '{"samples":[{"sample":"A","files":[{"r1" : "a","r2":"s3://up/run/b_2.fq.gz",}]}',
        '{"samples":[{"sample":"A","fastq_1":"a","fastq_2":"b_2.fq.gz","colour":1}]}',
        '{"samples":[{"sample":"A","files":[{"R1":"\\u0061","R2":"b_2.fq.gz"}]}]}',
        '["a" "b_2.fq.gz" {"r1":"a"',
    ],
)
def test_a_refused_json_manifest_still_tells_which_files_it_is_of(body: str) -> None:
    with pytest.raises(InvalidManifest):
        parse_manifest(body.encode(), JSON.key)
    assert keys(body, JSON) == {"run/a", "run/b_2.fq.gz"}


def test_names_that_are_no_key_of_the_bucket_are_passed_over() -> None:
    sheet = "sample,r1,r2\nxl,../../a.fastq.gz,s3://other/b.fastq.gz\nx,,c.fastq.gz\n"
    assert keys(sheet) == {"run/c.fastq.gz"}


@given(st.binary(max_size=300), st.sampled_from([SHEET, JSON]))
def test_the_files_of_any_bytes_are_looked_for_without_an_error(
    data: bytes, manifest: ObjectName
) -> None:
    assert all(name.bucket == "up" for name in files_named_in(data, manifest))


@given(st.text(max_size=300), st.sampled_from([SHEET, JSON]))
def test_the_files_of_any_text_are_looked_for_without_an_error(
    text: str, manifest: ObjectName
) -> None:
    assert all(name.bucket == "up" for name in files_named_in(text.encode("utf-8"), manifest))
