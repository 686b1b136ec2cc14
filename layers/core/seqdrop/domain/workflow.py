"""A Nextflow workflow that a stage runs: what a lab writes of it, and where it works.

The stage's one job is the workflow's head. Its tasks are Batch jobs of their own, on queue ``cpu``.
"""

import hashlib

import msgspec

QUEUE = "nextflow"
"""The kind of queue, and the image, of head jobs: hosts of their own, which no task can take."""
WORK = "_work/"
"""Begins the keys of work folders in the results bucket. No sample's name begins so."""
TASKS = "tasks"
"""The folder of a work folder that tasks may write into, and a name that no assay or stage has:
their role reaches ``_work/*/tasks/*``, and each ``*`` of it stands for folders, too."""
TRACE, REPORT, LOG = "workflow_trace.tsv", "workflow_report.html", "workflow.log"
TAG = "seqdrop-task"
"""The tag of tasks' jobs, and of their events: whose task it is."""


class Sheet(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The sample sheet that the workflow gets: a row for each read pair."""

    columns: dict[str, str]
    """The template of each column's value, with placeholders; ``{pair.r1}`` and ``{pair.r2}`` are
    the s3:// URIs of checked copies."""
    required: tuple[str, ...] = ()
    """Columns that may not be empty, in the template or in a row."""
    param: str = "input"
    """The workflow's parameter that names the sheet."""


class Workflow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which workflow, in which revision, with which parameters: all of it decides the results."""

    project: str
    """As ``nextflow run`` takes it: ``nf-core/sarek``, an https:// URL, a folder of the image."""
    revision: str
    """A tag, or a commit, which nobody can move; "" for a folder of the image alone."""
    sheet: Sheet
    params: dict[str, bool | int | float | str | None] = {}
    """The workflow's own parameters; text may have placeholders."""
    profile: str = ""


def work_key(prefix: str) -> str:
    """The key of the work folder for results below a prefix; it ends with ``/``."""
    return f"{WORK}{prefix}"


def session_of(work: str) -> str:
    """The id (a UUID) of a work folder's Nextflow session: all that work there have the same."""
    digits = hashlib.sha256(work.encode()).hexdigest()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:32]}"


def tag_of(sample: str, assay: str, run_key: str, attempt: int, stage: str) -> str:
    """The value of ``TAG`` for the tasks of a run's stage."""
    return "/".join((sample, assay, run_key, str(attempt), stage))
