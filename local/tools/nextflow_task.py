"""What a task of the stand-in for Nextflow does: it counts reads, and makes files that say so.

`python -m local.tools.nextflow_task FOLDER SAMPLE PLAYS FASTQ_1 FASTQ_2`, with s3:// URIs. All that
it reads and writes is in its run's work folder, which is as far as its role reaches.
"""

import gzip
import json
import sys
import tempfile
import time
from pathlib import Path

import pysam

from local.tools.nextflow_work import (
    ALIGNED,
    BCFTOOLS,
    CALLS,
    COUNTS,
    SAID,
    SAMTOOLS,
    Store,
    read_uri,
)

_SAYS = "simulated by the stand-in for Nextflow"
_SUMMARY = ("mismatches", "bases mapped (cigar)", "inward oriented pairs", "outward oriented pairs",
    "pairs with other orientation")  # fmt: skip


def main(arguments: list[str]) -> int:
    """Runs one task; returns the exit code."""
    folder, sample, plays, *mates = arguments
    if plays == "fail":
        sys.stderr.write("the stand-in's task fails, as it was told\n")
        return 7
    if plays == "hang":
        time.sleep(600)
    store = Store()
    store.text(read_uri(f"{folder}/.command.run"))
    if plays == "once" and store.get(read_uri(f"{folder}/.tried")) is None:
        store.put(read_uri(f"{folder}/.tried"), b"once")
        return 8
    counts = [_reads(store.get(read_uri(uri)) or b"") for uri in mates]
    with tempfile.TemporaryDirectory() as made:
        for name, body in _files(sample, counts, Path(made)).items():
            store.put(read_uri(f"{folder}/{name}"), body)
    store.put(read_uri(f"{folder}/.exitcode"), b"0")
    return 0


def _reads(body: bytes) -> int:
    return gzip.decompress(body).count(b"\n") // 4


def _files(sample: str, counts: list[int], folder: Path) -> dict[str, bytes]:
    header = pysam.VariantHeader()
    header.add_line(f"##source={_SAYS}")
    header.add_line("##contig=<ID=chr1>")
    header.add_sample(sample)
    calls = folder / CALLS
    with pysam.VariantFile(str(calls), "w", header=header):
        pass  # a stand-in calls nothing
    pysam.tabix_index(str(calls), preset="vcf", force=True)
    summary = "".join(f"SN\t{name}:\t0\n" for name in _SUMMARY)
    return {
        CALLS: calls.read_bytes(),
        f"{CALLS}.tbi": Path(f"{calls}.tbi").read_bytes(),
        COUNTS: json.dumps({"reads": counts, "simulated": True}).encode(),
        ALIGNED: f"{_SAYS}\n".encode(),
        SAID: f"simulated: {_SAYS}\n".encode(),
        SAMTOOLS: f"# {_SAYS}\n{summary}".encode(),
        BCFTOOLS: f"# {_SAYS}\nSN\t0\tnumber of SNPs:\t0\nSN\t0\tnumber of indels:\t0\n".encode(),
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
