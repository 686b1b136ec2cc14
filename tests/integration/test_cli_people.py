"""What a person decides of an analysis: `rerun`, `rerun --now`, `dismiss` and `stop`."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
from typer.testing import CliRunner

from cli import deployed_library, rerun, stack
from cli.deployed_library import KnownLibrary
from cli.faults import CommandFailed
from cli.main import app
from cli.stack import Stack
from seqdrop.aws.queues import LookAt
from seqdrop.domain.identity import AnalysisId, ObjectName
from seqdrop.domain.inputs import sealed, with_companion
from seqdrop.domain.intake import AnalysisChange
from seqdrop.domain.lifecycle import Assessment
from seqdrop.domain.records import Analysis, AnalysisStatus
from seqdrop.library import Library
from tests.cloud_support import QUICK, RESULTS, TABLE, UPLOADS, Cloud, open_cloud
from tests.domain_support import reference
from tests.lab import reads
from tests.run_support import Bench

R1, R2 = reads(5, mate=1), reads(5, mate=2)
OTHER_R1 = reads(5, mate=1, seed=2)

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")


class Lab:
    """A person at the command, and the functions behind it."""

    def __init__(self, cloud: Cloud, here: Stack) -> None:
        self.cloud, self.stack = cloud, here

    def run(self, *arguments: str) -> str:
        """What a command prints that ends well; what functions log meanwhile is left out."""
        ended = CliRunner().invoke(app, arguments)
        assert ended.exit_code == 0, ended.output or repr(ended.exception)
        lines = ended.stdout.splitlines(keepends=True)
        return "".join(line for line in lines if not line.startswith('{"'))

    def ask(self, *arguments: str) -> Any:
        """The document of a command that ends well."""
        return json.loads(self.run(*arguments, "--json"))

    def refusal(self, *arguments: str) -> str:
        """Why a command does not do what it was asked to."""
        ended = CliRunner().invoke(app, arguments)
        assert isinstance(ended.exception, CommandFailed), ended.output
        return str(ended.exception)

    def work(self) -> None:
        """The functions do what messages that are due ask for."""
        if due := self.cloud.messages():
            assert self.cloud.deliver("register_upload", *due) == []

    def analysis(self, sample: str = "NA1", assay: str = "wgs") -> Analysis:
        """An analysis as it is."""
        found = self.cloud.catalog.analyses.get(AnalysisId(sample, assay))
        assert found is not None
        return found

    def told(self, sample: str = "NA1") -> list[str]:
        """What the audit trail has."""
        return [event["what"] for event in self.cloud.catalog.analyses.events(sample)]

    def lanes(self, *numbers: int) -> None:
        """Both mates of some lanes, under names that say that the sample was split by lanes."""
        for lane in numbers:
            for mate in (1, 2):
                body = reads(5, mate=mate, lane=lane, seed=lane)
                self.cloud.upload(f"NA1_S1_L00{lane}_R{mate}_001.fastq.gz", body)

    def conflict(self) -> None:
        """Two different files are R1 of one lane."""
        self.cloud.upload("NA1_1.fastq.gz", R1)
        self.cloud.upload("wgs/again/NA1_1.fastq.gz", OTHER_R1)
        self.cloud.upload("NA1_2.fastq.gz", R2)
        assert self.analysis().status is AnalysisStatus.HELD

    def delete(self, key: str) -> None:
        """Takes an object away; its event is lost."""
        self.cloud.s3.delete_object(Bucket=UPLOADS, Key=key)


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    with open_cloud(tmp_path, monkeypatch) as cloud:
        outputs = {
            "CatalogTable": TABLE, "UploadsQueueUrl": cloud.queue_url, "ResultsBucket": RESULTS,
        }  # fmt: skip
        here = Stack("lab", outputs, boto3.Session(region_name="us-east-1"))
        here.now = cloud.clock
        vars(here)["executions"] = cloud.executions
        lab = Lab(cloud, here)
        monkeypatch.setattr(stack, "find_stack", lambda: here)
        knows(monkeypatch, KnownLibrary(Library(str(tmp_path))))
        # While a rerun waits for what comes of a look, the functions look.
        monkeypatch.setattr("cli.rerun.time.sleep", lambda _: lab.work())
        monkeypatch.setattr(rerun, "_LOOK_SECONDS", 0.3)
        yield lab


def knows(monkeypatch: pytest.MonkeyPatch, known: KnownLibrary) -> None:
    """What the command is told of the deployment's pipelines and assays."""

    @contextmanager
    def answer(_stack: Stack) -> Iterator[KnownLibrary]:
        yield known

    monkeypatch.setattr(deployed_library, "deployed_library", answer)


