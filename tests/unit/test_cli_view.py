"""What is said of a sample: as the document that scripts read, and as text."""

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.timeline import sample_lines, size_text, why_text
from seqdrop.aws.catalog.layout import (
    blueprint_item,
    file_item,
    job_item,
    read_sample,
    run_item,
)
from seqdrop.aws.catalog.table import Item
from seqdrop.domain.blueprint import encode_blueprint
from seqdrop.domain.duration import duration_text
from seqdrop.domain.errors import InvalidInput, NoSuchSample
from seqdrop.domain.identity import (
    FileIdentity,
    ObjectName,
    RunId,
    SeenFile,
    SetAside,
    StageOf,
)
from seqdrop.domain.inputs import NO_FILES
from seqdrop.domain.plan import StoredObject
from seqdrop.domain.records import (
    Analysis,
    AnalysisStatus,
    Attempt,
    FastqFile,
    Run,
    RunStatus,
    StageRun,
)
from seqdrop.domain.upload import object_cause
from seqdrop.sample_view import (
    BAD_ENDS,
    GOOD_ENDS,
    AnalysisView,
    SampleView,
    choose_analysis,
    missing_of,
    summary_of,
    view_sample,
)
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
NOW = datetime(2026, 1, 2, tzinfo=UTC)
TIMES = {
    "created": "2026-01-01T00:00:00.000Z",
    "started": "2026-01-01T00:00:10.000Z",
    "ended": "2026-01-01T00:01:10.000Z",
}


def view(items: list[Item]) -> SampleView:
    """The sample of some items."""
    return view_sample("NA1", read_sample(items))


def only(items: list[Item]) -> AnalysisView:
    """The only analysis of some items."""
    (shown,) = view(items).analyses
    return shown


def text_of(items: list[Item]) -> str:
    """The text of ``show``."""
    return "\n".join(sample_lines(view(items), NOW))


def seen(assay: str = "wgs", **given: Any) -> Analysis:
    """An analysis with one file, R1 of a lane."""
    return Analysis("NA1", assay, files_seen=frozenset({FILE.seen}), **given)


DOCUMENTED = {
    "sample": ["sample", "analyses"],
    "analysis": [
        "assay", "status", "why", "holds", "missing", "project", "priority", "generation",
        "manifest", "control", "active_run", "current_run", "released_run", "created", "updated",
        "files", "runs", "batch",
    ],
    "file": [
        "uri", "version_id", "bytes", "checksum", "md5", "library", "flowcell", "lane", "read",
        "segment", "placed_by", "registered",
    ],
    "run": [
        "run_key", "attempt", "id", "status", "why", "qc", "qc_reasons", "metrics", "simulated",
        "pipeline", "reference", "cost_usd", "generation", "priority", "project", "options",
        "supersedes", "execution", "claimed", "started", "ended", "stages",
    ],
    "stage": [
        "stage", "status", "queue", "reused", "key", "prefix", "submitted", "started", "ended",
        "job_id", "exit_code", "failure_class", "message", "blocked_reason", "blocked_since",
        "cost_usd", "attempts", "log_stream", "action", "vcpus", "memory_mib",
        "peak_memory_mib", "peak_scratch_mib", "expected_seconds",
        "most_attempts", "tries", "job_url", "log_url", "gate", "fallback", "moved_from",
        "progress", "tasks", "tasks_usd",
    ],
}  # fmt: skip
"""What `show --json` has had until now, and scripts read: it may become more, never less."""


def test_the_document_has_every_field_that_scripts_read() -> None:
    items = [analysis(), FILE_ITEM, run(1, RunStatus.SUCCEEDED), job(1, "call", "FAILED")]
    document = json.loads(msgspec.json.encode(view(items)))
    (shown,) = document["analyses"]
    (one_file,), (one_run,) = shown["files"], shown["runs"]
    found = {"sample": document, "analysis": shown, "file": one_file, "run": one_run}
    for what, fields in {**found, "stage": one_run["stages"][1]}.items():
        assert list(fields)[: len(DOCUMENTED[what])] == DOCUMENTED[what]
    assert one_run["options"] == {"fresh": False, "from_stage": None, "fallback": None}
    assert (shown["status"], one_run["status"]) == ("RECEIVING", "SUCCEEDED")
    assert one_run["stages"][0] == dict.fromkeys(DOCUMENTED["stage"]) | {
        "stage": "align", "status": "NOT_RUN", "queue": "cpu", "reused": False, "key": "k1",
        "prefix": "NA1/wgs/align/k1/1/", "message": "", "attempts": 0, "tries": [],
        "most_attempts": 0, "tasks": 0,
    }  # fmt: skip


