"""A workflow of Nextflow as a pipeline: Nextflow is played by a stand-in, all around it is real."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from seqdrop.domain.task import Task
from seqdrop.domain.trace import TracedTask, read_trace
from seqdrop.domain.workflow import TRACE, work_key
from tests.e2e.command import Command
from tests.lab import Lab, fasta, make_genome, make_project, open_lab, own_pipelines, pair

ASSAYS = """
default: counted
assays:
  counted: {pipeline: counting, reference: tiny, complete: {rule: pairs, quiet_seconds: 1}}
  failing: {pipeline: failing, reference: tiny, complete: {rule: pairs, quiet_seconds: 1}}
  empty: {pipeline: empty, reference: tiny, complete: {rule: pairs, quiet_seconds: 1}}
  hanging: {pipeline: hanging, reference: tiny, complete: {rule: pairs, quiet_seconds: 1}}
  once: {pipeline: once, reference: tiny, complete: {rule: pairs, quiet_seconds: 1}}
  germline: {pipeline: sarek, reference: tiny, complete: {rule: pairs, quiet_seconds: 1}}
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
      - {{name: counts.json, source: "counts/*"}}
      - {{name: software_versions.yml, source: pipeline_info/software_versions.yml}}
"""
GENOME = make_genome(5_000)


def pipelines() -> dict[str, str]:
    plays = {
        "counting": '""', "failing": "fail", "empty": "empty", "hanging": "hang", "once": "once",
    }  # fmt: skip
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


def drop(lab: Lab, assay: str, sample: str, name: str = "", **options: Any) -> None:
    for read, body in enumerate(pair(200, genome=GENOME, **options), 1):
        lab.drop(f"{assay}/{sample}{name}_R{read}.fastq.gz", body)


def tasks(lab: Lab, sample: str, assay: str) -> list[Task]:
    """The tasks of an analysis' last run."""
    return lab.catalog.tasks.of_run(lab.runs(sample, assay)[-1].id)


def trace_of(lab: Lab, sample: str, assay: str) -> list[TracedTask]:
    (stage,) = lab.runs(sample, assay)[-1].stages
    key = f"{stage.prefix}{TRACE}"
    return read_trace(lab.client("s3").get_object(Bucket=lab.results, Key=key)["Body"].read())


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


def test_tasks_read_copies_of_the_versions_that_the_run_was_claimed_with(
    lab: Lab, good: dict[str, Any]
) -> None:
    assert good["counts"]["reads_in"] == 400
    (stage,) = lab.runs("W1", "counted")[-1].stages
    keys = below(lab, f"{work_key(stage.prefix)}reads/")
    assert [key.rpartition("/")[2] for key in keys] == [
        "1.HW1.1_R1.fastq.gz", "1.HW1.1_R2.fastq.gz",
    ]  # fmt: skip
    s3 = lab.client("s3")
    for read, key in enumerate(keys, 1):
        copy = s3.get_object(Bucket=lab.results, Key=key)["Body"].read()
        own = s3.get_object(Bucket=lab.uploads, Key=f"counted/W1_R{read}.fastq.gz")["Body"].read()
        assert copy == own


def test_tasks_are_jobs_of_the_cpu_queue_and_add_to_the_cost_of_the_run(
    lab: Lab, good: dict[str, Any]
) -> None:
    assert good["stage"] == "workflow"
    (task,) = tasks(lab, "W1", "counted")
    (traced,) = trace_of(lab, "W1", "counted")
    assert (task.job_id, task.status) == (traced.native_id, "SUCCEEDED")
    assert (task.queue, task.vcpus, task.exit_code) == ("seqdrop-cpu-routine", 2, 0)
    (job,) = lab.jobs("W1", "counted")
    assert job.queue == "seqdrop-nextflow-routine"
    (run,) = lab.runs("W1", "counted")
    assert task.cost_usd
    assert job.cost_usd
    assert run.cost_usd == pytest.approx(job.cost_usd + task.cost_usd)


def test_a_task_that_fails_fails_the_run_with_its_process_and_publishes_nothing(
    lab: Lab, tmp_path: Path
) -> None:
    drop(lab, "failing", "W2", flowcell="HW2")
    analysis = lab.wait_for("W2", "failing", "FAILED")
    assert "Error executing process > 'SIMULATED (W2 1)'" in analysis.why
    (task,) = tasks(lab, "W2", "failing")
    assert (task.status, task.exit_code) == ("FAILED", 7)
    assert task.cost_usd is not None
    (job,) = lab.jobs("W2", "failing")
    assert job.cost_usd is not None
    costs = Command(tmp_path, lab.runtime.url).ask("cost", "W2")
    both = pytest.approx(job.cost_usd + task.cost_usd, abs=2e-6)
    (run,) = costs["samples"][0]["runs"]
    assert costs["total"]["cost_usd"] == run["cost_usd"] == both
    assert run["stages"][0]["tasks"] == {"jobs": 1, "cost_usd": task.cost_usd}
    (stage,) = lab.runs("W2", "failing")[-1].stages
    assert below(lab, stage.prefix) == []


