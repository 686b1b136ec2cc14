"""Copies of reads in a work folder: of the very versions that are checked, before anything runs."""

import gzip
import signal
from pathlib import Path

import msgspec
import pytest

from seqdrop.domain.failure import FailureClass
from seqdrop.domain.pipeline import Output
from seqdrop.domain.plan import StagePlan
from tests.integration.runner.test_faults import failed
from tests.lab import Lab
from tests.runner_support import BUCKET, RunnerLab, a_stage, fastq, pipe

READS = "_work/S1/wgs/align/k/1/reads/"
SAID = """\
#!/bin/sh
[ "$1" = --version ] && exit
echo "$@"
touch {ran}
"""


def stage_of(lab: RunnerLab, script: str = "") -> StagePlan:
    """A stage whose tool says what it was given for a lane."""
    lab.tool("sayer", SAID.format(ran=lab.bin / "ran") + script)
    steps = (pipe(["sayer", "{pair.r1}", "{pair.r2}", "{work}"], each=True, stdout="{out}/said"),)
    return a_stage(
        steps=steps, outputs=(Output("said"),), reads="copies", measures={},
        work=READS.removesuffix("reads/"),
    )  # fmt: skip


def body(lab: RunnerLab, name: str) -> bytes | None:
    return lab.read(f"{READS}{name}")


def test_a_tool_gets_the_uris_of_copies_that_are_equal_to_what_was_checked(lab: RunnerLab) -> None:
    pair = lab.pair(md5=True)
    assert lab.run(lab.plan(stage_of(lab), pairs=(pair,))).returncode == 0
    said = lab.read("S1/wgs/align/k/1/said")
    places = [f"s3://{BUCKET}/{READS}1.L.1_R{read}.fastq.gz" for read in (1, 2)]
    assert said == f"{' '.join(places)} s3://{BUCKET}/_work/S1/wgs/align/k/1/\n".encode()
    for read in (1, 2):
        copy = body(lab, f"1.L.1_R{read}.fastq.gz")
        assert copy is not None
        assert gzip.decompress(copy) == fastq(50, read)
    result = lab.result()
    assert result
    assert (result.counts["reads_in"], result.lanes["L.1"]["reads_in"]) == (100, 100)


def test_the_copy_is_of_the_version_that_the_plan_froze(lab: RunnerLab) -> None:
    pair = lab.pair()
    lab.put(pair.r1.key, gzip.compress(fastq(7)))  # it was replaced since
    assert lab.run(lab.plan(stage_of(lab), pairs=(pair,))).returncode == 0
    assert gzip.decompress(body(lab, "1.L.1_R1.fastq.gz") or b"") == fastq(50)


def test_what_an_upload_says_of_its_patient_is_not_copied(lab: RunnerLab) -> None:
    pair = lab.pair()
    answer = lab.client.put_object(
        Bucket=pair.r1.bucket, Key=pair.r1.key, Body=gzip.compress(fastq(50)),
        Metadata={"name": "a patient"}, Tagging="patient=x",
    )  # fmt: skip
    told = msgspec.structs.replace(
        pair.r1, version_id=answer["VersionId"], size=len(gzip.compress(fastq(50)))
    )
    plan = lab.plan(stage_of(lab), pairs=(msgspec.structs.replace(pair, r1=told),))
    assert lab.run(plan).returncode == 0
    key = f"{READS}1.L.1_R1.fastq.gz"
    assert lab.client.head_object(Bucket=BUCKET, Key=key)["Metadata"].keys() == {"copied-from"}
    assert lab.client.get_object_tagging(Bucket=BUCKET, Key=key)["TagSet"] == []


