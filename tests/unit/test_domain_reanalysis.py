"""What a newer reference, pipeline or image makes stale, who is made anew, and who comes first."""

import re
from functools import cache
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqdrop.domain.blueprint import Blueprint, make_blueprint
from seqdrop.domain.identity import AnalysisId, RunId
from seqdrop.domain.pipeline import COMPARE, Assay, Calling, Pipeline, is_fpga
from seqdrop.domain.reanalysis.canaries import Candidate, choose_canaries
from seqdrop.domain.reanalysis.comparing import with_comparison
from seqdrop.domain.reanalysis.plan import Groups, Omissions
from seqdrop.domain.reanalysis.record import (
    LEAST_ENDED,
    Limits,
    Reanalysis,
    over_budget,
    reanalysis_id,
    too_many_failed,
)
from seqdrop.domain.reanalysis.scope import WORDS, LeftOut, Scope, is_in_scope, why_left_out
from seqdrop.domain.reanalysis.staleness import (
    PIPELINE_OR_IMAGE,
    Made,
    Stale,
    Target,
    find_stale,
    runs_whole,
    target_of,
    why_not_without,
)
from seqdrop.domain.records import Analysis, AnalysisStatus
from seqdrop.domain.reference import ReferenceVersion
from seqdrop.flow.reanalysis.planner import contents_to_look_for
from seqdrop.library import Library
from tests.domain_support import IMAGES, lane_pair, part, reference, stored
from tests.tools_support import ROOT

LIBRARY = Library(str(ROOT / "pipelines"))
INDEXES = {name: (part(name, name),) for name in ("sequence", "bwa", "dragen")}
OPTIONAL = (
    "alt", "annotation", "iupac", "fingerprint", "left_out:exome", "left_out:amplicon",
)  # fmt: skip
ALWAYS = ("sequence", "targets:exome", "targets:amplicon")
FILES = [*lane_pair("1"), *lane_pair("2")]
REPLACE = msgspec.structs.replace


class World(msgspec.Struct, frozen=True):
    """All that decides the results of one sample, beside its files."""

    assay: str
    parts: dict[str, str] = msgspec.field(default_factory=lambda: dict.fromkeys(ALWAYS, "1"))
    images: dict[str, str] = msgspec.field(default_factory=lambda: IMAGES)
    duplicates: str = "mark"
    reporting_depth: int = 20
    max_depth: int = 100

    def blueprint(self, files: Any = ()) -> Blueprint:
        """What a run would be."""
        config = ASSAYS[self.assay]
        calling = config.calling
        if config.pipeline == "germline-cpu":
            calling = Calling(max_depth=self.max_depth)
        changes: Any = {"duplicates": self.duplicates, "calling": calling, "qc": {}}
        return make_blueprint(
            analysis=AnalysisId("NA1", self.assay),
            assay=REPLACE(config, reporting_depth=self.reporting_depth, **changes),
            pipeline=pipeline_of(config.pipeline),
            reference=version("1", self.parts),
            files=files,
            images=self.images,
        )


ASSAYS = LIBRARY.assays()


@cache
def pipeline_of(name: str) -> Pipeline:
    """A pipeline of the project."""
    return LIBRARY.pipeline(name)


def version(name: str, parts: dict[str, str]) -> ReferenceVersion:
    """A version of a reference of these contents."""
    contents = {one: part(f"{one}.file", f"{one}={content}") for one, content in parts.items()}
    return reference(name="GRCh38", version=name, parts=contents, indexes=INDEXES)


def contents() -> st.SearchStrategy[dict[str, str]]:
    """Parts that are always there, and some of the others."""
    content = st.sampled_from("12")
    always: Any = dict.fromkeys(ALWAYS, content)
    return st.fixed_dictionaries(always, optional=dict.fromkeys(OPTIONAL, content))


def worlds(assay: str) -> st.SearchStrategy[World]:
    """Whatever may change between two runs of an assay."""
    kinds: Any = {kind: st.sampled_from([image, f"{image}9"]) for kind, image in IMAGES.items()}
    return st.builds(
        World,
        assay=st.just(assay),
        parts=contents(),
        images=st.fixed_dictionaries(kinds),
        duplicates=st.sampled_from(["mark", "none"]),
        reporting_depth=st.sampled_from([20, 30]),
        max_depth=st.sampled_from([100, 200]),
    )


