"""A version's preparation with all that can come late, twice, at the same moment or never."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from botocore.exceptions import ClientError

from cli import references as command
from cli.faults import CommandFailed
from cli.parts import Part, stored_parts
from seqdrop.aws.catalog.layout import job_parameter
from seqdrop.aws.catalog.references import References
from seqdrop.domain.errors import InvalidInput
from seqdrop.domain.flavour import Flavour, ParMask
from seqdrop.domain.identity import IndexOf, ReferenceId
from seqdrop.domain.plan import StageResult, StoredObject, encode
from seqdrop.domain.records import Job, JobState
from seqdrop.domain.reference import ReferenceState, ReferenceVersion, SequenceFacts
from seqdrop.flow.references import Preparation, ReferenceFlow
from tests.cloud_support import Cloud, job_event, open_cloud
from tests.domain_support import part
from tests.infrastructure.stack import PROJECT

PARTS = {"sequence": part("genome.fa", "s1")}
FACTS = SequenceFacts("g.fa", "f" * 64, 1, masked=0, uncertain=0, replaced=0)
INDEXES = {"bwa", "sequence"}


@dataclass
class Bench:
    """A version g 1 on the way, with Batch played by the test."""

    cloud: Cloud
    flow: ReferenceFlow

    def add(self, **given: Any) -> ReferenceVersion:
        """Adds it, or goes on with it."""
        values: dict[str, Any] = {"parts": PARTS, "bases": 10, "who": "an analyst", "facts": FACTS}
        return self.flow.add(ReferenceId("g", "1"), **{**values, **given})

    def version(self) -> ReferenceVersion:
        """As the catalog has it."""
        found = self.cloud.catalog.references.get(ReferenceId("g", "1"))
        assert found is not None
        return found

    @property
    def jobs(self) -> dict[str, Job]:
        """The newest job of each index."""
        found = self.cloud.catalog.jobs.of_reference(ReferenceId("g", "1"))
        return {job.stage: job for job in sorted(found, key=lambda job: job.owner.number)}

    def leave_results(self, job: Job) -> None:
        """As its runner does at the end."""
        result = StageResult(
            stage=job.stage, key="k", files=(), tools={}, counts={}, metrics={}, timings={},
            peak_memory_mib=1, started="", ended="",
        )  # fmt: skip
        key = f"{job.prefix}{job.stage}.json"
        self.cloud.s3.put_object(Bucket="references", Key=key, Body=encode(result))

    def event(self, job: Job, status: str) -> Any:
        """Batch's event of a job's end."""
        return job_event(
            jobId=job.job_id, jobName=job.name, status=status, statusReason="Host EC2 terminated",
            parameters={"catalog": job_parameter(job.owner)},
        )  # fmt: skip

    def ends(self, index: str, status: str) -> Any:
        """The newest job of an index ends; returns the event, which was delivered."""
        job = self.jobs[index]
        if status == "SUCCEEDED":
            self.leave_results(job)
        event = self.event(job, status)
        self.deliver(event)
        return event

    def deliver(self, event: Any) -> None:
        """An event reaches its function."""
        assert self.cloud.deliver("record_job_event", event) == []


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    with open_cloud(tmp_path, monkeypatch) as cloud:
        indexes = (PROJECT / "pipelines/references.yaml").read_text("utf-8")
        (tmp_path / "references.yaml").write_text(indexes)
        cloud.s3.create_bucket(Bucket="references")
        yield Bench(cloud, cloud.flows.reference_flow)


def test_a_version_is_ready_when_the_last_of_its_indexes_is_there(bench: Bench) -> None:
    assert bench.add().state is ReferenceState.PREPARING
    bench.ends("bwa", "SUCCEEDED")
    assert bench.version().state is ReferenceState.PREPARING
    bench.ends("sequence", "SUCCEEDED")
    assert (bench.version().state, set(bench.version().indexes)) == (ReferenceState.READY, INDEXES)


def test_a_late_event_of_an_earlier_try_is_no_end_of_the_newest(bench: Bench) -> None:
    bench.add()
    late = bench.ends("bwa", "FAILED")
    assert "Host EC2 terminated" in bench.version().why
    assert bench.add().state is ReferenceState.PREPARING
    bench.deliver(late)
    assert (bench.version().state, bench.version().why) == (ReferenceState.PREPARING, "")
    for index in sorted(INDEXES):
        bench.ends(index, "SUCCEEDED")
    bench.deliver(late)
    assert bench.version().state is ReferenceState.READY


def test_a_late_event_before_the_newest_try_has_its_jobs_changes_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.add()
    late = bench.ends("bwa", "FAILED")
    submit = ReferenceFlow._submit

    def submit_late(flow: ReferenceFlow, reference: ReferenceVersion) -> None:
        bench.deliver(late)
        submit(flow, reference)

    monkeypatch.setattr(ReferenceFlow, "_submit", submit_late)
    bench.add()
    for index in sorted(INDEXES):
        bench.ends(index, "SUCCEEDED")
    assert bench.version().state is ReferenceState.READY


def test_an_index_that_an_earlier_try_has_made_is_not_made_again(bench: Bench) -> None:
    bench.add()
    bench.ends("sequence", "SUCCEEDED")
    bench.ends("bwa", "FAILED")
    bench.add()
    assert [job.name for job in bench.cloud.batch.submitted] == [
        "reference-g-1-sequence-1", "reference-g-1-bwa-1", "reference-g-1-bwa-2",
    ]  # fmt: skip
    bench.ends("bwa", "SUCCEEDED")
    assert bench.version().state is ReferenceState.READY


def test_a_job_that_left_no_results_is_submitted_again(bench: Bench) -> None:
    bench.add()
    bench.ends("sequence", "SUCCEEDED")
    bench.deliver(bench.event(bench.jobs["bwa"], "SUCCEEDED"))
    assert bench.version().state is ReferenceState.FAILED
    bench.add()
    assert bench.jobs["bwa"].owner == IndexOf(ReferenceId("g", "1"), "bwa", 2)
    bench.ends("bwa", "SUCCEEDED")
    assert bench.version().state is ReferenceState.READY


@pytest.mark.parametrize("again", ["add", "refresh"])
def test_an_end_that_was_recorded_but_never_settled_is_settled_by_the_next_look(
    bench: Bench, again: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where the function was stopped between both."""
    bench.add()
    monkeypatch.setattr(Preparation, "settle", lambda *_: None)
    for index in sorted(INDEXES):
        bench.ends(index, "SUCCEEDED")
    assert bench.version().state is ReferenceState.PREPARING
    found = bench.add() if again == "add" else bench.flow.refresh(ReferenceId("g", "1"))
    assert found is not None
    assert found.state is ReferenceState.READY


