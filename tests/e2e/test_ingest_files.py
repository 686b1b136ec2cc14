"""Files whose first bytes are wrong, and objects that change or go: held, with what to do."""

import gzip

import pytest

from tests.e2e.ingest import (
    assert_analysed,
    assert_held,
    assert_waits,
    deliver,
    document,
    events_kept_back,
    rerun,
    wait_until_quiet,
)
from tests.lab import Lab, pair
from tests.statemachine.bench import Bench

R1, R2 = pair(50)
OTHER_R1, OTHER_R2 = pair(50, seed=2)


SETTINGS = {"cpu_slots": 1}


def zipped(text: bytes) -> bytes:
    return gzip.compress(text, mtime=0)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        pytest.param(b"", "is empty", id="empty"),
        pytest.param(b"@r1\nACGT\n+\nFFFF\n", "is not gzip", id="plain FASTQ"),
        pytest.param(b"PK\x03\x04" + bytes(100), "is not gzip", id="zip"),
        pytest.param(b"<html>404</html>", "is not gzip", id="an error page"),
        pytest.param(R1[:1], "is cut off", id="one byte"),
        pytest.param(R1[:5], "is cut off", id="cut in gzip's header"),
        pytest.param(R1[:12], "is cut off", id="cut in the first block's header"),
        pytest.param(R1[:10] + b"\xff" * 50, "broken at its start", id="damaged at its start"),
        pytest.param(zipped(b""), "no read in it, and the file is whole", id="nothing within"),
        pytest.param(zipped(b"hello\n"), "ends within its first FASTQ record", id="one line"),
        pytest.param(
            zipped(b">chr1\nACGT\n" * 9), "first FASTQ record does not begin with @", id="FASTA"
        ),
        pytest.param(
            zipped(b"a,b,c\n" * 900), "first FASTQ record does not begin with @", id="CSV"
        ),
        pytest.param(zipped(bytes(9_000)), "ends within its first FASTQ record", id="zeros"),
        pytest.param(zipped(b"@r1\nACGT\n"), "within its first FASTQ record", id="half a record"),
        pytest.param(zipped(b"@r\nACGT\n+\nFF\n"), "4 bases and 2 qualities", id="qualities"),
        pytest.param(zipped(zipped(R1)), "compressed twice", id="gzip in gzip"),
        pytest.param(R2, "mates seem to be swapped", id="the other mate"),
    ],
)
def test_file_that_is_no_gzipped_fastq_is_held_until_a_good_one_replaces_it(
    lab: Lab, bench: Bench, body: bytes, reason: str
) -> None:
    sample = bench.new_sample()
    key = f"{sample}_R1.fastq.gz"
    lab.drop(key, body)
    shown = assert_held(lab, sample, "quick", reason, key)
    assert shown["runs"] == []
    lab.drop(key, R1)
    assert_waits(lab, sample, "quick", "waiting for R2 of lane 1")


def test_good_file_in_place_of_a_bad_one_is_all_that_it_takes(lab: Lab, bench: Bench) -> None:
    sample = bench.new_sample()
    lab.drop(f"{sample}_R2.fastq.gz", R2)
    lab.drop(f"{sample}_R1.fastq.gz", b"")
    assert_held(lab, sample, "quick", "is empty")
    lab.drop(f"{sample}_R1.fastq.gz", R1)
    assert_analysed(lab, sample, "quick")


def test_rerun_does_not_take_a_held_file_for_good(lab: Lab, bench: Bench) -> None:
    sample = bench.new_sample()
    lab.drop(f"{sample}_R1.fastq.gz", b"no gzip")
    lab.drop(f"{sample}_R2.fastq.gz", R2)
    assert_held(lab, sample, "quick", "is not gzip")
    rerun(lab, sample, "quick")
    assert_waits(lab, sample, "quick", "waiting for R1 of lane 1")


def test_mates_that_are_not_each_others_are_held(lab: Lab, bench: Bench) -> None:
    sample = bench.new_sample()
    _, foreign = pair(50)
    text = gzip.decompress(foreign).replace(b":1101:1000:2000 ", b":1101:7777:8888 ", 1)
    lab.drop(f"{sample}_R1.fastq.gz", R1)
    lab.drop(f"{sample}_R2.fastq.gz", zipped(text))
    shown = assert_held(lab, sample, "quick", "not each other's mates", "lane 1", "7777:8888")
    assert shown["runs"] == []
    lab.drop(f"{sample}_R2.fastq.gz", R2)
    assert_analysed(lab, sample, "quick")