ONE_ASSAY_TWICE = st.sampled_from(sorted(ASSAYS)).flatmap(
    lambda assay: st.tuples(worlds(assay), worlds(assay))
)


# What a run's recipe is


@settings(max_examples=60)
@given(ONE_ASSAY_TWICE)
def test_a_stage_has_another_key_exactly_where_its_recipe_is_another_one(
    two: tuple[World, World],
) -> None:
    before, now = (world.blueprint(FILES) for world in two)
    for name in before.stages.keys() | now.stages.keys():
        keys_differ = before.stage_keys.get(name) != now.stage_keys.get(name)
        recipes_differ = before.recipe.get(name) != now.recipe.get(name)
        assert keys_differ == recipes_differ, name
    assert (before.recipe == now.recipe) == (before.stage_keys == now.stage_keys)
    if before.recipe != now.recipe:
        assert before.made != now.made


@settings(max_examples=30)
@given(st.sampled_from(sorted(ASSAYS)).flatmap(worlds))
def test_a_recipe_is_the_same_for_any_files(world: World) -> None:
    other = [*lane_pair("7"), *lane_pair("8", flowcell="HZZ", library="lib2")]
    alone, first, second = (world.blueprint(files) for files in ((), FILES, other))
    assert alone.stage_keys == alone.recipe == first.recipe == second.recipe
    assert alone.made == first.made == second.made
    assert first.run_key != second.run_key


@pytest.mark.parametrize("assay", sorted(ASSAYS))
def test_to_compare_a_run_is_no_part_of_it(assay: str) -> None:
    plain = World(assay).blueprint(FILES)
    compared = with_comparison(
        plain, LIBRARY.comparison(), {"run.json": stored("run.json", "r")},
        image=IMAGES["cpu"], definition="",
    )  # fmt: skip
    assert COMPARE in compared.stages
    assert COMPARE in compared.stage_keys
    assert COMPARE not in compared.recipe
    assert (compared.recipe, compared.run_key) == (plain.recipe, plain.run_key)
    assert compared.made == plain.made


# What is stale of a run


def stale(before: World, now: World) -> Stale:
    """What of a sample's run has to be made anew."""
    ran = before.blueprint(FILES)
    made = Made(ran.pipeline, ran.reference, ran.parts, ran.recipe)
    return find_stale(made, target_of(now.blueprint()))


def with_part(world: World, **parts: str) -> World:
    """The same with other parts; ``_`` in their names for a colon."""
    named = {name.replace("_", ":"): content for name, content in parts.items()}
    return REPLACE(world, parts={**world.parts, **named})


WITH_GENES = with_part(World("wgs-cpu"), annotation="1")
PANEL = with_part(World("amplicon"), annotation="1")
OF_CPU = ("align", "call", "qc", "report", "annotate")


@pytest.mark.parametrize("assay", sorted(ASSAYS))
def test_of_what_has_not_changed_nothing_is_stale(assay: str) -> None:
    assert stale(World(assay), World(assay)) == Stale((), ())


def test_a_new_annotation_makes_consequences_stale_and_nothing_else() -> None:
    assert stale(WITH_GENES, with_part(WITH_GENES, annotation="2")) == Stale(
        ("annotate",), ("annotation",)
    )


def test_the_first_annotation_asks_for_the_new_stage_alone() -> None:
    assert stale(World("wgs-cpu"), WITH_GENES) == Stale(("annotate",), ("annotation",))


def test_a_version_without_genes_is_not_taken_for_the_same_again() -> None:
    found = stale(WITH_GENES, World("wgs-cpu"))
    assert found == Stale((), ("annotation",), ("annotate",), ("annotation",))
    assert found.is_any
    why = (
        "reference GRCh38 2 has no annotation, and the run has annotate: add a version that has it"
    )
    assert why_not_without(found, "GRCh38/2") == why


def test_a_pipeline_that_has_dropped_a_stage_is_told_as_its_pipeline() -> None:
    ran = WITH_GENES.blueprint(FILES)
    made = Made(ran.pipeline, ran.reference, ran.parts, ran.recipe)
    found = find_stale(made, target_of(World("wgs-cpu").blueprint(), WITH_GENES.parts))
    assert (found.stages, found.gone, found.lacking) == ((), ("annotate",), ())
    assert PIPELINE_OR_IMAGE in found.causes
    assert why_not_without(found, "GRCh38/2") == ""


