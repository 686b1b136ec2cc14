"""What is packed into keys and text comes out as it went in."""

from hypothesis import given
from hypothesis import strategies as st

from seqdrop.aws.catalog.layout import (
    blueprint_item,
    event_item,
    events_of,
    events_of_reference,
    expectation_item,
    file_item,
    job_item,
    job_key,
    job_parameter,
    jobs_of_run,
    named_attributes,
    object_text,
    placement_item,
    read_analysis,
    read_blueprint,
    read_event_key,
    read_job,
    read_job_parameter,
    read_known,
    read_named,
    read_object,
    read_run,
    read_sample,
    run_item,
    run_item_key,
)
from seqdrop.aws.catalog.table import Item
from seqdrop.domain.expectation import (
    Expectation,
    ManifestVersion,
    Named,
    Placement,
    expectation_that_counts,
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
    SetAside,
    StageOf,
)
from seqdrop.domain.manifest import ExpectedFile
from seqdrop.domain.records import Analysis, AnalysisStatus, Attempt, Run
from tests.cloud_support import START
from tests.domain_support import analysis_item, fastq
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
SAID = st.dictionaries(WORDS, KEYS, max_size=3)
ANALYSES = st.builds(
    Analysis,
    WORDS,
    WORDS,
    generation=st.integers(0, 1_000),
    status=st.sampled_from(AnalysisStatus),
    expected=st.frozensets(OBJECTS),
    files_seen=st.frozensets(st.builds(SeenFile, IDENTITIES, OBJECTS)),
    aside=st.frozensets(st.builds(SetAside, OBJECTS, st.none() | IDENTITIES, is_outdated=...)),
    without_reads=st.frozensets(OBJECTS),
    holds=SAID,
    troubles=SAID,
    companions=SAID,
)
MANIFESTS = st.builds(ManifestVersion, OBJECTS, KEYS, KEYS, sequencer=WORDS, time=WORDS)
PLACEMENTS = st.builds(
    Placement,
    OBJECTS,
    version=KEYS,
    analysis=st.none() | st.builds(AnalysisId, WORDS, WORDS),
    by=st.none() | MANIFESTS,
    note=st.text(max_size=20),
    revision=st.integers(0, 99),
)


@given(ANALYSES, RUNS)
def test_an_analysis_reads_back_as_it_was_written(analysis: Analysis, run: RunId) -> None:
    running = Analysis(run.sample, run.assay, active_run=run, released_run=run)
    assert read_analysis(analysis_item(analysis)) == analysis
    assert read_analysis(analysis_item(running)) == running


@given(OBJECTS)
def test_an_object_reads_back_whatever_its_key_is(object_: ObjectName) -> None:
    assert read_object(object_text(object_)) == object_


@given(OWNERS)
def test_a_job_reads_back_its_owner_from_its_key_and_from_its_events(owner: JobOwner) -> None:
    job = job_of(owner, token="t", attempts=(Attempt(1.5, host="i-1"),), cost_usd=0.25)
    assert read_job(job_item(job)) == job
    assert job_item(job)["stage"] == owner.stage
    assert read_job_parameter(job_parameter(owner)) == owner


@given(PLACEMENTS, st.lists(MANIFESTS, unique_by=lambda one: one.object), st.sampled_from("prn"))
def test_an_object_reads_back_what_became_of_it_and_what_each_manifest_says(
    placement: Placement, manifests: list[ManifestVersion], kind: str
) -> None:
    object_ = placement.object
    file = ExpectedFile(object_.bucket, object_.key, "NA1", "wgs", "R1", "5", "lib", "0" * 32)
    said = [
        Expectation(object_, one, file if kind == "p" else None, is_refused=kind == "r")
        for one in manifests
    ]
    items = [*map(expectation_item, said), placement_item(placement)]
    assert len({item["sk"] for item in items}) == len(items), "one item for each manifest"
    assert len({item["pk"] for item in items}) == 1, "all of an object is one Query"
    assert read_known(object_, items) == (placement, said)


def test_of_an_object_that_nobody_has_looked_at_nothing_is_known() -> None:
    object_ = ObjectName("uploads", "a")
    assert read_known(object_, []) == (Placement(object_), [])


@given(st.frozensets(OBJECTS), st.frozensets(OBJECTS))
def test_what_a_manifest_names_and_has_named_reads_back(
    now: frozenset[ObjectName], formerly: frozenset[ObjectName]
) -> None:
    assert read_named(named_attributes(Named(now, formerly))) == Named(now, formerly)


OLD = ObjectName("uploads", "a.fastq.gz")


def version_before(version: str, sequencer: str, **given: str) -> Item:
    """An item of the release before: a version of an object, and what became of it."""
    return {
        "pk": "OBJECT#uploads/a.fastq.gz", "sk": f"VERSION#{version}", "bucket": OLD.bucket,
        "key": OLD.key, "version_id": version, "sequencer": sequencer, **given,
    }  # fmt: skip


def test_of_versions_that_the_release_before_placed_the_newest_counts() -> None:
    items = [
        version_before("v9", "FF", sample="NA1", assay="wgs", identity="-#FC#1#R1#001"),
        version_before("v1", "0100", note="no FASTQ: left out"),
    ]
    assert read_known(OLD, items) == (Placement(OLD, "v1", note="no FASTQ: left out"), [])


def test_what_the_release_before_wrote_counts_until_there_is_something_newer() -> None:
    file = {"bucket": OLD.bucket, "key": OLD.key, "sample": "NA1", "assay": "wgs", "read": "R1"}
    items: list[Item] = [
        version_before("v1", "01", sample="NA1", assay="wgs"),
        {"pk": "OBJECT#uploads/a.fastq.gz", "sk": "EXPECTED", **file},
    ]
    placement, (said,) = read_known(OLD, items)
    assert (placement.version, placement.analysis) == ("v1", AnalysisId("NA1", "wgs"))
    assert said.file == ExpectedFile(**file)
    assert placement.by == said.manifest, "a look at the same version again finds nothing to do"
    manifest = ManifestVersion(ObjectName("uploads", "x.manifest.json"), "m1", time="2026-03-01")
    newer = Expectation(OLD, manifest)
    assert said.manifest.counts_over(manifest) is False
    known = read_known(OLD, [*items, expectation_item(newer)])[1]
    assert expectation_that_counts(known) == newer
    looked = Placement(OLD, "v2", note="left out", revision=1)
    assert read_known(OLD, [*items, placement_item(looked)])[0] == looked


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
    analysis, file = analysis_item(Analysis("NA1", "wgs")), fastq("R1")
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