# ── Dismiss


def test_what_nobody_will_mend_is_dismissed_with_a_reason_that_is_kept(lab: Lab) -> None:
    lab.cloud.upload("NA1_1.fastq.gz", R1)
    before = lab.analysis()
    done = lab.ask("dismiss", "NA1", "--reason", "  R2 was lost ")
    after = lab.analysis()
    assert (after.status, after.why) == (AnalysisStatus.DISMISSED, done["why"])
    assert done["why"].startswith("dismissed by arn:aws:")
    assert done["why"].endswith(": R2 was lost")
    assert after.generation > before.generation
    assert after.revision > before.revision
    event = lab.cloud.catalog.analyses.events("NA1")[-1]
    assert (event["what"], event["why"]) == ("dismissed", done["why"])
    assert event["who"].startswith("arn:aws:")
    assert "DISMISSED" in lab.run("samples", "--status", "dismissed")


def test_to_dismiss_it_twice_changes_nothing_and_the_first_reason_stays(lab: Lab) -> None:
    lab.cloud.upload("NA1_1.fastq.gz", R1)
    first = lab.ask("dismiss", "NA1", "--reason", "lost")
    before = lab.cloud.items("NA1")
    assert lab.ask("dismiss", "NA1", "--reason", "another") == first
    assert "is dismissed already: dismissed by" in lab.run("dismiss", "NA1", "--reason", "third")
    assert lab.cloud.items("NA1") == before


@pytest.mark.parametrize("arguments", [["NA1"], ["NA1", "--reason", " "]])
def test_without_a_reason_nothing_is_dismissed(lab: Lab, arguments: list[str]) -> None:
    lab.cloud.upload("NA1_1.fastq.gz", R1)
    assert CliRunner().invoke(app, ["dismiss", *arguments]).exit_code == 2
    assert lab.analysis().status is AnalysisStatus.RECEIVING


def test_nothing_reopens_what_was_dismissed_but_a_new_upload(lab: Lab) -> None:
    event = lab.cloud.drop("NA1_1.fastq.gz", R1)
    lab.cloud.deliver("register_upload", event)
    lab.run("dismiss", "NA1", "--reason", "lost")
    lab.cloud.deliver("register_upload", event)
    lab.cloud.flows.claiming.advance(AnalysisId("NA1", "wgs"))
    lab.work()
    assert lab.analysis().status is AnalysisStatus.DISMISSED
    lab.cloud.upload("NA1_2.fastq.gz", R2)
    assert lab.analysis().status is AnalysisStatus.ANALYSING


def test_a_run_is_stopped_before_its_analysis_can_be_dismissed(lab: Lab) -> None:
    lab.cloud.upload("NA1_1.fastq.gz", R1)
    lab.cloud.upload("NA1_2.fastq.gz", R2)
    said = lab.refusal("dismiss", "NA1", "--reason", "wrong tube")
    assert said.startswith("NA1 (wgs) is running (")
    assert said.endswith("`seqdrop stop` it first")