def test_new_target_regions_make_all_stale_but_the_alignment() -> None:
    found = stale(PANEL, with_part(PANEL, targets_amplicon="2"))
    assert set(found.stages) == set(OF_CPU) - {"align"}
    assert found.causes == ("targets:amplicon",)


def test_target_regions_of_another_kit_are_nothing_to_a_panel() -> None:
    assert stale(PANEL, with_part(PANEL, targets_exome="2")).stages == ()


@pytest.mark.parametrize("assay", sorted(ASSAYS))
def test_a_new_sequence_makes_all_stale_that_come_of_it(assay: str) -> None:
    before = with_part(World(assay), annotation="1")
    found = stale(before, with_part(before, sequence="2"))
    assert set(found.stages) == before.blueprint().stages.keys()
    assert found.causes == ("sequence",)


def test_stale_stages_come_in_the_order_in_which_they_run() -> None:
    found = stale(WITH_GENES, with_part(WITH_GENES, sequence="2"))
    waves = target_of(WITH_GENES.blueprint()).waves
    assert found.stages == tuple(name for wave in waves for name in wave)


def test_another_image_makes_stale_what_runs_in_it_and_what_comes_of_that() -> None:
    images = {**IMAGES, "cpu": "cpu@sha256:9"}
    found = stale(WITH_GENES, REPLACE(WITH_GENES, images=images))
    assert (set(found.stages), found.causes) == (set(OF_CPU), (PIPELINE_OR_IMAGE,))
    on_fpga = stale(World("wgs"), REPLACE(World("wgs"), images=images))
    stages = World("wgs").blueprint().stages
    assert set(on_fpga.stages) == {name for name in stages if not is_fpga(stages[name].queue)}
    assert on_fpga.causes == (PIPELINE_OR_IMAGE,)


def test_other_settings_of_an_assay_are_told_as_its_pipeline() -> None:
    found = stale(WITH_GENES, REPLACE(WITH_GENES, max_depth=200))
    assert "align" not in found.stages
    assert "call" in found.stages
    assert found.causes == (PIPELINE_OR_IMAGE,)


def test_a_new_part_and_a_new_image_are_told_both() -> None:
    before = with_part(World("wgs"), fingerprint="1")
    images = {**IMAGES, "cpu": "cpu@sha256:9"}
    found = stale(before, REPLACE(with_part(before, fingerprint="2"), images=images))
    assert found.causes == ("fingerprint", PIPELINE_OR_IMAGE)


@settings(max_examples=60)
@given(ONE_ASSAY_TWICE)
def test_whatever_is_stale_has_a_cause_and_another_key(two: tuple[World, World]) -> None:
    before, now = (world.blueprint(FILES) for world in two)
    found = stale(*two)
    changed = {n for n in now.stages if before.stage_keys.get(n) != now.stage_keys[n]}
    assert set(found.stages) == changed
    assert set(found.gone) == before.stages.keys() - now.stages.keys()
    assert found.causes or not found.is_any
    assert found.is_any == (before.run_key != now.run_key)
    differing = {
        name
        for name in before.parts.keys() | now.parts.keys()
        if before.parts.get(name) != now.parts.get(name)
    }
    assert set(found.causes) - {PIPELINE_OR_IMAGE} == differing


def test_dragen_maps_again_for_new_target_regions_and_that_is_said() -> None:
    before = World("wes")
    found = stale(before, with_part(before, targets_exome="2"))
    assert "dragen" in found.stages
    assert runs_whole(found, target_of(before.blueprint()))
    sequence = stale(before, with_part(before, sequence="2"))
    assert not runs_whole(sequence, target_of(before.blueprint())), "it has to map again anyway"
    on_cpu = stale(PANEL, with_part(PANEL, targets_amplicon="2"))
    assert not runs_whole(on_cpu, target_of(PANEL.blueprint()))


# Which analyses are meant, and which of them are left out

RUN = RunId("NA1", "wgs", "0" * 24, 1)
CONFIG = Assay("germline", "tiny")


def analysed(**given: Any) -> Analysis:
    """An analysis that has a run."""
    values: dict[str, Any] = {"status": AnalysisStatus.ANALYSED, "current_run": RUN}
    return Analysis("NA1", "wgs", **{**values, "project": "trio", **given})


