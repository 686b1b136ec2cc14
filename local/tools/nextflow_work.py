"""The stand-in's work folder in S3, and what its one kind of task leaves for publishing."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import boto3
from botocore.exceptions import ClientError

Place = tuple[str, str]
"""Bucket and key."""
_S3_URI = re.compile(r"s3://([^/]+)/(.+)")
CALLS, COUNTS, ALIGNED, SAID = "calls.vcf.gz", "counts.json", "aligned.cram", "versions.yml"
SAMTOOLS, BCFTOOLS = "samtools_stats.txt", "bcftools_stats.txt"
MADE = (CALLS, f"{CALLS}.tbi", COUNTS, ALIGNED, f"{ALIGNED}.crai", SAID, SAMTOOLS, BCFTOOLS)
"""What a task leaves in its folder."""
_SAREK = "nf-core/sarek"


class Store:
    """S3, as this process' role reaches it."""

    def __init__(self) -> None:
        self._client: Any = boto3.client("s3")

    def get(self, place: Place) -> bytes | None:
        """An object's content; None where there is none."""
        try:
            body: bytes = self._client.get_object(Bucket=place[0], Key=place[1])["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] in {"NoSuchKey", "404"}:
                return None
            raise
        return body

    def text(self, place: Place) -> str:
        """An object's text. Raises FileNotFoundError."""
        body = self.get(place)
        if body is None:
            raise FileNotFoundError(f"s3://{place[0]}/{place[1]}")
        return body.decode()

    def put(self, place: Place, body: bytes) -> None:
        """Writes an object."""
        self._client.put_object(Bucket=place[0], Key=place[1], Body=body)


def read_uri(text: str) -> Place:
    """Raises ValueError for what is no s3:// URI."""
    found = _S3_URI.fullmatch(text)
    if not found:
        raise ValueError(f"{text!r} is not an s3:// URI")
    return found[1], found[2]


def name_in_files(project: str, row: Mapping[str, str]) -> str:
    """The sample's name in headers; that of sarek is of its samplesheet_to_channel."""
    return f"{row['patient']}_{row['sample']}" if project == _SAREK else row["sample"]


def results_of(project: str, sample: str, store: Store, folder: str) -> dict[str, bytes]:
    """What a workflow publishes of a sample, by paths below its outdir.

    Those of sarek are where its docs/output.md has them. Any other workflow publishes calls and
    counts.
    """

    def made(name: str) -> bytes:
        return store.get(read_uri(f"{folder}/{name}")) or b""

    find: Callable[[str], bytes] = made
    if project != _SAREK:
        return {
            f"variants/{sample}.vcf.gz": find(CALLS),
            f"variants/{sample}.vcf.gz.tbi": find(f"{CALLS}.tbi"),
            f"counts/{sample}.json": find(COUNTS),
            "pipeline_info/software_versions.yml": find(SAID),
        }
    calls, aligned = f"variant_calling/strelka/{sample}/{sample}.strelka", "preprocessing"
    return {
        f"{calls}.variants.vcf.gz": find(CALLS),
        f"{calls}.variants.vcf.gz.tbi": find(f"{CALLS}.tbi"),
        f"{calls}.genome.vcf.gz": find(CALLS),
        f"{calls}.genome.vcf.gz.tbi": find(f"{CALLS}.tbi"),
        f"{aligned}/markduplicates/{sample}/{sample}.md.cram": find(ALIGNED),
        f"{aligned}/markduplicates/{sample}/{sample}.md.cram.crai": find(f"{ALIGNED}.crai"),
        f"reports/samtools/{sample}/{sample}.md.cram.stats": find(SAMTOOLS),
        f"reports/bcftools/strelka/{sample}/{sample}.strelka.variants.bcftools_stats.txt":
            find(BCFTOOLS),
        "multiqc/multiqc_report.html": find(SAID),
        "pipeline_info/nf_core_sarek_software_mqc_versions.yml": find(SAID),
    }  # fmt: skip
