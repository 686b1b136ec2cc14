"""The `seqdrop` command against a runtime whose tools take no time."""

import gzip
import hashlib
import json
import random
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from seqdrop.aws.catalog.layout import job_parameter
from seqdrop.aws.queues import CopyLog
from seqdrop.domain.gate import Gate
from seqdrop.domain.identity import ObjectName
from seqdrop.flow.log_copies import log_key
from tests.e2e.command import Command
from tests.lab import pair
from tests.statemachine.bench import Bench, open_bench

DESIGNED_RUN = (
    "run_key", "attempt", "status", "qc", "simulated", "pipeline", "reference", "cost_usd",
    "stages",
)  # fmt: skip
DESIGNED_STAGE = ("stage", "status", "queue", "submitted", "started", "ended")


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with open_bench(tmp_path_factory.mktemp("cli")) as bench:
        yield bench


@pytest.fixture
def command(bench: Bench, tmp_path: Path) -> Iterator[Command]:
    bench.forget()
    yield Command(tmp_path, bench.lab.runtime.url)
    bench.forget()
    bench.lab.wait_until(lambda: not bench.lab.live_batch_jobs())


def write_pair(folder: Path, sample: str, lane: int = 1, **options: int) -> list[str]:
    names = [f"{sample}_S1_L{lane:03}_R{mate}_001.fastq.gz" for mate in (1, 2)] if lane > 1 else []
    names = names or [f"{sample}_R1.fastq.gz", f"{sample}_R2.fastq.gz"]
    for name, body in zip(names, pair(50, lane=lane, **options), strict=True):
        (folder / name).write_bytes(body)
    return names


def test_a_sample_from_upload_to_results(command: Command, tmp_path: Path) -> None:
    names = write_pair(tmp_path, "NA1")
    uploaded = command.ask("upload", *names)
    assert uploaded["samples"] == ["NA1"]
    assert [Path(file["uri"]).name for file in uploaded["files"]] == names
    assert {(f["registered"], f["sample"], f["assay"]) for f in uploaded["files"]} == {
        (True, "NA1", "quick")
    }
    said = command.good("wait", "NA1", "--timeout", "60")
    assert said.splitlines()[-1] == "analysed: NA1"
    assert "NA1 (quick) count SUCCEEDED" in said

    shown = command.ask("show", "NA1")
    assert shown["sample"] == "NA1"
    [analysis] = shown["analyses"]
    assert (analysis["assay"], analysis["status"]) == ("quick", "ANALYSED")
    assert {file["read"] for file in analysis["files"]} == {"R1", "R2"}
    [run] = analysis["runs"]
    assert set(DESIGNED_RUN) <= run.keys()
    assert analysis["current_run"] == f"{run['run_key']}#1"
    assert (run["status"], run["attempt"], run["simulated"]) == ("SUCCEEDED", 1, False)
    for stage in run["stages"]:
        assert set(DESIGNED_STAGE) <= stage.keys()
        assert stage["submitted"] <= stage["started"] <= stage["ended"]
    assert "NA1 (quick) is ANALYSED" in command.good("show", "NA1")

    fetched = command.ask("results", "NA1", "--download", "out")
    record = json.loads((tmp_path / fetched["record"]).read_text())
    assert (record["run_key"], record["sample"]) == (run["run_key"], "NA1")
    files = fetched["files"]
    assert {(file["stage"], file["name"]) for file in files} == {
        ("count", "flagstat.json"), ("left", "left.txt"), ("right", "right.txt"),
    }  # fmt: skip
    for file in files:
        body = (tmp_path / "out" / f"NA1.quick.{run['run_key']}.{file['name']}").read_bytes()
        assert (file["bytes"], file["sha256"]) == (len(body), hashlib.sha256(body).hexdigest())
        assert file["uri"].startswith("s3://")

    listed = {row["sample"]: row for row in command.ask("samples")["samples"]}
    assert (listed["NA1"]["assay"], listed["NA1"]["status"]) == ("quick", "ANALYSED")
    assert "NA1" in command.good("samples", "--status", "analysed")


