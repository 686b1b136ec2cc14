"""A runtime whose pipelines have the shape of the real ones, and tools that take no time."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.lab import Lab, fasta, make_genome, make_project, open_lab

ONE_STAGE, TWO_STAGES = "one-stage", "two-stages"
"""Assays: a stage as germline-fpga has it, and two in a row as in germline-cpu."""
_ASSAYS = f"""
default: {ONE_STAGE}
assays:
  {ONE_STAGE}: {{pipeline: {ONE_STAGE}, reference: tiny}}
  {TWO_STAGES}: {{pipeline: {TWO_STAGES}, reference: tiny}}
"""
_SIZE = "size: {vcpus: 1, memory_mib: {base: 100}, seconds: {base: 1}}"
_ALIGN = f"""
  align:
    queue: cpu
    reads: stream
    reference: [sequence]
    {_SIZE}
    steps:
      - for_each: read_pair
        pipe: [[tail, -q, -n, "1", "{{pair.r1}}", "{{pair.r2}}"]]
        stdout: "{{tmp}}/{{pair.id}}"
      - pipe: [[cp, "{{ref}}/genome.fa", "{{out}}/alignment.txt"]]
    outputs: [{{name: alignment.txt}}]
"""
_CALL = f"""
  call:
    queue: cpu
    needs: [align]
    {_SIZE}
    steps:
      - pipe: [[cp, "{{in}}/alignment.txt", "{{out}}/variants.txt"]]
    outputs: [{{name: variants.txt}}]
"""
_INDEX = f"""
  none:
    queue: cpu
    reference: [sequence]
    {_SIZE}
    steps:
      - pipe: [[cp, "{{ref}}/genome.fa", "{{out}}/index"]]
    outputs: [{{name: index}}]
"""


@contextmanager
def open_quick_lab(folder: Path, **settings: Any) -> Iterator[Lab]:
    """A lab with both pipelines and their reference."""
    project = folder / "project"
    project.mkdir()
    pipelines = {
        "assays": _ASSAYS,
        ONE_STAGE: _pipeline(ONE_STAGE, _ALIGN),
        TWO_STAGES: _pipeline(TWO_STAGES, _ALIGN + _CALL),
        "references": _pipeline("references", _INDEX),
    }
    make_project(project, {f"{name}.yaml": text for name, text in pipelines.items()})
    with open_lab(folder / "runtime", project=project, **settings) as lab:
        lab.add_reference("tiny", fasta(make_genome(5_000)))
        yield lab


def _pipeline(name: str, stages: str) -> str:
    return f"name: {name}\ndescription: tools that take no time\nstages:{stages}"
