"""Each function's cold import and its clients, against bare boto3 with the same clients."""

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from benchmarks.measure import Measure
from seqdrop.domain.pipeline import QueueKind

AIM = 1.4
ROUNDS = 9
PROJECT = Path(__file__).resolve().parent.parent
BUILDS = {
    "ask_approval": "reanalysis_reporting",
    "copy_audit": "audit_copy",
    "end_run": "closing",
    "finish_run": "closing",
    "plan_reanalysis": "reanalysis_planning",
    "plan_run": "plans",
    "poll_job": "polling",
    "reanalyse_sample": "cohort",
    "record_failure": "closing",
    "record_job_event": "recording",
    "register_upload": "manifests",
    "report_reanalysis": "reanalysis_reporting",
    "submit_job": "submission",
    "sweep_catalog": "sweep",
}
"""What each handler builds with its first event: imports alone would hide the clients."""


def measure() -> Iterator[Measure]:
    """One measure a function: medians, the function and bare boto3 in turn."""
    for folder in sorted((PROJECT / "functions").iterdir()):
        if (folder / "handler.py").is_file():
            yield _measure(folder)


def _measure(folder: Path) -> Measure:
    ours: list[float] = []
    bare: list[float] = []
    for _ in range(ROUNDS):
        seconds, clients = _time(folder, "function", BUILDS[folder.name])
        ours.append(seconds)
        bare.append(_time(folder, "bare", *clients)[0])
    against = f"bare boto3 with clients of {', '.join(clients)}; medians of {ROUNDS}"
    figure, baseline = (1000 * statistics.median(times) for times in (ours, bare))
    return Measure(f"cold import of {folder.name}", figure, "ms", baseline, against, AIM)


def _time(folder: Path, *arguments: str) -> tuple[float, list[str]]:
    child = Path(__file__).with_name("import_child.py")
    ended = subprocess.run(
        [sys.executable, "-P", str(child), *arguments],
        env=cold_environment(folder),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    seconds, *clients = ended.stdout.split()
    return float(seconds), clients


def cold_environment(folder: Path) -> dict[str, str]:
    """As in Lambda: the function's folder and its layers, and settings that lead nowhere."""
    images = ",".join(f"{kind}=none" for kind in get_args(QueueKind))
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "PYTHONPATH": os.pathsep.join([str(folder), str(PROJECT / "layers/core")]),
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": "none",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "POWERTOOLS_SERVICE_NAME": folder.name,
        "POWERTOOLS_METRICS_NAMESPACE": "Seqdrop",
        "CATALOG_TABLE": "none",
        "RESULTS_BUCKET": "none",
        "AUDIT_BUCKET": "none",
        "UPLOADS_QUEUE_URL": "https://none.invalid/queue",
        "JOB_EVENTS_QUEUE_URL": "https://none.invalid/queue",
        "JOB_LOG_GROUP": "none",
        "ANALYSE_SAMPLE_ARN": "arn:aws:states:us-east-1:123456789012:stateMachine:none",
        "REANALYSE_ARN": "arn:aws:states:us-east-1:123456789012:stateMachine:none",
        "JOB_QUEUE_PREFIX": "none",
        "CPU_INSTANCE_TYPES": "m7i.4xlarge",
        "IMAGES": images,
        "JOB_DEFINITIONS": images,
        "SHORTEST_POLL_SECONDS": "60",
        "RUNNABLE_TIMEOUT_SECONDS": "14400",
        "ALERT_AFTER_SECONDS": "14400",
        "QUEUE_KINDS": json.dumps(get_args(QueueKind)),
        "SCRATCH_GIB": "1000",
        "PIPELINES_DIR": str(PROJECT / "pipelines"),
    }
