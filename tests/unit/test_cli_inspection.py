"""What an upload's files say themselves, before anything is sent."""

import gzip
import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cli import inspection
from cli.drop import Drop
from cli.drop_by_manifest import drop_with_manifest
from cli.drop_by_name import drop_as_named, drop_with_options
from cli.gather import gather
from cli.inspection import LoneMate, compare_with_sheets, inspect
from cli.manifest_file import read_manifest
from seqdrop.domain.fastq import HEAD_BYTES
from seqdrop.domain.manifest import SampleEntry
from tests.lab import pair, reads

BUCKET, DEFAULT = "uploads", "wgs"
R1, R2 = pair(20)


def write(folder: Path, **bodies: bytes) -> list[Path]:
    """Files by their names without the ending."""
    paths = [folder / f"{name}.fastq.gz" for name in bodies]
    for path, body in zip(paths, bodies.values(), strict=True):
        path.write_bytes(body)
    return paths


def named(paths: list[Path]) -> tuple[Drop, list[LoneMate]]:
    drop = drop_as_named(paths, BUCKET)
    return drop, inspect(drop, DEFAULT)


def test_good_pairs_have_no_fault(tmp_path: Path) -> None:
    other = pair(20, seed=2)
    drop, lone = named(write(tmp_path, A_R1=R1, A_R2=R2, B_1=other[0], B_2=other[1]))
    assert (drop.faults, drop.warnings, lone) == ([], [], [])


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "is empty"),
        (b"@r\nA\n+\nI\n", "is not gzip"),
        (R1[:40], "cut off"),
        (gzip.compress(b"", mtime=0), "there is no read in it, and the file is whole"),
        (reads(20, seed=3), "says that it is R1: the mates seem to be swapped"),
    ],
    ids=["empty", "not gzip", "cut off", "nothing in it", "the other mate"],
)
def test_a_file_that_the_bucket_would_hold_is_a_fault_and_its_mate_is_not_called_alone(
    tmp_path: Path, body: bytes, why: str
) -> None:
    drop, lone = named(write(tmp_path, A_R1=R1, A_R2=body))
    [fault] = drop.faults
    assert fault.startswith(f"{tmp_path / 'A_R2.fastq.gz'}: ")
    assert why in fault
    assert lone == []


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    drop, lone = named(write(tmp_path, A_R1=R1, A_R2=b"", B_R1=b"x", B_R2=R1[:40], C_R2=R2))
    assert len(drop.faults) == 3
    assert [mate.path.name for mate in lone] == ["C_R2.fastq.gz"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_a_fault(tmp_path: Path) -> None:
    paths = write(tmp_path, A_R1=R1, A_R2=R2 + R2)
    paths[1].chmod(0)
    [fault] = named(paths)[0].faults
    assert fault == f"{paths[1]}: Permission denied"


def test_r1_given_as_r2_is_told_as_such(tmp_path: Path) -> None:
    [fault] = named(write(tmp_path, A_R1=R1, A_R2=R1))[0].faults
    assert "A_R2.fastq.gz: the same bytes as" in fault
    assert "as R2 and R1: give the right file" in fault


def test_the_same_bytes_twice_in_one_sample_are_a_fault(tmp_path: Path) -> None:
    drop, _ = named(write(tmp_path, A_S1_L001_R1_001=R1, A_S1_L001_R2_001=R2, A_S1_L002_R1_001=R1))
    [fault] = drop.faults
    assert "A_S1_L002_R1_001.fastq.gz: the same bytes as" in fault


def test_the_same_bytes_in_two_samples_are_a_warning(tmp_path: Path) -> None:
    drop, lone = named(write(tmp_path, A_R1=R1, A_R2=R2, B_R1=R1, B_R2=R2))
    assert (drop.faults, lone) == ([], [])
    assert len(drop.warnings) == 2
    assert "samples A and B have the same reads" in drop.warnings[0]


def test_r1_given_as_r2_is_told_where_another_samples_file_of_these_bytes_comes_first(
    tmp_path: Path,
) -> None:
    drop, _ = named(write(tmp_path, A_R1=R1, A_R2=R2, B_R1=R1, B_R2=R1))
    [fault] = drop.faults
    assert fault.startswith(f"{tmp_path / 'B_R2.fastq.gz'}: the same bytes as")
    assert "B_R1.fastq.gz, as R2 and R1: give the right file" in fault
    assert any("samples A and B have the same reads" in warning for warning in drop.warnings)


def test_the_same_bytes_under_two_assays_are_meant(tmp_path: Path) -> None:
    write(tmp_path, a_1=R1, a_2=R2, b_1=R1, b_2=R2)
    sheet = tmp_path / "samplesheet.csv"
    sheet.write_text(
        "sample,r1,r2,assay\nA,a_1.fastq.gz,a_2.fastq.gz,wes\nA,b_1.fastq.gz,b_2.fastq.gz,wgs\n"
    )
    drop = drop_with_manifest(sheet, read_manifest(sheet), [], BUCKET)
    assert inspect(drop, DEFAULT) == []
    assert (drop.faults, drop.warnings) == ([], [])


def test_files_of_one_size_and_other_content_are_not_the_same(tmp_path: Path) -> None:
    one, other = (gzip.compress(f"@r{n} 1:N:0:A\nAC\n+\nII\n".encode(), mtime=0) for n in "12")
    assert len(one) == len(other)
    drop, _ = named(write(tmp_path, A_R1=one, B_R1=other))
    assert (drop.faults, drop.warnings) == ([], [])


def test_of_thousands_of_files_of_one_size_those_that_begin_alike_are_read_whole_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = "@r{:04} 1:N:0:A\nAC\n+\nII\n"
    bodies = {f"A{n}_R1": gzip.compress(record.format(n).encode(), 0, mtime=0) for n in range(2000)}
    assert len({len(body) for body in bodies.values()}) == 1
    paths = write(tmp_path, **bodies, B_R1=bodies["A7_R1"])
    read: list[Path] = []
    content = inspection._content

    def count(path: Path) -> bytes:
        read.append(path)
        return content(path)

    monkeypatch.setattr(inspection, "_content", count)
    drop, _ = named(paths)
    assert drop.faults == []
    [warning] = drop.warnings
    assert "samples A7 and B have the same reads" in warning
    assert sorted(path.name for path in read) == ["A7_R1.fastq.gz", "B_R1.fastq.gz"]


def test_files_that_begin_alike_and_end_otherwise_are_not_the_same(tmp_path: Path) -> None:
    beginning = R1 + os.urandom(HEAD_BYTES)
    drop, _ = named(write(tmp_path, A_R1=beginning + b"1", B_R1=beginning + b"2"))
    assert (drop.faults, drop.warnings) == ([], [])


def test_two_files_for_one_mate_of_a_lane_are_a_fault_whatever_their_names(tmp_path: Path) -> None:
    drop, _ = named(write(tmp_path, A_R1=R1, A_R2=R2, A_1=reads(21)))
    [fault] = drop.faults
    assert "holds R1 of lane 1 on flowcell HTEST, as" in fault


def test_mates_that_begin_with_other_reads_are_a_fault(tmp_path: Path) -> None:
    first, second = (
        gzip.compress(f"@M1:7:F:1:1101:{x}:2 {x}:N:0:A\nAC\n+\nII\n".encode()) for x in "12"
    )
    [fault] = named(write(tmp_path, A_R1=first, A_R2=second))[0].faults
    assert "R1 and R2 of lane 1 on flowcell F begin with different reads" in fault


def test_a_mate_is_known_by_lane_and_flowcell_and_not_by_its_name(tmp_path: Path) -> None:
    drop, lone = named(write(tmp_path, A_R1=reads(20, lane=1), A_2=reads(20, lane=1, mate=2)))
    assert (drop.faults, lone) == ([], [])
    drop, lone = named(write(tmp_path, B_R1=reads(20, lane=1), B_R2=reads(20, lane=2, mate=2)))
    assert [(mate.path.name, mate.missing.describe()) for mate in lone] == [
        ("B_R1.fastq.gz", "R2 of lane 1 on flowcell HTEST"),
        ("B_R2.fastq.gz", "R1 of lane 2 on flowcell HTEST"),
    ]


@pytest.mark.parametrize(
    ("sample", "is_of"), [("A_L2", "A"), ("A_x_HTEST_L002", "A_x"), ("A_htest", "A")]
)
def test_a_lane_or_flowcell_that_the_reads_repeat_is_no_part_of_the_id_and_of_none_with_options(
    tmp_path: Path, sample: str, is_of: str
) -> None:
    first, second = pair(3, lane=2)
    bodies = {f"{sample}_R1": first, f"{sample}_R2": second}
    drop, lone = named(write(tmp_path, **bodies))
    assert (drop.faults, lone, drop.samples) == ([], [], (is_of,))
    paths = write(tmp_path, **bodies)
    for options in (
        SampleEntry("", (), assay="wes"),
        SampleEntry("", (), pipeline="p", reference="r"),
        SampleEntry("", (), project="p"),
    ):
        with_options = drop_with_options(paths, options, BUCKET)
        inspect(with_options, DEFAULT)
        assert len(with_options.faults) == 2
        assert f"give --sample {is_of}, or --sample {sample} if" in with_options.faults[0]
    meant = drop_with_options(paths, SampleEntry(sample, ()), BUCKET)
    assert inspect(meant, DEFAULT) == []
    assert (meant.faults, meant.warnings) == ([], [])
    sheet = tmp_path / "samplesheet.csv"
    sheet.write_text(f"sample,r1,r2\n{sample},{paths[0].name},{paths[1].name}\n")
    for said in (
        drop_with_manifest(sheet, read_manifest(sheet), [], BUCKET),
        drop_as_named([sheet, *paths], BUCKET),
    ):
        assert inspect(said, DEFAULT) == []
        assert (said.faults, said.warnings) == ([], [])


def test_a_lane_in_its_place_in_illuminas_name_is_no_part_of_the_id(tmp_path: Path) -> None:
    first, second = pair(3, lane=2)
    bodies = {f"A_L2_S1_L002_R{read}_001": body for read, body in ((1, first), (2, second))}
    drop = drop_with_options(write(tmp_path, **bodies), SampleEntry("", (), assay="wes"), BUCKET)
    assert inspect(drop, DEFAULT) == []
    assert (drop.faults, drop.samples) == ([], ("A_L2",))


@pytest.mark.parametrize("sample", ["A_L3", "A-L2", "A_GATTACA", "A_HCASEBDSX5"])
def test_an_id_that_may_be_of_a_lane_is_a_fault_with_what_to_do(
    tmp_path: Path, sample: str
) -> None:
    first, second = pair(3, lane=2)
    drop, _ = named(write(tmp_path, **{f"{sample}_R1": first, f"{sample}_R2": second}))
    assert len(drop.faults) == 2
    assert "if A is the sample; or name it in a manifest" in drop.faults[0]


@pytest.mark.parametrize("sample", ["HTEST", "L2", "A_HTESTS", "A-L3", "A_2", "GATTACA"])
def test_an_id_that_only_looks_like_a_lane_is_an_id(tmp_path: Path, sample: str) -> None:
    first, second = pair(3, lane=2)
    drop, _ = named(write(tmp_path, **{f"{sample}_R1": first, f"{sample}_R2": second}))
    assert drop.faults == []


def test_files_of_several_samples_that_go_to_one_are_a_warning(tmp_path: Path) -> None:
    other = pair(3, lane=2)
    paths = write(tmp_path, A_R1=R1, A_R2=R2, B_R1=other[0], B_R2=other[1])
    [warning] = drop_with_options(paths, SampleEntry("C", ()), BUCKET).warnings
    assert warning == ("by their names the files are of 2 samples (A, B); all of them go to C")


def test_mates_of_two_lanes_that_options_join_are_a_fault(tmp_path: Path) -> None:
    paths = write(tmp_path, x_R1=reads(20, lane=1), x_R2=reads(20, lane=2, mate=2))
    drop = drop_with_options(paths, SampleEntry("A", ()), BUCKET)
    assert inspect(drop, DEFAULT) == []
    assert len(drop.faults) == 2
    assert "is of another lane" in drop.faults[0]


@pytest.mark.parametrize(
    ("more", "faults"),
    [
        ("A,wgs,later_R1.fq.gz,later_R2.fq.gz", 0),
        ("A,wes,later_R1.fq.gz,later_R2.fq.gz", 2),
        ("B,wgs,later_R1.fq.gz,later_R2.fq.gz", 2),
    ],
    ids=["of this analysis", "under another assay", "of another sample"],
)
def test_mates_of_two_lanes_are_a_fault_unless_more_files_of_their_analysis_are_named(
    tmp_path: Path, more: str, faults: int
) -> None:
    lanes = write(tmp_path, x_R1=reads(20, lane=1), x_R2=reads(20, lane=2, mate=2))
    sheet = tmp_path / "samplesheet.csv"
    sheet.write_text(f"sample,assay,r1,r2\nA,wgs,x_R1.fastq.gz,x_R2.fastq.gz\n{more}\n")
    drop = drop_as_named([sheet, *lanes], BUCKET)
    assert inspect(drop, DEFAULT) == []
    assert len(drop.faults) == faults


def test_the_default_assay_is_the_same_analysis_named_or_not(tmp_path: Path) -> None:
    lanes = write(tmp_path, x_R1=reads(20, lane=1), x_R2=reads(20, lane=2, mate=2))
    body = {
        name: json.dumps({"samples": [{"sample": "A", "files": [pair], **assay}]})
        for name, pair, assay in (
            ("here", {"r1": "x_R1.fastq.gz", "r2": "x_R2.fastq.gz"}, {"assay": DEFAULT}),
            ("later", {"r1": "y_R1.fastq.gz", "r2": "y_R2.fastq.gz"}, {}),
        )
    }
    manifests = [tmp_path / f"{name}.manifest.json" for name in body]
    for path, text in zip(manifests, body.values(), strict=True):
        path.write_text(text)
    drop = drop_as_named([*manifests, *lanes], BUCKET)
    assert inspect(drop, DEFAULT) == []
    assert drop.faults == []


@given(
    there=st.sets(
        st.tuples(st.sampled_from("AB"), st.sampled_from((1, 2)), st.sampled_from((1, 2)))
    )
)
@settings(max_examples=40, deadline=None)
def test_of_any_set_exactly_the_files_without_a_mate_are_alone(
    tmp_path_factory: pytest.TempPathFactory, there: set[tuple[str, int, int]]
) -> None:
    folder = tmp_path_factory.mktemp("set")
    bodies = {
        f"{sample}_S1_L00{lane}_R{mate}_001": reads(
            3, lane=lane, mate=mate, seed=10 * lane + ord(sample)
        )
        for sample, lane, mate in sorted(there)
    }
    drop, lone = named(write(folder, **bodies))
    assert drop.faults == []
    assert {mate.path.name for mate in lone} == {
        f"{sample}_S1_L00{lane}_R{mate}_001.fastq.gz"
        for sample, lane, mate in there
        if (sample, lane, 3 - mate) not in there
    }


def test_a_sample_sheet_that_lists_other_samples_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "SampleSheet.csv").write_text(
        "[Header],\n[Data],\nSample_ID,Sample_Name\n1,my_A\n2,C\n"
    )
    write(tmp_path, **{"my-A_R1": R1, "my-A_R2": R2, "B_R1": R1})
    gathered = gather([tmp_path])
    drop = drop_as_named(gathered.files, BUCKET)
    compare_with_sheets(gathered, drop)
    assert drop.warnings == [
        f"{tmp_path / 'SampleSheet.csv'}: no file here is of its sample C",
        f"{tmp_path / 'SampleSheet.csv'}: does not list sample B, whose files are here",
    ]
