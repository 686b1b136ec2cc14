"""The lanes of a run: read groups and FASTQ files, checked whole before anything is mapped."""

import csv
from dataclasses import dataclass
from pathlib import Path

from local.tools.dragen_options import Options, WrongUse
from local.tools.fastq_reads import count_reads


@dataclass(frozen=True)
class Lane:
    """One read group with one FASTQ file or two mates'."""

    read_group: dict[str, str]
    files: tuple[str, ...]

    @property
    def read_group_line(self) -> str:
        """The `@RG` line as bwa's -R takes it."""
        return "\\t".join(["@RG", *(f"{tag}:{text}" for tag, text in self.read_group.items())])


@dataclass(frozen=True)
class LaneCounts:
    """What a whole FASTQ pair holds."""

    reads: int
    bases: int


_TAGS_OF_COLUMNS = {"RGID": "ID", "RGSM": "SM", "RGLB": "LB", "RGPL": "PL", "RGPU": "PU"}


def _found(name: str, folder: Path) -> str:
    for path in (Path(name), folder / name):
        if path.is_file():
            return str(path)
    raise WrongUse(f"the input {name} does not exist")


def _read_group(texts: dict[str, str]) -> dict[str, str]:
    if any(set("\t\n\r\\") & set(text) for text in texts.values()):
        raise WrongUse("a read group's texts must hold neither tabs, line ends nor backslashes")
    return {"PL": "ILLUMINA", **texts}


def _row_lane(row: dict[str, str], folder: Path) -> Lane:
    texts = {tag: row[name] for name, tag in _TAGS_OF_COLUMNS.items() if row.get(name)}
    if row.get("Lane"):
        texts.setdefault("PU", f"{row['RGID']}.{row['Lane']}")
    files = [name for name in (row["Read1File"], row.get("Read2File")) if name]
    return Lane(_read_group(texts), tuple(_found(name, folder) for name in files))


def _listed(options: Options) -> list[Lane]:
    path = Path(options.fastq_list)
    if not path.is_file():
        raise WrongUse(f"the input {path} does not exist")
    with path.open(newline="", encoding="utf-8") as handle:
        reader = csv.DictReader(handle)
        missing = {"RGID", "RGSM", "Read1File"} - set(reader.fieldnames or ())
        if missing:
            raise WrongUse(f"{path} has no column {sorted(missing)[0]}")
        rows = [row for row in reader if row["RGSM"] == options.fastq_list_sample_id]
    if not rows:
        raise WrongUse(f"{path} has no sample {options.fastq_list_sample_id}")
    lanes = [_row_lane(row, path.parent) for row in rows]
    # A lane that was written in segments has a row for each, all of one read group.
    groups = {lane.read_group_line for lane in lanes}
    if len({lane.read_group["ID"] for lane in lanes}) != len(groups):
        raise WrongUse(f"{path} gives one RGID to different read groups")
    return lanes


def lanes_of(options: Options) -> list[Lane]:
    """The lanes that the command line asks for; none where the input is a BAM."""
    if options.bam_input:
        return []
    if options.fastq_list:
        return _listed(options)
    files = [name for name in (options.fastq1, options.fastq2) if name]
    return [Lane(_read_group(options.read_group), tuple(_found(f, Path()) for f in files))]


def count_lane(lane: Lane) -> LaneCounts:
    """Reads the lane's files to their ends; raises BadFastq if they are not whole or not mates."""
    return LaneCounts(*count_reads(list(lane.files)))
