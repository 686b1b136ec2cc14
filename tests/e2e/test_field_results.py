"""Files from the field that are whole, and whose results once lied: judged, or called right."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.e2e.ingest import document, wait_until_quiet
from tests.field_cases import made, needs_cases, planted
from tests.lab import Lab, make_project, open_lab, own_pipelines

AMPLICONS, NOTHING_MAPS = "29_amplicon_depth", "30_nothing_maps"
PAIRS = {"hom100": 100, "hom200": 200, "hom400": 400, "het400": 400}

pytestmark = needs_cases


class Call(NamedTuple):
    """A record of a sample's variants."""

    variant: tuple[str, int, str, str]
    filter: str
    values: dict[str, str]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cases")
    for case in (AMPLICONS, NOTHING_MAPS):
        made(case, folder / case)
    return folder


@pytest.fixture(scope="module")
def lab(files: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The lab's own pipelines and assays; all samples dropped at once, and waited for."""
    folder = tmp_path_factory.mktemp("field")
    (folder / "project").mkdir()
    names = ("germline-cpu.yaml", "references.yaml", "assays.yaml")
    own = own_pipelines(*names, "germline-fpga.yaml", "exome-fpga.yaml")
    project = make_project(folder / "project", own)
    with open_lab(folder / "runtime", project=project) as lab:
        amplicons = files / AMPLICONS
        genome = (amplicons / "genome.fa").read_bytes()
        bed = (amplicons / "amplicon.bed").read_bytes()
        lab.add_reference("GRCh38", genome, "1", **{"targets:amplicon": bed})
        for path in amplicons.glob("*_R?.fastq.gz"):
            lab.drop(path.name, path.read_bytes())
        lab.drop("amplicons.manifest.json", (amplicons / "amplicons.manifest.json").read_bytes())
        for path in (files / NOTHING_MAPS).glob("*_R?.fastq.gz"):
            lab.drop(f"wgs-cpu/{path.name}", path.read_bytes())
        wait_until_quiet(lab, 300)
        yield lab


def calls(lab: Lab, sample: str, assay: str) -> list[Call]:
    """What is in the variants of the one run of a sample, held against its header."""
    (run,) = lab.runs(sample, assay)
    (stage,) = (stage for stage in run.stages if stage.stage == "call")
    answer = lab.client("s3").get_object(Bucket=lab.results, Key=f"{stage.prefix}variants.vcf.gz")
    lines = gzip.decompress(answer["Body"].read()).decode().splitlines()
    (columns,) = (line.split("\t") for line in lines if line.startswith("#CHROM"))
    assert columns[9:] == [sample]
    found = []
    for line in lines:
        if not line.startswith("#"):
            f = line.split("\t")
            values = dict(zip(f[8].split(":"), f[9].split(":"), strict=True))
            found.append(Call((f[0], int(f[1]), f[3], f[4]), f[6], values))
    return found


@pytest.mark.parametrize("sample", PAIRS)
def test_an_amplicon_is_called_from_all_of_its_pairs(lab: Lab, files: Path, sample: str) -> None:
    (found,) = calls(lab, sample, "amplicon")
    assert found.variant in planted(files / AMPLICONS)
    assert found.filter == "PASS"
    assert int(found.values["DP"]) == PAIRS[sample]
    if sample == "het400":
        assert (found.values["GT"], found.values["AD"]) == ("0/1", "200,200")
    else:
        assert (found.values["GT"], found.values["AD"]) == ("1/1", f"0,{PAIRS[sample]}")
    assert document(lab, sample, "amplicon")["runs"][0]["qc"] == "PASS"


@pytest.mark.parametrize("sample", ["other", "allN", "r2N"])
def test_a_sample_that_does_not_map_fails_qc_with_a_valid_empty_vcf(lab: Lab, sample: str) -> None:
    shown = document(lab, sample, "wgs-cpu")
    assert shown["status"] == "ANALYSED"
    run = shown["runs"][0]
    assert run["qc"] == "FAIL", json.dumps(run["qc_reasons"])
    assert calls(lab, sample, "wgs-cpu") == []
    assert run["metrics"]["mean_depth"] <= {"r2N": 5.25}.get(sample, 0)  # of 10.5 sequenced