def test_a_document_can_be_read_back_as_the_view_that_it_was() -> None:
    items = [analysis(), FILE_ITEM, run(1, RunStatus.SUCCEEDED), job(1, "call", "FAILED")]
    shown = view(items)
    assert msgspec.json.decode(msgspec.json.encode(shown), type=SampleView) == shown


def test_a_sample_that_waits_says_for_what() -> None:
    shown = only([analysis(why="waiting for R2"), FILE_ITEM])
    assert (shown.assay, shown.status, shown.why) == ("wgs", "RECEIVING", "waiting for R2")
    assert shown.missing == ("R2 of lane 3 on flowcell HXYZ",)
    assert (shown.current_run, shown.released_run, shown.runs) == (None, None, ())
    [file] = shown.files
    assert (file.uri, file.bytes) == ("s3://up/NA1_R1.fastq.gz", 2048)
    assert (file.flowcell, file.lane, file.read) == ("HXYZ", "3", "R1")


def test_runs_have_what_scripts_read_and_the_newest_is_first() -> None:
    items = [
        analysis(status=AnalysisStatus.ANALYSING, active_run="abc#2", current_run="abc#1"),
        FILE_ITEM,
        run(1, RunStatus.SUCCEEDED, qc="PASS", cost_usd=0.5, simulated=True),
        run(2, RunStatus.RUNNING),
        job(1, "align", "SUCCEEDED", **TIMES),
        job(2, "call", "RUNNING", cost_usd=0.25, created=TIMES["created"]),
    ]
    newest, before = only(items).runs
    assert (before.run_key, before.attempt, before.status, before.qc) == (
        "abc", 1, "SUCCEEDED", "PASS",
    )  # fmt: skip
    assert (before.simulated, before.pipeline, before.reference) == (
        True, "germline-cpu", "GRCh38/1",
    )  # fmt: skip
    assert (before.cost_usd, newest.cost_usd) == (0.5, 0.25)
    assert [(s.stage, s.status) for s in newest.stages] == [
        ("align", "REUSED"),
        ("call", "RUNNING"),
    ]
    align, call = before.stages
    assert (align.queue, align.submitted) == ("cpu", TIMES["created"])
    assert (align.started, align.ended) == (TIMES["started"], TIMES["ended"])
    assert (align.waited_seconds, align.ran_seconds) == (10.0, 60.0)
    assert (call.status, call.submitted, call.ran_seconds) == ("NOT_RUN", None, None)


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
    assert only(items).runs[0].cost_usd == 0.75


def test_why_a_run_was_stopped_is_shown_once() -> None:
    why = "stopped by somebody: wrong tube"
    holds = {"a": "R2 is shorter", "stopped": why}
    items = [
        analysis(status=AnalysisStatus.HELD, holds=holds),
        run(1, RunStatus.ABORTED, failure=why),
    ]
    assert text_of(items).count(why) == 1


# ── Each status, as it is told


@pytest.mark.parametrize("status", AnalysisStatus)
def test_each_status_is_told_with_its_reason_and_is_an_end_or_is_waited_for(
    status: AnalysisStatus,
) -> None:
    one = seen(status=status, why="the reason")
    shown = only([analysis_item(one), FILE_ITEM])
    assert (shown.status, shown.why) == (status, "the reason")
    assert summary_of(one).why == "the reason"
    text = "\n".join(why_text(view([analysis_item(one), FILE_ITEM]), shown, NOW))
    assert text.startswith(f"NA1 (wgs) is {status.value}: ")
    assert "the reason" in text or status is AnalysisStatus.ANALYSING, "its run says why"
    goes_on = {AnalysisStatus.RECEIVING, AnalysisStatus.READY, AnalysisStatus.ANALYSING}
    assert [status in GOOD_ENDS, status in BAD_ENDS, status in goes_on].count(True) == 1


