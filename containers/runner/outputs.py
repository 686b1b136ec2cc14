"""What the steps left: every promised file, and as many primary records as reads went in."""

from collections.abc import Iterator
from pathlib import Path

from runner.commands import Filler
from runner.faults import StageFault
from runner.scratch import below
from seqdrop.domain.errors import InvalidMeasure
from seqdrop.domain.failure import FailureClass
from seqdrop.domain.measures import read_measures
from seqdrop.domain.pipeline import Output
from seqdrop.domain.plan import StagePlan


def collect(stage: StagePlan, filler: Filler, out: Path) -> dict[str, Path]:
    """The files to publish by their names; a TOOL fault for one that is missing or empty."""
    files: dict[str, Path] = {}
    for output in stage.outputs:
        if not filler.applies(output.when):
            continue
        source = filler.path(output.source) if output.source else below(out, output.name)
        found = dict(_below_folder(output, source) if output.name.endswith("/") else [])
        if not output.name.endswith("/"):
            below(out, output.name)
            found = {output.name: source}
        for name, path in found.items():
            if not path.is_file() or path.stat().st_size == 0:
                what = "is empty" if path.is_file() else "is not there"
                message = f"the tools ended well, but their output {name} {what}"
                raise StageFault(FailureClass.TOOL, message)
        files.update(found)
    return files


def _below_folder(output: Output, folder: Path) -> Iterator[tuple[str, Path]]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    if not paths:
        message = f"the tools ended well, but their output {output.name} holds no file"
        raise StageFault(FailureClass.TOOL, message)
    for path in paths:
        yield output.name + path.relative_to(folder).as_posix(), path


def measure(stage: StagePlan, files: dict[str, Path]) -> dict[str, float]:
    """The metrics in the outputs that hold some; a TOOL fault for one that can't be read."""
    metrics: dict[str, float] = {}
    for name, kind in stage.measures.items():
        if name not in files:
            continue
        try:
            metrics |= read_measures(kind, files[name].read_bytes())
        except InvalidMeasure as error:
            raise StageFault(FailureClass.TOOL, f"{name} {error}") from error
    return metrics


def check_records(counts: dict[str, int], metrics: dict[str, float]) -> None:
    """Bwa, for one, exits 0 on half an input: the records that came out must be the reads."""
    if "primary_out" not in metrics or "reads_in" not in counts:
        return
    came_out = int(metrics["primary_out"])
    if came_out != counts["reads_in"]:
        raise StageFault(
            FailureClass.TOOL,
            f"{counts['reads_in']:,} reads went in, {came_out:,} primary records came out",
            counts,
        )