def test_a_run_that_is_claimed_meanwhile_is_seen(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the look at the analysis and the write, its last file comes."""
    lab.cloud.upload("NA1_1.fastq.gz", R1)
    asked: list[str] = []

    def who() -> str:
        asked.append("who")
        if len(asked) == 2:  # the first is for the reason, the second for the write
            lab.cloud.upload("NA1_2.fastq.gz", R2)
        return "ana"

    monkeypatch.setattr(lab.stack, "who", who)
    assert "is running" in lab.refusal("dismiss", "NA1", "--reason", "lost")
    assert lab.analysis().status is AnalysisStatus.ANALYSING
    assert "dismissed" not in lab.told()


@pytest.mark.parametrize("status", [AnalysisStatus.ANALYSED, AnalysisStatus.NO_READS])
def test_what_has_ended_well_is_not_dismissed_stopped_or_rerun(
    lab: Lab, status: AnalysisStatus
) -> None:
    lab.cloud.upload("NA1_1.fastq.gz", R1)
    ended = Assessment(status, "the reason")
    lab.cloud.catalog.analyses.settle(lab.analysis(), ended, lab.cloud.clock())
    before = lab.cloud.items("NA1")
    assert "nobody waits for it" in lab.refusal("dismiss", "NA1", "--reason", "x")
    assert "nothing to stop" in lab.run("stop", "NA1")
    assert "nothing to do" in lab.run("rerun", "NA1")
    assert lab.ask("rerun", "NA1") == {
        "sample": "NA1", "assay": "wgs", "released": False, "status": status,
    }  # fmt: skip
    assert lab.cloud.items("NA1") == before


def test_what_was_dismissed_has_nothing_to_stop(lab: Lab) -> None:
    lab.cloud.upload("NA1_1.fastq.gz", R1)
    lab.run("dismiss", "NA1", "--reason", "lost")
    assert "is dismissed: there is nothing to stop" in lab.run("stop", "NA1")
    assert lab.analysis().status is AnalysisStatus.DISMISSED


# ── Rerun of what was dismissed


def test_a_rerun_opens_what_was_dismissed(lab: Lab) -> None:
    lab.cloud.upload("NA1_1.fastq.gz", R1)
    lab.run("dismiss", "NA1", "--reason", "lost")
    assert "NA1 (wgs) is opened again: it waits for R2 of lane 1" in lab.run("rerun", "NA1")
    lab.work()
    after = lab.analysis()
    assert after.status is AnalysisStatus.RECEIVING
    assert after.why.startswith("waiting for R2")
    lab.cloud.upload("NA1_2.fastq.gz", R2)
    assert lab.analysis().status is AnalysisStatus.ANALYSING


def test_a_rerun_does_not_choose_between_two_files_that_were_dismissed(lab: Lab) -> None:
    lab.conflict()
    lab.run("dismiss", "NA1", "--reason", "nobody knows which")
    said = lab.refusal("rerun", "NA1")
    assert "which a rerun does not mend" in said
    assert "both hold R1 of lane 1" in said
    lab.work()
    assert lab.analysis().status is AnalysisStatus.HELD
    assert lab.cloud.executions.starts == 0
    assert "opened again" in lab.told()


def test_a_file_that_went_while_its_analysis_was_dismissed_is_waited_for(lab: Lab) -> None:
    lab.lanes(1)
    lab.run("dismiss", "NA1", "--reason", "wrong tube")
    lab.delete("NA1_S1_L001_R2_001.fastq.gz")
    lab.run("rerun", "NA1")
    lab.work()
    assert lab.analysis().why.startswith("waiting for R2 of lane 1")
    assert lab.cloud.executions.starts == 0


# ── Rerun of what its files hold


def test_a_conflict_that_somebody_cleaned_up_is_seen_by_a_rerun(lab: Lab) -> None:
    lab.conflict()
    lab.delete("wgs/again/NA1_1.fastq.gz")
    said = lab.run("rerun", "NA1")
    assert said.startswith("NA1 (wgs) was looked at again: it goes on by itself")
    assert lab.analysis().status is AnalysisStatus.ANALYSING


def test_a_conflict_that_is_there_still_is_not_lifted_and_is_looked_at_all_the_same(
    lab: Lab,
) -> None:
    lab.conflict()
    holds = lab.analysis().holds
    said = lab.refusal("rerun", "NA1", "--fresh")
    assert "both hold R1 of lane 1" in said
    assert "they are looked at again" in said
    assert lab.analysis().holds == holds
    assert lab.cloud.executions.starts == 0


def test_a_stop_is_lifted_once_the_files_hold_nothing_any_more(lab: Lab) -> None:
    lab.conflict()
    lab.run("stop", "NA1", "--reason", "look first")
    assert "both hold R1" in lab.refusal("rerun", "NA1")
    assert "stopped" in lab.analysis().holds, "a rerun that is refused lifts nothing"
    lab.delete("wgs/again/NA1_1.fastq.gz")
    assert "is released: it goes on by itself" in lab.run("rerun", "NA1")
    lab.work()
    assert lab.analysis().status is AnalysisStatus.ANALYSING


def test_an_analysis_that_is_gone_with_its_only_file_is_said_to_be_gone(lab: Lab) -> None:
    lab.cloud.upload("-NA1-_R1.fastq.gz", R1)
    (sample,) = {row["sample"] for row in lab.ask("samples")["samples"]}
    lab.delete("-NA1-_R1.fastq.gz")
    assert "is gone: its files are no longer in the bucket" in lab.refusal("rerun", sample)


# ── What a rerun can't do


def test_an_unknown_assay_is_not_promised_to_go_on(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for mate, body in (("1", R1), ("2", R2)):
        lab.cloud.upload(f"wgx/NA1_{mate}.fastq.gz", body)
    before = lab.cloud.items("NA1")
    assert lab.refusal("rerun", "NA1").startswith(
        "NA1 (wgx) can't go on: there is no assay 'wgx' (there are: panel, wgs)"
    )
    assert lab.cloud.items("NA1") == before
    knows(monkeypatch, KnownLibrary(Library(str(tmp_path)), doubt="access denied"))
    assert "it goes on, if its assay is known here" in lab.run("rerun", "NA1")
    lab.work()
    assert lab.analysis("NA1", "wgx").status is AnalysisStatus.HELD


def test_without_its_reference_it_is_not_promised_to_go_on(lab: Lab) -> None:
    references = lab.cloud.catalog.references
    references.retire(reference(), "test", "", lab.cloud.clock())
    lab.cloud.upload("NA1_1.fastq.gz", R1)
    lab.cloud.upload("NA1_2.fastq.gz", R2)
    assert "claim" in lab.analysis().holds
    assert "can't go on: there is no ready version of the reference" in lab.refusal("rerun", "NA1")
    references.add(reference(version="2"), "test", lab.cloud.clock())
    assert "is released: it goes on by itself" in lab.run("rerun", "NA1")
    lab.work()
    assert lab.analysis().status is AnalysisStatus.ANALYSING


def test_a_third_file_without_a_second_is_not_promised_to_go_on(lab: Lab) -> None:
    lab.cloud.upload("NA1_1.fastq.gz", R1)
    alone = lab.analysis()
    said = "'NA1_3.fastq.gz': a third file: rename it to 'NA1_2.fastq.gz'"
    after = sealed(alone, with_companion(alone, ObjectName(UPLOADS, "NA1_3.fastq.gz"), said))
    change = AnalysisChange(alone.id, alone, after, "left out")
    lab.cloud.catalog.analyses.change(change, "third", lab.cloud.clock())
    lab.cloud.flows.claiming.advance(alone.id)
    assert (lab.analysis().status, lab.analysis().holds) == (AnalysisStatus.HELD, {})
    before = lab.cloud.items("NA1")
    said = lab.refusal("rerun", "NA1")
    assert said.startswith("NA1 (wgs) can't go on: waiting for R2 of lane 1")
    assert "rename it to 'NA1_2.fastq.gz'" in said
    assert lab.cloud.items("NA1") == before
    assert "rename it to 'NA1_2.fastq.gz'" in lab.run("show", "NA1")


def test_a_rerun_says_that_the_assay_starts_with_a_manifest_only(lab: Lab) -> None:
    for mate, body in (("1", R1), ("2", R2)):
        lab.cloud.upload(f"panel/NA1_{mate}.fastq.gz", body)
    assert "is released: waiting for a manifest" in lab.run("rerun", "NA1")


def test_what_a_job_found_in_files_is_not_paid_for_twice(lab: Lab) -> None:
    lab.cloud.upload("NA1_1.fastq.gz", R1)
    lab.cloud.upload("NA1_2.fastq.gz", R2)
    run = Bench(lab.cloud, lab.analysis().active_run)  # type: ignore[arg-type]  # it has one
    run.state("plan_run")
    hold = "align: NA1_2.fastq.gz is cut off"
    lab.cloud.flows.closing._close(run.run, AnalysisStatus.HELD, why=hold, hold="run")
    before = lab.cloud.items("NA1")
    said = lab.refusal("rerun", "NA1")
    assert f"held for its files, and the same ones would fail again: {hold}" in said
    assert said.endswith("`seqdrop rerun NA1 --assay wgs --from align`")
    assert lab.cloud.items("NA1") == before
    assert "`aws s3 cp FILE s3://uploads/NA1_2.fastq.gz` if" in lab.run("why", "NA1")
    lab.run("rerun", "NA1", "--from", "align")
    assert lab.analysis().holds == {}


def held_by_a_job(lab: Lab, hold: str) -> None:
    """Two lanes, of which a job says this."""
    for lane in (1, 2):
        for mate in (1, 2):
            lab.cloud.upload(
                f"wgs/{lane}/NA1_{mate}.fastq.gz", reads(5, mate=mate, lane=lane, seed=lane)
            )
    while (run := lab.analysis().active_run) is not None:
        record = lab.cloud.catalog.runs.get(run)
        assert record is not None
        lab.cloud.flows.closing._close(record, AnalysisStatus.HELD, why=hold, hold="run")
        lab.work()
    assert lab.analysis().holds == {"run": hold}


def test_a_lane_that_is_taken_away_takes_what_a_job_said_of_it(lab: Lab) -> None:
    held_by_a_job(lab, "align: wgs/2/NA1_2.fastq.gz is cut off")
    for mate in (1, 2):
        key = f"wgs/2/NA1_{mate}.fastq.gz"
        lab.delete(key)
        lab.stack.queue.send(LookAt(ObjectName(UPLOADS, key)))
    lab.work()
    assert lab.analysis().status is AnalysisStatus.ANALYSING
    assert len(lab.analysis().files_seen) == 2


def test_what_a_job_could_not_read_may_be_mended_without_another_file(lab: Lab) -> None:
    hold = "align: s3://uploads/wgs/2/NA1_2.fastq.gz is archived (GLACIER): restore it"
    held_by_a_job(lab, hold)
    told = lab.run("why", "NA1")
    assert "you: do what is said above\n  you: `seqdrop rerun NA1` lets it go on once" in told
    assert "aws s3 cp" not in told
    lab.run("rerun", "NA1")
    assert lab.analysis().holds == {}


def test_a_rerun_of_many_leaves_those_that_a_person_has_stopped(lab: Lab) -> None:
    for sample in ("NA1", "NA2"):
        lab.cloud.upload(f"{sample}_1.fastq.gz", R1)
        lab.cloud.upload(f"{sample}_2.fastq.gz", R2)
        run = Bench(lab.cloud, lab.analysis(sample).active_run)  # type: ignore[arg-type]
        hold = "claim" if sample == "NA1" else "stopped"
        lab.cloud.flows.closing._close(run.run, AnalysisStatus.HELD, why="its words", hold=hold)
    said = lab.run("rerun", "--status", "held")
    assert "NA1 (wgs) is released" in said
    assert "NA2 (wgs) is left: its words; `seqdrop rerun NA2 --assay wgs` lets it go on" in said
    assert "stopped" in lab.analysis("NA2").holds
    (left,) = lab.ask("rerun", "--status", "held")["samples"]
    assert (left["sample"], left["released"]) == ("NA2", False)


def test_the_audit_trail_is_words_and_its_times_have_a_zone(lab: Lab) -> None:
    lab.cloud.upload("NA1_1.fastq.gz", R1)
    lab.cloud.upload("NA1_2.fastq.gz", R2)
    fails(lab)
    lab.run("rerun", "NA1", "--fresh")
    said = lab.run("events", "NA1")
    assert all(line[19:24] == " UTC " for line in said.splitlines())
    assert "options fresh true" in said
    assert "{" not in said


# ── The quiet period


def test_the_quiet_period_of_lanes_is_ended_by_a_person(lab: Lab) -> None:
    lab.lanes(1, 2)
    assert lab.analysis().status is AnalysisStatus.RECEIVING
    done = lab.ask("rerun", "NA1", "--now")
    assert done == {"sample": "NA1", "assay": "wgs", "released": True, "status": "RECEIVING"}
    lab.work()
    after = lab.analysis()
    assert (after.status, after.starts_now) == (AnalysisStatus.ANALYSING, True)
    event = next(
        event
        for event in lab.cloud.catalog.analyses.events("NA1")
        if event["what"] == "quiet period ended"
    )
    assert event["who"].startswith("arn:aws:")
    assert "is ANALYSING" in lab.refusal("rerun", "NA1", "--now")


def test_a_lane_that_comes_after_it_has_a_quiet_period_of_its_own(lab: Lab) -> None:
    lab.lanes(1)
    lab.run("rerun", "NA1", "--now")
    lab.lanes(2)
    assert lab.analysis().starts_now is False
    lab.work()
    assert lab.analysis().status is AnalysisStatus.RECEIVING


def test_without_a_quiet_period_there_is_none_to_end(lab: Lab) -> None:
    lab.cloud.upload("NA1_1.fastq.gz", R1)
    assert lab.refusal("rerun", "NA1", "--now").startswith(
        "NA1 (wgs) has no quiet period to end: it is RECEIVING: waiting for R2 of lane 1"
    )
    lab.cloud.upload("NA1_2.fastq.gz", R2)
    assert "it is ANALYSING" in lab.refusal("rerun", "NA1", "--now")
    for mate, body in (("1", R1), ("2", R2)):
        lab.cloud.upload(f"panel/NA2_S1_L001_R{mate}_001.fastq.gz", body)
    assert "waiting for a manifest" in lab.refusal("rerun", "NA2", "--now")
    lab.cloud.upload("NA3_1.fastq.gz", R1)
    lab.run("dismiss", "NA3", "--reason", "lost")
    assert "it is DISMISSED: dismissed by" in lab.refusal("rerun", "NA3", "--now")


def test_a_quiet_period_that_has_passed_needs_nobody(lab: Lab) -> None:
    lab.lanes(1)
    lab.cloud.clock.turn(601)
    assert "is past its quiet period: it goes on by itself" in lab.run("rerun", "NA1", "--now")
    lab.work()
    assert lab.analysis().status is AnalysisStatus.ANALYSING


def test_show_tells_till_when_it_waits_and_that_this_was_ended(lab: Lab) -> None:
    lab.lanes(1)
    assert "so it starts at 2026-03-01 12:10:" in lab.run("show", "NA1")
    lab.run("rerun", "NA1", "--now")
    assert "its quiet period was ended" in lab.run("show", "NA1")


# ── The fall-back of an assay


def with_fallback(lab: Lab, folder: Path) -> None:
    """The assay has a fall-back, and its pipeline an FPGA."""
    fast = QUICK.replace("name: quick", "name: fast").replace("queue: cpu", "queue: fpga-genome", 1)
    (folder / "fast.yaml").write_text(fast)
    (folder / "assays.yaml").write_text(
        "default: wgs\nassays:\n  wgs: {pipeline: fast, reference: tiny, fallback: slow}\n"
        "  slow: {pipeline: quick, reference: tiny}\n"
    )
    lab.cloud.upload("NA1_1.fastq.gz", R1)
    lab.cloud.upload("NA1_2.fastq.gz", R2)


def fails(lab: Lab) -> None:
    """The run that goes on fails, for no cause by which it would fall back."""
    run = lab.analysis().active_run
    assert run is not None
    lab.cloud.flows.closing.fail(run, "States.Timeout", "")


def test_a_person_has_a_sample_made_by_the_fallback_and_later_by_its_own_pipeline(
    lab: Lab, tmp_path: Path
) -> None:
    with_fallback(lab, tmp_path)
    assert "is running" in lab.refusal("rerun", "NA1", "--fallback")
    fails(lab)
    lab.run("rerun", "NA1", "--fallback")
    lab.work()
    ids = lab.analysis().active_run
    assert ids is not None
    second = Bench(lab.cloud, ids)
    assert (second.run.pipeline, second.run.instead_of) == ("quick", "fast")
    second.state("plan_run")
    for stage in ("align", "call"):
        second.publish(stage)
    assert second.state("finish_run")["qc"] == "WARN"
    assert "quick on tiny/1" in lab.run("show", "NA1")
    assert "in place of fast: not equivalent" in lab.run("show", "NA1")
    lab.run("rerun", "NA1")
    lab.work()
    assert lab.analysis().status is AnalysisStatus.ANALYSING
    run = lab.cloud.catalog.runs.get(lab.analysis().active_run)  # type: ignore[arg-type]  # it has one
    assert run is not None
    assert (run.pipeline, run.instead_of, run.fallback) == ("fast", "", "slow")


def test_an_assay_without_a_fallback_says_so(lab: Lab) -> None:
    lab.cloud.upload("NA1_1.fastq.gz", R1)
    said = lab.refusal("rerun", "NA1", "--fallback")
    assert said == "assay wgs has no fallback: give it one in pipelines/assays.yaml"
