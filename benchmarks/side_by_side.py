"""Two stages whose tools take no time, and 40 such samples at once: a script, Seqdrop and others.

The others run where `make bench` has installed them (.venv-bench, from locks/bench.txt).
"""

import gzip
import json
import logging
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.measure import Measure, cores
from benchmarks.quick import TWO_STAGES, open_quick_lab
from benchmarks.stopwatch import Stopwatch, Used
from seqdrop.domain.records import AnalysisStatus
from tests.lab import Lab, fasta, make_genome, pair

ROUNDS, CROWD_ROUNDS = 9, 3
SAMPLES = 40
AIM_ADDED_SECONDS = 0.5
AIM_SAMPLES_A_SECOND = 4.0
SECONDS_AT_MOST = 300
_HERE = Path(__file__).with_name("two_stages")
_BIN = Path(__file__).resolve().parent.parent / ".venv-bench/bin"
_AT_ONCE = 8
LOG = logging.getLogger(__name__)

Engine = Callable[[list[str]], None]
"""Takes samples' names, and returns when all of them have their variants."""


@dataclass
class Inputs:
    """One pair of files and a genome, which all samples have in common."""

    folder: Path
    reads: tuple[bytes, bytes] = field(default_factory=lambda: pair(300))

    def __post_init__(self) -> None:
        self.genome.write_bytes(fasta(make_genome(5_000)))
        for path, content in zip(self.mates, self.reads, strict=True):
            path.write_bytes(content)
            gzip.decompress(content)  # a file that no tool could read would compare nothing

    @property
    def genome(self) -> Path:
        """The reference's sequence."""
        return self.folder / "genome.fa"

    @property
    def mates(self) -> tuple[Path, Path]:
        """R1 and R2."""
        return self.folder / "R1.fastq.gz", self.folder / "R2.fastq.gz"

    def check(self, out: Path, samples: list[str]) -> None:
        """Raises RuntimeError unless each sample has a file of variants, the genome's copy."""
        found = list(out.rglob("variants.txt*"))
        if len(found) != len(samples) or {len(p.read_bytes()) for p in found} != {self._size}:
            raise RuntimeError(f"{len(found)} results of {len(samples)} samples in {out}")

    @property
    def _size(self) -> int:
        return self.genome.stat().st_size


def measure() -> Iterator[Measure]:
    """All in turn, in each round; Seqdrop's runtime is up, as its users have it."""
    with tempfile.TemporaryDirectory(prefix="seqdrop-bench-") as name:
        folder = Path(name)
        inputs = Inputs(folder)
        with open_quick_lab(folder, shortest_poll_seconds=60) as lab:
            engines = {"the script": _script(inputs), "Seqdrop": _seqdrop(lab, inputs)}
            engines |= _others(inputs)
            _run(engines, "warm", 1, 1)
            yield from _of_one(_run(engines, "one", ROUNDS, 1))
            yield from _of_many(_run(engines, "many", CROWD_ROUNDS, SAMPLES))


def _run(engines: dict[str, Engine], what: str, rounds: int, count: int) -> dict[str, Used]:
    """The median of each engine, all of them in turn in each round."""
    taken: dict[str, list[Used]] = {name: [] for name in engines}
    for number in range(rounds):
        samples = [f"{what}{number}x{each}" for each in range(count)]
        for name, engine in engines.items():
            watch = Stopwatch()
            engine(samples)
            taken[name].append(watch.read())
    return {
        name: Used(
            statistics.median(u.seconds for u in all_), statistics.median(u.cpu for u in all_)
        )
        for name, all_ in taken.items()
    }


def _of_one(used: dict[str, Used]) -> Iterator[Measure]:
    base = used.pop("the script").seconds
    added = {name: max(each.seconds - base, 0.001) for name, each in used.items()}
    ours = added.pop("Seqdrop")
    notes = (f"the script: {base:.3f} s; medians of {ROUNDS}, in turn",)
    name = "two small stages, added to the script"
    yield Measure(name, ours, "s", AIM_ADDED_SECONDS, "the aim", notes=notes)
    for other, seconds in added.items():
        yield Measure(name, ours, "s", seconds, f"what {other} adds")


