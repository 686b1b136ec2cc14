"""The plan of a reanalysis over a catalog: who is found, who is left out, and what it may cost."""

import dataclasses
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
import pytest

from seqdrop.aws.catalog import current_runs
from seqdrop.aws.catalog.layout import (
    analysis_attributes,
    analysis_key,
    blueprint_item,
    file_item,
    job_item,
    run_item,
    status_attributes,
    uses_item,
)
from seqdrop.aws.catalog.table import Item
from seqdrop.domain.blueprint import Blueprint, encode_blueprint, make_blueprint
from seqdrop.domain.errors import InvalidInput
from seqdrop.domain.identity import AnalysisId, ReferenceId, StageOf
from seqdrop.domain.plan import StoredObject
from seqdrop.domain.reanalysis.plan import Member, Plan
from seqdrop.domain.reanalysis.scope import LeftOut, Scope, why_left_out
from seqdrop.domain.records import Analysis, AnalysisStatus, Attempt, Run, RunStatus
from seqdrop.domain.reference import ReferenceState, ReferenceVersion
from seqdrop.flow.reanalysis.planner import Planned, ReanalysisPlanner
from seqdrop.library import Library
from tests.cloud_support import QUICK, START, UPLOADS, Cloud, open_cloud
from tests.domain_support import IMAGES, fastq, lane_pair, part, reference
from tests.domain_support import job as job_of

ASSAYS = """
default: wgs
assays:
  wgs: {pipeline: genes, reference: tiny}
  plain: {pipeline: quick, reference: tiny}
  never: {pipeline: quick, reference: tiny, reanalysis: "off"}
  pinned: {pipeline: quick, reference: tiny, reference_version: "1"}
  other: {pipeline: quick, reference: small}
  deep: {pipeline: genes, reference: tiny, calling: {max_depth: 9}}
"""
GENES = (
    QUICK.replace("name: quick", "name: genes").replace("[tool,", '[tool, "{max_depth}",')
    + """  annotate:
    queue: cpu
    needs: [call]
    when: annotation
    reference: [sequence, annotation]
    size: {vcpus: 2, memory_mib: {base: 100}, seconds: {base: 100}}
    steps: [{pipe: [[tool, "{out}/b"]]}]
    outputs: [{name: b}]
"""
)
VERSIONS = {
    "1": {"sequence": "s1"},
    "2": {"sequence": "s1", "annotation": "a2"},
    "3": {"sequence": "s3", "annotation": "a2"},
    "4": {"sequence": "s3", "annotation": "a4"},
}
BOTH = ("wgs", "plain")
REPLACE = msgspec.structs.replace


