"""`seqdrop compare`: whether two runs of a sample, or two VCF files, say the same."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.faults import CommandFailed
from cli.options import Assay, Json
from cli.screen import emit, say, show_table, warn

if TYPE_CHECKING:
    from cli.stack import Stack
    from runner.tools.comparison import SideFiles
    from seqdrop.domain.comparison.report import Report, Row
    from seqdrop.domain.records import Analysis, Run

_SHOWN_ROWS = 20
_GOOD = {"identical", "equivalent"}


def _file(what: str) -> typer.models.OptionInfo:
    found: typer.models.OptionInfo = typer.Option(
        metavar="FILE", exists=True, dir_okay=False, help=f"Of files: {what}."
    )
    return found


def compare(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="SAMPLE RUN_A RUN_B | A.vcf.gz B.vcf.gz",
            help="A sample and two of its runs, or two VCF files.",
        ),
    ],
    *,
    assay: Assay = "",
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", file_okay=False,
            help="Write comparison.json, comparison.tsv and comparison.html there.",
        ),
    ] = None,
    reference: Annotated[Path | None, _file("FASTA of the sequence of both, or of A")] = None,
    reference_b: Annotated[Path | None, _file("FASTA of B's sequence, if another")] = None,
    chain: Annotated[Path | None, _file("chain file from A's sequence to B's")] = None,
    gvcf_a: Annotated[Path | None, _file("A's gVCF, with its index")] = None,
    gvcf_b: Annotated[Path | None, _file("B's gVCF, with its index")] = None,
    targets_a: Annotated[Path | None, _file("BED of what A looked at")] = None,
    targets_b: Annotated[Path | None, _file("BED of what B looked at")] = None,
    sample_a: Annotated[str, typer.Option(metavar="NAME", help="Of files: A's column.")] = "",
    sample_b: Annotated[str, typer.Option(metavar="NAME", help="Of files: B's column.")] = "",
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="End with 1 if they do not say the same.")
    ] = False,
    json: Json = False,
) -> None:  # fmt: skip
    """Compares the calls of two runs, or of two VCF files of one person.

    The same variants written differently are the same. The verdict is identical, equivalent,
    different, or unresolved where something could not be compared.
    """
    if len(names) == 2:
        from runner.tools.comparison import SideFiles

        report = _compare_files(
            names,
            SideFiles(sample_a, Path(names[0]).name, reference, gvcf_a, targets_a),
            SideFiles(sample_b, Path(names[1]).name, reference_b, gvcf_b, targets_b),
            chain,
            out,
        )
    elif len(names) == 3:
        report = _compare_runs(names[0], assay, names[1], names[2], out)
    else:
        raise typer.BadParameter("give SAMPLE RUN_A RUN_B, or two VCF files")
    if out:
        from runner.tools.comparison_of_runs import write_report

        write_report(report, out)
    if json:
        emit(report)
    else:
        say_report(report, out)
    if exit_code and report.verdict not in _GOOD:
        raise typer.Exit(1)


def _compare_files(
    names: list[str], a: "SideFiles", b: "SideFiles", chain: Path | None, out: Path | None
) -> "Report":
    from runner.tools.comparison import TABLE_FILE, compare_files

    paths = [Path(name) for name in names]
    for path in paths:
        if not path.is_file():
            raise CommandFailed(f"there is no file {str(path)!r}")
    if out:
        out.mkdir(parents=True, exist_ok=True)
    table = out / TABLE_FILE if out else None
    return compare_files(paths[0], paths[1], a, b, chain=chain, table=table)


def _compare_runs(sample: str, assay: str, a: str, b: str, out: Path | None) -> "Report":
    from cli.run_comparison import compare_two_runs
    from cli.stack import find_stack
    from runner.tools.comparison import TABLE_FILE

    stack = find_stack()
    analysis = stack.analysis(sample, assay)
    before, now = (_run(stack, analysis, name) for name in (a, b))
    if out:
        out.mkdir(parents=True, exist_ok=True)
    return compare_two_runs(stack, before, now, out / TABLE_FILE if out else None)


def _run(stack: "Stack", analysis: "Analysis", name: str) -> "Run":
    from cli.results import find_run

    wanted = find_run(stack, analysis, name)
    found = stack.catalog.runs.get(wanted)
    if found is None:
        raise CommandFailed(f"{wanted} is gone")
    return found


def say_report(report: "Report", out: Path | None = None) -> None:
    """A report in words."""
    say(f"{report.verdict}: {report.why}")
    for warning in report.warnings:
        warn(f"WARN {warning}")
    rows = [
        (
            tally.kind.value, f"{tally.same:,}", f"{tally.rewritten:,}",
            ", ".join(f"{name} {count:,}" for name, count in tally.changes.items()) or "-",
        )
        for tally in report.tallies
        if tally.region == "all"
    ]  # fmt: skip
    if rows:
        show_table(("class", "the same", "written otherwise", "changed"), rows)
    if report.rows:
        columns = ("variant", "change", "A", "B", "reportable", "why")
        show_table(columns, [_row(row) for row in report.rows[:_SHOWN_ROWS]])
    if report.rows_total > _SHOWN_ROWS:
        where = "the page has them" if out else "--out DIR writes all, and a page"
        say(f"and {report.rows_total - _SHOWN_ROWS:,} more: {where}")
    if out:
        say(f"the page: {out / 'comparison.html'}")


def _row(row: "Row") -> tuple[str, ...]:
    place = f"{row.contig}:{row.position} {row.ref[:20]}>{row.alt[:20]}"
    absence = f"the other says {row.absence.value}" if row.absence else ""
    sides = [f"{gt or '-'} {filters}".strip() for gt, filters in (
        (row.genotype_a, row.filter_a), (row.genotype_b, row.filter_b))]  # fmt: skip
    return (
        place, row.change.value, sides[0], sides[1], "yes" if row.reportable else "",
        row.why or absence,
    )  # fmt: skip
