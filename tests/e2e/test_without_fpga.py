"""A deployment without FPGA queues: assays on CPU run, and those on FPGA say what to do."""

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
    assert {name.split("-")[1] for name in names} == {"cpu"}
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


def test_a_reference_is_ready_without_the_index_of_dragen_and_an_assay_on_cpu_runs(
    lab: Lab,
) -> None:
    lab.add_reference("GRCh38", fasta(GENOME))
    added = lab.catalog.references.get(ReferenceId("GRCh38", "1"))
    assert added is not None
    assert (added.wanted, set(added.indexes)) == (("sequence", "bwa"), {"sequence", "bwa"})
    drop(lab, "NA2", "wgs-cpu")
    lab.wait_for("NA2", "wgs-cpu", "ANALYSED")