def test_options_become_a_manifest_and_the_same_upload_again_starts_nothing(
    command: Command, bench: Bench, tmp_path: Path
) -> None:
    names = write_pair(tmp_path, "odd name")
    arguments = ("upload", *names, "--sample", "NA2", "--assay", "quick", "--project", "p1")
    first = command.ask(*arguments)
    command.good("wait", "NA2", "--timeout", "60")
    again = command.ask(*arguments)
    for file in (*first["files"], *again["files"]):
        del file["note"]  # whether it is the first time, or the same bytes again
    assert again == first
    manifest = first["manifest"].removeprefix(f"s3://{bench.lab.uploads}/")
    versions = bench.lab.client("s3").list_object_versions(
        Bucket=bench.lab.uploads, Prefix=manifest
    )["Versions"]
    assert len(versions) == 2
    (newest,) = (version["VersionId"] for version in versions if version["IsLatest"])
    name = ObjectName(bench.lab.uploads, manifest)
    bench.lab.wait_until(lambda: bench.lab.catalog.uploads.known(name)[0].version == newest)
    command.good("wait", "NA2", "--timeout", "60")
    [analysis] = command.ask("show", "NA2")["analyses"]
    assert (analysis["project"], len(analysis["runs"])) == ("p1", 1)
    assert bench.starts("count") == 1


def test_a_large_file_goes_in_parts_and_has_a_checksum_of_the_whole(
    command: Command, bench: Bench, tmp_path: Path
) -> None:
    more = gzip.compress(random.Random(1).randbytes(20 << 20), 0)
    (tmp_path / "large_R1.fastq.gz").write_bytes(pair(5)[0] + more)
    command.good("upload", "large_R1.fastq.gz", "--partial")
    head = bench.lab.client("s3").head_object(
        Bucket=bench.lab.uploads, Key="large_R1.fastq.gz", ChecksumMode="ENABLED"
    )
    assert head["ETag"].strip('"').endswith("-3")
    assert head["ChecksumType"] == "FULL_OBJECT"
    assert head["ChecksumCRC32"]


def test_wait_after_a_second_lane_waits_for_the_run_of_both(
    command: Command, bench: Bench, tmp_path: Path
) -> None:
    command.good("upload", *write_pair(tmp_path, "NA8"))
    command.good("wait", "NA8", "--timeout", "60")
    command.good("upload", *write_pair(tmp_path, "NA8", lane=2))
    command.good("wait", "NA8", "--timeout", "60")
    command.good("upload", *write_pair(tmp_path, "NA8", lane=3)[:1], "--partial")
    assert "newer ones may follow: NA8 is RECEIVING: waiting for R2" in command.good(
        "results", "NA8"
    )
    assert [run.status for run in bench.lab.runs("NA8", "quick")] == ["SUCCEEDED", "SUCCEEDED"]


def test_rerun_fresh_makes_the_next_run_and_its_logs_can_be_read(
    command: Command, bench: Bench, tmp_path: Path
) -> None:
    command.good("upload", *write_pair(tmp_path, "NA3"))
    command.good("wait", "NA3", "--timeout", "60")
    assert command.ask("rerun", "NA3")["released"] is False
    assert command.ask("rerun", "NA3", "--fresh")["released"] is True
    command.good("wait", "NA3", "--timeout", "60")
    [analysis] = command.ask("show", "NA3")["analyses"]
    newest, before = analysis["runs"]
    assert (newest["attempt"], before["attempt"]) == (2, 1)
    assert newest["run_key"] == before["run_key"]
    assert bench.starts("count") == 2
    before_id = f"{before['run_key']}#1"
    assert command.ask("results", "NA3", "--run", before_id)["run"] == before_id

    [logged] = command.ask("logs", "NA3", "count", "--follow")["stages"]
    assert logged["stage"] == "count"
    assert all({"time", "message"} <= event.keys() for event in logged["events"])
    of_first = command.ask("logs", "NA3", "count", "--run", before_id)
    assert of_first["run"] == before_id
    assert of_first["stages"][0]["events"] != logged["events"]
    assert command.ask("logs", "NA3", "--run", before["run_key"][:5])["run"] == newest["id"]
    assert "has no run 'other'" in command.bad("logs", "NA3", "--run", "other")
    assert "has no stage 'nothing'" in command.bad("logs", "NA3", "nothing")
    assert "has no stage 'nothing'" in command.bad("rerun", "NA3", "--from", "nothing")


def test_rerun_from_a_stage_leaves_those_before_it(
    command: Command, bench: Bench, tmp_path: Path
) -> None:
    command.good("upload", *write_pair(tmp_path, "NA4"))
    command.good("wait", "NA4", "--timeout", "60")
    command.good("rerun", "NA4", "--from", "left")
    command.good("wait", "NA4", "--timeout", "60")
    assert (bench.starts("count"), bench.starts("left")) == (1, 2)


