"""`seqdrop equivalence`: whether a lab may move to another pipeline, assay, image, DRAGEN or FPGA.

It finds or makes the runs of both sides, and compares what they were made of, what they say, how
long they took and what they cost.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from cli.faults import CommandFailed
from cli.options import Json
from cli.screen import emit, say, warn

if TYPE_CHECKING:
    from cli.equivalence_sides import Pair, SampleRuns, Sides, ToStart
    from cli.stack import Stack
    from seqdrop.domain.equivalence.report import (
        Asked,
        Change,
        Equivalence,
        Missing,
        SamplePair,
    )
    from seqdrop.library import Library

REPORT_FILE, PAGE_FILE = "equivalence.json", "equivalence.html"


def _side(what: str) -> typer.models.OptionInfo:
    found: typer.models.OptionInfo = typer.Option(metavar="NAME", help=what)
    return found


def equivalence(
    sample: Annotated[list[str], typer.Argument(metavar="SAMPLE", help="Sample ids.")],
    *,
    pipeline_a: Annotated[str, _side("Side A: a pipeline.")] = "",
    pipeline_b: Annotated[str, _side("Side B: another one.")] = "",
    assay_a: Annotated[str, _side("Or side A: an assay.")] = "",
    assay_b: Annotated[str, _side("Side B: another one.")] = "",
    image_a: Annotated[
        str, _side("Or side A: an image, by its name, its digest or the beginning of one.")
    ] = "",
    image_b: Annotated[str, _side("Side B: another one.")] = "",
    dragen_a: Annotated[
        str, _side("Or side A: a DRAGEN version, or the beginning of one, such as 4.4.")
    ] = "",
    dragen_b: Annotated[str, _side("Side B: another one.")] = "",
    ami_a: Annotated[
        str,
        _side("Or side A: the AMI of FPGA hosts, by which generations of FPGAs are told apart."),
    ] = "",
    ami_b: Annotated[str, _side("Side B: another one.")] = "",
    assay: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="One assay, where a sample has several: whose files are taken."
        ),
    ] = "",
    reference: Annotated[
        str, typer.Option(metavar="NAME/VERSION", help="Only runs with this version.")
    ] = "",
    no_run: Annotated[
        bool, typer.Option("--no-run", help="Compare what is there, and start nothing.")
    ] = False,
    timeout: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", min=0, help="Give up waiting after so long."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", file_okay=False,
            help="Write the page, its JSON, and each sample's comparison there.",
        ),
    ] = None,
    exit_code: Annotated[
        bool,
        typer.Option("--exit-code", help="End with 1 if it is neither identical nor equivalent."),
    ] = False,
    json: Json = False,
) -> None:  # fmt: skip
    """Compares two pipelines, assays, images, DRAGEN versions or FPGA generations on samples.

    A pipeline or an assay that a sample has no run of is run on copies of its files; all else is a
    deployment's, so there must be runs of both. Ends with 1 where a sample lacks a side.
    """
    from seqdrop.domain.equivalence.report import Change

    asked = asked_for(
        {
            Change.PIPELINE: (pipeline_a, pipeline_b),
            Change.ASSAY: (assay_a, assay_b),
            Change.IMAGE: (image_a, image_b),
            Change.DRAGEN: (dragen_a, dragen_b),
            Change.AMI: (ami_a, ami_b),
        }
    )
    if reference and len(reference.split("/")) != 2:
        raise typer.BadParameter(f"{reference!r} is not NAME/VERSION", param_hint="--reference")
    from cli.equivalence_sides import SampleRuns
    from cli.equivalence_view import say_equivalence
    from cli.stack import find_stack
    from seqdrop.domain.equivalence.judging import judge

    stack = find_stack()

    def look(name: str) -> "SampleRuns":
        return SampleRuns(stack, name, asked, assay, reference)

    looked = {name: look(name) for name in dict.fromkeys(sample)}
    sides = {name: runs.sides() for name, runs in looked.items()}
    why_not: dict[str, str] = {}
    if not no_run and any(map(_to_start, sides.values())):
        why_not = _start(stack, asked, looked, sides, timeout, quiet=json)
        looked |= {name: look(name) for name, some in sides.items() if _to_start(some)}
        sides = {name: runs.sides() for name, runs in looked.items()}
    missing = list(_missing(stack, sides, why_not, no_run=no_run))
    pairs = _compared(stack, looked, sides, out, missing, quiet=json)
    if not pairs:
        raise CommandFailed("; ".join(f"{one.sample}: {one.why}" for one in missing))
    made = f"{stack.now():%Y-%m-%d %H:%M} UTC"
    report = judge(asked, pairs, missing, made=made, by=stack.who())
    if out:
        _write(report, out)
    if json:
        emit(report)
    else:
        say_equivalence(report, out / PAGE_FILE if out else None)
    if missing or (exit_code and not report.verdict.is_good):
        raise typer.Exit(1)


def asked_for(given: "dict[Change, tuple[str, str]]") -> "Asked":
    """The one kind of sides that was given, with both. Raises BadParameter for any other usage."""
    from seqdrop.domain.equivalence.report import Asked

    named = {change: sides for change, sides in given.items() if any(sides)}
    if len(named) != 1:
        kinds = ", ".join(f"--{change}-a and --{change}-b" for change in given)
        raise typer.BadParameter(f"give the two sides by one pair of options: {kinds}")
    ((change, (a, b)),) = named.items()
    for side, value in (("a", a), ("b", b)):
        if not value:
            raise typer.BadParameter(f"--{change}-{side} is missing: name both sides")
    if a == b:
        raise typer.BadParameter(
            f"both sides are {a!r}: `seqdrop rerun SAMPLE --fresh` and `seqdrop compare` tell "
            "whether the same gives the same again"
        )
    return Asked(change, a, b)


# ── Sides that are started


def _to_start(sides: "Sequence[Sides]") -> "list[ToStart]":
    from cli.equivalence_sides import ToStart

    return [one for one in sides if isinstance(one, ToStart)]


def _start(
    stack: "Stack",
    asked: "Asked",
    looked: "dict[str, SampleRuns]",
    sides: "dict[str, list[Sides]]",
    timeout: float | None,
    *,
    quiet: bool,
) -> dict[str, str]:
    """Starts what can be, and waits for it; of the samples where it can't, why.

    Raises what the library raises for a pipeline or an assay that the deployment does not have.
    """
    from cli.deployed_library import deployed_library
    from cli.equivalence_start import Start, make_start, start_all, wait_for
    from seqdrop.domain.errors import SeqdropError

    starts: list[Start] = []
    why_not: dict[str, str] = {}
    with deployed_library(stack) as known:
        _check_names(known.library, asked)
        for name, some in sides.items():
            try:
                starts += [
                    make_start(looked[name], known.library, wanted, one.basis)
                    for one in _to_start(some)
                    for wanted in one.wanted
                ]
            except SeqdropError as error:
                why_not[name] = str(error)
    tell: Callable[[str], None] = (lambda _: None) if quiet else say
    for start in starts:
        tell(str(start))
    start_all(stack, starts, quiet=quiet)
    try:
        wait_for(stack, starts, timeout, tell)
    except KeyboardInterrupt:
        warn("what was started goes on; the same command, given again, takes it up")
        raise
    return why_not


def _check_names(library: "Library", asked: "Asked") -> None:
    from seqdrop.domain.equivalence.report import Change

    for _, wanted in asked.sides:
        if asked.change is Change.ASSAY:
            library.assay_named(wanted)
        else:
            library.pipeline(wanted)


def _missing(
    stack: "Stack", sides: "dict[str, list[Sides]]", why_not: dict[str, str], *, no_run: bool
) -> "Iterator[Missing]":
    """The samples that lack a side, and why."""
    from cli.equivalence_sides import ToStart
    from seqdrop.domain.equivalence.report import Missing

    for name, some in sides.items():
        for one in some:
            if isinstance(one, Missing):
                yield one
            elif isinstance(one, ToStart):
                assay = one.basis.run.assay
                wanted = " and ".join(one.wanted)
                why = why_not.get(name) or _why_no_run(stack, one)
                if no_run:
                    why = (
                        f"{wanted} has no run on the same files and {one.basis.run.reference}: "
                        "without --no-run it is started"
                    )
                yield Missing(name, assay, why)


def _why_no_run(stack: "Stack", lacking: "ToStart") -> str:
    """What became of the analyses that were started."""
    from seqdrop.domain.identity import AnalysisId
    from seqdrop.sample_view import why_of

    told = []
    for wanted in lacking.wanted:
        id_ = AnalysisId(lacking.sample, wanted)
        found = stack.catalog.analyses.get(id_)
        status = f"{found.status} {why_of(found)}".strip() if found else "not there"
        told.append(
            f"{id_} has no good run on the same files and reference: it is {status} (`seqdrop why "
            f"{lacking.sample} --assay {wanted}`)"
        )
    return "; ".join(told)


# ── The comparison


def _compared(
    stack: "Stack",
    looked: "dict[str, SampleRuns]",
    sides: "dict[str, list[Sides]]",
    out: Path | None,
    missing: "list[Missing]",
    *,
    quiet: bool,
) -> "list[SamplePair]":
    """All that have both sides; one that can't be compared, its results being gone, is missing."""
    from cli.equivalence_sides import Pair
    from seqdrop.domain.equivalence.report import Missing
    from seqdrop.domain.errors import SeqdropError

    pairs = []
    both = [(name, one) for name, some in sides.items() for one in some if isinstance(one, Pair)]
    with TemporaryDirectory(prefix="seqdrop-references-") as kept:
        for name, one in both:
            a, b = one.a.run, one.b.run
            if not quiet:
                say(f"{name}: {a.id.short} ({a.assay}) and {b.id.short} ({b.assay}) are compared")
            try:
                pairs.append(_compare(stack, looked[name], one, out, Path(kept)))
            except SeqdropError as error:
                missing.append(Missing(name, a.assay, str(error)))
    return pairs


