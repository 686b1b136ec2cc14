"""What the steps left: every promised file, and as many primary records as reads went in."""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from runner.commands import Filler
from runner.faults import StageFault
from runner.scratch import below
from seqdrop.domain.failure import FailureClass
from seqdrop.domain.pipeline import Output
from seqdrop.domain.plan import StagePlan

_COUNTS = {
    "primary_out": "primary",
    "mapped": "primary mapped",
    "duplicates": "primary duplicates",
    "properly_paired": "properly paired",
}
"""Our names, and those of samtools flagstat."""


def collect(stage: StagePlan, filler: Filler, out: Path) -> dict[str, Path]:
    """The files to publish by their names; a TOOL fault for one that is missing or empty."""
    files: dict[str, Path] = {}
    for output in stage.outputs:
        if not filler.applies(output.when):
            continue
        source = Path(filler.text(output.source)) if output.source else below(out, output.name)
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


def flagstat_counts(path: Path) -> dict[str, int]:
    """Counts of primary records, with those that failed the sequencer's own filter."""
    try:
        parts = msgspec.json.decode(path.read_bytes(), type=dict[str, dict[str, float | None]])
        passed, failed = parts["QC-passed reads"], parts["QC-failed reads"]
        return {
            ours: int(passed[theirs] or 0) + int(failed[theirs] or 0)
            for ours, theirs in _COUNTS.items()
        }
    except (msgspec.MsgspecError, KeyError) as error:
        message = f"{path.name} is not what samtools flagstat -O json writes: {error}"
        raise StageFault(FailureClass.TOOL, message) from error


def check_records(counts: dict[str, int]) -> None:
    """Bwa, for one, exits 0 on half an input: the records that came out must be the reads."""
    if counts["primary_out"] != counts["reads_in"]:
        raise StageFault(
            FailureClass.TOOL,
            f"{counts['reads_in']:,} reads went in, "
            f"{counts['primary_out']:,} primary records came out",
            counts,
        )