@dataclass
class World:
    """A catalog of analyses that were made with some version of a reference."""

    cloud: Cloud
    library: Library
    planner: ReanalysisPlanner
    there: list[tuple[Analysis, Blueprint]] = field(default_factory=list)
    versions: dict[ReferenceId, ReferenceVersion] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def blueprint(
        self, analysis: Analysis, version: str, images: dict[str, str] = IMAGES
    ) -> Blueprint:
        """The run of an analysis with a version of its reference."""
        config = self.library.assay_of(analysis)
        return make_blueprint(
            analysis=analysis.id,
            assay=config,
            pipeline=self.library.pipeline(config.pipeline),
            reference=self.versions[ReferenceId(config.reference, version)],
            files=lane_pair(),
            images=images,
        )

    def add(
        self, assay: str = "wgs", version: str = "1",
        status: AnalysisStatus = AnalysisStatus.ANALYSED, *, is_new: bool = True,
        images: dict[str, str] = IMAGES, **given: Any,
    ) -> Analysis:  # fmt: skip
        """An analysis whose current run was made with a version of its reference.

        Of the release before it is where not ``is_new``: its run has no recipe.
        """
        bare = Analysis(f"S{next(self._numbers):03}", assay, 2, status=status, **given)
        frozen = self.blueprint(bare, version, images)
        run = run_of(frozen, is_new=is_new)
        analysis = REPLACE(bare, current_run=run.id)
        self.write(analysis_item(analysis), *run_items(run, frozen), *uses_items(run))
        self.there.append((analysis, frozen))
        return analysis

    def write(self, *items: Item) -> None:
        """Puts items as they are."""
        table = self.cloud.catalog.runs._table
        table.transact([table.put_write(item) for item in items])

    def plan(self, scope: Scope) -> tuple[Plan, list[Member]]:
        """The plan, and its members."""
        planned, members = self.planned(scope)
        return planned.plan, members

    def planned(self, scope: Scope) -> tuple[Planned, list[Member]]:
        """The plan with those that may be canaries, and its members."""
        members: list[Member] = []
        return self.planner.plan(scope, members.append), members

    def expected(self, scope: Scope) -> tuple[set[AnalysisId], Counter[LeftOut]]:
        """By looking at each analysis of all: whose run would be another one, who is left out."""
        members, left_out = set[AnalysisId](), Counter[LeftOut]()
        for analysis, before in self.there:
            config = self.library.assay_of(analysis)
            if config.reference != scope.reference or before.reference == str(scope.target):
                continue
            now = self.blueprint(analysis, scope.version)
            if before.stage_keys == now.stage_keys:
                continue
            reason = why_left_out(scope, analysis, config)
            if before.stage_keys.keys() - now.stage_keys.keys():
                reason = reason or LeftOut.LACKS_PART
            if reason:
                left_out[reason] += 1
            else:
                members.add(analysis.id)
        return members, left_out


def run_of(frozen: Blueprint, *, is_new: bool = True, attempt: int = 1) -> Run:
    """The run of a blueprint, ended well."""
    recipe, made = (frozen.recipe, frozen.made) if is_new else ({}, "")
    return Run(
        frozen.sample, frozen.assay, frozen.run_key, attempt, 2, RunStatus.SUCCEEDED,
        frozen.pipeline, frozen.reference, frozen.parts, recipe, made, 100,
        claimed=f"2026-03-{int(frozen.sample[1:]) % 28 + 1:02}T00:00:00.000Z",
    )  # fmt: skip


def analysis_item(analysis: Analysis) -> Item:
    """The item of an analysis with its index keys."""
    pk, sk = analysis_key(analysis.id)
    status = status_attributes(analysis.id, analysis.status, START)
    return {"pk": pk, "sk": sk, **analysis_attributes(analysis), **status}


def run_items(run: Run, frozen: Blueprint) -> list[Item]:
    """The items of a run."""
    return [run_item(run), blueprint_item(run.id, encode_blueprint(frozen))]


def uses_items(run: Run) -> list[Item]:
    """What a current run uses."""
    return [uses_item(run, name) for name in run.parts]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with open_cloud(tmp_path, monkeypatch) as cloud:
        (tmp_path / "assays.yaml").write_text(ASSAYS)
        (tmp_path / "genes.yaml").write_text(GENES)
        versions = [
            reference(
                version=name, created=f"2026-01-0{name}",
                parts={one: part(one, content) for one, content in contents.items()},
            )
            for name, contents in VERSIONS.items()
        ]  # fmt: skip
        versions.append(REPLACE(versions[0], name="small"))
        for version in versions[1:]:  # the first is there already
            cloud.catalog.references.add(version, "test", START)
        library = Library(str(tmp_path))
        planner = ReanalysisPlanner(cloud.catalog, cloud.objects, library, IMAGES, 1_000)
        yield World(cloud, library, planner, versions={one.id: one for one in versions})


def fill(world: World, *, versions: str = "123", assays: tuple[str, ...] = BOTH) -> None:
    """Analyses of every status, made with each of some versions, under each of some assays."""
    for number, status in enumerate(AnalysisStatus):
        for version in versions:
            for assay in assays:
                world.add(assay, version, status, is_new=(number + int(version)) % 2 == 0)
    for assay in ("never", "pinned"):
        world.add(assay, "1")
    world.add("other", "1")
    chosen: dict[str, Any] = {"pipeline": "genes", "reference": "tiny"}
    world.add("plain", "1", **chosen)
    world.add("plain", "1", **chosen, reference_version="1")
    nothing_yet = Analysis("NEW", "wgs", status=AnalysisStatus.ANALYSING)
    world.write(analysis_item(nothing_yet))


