"""Stand-in for Nextflow: it takes its documented command line, and says what it is.

`python -m local.tools.nextflow …`. It reads no workflow: for each row of the sample sheet it runs
one task (``nextflow_task``), a job of Batch as the awsbatch executor makes them, by the
configuration that it was given. What tasks made it publishes below ``outdir``, as a workflow would.
The parameter ``stand_in`` of a workflow plays what can go wrong: ``fail``, ``empty`` (it publishes
nothing), ``hang``, and ``once``: all tasks but the first fail when they are tried first.
"""

import csv
import json
import os
import signal
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from local.tools.nextflow_options import Options, WrongUse, read_config, read_options
from local.tools.nextflow_tasks import TaskFailed, Tasks
from local.tools.nextflow_work import Store, read_uri, results_of

VERSION = "nextflow stand-in 1.0 (simulated: it reads no workflow; this is not Nextflow)"
_SAYS = "NEXTFLOW STAND-IN: one simulated task for each row of the sheet\n"
_REPORT = """<!DOCTYPE html>
<html><head><meta charset="utf-8"><title>Simulated</title></head>
<body><p>{version}</p><p>{tasks} tasks, session {session}</p></body></html>
"""


def main(arguments: list[str]) -> int:
    """Runs one command line; returns the exit code."""
    if arguments and arguments[0] in {"-v", "-version", "--version"}:
        sys.stdout.write(f"{VERSION}\n")
        return 0
    try:
        options = read_options(arguments)
        return _run(options)
    except (WrongUse, TaskFailed) as error:
        sys.stdout.write(f"ERROR ~ {error}\n")
        return 1


def _run(options: Options) -> int:
    sys.stdout.write(_SAYS)
    if os.environ.get("NXF_IGNORE_RESUME_HISTORY") != "true":  # as ScriptRunner.groovy has it
        raise WrongUse(f"Can't find a run with the specified id: {options.session}")
    if not options.name:  # as CmdRun.groovy has it
        raise WrongUse("Missing workflow run name")
    params = json.loads(options.params_file.read_text("utf-8"))
    config = read_config(options.config)
    store = Store()
    rows = list(csv.DictReader(store.text(read_uri(params["input"])).splitlines()))
    begun = f"{params['outdir']}/pipeline_info/begun.txt"
    store.put(read_uri(begun), VERSION.encode())
    tasks = Tasks(options, config, store, plays=str(params.get("stand_in", "")))
    _end_with(tasks)
    try:
        ended = tasks.run(rows)
    finally:
        _write(options, tasks.rows(config))
    for one in ended:
        for name, body in results_of(options.project, one.row["sample"], store, one.folder).items():
            if params.get("stand_in") == "empty":
                continue
            # As Nextflow's file system of S3: making a folder leaves an object that marks it.
            store.put(read_uri(f"{params['outdir']}/{name.rpartition('/')[0]}/"), b"")
            store.put(read_uri(f"{params['outdir']}/{name}"), body)
    sys.stdout.write(f"Succeeded   : {sum(not one.cached for one in ended)}\n")
    return 0


def _end_with(tasks: Tasks) -> None:
    """A signal ends all tasks, as it does those of Nextflow's executor."""
    once = threading.Event()

    def stop(number: int, _frame: FrameType | None) -> NoReturn:
        if not once.is_set():
            once.set()
            tasks.kill()
        raise SystemExit(128 + number)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, stop)


def _write(options: Options, rows: list[dict[str, Any]]) -> None:
    """Trace, report and log."""
    with options.trace.open("w", newline="") as file:
        names = list(rows[0]) if rows else ["task_id"]
        writer = csv.DictWriter(file, names, delimiter="\t", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    page = _REPORT.format(version=VERSION, tasks=len(rows), session=options.session)
    options.report.write_text(page, "utf-8")
    now = datetime.now(UTC).isoformat()
    options.log.write_text(f"{now} {VERSION}\n{' '.join(sys.argv[1:])}\n", "utf-8")


if __name__ == "__main__":
    Path(".nextflow").mkdir(exist_ok=True)  # where the real one keeps its history
    sys.exit(main(sys.argv[1:]))
