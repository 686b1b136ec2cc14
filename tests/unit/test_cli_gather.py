"""Which files of a folder are meant, and what is said of the others."""

from pathlib import Path

import pytest

from cli.gather import LeftOut, gather, said_of

ILLUMINA = b"[Header],,\nFileFormatVersion,2\n[BCLConvert_Data]\nLane,Sample_ID\n1,NA1\n"
PAIR = ["NA1_S1_L001_R1_001.fastq.gz", "NA1_S1_L001_R2_001.fastq.gz"]


def made(folder: Path, *names: str) -> list[Path]:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(ILLUMINA if name.endswith(".csv") else b"x")
    return [folder / name for name in names]


def test_of_a_folder_reads_and_manifests_are_taken_in_order_and_the_rest_is_told(
    tmp_path: Path,
) -> None:
    others = {
        ".DS_Store": "desktop",
        "._NA1_S1_L001_R1_001.fastq.gz": "macOS",
        "NA1_S1_L001_I1_001.fastq.gz": "index read",
        "NA1_S1_L001_R1_001.fastq.gz.md5": "r1_md5",
        "Project/NA2_R1.fastq.gz": "a folder in a folder",
        "RunInfo.xml": "no FASTQ",
        "SampleSheet.csv": "Illumina's sheet",
        "Thumbs.db": "desktop",
        "Undetermined_S0_L001_R1_001.fastq.gz": "undetermined",
        "notes.docx": "no FASTQ",
        "NA3_R1.fastq.gz.part": "not ended",
    }
    taken = made(tmp_path, *reversed(PAIR), "odd.fastq.gz", "run.manifest.json", "NA4_R1.fq.bz2")
    made(tmp_path, *others)
    gathered = gather([tmp_path])
    assert gathered.files == sorted(taken)
    why = {str(one.path.relative_to(tmp_path)): one.why for one in gathered.left_out}
    assert why.keys() == {name.partition("/")[0] for name in others}
    for name, says in others.items():
        assert says in why[name.partition("/")[0]]
    assert gathered.faults == []


def test_files_given_one_by_one_are_judged_as_in_a_folder_but_for_what_is_no_fastq(
    tmp_path: Path,
) -> None:
    files = made(tmp_path, *PAIR, "Thumbs.db", "SampleSheet.csv", "NA1.bam")
    gathered = gather(files)
    assert [path.name for path in gathered.files] == [*PAIR, "NA1.bam"]
    assert gathered.on_sheets == {tmp_path / "SampleSheet.csv": frozenset({"NA1"})}


def test_a_table_that_is_not_illuminas_is_a_manifest(tmp_path: Path) -> None:
    (sheet := tmp_path / "SampleSheet.csv").write_text("patient,sample,fastq_1\nA,A,x\n")
    assert gather([tmp_path]).files == [sheet]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_illuminas_sheet_is_known_in_whichever_encoding(tmp_path: Path, encoding: str) -> None:
    (sheet := tmp_path / "SampleSheet.csv").write_bytes(ILLUMINA.decode().encode(encoding))
    made(tmp_path, *PAIR)
    gathered = gather([tmp_path])
    assert gathered.on_sheets == {sheet: frozenset({"NA1"})}
    assert [path.name for path in gathered.files] == PAIR


def test_a_path_given_twice_is_taken_once_and_told(tmp_path: Path) -> None:
    files = made(tmp_path, *PAIR)
    gathered = gather([tmp_path, files[0], tmp_path / "." / PAIR[1]])
    assert gathered.files == files
    assert [one.why for one in gathered.left_out] == ["given twice, taken once"] * 2


def test_what_a_manifest_names_is_never_left_out(tmp_path: Path) -> None:
    files = made(tmp_path, "A_S1_L001_I1_001.fastq.gz", "A_S1_L001_I2_001.fastq.gz")
    assert gather([tmp_path], {files[0].name}).files == files[:1]


def test_reads_without_a_mate_beside_their_pair_are_left_out(tmp_path: Path) -> None:
    orphans, _, _, alone = made(
        tmp_path, "SRR1.fastq.gz", "SRR1_1.fastq.gz", "SRR1_2.fastq.gz", "SRR2.fastq.gz"
    )
    gathered = gather([tmp_path])
    assert [one.path for one in gathered.left_out] == [orphans]
    assert alone in gathered.files


def test_a_folder_without_fastq_is_a_fault_that_names_the_folders_in_it(tmp_path: Path) -> None:
    made(tmp_path, "run/report.html", "run/ProjectA/NA1_R1.fastq.gz")
    (tmp_path / "empty").mkdir()
    run, empty = gather([tmp_path / "run", tmp_path / "empty"]).faults
    assert run.endswith("has no FASTQ file; its folders are ProjectA: give those that you mean")
    assert empty == f"{tmp_path / 'empty'}: has no FASTQ file"


def test_a_link_to_nothing_is_a_fault(tmp_path: Path) -> None:
    made(tmp_path, *PAIR)
    (tmp_path / "NA2_R1.fastq.gz").symlink_to(tmp_path / "gone")
    [fault] = gather([tmp_path]).faults
    assert fault.startswith(f"{tmp_path / 'NA2_R1.fastq.gz'}: a link")


@pytest.mark.parametrize(("count", "more"), [(20, ""), (23, " and 3 more: --json has all")])
def test_each_file_left_out_is_named_beside_its_reason_up_to_twenty(count: int, more: str) -> None:
    left = [LeftOut(Path(f"a{n}"), "why") for n in range(count)]
    names = ", ".join(f"a{n}" for n in range(20))
    assert said_of([LeftOut(Path("b"), "first"), *left]) == [
        "left out (first): b",
        f"left out (why): {names}{more}",
    ]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("A\n_R1.fastq.gz", "control character"),
        ("A\x1b[2J_R1.fastq.gz", "control character"),
        ("A\uffff_R1.fastq.gz", "control character"),
        ("A\udcff_R1.fastq.gz", "not in UTF-8"),
    ],
)
def test_a_name_that_can_be_no_key_is_a_fault_that_shows_it(
    tmp_path: Path, name: str, why: str
) -> None:
    [path] = made(tmp_path, name)
    for given in (tmp_path, path):
        gathered = gather([given])
        [fault] = gathered.faults
        assert fault.startswith(f"{str(path)!r}: its name")
        assert why in fault
        assert gathered.files == []
    assert gather([tmp_path], {name}).faults


def test_names_in_any_language_and_with_any_signs_can_be_keys(tmp_path: Path) -> None:
    files = made(tmp_path, "a'\"; $(touch x).fq.gz", "Ä_R1.fastq.gz", "文\u00a0👩\u200d🔬.fq.gz")
    assert (gather([tmp_path]).files, gather([tmp_path]).faults) == (files, [])
