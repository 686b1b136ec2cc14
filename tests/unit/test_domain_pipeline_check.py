"""A pipeline's mistakes are told before any sample runs it."""

from typing import Any

import msgspec
import pytest

from seqdrop.domain.errors import InvalidPipeline
from seqdrop.domain.pipeline import Pipeline
from seqdrop.domain.pipeline_check import check_pipeline
from seqdrop.library import Library
from tests.lab import PROJECT

GOOD: dict[str, Any] = {
    "queue": "cpu",
    "size": {"vcpus": 1, "memory_mib": {"base": 1}, "seconds": {"base": 1}},
    "steps": [
        {"pipe": [["cat", "{pair.r1}", {"when": "targets", "args": ["{ref}/x"]}]],
         "for_each": "read_pair"},
        {"pipe": [["sum", {"for_each": "read_pair", "args": ["{tmp}/{pair.id}"]}]],
         "stdout": "{out}/sum.json"},
    ],
    "outputs": [{"name": "sum.json"}],
    "measures": {"sum.json": "flagstat"},
}  # fmt: skip


def pipeline(name: str = "count", **changes: Any) -> Pipeline:
    stages = {name: GOOD | changes}
    return msgspec.convert({"name": "p", "description": "", "stages": stages}, Pipeline)


def test_good_pipeline_passes() -> None:
    check_pipeline(pipeline())


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("runs", {}, "its name must be"),
        ("Count", {}, "its name must be"),
        ("a/b", {}, "its name must be"),
        ("count", {"measures": {"other.json": "flagstat"}}, "none of its outputs"),
        ("count", {"outputs": [{"name": "count.json"}], "measures": {}}, "names of their own"),
        ("count", {"when": "umi"}, "when: 'umi' is none of"),
        ("count", {"steps": [{"pipe": [["x", "{reff}/a"]]}]}, "{reff} in '{reff}/a'"),
        ("count", {"steps": [{"pipe": [["x", "{pair.r1}"]]}]}, "not possible there"),
        ("count", {"needs": ["nothing"]}, "'nothing'"),
    ],
)
def test_mistake_is_told_with_its_place(name: str, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidPipeline) as told:
        check_pipeline(pipeline(name, **changes))
    assert message in str(told.value)


def test_every_pipeline_of_the_project_passes() -> None:
    library = Library(str(PROJECT / "pipelines"))
    names = library.pipeline_names()
    assert {"germline-cpu", "germline-fpga", "exome-fpga"} <= set(names)
    for name in names:
        assert library.pipeline(name).name == name
    assert library.reference_indexes().stages
