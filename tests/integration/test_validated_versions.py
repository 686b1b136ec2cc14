"""By which version of its pipeline a sample is analysed where its assay asks for a validation."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from seqdrop.aws.catalog.runs import Runs
from seqdrop.domain.blueprint import Blueprint, decode_blueprint
from seqdrop.domain.comparison.accuracy import METHOD, Accuracy, classes_of
from seqdrop.domain.errors import Conflict, NotValidated
from seqdrop.domain.identity import AnalysisId, ReferenceId, RunId
from seqdrop.domain.reanalysis.plan import Member
from seqdrop.domain.reanalysis.scope import Scope
from seqdrop.domain.records import Analysis, AnalysisStatus, Run, RunOptions
from seqdrop.domain.reference import ReferenceState
from seqdrop.domain.validation.limits import Least, Validation
from seqdrop.domain.validation.record import File, Outcome, Record
from seqdrop.flow.reanalysis.planner import ReanalysisPlanner
from seqdrop.yaml_file import load_yaml
from tests.cloud_support import QUICK, Cloud, open_cloud
from tests.domain_support import IMAGES, reference
from tests.lab import PROJECT, reads
from tests.run_support import Bench

ASSAYS = """
default: wes
assays:
  wes:
    pipeline: quick
    reference: tiny
    validation: {required: true, controls: [HG*], limits: {snv: {recall: 0.9}}}
"""
HEAD, _, TAIL = QUICK.rpartition("{name: a}")
FIRST = f"{HEAD}{{name: variants.vcf.gz, source: '{{out}}/a'}}{TAIL}"
SECOND = FIRST.replace("[tool,", "[newer-tool,")
ANNOTATED = FIRST + (
    "  annotate:\n    queue: cpu\n    needs: [call]\n"
    "    size: {vcpus: 2, memory_mib: {base: 100}, seconds: {base: 100}}\n"
    '    steps: [{pipe: [[tool, "{out}/b"]]}]\n    outputs: [{name: b}]\n'
)

pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")


class Lab:
    """A lab that validates its assay with a control, HG1."""

    def __init__(self, cloud: Cloud, folder: Path) -> None:
        self.cloud, self.folder = cloud, folder
        self.deploy(FIRST)

    def deploy(self, pipeline: str) -> None:
        """Another version of the pipeline."""
        (self.folder / "quick.yaml").write_text(pipeline)
        load_yaml.cache_clear()
        vars(self.cloud).pop("flows", None)

    def drop(self, sample: str, seed: int = 1) -> Analysis:
        """A sample's files come."""
        for mate in (1, 2):
            self.cloud.upload(f"{sample}_{mate}.fastq.gz", reads(4 + seed, mate=mate))
        return self.analysis(sample)

    def analysis(self, sample: str) -> Analysis:
        found = self.cloud.catalog.analyses.get(AnalysisId(sample, "wes"))
        assert found is not None
        return found

    def again(self, sample: str) -> Analysis:
        """A person lets it go on."""
        there = self.analysis(sample)
        options = RunOptions(fresh=True)
        self.cloud.catalog.analyses.release(there, "ana", options, self.cloud.clock())
        self.cloud.flows.claiming.advance(there.id)
        return self.analysis(sample)

    def finish(self, sample: str) -> RunId:
        """Its run ends well."""
        ids = self.analysis(sample).active_run
        assert ids is not None
        bench = Bench(self.cloud, ids)
        bench.state("plan_run")
        for stage in bench.plan.stages:
            if not stage.reused:
                bench.publish(stage.stage)
        bench.state("finish_run")
        return ids

    def run(self, run: RunId | None) -> Run:
        assert run is not None
        there = self.cloud.catalog.runs.get(run)
        assert there is not None
        return there

    def blueprint(self, run: RunId | None) -> Blueprint:
        return decode_blueprint(self.cloud.catalog.runs.blueprint(self.run(run)))

    def images(self, **images: str) -> None:
        """Other images are deployed."""
        claiming = self.cloud.flows.claiming
        validated = dataclasses.replace(claiming.validated, images=images)
        vars(self.cloud.flows)["claiming"] = dataclasses.replace(
            claiming, images=images, validated=validated
        )

    def assay(self, **settings: object) -> None:
        """The assay is set otherwise."""
        assays = yaml.safe_load(ASSAYS)
        assays["assays"]["wes"] |= settings
        (self.folder / "assays.yaml").write_text(yaml.safe_dump(assays))
        load_yaml.cache_clear()
        vars(self.cloud).pop("flows", None)

    def record(self, run: RunId, number: int = 1, outcome: Outcome = Outcome.PASSED) -> Record:
        """A validation of a run, written down."""
        file = File("f", "1" * 64)
        record = Record(
            f"{number:016}", "wes", self.blueprint(run).calling, run, "quick", "tiny/1", ("H",),
            self.run(run).ended, file, file, {}, file,
            Accuracy("c", "t", "HG1", 9, tuple(classes_of({}, [], 10)), 0, 10, METHOD),
            {"snv": Least(recall=0.9)}, outcome, by="ana",
        )  # fmt: skip
        return self.cloud.catalog.validations.add(record, self.cloud.clock())

    def tools(self, sample: str) -> set[str]:
        """What the steps of its run begin with."""
        stages = self.blueprint(self.analysis(sample).active_run).stages.values()
        return {str(step.pipe[0][0]) for stage in stages for step in stage.steps}


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    with open_cloud(tmp_path, monkeypatch) as cloud:
        (tmp_path / "assays.yaml").write_text(ASSAYS)
        comparison = (PROJECT / "pipelines/comparison.yaml").read_text()
        (tmp_path / "comparison.yaml").write_text(comparison)
        yield Lab(cloud, tmp_path)


