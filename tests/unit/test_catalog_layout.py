"""What is packed into keys and text comes out as it went in."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from seqdrop.aws.catalog.layout import (
    analysis_item,
    blueprint_item,
    event_item,
    events_of,
    events_of_reference,
    expected_item,
    expected_texts,
    file_item,
    job_item,
    job_key,
    job_parameter,
    jobs_of_run,
    placed_item,
    read_analysis,
    read_blueprint,
    read_event_key,
    read_job,
    read_job_parameter,
    read_run,
    read_sample,
    read_uploads,
    run_item,
    run_item_key,
    seen_text,
)
from seqdrop.domain.identity import (
    AnalysisId,
    FileIdentity,
    IndexOf,
    JobOwner,
    ObjectName,
    ReferenceId,
    RunId,
    SeenFile,
    StageOf,
)
from seqdrop.domain.manifest import ExpectedFile
from seqdrop.domain.records import Placed, Run
from tests.cloud_support import START
from tests.domain_support import fastq
from tests.domain_support import job as job_of

WORDS = st.from_regex(r"[A-Za-z0-9._-]{1,20}", fullmatch=True)
KEYS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=40)
OBJECTS = st.builds(ObjectName, st.from_regex(r"[a-z0-9.-]{3,20}", fullmatch=True), KEYS)
IDENTITIES = st.builds(FileIdentity, WORDS, WORDS, WORDS, st.sampled_from(["R1", "R2"]), WORDS)
RUNS = st.builds(RunId, WORDS, WORDS, WORDS, st.integers(1, 20_000))
OWNERS = st.one_of(
    st.builds(StageOf, RUNS, WORDS, st.integers(1, 99)),
    st.builds(IndexOf, st.builds(ReferenceId, WORDS, WORDS), WORDS, st.integers(1, 99)),
)


@given(st.frozensets(st.builds(SeenFile, IDENTITIES, OBJECTS)), st.frozensets(OBJECTS), RUNS)
def test_an_analysis_reads_back_its_files_and_its_runs(
    seen: frozenset[SeenFile], expected: frozenset[ObjectName], run: RunId
) -> None:
    files = [ExpectedFile(one.bucket, one.key, run.sample, run.assay, "R1") for one in expected]
    packed: dict[str, Any] = {"files_seen": set(map(seen_text, seen)), "active_run": run.short}
    item = {**analysis_item(run.analysis), **packed, "expected": expected_texts(files)}
    read = read_analysis(item)
    assert (read.files_seen, read.expected) == (seen, expected)
    assert (read.id, read.active_run, read.current_run) == (run.analysis, run, None)


@given(OWNERS)
def test_a_job_reads_back_its_owner_from_its_key_and_from_its_events(owner: JobOwner) -> None:
    job = job_of(owner, token="t", attempt_seconds=(1.5,), cost_usd=0.25)
    assert read_job(job_item(job)) == job
    assert job_item(job)["stage"] == owner.stage
    assert read_job_parameter(job_parameter(owner)) == owner


@given(OBJECTS, st.none() | IDENTITIES)
def test_an_upload_reads_back_where_it_was_placed(
    object_: ObjectName, identity: FileIdentity | None
) -> None:
    placed = Placed(object_.bucket, object_.key, "v1", "00AB", "NA1", "wgs", identity, "a note")
    expected = ExpectedFile(object_.bucket, object_.key, "NA1", "wgs", "R1")
    items = [expected_item(expected), placed_item(placed)]
    assert read_uploads(items) == ([placed], expected)


@given(RUNS, st.none() | st.integers(1, 99))
def test_a_run_reads_back_the_run_that_it_supersedes(run: RunId, before: int | None) -> None:
    earlier = RunId(run.sample, run.assay, "0a1b", before) if before else None
    record = Run(run.sample, run.assay, run.run_key, run.attempt, 1, supersedes=earlier)
    assert read_run(run_item(record)) == record


def test_attempts_and_the_jobs_of_one_run_sort_apart() -> None:
    first, tenth = RunId("NA1", "wgs", "abc", 1), RunId("NA1", "wgs", "abc", 10)
    assert run_item_key(first) < run_item_key(tenth)
    prefix = jobs_of_run(first)[1]
    assert job_key(StageOf(first, "align"))[1].startswith(prefix)
    assert not job_key(StageOf(tenth, "align"))[1].startswith(prefix)


def test_each_record_of_a_sample_is_read_as_what_it_is() -> None:
    analysis, file = analysis_item(AnalysisId("NA1", "wgs")), fastq("R1")
    job = job_of(StageOf(RunId("NA1", "wgs", "abc", 1), "align"))
    run = Run("NA1", "wgs", "abc", 1, 1)
    found = read_sample([analysis, file_item(file), job_item(job), run_item(run)])
    assert [one.id for one in found.analyses] == [AnalysisId("NA1", "wgs")]
    assert (found.files, found.runs, found.jobs) == ((file,), (run,), (job,))


@given(RUNS, st.binary(max_size=200))
def test_a_blueprint_reads_back_and_is_found_by_its_run(run: RunId, data: bytes) -> None:
    item = blueprint_item(run, data)
    assert read_blueprint(item) == data
    assert read_sample([item]).blueprints == {run: data}


@given(WORDS, KEYS)
def test_an_audit_event_s_key_says_whose_it_is_and_when(name: str, cause: str) -> None:
    for trail, subject in (
        (events_of(name), name),
        (events_of_reference(name), f"REFERENCE#{name}"),
    ):
        item = event_item(trail, START, cause, who="x", what="y")
        assert read_event_key((item["pk"], item["sk"])) == (subject, "2026-03-01T12:00:00.000Z")
