"""The two people of the demo: their variants, their reads, and how their files are dropped."""

import json
from dataclasses import dataclass
from pathlib import Path

from local.demo.genome import Genome, Variant, haplotypes, make_genome, plant_variants
from local.demo.reads import Lane, write_lane

REFERENCE, VERSION = "demo", "1"
DEPTH = 30.0
_CONTIGS = {"chr1": 100_000, "chr2": 60_000}
_FLOWCELLS = ("HDEMOADSX7", "HDEMOBDSX7")


@dataclass(frozen=True)
class Person:
    """A sample, what is planted in it, and the arguments of `seqdrop upload` that drop it."""

    sample: str
    pipeline: str
    planted: list[Variant]
    upload: tuple[str, ...]
    dropped_as: str

    @property
    def assay(self) -> str:
        """Where a manifest chooses the pipeline, the assay has its name."""
        return self.pipeline


def write_reference(folder: Path, seed: int) -> Genome:
    """Makes the genome, and writes it as ``genome.fa``."""
    genome = make_genome(seed, _CONTIGS)
    (folder / "genome.fa").write_text(genome.fasta(), encoding="ascii")
    return genome


def write_people(folder: Path, genome: Genome, seed: int) -> list[Person]:
    """Makes both people and writes their FASTQ files."""
    return [
        _by_lanes(folder, genome, seed + 1),
        write_plain_pair(folder, genome, seed + 2),
    ]


def _by_lanes(folder: Path, genome: Genome, seed: int) -> Person:
    """Two lanes; their manifest says that there are no more, so that nothing waits for others."""
    sample, pipeline, flowcell = "ADA", "germline-fpga", _FLOWCELLS[0]
    planted = plant_variants(genome, seed)
    people = haplotypes(genome, planted, seed)
    lanes = []
    for number in (1, 2):
        r1, r2 = (f"{sample}_S1_L{number:03}_R{mate}_001.fastq.gz" for mate in (1, 2))
        files = folder / r1, folder / r2
        write_lane(people, files, Lane(flowcell, number), depth=DEPTH / 2, seed=seed)
        lanes.append({"lane": f"L{number:03}", "r1": r1, "r2": r2})
    name = f"{sample.lower()}.manifest.json"
    entry = {"sample": sample, "project": "demo", "pipeline": pipeline, "reference": REFERENCE}
    manifest = {"samples": [{**entry, "files": lanes}]}
    (folder / name).write_text(json.dumps(manifest, indent=2), encoding="utf-8")
    return Person(sample, pipeline, planted, ("--manifest", name), "two lanes and their manifest")


def write_plain_pair(folder: Path, genome: Genome, seed: int) -> Person:
    """Makes the one whose files are a plain pair, and writes them."""
    sample, pipeline = "BEN", "germline-cpu"
    planted = plant_variants(genome, seed)
    names = (f"{sample}_1.fastq.gz", f"{sample}_2.fastq.gz")
    write_lane(
        haplotypes(genome, planted, seed),
        (folder / names[0], folder / names[1]),
        Lane(_FLOWCELLS[1], 1),
        depth=DEPTH,
        seed=seed,
    )
    options = ("--sample", sample, "--project", "demo", "--pipeline", pipeline)
    upload = (*names, *options, "--reference", REFERENCE)
    return Person(sample, pipeline, planted, upload, "a plain pair")
