"""A workflow of Nextflow as a pipeline: Nextflow is played by a stand-in, all around it is real."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.command import Command
from tests.lab import Lab, fasta, make_genome, make_project, open_lab, own_pipelines, pair

ASSAYS = """
default: counted
assays:
  counted: {pipeline: counting, reference: tiny, complete: {rule: pairs, quiet_seconds: 1}}
  failing: {pipeline: failing, reference: tiny, complete: {rule: pairs, quiet_seconds: 1}}
  empty: {pipeline: empty, reference: tiny, complete: {rule: pairs, quiet_seconds: 1}}
  hanging: {pipeline: hanging, reference: tiny, complete: {rule: pairs, quiet_seconds: 1}}
"""
COUNTING = """
name: {name}
description: A workflow of the lab's own
stages:
  workflow:
    queue: nextflow
    reads: copies
    reference: [sequence]
    size: {{vcpus: 1, memory_mib: {{base: 1000}}, seconds: {{base: 60}}}}
    workflow:
      project: lab/counting
      revision: 1.2.0
      params: {{fasta: "{{work}}reference/genome.fa", stand_in: {plays}}}
      sheet:
        columns:
          sample: "{{sample}}"
          lane: "{{pair.id}}"
          fastq_1: "{{pair.r1}}"
          fastq_2: "{{pair.r2}}"
        required: [sample, fastq_1, fastq_2]
    outputs:
      - {{name: variants.vcf.gz, source: "variants/{{sample}}.vcf.gz"}}
      - {{name: variants.vcf.gz.tbi, source: "variants/{{sample}}.vcf.gz.tbi"}}
      - {{name: counts.json, source: "counts/*.json"}}
      - {{name: software_versions.yml, source: pipeline_info/software_versions.yml}}
"""
GENOME = make_genome(5_000)


def pipelines() -> dict[str, str]:
    plays = {"counting": '""', "failing": "fail", "empty": "empty", "hanging": "hang"}
    texts = {f"{n}.yaml": COUNTING.format(name=n, plays=p) for n, p in plays.items()}
    return {**own_pipelines(), **texts, "assays.yaml": ASSAYS}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    folder = tmp_path_factory.mktemp("nextflow")
    (folder / "project").mkdir()
    project = make_project(folder / "project", pipelines())
    with open_lab(folder / "runtime", project=project) as lab:
        lab.add_reference("tiny", fasta(GENOME))
        yield lab


def drop(lab: Lab, assay: str, sample: str, **options: Any) -> None:
    for read, body in enumerate(pair(200, genome=GENOME, **options), 1):
        lab.drop(f"{assay}/{sample}_R{read}.fastq.gz", body)


@pytest.fixture(scope="module")
def good(lab: Lab) -> dict[str, Any]:
    """The record of a workflow that ended well."""
    drop(lab, "counted", "W1", flowcell="HW1")
    lab.wait_for("W1", "counted", "ANALYSED")
    (run,) = lab.runs("W1", "counted")
    (stage,) = run.stages
    body = lab.client("s3").get_object(Bucket=lab.results, Key=f"{stage.prefix}workflow.json")
    found: dict[str, Any] = json.loads(body["Body"].read())
    return found


def below(lab: Lab, prefix: str) -> list[str]:
    pages = lab.client("s3").get_paginator("list_objects_v2")
    found = pages.paginate(Bucket=lab.results, Prefix=prefix)
    return [one["Key"] for page in found for one in page.get("Contents", ())]


def test_what_the_workflow_made_is_published_under_our_names_and_marked_as_simulated(
    lab: Lab, good: dict[str, Any], tmp_path: Path
) -> None:
    names = {file["name"] for file in good["files"]}
    assert names == {
        "variants.vcf.gz", "variants.vcf.gz.tbi", "counts.json", "software_versions.yml",
        "workflow_trace.tsv", "workflow_report.html", "workflow.log",
    }  # fmt: skip
    assert all(len(file["sha256"]) == 64 and file["bytes"] for file in good["files"])
    assert good["simulated"]
    assert "this is not Nextflow" in good["tools"]["nextflow"]
    said = Command(tmp_path, lab.runtime.url).ask(
        "results", "W1", "--download", str(tmp_path / "W1")
    )
    paths = {one["name"]: Path(one["path"]) for one in said["files"]}
    assert json.loads(paths["counts.json"].read_text())["reads"] == [200, 200]
    assert b"simulated" in gzip.decompress(paths["variants.vcf.gz"].read_bytes())