def test_stop_ends_the_jobs_and_wait_says_why_it_is_held(
    command: Command, bench: Bench, tmp_path: Path
) -> None:
    bench.hold("count")
    command.good("upload", *write_pair(tmp_path, "NA5"))
    bench.pid("count")
    assert "is running" in command.bad("rerun", "NA5")
    assert "still waiting: NA5 (quick) is ANALYSING" in command.bad("wait", "NA5", "--timeout", "0")
    stopped = command.ask("stop", "NA5", "--reason", "wrong tube")
    assert (stopped["stopped"], stopped["held"]) == (True, True)
    bench.lab.wait_until(lambda: not bench.lab.live_batch_jobs())
    said = command.bad("wait", "NA5", "--timeout", "60")
    assert "NA5 (quick) is HELD: stopped by " in said
    assert "wrong tube" in said
    bench.lab.wait_until(lambda: all(job.has_ended for job in bench.lab.jobs("NA5", "quick")))
    [analysis] = command.ask("show", "NA5")["analyses"]
    [run] = analysis["runs"]
    assert (run["status"], run["why"]) == ("ABORTED", analysis["holds"]["stopped"])
    assert run["cost_usd"] > 0, "what ran until the stop is paid for"
    shown = command.good("show", "NA5")
    assert (shown.count("stopped by "), shown.count("wrong tube")) == (1, 1), shown
    told = [
        event["why"]
        for event in bench.lab.catalog.analyses.events("NA5")
        if event["what"] in {"held", "run aborted"}
    ]
    assert told == [run["why"]] * 2
    again = command.good("stop", "NA5", "--reason", "another")
    assert "it is held, as it was: stopped by " in again
    assert "wrong tube" in again
    assert command.ask("show", "NA5")["analyses"][0]["holds"] == analysis["holds"]
    bench.let_go("count")
    assert "is released: it goes on by itself" in command.good("rerun", "NA5")
    command.good("wait", "NA5", "--timeout", "60")


def test_a_rerun_does_not_choose_between_two_files(command: Command, bench: Bench) -> None:
    bench.drop_pair("NA10")
    command.good("wait", "NA10", "--timeout", "60")
    bench.drop_pair("NA10", "quick/again/", seed=2)
    said = command.bad("wait", "NA10", "--timeout", "60")
    assert "different content" in said
    said = command.bad("rerun", "NA10")
    assert "NA10 (quick) is held because of its files, which a rerun does not mend" in said
    assert "both hold R1 of lane 1" in said
    assert "seqdrop rerun" not in command.good("show", "NA10")
    assert len(bench.lab.runs("NA10", "quick")) == 1


def test_a_failed_run_ends_wait_with_its_reason(
    command: Command, bench: Bench, tmp_path: Path
) -> None:
    bench.break_("left")
    command.good("upload", *write_pair(tmp_path, "NA6"))
    ended = command.run("wait", "NA6", "--timeout", "60", "--json")
    assert ended.returncode == 1
    [sample] = json.loads(ended.stdout)["samples"]
    assert sample["analyses"][0]["status"] == "FAILED"
    assert "NA6 (quick) is FAILED: left: " in ended.stderr
    assert "told to fail" in command.good("logs", "NA6", "left")
    assert "told to fail" in command.good("logs", "NA6", "left", "--attempt", "1")
    assert "left has had 1 attempt in this run" in command.bad(
        "logs", "NA6", "left", "--attempt", "2"
    )
    assert "say of which STAGE" in command.run("logs", "NA6", "--attempt", "1").stderr
    assert "has no results yet: it is FAILED" in command.bad("results", "NA6")


