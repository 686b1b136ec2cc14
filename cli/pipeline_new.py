"""`seqdrop pipeline new`: a small pipeline that works as it is, to be changed."""

import re
from typing import Annotated

import typer

from cli.faults import CommandFailed
from cli.options import Json
from cli.screen import emit, say

_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")
"""A pipeline's name is a file's name, and stands for an assay where a manifest chooses it."""

STARTER = """\
# docs/pipelines.md explains every word of this file. After each change:
#   seqdrop pipeline check NAME     mistakes, each with its line
#   seqdrop pipeline test NAME      a small run on this machine
name: NAME
description: bwa mem and bcftools call # what `pipeline check` shows
stages: # each stage is one job, with results of its own
  align:
    queue: cpu # fpga-genome and fpga-exome are for DRAGEN
    # image: report # without it, the image of the queue: containers/cpu/Dockerfile
    reads: stream # through pipes, each byte checked on its way; "files" puts them on the disk first
    reference: [sequence] # parts of the reference that decide the result: {ref}/genome.fa
    indexes: [sequence, bwa] # made from the sequence: {ref}/genome.fa.fai, {ref}/genome.fa.bwt …
    size: # base + per_input_gib × GiB of FASTQ; see what runs took with `seqdrop sizes`
      vcpus: 16
      memory_mib: {base: 28000}
      scratch_mib: {base: 0, per_input_gib: 3072}
      seconds: {base: 120, per_input_gib: 700}
    steps: # one after another; the commands of a pipe run side by side
      # bwa gets both files of each lane. -K: the number of threads must not change the result.
      - for_each: read_pair
        pipe:
          - [bwa, mem, -t, "{threads}", -K, "100000000", -R, "{pair.read_group}",
             "{ref}/genome.fa", "{pair.r1}", "{pair.r2}"]
          - [samtools, sort, --no-PG, -T, "{tmp}/sort.{pair.id}", -o, "{tmp}/{pair.id}.bam", "-"]
      - pipe:
          - [samtools, merge, --no-PG, -c, -p, "{out}/alignment.bam",
             {for_each: read_pair, args: ["{tmp}/{pair.id}.bam"]}]
      - pipe: [[samtools, index, "{out}/alignment.bam"]]
      - pipe: [[samtools, flagstat, -O, json, "{out}/alignment.bam"]]
        stdout: "{out}/flagstat.json"
    # Figures of the run are read from this output. Its records must be as many as the reads.
    measures: {flagstat.json: flagstat}
    outputs: # files in {out}; each must be there, and not be empty, when the steps have ended
      - {name: alignment.bam}
      - {name: alignment.bam.bai}
      - {name: flagstat.json}
  call:
    queue: cpu
    needs: [align] # its outputs are in {in}
    inputs: [alignment.bam, alignment.bam.bai] # only these are fetched
    reference: [sequence]
    indexes: [sequence]
    size:
      vcpus: 2
      memory_mib: {base: 8000}
      seconds: {base: 60, per_input_gib: 280}
    steps:
      # -d: by itself mpileup looks at 250 reads of a position, and says nothing of the others.
      - pipe:
          - [bcftools, mpileup, --no-version, -Ou, -d, "{max_depth}", -L, "{max_depth}",
             -f, "{ref}/genome.fa", "{in}/alignment.bam"]
          - [bcftools, call, --no-version, -m, -v, -Oz, -o, "{out}/variants.vcf.gz", "-"]
      - pipe: [[bcftools, index, -t, "{out}/variants.vcf.gz"]]
    outputs:
      - {name: variants.vcf.gz}
      - {name: variants.vcf.gz.tbi}
"""


def new(
    name: Annotated[
        str,
        typer.Argument(metavar="NAME", help="Lower-case letters, digits and '-', at most 40."),
    ],
    json: Json = False,
) -> None:
    """Writes pipelines/NAME.yaml: a small pipeline that works as it is, with comments.

    It aligns reads with bwa, and calls variants with bcftools. Change it step by step.
    """
    from cli.stack import PIPELINES
    from seqdrop.library import NOT_PIPELINES, Library

    if not _NAME.fullmatch(name):
        raise CommandFailed(
            f"a pipeline can't be called {name!r}: use lower-case letters, digits and '-', at most "
            "40 of them, and begin with a letter"
        )
    if name in NOT_PIPELINES:
        raise CommandFailed(
            f"a pipeline can't be called {name!r}: {name}.yaml is another file of Seqdrop's"
        )
    if Library(str(PIPELINES)).has_assay(name):
        raise CommandFailed(
            f"an assay is called {name!r}: give the pipeline another name, since a manifest that "
            "chooses a pipeline has its name for an assay"
        )
    path = PIPELINES / f"{name}.yaml"
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(STARTER.replace("NAME", name))
    except FileExistsError as error:
        raise CommandFailed(f"{path} is there already: choose another name, or edit it") from error
    if json:
        emit({"pipeline": name, "file": str(path)})
        return
    say(f"wrote {path}")
    say(f"next: seqdrop pipeline check {name}; then seqdrop pipeline test {name}")