@pytest.mark.parametrize("where", ["an item of its own", "in the run, as the release before"])
def test_a_run_that_is_not_planned_yet_shows_the_stages_of_its_blueprint(where: str) -> None:
    frozen = blueprint()
    claimed = run_of(frozen)
    data = encode_blueprint(frozen)
    items = [analysis(), run_item(claimed), blueprint_item(claimed.id, data)]
    if where.startswith("in the run"):
        items = [analysis(), run_item(msgspec.structs.replace(claimed, blueprint=data))]
    [shown] = only(items).runs
    assert [(stage.stage, stage.status, stage.key) for stage in shown.stages] == [
        (name, "WAITING", frozen.stage_keys[name]) for name in ("align", "call")
    ]


def test_a_held_analysis_shows_every_reason() -> None:
    holds = {"a": "R2 is shorter", "b": "stopped by somebody"}
    one = seen(status=AnalysisStatus.HELD, why="older", holds=holds)
    assert only([analysis_item(one)]).why == "R2 is shorter; stopped by somebody"
    assert summary_of(one).why == "R2 is shorter; stopped by somebody"
    assert text_of([analysis_item(one)]).splitlines()[1:6] == [
        "  why: R2 is shorter",
        "       stopped by somebody",
        "  Seqdrop: does nothing by itself before you act",
        "  you: do what is said above",
        "  you: `seqdrop rerun NA1` lets it go on once that is done, with its files as they are",
    ]


def test_one_that_is_held_by_what_lies_beside_its_files_says_so() -> None:
    """Such an analysis has no hold of its own: the reads beside it are the reason."""
    said = "'NA1_3.fastq.gz': a third file: rename it to 'NA1_2.fastq.gz'; else delete it"
    why = f"waiting for R2 of lane 3 on flowcell HXYZ; {said}"
    one = seen(status=AnalysisStatus.HELD, why=why, companions={"object-1": said})
    assert only([analysis_item(one)]).why == why
    assert text_of([analysis_item(one)]).count(said) == 1
    later = seen(status=AnalysisStatus.RECEIVING, companions={"object-1": said})
    assert said in text_of([analysis_item(later)])


def test_reads_beside_a_pair_ask_nothing_of_anybody() -> None:
    said = "'NA1_3.fastq.gz': a third file: rename it"
    mate = msgspec.structs.replace(IDENTITY, read="R2")
    both = frozenset({FILE.seen, SeenFile(mate, ObjectName("up", "NA1_R2.fastq.gz"))})
    one = Analysis("NA1", "wgs", files_seen=both, companions={"object-1": said})
    assert said not in text_of([analysis_item(one)])
    assert only([analysis_item(one)]).companions == (said,)


def test_a_control_in_whose_files_no_read_is_can_be_shown() -> None:
    empty = msgspec.structs.replace(FILE, first_read="")
    one = seen(status=AnalysisStatus.NO_READS, control=True, why="as it should be")
    assert [file.uri for file in only([analysis_item(one), file_item(empty)]).files] == [
        "s3://up/NA1_R1.fastq.gz"
    ]


def test_what_was_dismissed_says_why_what_held_it_and_what_opens_it() -> None:
    one = seen(
        status=AnalysisStatus.DISMISSED, why="dismissed by ana: wrong tube",
        holds={"object-1": "two files are R1"},
    )  # fmt: skip
    assert only([analysis_item(one)]).why == "dismissed by ana: wrong tube"
    assert text_of([analysis_item(one)]).splitlines()[:5] == [
        "NA1 (wgs) is DISMISSED: nobody waits for it",
        "  why: dismissed by ana: wrong tube",
        "  Seqdrop: does nothing by itself before you act",
        "  you: `seqdrop rerun NA1` opens it again; so does a new upload of its files",
        "  seen: it was held: two files are R1",
    ]