def _compare(
    stack: "Stack", runs: "SampleRuns", pair: "Pair", out: Path | None, kept: Path
) -> "SamplePair":
    """What two runs were made of, and, if that is the same, what they say."""
    from cli.run_comparison import compare_two_runs
    from runner.tools.comparison import TABLE_FILE
    from runner.tools.comparison_of_runs import write_report
    from seqdrop.domain.equivalence.checks import differences
    from seqdrop.domain.equivalence.figures import efforts, wall_seconds
    from seqdrop.domain.equivalence.judging import forbidding, judge_pair
    from seqdrop.domain.equivalence.sides import side_of

    a, b = pair
    found = differences(a.record, b.record, runs.is_same)
    sides = (
        side_of(a.record, wall_seconds(a.run)),
        side_of(b.record, wall_seconds(b.run)),
    )
    took = efforts(a.run, b.run, runs.items.jobs)
    if forbidding(found):
        return judge_pair(runs.sample, sides, found, None, efforts=took)
    folder = out / f"{runs.sample}.{a.run.assay}" if out else None
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
    report = compare_two_runs(stack, a.run, b.run, folder / TABLE_FILE if folder else None, kept)
    if folder:
        write_report(report, folder)
    name = folder.name if folder else ""
    return judge_pair(runs.sample, sides, found, report, efforts=took, comparison=name)


# ── What is told


def _write(report: "Equivalence", out: Path) -> None:
    from seqdrop.domain.equivalence.page import page

    out.mkdir(parents=True, exist_ok=True)
    text = msgspec.json.format(msgspec.json.encode(report), indent=1)
    (out / REPORT_FILE).write_bytes(text + b"\n")
    (out / PAGE_FILE).write_text(page(report), "utf-8")