@pytest.mark.parametrize(
    ("scope", "meant"),
    [
        (Scope("tiny", "2"), True),
        (Scope("large", "2"), False),
        (Scope(pipeline="germline"), True),
        (Scope(pipeline="exome"), False),
        (Scope(assay="wgs"), True),
        (Scope(assay="wg"), False),
        (Scope(assay="wgs", project="trio"), True),
        (Scope(assay="wgs", project="duo"), False),
        (Scope("tiny", "2", policy="ask"), True),
        (Scope("tiny", "2", policy="auto"), False),
        (Scope(image="cpu"), True),
    ],
)
def test_all_that_is_named_has_to_be_so(scope: Scope, meant: bool) -> None:
    assert is_in_scope(scope, analysed(), CONFIG) == meant


def test_an_analysis_without_a_run_is_never_meant() -> None:
    for status in AnalysisStatus:
        assert not is_in_scope(
            Scope("tiny", "2"), analysed(status=status, current_run=None), CONFIG
        )


BY_STATUS = {
    AnalysisStatus.ANALYSED: None,
    AnalysisStatus.ANALYSING: None,
    AnalysisStatus.DISMISSED: LeftOut.WITHDRAWN,
    AnalysisStatus.HELD: LeftOut.HELD,
    AnalysisStatus.FAILED: LeftOut.FAILED,
    AnalysisStatus.RECEIVING: LeftOut.FILES_CHANGED,
    AnalysisStatus.READY: LeftOut.FILES_CHANGED,
    AnalysisStatus.NO_READS: LeftOut.FILES_CHANGED,
}


@pytest.mark.parametrize("status", list(AnalysisStatus))
def test_only_what_is_analysed_or_runs_is_made_anew(status: AnalysisStatus) -> None:
    assert why_left_out(Scope("tiny", "2"), analysed(status=status), CONFIG) is BY_STATUS[status]


@pytest.mark.parametrize("status", list(AnalysisStatus))
def test_an_assay_may_be_never_made_anew(status: AnalysisStatus) -> None:
    never = REPLACE(CONFIG, reanalysis="off")
    assert why_left_out(Scope("tiny", "2"), analysed(status=status), never) is LeftOut.POLICY


@pytest.mark.parametrize(
    ("scope", "named", "why"),
    [
        (Scope("tiny", "2"), "1", LeftOut.PINNED),
        (Scope("tiny", "2"), "2", None),
        (Scope("tiny", "2"), "", None),
        (Scope(assay="wgs"), "1", None),
    ],
)
def test_an_assay_that_names_a_version_keeps_it(
    scope: Scope, named: str, why: LeftOut | None
) -> None:
    pinned = REPLACE(CONFIG, reference_version=named)
    assert why_left_out(scope, analysed(), pinned) is why


def test_every_reason_is_said_in_words() -> None:
    assert WORDS.keys() == set(LeftOut)
    assert all(WORDS.values())


def test_a_scope_says_what_it_is_of() -> None:
    whole = Scope("GRCh38", "2", "germline", "cpu", "wgs", "trio")
    assert whole.describe() == (
        "reference GRCh38 2, pipeline germline, image cpu, assay wgs, project trio"
    )
    assert Scope(image="cpu").describe() == "image cpu"
    assert Scope(image="cpu").target is None


def test_what_is_left_out_is_counted_by_reason_with_a_few_examples() -> None:
    omissions = Omissions()
    for number in range(7):
        omissions.add(AnalysisId(f"H{number}", "wgs"), LeftOut.HELD)
    omissions.add(AnalysisId("X", "wgs"), LeftOut.NOT_POSSIBLE, "there is no assay 'wgs'")
    held, impossible = omissions.found
    assert (held.reason, held.analyses, held.why) == (LeftOut.HELD, 7, WORDS[LeftOut.HELD])
    assert held.examples == ("H0", "H1", "H2", "H3", "H4")
    assert (impossible.analyses, impossible.why) == (1, "there is no assay 'wgs'")


def test_a_group_says_what_is_made_anew_and_what_stays() -> None:
    target = target_of(WITH_GENES.blueprint())
    found = stale(WITH_GENES, with_part(WITH_GENES, annotation="2"))
    groups = Groups()
    for number in range(7):
        groups.add(AnalysisId(f"S{number}", "wgs-cpu"), found, target)
    groups.add(AnalysisId("S8", "amplicon"), found, target)
    (amplicon, _), (wgs, of) = groups.found
    assert (amplicon.assay, amplicon.analyses, wgs.assay, wgs.analyses) == (
        "amplicon", 1, "wgs-cpu", 7,
    )  # fmt: skip
    assert of is target
    assert wgs.reused == ("align", "call", "qc", "report")
    assert len(wgs.examples) == 5
    assert (wgs.pipeline, wgs.reference) == ("germline-cpu", "GRCh38/1")