def test_what_is_tried_again_says_when_and_is_not_missing() -> None:
    named = ObjectName("up", "NA1_R2.fastq.gz")
    said = "'NA1_R2.fastq.gz' is being processed, next try about 03:12 UTC (S3 is slow)"
    troubles = {object_cause(named): said}
    by_name = seen(troubles=troubles, why=said)
    by_manifest = seen(troubles=troubles, expected=frozenset({named, FILE.seen.object}))
    for one in (by_name, by_manifest):
        assert only([analysis_item(one)]).missing == ()
        assert text_of([analysis_item(one)]).count(said) == 1
    held = seen(troubles=troubles, holds={"stopped": "by ana"}, status=AnalysisStatus.HELD)
    assert said in text_of([analysis_item(held)])


def test_a_quiet_period_that_a_person_ended_is_told_until_it_starts() -> None:
    assert "its quiet period was ended" in text_of([analysis_item(seen(starts_now=True))])
    after = seen(starts_now=True, status=AnalysisStatus.ANALYSED)
    assert "quiet period" not in text_of([analysis_item(after)])


def test_objects_beside_the_files_are_named_few_of_many() -> None:
    aside = frozenset(SetAside(ObjectName("up", f"copy{n}.fastq.gz"), IDENTITY) for n in range(7))
    items = [analysis_item(seen(aside=aside))]
    lines = [line for line in text_of(items).splitlines() if "left out" in line]
    assert lines[0] == "  left out: s3://up/copy0.fastq.gz (R1 of lane 3 on flowcell HXYZ)"
    assert lines[5:] == ["  left out: 2 more (--json names all)"]
    assert len(only(items).aside) == 7


def test_nobody_is_told_to_rerun_what_only_files_can_mend() -> None:
    for cause in (object_cause(ObjectName("up", "x")), NO_FILES):
        one = seen(status=AnalysisStatus.HELD, holds={cause: "look at the files"})
        text = text_of([analysis_item(one)])
        assert "why: look at the files" in text
        assert "seqdrop rerun" not in text


# ── What is missing


def test_a_file_that_came_and_holds_its_sample_is_not_missing() -> None:
    cause = object_cause(ObjectName("u", "x/a.gz"))
    expected = frozenset({"u/x/a.gz", "u/x/b.gz"})
    items = [analysis(status=AnalysisStatus.HELD, holds={cause: "bad"}, expected=expected)]
    assert only(items).missing == ("s3://u/x/b.gz",)


def test_a_mate_that_came_and_can_not_be_read_is_not_missing() -> None:
    """Archived, say: it is there, and nobody knows yet which read it is."""
    archived = ObjectName("up", "NA1_R2.fastq.gz")
    one = seen(
        holds={object_cause(archived): "archived: restore it"},
        aside=frozenset({SetAside(archived)}),
    )  # fmt: skip
    assert missing_of(one) == ()


def test_a_mate_that_came_twice_is_not_missing_and_another_still_is() -> None:
    first, second = (ObjectName("up", f"{name}_R2.fastq.gz") for name in "ab")
    other = msgspec.structs.replace(IDENTITY, lane="4")
    one = Analysis(
        "NA1", "wgs",
        files_seen=frozenset({FILE.seen, SeenFile(other, ObjectName("up", "l4_R1.fastq.gz"))}),
        holds={object_cause(second): f"{first.key} and {second.key} are both R2"},
        aside=frozenset({SetAside(first, IDENTITY.mate), SetAside(second, IDENTITY.mate)}),
    )  # fmt: skip
    assert missing_of(one) == ("R2 of lane 4 on flowcell HXYZ",)


OBJECTS = [ObjectName("up", f"{n}.fastq.gz") for n in range(6)]


@given(
    registered=st.sets(st.sampled_from(OBJECTS)),
    held=st.sets(st.sampled_from(OBJECTS)),
    tried=st.sets(st.sampled_from(OBJECTS)),
    expected=st.sets(st.sampled_from(OBJECTS), min_size=1),
)
def test_of_what_a_manifest_names_exactly_what_did_not_come_is_missing(
    registered: set[ObjectName],
    held: set[ObjectName],
    tried: set[ObjectName],
    expected: set[ObjectName],
) -> None:
    identities = {
        object_: FileIdentity("-", "H", str(n), "R1", "001") for n, object_ in enumerate(OBJECTS)
    }
    one = Analysis(
        "NA1", "wgs", expected=frozenset(expected),
        files_seen=frozenset(SeenFile(identities[object_], object_) for object_ in registered),
        holds={object_cause(object_): "held" for object_ in held},
        troubles={object_cause(object_): "tried again" for object_ in tried},
        aside=frozenset(map(SetAside, held)),
    )  # fmt: skip
    came = registered | held | tried
    assert set(missing_of(one)) == {object_.uri for object_ in expected - came}


