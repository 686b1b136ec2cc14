"""DRAGEN's pipelines: panels, and the software mode on CPU queues."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from msgspec import structs

from cli.library_check import mistakes_in_library
from seqdrop.domain.blueprint import Blueprint, make_blueprint
from seqdrop.domain.identity import AnalysisId
from seqdrop.domain.pipeline import Assay, Stage, is_fpga
from seqdrop.flow.references import Preparation
from seqdrop.library import Library
from tests.domain_support import IMAGES, lane_pair, part, reference
from tests.lab import PROJECT

PIPELINES = PROJECT / "pipelines"
LIBRARY = Library(str(PIPELINES))
FPGA, SOFTWARE = (LIBRARY.pipeline(f"germline-{one}") for one in ("fpga", "dragen-software"))
INDEXES = {name: (part(f"{name}/x", name),) for name in ("sequence", "bwa", "dragen")}


def without_software_mode(stage: Stage) -> list[Any]:
    """A stage's steps, less the option."""
    return [
        structs.replace(
            step,
            pipe=tuple(tuple(a for a in command if a != "--sw-mode") for command in step.pipe),
        )
        for step in stage.steps
    ]


def commands_of(stage: Stage) -> Iterator[tuple[Any, ...]]:
    yield from (command for step in stage.steps for command in step.pipe)


def test_the_software_mode_differs_from_an_fpgas_by_one_option_alone() -> None:
    """What is written twice may drift apart; results are said to be the same, bit by bit."""
    assert SOFTWARE.stages.keys() == FPGA.stages.keys()
    mine, its = SOFTWARE.stages["dragen"], FPGA.stages["dragen"]
    assert without_software_mode(mine) == list(its.steps)
    assert [c[:2] for c in commands_of(mine) if c[0] == "dragen"] == [("dragen", "--sw-mode")]
    kept = {"queue": its.queue, "image": its.image, "size": its.size, "steps": its.steps}
    assert structs.replace(mine, **kept) == its
    assert {n: s for n, s in SOFTWARE.stages.items() if n != "dragen"} == {
        n: s for n, s in FPGA.stages.items() if n != "dragen"
    }
    assert SOFTWARE.qc == FPGA.qc


def test_the_software_mode_needs_no_fpga() -> None:
    assert not [s for s in SOFTWARE.stages.values() if is_fpga(s.queue)]
    assert SOFTWARE.stages["dragen"].image_name == "dragen"


def claimed(pipeline: str) -> Blueprint:
    return make_blueprint(
        analysis=AnalysisId("NA1", "a"), assay=Assay(pipeline, "tiny"), files=lane_pair(),
        pipeline=LIBRARY.pipeline(pipeline), reference=reference(indexes=INDEXES),
        images=dict.fromkeys([*IMAGES, "report", "dragen"], "dragen@sha256:1"),
    )  # fmt: skip


def test_results_of_the_software_mode_are_never_taken_for_an_fpgas() -> None:
    """Their key is another one, though the image's digest were the same."""
    fpga, software = (claimed(p.name) for p in (FPGA, SOFTWARE))
    assert software.stage_keys["dragen"] != fpga.stage_keys["dragen"]
    assert software.stage_keys["variants"] != fpga.stage_keys["variants"]
    assert software.pipeline == "germline-dragen-software"


def test_a_panel_is_an_exome_on_its_queue_with_limits_of_its_own() -> None:
    panel, exome = LIBRARY.pipeline("panel-fpga"), LIBRARY.pipeline("exome-fpga")
    mine, its = panel.stages["dragen"], exome.stages["dragen"]
    assert structs.replace(mine, size=its.size) == its
    assert mine.queue == "fpga-exome"
    assert panel.qc["mean_depth"].warn_below == 100
    assert panel.dragen == exome.dragen


ASSAYS = """
default: wgs
assays:
  wgs: {pipeline: germline-fpga, reference: GRCh38, fallback: wgs-software}
  wgs-software: {pipeline: germline-dragen-software, reference: GRCh38}
  panel: {pipeline: panel-fpga, reference: GRCh38, targets: panel}
"""


def test_the_software_mode_may_be_an_assays_fall_back(tmp_path: Path) -> None:
    for file in PIPELINES.glob("*.yaml"):
        (tmp_path / file.name).write_text(file.read_text("utf-8"))
    (tmp_path / "assays.yaml").write_text(ASSAYS)
    assert mistakes_in_library(tmp_path) == []


@pytest.mark.parametrize(
    ("here", "queue"),
    [
        ({"cpu", "dragen", "fpga-genome"}, "fpga-genome"),
        ({"cpu", "fpga-genome"}, "fpga-genome"),
        ({"cpu", "dragen"}, "cpu"),
        ({"cpu"}, None),
    ],
)
def test_dragens_index_is_made_once_and_where_it_can_be(here: set[str], queue: str | None) -> None:
    nothing: Any = mock.sentinel.unused
    preparation = Preparation(nothing, nothing, LIBRARY, nothing, nothing, frozenset(here))
    stages = preparation.index_stages({"sequence"})
    assert {name for name in stages if "dragen" in name} == ({"dragen"} if queue else set())
    if queue:
        assert stages["dragen"].queue == queue
        software = [c for c in commands_of(stages["dragen"]) if "--sw-mode" in c]
        assert bool(software) == (queue == "cpu")


def test_the_licence_goes_to_the_image_that_the_template_means() -> None:
    """The template can't ask an image's name: it knows the place."""
    place = f"Image{LIBRARY.images().slots.index('dragen') + 1}"
    text = (PROJECT / "template.yaml").read_text("utf-8")
    (named,) = re.findall(r"HasALicence: !And \[!Condition HasSoftwareLicence, .*, (\w+)\]\]", text)
    assert named == place