def id_of(member: Member) -> AnalysisId:
    """Whose it is."""
    return member.id


@pytest.mark.parametrize("version", ["1", "2", "3", "4"])
def test_those_are_found_whose_run_would_be_another_one_and_nobody_else(
    world: World, version: str
) -> None:
    fill(world)
    scope = Scope("tiny", version)
    plan, members = world.plan(scope)
    expected, left_out = world.expected(scope)
    assert expected
    assert sorted(map(id_of, members)) == sorted(expected)
    assert list(map(id_of, members)) == sorted(map(id_of, members)), "in the order of the samples"
    assert plan.analyses == len(members)
    counted = Counter[LeftOut]()
    for one in plan.omitted:
        counted[one.reason] += one.analyses
        assert 1 <= len(one.examples) <= 5
    assert counted == left_out


def test_each_group_says_which_stages_are_stale_and_why(world: World) -> None:
    for assay, version in (("plain", "1"), ("wgs", "1"), ("wgs", "2")):
        world.add(assay, version)
    plan, _ = world.plan(Scope("tiny", "3"))
    groups = {(one.assay, one.pipeline, one.stale.stages, one.stale.causes) for one in plan.groups}
    assert groups == {
        ("plain", "quick", ("align", "call"), ("sequence",)),
        ("wgs", "genes", ("align", "call", "annotate"), ("annotation", "sequence")),
        ("wgs", "genes", ("align", "call", "annotate"), ("sequence",)),
    }
    assert {one.reference for one in plan.groups} == {"tiny/3"}


def test_who_has_all_of_the_new_content_that_it_uses_is_up_to_date(world: World) -> None:
    plain = [world.add("plain", "1") for _ in range(3)]
    wgs = [world.add("wgs", "1") for _ in range(2)]
    plan, members = world.plan(Scope("tiny", "2"))
    assert list(map(id_of, members)) == [one.id for one in wgs]
    assert plan.up_to_date == len(plain)
    (group,) = plan.groups
    assert group.stale.stages == ("annotate",)
    assert group.reused == ("align", "call")
    assert group.examples == tuple(one.sample for one in wgs)


def test_who_would_lose_a_stage_to_a_version_is_left_out_with_the_part(world: World) -> None:
    with_genes = [world.add("wgs", version) for version in ("2", "3")]
    plain = world.add("plain", "3")
    plan, members = world.plan(Scope("tiny", "1"))
    assert list(map(id_of, members)) == [plain.id]
    (omitted,) = plan.omitted
    assert omitted.reason is LeftOut.LACKS_PART
    assert omitted.examples == tuple(one.sample for one in with_genes)
    assert omitted.why == (
        "reference tiny 1 has no annotation, and the run has annotate: add a version that has it"
    )
    assert plan.up_to_date == 0


def test_who_has_a_stage_that_its_pipeline_has_dropped_is_made_anew(
    world: World, tmp_path: Path
) -> None:
    member = world.add("wgs", "3")
    deployed = tmp_path / "deployed"
    deployed.mkdir()
    for file in tmp_path.glob("*.yaml"):
        (deployed / file.name).write_text(file.read_text())
    without = GENES.partition("  annotate:")[0]
    (deployed / "genes.yaml").write_text(without)
    planner = dataclasses.replace(world.planner, library=Library(str(deployed)))
    plan, members = dataclasses.replace(world, planner=planner).plan(Scope(pipeline="genes"))
    assert list(map(id_of, members)) == [member.id]
    (group,) = plan.groups
    assert (group.stale.stages, group.stale.gone) == ((), ("annotate",))
    assert "pipeline or image" in group.stale.causes


def test_nobody_is_asked_to_be_made_anew_twice(world: World) -> None:
    world.add("wgs", "3")
    plan, members = world.plan(Scope("tiny", "3"))
    assert (plan.analyses, plan.groups, plan.omitted, members) == (0, (), (), [])
    assert plan.estimate.usd.expected == 0
    assert plan.archived is None