# ── Which analysis is meant


def test_an_unknown_sample_or_assay_is_named() -> None:
    with pytest.raises(NoSuchSample, match="no sample 'NA1'"):
        view([])
    with pytest.raises(NoSuchSample, match="no assay 'wes'"):
        view_sample("NA1", read_sample([analysis()]), "wes")


def test_of_several_assays_one_must_be_chosen() -> None:
    found = read_sample([analysis(), analysis(assay="wes")])
    with pytest.raises(InvalidInput, match=r"several assays \(wgs, wes\)"):
        choose_analysis("NA1", found)
    assert choose_analysis("NA1", found, "wes").assay == "wes"


# ── Runs in time


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
    assert list(sample_lines(view(items), NOW)) == [
        "NA1 (wgs) is ANALYSED: its results are there, and its QC is WARN",
        "  why: mean_depth is 12",
        "  Seqdrop: nothing is left for it to do: the results are not held back",
        "  you: tell who uses them; `show` has all figures, and report.html their plots",
        "  you: `seqdrop results NA1` lists them",
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
    align, call = only(items).newest_stages
    assert (align.blocked_reason, align.blocked_since) == (why, since)
    assert (call.blocked_reason, call.blocked_since) == (None, None)
    assert list(sample_lines(view(items), NOW))[:6] == [
        "NA1 (wgs) is ANALYSING: stage align can't start: queue cpu is blocked "
        "(since 2026-01-01 00:05 UTC)",
        "  why: ACTION_REQUIRED - CE(s) are invalid.",
        "  Seqdrop: it starts as soon as that is over; if it is still blocked after "
        "RunnableTimeoutSeconds (by default at 2026-01-01 04:05 UTC), its run fails",
        "  you: the queue's compute environments are INVALID: mend what Batch's console says of "
        "them",
        "  you: `seqdrop stop NA1` ends the run and holds the sample, if it is not wanted",
        "  seen: cost so far $0.00",
    ]


def test_a_stage_that_is_tried_again_says_how_often_and_how_it_ended_last() -> None:
    gone = Attempt(
        600.0, TIMES["created"], "2026-01-01T00:10:00.000Z", None,
        "Host EC2 (instance i-0123456789abcdef0) terminated.", "i-0123456789abcdef0", "s/1", 0.21,
    )  # fmt: skip
    items = [
        analysis(status=AnalysisStatus.ANALYSING, active_run="abc#1"),
        FILE_ITEM,
        run(1, RunStatus.RUNNING),
        job(1, "align", "RUNNING", created=TIMES["created"], job_id="1", attempts=(gone, gone),
            started="2026-01-01T00:30:00.000Z", expected_seconds=43_200, cost_usd=0.42),
    ]  # fmt: skip
    lines = text_of(items).splitlines()
    assert lines[0] == (
        "NA1 (wgs) is ANALYSING: stage align is running, attempt 3 of 3 "
        "(since 2026-01-01 00:30 UTC)"
    )
    assert lines[1] == "  why: its job has run for 23 h 30 min, and should take about 12 h 00 min"
    ended = (
        "Host EC2 (instance i-0123456789abcdef0) terminated., on i-0123456789abcdef0, ran 10 min, "
        "$0.21"
    )
    assert f"  seen: align, attempt 2: {ended}" in lines
    assert "  seen: cost so far $0.42" in lines
    assert lines[-2].endswith(f"attempt 3 of 3, last: {ended}")


def test_times_and_sizes_have_a_unit_for_people() -> None:
    assert [duration_text(s) for s in (0.04, 59.9, 61, 3_660, 90_000)] == [
        "0.0 s", "59.9 s", "1 min", "1 h 01 min", "25 h 00 min",
    ]  # fmt: skip
    assert [size_text(b) for b in (0, 1023, 2048, 50 * 2**30, 3 * 2**40)] == [
        "0 B", "1023 B", "2.0 KiB", "50.0 GiB", "3.0 TiB",
    ]  # fmt: skip