@pytest.fixture
def validated(lab: Lab) -> Lab:
    """The first version has passed; another one is deployed since."""
    lab.drop("HG1")
    lab.record(lab.finish("HG1"))
    lab.deploy(SECOND)
    return lab


def test_nothing_but_a_control_is_analysed_before_a_version_has_passed(lab: Lab) -> None:
    held = lab.drop("NA1")
    assert held.status is AnalysisStatus.HELD
    assert held.holds["claim"] == (
        "assay wes asks for a validated version of its pipeline, and none has passed: analyse a "
        "control (HG*), and give `seqdrop validate wes` what is known of it; then rerun the sample"
    )
    assert lab.drop("HG1", 2).status is AnalysisStatus.ANALYSING
    run = lab.finish("HG1")
    lab.record(run, 1, Outcome.FAILED)
    assert lab.again("NA1").status is AnalysisStatus.HELD
    record = lab.record(run, 2)
    assert lab.record(run, 2) == record
    assert lab.again("NA1").status is AnalysisStatus.ANALYSING
    assert len([*lab.cloud.catalog.validations.of("wes")]) == 2


def test_samples_are_made_as_the_last_version_that_passed_until_the_new_one_has(
    validated: Lab,
) -> None:
    lab = validated
    assert lab.drop("NA1", 2).status is AnalysisStatus.ANALYSING
    assert lab.tools("NA1") == {"tool"}
    old = lab.blueprint(lab.analysis("NA1").active_run)
    lab.finish("NA1")
    assert lab.analysis("NA1").status is AnalysisStatus.ANALYSED

    assert lab.again("HG1").status is AnalysisStatus.ANALYSING
    assert lab.tools("HG1") == {"newer-tool"}
    second = lab.record(lab.finish("HG1"), 2)
    lab.again("NA1")
    assert lab.tools("NA1") == {"newer-tool"}
    lab.finish("NA1")

    lab.cloud.catalog.validations.withdraw(second, "ana", "wrong truth", lab.cloud.clock())
    with pytest.raises(Conflict):
        lab.cloud.catalog.validations.withdraw(second, "ana", "again", lab.cloud.clock())
    lab.again("NA1")
    assert lab.tools("NA1") == {"tool"}
    assert lab.blueprint(lab.analysis("NA1").active_run) == old


def test_a_version_that_passed_twice_stays_when_one_record_is_withdrawn(validated: Lab) -> None:
    lab = validated
    validations = lab.cloud.catalog.validations
    first, run = next(validations.of("wes")), lab.analysis("HG1").current_run
    assert run is not None
    second = lab.record(run, 2)
    assert [one.record for one in validations.passed("wes")] == [second.id]
    validations.withdraw(second, "ana", "wrong truth", lab.cloud.clock())
    assert [one.record for one in validations.passed("wes")] == [first.id]
    validations.withdraw(first, "ana", "wrong truth", lab.cloud.clock())
    assert validations.passed("wes") == []
    assert lab.drop("NA1", 2).status is AnalysisStatus.HELD


