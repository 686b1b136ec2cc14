"""The demo: an AWS endpoint on this machine, a made genome, two people, from FASTQ to variants."""

import argparse
import logging
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from local.demo.compare import compare, read_vcf
from local.demo.desk import CommandFailed, Desk
from local.demo.genome import Genome
from local.demo.people import REFERENCE, VERSION, Person, write_people, write_reference
from local.demo.report import Outcome, Report
from local.runtime import Runtime, RuntimeSettings

WAIT_SECONDS = 300
KEPT = Path("build/demo")
_RESULTS, _VARIANTS = "results", "variants.vcf.gz"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the demo; 0 only where both samples were analysed and their variants are right."""
    parser = argparse.ArgumentParser(prog="python -m local.demo", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="another seed, another genome")
    parser.add_argument(
        "--keep", type=Path, default=KEPT, metavar="DIR", help=f"for files and results ({KEPT})"
    )
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.ERROR)
    report = Report()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    try:
        return Demo(report, options.keep, options.seed).run()
    except CommandFailed as error:
        report.line(f"The demo stops here: {error}.")
        return 1
    except KeyboardInterrupt:
        report.line("Stopped; nothing is left running.")
        return 130


def _leave(number: int, _frame: FrameType | None) -> None:
    """Ends as Ctrl-C does: what was started is ended on the way out."""
    sys.exit(128 + number)


class Demo:
    """One demo, whose files stay in a folder."""

    def __init__(self, report: Report, folder: Path, seed: int) -> None:
        self._report, self._seed, self._shown_as = report, seed, folder
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder.resolve()

    def run(self) -> int:
        """All of it. Raises CommandFailed where a command does not end well."""
        begun = time.monotonic()
        self._report.title("An AWS endpoint on this machine, with template.yaml deployed into it")
        with (
            tempfile.TemporaryDirectory(prefix="seqdrop-demo-") as scratch,
            Runtime(RuntimeSettings(Path(scratch))) as runtime,
        ):
            self._report.line(f"ready in {time.monotonic() - begun:.1f} s")
            self._report.command(f"export AWS_ENDPOINT_URL={runtime.url}")
            outcomes = self._analyse(Desk(self._folder, runtime.url, self._report.command))
        self._conclude(outcomes)
        return self._judge(outcomes, time.monotonic() - begun)

    def _analyse(self, desk: Desk) -> list[Outcome]:
        """What a lab would do, command by command."""
        genome = write_reference(self._folder, self._seed)
        people = write_people(self._folder, genome, self._seed)
        self._introduce(genome, people)
        self._report.title("The reference, and its indexes for bwa and DRAGEN")
        desk.run("reference", "add", REFERENCE, VERSION, "genome.fa")
        self._report.title("Files are dropped, and analyses start by themselves")
        for person in people:
            desk.run("upload", *person.upload)
        desk.run("wait", *(person.sample for person in people), "--timeout", str(WAIT_SECONDS))
        self._report.title("What was made of them")
        for person in people:
            desk.run("show", person.sample)
        return [self._outcome(desk, genome, person) for person in people]

    def _introduce(self, genome: Genome, people: list[Person]) -> None:
        self._report.title("A made genome, and two people with known variants in it")
        self._report.line(f"{len(genome.contigs)} contigs, {genome.bases:,} bases")
        for person in people:
            self._report.line(
                f"{person.sample}: {len(person.planted)} variants planted, reads of 2 × 150 bases "
                f"at 30×\n     for {person.pipeline}, dropped as {person.dropped_as}"
            )

    def _outcome(self, desk: Desk, genome: Genome, person: Person) -> Outcome:
        fetched = desk.fetch(person.sample, _RESULTS)
        name = next(file.path for file in fetched if file.name == _VARIANTS)
        self._report.line(f"{len(fetched)} files, their checksums right")
        shown = desk.look_at(person.sample)
        analysis = next(a for a in shown.analyses if a.assay == person.assay)
        run = next(run for run in analysis.runs if run.id == analysis.current_run)
        scores = compare(person.planted, read_vcf(self._folder / name, genome))
        return Outcome(person, analysis.status, run, scores, self._shown_as / name)

    def _conclude(self, outcomes: list[Outcome]) -> None:
        report = self._report
        report.title("What was found against what was planted")
        report.found(outcomes)
        report.simulated(outcomes)
        report.title("What it would cost (pipelines/prices.yaml)")
        report.cost(outcomes)
        report.title("What is kept; the endpoint and all that was in it are gone")
        report.line(f"{self._shown_as / 'genome.fa'}, the FASTQ files, and all results, with")
        for outcome in outcomes:
            report.line(str(outcome.variants))

    def _judge(self, outcomes: list[Outcome], seconds: float) -> int:
        bad = [outcome.person.sample for outcome in outcomes if not outcome.good]
        if bad:
            self._report.title(f"Not as planted: {', '.join(bad)}", style="bold red")
            return 1
        self._report.title(f"All as planted, in {seconds:.0f} s.", style="bold green")
        self._report.line("Next, with files of your own: seqdrop local up")
        return 0


if __name__ == "__main__":
    sys.exit(main())
