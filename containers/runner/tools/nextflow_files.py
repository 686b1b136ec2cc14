"""``seqdrop-tool nextflow-files``: what ``nextflow run`` reads, written of a stage's own words.

Into one folder: ``nextflow.config`` (where tasks run, and as whom), ``params.json`` and
``sheet.csv``. Names of options are those of Nextflow's reference (docs/reference/config.md).
"""

import argparse
import csv
import io
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from runner.processes import BAD_DATA_EXIT_CODE
from runner.settings import TaskSettings, read_task_settings
from seqdrop.domain.workflow import TAG

TRACE_FIELDS = (
    "task_id", "hash", "native_id", "process", "name", "status", "exit", "attempt", "submit",
    "start", "complete", "duration", "realtime", "cpus", "memory", "%cpu", "peak_rss", "peak_vmem",
    "rchar", "wchar", "queue", "container", "workdir",
)  # fmt: skip
NOBODY = "65534:65534"
"""Root would reach the host's own role; see the template's launch template."""
EVERY_PROCESS = "(?s).*"
"""A regular expression of Java, which the whole of a process' name is held against."""
_SPOT_ATTEMPTS = 3
_TRANSFER_ATTEMPTS = 5


class EmptyColumn(ValueError):
    """A sample's sheet has nothing where the workflow wants something."""


def main(arguments: list[str]) -> int:
    """Writes the three files; 65 for a sheet that the workflow would not take."""
    own, *rows = _split(arguments, "--row")
    parser = argparse.ArgumentParser(prog="seqdrop-tool nextflow-files", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--task", required=True, help="what the tags of tasks say")
    parser.add_argument("--params", required=True, help="the workflow's parameters, as JSON")
    parser.add_argument("--columns", nargs="*", default=[], help="of the sample sheet")
    parser.add_argument("--required", nargs="*", default=[], help="columns that may not be empty")
    options = parser.parse_args(own)
    try:
        sheet = sheet_text(options.columns, rows, options.required)
    except EmptyColumn as error:
        sys.stderr.write(f"{error}\n")
        return BAD_DATA_EXIT_CODE
    params = json.dumps(json.loads(options.params), indent=1, sort_keys=True) + "\n"
    config = config_text(read_task_settings(), options.task)
    files = {"nextflow.config": config, "params.json": params, "sheet.csv": sheet}
    options.folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (options.folder / name).write_text(text, "utf-8")
    return 0


def _split(arguments: Sequence[str], word: str) -> list[list[str]]:
    """What is before the first of a word, and between each two: values may begin with dashes."""
    parts: list[list[str]] = [[]]
    for argument in arguments:
        if argument == word:
            parts.append([])
        else:
            parts[-1].append(argument)
    return parts


def sheet_text(
    columns: Sequence[str], rows: Sequence[Sequence[str]], required: Sequence[str]
) -> str:
    """The sample sheet as CSV. Raises EmptyColumn, which names row and column."""
    for number, row in enumerate(rows, 1):
        values = dict(zip(columns, row, strict=True))
        for column in required:
            if not values[column].strip():
                raise EmptyColumn(
                    f"row {number} of the workflow's sample sheet has nothing in the column "
                    f"{column!r}, which the workflow requires: mend the template in the pipeline"
                )
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([columns, *rows])
    return text.getvalue()


def config_text(tasks: TaskSettings, task: str) -> str:
    """The configuration, which wins over the workflow's own.

    A ``withName`` selector wins over what a process says itself, and over its labels. Of several
    that match, the last one does: those of the workflow's own configuration come before this
    file's, but a selector that is in both keeps its first place. So ours is one that nobody writes.
    Whatever queue a workflow names, its tasks run on ours, under our tags. Fusion and Wave would
    bring containers that want more rights, and images that nobody has named.
    """
    labels = {TAG: task, "seqdrop-sample": task.partition("/")[0]}
    listed = ", ".join(f"{_quoted(name)}: {_quoted(value)}" for name, value in labels.items())
    return f"""\
// Written by Seqdrop for one run.
process {{
    withName: {_quoted(EVERY_PROCESS)} {{
        executor = 'awsbatch'
        queue = {_quoted(tasks.queue)}
        resourceLabels = [{listed}]
        containerOptions = {_quoted(f"--user {NOBODY}")}
    }}
}}
aws {{
    region = {_quoted(tasks.region)}
    batch {{
        cliPath = {_quoted(tasks.cli)}
        jobRole = {_quoted(tasks.role)}
        logsGroup = {_quoted(tasks.log_group)}
        maxSpotAttempts = {_SPOT_ATTEMPTS}
        maxTransferAttempts = {_TRANSFER_ATTEMPTS}
        terminateUnschedulableJobs = true
        volumes = ['/scratch/tasks:/tmp']
    }}
}}
fusion {{
    enabled = false
}}
wave {{
    enabled = false
}}
trace {{
    fields = {_quoted(",".join(TRACE_FIELDS))}
    overwrite = true
}}
report {{
    overwrite = true
}}
"""


def _quoted(text: str) -> str:
    """A single-quoted string of Groovy, in which nothing is filled in."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
    return f"'{escaped}'"