def test_why_says_what_failed_and_what_to_do_and_other_commands_end_with_it(
    command: Command, bench: Bench, tmp_path: Path
) -> None:
    bench.break_("left")
    command.good("upload", *write_pair(tmp_path, "NA16"))
    waited = command.run("wait", "NA16", "--timeout", "60").stdout
    said = command.good("why", "NA16")
    assert waited.endswith(said)
    assert command.good("show", "NA16").startswith(said)
    assert said.startswith("NA16 (quick) is FAILED: ToolFailed in stage left: a tool failed")
    assert "\n  why: left: worktool ended with exit code 1\n       told to fail\n" in said
    assert "\n  you: `seqdrop rerun NA16` makes what is missing; finished stages stand\n" in said
    [answer] = command.ask("why", "NA16")["analyses"]
    assert (answer["assay"], answer["status"]) == ("quick", "FAILED")
    assert answer["why"]["cause"] in said.replace("       ", "")
    stopped = command.good("stop", "NA16")
    assert stopped.endswith(command.good("why", "NA16"))
    assert "NA16 (quick) is HELD: a person must act" in stopped
    assert "`seqdrop rerun NA16` lets it go on once that is done" in stopped
    costs = command.ask("cost", "NA16")
    [one] = costs["samples"]
    assert 0 < one["cost_usd"] == costs["total"]["cost_usd"]
    [run] = one["runs"]
    stages = [stage["cost_usd"] for stage in run["stages"]]
    assert run["cost_usd"] == pytest.approx(sum(stages))
    assert "run " in command.good("cost", "NA16")
    month = command.ask("cost")
    assert month["total"]["cost_usd"] == pytest.approx(sum(x["cost_usd"] for x in month["lines"]))
    assert month["total"]["waste_usd"] > 0
    assert "total" in command.good("cost", "--by", "pipeline")
    assert "no job has ended in 2020-01" in command.good("cost", "--month", "2020-01")
    assert "no month such as" in command.bad("cost", "--month", "2020-13", code=2)
    bench.mend("left")
    assert "\nNA16 (quick) is " in command.good("rerun", "NA16")
    command.good("wait", "NA16", "--timeout", "60")
    told = command.ask("events", "NA16")["events"]
    assert [event["what"] for event in told][-1] == "run succeeded"
    assert "released" in command.good("events", "NA16")
    assert "nothing has happened to a sample" in command.bad("events", "NOBODY")
    assert "nothing needs doing" in command.good("why", "NA16")


def test_many_are_rerun_at_once_and_each_says_what_comes_of_it(
    command: Command, bench: Bench, tmp_path: Path
) -> None:
    bench.break_("left")
    for name in ("NA17", "NA18"):
        command.good("upload", *write_pair(tmp_path, name), "--project", "many")
        assert command.run("wait", name, "--timeout", "60").returncode == 1
    bench.mend("left")
    ended = command.run("rerun", "NA17", "NOBODY")
    assert ended.returncode == 1
    assert "NA17 (quick) is released: it goes on by itself" in ended.stdout
    assert "NOBODY: there is no sample 'NOBODY'" in ended.stderr
    said = command.good("rerun", "--status", "failed", "--project", "many")
    assert said == "NA18 (quick) is released: it goes on by itself\n"
    command.good("wait", "NA17", "NA18", "--timeout", "60")
    assert command.ask("rerun", "--status", "FAILED", "--project", "many") == {"samples": []}
    assert "give samples, or --status" in command.bad("rerun", code=2)
    assert "is none of" in command.bad("rerun", "--status", "LOST", code=2)


def test_queues_show_what_waits_what_runs_and_what_blocks(
    command: Command, bench: Bench, tmp_path: Path
) -> None:
    with bench.playing(BLOCKED="ACTION_REQUIRED"):
        command.good("upload", *write_pair(tmp_path, "NA19"))
        bench.lab.wait_until(lambda: "ACTION_REQUIRED" in command.good("queues"))
        found = {one["queue"]: one for one in command.ask("queues")["queues"]}
        text = command.good("queues")
    assert {"seqdrop-cpu-ondemand", "seqdrop-fpga-genome-urgent"} <= found.keys()
    one = found["seqdrop-cpu-routine"]
    assert (one["state"], one["waiting"], one["running"]) == ("ENABLED", 1, 0)
    assert one["oldest"]
    assert one["blocked_reason"].startswith("ACTION_REQUIRED - ")
    assert "seqdrop-cpu-routine is blocked: ACTION_REQUIRED" in text
    assert "you: the queue's compute environments are INVALID" in text
    command.good("wait", "NA19", "--timeout", "60")


