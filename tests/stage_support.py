"""The pipelines' own steps over small samples, without the runner and without AWS."""

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from runner.commands import Filler, MatePaths, applies
from seqdrop.domain.pipeline import Calling, Stage
from seqdrop.domain.plan import ReadPair, StoredObject
from seqdrop.library import Library
from tests.tools_support import ROOT, SHARED_DATA, pipe, shims, tool


@dataclass(frozen=True)
class Sample:
    """A reference folder as a stage gets it, and the lanes of one sample."""

    ref: Path
    lanes: Mapping[str, tuple[Path, ...]]
    """R1 and R2 of each; of single reads, R1 alone."""

    @property
    def fasta(self) -> Path:
        return self.ref / "genome.fa"


def read_group(lane: str) -> str:
    return f"@RG\\tID:{lane}\\tPU:{lane}\\tLB:lib\\tSM:S1\\tPL:ILLUMINA"


def stage_of(pipeline: str, stage: str) -> Stage:
    library = Library(str(ROOT / "pipelines"))
    if pipeline == "references":
        return library.reference_indexes().stages[stage]
    return library.pipeline(pipeline).stages[stage]


DEFAULTS: dict[str, bool | str] = {
    **Calling().variables,
    "assay": "test",
    "reporting_depth": "20",
    "call_bcftools": True,
    "paired_reads": True,
    "alignment": "bam",
    "alignment_bam": True,
}


def run_stage(
    stage: Stage,
    sample: Sample,
    folder: Path,
    variables: dict[str, bool | str],
    path: Path | None,
    *,
    threads: int = 2,
) -> None:
    """Run a stage's steps as the runner does, in a folder with ref, in, tmp and out."""
    nothing = StoredObject("", "", 0)
    for name in ("tmp", "out"):
        (folder / name).mkdir(exist_ok=True)
    ref = folder / "ref"
    if not ref.exists():
        ref.symlink_to(sample.ref)
    pairs = {}
    for lane, mates in sample.lanes.items():
        local = [folder / "tmp" / f"{lane}_R{n}.fastq.gz" for n, _ in enumerate(mates, 1)]
        for there, here in zip(mates, local, strict=True):
            here.unlink(missing_ok=True)
            here.symlink_to(there)
        pair = ReadPair(lane, read_group(lane), nothing, nothing if len(local) > 1 else None)
        pairs[lane] = pair, MatePaths(local[0], local[-1])
    texts = {name: name for name in ("tmp", "out", "in", "ref")}
    texts |= {"threads": str(threads), "sample": "S1", "pipeline": "p", "reference": "r/1"}
    texts |= {"run_key": "k", "stage_key": "s", "version": "0", "simulated": "false"}
    filler = Filler(folder, texts, DEFAULTS | variables, pairs)
    for step in stage.steps:
        for plan in filler.pipes(step):
            said = pipe(*plan.commands, path=path, folder=folder)
            if plan.stdout:
                plan.stdout.parent.mkdir(exist_ok=True)
                plan.stdout.write_bytes(said)
    for output in stage.outputs:
        if applies(output.when, DEFAULTS | variables):
            assert filler.path(output.source or f"{{out}}/{output.name}").exists()


def indexed(folder: Path, fasta: bytes, lanes: Mapping[str, tuple[Path, ...]]) -> Sample:
    """A sample whose reference was made ready by the stand-ins, as `references.yaml` says."""
    raw = Sample(folder / "raw", {})
    raw.ref.mkdir(parents=True)
    raw.fasta.write_bytes(fasta)
    path = shims(folder / "bin")
    for index in ("sequence", "bwa"):
        run_stage(stage_of("references", index), raw, folder, {}, path)
    out = folder / "out"
    for file in raw.ref.iterdir():  # the sequence, and what faidx left beside it
        shutil.copy(file, out)
    return Sample(out, lanes)


def measles_sample(folder: Path) -> Sample:
    """Real pairs of a measles virus."""
    data = SHARED_DATA / "measles"
    one, two = sorted(data.glob("*.fastq.gz"))
    return indexed(folder, (data / "measles.fa").read_bytes(), {"FC.5": (one, two)})


def human_sample(folder: Path) -> Sample:
    """Pairs of NA12878, made back into FASTQ from the BAM."""
    data = SHARED_DATA / "na12878-chr22"
    mates = folder / "1.fastq.gz", folder / "2.fastq.gz"
    pipe(
        tool("samtools", "collate", "-u", "-O", data / "NA12878.chr22.tiny.bam"),
        tool("samtools", "fastq", "-n", "-1", mates[0], "-2", mates[1], "-s", "/dev/null", "-"),
    )
    return indexed(folder, (data / "q.fa").read_bytes(), {"FC.1": mates})


def align(
    sample: Sample,
    folder: Path,
    path: Path | None,
    variables: dict[str, bool | str],
    *,
    threads: int = 2,
) -> None:
    """The stage `align` of germline-cpu; what comes out is in `in`, as `call` wants it."""
    stage = stage_of("germline-cpu", "align")
    run_stage(stage, sample, folder, variables, path, threads=threads)
    (folder / "out").rename(folder / "in")
    shutil.rmtree(folder / "tmp")


_LOADED = re.compile(
    r"""<(?:script|img|iframe|source|link)\b[^>]*?\b(?:src|href)\s*=\s*["']?(?:https?:)?//"""
    r"""|url\(\s*["']?(?:https?:)?//|@import\s"""
)
"""What makes a browser ask another host when the page opens; links to click on do not."""


def loaded_from_elsewhere(page: str) -> list[str]:
    """What a page of HTML would ask other hosts for."""
    assert _LOADED.search('<script defer src="https://cdn.example/x.js">')
    assert _LOADED.search("<link rel=stylesheet href='//fonts.example/a.css'>")
    # Scripts hold texts of elements that they never make here: only the page's own count.
    return _LOADED.findall(re.sub(r"(<script\b[^>]*>).*?</script>", r"\1", page, flags=re.DOTALL))
