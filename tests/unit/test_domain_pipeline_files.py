"""Steps by which results would be lost without a word: told before any sample runs them."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from seqdrop.domain.pipeline import Mistake, Pipeline
from seqdrop.domain.pipeline_files import mistakes_in_files
from seqdrop.library import Library
from tests.lab import PROJECT

ALIGN = ["bwa", "{ref}/genome.fa", "{pair.r1}", "{pair.r2}"]


def mistakes(*steps: dict[str, Any], **changes: Any) -> list[str]:
    stage = {
        "queue": "cpu", "reference": ["sequence"], "outputs": [{"name": "a.bam"}],
        "size": {"vcpus": 1, "memory_mib": {"base": 1}, "seconds": {"base": 1}},
        "steps": [*steps, {"pipe": [["join", "{out}/a.bam"]]}], **changes,
    }  # fmt: skip
    whole = {"name": "p", "description": "", "stages": {"align": stage}}
    return [one.says for one in mistakes_in_files(msgspec.convert(whole, Pipeline))]


def each(kind: str, *command: str, stdout: str = "") -> dict[str, Any]:
    return {"for_each": kind, "pipe": [list(command)], "stdout": stdout}


def test_a_file_for_each_of_a_kind_has_its_id() -> None:
    assert mistakes(each("read_pair", *ALIGN, "-o", "{out}/{pair.id}.bam")) == []
    assert mistakes(each("read_pair", *ALIGN, stdout="{tmp}/{pair.id}.bam")) == []
    assert mistakes(each("read_pair", "fastqc", *ALIGN[2:], "-o", "{out}")) == []
    assert mistakes(each("read_pair", "fastqc", *ALIGN[2:], "-o", "{out}/fastqc/")) == []
    assert mistakes(each("library", "merge", stdout="{tmp}/{library.id}.bam")) == []
    assert mistakes(each("region", "call", "{region.bed}", stdout="{tmp}/{region.id}.vcf")) == []


@pytest.mark.parametrize(
    ("kind", "command", "stdout", "placeholder"),
    [
        ("read_pair", [*ALIGN, "-o", "{out}/a.bam"], "", "{pair.id}"),
        ("read_pair", ALIGN, "{tmp}/a.bam", "{pair.id}"),
        ("library", ["merge"], "{out}/a.bam", "{library.id}"),
        ("region", ["call", "{region.bed}"], "{tmp}/a.vcf", "{region.id}"),
        ("region", ["call", "{region.bed}", "-o{out}/a.vcf"], "", "{region.id}"),
    ],
)
def test_what_the_next_of_a_kind_would_write_over_is_told(
    kind: str, command: list[str], stdout: str, placeholder: str
) -> None:
    (said,) = mistakes(each(kind, *command, stdout=stdout))
    assert f"each {kind} would write " in said
    assert f"put {placeholder} into its name" in said


@pytest.mark.parametrize(
    ("read", "missing"), [("{pair.r1}", "{pair.r2}"), ("{pair.r2}", "{pair.r1}")]
)
def test_reads_without_their_mates_are_told(read: str, missing: str) -> None:
    (said,) = mistakes(each("read_pair", "bwa", read, read, stdout="{tmp}/{pair.id}"))
    assert said == f"stage align: it reads {read} and never {missing}: half of the reads are lost"


def test_a_reference_that_nobody_asks_for_is_told() -> None:
    (said,) = mistakes({"pipe": [["call", "-f", "{ref}/genome.fa"]]}, reference=[])
    assert "{ref}/genome.fa will not be there" in said
    assert "(reference: [sequence])" in said


def of_all() -> Iterator[Mistake]:
    library = Library(str(PROJECT / "pipelines"))
    for name in library.pipeline_names():
        yield from mistakes_in_files(library.pipeline(name))


def test_the_projects_own_pipelines_lose_nothing() -> None:
    assert list(of_all()) == []