def test_logs_are_read_from_their_copies_once_cloudwatch_keeps_them_no_longer(
    command: Command, bench: Bench, tmp_path: Path
) -> None:
    bench.break_("left", "told to fail")
    command.good("upload", *write_pair(tmp_path, "NA41"))
    command.run("wait", "NA41", "--timeout", "60")
    (job,) = (job for job in bench.lab.jobs("NA41", "quick") if job.stage == "left")
    outputs, sqs = bench.lab.runtime.outputs, bench.lab.client("sqs")
    asks = msgspec.json.encode(CopyLog(job_parameter(job.owner))).decode()
    sqs.send_message(QueueUrl=outputs["JobEventsQueueUrl"], MessageBody=asks)  # without its pause
    key = log_key(job.folder, "left", job.attempts[0].log_stream)
    s3 = bench.lab.client("s3")
    bench.lab.wait_until(
        lambda: (
            key
            in [
                one["Key"]
                for one in s3.list_objects_v2(Bucket=bench.lab.results, Prefix=job.folder)[
                    "Contents"
                ]
            ]
        )
    )
    before = command.ask("logs", "NA41", "left")["stages"]
    group = {"logGroupName": outputs["JobLogGroup"]}
    stream = {**group, "logStreamName": job.attempts[0].log_stream}
    bench.lab.client("logs").delete_log_stream(**stream)
    bench.lab.client("logs").create_log_stream(**stream)  # retention leaves it, empty
    assert "told to fail" in command.good("logs", "NA41", "left", "--follow")
    assert command.ask("logs", "NA41", "left")["stages"] == before


def test_sizes_tell_what_stages_took_and_which_to_change(command: Command, tmp_path: Path) -> None:
    command.good("upload", *write_pair(tmp_path, "NA42"))
    command.good("wait", "NA42", "--timeout", "60")
    stages = {one["stage"]: one for one in command.ask("sizes")["stages"]}
    assert stages.keys() == {"count", "left", "right"}
    assert stages["count"]["memory_mib"] == 100
    assert stages["count"]["peak_memory_mib"] > 10
    assert stages["count"]["time_fraction"] > 0
    said = command.good("sizes", "--samples", "1")
    assert "OF ASKED" in said
    shown = command.ask("show", "NA42")["analyses"][0]["runs"][0]["stages"]
    assert {one["stage"]: bool(one["peak_memory_mib"]) for one in shown}["count"]


def test_a_priority_is_changed_later_and_the_job_that_waits_is_moved(
    command: Command, bench: Bench, tmp_path: Path
) -> None:
    command.good("pause", "fpga-genome")
    command.good("upload", *write_pair(tmp_path, "NA43"))
    bench.lab.wait_until(
        lambda: (
            [j.status for j in bench.lab.jobs("NA43", "quick") if j.stage == "right"]
            == ["RUNNABLE"]
        )
    )
    said = command.good("priority", "NA43", "urgent")
    assert "NA43 (quick) is urgent; moved to the urgent queue" in said
    command.good("resume", "fpga-genome")
    command.good("wait", "NA43", "--timeout", "60")
    jobs = [job for job in bench.lab.jobs("NA43", "quick") if job.stage == "right"]
    assert [job.queue for job in jobs] == [
        "seqdrop-fpga-genome-routine", "seqdrop-fpga-genome-urgent",
    ]  # fmt: skip
    assert "no job of it waits" in command.good("priority", "NA43", "bulk")
    assert "is none of urgent, routine, bulk" in command.bad("priority", "NA43", "soon", code=2)
    assert "priority changed" in command.good("events", "NA43")


def test_an_assay_whose_breaker_is_open_is_shown_and_resumed(
    command: Command, bench: Bench, tmp_path: Path
) -> None:
    since = "2026-11-29T00:00:00.000Z"
    gate = Gate("assay/quick", "shut", "ToolFailed in stage left: boom", since=since,
        probe_at="2100-01-01T00:00:00.000Z")  # fmt: skip
    bench.lab.catalog.gates.change(gate)
    command.good("upload", *write_pair(tmp_path, "NA44"))
    bench.lab.wait_for("NA44", "quick", "READY")
    why = command.good("why", "NA44")
    assert "  why: the breaker of assay quick is open: ToolFailed in stage left: boom" in why
    assert "mend that; then `seqdrop resume --assay quick` lets its runs begin" in why
    assert "assay quick: no run begins since 2026-11-29T00:00" in command.good("queues")
    assert "those of quick are" in command.bad("resume", "--assay", "moon")
    command.good("resume", "--assay", "quick")
    command.good("wait", "NA44", "--timeout", "60")
    assert "none is" in command.bad("resume", "--assay", "quick")


