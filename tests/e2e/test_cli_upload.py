"""`seqdrop upload` looks before it sends: nothing goes where something is wrong."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.command import Command
from tests.lab import pair
from tests.statemachine.bench import Bench, open_bench

ILLUMINA = "[Header],,\nFileFormatVersion,2\n\n[BCLConvert_Data]\nLane,Sample_ID\n1,M1\n1,M9\n"


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with open_bench(tmp_path_factory.mktemp("upload")) as bench:
        yield bench


@pytest.fixture
def command(bench: Bench, tmp_path: Path) -> Iterator[Command]:
    bench.forget()
    yield Command(tmp_path, bench.lab.runtime.url)
    bench.lab.wait_until(lambda: not bench.lab.live_batch_jobs())


def write(folder: Path, files: dict[str, bytes | str]) -> None:
    for name, body in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(body.encode() if isinstance(body, str) else body)


def keys(bench: Bench) -> set[str]:
    """All that is in the uploads bucket."""
    answer = bench.lab.client("s3").list_objects_v2(Bucket=bench.lab.uploads)
    return {item["Key"] for item in answer.get("Contents", [])}


def test_a_sequencers_folder_is_taken_with_a_word_on_what_was_left_out(
    command: Command, bench: Bench, tmp_path: Path
) -> None:
    lanes = {
        f"run7/M1_S1_L00{lane}_R{mate}_001.fastq.gz": body
        for lane in (1, 2)
        for mate, body in zip((1, 2), pair(20, lane=lane), strict=True)
    }
    beside: dict[str, bytes | str] = {
        "run7/SampleSheet.csv": ILLUMINA,
        "run7/._M1_S1_L001_R1_001.fastq.gz": "x",
        "run7/M1_S1_L001_I1_001.fastq.gz": "x",
        "run7/Undetermined_S0_L001_R1_001.fastq.gz": "x",
        "run7/Reports/index.html": "x",
        "run7/RunInfo.xml": "x",
    }
    write(tmp_path, {**lanes, **beside})
    before = keys(bench)
    ended = command.run("upload", "run7")
    assert ended.returncode == 0, ended.stderr
    left_out = [line for line in ended.stdout.splitlines() if line.startswith("left out (")]
    assert [line for line in left_out if "Illumina's sheet names no files" in line] == [
        "left out (Illumina's sheet names no files: FASTQ go by their own names): "
        "run7/SampleSheet.csv"
    ]
    for name in beside:
        entry = "/".join(name.split("/")[:2])
        assert any(entry in line.rpartition("): ")[2].split(", ") for line in left_out), name
    assert ended.stderr == "WARN run7/SampleSheet.csv: no file here is of its sample M9\n"
    assert keys(bench) - before == {Path(name).name for name in lanes}

    document = command.ask("upload", "run7")
    assert {one["path"] for one in document["left_out"]} == {
        name if name.count("/") == 1 else name.rpartition("/")[0] for name in beside
    }
    assert all(one["why"] for one in document["left_out"])
    assert document["warnings"] == ["run7/SampleSheet.csv: no file here is of its sample M9"]
    command.good("wait", "M1", "--timeout", "60")
    [analysis] = command.ask("show", "M1")["analyses"]
    assert len(analysis["files"]) == 4


def test_all_that_is_wrong_is_said_at_once_and_nothing_is_sent(
    command: Command, bench: Bench, tmp_path: Path
) -> None:
    good, other = pair(20, seed=2), pair(20, seed=3)
    write(
        tmp_path,
        {
            "x/GOOD_R1.fastq.gz": good[0], "x/GOOD_R2.fastq.gz": good[1],
            "x/LONE_R1.fastq.gz": other[0], "x/EMPTY_R1.fastq.gz": b"", "x/EMPTY_R2.fastq.gz": b"",
            "x/ODD.R1.fastq.gz": other[1], "x/SAME_R1.fastq.gz": pair(9)[0],
            "x/SAME_R2.fastq.gz": pair(9)[0], "x/samplesheet.csv": "patient,fastq_1\nA,b\n",
        },
    )  # fmt: skip
    before = keys(bench)
    ended = command.run("upload", "x")
    assert ended.returncode == 1
    *faults, last = ended.stderr.splitlines()
    assert last == f"seqdrop: nothing was uploaded: {len(faults)} things are to be mended first"
    told = {fault.partition(":")[0]: fault for fault in faults}
    says = {
        "x/LONE_R1.fastq.gz": "R2 of lane 1 on flowcell HTEST of sample LONE is missing",
        "x/EMPTY_R1.fastq.gz": "empty",
        "x/EMPTY_R2.fastq.gz": "empty",
        "x/ODD.R1.fastq.gz": "rename it to 'ODD_R1.fastq.gz'",
        "x/SAME_R2.fastq.gz": "the same bytes as x/SAME_R1.fastq.gz, as R2 and R1",
        "x/samplesheet.csv": "lacks the columns sample, fastq_2 (it has patient, fastq_1)",
    }
    assert told.keys() == says.keys()
    for file, words in says.items():
        assert words in told[file]
    assert keys(bench) == before

    ended = command.run("upload", "x", "--json")
    assert ended.returncode == 1
    document = json.loads(ended.stdout)
    assert document["faults"] == faults
    assert (document["files"], document["manifest"]) == ([], None)
    assert keys(bench) == before


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (
            ["--assay", "quik"],
            "no assay 'quik'; is 'quick' meant? (there are: again, never, patient, pressing, quick",
        ),
        (["--pipeline", "quick", "--reference", "tine"], "no reference 'tine'; is 'tiny' meant?"),
        (["--pipeline", "quick", "--reference", "tiny/2"], "no version '2' (1 is READY)"),
        (["--pipeline", "slow", "--reference", "tiny"], "no pipeline 'slow' (there are: quick)"),
        (["--sample", "my sample"], "may only have letters"),
    ],
)
def test_what_the_deployment_lacks_is_one_line_with_what_it_has(
    command: Command, bench: Bench, tmp_path: Path, options: list[str], says: str
) -> None:
    names = ["L1_R1.fastq.gz", "L1_R2.fastq.gz"]
    write(tmp_path, dict(zip(names, pair(20), strict=True)))
    before = keys(bench)
    assert says in command.bad("upload", *names, *options)
    assert keys(bench) == before


def test_a_manifest_that_names_an_unknown_assay_is_not_sent(
    command: Command, bench: Bench, tmp_path: Path
) -> None:
    write(tmp_path, dict(zip(("a.gz", "b.gz"), pair(20), strict=True)))
    entry = {"sample": "U1", "assay": "wgz", "files": [{"r1": "a.gz", "r2": "b.gz"}]}
    write(tmp_path, {"u.manifest.json": json.dumps({"samples": [entry]})})
    before = keys(bench)
    assert "U1 (wgz): there is no assay 'wgz'" in command.bad(
        "upload", "--manifest", "u.manifest.json"
    )
    assert "no assay 'wgz'" in command.bad("upload", "u.manifest.json", "a.gz", "b.gz")
    assert keys(bench) == before


def test_r1_today_and_r2_tomorrow(command: Command, tmp_path: Path) -> None:
    names = ["T1_R1.fastq.gz", "T1_R2.fastq.gz"]
    write(tmp_path, dict(zip(names, pair(20), strict=True)))
    assert "--partial" in command.bad("upload", names[0])
    assert "RECEIVING: waiting for R2" in command.good("upload", names[0], "--partial")
    command.good("upload", names[1])
    command.good("wait", "T1", "--timeout", "60")
    command.good("upload", names[0])  # again: its mate is there


def priority(command: Command, sample: str) -> str:
    [analysis] = command.ask("show", sample)["analyses"]
    return str(analysis["priority"])


def test_priority_goes_with_the_manifest_and_a_later_one_changes_it(
    command: Command, bench: Bench, tmp_path: Path
) -> None:
    names = ["P1_R1.fastq.gz", "P1_R2.fastq.gz"]
    write(tmp_path, dict(zip(names, pair(20), strict=True)))
    arguments = ("upload", *names, "--sample", "P1")
    first: Any = command.ask(*arguments, "--priority", "urgent")
    command.good("wait", "P1", "--timeout", "60")
    assert [job.queue.rpartition("-")[2] for job in bench.lab.jobs("P1", "quick")] == ["urgent"] * 3
    assert priority(command, "P1") == "urgent"
    assert command.ask(*arguments, "--priority", "bulk")["manifest"] == first["manifest"]
    command.good("wait", "P1", "--timeout", "60")
    assert priority(command, "P1") == "bulk"
    command.good(*arguments)  # the manifest says all anew, and nothing of it
    command.good("wait", "P1", "--timeout", "60")
    assert priority(command, "P1") == "None"
    assert bench.starts("count") == 1


def test_files_that_are_there_by_name_may_be_sent_again_with_options(
    command: Command, bench: Bench, tmp_path: Path
) -> None:
    names = ["Q1_R1.fastq.gz", "Q1_R2.fastq.gz"]
    write(tmp_path, dict(zip(names, pair(20), strict=True)))
    command.good("upload", *names)
    command.good("wait", "Q1", "--timeout", "60")
    document = command.ask("upload", *names, "--project", "p1", "--priority", "urgent")
    command.good("wait", "Q1", "--timeout", "60")
    [analysis] = command.ask("show", "Q1")["analyses"]
    assert (analysis["status"], analysis["project"]) == ("ANALYSED", "p1")
    assert {file["uri"] for file in analysis["files"]} == {f["uri"] for f in document["files"]}
    assert len(analysis["runs"]) == 1
    assert bench.starts("count") == 1


@pytest.mark.parametrize(
    ("samples", "given"),
    [
        (("ALICE1", "BOB1"), ["--manifest", "{}/m.manifest.json"]),
        (("ALICE2", "BOB2"), ["{}"]),
    ],
    ids=["by manifest", "by folder"],
)
def test_two_labs_of_one_layout_keep_each_its_own_reads(
    command: Command, bench: Bench, tmp_path: Path, samples: tuple[str, str], given: list[str]
) -> None:
    names = ["data/S1_R1.fastq.gz", "data/S1_R2.fastq.gz"]
    bodies = {sample: pair(20, seed=sum(sample.encode())) for sample in samples}
    before = keys(bench)
    for lab, sample in zip(("labA", "labB"), samples, strict=True):
        write(tmp_path / lab, dict(zip(names, bodies[sample], strict=True)))
        for place, above in (("sheets/m.manifest.json", "../"), ("m.manifest.json", "")):
            files = [{"r1": above + names[0], "r2": above + names[1]}]
            text = json.dumps({"samples": [{"sample": sample, "files": files}]})
            write(tmp_path / lab, {place: text})
        ended = command.run("upload", "--manifest", f"{lab}/sheets/m.manifest.json")
        assert ended.returncode == 1
        assert "'../data/S1_R1.fastq.gz', which is outside the manifest's folder" in ended.stderr
    assert keys(bench) == before
    for lab in ("labA", "labB"):
        said = command.good("upload", *(each.format(lab) for each in given))
        assert f"{lab}/data" not in said
    for sample, mates in bodies.items():
        command.good("wait", sample, "--timeout", "60")
        [analysis] = command.ask("show", sample)["analyses"]
        sent = {}
        for file in analysis["files"]:
            bucket, _, key = file["uri"].removeprefix("s3://").partition("/")
            answer = bench.lab.client("s3").get_object(Bucket=bucket, Key=key)
            sent[key.rpartition("/")[2]] = answer["Body"].read()
        assert sent == {Path(name).name: mate for name, mate in zip(names, mates, strict=True)}


def test_a_name_that_can_be_no_key_is_shown_and_nothing_is_sent(
    command: Command, bench: Bench, tmp_path: Path
) -> None:
    first, second = pair(20, seed=7)
    before = keys(bench)
    for odd, shown in (("W1\n_R2.fastq.gz", "W1\\n_R2"), ("W1\udcff_R2.fastq.gz", "W1\\udcff_R2")):
        write(tmp_path, {"W1_R1.fastq.gz": first, odd: second})
        arguments = ("upload", "W1_R1.fastq.gz", odd, "--sample", "W1")
        ended = command.run(*arguments)
        assert ended.returncode == 1
        assert shown in ended.stderr
        assert "Traceback" not in ended.stderr
        document = json.loads(command.run(*arguments, "--json").stdout)
        assert shown in " ".join(document["faults"])
    assert keys(bench) == before


def test_a_folder_whose_name_is_not_unicode_is_no_hindrance(
    command: Command, tmp_path: Path
) -> None:
    folder = "run\udcff"
    names = ("Y1_R1.fastq.gz", "Y1_R2.fastq.gz")
    write(tmp_path, {f"{folder}/{n}": body for n, body in zip(names, pair(20), strict=True)})
    write(tmp_path, {f"{folder}/notes.docx": "x"})
    document = command.ask("upload", folder)
    assert [Path(file["path"]).name for file in document["files"]] == list(names)
    assert [one["path"] for one in document["left_out"]] == [
        "run\N{REPLACEMENT CHARACTER}/notes.docx"
    ]
    command.good("wait", "Y1", "--timeout", "60")
