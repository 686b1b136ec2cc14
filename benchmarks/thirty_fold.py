"""A 30× sample of a 5 Mbp genome, from drop to finished VCF, against the same tools in a script."""

import gzip
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from benchmarks.measure import Measure, cores
from benchmarks.stopwatch import Stopwatch, Used
from local.demo.genome import haplotypes, make_genome, plant_variants
from local.demo.reads import Lane, write_lane
from seqdrop.domain.identity import RunId
from seqdrop.domain.plan import StageResult
from seqdrop.domain.provenance import RunRecord
from seqdrop.domain.records import Analysis, AnalysisStatus
from tests.lab import Lab, open_lab

BASES, DEPTH, ROUNDS = 5_000_000, 30.0, 2
AIM = 1.10
ASSAY, REFERENCE, FLOWCELL = "wgs-cpu", "GRCh38", "HBENCHDSX7"
SECONDS_AT_MOST = 900
ENDED = (AnalysisStatus.ANALYSED, AnalysisStatus.FAILED, AnalysisStatus.HELD)
_SCRIPT = Path(__file__).with_name("germline_cpu.sh")


@dataclass(frozen=True)
class Inputs:
    """The files of the sample and its genome."""

    folder: Path

    @property
    def genome(self) -> Path:
        """The reference's sequence."""
        return self.folder / "genome.fa"

    @property
    def mates(self) -> tuple[Path, Path]:
        """R1 and R2."""
        return self.folder / "sample_1.fastq.gz", self.folder / "sample_2.fastq.gz"


def measure() -> Iterator[Measure]:
    """The best of several rounds, script and Seqdrop in turn, on the same files."""
    with tempfile.TemporaryDirectory(prefix="seqdrop-bench-") as name:
        folder = Path(name)
        inputs = make_inputs(folder)
        with open_lab(folder / "runtime") as lab:
            path = _tool_path(lab)
            lab.add_reference(REFERENCE, inputs.genome.read_bytes())
            subprocess.run(
                ["bwa", "index", str(inputs.genome)],
                env=path,
                check=True,
                stderr=subprocess.DEVNULL,
            )
            subprocess.run(["samtools", "faidx", str(inputs.genome)], env=path, check=True)
            rounds = [_round(lab, inputs, folder, number) for number in range(ROUNDS)]
    script = min((script for script, _ in rounds), key=lambda used: used.seconds)
    ours = min((sample for _, sample in rounds), key=lambda sample: sample.used.seconds)
    against = f"the same tools in a shell script, best of {ROUNDS}"
    notes = tuple(ours.notes(script))
    yield Measure("30x sample", ours.used.seconds, "s", script.seconds, against, AIM, notes)
    against = f"processor time of {against}"
    yield Measure("30x sample, cpu", ours.used.cpu, "s", script.cpu, against, AIM)


def make_inputs(folder: Path) -> Inputs:
    """Writes a genome and the reads of a person."""
    inputs = Inputs(folder)
    genome = make_genome(1, {"chr1": BASES})
    inputs.genome.write_text(genome.fasta(), encoding="ascii")
    person = haplotypes(genome, plant_variants(genome, 1), 1)
    write_lane(person, inputs.mates, Lane(FLOWCELL, 1), depth=DEPTH, seed=1)
    return inputs


@dataclass(frozen=True)
class Sample:
    """What the catalog and the results say of one sample that went through."""

    used: Used
    upload_seconds: float
    job_seconds: dict[str, float]
    results: dict[str, StageResult]
    records: list[bytes]

    def notes(self, script: Used) -> Iterator[str]:
        """Where the seconds went."""
        jobs = sum(self.job_seconds.values())
        between = self.used.seconds - self.upload_seconds - jobs
        yield (
            f"over the script {self.used.seconds - script.seconds:+.2f} s; "
            f"upload {self.upload_seconds:.2f} s, jobs {jobs:.2f} s, all between {between:.2f} s"
        )
        for stage, result in self.results.items():
            steps = ", ".join(f"{name} {seconds:.2f}" for name, seconds in result.timings.items())
            rest = self.job_seconds[stage] - sum(result.timings.values())
            yield f"{stage}: {steps}, start and end {rest:.2f}"


def _round(lab: Lab, inputs: Inputs, folder: Path, number: int) -> tuple[Used, Sample]:
    out = folder / f"script{number}"
    out.mkdir()
    script = _run_script(lab, inputs, out)
    sample = _run_sample(lab, inputs, f"sample{number}")
    if _records((out / "variants.vcf.gz").read_bytes()) != sample.records:
        raise RuntimeError("the script and Seqdrop called other variants: this compares nothing")
    return script, sample


def _run_script(lab: Lab, inputs: Inputs, out: Path) -> Used:
    read_group = f"@RG\\tID:{FLOWCELL}.1\\tSM:sample\\tLB:sample\\tPL:ILLUMINA"
    arguments = [str(inputs.genome), *map(str, inputs.mates), read_group, str(out), str(cores())]
    watch = Stopwatch()
    with (out / "log").open("wb") as log:
        command = ["/bin/sh", str(_SCRIPT), *arguments]
        subprocess.run(command, env=_tool_path(lab), stderr=log, check=True)
    return watch.read()


def _run_sample(lab: Lab, inputs: Inputs, sample: str) -> Sample:
    s3, watch = lab.client("s3"), Stopwatch()
    for path, mate in zip(inputs.mates, (1, 2), strict=True):
        s3.upload_file(str(path), lab.uploads, f"{ASSAY}/{sample}_{mate}.fastq.gz")
    uploaded = watch.read().seconds
    analysis = _wait(lab, sample)
    used = watch.read()
    jobs = {job.stage: sum(one.seconds for one in job.attempts) for job in lab.jobs(sample, ASSAY)}
    if analysis.current_run is None:
        raise RuntimeError(lab.describe(sample))
    record = _run_record(lab, analysis.current_run)
    key = f"{record.prefixes['call']}variants.vcf.gz"
    vcf = s3.get_object(Bucket=lab.results, Key=key)["Body"].read()
    return Sample(used, uploaded, jobs, record.results, _records(vcf))


def _wait(lab: Lab, sample: str) -> Analysis:
    """Looks twice a second: more would take the tools' processor."""

    def ended() -> Analysis | None:
        time.sleep(0.5)
        analysis = lab.analysis(sample, ASSAY)
        return analysis if analysis and analysis.status in ENDED else None

    analysis: Analysis = lab.wait_until(ended, SECONDS_AT_MOST, lambda: lab.describe(sample))
    if analysis.status is not AnalysisStatus.ANALYSED:
        raise RuntimeError(lab.describe(sample))
    return analysis


def _run_record(lab: Lab, run: RunId) -> RunRecord:
    key = f"{run.folder}run.json"
    body = lab.client("s3").get_object(Bucket=lab.results, Key=key)["Body"].read()
    return msgspec.json.decode(body, type=RunRecord)


def _records(vcf: bytes) -> list[bytes]:
    return [line for line in gzip.decompress(vcf).splitlines() if not line.startswith(b"#")]


def _tool_path(lab: Lab) -> dict[str, str]:
    """The jobs' own PATH: the same tools, whether they are the machine's or the runtime's."""
    settings = lab.runtime.settings
    places = [str(Path(sys.executable).parent), str(settings.folder / "bin"), settings.tool_path]
    return {**os.environ, "PATH": os.pathsep.join(places)}
