"""What the demo shows: its steps, the commands, and at the end what was found against planted."""

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from local.demo.compare import Score
from local.demo.people import Person
from seqdrop.sample_view import RunView

GOOD_ENOUGH = 0.99
_PIPED_WIDTH = 100


@dataclass(frozen=True)
class Outcome:
    """What came of a person: the analysis' run as `seqdrop show` has it, and the scores."""

    person: Person
    status: str
    run: RunView
    scores: list[Score]
    variants: Path
    """The VCF that was fetched."""

    @property
    def good(self) -> bool:
        """Whether the demo may end well."""
        right = all(min(s.recall, s.precision) >= GOOD_ENOUGH for s in self.scores)
        return self.status == "ANALYSED" and bool(self.scores) and right

    @property
    def simulated(self) -> bool:
        """Whether a stand-in played the part of one of its tools."""
        return self.run.simulated

    @property
    def queue(self) -> str:
        """The queue of the job that read its files, the first; a stand-in's is marked."""
        queue = self.run.stages[0].queue
        return f"{queue} (stand-in)" if self.simulated else queue


class Report:
    """Writes to a terminal, or plainly into a pipe."""

    def __init__(self) -> None:
        self.console = Console(highlight=False, soft_wrap=True, emoji=False)
        if not self.console.is_terminal:
            self.console.width = _PIPED_WIDTH

    def title(self, text: str, style: str = "bold") -> None:
        """A step of the demo."""
        self.console.print(f"\n{text}", style=style, markup=False)

    def command(self, line: str) -> None:
        """A command as the user would type it."""
        self.console.print(f"$ {line}", style="cyan", markup=False)

    def line(self, text: str, style: str = "") -> None:
        """Plain text."""
        self.console.print(text, style=style, markup=False)

    def found(self, outcomes: list[Outcome]) -> None:
        """Recall and precision, and how many genotypes are right."""
        table = Table("sample", "queue", "variants", box=None, pad_edge=False)
        for name in ("planted", "found", "recall", "precision"):
            table.add_column(name, justify="right", no_wrap=True)
        for outcome in outcomes:
            for score in outcome.scores:
                if score.kind != "all":
                    style = "yellow" if outcome.simulated else ""
                    table.add_row(*_score_row(outcome, score), style=style)
        self.console.print(table)
        totals = [score for o in outcomes for score in o.scores if score.kind == "all"]
        right, found = sum(s.right_genotypes for s in totals), sum(s.found for s in totals)
        self.line(f"Of the {found} that were found, {right} have the right genotype.")

    def simulated(self, outcomes: list[Outcome]) -> None:
        """No stand-in's result may pass for the real thing's."""
        for outcome in outcomes:
            if outcome.simulated:
                self.line(
                    f"\nSTAND-IN: {outcome.person.sample} went through the FPGA queue, but no FPGA "
                    "and no DRAGEN are here.\nA stand-in took DRAGEN's command line and ran bwa, "
                    "samtools and bcftools in its place;\nthe catalog says `simulated` of its run. "
                    "Its time and its cost say nothing of DRAGEN's.",
                    style="yellow",
                )

    def cost(self, outcomes: list[Outcome]) -> None:
        """What the machines would have cost, at the prices of pipelines/prices.yaml."""
        for outcome in outcomes:
            usd, stages = outcome.run.cost_usd, outcome.run.stages
            times = ", ".join(f"{s.stage} {s.ran_seconds or 0.0:.1f} s" for s in stages)
            style = "yellow" if outcome.simulated else ""
            name = outcome.person.sample
            self.line(f"{name}  {usd:.4f} USD: {times}", style)


def _score_row(outcome: Outcome, score: Score) -> list[str]:
    shares = [f"{share:.2%}" for share in (score.recall, score.precision)]
    counts = [str(score.planted), str(score.found)]
    return [outcome.person.sample, outcome.queue, f"{score.kind}s", *counts, *shares]
