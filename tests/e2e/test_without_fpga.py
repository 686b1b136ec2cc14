"""A deployment without FPGA queues: assays on CPU run, and those on FPGA say what to do."""

import json
from collections.abc import Iterator

import pytest

from seqdrop.domain.identity import ReferenceId
from tests.lab import Lab, fasta, make_genome, open_lab, pair

GENOME = make_genome(5_000)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with open_lab(tmp_path_factory.mktemp("lab"), fpga_slots=0) as lab:
        yield lab


def drop(lab: Lab, sample: str, assay: str) -> None:
    for mate, body in enumerate(pair(200, genome=GENOME), 1):
        lab.drop(f"{assay}/{sample}_{mate}.fastq.gz", body)


def test_there_is_nothing_of_an_fpga(lab: Lab) -> None:
    batch = lab.client("batch")
    names = [q["jobQueueName"] for q in batch.describe_job_queues()["jobQueues"]]
    assert {name.split("-")[1] for name in names} == {"cpu", "nextflow"}
    definitions = batch.describe_job_definitions()["jobDefinitions"]
    assert not [one for one in definitions if "fpga" in one["jobDefinitionName"]]


def test_an_assay_on_fpga_is_held_before_anybody_is_asked_for_its_reference(lab: Lab) -> None:
    drop(lab, "NA1", "wgs")
    held = lab.wait_for("NA1", "wgs", "HELD")
    assert [*held.holds.values()] == [
        "this deployment has no fpga-genome queue, which the pipeline germline-fpga needs: choose "
        "an assay on CPU, or deploy with EnableFpga=true; then rerun the sample"
    ]
    assert lab.runs("NA1", "wgs") == []


def test_a_reference_gets_dragens_index_on_a_cpu_and_assays_on_cpu_run(lab: Lab) -> None:
    lab.add_reference("GRCh38", fasta(GENOME))
    added = lab.catalog.references.get(ReferenceId("GRCh38", "1"))
    assert added is not None
    assert set(added.wanted) == set(added.indexes) == {"sequence", "bwa", "dragen"}
    drop(lab, "NA2", "wgs-cpu")
    lab.wait_for("NA2", "wgs-cpu", "ANALYSED")


def test_dragens_software_mode_runs_on_cpu_hosts_and_says_what_it_is(lab: Lab) -> None:
    name = "germline-dragen-software"
    files = []
    for mate, body in enumerate(pair(200, genome=GENOME, seed=9), 1):
        lab.drop(f"sw/NA3_{mate}.fastq.gz", body)
    files.append({"r1": "NA3_1.fastq.gz", "r2": "NA3_2.fastq.gz"})
    sample = {"sample": "NA3", "pipeline": name, "reference": "GRCh38", "files": files}
    lab.drop_manifest("sw/a.manifest.json", sample)
    lab.wait_for("NA3", name, "ANALYSED")
    (run,) = lab.runs("NA3", name)
    assert {stage.queue for stage in run.stages} == {"cpu"}
    assert run.simulated, "a stand-in played DRAGEN here"
    (stage,) = [one for one in run.stages if one.stage == "dragen"]
    body = lab.client("s3").get_object(Bucket=lab.results, Key=f"{stage.prefix}dragen.json")["Body"]
    commands = json.loads(body.read())["commands"]
    assert any(command.startswith("dragen --sw-mode -f -r ref/dragen ") for command in commands)