def test_an_index_that_gets_no_host_is_given_up_by_who_waits_for_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.add()
    why, cloud = "UNDETERMINED - Batch job is blocked.", bench.cloud
    for job in bench.jobs.values():
        cloud.batch.states[job.job_id] = JobState(job.job_id, "RUNNABLE", blocked=why)
    bench.flow.refresh(ReferenceId("g", "1"))
    assert {job.blocked_reason for job in bench.jobs.values()} == {why}
    with pytest.raises(KeyboardInterrupt):
        wait(bench, monkeypatch, interrupted=True)
    said = capsys.readouterr()
    assert sorted((said.out + said.err).splitlines()) == [
        f"index {index} RUNNABLE, blocked: {why}" for index in sorted(INDEXES)
    ]
    assert cloud.batch.cancelled == {}
    cloud.clock.turn(14_500)
    bench.flow.refresh(ReferenceId("g", "1"))
    assert cloud.batch.cancelled.keys() == {job.job_id for job in bench.jobs.values()}


def listed(bench: Bench, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> dict[str, Any]:
    """The version as `seqdrop references --json` has it."""
    stack = Stack(bench.flow, bench.cloud.catalog)
    monkeypatch.setattr("cli.stack.find_stack", lambda: stack)
    command.references(json=True)
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)["references"]
    (one,) = [each for each in found if each["name"] == "g"]
    return one