def _of_many(used: dict[str, Used]) -> Iterator[Measure]:
    ours = used.pop("Seqdrop")
    aim = SAMPLES / AIM_SAMPLES_A_SECOND
    notes = (
        f"{SAMPLES / ours.seconds:.2f} samples a second; "
        f"{ours.cpu / SAMPLES:.2f} s of the processors each; medians of {CROWD_ROUNDS}, in turn",
    )
    name = f"{SAMPLES} small samples at once"
    yield Measure(name, ours.seconds, "s", aim, "the aim", notes=notes)
    for other, theirs in used.items():
        rate = (
            f"{other}: {SAMPLES / theirs.seconds:.2f} a second, {theirs.cpu / SAMPLES:.2f} s each"
        )
        yield Measure(name, ours.seconds, "s", theirs.seconds, other, notes=(rate,))


def _script(inputs: Inputs) -> Engine:
    def run(samples: list[str]) -> None:
        out = _out(inputs, "script", samples)
        command = ["sh", str(_HERE / "script.sh"), *map(str, [*inputs.mates, inputs.genome])]
        with ThreadPoolExecutor(cores()) as pool:
            list(pool.map(lambda sample: _start([*command, str(out / sample)]), samples))
        inputs.check(out, samples)

    return run


def _seqdrop(lab: Lab, inputs: Inputs) -> Engine:
    lab.client("s3")  # clients may be used by several threads, but not made by them

    def drop(sample: str) -> None:
        for mate, content in enumerate(inputs.reads, 1):
            lab.drop(f"{TWO_STAGES}/{sample}_R{mate}.fastq.gz", content)

    def run(samples: list[str]) -> None:
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(drop, samples))
        if len(samples) == 1:
            lab.wait_for(samples[0], TWO_STAGES, AnalysisStatus.ANALYSED)
        else:
            lab.wait_until(lambda: _all_analysed(lab, samples), SECONDS_AT_MOST)

    return run


def _all_analysed(lab: Lab, samples: list[str]) -> bool:
    """By the index, three times a second: to ask for each sample would be work for the runtime."""
    time.sleep(0.3)
    analysed = lab.catalog.analyses.newest(AnalysisStatus.ANALYSED, len(samples))
    return {analysis.sample for analysis in analysed} == set(samples)


def _others(inputs: Inputs) -> dict[str, Engine]:
    engines = {"cwltool": _cwltool, "snakemake": _snakemake}
    found = {name: engine(inputs) for name, engine in engines.items() if (_BIN / name).exists()}
    for name in engines.keys() - found.keys():
        LOG.error("%s is left out: it is not installed (`make bench` does that)", name)
    return found


def _cwltool(inputs: Inputs) -> Engine:
    def run(samples: list[str]) -> None:
        out = _out(inputs, "cwltool", samples)
        document = "sample.cwl" if len(samples) == 1 else "samples.cwl"
        values: dict[str, object] = {
            name: {"class": "File", "path": str(path)}
            for name, path in {
                "r1": inputs.mates[0], "r2": inputs.mates[1], "genome": inputs.genome,
                "align": _HERE / "align.sh", "call": _HERE / "call.sh",
            }.items()
        }  # fmt: skip
        (out / "inputs.json").write_text(json.dumps({**values, "names": samples}))
        options = ["--quiet", "--parallel", "--no-container", "--outdir", str(out)]
        _start([str(_BIN / "cwltool"), *options, str(_HERE / document), str(out / "inputs.json")])
        inputs.check(out, samples)

    return run


def _snakemake(inputs: Inputs) -> Engine:
    def run(samples: list[str]) -> None:
        out = _out(inputs, "snakemake", samples)
        r1, r2 = inputs.mates
        config = [f"r1={r1}", f"r2={r2}", f"genome={inputs.genome}", f"scripts={_HERE}"]
        options = ["--quiet", "all", "--cores", str(cores()), "--directory", str(out)]
        _start(
            [str(_BIN / "snakemake"), *options, "--snakefile", str(_HERE / "Snakefile"),
             "--config", *config, f"samples={json.dumps(samples)}"]
        )  # fmt: skip
        inputs.check(out, samples)

    return run


def _out(inputs: Inputs, engine: str, samples: list[str]) -> Path:
    out = inputs.folder / engine / samples[0]
    out.mkdir(parents=True)
    return out


def _start(command: list[str]) -> None:
    """Raises RuntimeError with what it said, where it fails."""
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise RuntimeError(f"{command[0]} ended with {ended.returncode}: {ended.stderr[-2000:]}")