def test_runs_of_the_release_before_are_planned_by_their_blueprints(world: World) -> None:
    old = [world.add(assay, "1", is_new=False) for assay in ("wgs", "plain")]
    now = world.add("plain", "4", is_new=False)
    assert world.cloud.catalog.runs.get(old[0].current_run).recipe == {}  # type: ignore[arg-type,union-attr]  # it is there
    _, members = world.plan(Scope("tiny", "3"))
    assert list(map(id_of, members)) == [one.id for one in old]
    plan, members = world.plan(Scope(assay="plain"))
    assert (members, plan.up_to_date) == ([], 2)
    assert now.id not in map(id_of, members)


@pytest.mark.parametrize("scope", [Scope("tiny", "3"), Scope(pipeline="genes", image="cpu")])
def test_a_plan_is_the_same_in_pages_of_any_size(
    world: World, scope: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(world, versions="1", assays=("wgs",))
    images = {**IMAGES, "cpu": "cpu@sha256:0"}
    for _ in range(3):
        world.add("wgs", "3", images=images)
    whole, members = world.planned(scope)
    assert members
    for page, keys in ((1, 3), (3, 7)):
        monkeypatch.setattr(current_runs, "_INDEX_PAGE", page)
        monkeypatch.setattr(current_runs, "_KEYS_AT_ONCE", keys)
        again, found = world.planned(scope)
        assert found == members
        assert again == whole


def test_an_index_that_is_behind_is_not_believed(world: World) -> None:
    """It names the run before, of an analysis that has another by now, or none."""
    was = world.add("wgs", "1")
    up_to_date = world.blueprint(was, "3")
    run = run_of(up_to_date)
    world.write(
        analysis_item(REPLACE(was, current_run=run.id)), *run_items(run, up_to_date)
    )  # its index says still that it uses what version 1 has
    lost = world.add("wgs", "1")
    world.write(analysis_item(REPLACE(lost, current_run=None)))
    gone = run_of(world.blueprint(Analysis("S900", "wgs"), "1"))
    world.write(*uses_items(gone))
    plan, members = world.plan(Scope("tiny", "3"))
    assert (members, plan.up_to_date, plan.omitted) == ([], 1, ())


def test_a_run_that_became_the_current_one_since_is_the_one_that_is_judged(world: World) -> None:
    was = world.add("plain", "3")
    older = run_of(world.blueprint(was, "1"), is_new=False)
    world.write(
        analysis_item(REPLACE(was, current_run=older.id)),
        *run_items(older, world.blueprint(was, "1")),
        *uses_items(older),
    )
    behind = REPLACE(run_of(world.blueprint(was, "3")), parts=older.parts)
    world.write(*uses_items(behind))
    _, members = world.plan(Scope("tiny", "3"))
    assert list(map(id_of, members)) == [was.id]


def test_what_is_asked_for_narrows_it(world: World) -> None:
    trio = world.add("wgs", "1", project="trio")
    world.add("wgs", "1", project="duo")
    plain = world.add("plain", "1", project="trio")
    other = world.add("other", "1", project="trio")
    asked = {
        Scope("tiny", "3", project="trio"): [trio, plain],
        Scope("tiny", "3", assay="wgs", project="trio"): [trio],
        Scope("tiny", "3", pipeline="quick"): [plain],
        Scope("tiny", "3", policy="auto"): [],
        Scope("tiny", "3", policy="ask", pipeline="quick"): [plain],
        Scope("tiny", "3", image="fpga-genome"): [],
    }
    for scope, expected in asked.items():
        _, members = world.plan(scope)
        assert list(map(id_of, members)) == [one.id for one in expected], scope
    assert world.library.assay_of(other).reference == "small"


def test_an_image_makes_stale_who_was_made_with_another_and_leaves_the_version(
    world: World,
) -> None:
    images = {**IMAGES, "cpu": "cpu@sha256:0"}
    old = [world.add("wgs", version, images=images) for version in ("1", "3")]
    same = world.add("wgs", "1")
    running = world.add("plain", "2", AnalysisStatus.ANALYSING, images=images)
    plan, members = world.plan(Scope(image="cpu"))
    assert set(map(id_of, members)) == {one.id for one in (*old, running)}
    assert plan.up_to_date == 1
    assert same.id not in map(id_of, members)
    assert {one.stale.causes for one in plan.groups} == {("pipeline or image",)}


def test_a_version_that_is_withdrawn_gives_way_to_the_newest(world: World) -> None:
    world.add("plain", "1")
    references = world.cloud.catalog.references
    there = references.get(ReferenceId("tiny", "1"))
    assert there is not None
    references.retire(there, "wrong", "test", START)
    plan, _ = world.plan(Scope(assay="plain"))
    (group,) = plan.groups
    assert (group.reference, group.stale.causes) == ("tiny/4", ("sequence",))


def without_plain(world: World, folder: Path) -> World:
    """The same analyses, of a lab that has an assay of theirs no more."""
    renamed = folder / "renamed"
    renamed.mkdir()
    for file in folder.glob("*.yaml"):
        text = file.read_text()
        (renamed / file.name).write_text(text.replace("  plain:", "  renamed:"))
    planner = dataclasses.replace(world.planner, library=Library(str(renamed)))
    return dataclasses.replace(world, planner=planner)


def test_what_can_not_be_run_is_left_out_with_its_reason(world: World, tmp_path: Path) -> None:
    gone = world.add("plain", "1")
    kept = world.add("wgs", "1")
    plan, members = without_plain(world, tmp_path).plan(Scope("tiny", "3"))
    assert list(map(id_of, members)) == [kept.id]
    (omitted,) = plan.omitted
    assert (omitted.reason, omitted.examples) == (LeftOut.NOT_POSSIBLE, (gone.sample,))
    assert "there is no assay 'plain'" in omitted.why


@pytest.mark.parametrize(
    ("version", "state", "why"),
    [
        ("9", None, "there is no reference tiny 9: its versions are: 1, 2, 3, 4"),
        ("3", ReferenceState.RETIRED, "reference tiny 3 is RETIRED"),
    ],
)
def test_only_a_version_that_is_ready_is_planned_with(
    world: World, version: str, state: ReferenceState | None, why: str
) -> None:
    references = world.cloud.catalog.references
    if state:
        there = references.get(ReferenceId("tiny", version))
        assert there is not None
        references.retire(there, "", "test", START)
    with pytest.raises(InvalidInput, match=why):
        world.plan(Scope("tiny", version))


def test_what_it_takes_is_reckoned_until_jobs_tell(world: World) -> None:
    analyses = [world.add("plain", "1") for _ in range(4)]
    before, _ = world.plan(Scope("tiny", "3"))
    assert {one.seen for one in before.estimate.stages} == {0}
    assert before.estimate.usd.expected > 0
    for analysis in analyses:
        assert analysis.current_run is not None
        for stage in ("align", "call"):
            job = job_of(
                StageOf(analysis.current_run, stage), status="SUCCEEDED", cost_usd=2.5,
                attempts=(Attempt(seconds=7_200),),
            )  # fmt: skip
            world.write(job_item(job))
    after, _ = world.plan(Scope("tiny", "3"))
    assert {(one.stage, one.seen, one.jobs) for one in after.estimate.stages} == {
        ("align", 4, 4), ("call", 4, 4),
    }  # fmt: skip
    assert after.estimate.usd.expected == pytest.approx(20.0)
    assert after.estimate.run_hours == pytest.approx(4.0), "call comes after align"
    assert after.usd_by_assay == {"plain": pytest.approx(5.0)}


def test_canaries_may_be_any_of_those_whose_jobs_were_looked_at(world: World) -> None:
    members = [world.add("plain", "1") for _ in range(3)]
    planned, _ = world.planned(Scope("tiny", "3"))
    assert sorted(one.member.id for one in planned.candidates) == [one.id for one in members]
    assert all(one.claimed and one.input_bytes for one in planned.candidates)


def archive(world: World, analysis: Analysis) -> None:
    """Has the files of an analysis in an archive."""
    for read in ("R1", "R2"):
        key = f"{analysis.sample}_{read}.fastq.gz"
        answer = world.cloud.s3.put_object(
            Bucket=UPLOADS, Key=key, Body=b"x" * 1024, StorageClass="GLACIER"
        )
        object_ = StoredObject(UPLOADS, key, 1024, answer["VersionId"])
        file = REPLACE(fastq(read, sample=analysis.sample), assay=analysis.assay, object=object_)
        world.write(file_item(file))


def test_files_in_an_archive_are_counted_and_priced(world: World) -> None:
    away, *others = [world.add("plain", "1") for _ in range(4)]
    archive(world, away)
    plan, _ = world.plan(Scope("tiny", "3"))
    found = plan.archived
    assert found is not None
    assert (found.looked_at, found.archived, found.analyses) == (1 + len(others), 1, 1)
    assert found.gib == pytest.approx(2_048 / 2**30)


def test_no_archive_is_asked_where_no_fastq_is_read_again(world: World) -> None:
    archive(world, world.add("wgs", "1"))
    plan, _ = world.plan(Scope("tiny", "2"))
    assert plan.analyses == 1
    assert plan.archived is None


# Faults


def test_archived_files_are_counted_in_all_groups_of_an_assay(world: World) -> None:
    for version in ("1", "1", "1", "2"):
        archive(world, world.add("wgs", version))
    plan, members = world.plan(Scope("tiny", "3"))
    assert len(plan.groups) == 2
    assert plan.archived is not None
    assert plan.archived.archived == len(members) == 4
    assert plan.archived.analyses == 4


@pytest.mark.parametrize("first", ["manifest", "assay"])
def test_what_a_manifest_chose_is_not_taken_for_the_assay_of_its_name(
    world: World, first: str
) -> None:
    chosen: dict[str, Any] = {"pipeline": "genes", "reference": "tiny"}
    given: list[dict[str, Any]] = [chosen, {}]
    for one in given if first == "manifest" else reversed(given):
        world.add("deep", "3", **one)
    plan, members = world.plan(Scope(assay="deep"))
    assert members == [], "nothing has changed"
    assert plan.up_to_date == 2


def test_a_group_names_the_version_that_its_analyses_are_made_with(world: World) -> None:
    images = {**IMAGES, "cpu": "cpu@sha256:0"}
    for version in ("3", "4"):
        world.add("plain", version, images=images)
    plan, _ = world.plan(Scope(image="cpu"))
    assert {one.reference for one in plan.groups} == {"tiny/3", "tiny/4"}


def test_nobody_is_left_out_who_was_not_asked_for(world: World, tmp_path: Path) -> None:
    world.add("plain", "1", project="duo")
    world.add("wgs", "1", project="trio")
    scope = Scope("tiny", "3", assay="wgs", project="trio")
    plan, _ = without_plain(world, tmp_path).plan(scope)
    assert plan.omitted == ()


@pytest.mark.parametrize("keys", [3, 100])
def test_an_analysis_that_is_done_while_it_is_planned_is_a_member_once(
    world: World, keys: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(current_runs, "_KEYS_AT_ONCE", keys)
    images = {**IMAGES, "cpu": "cpu@sha256:0"}
    going_on = world.add("plain", "3", AnalysisStatus.ANALYSING, images=images)
    for _ in range(3):
        world.add("plain", "3", AnalysisStatus.ANALYSING, images=images)
    listed = world.cloud.catalog.current_runs.all

    def all_while_it_ends() -> Iterator[current_runs.CurrentRun]:
        for one in listed():
            yield one
            if one.run.sample == going_on.sample:
                world.write(analysis_item(REPLACE(going_on, status=AnalysisStatus.ANALYSED)))

    monkeypatch.setattr(world.cloud.catalog.current_runs, "all", all_while_it_ends)
    _, members = world.plan(Scope(image="cpu"))
    assert len(members) == len(set(members)) == 4
