"""X and Y by sex, as a lab has them called: what the manifest, the depth and the calls say."""

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.demo.reads import Lane, write_lane
from tests.integration.test_ploidy import GENOME, MIXED, ON_X, ON_Y, PAR, SHARED, lanes_of
from tests.lab import Lab, open_cpu_lab

ASSAYS = """
default: wgs
assays:
  wgs:
    pipeline: germline-cpu
    reference: human
    ploidy: by_sex
    complete: {rule: pairs, quiet_seconds: 1}
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    par = "".join(f"{name}\t{a}\t{b}\n" for name, regions in PAR.items() for a, b in regions)
    folder = tmp_path_factory.mktemp("ploidy")
    with open_cpu_lab(folder, ASSAYS, "human", GENOME.fasta().encode(), par=par.encode()) as lab:
        yield lab


def drop(lab: Lab, folder: Path, name: str, sex: str) -> list[dict[str, str]]:
    """Drops what is sequenced of a person; its files as a manifest names them."""
    pairs = []
    for number, (chromosomes, depth) in enumerate(lanes_of(sex), 1):
        mates = [f"{name}_S1_L00{number}_R{mate}_001.fastq.gz" for mate in (1, 2)]
        files = folder / mates[0], folder / mates[1]
        write_lane([chromosomes], files, Lane(f"H{name}", number), depth=depth, seed=number)
        for path in files:
            lab.drop(f"wgs/{path.name}", path.read_bytes())
        pairs.append({"r1": f"wgs/{mates[0]}", "r2": f"wgs/{mates[1]}"})
    return pairs


def test_without_a_sex_in_a_manifest_nothing_is_called_and_with_it_x_and_y_are_single(
    lab: Lab, tmp_path: Path
) -> None:
    files = drop(lab, tmp_path, "M1", "male")
    held = lab.wait_for("M1", "wgs", "HELD")
    (said,) = held.holds.values()
    assert "calls X and Y by sex, and no manifest gives the sample's" in said
    assert lab.runs("M1", "wgs") == []
    lab.drop_manifest("a.manifest.json", {"sample": "M1", "sex": "male", "files": files})
    lab.wait_for("M1", "wgs", "ANALYSED")
    (run,) = lab.runs("M1", "wgs")
    assert (run.metrics["called_haploid"], run.metrics["mixed_haploid_sites"]) == (1, 2)
    assert not any("sex" in reason for reason in run.qc_reasons)
    (call,) = [one for one in run.stages if one.stage == "call"]
    s3 = lab.client("s3")
    body = s3.get_object(Bucket=lab.results, Key=f"{call.prefix}variants.vcf.gz")["Body"].read()
    rows = [line.split("\t") for line in gzip.decompress(body).decode().splitlines()]
    found = {
        (row[0], int(row[1]) - 1): row[9].partition(":")[0]
        for row in rows
        if not row[0].startswith("#") and row[0] in PAR and row[6] == "PASS"
    }
    assert found == {
        **{("chrX", place): "0/1" for place in SHARED},
        **{("chrX", place): "1" for place in ON_X},
        **{("chrY", place): "1" for place in ON_Y},
    }
    body = s3.get_object(Bucket=lab.results, Key=f"{call.prefix}mixed_haploid.tsv")["Body"].read()
    assert all(f"chrX\t{place + 1}\t" in body.decode() for place in MIXED)
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=lab.results)
    kept = [one["Key"] for page in pages for one in page["Contents"]]
    texts = [key for key in kept if key.endswith((".json", ".tsv", ".txt"))]
    assert {"call.json", "run.json", "mixed_haploid.tsv"} <= {key.split("/")[-1] for key in texts}
    for key in texts:
        body = s3.get_object(Bucket=lab.results, Key=key)["Body"].read()
        assert b"male" not in body, key


def test_another_sex_than_the_manifest_s_fails(lab: Lab, tmp_path: Path) -> None:
    files = drop(lab, tmp_path, "F1", "female")
    lab.drop_manifest("b.manifest.json", {"sample": "F1", "sex": "male", "files": files})
    lab.wait_for("F1", "wgs", "ANALYSED")
    (run,) = lab.runs("F1", "wgs")
    assert run.metrics["called_haploid"] == 0
    assert run.qc == "FAIL"
    assert any("sex is not the one in the manifest" in reason for reason in run.qc_reasons)