def test_two_files_for_one_lane_are_held_until_a_manifest_names_one(lab: Lab, bench: Bench) -> None:
    sample = bench.new_sample()
    lab.drop(f"{sample}_R1.fastq.gz", OTHER_R1)
    lab.drop(f"quick/again/{sample}_R1.fastq.gz", R1)
    assert_held(lab, sample, "quick", f"quick/again/{sample}_R1", "different content", "manifest")
    lab.drop(f"{sample}_R2.fastq.gz", R2)
    assert_held(lab, sample, "quick", "different content")
    files = [{"r1": f"quick/again/{sample}_R1.fastq.gz", "r2": f"{sample}_R2.fastq.gz"}]
    lab.drop_manifest(f"{sample}.manifest.json", {"sample": sample, "files": files})
    shown = assert_analysed(lab, sample, "quick")
    assert shown["files"][0]["uri"].endswith(f"/quick/again/{sample}_R1.fastq.gz")
    lab.drop(f"{sample}_R1.fastq.gz", OTHER_R1)
    assert_analysed(lab, sample, "quick")


@pytest.mark.parametrize("order", [1, -1])
def test_good_file_replaced_by_a_bad_one_is_held_in_whatever_order_the_news_come(
    lab: Lab, bench: Bench, order: int
) -> None:
    sample = bench.new_sample()
    lab.drop(f"{sample}_R2.fastq.gz", R2)
    with events_kept_back(lab) as events:
        lab.drop(f"{sample}_R1.fastq.gz", R1)
        lab.drop(f"{sample}_R1.fastq.gz", b"")
    for body in events[::order]:
        deliver(lab, [body])
        wait_until_quiet(lab)
    shown = document(lab, sample, "quick")
    assert shown["status"] == "HELD"
    assert "is empty" in shown["why"]
    assert shown["runs"] == [], "whatever an event tells, the object is looked at as it is now"


def test_object_overwritten_while_its_run_goes_on_is_analysed_again_as_it_is_now(
    lab: Lab, bench: Bench
) -> None:
    sample, key = bench.new_sample(), "{}_R1.fastq.gz"
    earlier, _ = pair(50, seed=2)
    bench.hold("count")
    lab.drop(key.format(sample), earlier)
    lab.drop(f"{sample}_R2.fastq.gz", R2)
    bench.pid("count")
    version = lab.drop(key.format(sample), R1)
    lab.wait_until(lambda: lab.runs(sample, "quick")[0].status == "ABORTED")
    bench.let_go("count")
    lab.wait_for(sample, "quick", "ANALYSED")
    wait_until_quiet(lab)
    shown = document(lab, sample, "quick")
    newest, stopped = shown["runs"]
    assert (newest["status"], stopped["status"]) == ("SUCCEEDED", "ABORTED")
    assert shown["current_run"] == newest["id"]
    assert "which it reads, was replaced" in stopped["why"]
    assert version in {file["version_id"] for file in shown["files"]}


def test_object_deleted_before_it_was_looked_at_leaves_its_mate_waiting(
    lab: Lab, bench: Bench
) -> None:
    sample = bench.new_sample()
    lab.drop(f"{sample}_R2.fastq.gz", R2)
    with events_kept_back(lab) as events:
        version = lab.drop(f"{sample}_R1.fastq.gz", R1)
    lab.client("s3").delete_object(
        Bucket=lab.uploads, Key=f"{sample}_R1.fastq.gz", VersionId=version
    )
    deliver(lab, events)
    assert_waits(lab, sample, "quick", "waiting for R1 of lane 1")
    lab.drop(f"{sample}_R1.fastq.gz", R1)
    assert_analysed(lab, sample, "quick")


def test_object_deleted_for_good_between_claim_and_job_is_held_by_name(
    lab: Lab, bench: Bench
) -> None:
    blocker, sample = bench.new_sample(), bench.new_sample()
    key = f"{sample}_R1.fastq.gz"
    bench.hold("count")
    bench.drop_pair(blocker)
    bench.pid("count")  # it has the runtime's one slot: the sample's job must wait
    version = lab.drop(key, R1)
    lab.drop(f"{sample}_R2.fastq.gz", R2)
    lab.wait_until(lambda: [j for j in lab.jobs(sample, "quick") if j.status == "RUNNABLE"])
    lab.client("s3").delete_object(Bucket=lab.uploads, Key=key, VersionId=version)
    bench.let_go("count")
    assert_held(lab, sample, "quick", key, "is gone")
    lab.drop(key, R1)
    wait_until_quiet(lab)
    shown = document(lab, sample, "quick")
    assert (shown["status"], shown["holds"]) == ("ANALYSED", {})
