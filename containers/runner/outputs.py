"""What the steps left: every promised file, and as many primary records as reads went in."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from runner.commands import Filler
from runner.faults import StageFault
from runner.scratch import below
from seqdrop.domain.errors import InvalidMeasure
from seqdrop.domain.failure import FailureClass
from seqdrop.domain.measures import LANE_FIGURES, Metrics, read_lanes, read_measures
from seqdrop.domain.pipeline import MeasureFormat, Output
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
                raise StageFault(FailureClass.TOOL_FAILED, message)
        files.update(found)
    return files


def _below_folder(output: Output, folder: Path) -> Iterator[tuple[str, Path]]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    if not paths:
        message = f"the tools ended well, but their output {output.name} holds no file"
        raise StageFault(FailureClass.TOOL_FAILED, message)
    for path in paths:
        yield output.name + path.relative_to(folder).as_posix(), path


@dataclass(frozen=True)
class Measured:
    """What outputs say: figures of the whole run, and counts by lane."""

    metrics: Metrics = field(default_factory=dict)
    lanes: dict[str, dict[str, int]] = field(default_factory=dict)

    def add(self, kind: MeasureFormat, content: bytes, lane: str = "") -> None:
        """A file of the whole run, or of one lane. Raises InvalidMeasure."""
        figures = read_measures(kind, content)
        if not lane:
            self.metrics.update(figures)
        for name, counts in ({lane: figures} if lane else read_lanes(kind, content)).items():
            kept = {figure: int(counts[figure]) for figure in counts.keys() & LANE_FIGURES}
            self.lanes.setdefault(name, {}).update(kept)


def measure(measures: Mapping[str, MeasureFormat], files: Mapping[str, Path]) -> Measured:
    """What the outputs say that hold figures; a TOOL fault for one that can't be read."""
    found = Measured()
    for output, kind in measures.items():
        of_lanes = output.endswith("/")
        for name, path in files.items():
            if name != output and not (of_lanes and name.startswith(output)):
                continue
            try:
                found.add(kind, path.read_bytes(), lane=path.stem if of_lanes else "")
            except InvalidMeasure as error:
                raise StageFault(FailureClass.TOOL_FAILED, f"{name} {error}") from error
    return found


def check_records(counts: dict[str, int], metrics: dict[str, float]) -> None:
    """Bwa, for one, exits 0 on half an input: the records that came out must be the reads."""
    if "primary_out" not in metrics or "reads_in" not in counts:
        return
    came_out = int(metrics["primary_out"])
    if came_out != counts["reads_in"]:
        raise StageFault(
            FailureClass.TOOL_FAILED,
            f"{counts['reads_in']:,} reads went in, {came_out:,} primary records came out",
            counts,
        )
