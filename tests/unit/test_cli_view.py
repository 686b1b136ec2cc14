"""A sample's items as the document that scripts read."""

from typing import Any

import msgspec
import pytest

from cli.timeline import sample_lines, size_text
from cli.view import choose_analysis, sample_document
from seqdrop.aws.catalog.layout import blueprint_item, file_item, job_item, run_item
from seqdrop.aws.catalog.table import Item
from seqdrop.domain.blueprint import encode_blueprint
from seqdrop.domain.duration import duration_text
from seqdrop.domain.errors import InvalidInput, NoSuchSample
from seqdrop.domain.identity import FileIdentity, ObjectName, RunId, StageOf
from seqdrop.domain.plan import StoredObject
from seqdrop.domain.records import (
    Analysis,
    AnalysisStatus,
    FastqFile,
    Run,
    RunStatus,
    StageRun,
)
from seqdrop.domain.upload import object_cause
from tests.domain_support import analysis_item, blueprint, run_of
from tests.domain_support import job as job_of

IDENTITY = FileIdentity("-", "HXYZ", "3", "R1", "001")
FILE = FastqFile(
    "NA1", "wgs", IDENTITY, StoredObject("up", "NA1_R1.fastq.gz", 2048, "v1", "crc64nvme:x"),
    "e", "@read",
)  # fmt: skip


def analysis(assay: str = "wgs", **given: Any) -> Item:
    """An analysis with one file, as its item."""
    item = analysis_item(Analysis("NA1", assay, files_seen=frozenset({FILE.seen})))
    return {**item, **given}


def run(attempt: int, status: RunStatus, **given: Any) -> Item:
    stages = (
        StageRun("align", "k1", "NA1/wgs/align/k1/1/", "cpu", reused=attempt > 1),
        StageRun("call", "k2", "NA1/wgs/call/k2/1/", "cpu"),
    )
    record = Run(
        "NA1", "wgs", "abc", attempt, 1, status, pipeline="germline-cpu", reference="GRCh38/1",
        stages=stages, claimed=f"2026-01-0{attempt}T00:00:00.000Z", **given,
    )  # fmt: skip
    return run_item(record)


def job(attempt: int, stage: str, status: str, **given: Any) -> Item:
    owner = StageOf(RunId("NA1", "wgs", "abc", attempt), stage)
    return job_item(job_of(owner, status=status, **given))


FILE_ITEM = file_item(FILE)
TIMES = {
    "created": "2026-01-01T00:00:00.000Z",
    "started": "2026-01-01T00:00:10.000Z",
    "ended": "2026-01-01T00:01:10.000Z",
}


def test_a_sample_that_waits_says_for_what() -> None:
    document = sample_document("NA1", [analysis(why="waiting for R2"), FILE_ITEM])
    [shown] = document["analyses"]
    assert document["sample"] == "NA1"
    assert (shown["assay"], shown["status"], shown["why"]) == ("wgs", "RECEIVING", "waiting for R2")
    assert shown["missing"] == ["R2 of lane 3 on flowcell HXYZ"]
    assert (shown["current_run"], shown["released_run"], shown["runs"]) == (None, None, [])
    [file] = shown["files"]
    assert (file["uri"], file["bytes"]) == ("s3://up/NA1_R1.fastq.gz", 2048)
    assert (file["flowcell"], file["lane"], file["read"]) == ("HXYZ", "3", "R1")


def test_runs_have_what_scripts_read_and_the_newest_is_first() -> None:
    items = [
        analysis(status=AnalysisStatus.ANALYSING, active_run="abc#2", current_run="abc#1"),
        FILE_ITEM,
        run(1, RunStatus.SUCCEEDED, qc="PASS", cost_usd=0.5, simulated=True),
        run(2, RunStatus.RUNNING),
        job(1, "align", "SUCCEEDED", **TIMES),
        job(2, "call", "RUNNING", cost_usd=0.25, created=TIMES["created"]),
    ]
    [shown] = sample_document("NA1", items)["analyses"]
    newest, before = shown["runs"]
    fields = ("run_key", "attempt", "status", "qc", "simulated", "pipeline", "reference")
    assert [before[name] for name in fields] == [
        "abc", 1, "SUCCEEDED", "PASS", True, "germline-cpu", "GRCh38/1",
    ]  # fmt: skip
    assert (before["cost_usd"], newest["cost_usd"]) == (0.5, 0.25)
    assert [(s["stage"], s["status"]) for s in newest["stages"]] == [
        ("align", "REUSED"),
        ("call", "RUNNING"),
    ]
    align, call = before["stages"]
    assert (align["queue"], align["submitted"]) == ("cpu", TIMES["created"])
    assert (align["started"], align["ended"]) == (TIMES["started"], TIMES["ended"])
    assert (call["status"], call["submitted"]) == ("NOT_RUN", None)


@pytest.mark.parametrize("status", [RunStatus.ABORTED, RunStatus.FAILED])
def test_a_run_that_ended_badly_costs_what_its_jobs_cost_whenever_they_ended(
    status: RunStatus,
) -> None:
    items = [
        analysis(),
        run(1, status, cost_usd=0.1),  # as runs were closed once: before their jobs had ended
        job(1, "align", "FAILED", cost_usd=0.5),
        job(1, "call", "FAILED", cost_usd=0.25),
    ]
    [shown] = sample_document("NA1", items)["analyses"]
    assert shown["runs"][0]["cost_usd"] == 0.75


