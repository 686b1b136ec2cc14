"""The demo: an AWS endpoint on this machine, a made genome, two people, from FASTQ to variants."""

import argparse
import logging
import signal
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

from local.demo.compare import compare, read_vcf
from local.demo.desk import CommandFailed, Desk
from local.demo.genome import Genome
from local.demo.people import REFERENCE, VERSION, Person, write_people, write_reference
from local.demo.report import Outcome, Report
from local.runtime import Runtime, RuntimeSettings

WAIT_SECONDS = 300
_VARIANTS = "variants.vcf.gz"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the demo; 0 only where both samples were analysed and their variants are right."""
    parser = argparse.ArgumentParser(prog="python -m local.demo", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="another seed, another genome")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep all files in this folder")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.ERROR)
    report = Report()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    try:
        with ExitStack() as stack:
            folder = _work_folder(options.keep, stack)
            return Demo(report, folder, options.seed).run(stack)
    except CommandFailed as error:
        report.line(f"The demo stops here: {error}.")
        return 1
    except KeyboardInterrupt:
        report.line("Stopped; nothing is left running.")
        return 130


def _leave(number: int, _frame: FrameType | None) -> None:
    """Ends as Ctrl-C does: what was started is ended on the way out."""
    sys.exit(128 + number)


def _work_folder(keep: Path | None, stack: ExitStack) -> Path:
    if keep is None:
        return Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="seqdrop-demo-")))
    keep.mkdir(parents=True, exist_ok=True)
    return keep.resolve()


class Demo:
    """One demo in a folder."""

    def __init__(self, report: Report, folder: Path, seed: int) -> None:
        self._report, self._seed, self._folder = report, seed, folder
        self._files = folder / "files"
        self._files.mkdir(exist_ok=True)

    def run(self, stack: ExitStack) -> int:
        """All of it. Raises CommandFailed where a command does not end well."""
        begun = time.monotonic()
        runtime, desk = self._start(stack)
        genome = write_reference(self._files, self._seed)
        people = write_people(self._files, genome, self._seed)
        self._introduce(genome, people)
        self._report.title("The reference, and its indexes for bwa and DRAGEN")
        desk.run("reference", "add", REFERENCE, VERSION, "genome.fa")
        self._report.title("Files are dropped, and analyses start by themselves")
        dropped = datetime.now(UTC)
        for person in people:
            desk.run("upload", *person.upload)
        desk.run("wait", *(person.sample for person in people), "--timeout", str(WAIT_SECONDS))
        self._report.title("Results")
        outcomes = [self._outcome(desk, genome, person) for person in people]
        self._conclude(outcomes, dropped, runtime)
        return self._judge(outcomes, time.monotonic() - begun)

    def _start(self, stack: ExitStack) -> tuple[Runtime, Desk]:
        self._report.title("An AWS endpoint on this machine, with template.yaml deployed into it")
        begun = time.monotonic()
        runtime = stack.enter_context(Runtime(RuntimeSettings(self._folder / "runtime")))
        self._report.line(f"ready in {time.monotonic() - begun:.1f} s")
        self._report.command(f"export AWS_ENDPOINT_URL={runtime.url}")
        return runtime, Desk(self._files, runtime.url, self._report.command)

    def _introduce(self, genome: Genome, people: list[Person]) -> None:
        self._report.title("A made genome, and two people with known variants in it")
        self._report.line(f"{len(genome.contigs)} contigs, {genome.bases:,} bases")
        for person in people:
            self._report.line(
                f"{person.sample}: {len(person.planted)} variants planted; 2 × 150 bases at 30×, "
                f"for {person.pipeline}, as {person.dropped_as}"
            )

    def _outcome(self, desk: Desk, genome: Genome, person: Person) -> Outcome:
        desk.run("results", person.sample, "--download", "results")
        shown = desk.ask("show", person.sample)
        analysis = next(a for a in shown["analyses"] if a["assay"] == person.assay)
        current = analysis["current_run"]
        run = next(run for run in analysis["runs"] if _run_id(run) == current)
        name = f"{person.sample}.{person.assay}.{run['run_key']}.{_VARIANTS}"
        called = read_vcf(self._files / "results" / name, genome)
        listed = desk.ask("results", person.sample)["files"]
        uri = next(str(file["uri"]) for file in listed if file["name"] == _VARIANTS)
        return Outcome(person, analysis["status"], run, compare(person.planted, called), uri)

    def _conclude(self, outcomes: list[Outcome], dropped: datetime, runtime: Runtime) -> None:
        report = self._report
        report.title("What was found against what was planted")
        report.found(outcomes)
        report.simulated(outcomes)
        report.title("Timeline, from the first file on")
        report.timeline(outcomes, dropped)
        report.title("What it would cost")
        report.cost(outcomes)
        report.title("Where it is (in the cloud: the same, in your stack's buckets)")
        report.places(outcomes, runtime.outputs)

    def _judge(self, outcomes: list[Outcome], seconds: float) -> int:
        bad = [outcome.person.sample for outcome in outcomes if not outcome.good]
        if bad:
            self._report.title(f"Not as planted: {', '.join(bad)}")
            return 1
        self._report.title(f"As planted, in {seconds:.0f} s.")
        return 0


def _run_id(run: Mapping[str, Any]) -> str:
    return f"{run['run_key']}#{run['attempt']}"


if __name__ == "__main__":
    sys.exit(main())