# Which members come first


def candidate(sample: str, size: int, day: int, assay: str = "wgs") -> Candidate:
    """A member whose run was claimed on a day of March."""
    return Candidate(assay, size, f"2026-03-{day:02d}T00:00:00.000Z", sample)


def test_the_smallest_comes_first_then_the_largest_the_oldest_and_the_newest() -> None:
    of = [
        candidate("middle", 50, 15), candidate("newest", 40, 31), candidate("small", 1, 10),
        candidate("oldest", 60, 1), candidate("large", 99, 20),
    ]  # fmt: skip
    order = [member.sample for member in choose_canaries(of, 5)]
    assert order == ["small", "large", "oldest", "newest", "middle"]


def test_each_assay_has_its_turn() -> None:
    of = [candidate(f"w{n}", n, n, "wgs") for n in range(1, 9)]
    of += [candidate(f"p{n}", n, n, "panel") for n in range(1, 3)]
    chosen = choose_canaries(of, 5)
    assert [member.assay for member in chosen] == ["panel", "wgs", "panel", "wgs", "wgs"]
    assert [member.sample for member in chosen] == ["p1", "w1", "p2", "w8", "w5"]


SOME = st.lists(
    st.builds(
        candidate,
        st.from_regex(r"[A-C][0-9]{1,2}", fullmatch=True),
        st.integers(0, 4),
        st.integers(1, 4),
        st.sampled_from(["a", "b", "c"]),
    ),
    max_size=25,
    unique_by=lambda one: (one.sample, one.assay),
)


@settings(max_examples=60)
@given(SOME, st.integers(0, 12), st.randoms())
def test_canaries_are_few_different_and_the_same_whatever_the_order(
    of: list[Candidate], most: int, chance: Any
) -> None:
    chosen = choose_canaries(of, most)
    shuffled = list(of)
    chance.shuffle(shuffled)
    assert choose_canaries(shuffled, most) == chosen
    assert len(chosen) == min(most, len(of)), "as many as are asked for, and there are"
    assert len(set(chosen)) == len(chosen)
    assert set(chosen) <= {one.member for one in of}
    assays = {one.assay for one in of}
    turns = chosen[: len(assays)]
    assert len({member.assay for member in turns}) == len(turns), "each assay before any again"


@settings(max_examples=40)
@given(SOME)
def test_the_extremes_of_an_assay_are_among_its_first_four(of: list[Candidate]) -> None:
    own = [one for one in of if one.assay == "a"]
    if not own:
        return
    by_sample = {one.sample: one for one in own}
    first = [by_sample[member.sample] for member in choose_canaries(own, 4)]
    sizes, days = [one.input_bytes for one in own], [one.claimed for one in own]
    assert {min(sizes), max(sizes)} <= {one.input_bytes for one in first}
    assert {min(days), max(days)} <= {one.claimed for one in first}


# What a reanalysis is named, and when it stops

WORD = st.text("ABCdef019._-+/ ä", max_size=70)


@given(st.lists(WORD, max_size=6), st.sampled_from(["ask", "auto", "20261128-235959"]))
def test_an_id_may_name_an_execution(words: list[str], ending: str) -> None:
    name = reanalysis_id(words, ending)
    assert re.fullmatch(r"[A-Za-z0-9_-]+", name)
    assert len(f"{name}-1000000000") <= 80, "an execution adds the number of its attempt"
    assert name.endswith(f"-{ending}")
    assert len(reanalysis_id(words, "auto")) <= 60


