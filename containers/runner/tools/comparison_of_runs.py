"""``seqdrop-tool compare-runs``: the calls of a run against those of the run before it.

It takes the folders of a job as they are: what one side does not have is not compared.
"""

import argparse
import sys
from pathlib import Path

import msgspec

from runner.tools.comparison import REPORT_FILE, TABLE_FILE, SideFiles, compare_files
from seqdrop.domain.comparison.contigs import BY_NAME_ALONE
from seqdrop.domain.comparison.pages.comparison import page
from seqdrop.domain.comparison.report import Report, Verdict
from seqdrop.domain.metrics import metrics_of
from seqdrop.domain.plan import StageResult, decode_result
from seqdrop.domain.provenance import RunRecord

PAGE_FILE = "comparison.html"
ANNOTATED = "annotated.vcf.gz"
RESULTS_FOLDER = "stages"
"""Where the runner puts the results of the stages before, each as ``<stage>.json``."""


def main(arguments: list[str]) -> int:
    """Compares two runs. Whatever comes of it, the exit code is 0: the verdict is in the report.

    Raises InvalidInput where a file can't be used as it stands.
    """
    parser = argparse.ArgumentParser(prog="seqdrop-tool compare-runs", description=main.__doc__)
    parser.add_argument("ref", type=Path, help="the sequence now; below before/, what was then")
    parser.add_argument("now", type=Path, help="the calls now")
    parser.add_argument("--run", required=True, help="the key of the run now")
    parser.add_argument("--reference", required=True, help="the reference now, by its name")
    parser.add_argument("--pipeline", required=True, help="the pipeline now")
    parser.add_argument("--cap", type=int, default=0, help="reads that calling looks at")
    parser.add_argument("--marked", action="store_true", help="duplicates are marked")
    parser.add_argument("--same", default="", help="files of the reference that both have used")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    facts = {
        "run": options.run, "reference": options.reference, "pipeline": options.pipeline,
    }  # fmt: skip
    now = metrics_of(
        _results(options.now / RESULTS_FOLDER), duplicates_marked=options.marked, cap=options.cap
    )
    same = frozenset(options.same.split(","))
    report = compare_runs(options.ref, options.now, facts, now, options.out / TABLE_FILE, same=same)
    write_report(report, options.out)
    sys.stdout.write(f"{report.verdict}: {report.why}\n")
    return 0


def compare_runs(
    ref: Path, now: Path, facts: dict[str, str], metrics: dict[str, float], table: Path, *,
    same: frozenset[str],
) -> Report:  # fmt: skip
    """The report on two runs; ``facts`` and ``metrics`` are of the run now.

    ``same`` are the files of the reference that both have used, and that are there once. Of one
    sequence, known by its checksum, no warning is due that its contigs were matched by name.
    """
    before = ref / "before"
    record = msgspec.json.decode((before / "run.json").read_bytes(), type=RunRecord)
    annotated = [(side / ANNOTATED).is_file() for side in (before, now)]
    calls = ANNOTATED if all(annotated) else "variants.vcf.gz"
    sequence = ref / "genome.fa"
    sequence_before = sequence if "genome.fa" in same else before / "genome.fa"
    targets = _there(ref / "targets.bed")
    targets_before = targets if "targets.bed" in same else _there(before / "targets.bed")
    of_record = {
        "run": record.run_key, "reference": record.reference, "pipeline": record.pipeline,
    }  # fmt: skip
    report = compare_files(
        before / calls,
        now / calls,
        SideFiles(
            label=f"run {record.run_key}", reference=sequence_before,
            gvcf=_there(before / "variants.g.vcf.gz"),
            targets=targets_before, metrics=record.metrics,
            facts=of_record,
        ),
        SideFiles(
            label=f"run {facts['run']}", reference=sequence,
            gvcf=_there(now / "variants.g.vcf.gz"), targets=targets, metrics=metrics, facts=facts,
        ),
        regions={"targets": targets} if targets else {},
        chain=_there(ref / "before.chain"),
        table=table,
    )  # fmt: skip
    if any(annotated) and not all(annotated):
        report = _of_one_annotated(report, "A" if annotated[0] else "B")
    if sequence_before != sequence:
        return report
    warnings = (one for one in report.warnings if not one.startswith(BY_NAME_ALONE))
    return msgspec.structs.replace(report, warnings=tuple(warnings))


def _of_one_annotated(report: Report, side: str) -> Report:
    """Says that consequences could not be compared; what A alone has is lost in B."""
    said = f"only {side} has {ANNOTATED}: consequences and classifications were not compared"
    report = msgspec.structs.replace(report, warnings=(said, *report.warnings))
    if side == "B" or report.verdict is Verdict.DIFFERENT:
        return report
    return msgspec.structs.replace(report, verdict=Verdict.DIFFERENT, why=f"B has no {ANNOTATED}")


def write_report(report: Report, out: Path) -> None:
    """The report for programs, and for people."""
    text = msgspec.json.format(msgspec.json.encode(report), indent=1)
    (out / REPORT_FILE).write_bytes(text + b"\n")
    (out / PAGE_FILE).write_text(page(report), "utf-8")


def _there(path: Path) -> Path | None:
    return path if path.is_file() else None


def _results(folder: Path) -> list[StageResult]:
    return [decode_result(path.read_bytes()) for path in sorted(folder.glob("*.json"))]