def test_why_a_run_was_stopped_is_shown_once() -> None:
    why = "stopped by somebody: wrong tube"
    holds = {"a": "R2 is shorter", "stopped": why}
    items = [
        analysis(status=AnalysisStatus.HELD, holds=holds),
        run(1, RunStatus.ABORTED, failure=why),
    ]
    text = "\n".join(sample_lines(sample_document("NA1", items)))
    assert text.count(why) == 1


@pytest.mark.parametrize("where", ["an item of its own", "in the run, as the release before"])
def test_a_run_that_is_not_planned_yet_shows_the_stages_of_its_blueprint(where: str) -> None:
    frozen = blueprint()
    claimed = run_of(frozen)
    data = encode_blueprint(frozen)
    items = [analysis(), run_item(claimed), blueprint_item(claimed.id, data)]
    if where.startswith("in the run"):
        items = [analysis(), run_item(msgspec.structs.replace(claimed, blueprint=data))]
    [shown] = sample_document("NA1", items)["analyses"][0]["runs"]
    assert [(stage["stage"], stage["status"], stage["key"]) for stage in shown["stages"]] == [
        (name, "WAITING", frozen.stage_keys[name]) for name in ("align", "call")
    ]


def test_a_held_analysis_shows_every_reason() -> None:
    holds = {"a": "R2 is shorter", "b": "stopped by somebody"}
    items = [analysis(status=AnalysisStatus.HELD, why="older", holds=holds)]
    [shown] = sample_document("NA1", items)["analyses"]
    assert shown["why"] == "R2 is shorter; stopped by somebody"


def test_a_file_that_came_and_holds_its_sample_is_not_missing() -> None:
    cause = object_cause(ObjectName("u", "x/a.gz"))
    expected = frozenset({"u/x/a.gz", "u/x/b.gz"})
    items = [analysis(status=AnalysisStatus.HELD, holds={cause: "bad"}, expected=expected)]
    [shown] = sample_document("NA1", items)["analyses"]
    assert shown["missing"] == ["s3://u/x/b.gz"]


def test_an_unknown_sample_or_assay_is_named() -> None:
    with pytest.raises(NoSuchSample, match="no sample 'NA1'"):
        sample_document("NA1", [])
    with pytest.raises(NoSuchSample, match="no assay 'wes'"):
        sample_document("NA1", [analysis()], "wes")


def test_of_several_assays_one_must_be_chosen() -> None:
    items = [analysis(), analysis(assay="wes")]
    with pytest.raises(InvalidInput, match=r"several assays \(wgs, wes\)"):
        choose_analysis("NA1", items)
    assert choose_analysis("NA1", items, "wes").assay == "wes"


def test_the_timeline_shows_waiting_and_running_in_the_runs_time() -> None:
    items = [
        analysis(status=AnalysisStatus.ANALYSED, current_run="abc#1"),
        FILE_ITEM,
        run(1, RunStatus.SUCCEEDED, qc="WARN", qc_reasons=("mean_depth is 12",), cost_usd=0.5,
            metrics={"mean_depth": 12.25, "reads": 2998, "mapped_fraction": 0.8749,
                     "insert_size_median": 371, "ts_tv": 2.0714}, simulated=True),
        job(1, "align", "SUCCEEDED", **TIMES),
        job(1, "call", "FAILED", message="no space", created=TIMES["ended"],
            started=TIMES["ended"], ended="2026-01-01T00:01:40.000Z"),
    ]  # fmt: skip
    assert list(sample_lines(sample_document("NA1", items))) == [
        "NA1 (wgs) is ANALYSED",
        "  1 file, 2.0 KiB",
        "  missing: R2 of lane 3 on flowcell HXYZ",
        "  run abc#1 is SUCCEEDED, QC WARN, germline-cpu on GRCh38/1, $0.5000, "
        "simulated: not for use, current",
        "    QC mean_depth is 12",
        "    reads 2,998, mapped_fraction 87.49 %, insert_size_median 371 bases, "
        "mean_depth 12.25×,",
        "    ts_tv 2.0714",
        "    align  SUCCEEDED  cpu  waited 10.0 s  ran 1 min   ..#########",
        "    call   FAILED     cpu  waited 0.0 s   ran 30.0 s             #####",
        "    call: no space",
    ]


def test_a_job_that_can_not_start_says_why_since_when_and_what_to_do() -> None:
    why, since = "ACTION_REQUIRED - CE(s) are invalid.", "2026-01-01T00:05:00.000Z"
    items = [
        analysis(status=AnalysisStatus.ANALYSING, active_run="abc#1"),
        FILE_ITEM,
        run(1, RunStatus.RUNNING),
        job(1, "align", "RUNNABLE", created=TIMES["created"], blocked_reason=why,
            blocked_since=since),
    ]  # fmt: skip
    document = sample_document("NA1", items)
    align, call = document["analyses"][0]["runs"][0]["stages"]
    assert (align["blocked_reason"], align["blocked_since"]) == (why, since)
    assert (call["blocked_reason"], call["blocked_since"]) == (None, None)
    assert list(sample_lines(document))[-2:] == [
        "    align: blocked since 2026-01-01T00:05:00: ACTION_REQUIRED - CE(s) are invalid",
        "      the queue's compute environments are INVALID: mend what Batch's console says of "
        "them",
    ]


def test_times_and_sizes_have_a_unit_for_people() -> None:
    assert [duration_text(s) for s in (0.04, 59.9, 61, 3_660, 90_000)] == [
        "0.0 s", "59.9 s", "1 min", "1 h 01 min", "25 h 00 min",
    ]  # fmt: skip
    assert [size_text(b) for b in (0, 1023, 2048, 50 * 2**30, 3 * 2**40)] == [
        "0 B", "1023 B", "2.0 KiB", "50.0 GiB", "3.0 TiB",
    ]  # fmt: skip