@given(st.text("abc019_-", min_size=51, max_size=90), st.text("abc019_-", min_size=1, max_size=90))
def test_two_long_names_are_told_apart(one: str, other: str) -> None:
    same_beginning = one + other
    assert reanalysis_id([one], "ask") != reanalysis_id([same_beginning], "ask")
    assert (reanalysis_id([one], "ask") == reanalysis_id([other], "ask")) == (one == other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (["GRCh38", "1.2"], ["GRCh38", "1_2"]),
        (["GRCh38", "alt-1"], ["GRCh38-alt", "1"]),
        (["GRCh38", "p.14" * 15], ["GRCh38", "p_14" * 15]),
    ],
)
def test_versions_whose_names_are_alike_have_reanalyses_of_their_own(
    one: list[str], other: list[str]
) -> None:
    assert reanalysis_id(one, "ask") != reanalysis_id(other, "ask")


def reanalysis(**given: Any) -> Reanalysis:
    """A reanalysis."""
    return Reanalysis("again", Scope("tiny", "2"), **given)


def test_a_budget_that_is_used_up_says_what_is_spent_kept_and_wanted() -> None:
    one = reanalysis(
        limits=Limits(budget_usd=1_234.5), spent_micros=1_200_000_000, reserved_micros=30_000_000
    )
    assert over_budget(one, 7_250_000) == (
        "its budget of $1,234.50 is used up: $1,200.00 spent, $30.00 kept for runs that go on; "
        "the next one may cost $7.25"
    )


@pytest.mark.parametrize(
    ("made", "failed", "allowed", "stops"),
    [
        (0, 0, 0.1, False),
        (0, LEAST_ENDED - 1, 0.1, False),
        (0, LEAST_ENDED, 0.1, True),
        (9, 1, 0.1, False),
        (8, 2, 0.1, True),
        (90, 10, 0.1, False),
        (89, 11, 0.1, True),
        (27, 3, 0.1, False),
        (9, 1, 0.0, True),
        (10, 0, 0.0, False),
        (0, 100, 1.0, False),
        (1, 9, 0.5, True),
    ],
)
def test_it_stops_where_more_fail_than_may_but_not_of_a_few(
    made: int, failed: int, allowed: float, stops: bool
) -> None:
    one = reanalysis(limits=Limits(failed_fraction=allowed), made=made, failed=failed)
    assert bool(too_many_failed(one)) == stops


def test_why_it_stops_is_said_with_figures() -> None:
    one = reanalysis(made=8, failed=2, left_out=50)
    assert too_many_failed(one) == "2 of 10 runs have failed, and 10% may"


def test_as_many_as_may_fail_stop_nothing() -> None:
    one = reanalysis(limits=Limits(failed_fraction=0.29), made=71, failed=29)
    assert too_many_failed(one) == ""


# Who may be affected by a new version

PARTS = ("annotation", "targets:exome", "targets:amplicon", "fingerprint", "alt")
VERSION = st.fixed_dictionaries(
    {"sequence": st.sampled_from("123")}, optional=dict.fromkeys(PARTS, st.sampled_from("123"))
)


@given(
    st.lists(VERSION, min_size=2, max_size=4),
    st.lists(st.sets(st.sampled_from(PARTS)), min_size=1, max_size=4),
)
def test_whoever_uses_other_content_of_an_older_version_is_looked_at(
    contents_of: list[dict[str, str]], assays: list[set[str]]
) -> None:
    versions = [version(str(number), parts) for number, parts in enumerate(contents_of)]
    *older, new = versions
    looked_for = contents_to_look_for(new.version, versions)
    for one in older:
        for wanted in assays:  # an assay uses some parts, where they are there, and the sequence
            used, now = (
                {name: file.object.sha256 for name, file in of.parts.items()
                 if name in {*wanted, "sequence"}}
                for of in (one, new)
            )  # fmt: skip
            if used != now:
                assert looked_for.intersection(used.values()), (one.version, wanted)


@given(VERSION, st.integers(1, 3))
def test_nobody_is_looked_at_for_a_version_that_is_as_those_before(
    parts: dict[str, str], before: int
) -> None:
    versions = [version(str(number), parts) for number in range(before + 1)]
    assert contents_to_look_for(str(before), versions) == set()


def test_a_new_annotation_is_no_reason_to_look_at_who_has_none() -> None:
    versions = [
        version("1", {"sequence": "1", "annotation": "1"}),
        version("2", {"sequence": "1", "annotation": "2"}),
    ]
    assert contents_to_look_for("2", versions) == {"annotation=1"}


def test_a_target_has_the_stages_in_waves() -> None:
    target: Target = target_of(WITH_GENES.blueprint())
    assert target.waves[0] == ["align"]
    assert {name for wave in target.waves for name in wave} == set(OF_CPU)