def test_a_run_made_as_another_one_is_the_run_that_it_would_have_been(lab: Lab) -> None:
    run = lab.drop("HG1").active_run
    blueprint = lab.blueprint(run)
    analysis = lab.analysis("HG1")
    files = lab.cloud.catalog.analyses.files(analysis.id)
    assert blueprint.for_files(analysis.id, files, control=False) == blueprint
    other = lab.drop("HG2", 2)
    theirs = lab.blueprint(other.active_run)
    files = lab.cloud.catalog.analyses.files(other.id)
    assert blueprint.for_files(other.id, files, control=False) == theirs
    assert theirs.run_key != blueprint.run_key


def test_what_changes_no_call_needs_no_other_validation(lab: Lab) -> None:
    lab.drop("HG1")
    lab.record(lab.finish("HG1"))
    lab.deploy(ANNOTATED)
    assert "annotate" in lab.blueprint(lab.drop("NA1", 2).active_run).stages


def test_a_newer_reference_waits_for_its_validation_and_a_retired_one_is_not_used(
    validated: Lab,
) -> None:
    lab = validated
    lab.deploy(FIRST)
    newer = reference(name="tiny", version="9", created="2099")
    sequence = newer.parts["sequence"]
    changed = msgspec.structs.replace(
        sequence, object=msgspec.structs.replace(sequence.object, sha256="9" * 64)
    )
    newer = msgspec.structs.replace(newer, parts={**newer.parts, "sequence": changed})
    lab.cloud.catalog.references.add(newer, "ana", lab.cloud.clock())
    lab.cloud.catalog.references.settle(newer, ReferenceState.READY, "", lab.cloud.clock())
    validated_with = lab.blueprint(lab.analysis("HG1").current_run).reference
    there = lab.drop("NA1", 2)
    assert lab.blueprint(there.active_run).reference == validated_with != "tiny/9"
    lab.finish("NA1")
    name, _, version = validated_with.partition("/")
    old = lab.cloud.catalog.references.get(ReferenceId(name, version))
    assert old is not None
    lab.cloud.catalog.references.retire(old, "wrong", "ana", lab.cloud.clock())
    assert "was retired (wrong)" in lab.again("NA1").holds["claim"]


def test_a_reanalysis_leaves_out_what_a_version_may_not_be_used_for(validated: Lab) -> None:
    lab = validated
    lab.drop("NA1", 2)
    lab.finish("NA1")
    members: list[Member] = []
    flows = lab.cloud.flows
    planner = ReanalysisPlanner(flows.catalog, flows.objects, flows.library, IMAGES, 1_000)
    plan = planner.plan(Scope(pipeline="quick"), members.append).plan
    assert [one.sample for one in members] == ["HG1"]
    assert "this one has not passed" in str(plan.omitted)


def test_two_withdrawals_at_once_leave_nothing_that_has_passed(validated: Lab) -> None:
    lab = validated
    validations = lab.cloud.catalog.validations
    first, run = next(validations.of("wes")), lab.analysis("HG1").current_run
    assert run is not None
    second = lab.record(run, 2)
    table, clock = validations._table, lab.cloud.clock
    usual = table.transact

    def meanwhile(writes: list[Any]) -> None:
        table.transact = usual  # type: ignore[method-assign]
        validations.withdraw(second, "ben", "wrong truth", clock())
        usual(writes)

    table.transact = meanwhile  # type: ignore[assignment,method-assign]
    with pytest.raises(Conflict):
        validations.withdraw(first, "ana", "wrong truth", clock())
    validations.withdraw(first, "ana", "wrong truth", clock())
    assert validations.passed("wes") == []


def test_the_version_of_the_newest_run_goes_on_whichever_was_judged_last(validated: Lab) -> None:
    lab = validated
    first = lab.analysis("HG1").current_run
    assert first is not None
    lab.again("HG1")
    lab.record(lab.finish("HG1"), 2)
    lab.deploy(SECOND.replace("newer-tool", "newest-tool"))
    lab.record(first, 3)
    lab.drop("NA1", 2)
    assert lab.tools("NA1") == {"newer-tool"}