@pytest.mark.parametrize(
    ("r1", "r2", "why"),
    [
        (fastq(50), fastq(40, 2), "has 40 reads, R1 has 50"),
        (fastq(50), fastq(50, 2).replace(b"@r7/2", b"@q/2"), "hold different reads"),
        (fastq(50) + b"@r\nA\n", fastq(51, 2), "ends in the middle of a record"),
        (b"", b"", "no read in any"),
    ],
)
def test_reads_that_are_wrong_hold_the_sample_before_anything_runs(
    lab: RunnerLab, r1: bytes, r2: bytes, why: str
) -> None:
    pair = lab.pair(gzip.compress(r1), gzip.compress(r2))
    message = failed(lab, FailureClass.BAD_INPUT, stage_of(lab), pairs=(pair,))
    assert why in message
    assert not (lab.bin / "ran").exists(), "a task of the workflow would have run"


def test_a_wrong_checksum_of_the_manifest_s_holds_the_sample(lab: RunnerLab) -> None:
    pair = lab.pair(md5=True)
    wrong = msgspec.structs.replace(pair.files[1], md5="0" * 32)
    pair = msgspec.structs.replace(pair, r2=wrong)
    message = failed(lab, FailureClass.BAD_INPUT, stage_of(lab), pairs=(pair,))
    assert "MD5" in message
    assert not (lab.bin / "ran").exists()


def test_a_version_that_is_gone_holds_the_sample(lab: RunnerLab) -> None:
    pair = lab.pair()
    lab.client.delete_object(Bucket=pair.r1.bucket, Key=pair.r1.key, VersionId=pair.r1.version_id)
    message = failed(lab, FailureClass.BAD_INPUT, stage_of(lab), pairs=(pair,))
    assert "gone" in message


def test_a_copy_that_is_there_keeps_its_time_and_another_object_is_replaced(
    lab: RunnerLab,
) -> None:
    """By path, size and time Nextflow knows a file again."""
    pair = lab.pair()
    key = f"{READS}1.L.1_R1.fastq.gz"
    lab.client.put_object(Bucket=BUCKET, Key=key, Body=b"not the copy")
    broken = lab.plan(stage_of(lab, "exit 9\n"), pairs=(pair,))
    assert lab.run(broken).returncode != 0
    first = lab.client.head_object(Bucket=BUCKET, Key=key)
    assert lab.run(lab.plan(stage_of(lab), pairs=(pair,))).returncode == 0
    second = lab.client.head_object(Bucket=BUCKET, Key=key)
    assert (first["VersionId"], first["LastModified"]) == (
        second["VersionId"], second["LastModified"],
    )  # fmt: skip
    assert gzip.decompress(body(lab, "1.L.1_R1.fastq.gz") or b"") == fastq(50)


def test_odd_letters_of_a_lane_are_in_no_key_and_two_lanes_never_share_one(lab: RunnerLab) -> None:
    pairs = (lab.pair(lane="L.1.a b"), lab.pair(lane="L.1.a,b"))
    assert lab.run(lab.plan(stage_of(lab), pairs=pairs)).returncode == 0
    found = lab.client.list_objects_v2(Bucket=BUCKET, Prefix=READS)["Contents"]
    assert [one["Key"].removeprefix(READS) for one in found] == [
        "1.L.1.a_b_R1.fastq.gz", "1.L.1.a_b_R2.fastq.gz",
        "2.L.1.a_b_R1.fastq.gz", "2.L.1.a_b_R2.fastq.gz",
    ]  # fmt: skip


def test_nextflow_has_time_to_end_its_tasks(lab: RunnerLab, tmp_path: Path) -> None:
    """Longer than other tools have: it makes a call for each task."""
    begun, ended = tmp_path / "begun", tmp_path / "ended"
    lab.tool(
        "nextflow",
        f"""#!/bin/bash
[ "$1" = -v ] && exit
trap 'sleep 5; touch {ended}; exit 143' TERM
touch {begun}
while :; do sleep 0.1; done
""",
    )
    stage = a_stage(steps=(pipe(["nextflow"]),), outputs=(Output("said"),), reads="", measures={})
    process = lab.start(lab.plan(stage))
    Lab.wait_until(begun.exists)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM
    assert ended.exists()
    assert lab.left_behind() == []