def test_the_cost_of_a_manifest_is_the_sum_of_its_samples(
    command: Command, bench: Bench, tmp_path: Path
) -> None:
    samples = []
    for name in ("NA45", "NA46"):
        r1, r2 = write_pair(tmp_path, name, seed=sum(name.encode()))
        files = {"lane": "L001", "r1": r1, "r2": r2}
        samples.append({"sample": name, "assay": "quick", "files": [files]})
    bench.lab.drop_manifest("run7.manifest.json", *samples)
    for name in ("NA45", "NA46"):
        for mate in (1, 2):
            file = f"{name}_R{mate}.fastq.gz"
            bench.lab.drop(file, (tmp_path / file).read_bytes())
        bench.lab.wait_for(name, "quick", "ANALYSED")
    found = command.ask("cost", "--manifest", "run7.manifest.json")
    each = {one["sample"]: one["cost_usd"] for one in found["samples"]}
    assert each.keys() == {"NA45", "NA46"}
    assert found["total"]["cost_usd"] == pytest.approx(sum(each.values()))
    assert found["total"]["cost_usd"] > 0
    assert each["NA45"] == command.ask("cost", "NA45")["total"]["cost_usd"]
    uri = f"s3://{bench.lab.uploads}/run7.manifest.json"
    assert "of 2 samples" in command.good("cost", "--manifest", uri)
    assert "no sample is of the manifest" in command.bad("cost", "--manifest", "moon.json")
    assert "not two of them" in command.bad("cost", "NA45", "--month", "2026-11", code=2)


def test_a_paused_project_begins_no_run_until_it_is_resumed(
    command: Command, bench: Bench, tmp_path: Path
) -> None:
    said = command.good("pause", "--project", "bio bank", "--reason", "new panel")
    assert "project bio bank: 0 counted in flight, 0 waiting" in said
    command.good("upload", *write_pair(tmp_path, "NA40"), "--project", "bio bank")
    bench.lab.wait_until(lambda: "its project is paused" in command.run("why", "NA40").stdout)
    told = command.good("why", "NA40")
    assert "  why: project bio bank: paused by arn:aws:sts::123456789012:user/moto since " in told
    assert "then `seqdrop resume --project 'bio bank'` lets its runs begin\n" in told
    assert "project bio bank: 0 counted in flight, 1 waiting" in command.good("queues")
    (project,) = command.ask("queues")["projects"]
    assert (project["project"], project["waiting"]) == ("bio bank", 1)
    assert command.ask("resume", "--project", "bio bank")["paused_since"] is None
    command.good("wait", "NA40", "--timeout", "60")
    both = command.bad("pause", "cpu", "--project", "bio bank", code=2)
    assert "not two of them" in both


def test_what_is_paused_waits_and_why_says_who_paused_it_and_how_to_go_on(
    command: Command, bench: Bench, tmp_path: Path
) -> None:
    said = command.good("pause", "fpga-genome", "--reason", "new AMI")
    assert "fpga-genome: no job is started since " in said
    assert "cpu: jobs start as hosts come" in said
    command.good("upload", *write_pair(tmp_path, "NA20"))
    bench.lab.wait_until(
        lambda: (
            "stage right is waiting, as all jobs of queue fpga-genome are"
            in command.run("why", "NA20").stdout
        )
    )
    told = command.good("why", "NA20")
    assert "  why: paused by arn:aws:sts::123456789012:user/moto since " in told
    assert " UTC: new AMI\n" in told
    assert "then `seqdrop resume fpga-genome` lets all jobs start\n" in told
    assert "fpga-genome: no job is started since " in command.good("queues")
    gates = {gate["kind"]: gate for gate in command.ask("queues")["gates"]}
    assert (gates["fpga-genome"]["state"], gates["cpu"]["state"]) == ("paused", "free")
    assert "fpga-genome: jobs start as hosts come" in command.good("resume", "fpga-genome")
    command.good("wait", "NA20", "--timeout", "60")
    assert "there are no queues 'moon' here" in command.bad("pause", "moon")
    assert "give one of " in command.bad("resume", code=2)
    assert len(command.ask("pause", "--all")["gates"]) == 4
    command.good("resume", "--all")


def test_a_lone_mate_waits_and_show_says_for_what(command: Command, tmp_path: Path) -> None:
    r1, _ = write_pair(tmp_path, "NA7")
    assert "NA7 (quick) is RECEIVING: waiting for R2" in command.good("upload", r1, "--partial")
    said = command.bad("wait", "NA7", "--timeout", "5")
    assert "NA7" in said
    assert "is released: it waits for R2" in command.good("rerun", "NA7")
    assert "waiting for R2" in command.good("show", "NA7")