def test_an_output_that_the_workflow_does_not_make_is_told(lab: Lab) -> None:
    drop(lab, "empty", "W3", flowcell="HW3")
    analysis = lab.wait_for("W3", "empty", "FAILED")
    assert "its output variants.vcf.gz is not there" in analysis.why


def test_a_run_that_is_stopped_leaves_no_task_running(lab: Lab, tmp_path: Path) -> None:
    drop(lab, "hanging", "W4", flowcell="HW4")

    def runs() -> bool:
        found = lab.runs("W4", "hanging")
        return bool(found) and any(task.status == "RUNNING" for task in tasks(lab, "W4", "hanging"))

    lab.wait_until(runs, describe=lambda: lab.describe("W4"))
    Command(tmp_path, lab.runtime.url).good("stop", "W4", "--reason", "wrong kit")
    lab.wait_for("W4", "hanging", "HELD")
    lab.wait_until(lambda: all(task.has_ended for task in tasks(lab, "W4", "hanging")))
    (task,) = tasks(lab, "W4", "hanging")
    assert task.status == "FAILED"
    lab.wait_until(lambda: lab.live_batch_jobs() == [])


def test_a_run_that_failed_is_resumed_where_it_was(lab: Lab, tmp_path: Path) -> None:
    for lane in (1, 2):
        drop(lab, "once", "W5", f"_L00{lane}", flowcell="HW5", lane=lane, seed=lane)
    lab.wait_for("W5", "once", "FAILED")
    first = {task.job_id: task.status for task in tasks(lab, "W5", "once")}
    assert sorted(first.values()) == ["FAILED", "SUCCEEDED"]
    Command(tmp_path, lab.runtime.url).good("rerun", "W5")
    lab.wait_for("W5", "once", "ANALYSED")
    traced = {one.status: one.native_id for one in trace_of(lab, "W5", "once")}
    assert traced.keys() == {"CACHED", "COMPLETED"}
    assert first[traced["CACHED"]] == "SUCCEEDED"
    (task,) = tasks(lab, "W5", "once")
    assert (task.job_id, task.status) == (traced["COMPLETED"], "SUCCEEDED")


def test_a_run_that_is_asked_for_anew_takes_nothing_of_the_tries_before_nor_does_one_after_it(
    lab: Lab, tmp_path: Path
) -> None:
    for lane in (1, 2):
        drop(lab, "once", "W7", f"_L00{lane}", flowcell="HW7", lane=lane, seed=lane)
    lab.wait_for("W7", "once", "FAILED")
    command = Command(tmp_path, lab.runtime.url)
    command.good("rerun", "W7", "--fresh")
    lab.wait_until(lambda: [run.status for run in lab.runs("W7", "once")] == ["FAILED"] * 2)
    of_fresh = {task.status: task.job_id for task in tasks(lab, "W7", "once")}
    assert of_fresh.keys() == {"FAILED", "SUCCEEDED"}
    command.good("rerun", "W7")
    lab.wait_for("W7", "once", "ANALYSED")
    traced = {one.status: one.native_id for one in trace_of(lab, "W7", "once")}
    assert traced["CACHED"] == of_fresh["SUCCEEDED"]


def test_sarek_s_pipeline_names_what_sarek_publishes(lab: Lab) -> None:
    drop(lab, "germline", "W6", flowcell="HW6")
    lab.wait_for("W6", "germline", "ANALYSED")
    (run,) = lab.runs("W6", "germline")
    assert run.simulated
    assert run.qc == "FAIL"  # the stand-in aligns nothing
    assert any("mapped_fraction" in line for line in run.qc_reasons)
    stage = next(one for one in run.stages if one.stage == "workflow")
    names = {key.removeprefix(stage.prefix) for key in below(lab, stage.prefix)}
    assert {"variants.vcf.gz", "variants.g.vcf.gz", "alignment.cram", "report.html"} <= names
    key = f"{stage.prefix}variants.vcf.gz"
    body = lab.client("s3").get_object(Bucket=lab.results, Key=key)["Body"].read()
    header = gzip.decompress(body).decode().splitlines()[-1]
    assert header.split("\t")[-1] == "W6_W6"  # patient and sample, as sarek has it
    given = below(lab, f"{work_key(stage.prefix)}reference/")
    assert {"genome.fa", "genome.fa.fai", "genome.dict"} <= {k.rpartition("/")[2] for k in given}