def test_a_deployed_version_that_cannot_be_made_holds_nobody_back(validated: Lab) -> None:
    lab = validated
    lab.assay(reference_version="77")
    assert lab.drop("NA1", 2).status is AnalysisStatus.ANALYSING
    assert lab.tools("NA1") == {"tool"}


def test_what_is_asked_for_otherwise_by_now_is_not_made_as_before(validated: Lab) -> None:
    lab = validated
    lab.assay(duplicates="none")
    held = lab.drop("NA1", 2)
    assert "the assay asks for other duplicates since" in held.holds["claim"]


def test_a_blueprint_that_cannot_be_read_holds_the_sample_and_crashes_nothing(
    validated: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Runs, "blueprint", lambda *_: b'{"stages": 7}')
    held = validated.drop("NA1", 2)
    assert held.status is AnalysisStatus.HELD
    assert "its record is gone, or of another release" in held.holds["claim"]


def test_another_ami_holds_samples_until_a_control_has_passed_on_it(lab: Lab) -> None:
    """A kind of FPGA hosts has one AMI at a time: jobs of an older version would run on the new."""
    lab.deploy(FIRST.replace("queue: cpu", "queue: fpga-genome"))
    lab.drop("HG1")
    lab.record(lab.finish("HG1"))
    lab.drop("NA1", 2)
    lab.finish("NA1")
    lab.images(**{**IMAGES, "fpga-genome": "fpga@sha256:9"})
    assert lab.again("NA1").status is AnalysisStatus.ANALYSING
    made = lab.blueprint(lab.analysis("NA1").active_run)
    assert made.images["fpga-genome"] == IMAGES["fpga-genome"]
    lab.finish("NA1")
    lab.images(**{**IMAGES, "fpga-genome": "fpga@sha256:2|ami-2|host"})
    held = lab.again("NA1")
    assert "the hosts of fpga-genome have another AMI since" in held.holds["claim"]
    lab.images(cpu="cpu@sha256:1")
    assert "has no fpga-genome queue" in lab.again("NA1").holds["claim"]


def test_a_version_whose_image_is_approved_no_more_holds_its_samples(validated: Lab) -> None:
    lab = validated
    digests = [f"sha256:{digit * 64}" for digit in "12"]
    lab.images(cpu=f"lab/cpu@{digests[0]}")
    lab.drop("NA1", 2)
    lab.finish("NA1")
    approved = lab.folder / "images.yaml"
    approved.write_text(f"approved: {{cpu: ['{digests[1]}']}}\n")
    load_yaml.cache_clear()
    held = lab.again("NA1")
    assert held.status is AnalysisStatus.HELD
    assert "the image cpu of this deployment is" in held.holds["claim"]
    approved.write_text("approved: {}\n")
    load_yaml.cache_clear()
    assert lab.again("NA1").status is AnalysisStatus.ANALYSING


def test_a_fall_back_has_to_pass_by_itself(validated: Lab) -> None:
    """Its own assay asks for a validation, so whatever makes its runs must have one."""
    lab = validated
    own = lab.cloud.flows.library.assay_named("wes")
    other = msgspec.structs.replace(own, pipeline="other", validation=Validation())
    config = own.as_fallback(other)
    assert config.validation.holds_back("NA1")


def test_a_reanalysis_that_goes_on_asks_again_whether_its_version_has_passed(
    validated: Lab,
) -> None:
    lab = validated
    lab.drop("NA1", 2)
    lab.finish("NA1")
    flows = lab.cloud.flows
    analysis = lab.analysis("NA1")
    config = flows.library.assay_of(analysis)
    reference = flows.catalog.references.choose(config.reference)
    blueprint = flows.claiming.blueprint_of(analysis, config, reference)
    with pytest.raises(NotValidated, match="this one has not passed"):
        flows.claiming.validated.check(analysis, config, blueprint)
    lab.again("HG1")
    record = lab.record(lab.finish("HG1"), 2)
    flows.claiming.validated.check(analysis, config, blueprint)
    flows.catalog.validations.withdraw(record, "ana", "wrong truth", lab.cloud.clock())
    with pytest.raises(NotValidated):
        flows.claiming.validated.check(analysis, config, blueprint)