def test_what_was_dismissed_ends_wait_and_is_opened_by_a_rerun_or_an_upload(
    command: Command, tmp_path: Path
) -> None:
    r1, r2 = write_pair(tmp_path, "NA11")
    command.good("upload", r1, "--partial")
    assert "NA11 (quick) is dismissed" in command.good("dismiss", "NA11", "--reason", "R2 was lost")
    said = command.bad("wait", "NA11")
    assert said.startswith("NA11 (quick) is DISMISSED: dismissed by ")
    assert said.endswith(": R2 was lost\n")
    assert "`seqdrop rerun NA11` opens it again" in command.good("show", "NA11")
    assert "NA11" in command.good("samples", "--status", "dismissed")
    assert "is opened again: it waits for R2" in command.good("rerun", "NA11")
    assert "waiting for R2" in command.bad("wait", "NA11", "--timeout", "5")
    command.good("dismiss", "NA11", "--reason", "R2 is lost after all")
    command.good("upload", r2, "--partial")
    command.good("wait", "NA11", "--timeout", "60")
    assert "is analysed: nobody waits for it" in command.bad("dismiss", "NA11", "--reason", "x")


def test_rerun_now_ends_the_quiet_period_of_lanes(command: Command, bench: Bench) -> None:
    for read, body in zip(("R1", "R2"), pair(50), strict=True):
        bench.lab.drop(f"patient/NA12_S1_L001_{read}_001.fastq.gz", body)
    bench.lab.wait_until(lambda: "so it starts at" in command.run("show", "NA12").stdout)
    assert "starts now, with the lanes that are there" in command.good("rerun", "NA12", "--now")
    command.good("wait", "NA12", "--timeout", "60")
    said = command.bad("rerun", "NA12", "--now")
    assert "NA12 (patient) has no quiet period to end: it is ANALYSED" in said


def test_a_control_without_a_read_ends_wait_well_and_is_not_called_analysed(
    command: Command, bench: Bench
) -> None:
    names = {f"r{mate}": f"NTC1.{mate}.fastq.gz" for mate in (1, 2)}
    control = {"sample": "NTC1", "assay": "quick", "control": True, "files": [names]}
    bench.lab.drop_manifest("ntc.manifest.json", control)
    for name in names.values():
        bench.lab.drop(name, gzip.compress(b""))
    said = command.good("wait", "NTC1", "--timeout", "60")
    assert said.splitlines()[-1] == "controls without a read: NTC1"
    assert "NTC1 (quick) is NO_READS" in command.good("show", "NTC1")
    assert "nothing to do" in command.good("rerun", "NTC1")


def test_wrong_usage_ends_with_2(command: Command, tmp_path: Path) -> None:
    (tmp_path / "m.manifest.json").write_text("{}")
    wrong = [
        ("upload",),
        ("upload", "not-there.fastq.gz"),
        ("upload", "m.manifest.json", "--assay", "a", "--pipeline", "p", "--reference", "r"),
        ("upload", "m.manifest.json", "--pipeline", "p"),
        ("upload", "--manifest", "m.manifest.json", "--sample", "A"),
        ("upload", "--manifest", "m.manifest.json", "--priority", "urgent"),
        ("upload", "m.manifest.json", "--priority", "now"),
        ("samples", "--status", "lost"),
        ("rerun", "NA1", "--from", "left", "--fresh"),
        ("rerun", "NA1", "--now", "--fresh"),
        ("dismiss", "NA1"),
        ("dismiss", "NA1", "--reason", " "),
        ("reference", "add", "../x", "1", "m.manifest.json"),
        ("wait",),
        ("nonsense",),
    ]
    for arguments in wrong:
        command.bad(*arguments, code=2)


def test_what_is_not_there_is_one_line(command: Command, tmp_path: Path) -> None:
    assert "there is no sample 'nobody'" in command.bad("show", "nobody")
    (tmp_path / "m.manifest.json").write_text("not JSON")
    assert "is not JSON" in command.bad("upload", "--manifest", "m.manifest.json")
    command.environment["SEQDROP_STACK"] = "other"
    assert "there is no stack 'other'" in command.bad("samples")
    command.environment["AWS_ENDPOINT_URL"] = "http://127.0.0.1:1"
    assert "nothing answers at http://127.0.0.1:1" in command.bad("samples")
