"""What the demo shows at its end: found against planted, the timeline, the cost, the places."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.table import Table

from local.demo.compare import Score
from local.demo.people import Person

GOOD_ENOUGH = 0.99
_NOT_STARTED = "–"


@dataclass(frozen=True)
class Outcome:
    """What came of a person: the analysis as `seqdrop show` has it, and the scores."""

    person: Person
    status: str
    run: Mapping[str, Any]
    scores: list[Score]
    variants_uri: str

    @property
    def good(self) -> bool:
        """Whether the demo may end well."""
        right = all(min(s.recall, s.precision) >= GOOD_ENOUGH for s in self.scores)
        return self.status == "ANALYSED" and bool(self.scores) and right


class Report:
    """Writes to a terminal, or plainly into a pipe."""

    def __init__(self) -> None:
        self.console = Console(highlight=False, soft_wrap=True)
        if not self.console.is_terminal:
            self.console.width = 100

    def title(self, text: str) -> None:
        """A step of the demo."""
        self.console.print(f"\n[bold]{text}[/]")

    def command(self, line: str) -> None:
        """A command as the user would type it."""
        self.console.print(f"$ {line}", style="cyan", markup=False)

    def line(self, text: str) -> None:
        """Plain text."""
        self.console.print(text, markup=False)

    def found(self, outcomes: list[Outcome]) -> None:
        """Recall and precision."""
        numbers = ("planted", "found", "called", "recall", "precision", "genotypes right")
        table = _table(("sample", "pipeline", "variants"), numbers)
        for outcome in outcomes:
            for score in outcome.scores:
                if score.kind != "all":
                    table.add_row(*_score_row(outcome.person, score))
        self.console.print(table)

    def timeline(self, outcomes: list[Outcome], dropped: datetime) -> None:
        """Each stage, in seconds after the first file was dropped."""
        table = Table(
            "sample", "stage", "queue", "status", box=None, pad_edge=False, padding=(0, 2)
        )
        for name in ("queued at", "started at", "took"):
            table.add_column(name, justify="right")
        for outcome in outcomes:
            for stage in outcome.run["stages"]:
                table.add_row(outcome.person.sample, *_stage_row(stage, dropped))
        self.console.print(table)

    def cost(self, outcomes: list[Outcome]) -> None:
        """What the machines would have cost."""
        for outcome in outcomes:
            usd = outcome.run["cost_usd"] or 0.0
            note = " (simulated: see above)" if outcome.run["simulated"] else ""
            self.line(f"{outcome.person.sample}  {usd:.6f} USD of {outcome.person.pipeline}{note}")
        self.line("Prices are those of pipelines/prices.yaml, for the seconds that jobs ran here.")

    def simulated(self, outcomes: list[Outcome]) -> None:
        """No stand-in's result may pass for the real thing's."""
        for outcome in outcomes:
            if outcome.run["simulated"]:
                self.console.print(
                    f"SIMULATED: {outcome.person.sample} ran on the FPGA queue, but there is no "
                    "FPGA here. A stand-in took DRAGEN's command line and ran bwa, samtools and "
                    "bcftools in its place; its catalog entry says simulated: true.",
                    style="yellow",
                )

    def places(self, outcomes: list[Outcome], outputs: Mapping[str, str]) -> None:
        """Where things are; in the cloud they have the same names, with that stack's buckets."""
        self.line(f"uploads    s3://{outputs['UploadsBucket']}/")
        for outcome in outcomes:
            self.line(f"results    {outcome.variants_uri}")
        self.line(f"catalog    DynamoDB table {outputs['CatalogTable']}")
        self.line(f"runs       {outputs['AnalyseSampleStateMachine']}")


def _table(words: tuple[str, ...], numbers: tuple[str, ...]) -> Table:
    table = Table(*words, box=None, pad_edge=False, padding=(0, 2))
    for name in numbers:
        table.add_column(name, justify="right")
    return table


def _score_row(person: Person, score: Score) -> list[str]:
    counts = (score.planted, score.found, score.called)
    shares = (score.recall, score.precision, score.right_genotypes / max(1, score.found))
    shown = [f"{share:.2%}" for share in shares]
    return [person.sample, person.pipeline, f"{score.kind}s", *map(str, counts), *shown]


def _stage_row(stage: Mapping[str, Any], dropped: datetime) -> list[str]:
    submitted, started, ended = (_moment(stage[n]) for n in ("submitted", "started", "ended"))
    took = f"{(ended - started).total_seconds():.1f} s" if started and ended else _NOT_STARTED
    queued_at, started_at = _after(submitted, dropped), _after(started, dropped)
    return [stage["stage"], stage["queue"] or "", stage["status"], queued_at, started_at, took]


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _after(moment: datetime | None, dropped: datetime) -> str:
    return f"{(moment - dropped).total_seconds():.1f} s" if moment else _NOT_STARTED