def test_who_did_not_wait_has_an_index_without_a_host_given_up_by_the_list(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    bench.add()
    why, cloud = "UNDETERMINED - Batch job is blocked.", bench.cloud
    for job in bench.jobs.values():
        cloud.batch.states[job.job_id] = JobState(job.job_id, "RUNNABLE", blocked=why)
    assert listed(bench, monkeypatch, capsys)["state"] == "PREPARING"
    cloud.clock.turn(14_500)
    listed(bench, monkeypatch, capsys)
    assert cloud.batch.cancelled.keys() == {job.job_id for job in bench.jobs.values()}
    for job_id, reason in cloud.batch.cancelled.items():
        cloud.batch.states[job_id] = JobState(job_id, "FAILED", reason)
    found = listed(bench, monkeypatch, capsys)
    assert found["state"] == "FAILED"
    assert why.rstrip(".") in found["why"]


def test_the_list_has_the_flavour_of_a_version_and_none_of_an_earlier_seqdrops(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    bench.add(facts=FACTS)
    found = listed(bench, monkeypatch, capsys)
    assert (found["flavour"], found["contig_list"], found["seqcol"]) == (None, None, None)
    kept = StoredObject("references", "h/2/contigs/c/contigs.json", 9, sha256="c")
    facts = msgspec.structs.replace(
        FACTS, contig_list=kept, seqcol="XZlr", masked=7,
        flavour=Flavour(3_366, 3_217_346_917, 261, 2_386, 525, 0, ParMask.MASKED),
    )  # fmt: skip
    bench.flow.add(ReferenceId("h", "2"), PARTS, 10, "an analyst", facts=facts)
    command.references(json=True)
    found = json.loads(capsys.readouterr().out)["references"][1]
    assert found["flavour"] == {"alt": 261, "decoy": 2_386, "hla": 525, "par_mask": "masked"}
    assert found["contig_list"] == {
        "uri": "s3://references/h/2/contigs/c/contigs.json", "bytes": 9, "sha256": "c",
    }  # fmt: skip
    assert found["seqcol"] == "XZlr"
    assert [*found][-4:] == ["flavour", "contig_list", "seqcol", "users"]
    command.references()
    head, first, second, _ = capsys.readouterr().out.splitlines()
    at = head.index("SEQUENCE")
    assert first[at:].startswith("-  ")
    assert second[at:].startswith("7 soft-masked, 261 alt, 525 HLA, 2,386 decoy, PAR masked  ")


def test_the_list_is_shown_to_who_may_not_ask_batch(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    bench.add()

    def refused(_ids: list[str]) -> dict[str, JobState]:
        said: Any = {"Error": {"Code": "AccessDeniedException", "Message": "not authorized"}}
        raise ClientError(said, "DescribeJobs")

    monkeypatch.setattr(bench.cloud.batch, "describe", refused)
    assert listed(bench, monkeypatch, capsys)["state"] == "PREPARING"


def test_a_job_that_batch_has_forgotten_is_judged_by_its_results(bench: Bench) -> None:
    bench.add()
    bench.ends("sequence", "SUCCEEDED")
    bench.leave_results(bench.jobs["bwa"])
    bench.flow.refresh(ReferenceId("g", "1"))
    assert bench.version().state is ReferenceState.PREPARING, "Batch may not know it yet"
    bench.cloud.clock.turn(timedelta(hours=2).total_seconds())
    bench.flow.refresh(ReferenceId("g", "1"))
    assert bench.version().state is ReferenceState.READY


@dataclass
class Stack:
    """What `reference add` asks of a deployment."""

    reference_flow: ReferenceFlow
    catalog: Any


def wait(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, *, interrupted: bool = False
) -> ReferenceVersion:
    """As `reference add` waits, without its pauses; or until Ctrl-C in the first of them."""

    def pause(_: float) -> None:
        if interrupted:
            raise KeyboardInterrupt

    monkeypatch.setattr("cli.references.time.sleep", pause)
    stack: Any = Stack(bench.flow, bench.cloud.catalog)
    return command._until_settled(stack, bench.version(), quiet=False)


def test_waiting_ends_where_nothing_runs(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ReferenceFlow, "_submit", lambda *_: None)
    bench.add()
    with pytest.raises(CommandFailed, match="none of its jobs is running"):
        wait(bench, monkeypatch)


def test_waiting_ends_when_the_jobs_do(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.add()
    for index in sorted(INDEXES):
        job = bench.jobs[index]
        bench.leave_results(job)
        bench.cloud.batch.states[job.job_id] = JobState(job.job_id, "SUCCEEDED")
    assert wait(bench, monkeypatch).state is ReferenceState.READY


def test_a_version_that_is_retired_while_it_is_prepared_ends_its_jobs(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.add()
    bench.ends("sequence", "SUCCEEDED")
    bench.flow.retire(ReferenceId("g", "1"), "a mistake", "an analyst")
    assert list(bench.cloud.batch.terminated) == [bench.jobs["bwa"].job_id]
    bench.ends("bwa", "FAILED")
    assert bench.version().state is ReferenceState.RETIRED
    assert wait(bench, monkeypatch).state is ReferenceState.RETIRED
    stack = Stack(bench.flow, bench.cloud.catalog)
    monkeypatch.setattr("cli.stack.find_stack", lambda: stack)
    monkeypatch.setattr(command, "_put", lambda *_, **__: bench.version())
    with pytest.raises(CommandFailed, match="reference g 1 is RETIRED: a mistake"):
        command.add("g", "1", Path("g.fa"))


def test_a_retire_at_the_moment_of_another_try_is_told_in_a_sentence(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.add()
    bench.ends("bwa", "FAILED")
    retry = References.retry

    def retire_first(references: References, there: ReferenceVersion, *given: Any) -> None:
        references.retire(there, "a mistake", "another", bench.cloud.clock())
        retry(references, there, *given)

    monkeypatch.setattr(References, "retry", retire_first)
    with pytest.raises(InvalidInput, match=r"g 1 was retired \(a mistake\): give the new version"):
        bench.add()


def test_two_that_try_again_at_the_same_moment_make_one_try(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.add()
    bench.ends("bwa", "FAILED")
    retry = References.retry

    def twice(references: References, *given: Any) -> None:
        retry(references, *given)
        retry(references, *given)

    monkeypatch.setattr(References, "retry", twice)
    assert bench.add().state is ReferenceState.PREPARING
    assert bench.jobs["bwa"].owner == IndexOf(ReferenceId("g", "1"), "bwa", 2)


@pytest.mark.parametrize(
    ("parts", "facts", "said"),
    [
        (PARTS | {"targets:kit": part("targets.bed", "t")}, FACTS, "other content (targets:kit;"),
        ({"sequence": part("genome.fa", "s2")}, FACTS, "same g.fa by an earlier Seqdrop"),
        (
            {"sequence": part("genome.fa", "s2")}, msgspec.structs.replace(FACTS, sha256="e" * 64),
            "other content (sequence;",
        ),
    ],
)  # fmt: skip
def test_the_same_version_with_other_parts_is_refused_with_what_is_known(
    bench: Bench, parts: Any, facts: SequenceFacts, said: str
) -> None:
    bench.add()
    with pytest.raises(InvalidInput) as refused:
        bench.add(parts=parts, facts=facts)
    assert said in str(refused.value)


def test_who_adds_with_other_keys_goes_on_with_those_that_are_there(bench: Bench) -> None:
    """Keys are others since the checksum is in them; a version from before keeps its own."""
    bench.add()
    bench.ends("bwa", "FAILED")
    moved = msgspec.structs.replace(
        PARTS["sequence"], object=msgspec.structs.replace(PARTS["sequence"].object, key="new")
    )
    found = bench.add(parts={"sequence": moved})
    assert found.parts == PARTS


def test_two_who_add_other_content_at_the_same_moment_write_over_nothing(
    bench: Bench, tmp_path: Path
) -> None:
    """Both upload before either has added the version; the second is refused."""
    stored = {}
    for number, body in enumerate((b">chr1\nACGT\n", b">chr1\nTTTT\n")):
        file = tmp_path / f"{number}.fa"
        file.write_bytes(body)
        stored[body] = stored_parts({"sequence": Part("genome.fa", file)}, "references", "g/1")
        key = stored[body]["sequence"].object.key
        bench.cloud.s3.put_object(Bucket="references", Key=key, Body=body)
    first, second = stored.values()
    bench.add(parts=first)
    with pytest.raises(InvalidInput, match="is there already"):
        bench.add(parts=second)
    for body, parts in stored.items():
        key = parts["sequence"].object.key
        assert bench.cloud.s3.get_object(Bucket="references", Key=key)["Body"].read() == body
