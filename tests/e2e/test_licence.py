"""DRAGEN's licence from Secrets Manager to DRAGEN's stand-in, and to no place besides."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import LICENCE_SECRET, Lab, fasta, make_genome, open_lab, pair, put_licence

NAME, PASSWORD = "n4mE-of-the-lab", "pa55=word/Of+it"
GENOME = make_genome(5_000)
ACCEPTED = "license credentials file accepted"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lab")


@pytest.fixture(scope="module")
def lab(folder: Path) -> Iterator[Lab]:
    with open_lab(folder, parameters={"DragenLicenceSecretArn": LICENCE_SECRET}) as lab:
        put_licence(lab, json.dumps({"credentials-1": NAME, "credentials-2": PASSWORD}))
        lab.add_reference("GRCh38", fasta(GENOME))
        for mate, body in enumerate(pair(300, genome=GENOME), 1):
            lab.drop(f"wgs/NA1_{mate}.fastq.gz", body)
        lab.wait_for("NA1", "wgs", "ANALYSED", seconds=240)
        yield lab


def logged(lab: Lab) -> list[str]:
    """Every line in any log."""
    logs = lab.client("logs")
    groups = [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]]
    pages = logs.get_paginator("filter_log_events")
    return [
        event["message"]
        for group in groups
        for page in pages.paginate(logGroupName=group)
        for event in page["events"]
    ]


def stored(lab: Lab) -> Iterator[tuple[str, bytes]]:
    """Every object of the results and references, unpacked where it is packed."""
    s3 = lab.client("s3")
    for bucket in (lab.results, lab.runtime.outputs["ReferencesBucket"]):
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            for item in page.get("Contents", []):
                body = s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read()
                packed = body.startswith(b"\x1f\x8b")
                yield item["Key"], gzip.decompress(body) if packed else body


def test_every_dragen_job_was_given_its_licence_and_no_other_was(lab: Lab) -> None:
    jobs = [line for line in logged(lab) if ACCEPTED in line]
    assert len(jobs) == 2  # the index of the reference, and the sample
    records = [body for key, body in stored(lab) if key.endswith("/dragen.json")]
    commands = [command for body in records for command in json.loads(body)["commands"]]
    assert any(command.startswith("dragen -f -r ref/dragen") for command in commands)
    assert not any("--lic" in command for command in commands)


def test_the_licence_is_in_no_log_plan_record_result_or_catalog(lab: Lab, folder: Path) -> None:
    pages = (
        lab.client("dynamodb")
        .get_paginator("scan")
        .paginate(TableName=lab.runtime.outputs["CatalogTable"])
    )
    places = {
        "logs": "\n".join(logged(lab)).encode(),
        "catalog": b"".join(repr(page["Items"]).encode() for page in pages),
        **dict(stored(lab)),
    }
    names = {key.rsplit("/", 1)[-1] for key in places}
    assert {"plan.json", "dragen.json", "run.json", "alignment.bam", "dragen.vcf.gz"} <= names
    for secret in (NAME.encode(), PASSWORD.encode()):
        assert [key for key, content in places.items() if secret in content] == []
    assert list(folder.rglob("*.lic")) == []
