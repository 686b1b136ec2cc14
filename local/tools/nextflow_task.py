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
    reads = [_reads(store.get(read_uri(uri)) or b"") for uri in mates]
    sequences = store.get(read_uri(f"{folder.partition('/tasks/')[0]}/reference/genome.dict"))
    with tempfile.TemporaryDirectory() as made:
        files = _files(sample, [len(each) for each in reads], Path(made))
        files |= _aligned(reads, (sequences or b"").decode(), Path(made))
        for name, body in files.items():
            store.put(read_uri(f"{folder}/{name}"), body)
    store.put(read_uri(f"{folder}/.exitcode"), b"0")
    return 0


def _reads(body: bytes) -> list[tuple[str, str]]:
    """Bases and qualities."""
    lines = gzip.decompress(body).decode().splitlines()
    return list(zip(lines[1::4], lines[3::4], strict=True))


def _aligned(reads: list[list[tuple[str, str]]], sequences: str, folder: Path) -> dict[str, bytes]:
    """A CRAM with all reads, and its index. A stand-in aligns nothing, so none is mapped."""
    header = pysam.AlignmentHeader.from_text(sequences or "@HD\tVN:1.6\n")
    path = str(folder / ALIGNED)
    with pysam.AlignmentFile(path, "wc", header=header) as file:
        for number, pair in enumerate(zip(*reads, strict=True)):
            for flag, (bases, qualities) in zip((0x4D, 0x8D), pair, strict=True):
                read = pysam.AlignedSegment(header)
                read.query_name, read.flag = f"simulated.{number}", flag
                read.query_sequence = bases
                read.query_qualities = pysam.qualitystring_to_array(qualities)
                file.write(read)
    pysam.index(path)
    return {name: (folder / name).read_bytes() for name in (ALIGNED, f"{ALIGNED}.crai")}


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
        SAID: f"simulated: {_SAYS}\n".encode(),
        SAMTOOLS: f"# {_SAYS}\n{summary}".encode(),
        BCFTOOLS: f"# {_SAYS}\nSN\t0\tnumber of SNPs:\t0\nSN\t0\tnumber of indels:\t0\n".encode(),
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
