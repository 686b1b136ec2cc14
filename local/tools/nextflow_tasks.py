"""The stand-in's tasks: Batch jobs, made and waited for as the awsbatch executor does.

See Nextflow's ``AwsBatchTaskHandler``: definitions are called ``nf-<image>``, the job's command and
size come as container overrides, its tags are the ``resourceLabels``.
"""

import hashlib
import re
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import boto3

from local.tools.nextflow_options import Config, Options
from local.tools.nextflow_work import Store, name_in_files, read_uri

IMAGE = "quay.io/stand-in/simulated:1.0"
_MATES = ("fastq_1", "fastq_2")
"""As nf-core's sheets call the files."""
_POLL_SECONDS = 0.2
_ENDED = ("SUCCEEDED", "FAILED")
_VCPUS, _MEMORY_MIB = 2, 512
_ODD = re.compile(r"[^a-zA-Z0-9\-_]+")


class TaskFailed(Exception):
    """A task did not end well."""


@dataclass
class Ended:
    """A task of one row of the sheet."""

    number: int
    row: Mapping[str, str]
    folder: str
    job_id: str = ""
    cached: bool = False
    detail: Mapping[str, Any] | None = None

    @property
    def name(self) -> str:
        """As Nextflow writes it: the process, and the tag."""
        return f"SIMULATED ({self.row['sample']} {self.number})"


class Tasks:
    """All tasks of a run."""

    def __init__(self, options: Options, config: Config, store: Store, *, plays: str) -> None:
        """``plays`` is what goes wrong, if anything."""
        self._options, self._config, self._store, self._plays = options, config, store, plays
        self._batch: Any = boto3.client("batch", region_name=config.settings["region"])
        self.tasks: list[Ended] = []

    def run(self, rows: Sequence[Mapping[str, str]]) -> list[Ended]:
        """Runs a task for each row, but those that the cache has. Raises TaskFailed."""
        for number, row in enumerate(rows, 1):
            task = self._task(number, row)
            self.tasks.append(task)
            known = self._store.get(self._entry(task))
            if known is None:
                self._submit(task)
            else:
                task.job_id, task.cached = known.decode(), True
            sys.stdout.write(f"[{task.folder[-8:]}] process > {task.name}\n")
            sys.stdout.flush()
        for task in self.tasks:
            if not task.cached:
                self._wait(task)
        return self.tasks

    def kill(self) -> None:
        """Ends the jobs of all tasks that have not ended."""
        for task in self.tasks:
            if task.job_id and not task.cached and task.detail is None:
                self._batch.terminate_job(jobId=task.job_id, reason="Job killed by NF")

    def rows(self, config: Config) -> list[dict[str, Any]]:
        """The trace, in the columns that the configuration names."""
        return [{name: self._cell(task, name) for name in config.fields} for task in self.tasks]

    def _task(self, number: int, row: Mapping[str, str]) -> Ended:
        text = "|".join((self._options.session, *map(str, row.values())))
        digest = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
        folder = f"{self._options.work}/{digest[:2]}/{digest[2:]}"
        return Ended(number, row, folder)

    def _entry(self, task: Ended) -> tuple[str, str]:
        """The cache's entry of a task, where Nextflow's cloud cache has it: by session and hash."""
        name = task.folder.removeprefix(f"{self._options.work}/").replace("/", "")
        return read_uri(f"{self._options.cache}/{self._options.session}/{name}")

    def _definition(self) -> str:
        name = f"nf-{_ODD.sub('-', IMAGE)}"
        settings = self._config.settings
        log = {"awslogs-region": settings["region"], "awslogs-group": settings["logsGroup"]}
        cli = settings["cliPath"].rsplit("/", 2)[0]
        properties = {
            "image": IMAGE,
            "command": ["true"],
            "resourceRequirements": [
                {"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "1024"},
            ],
            "jobRoleArn": settings["jobRole"],
            "user": settings["containerOptions"].removeprefix("--user "),
            "logConfiguration": {"logDriver": "awslogs", "options": log},
            "volumes": [{"name": "aws-cli", "host": {"sourcePath": cli}}],
            "mountPoints": [{"sourceVolume": "aws-cli", "containerPath": cli, "readOnly": True}],
        }  # fmt: skip
        token = hashlib.md5(str(properties).encode(), usedforsecurity=False).hexdigest()
        known = self._batch.describe_job_definitions(jobDefinitionName=name)["jobDefinitions"]
        for one in known:
            if one["status"] == "ACTIVE" and one.get("parameters", {}).get("nf-token") == token:
                return f"{name}:{one['revision']}"
        made = self._batch.register_job_definition(
            jobDefinitionName=name, type="container", parameters={"nf-token": token},
            containerProperties=properties, tags={"nextflow.io/version": "stand-in"},
        )  # fmt: skip
        return f"{name}:{made['revision']}"

    def _submit(self, task: Ended) -> None:
        self._store.put(read_uri(f"{task.folder}/.command.run"), task.name.encode())
        # The real one's command is a shell that fetches this script by the AWS CLI.
        if lacking := [name for name in _MATES if name not in task.row]:
            raise TaskFailed(f"the stand-in finds reads in {' and '.join(_MATES)}; no {lacking[0]}")
        mates = [task.row[name] for name in _MATES]
        plays = self._plays if self._plays != "once" or task.number > 1 else ""
        command = [
            sys.executable, "-m", "local.tools.nextflow_task", task.folder,
            name_in_files(self._options.project, task.row), plays or "-", *mates,
        ]  # fmt: skip
        size = [
            {"type": "MEMORY", "value": str(_MEMORY_MIB)},
            {"type": "VCPU", "value": str(_VCPUS)},
        ]
        submitted = self._batch.submit_job(
            jobName=_ODD.sub("_", task.name),
            jobQueue=self._config.settings["queue"],
            jobDefinition=self._definition(),
            tags=dict(self._config.labels),
            propagateTags=True,
            containerOverrides={"command": command, "resourceRequirements": size},
        )
        task.job_id = submitted["jobId"]

    def _wait(self, task: Ended) -> None:
        while True:
            (detail,) = self._batch.describe_jobs(jobs=[task.job_id])["jobs"]
            if detail["status"] in _ENDED:
                break
            time.sleep(_POLL_SECONDS)
        task.detail = detail
        if detail["status"] == "FAILED":
            code = detail.get("container", {}).get("exitCode", "-")
            reason = detail.get("statusReason", "")
            raise TaskFailed(
                f"Error executing process > '{task.name}'\nCaused by:\n  {reason}\n"
                f"Command exit status:\n  {code}"
            )
        self._store.put(self._entry(task), task.job_id.encode())

    def _cell(self, task: Ended, name: str) -> str:
        detail = task.detail or {}
        started, ended = detail.get("startedAt"), detail.get("stoppedAt")
        status = "CACHED" if task.cached else "COMPLETED"
        if not task.cached and detail.get("status") != "SUCCEEDED":
            status = "FAILED" if detail else "ABORTED"
        cells = {
            "task_id": str(task.number),
            "hash": f"{task.folder.split('/')[-2]}/{task.folder.split('/')[-1][:6]}",
            "native_id": task.job_id,
            "process": "SIMULATED",
            "name": task.name,
            "status": status,
            "exit": str(detail.get("container", {}).get("exitCode", "-")),
            "attempt": "1",
            "submit": _time(detail.get("createdAt")),
            "start": _time(started),
            "complete": _time(ended),
            "realtime": f"{ended - started}ms" if started and ended else "-",
            "cpus": str(_VCPUS),
            "memory": f"{_MEMORY_MIB} MB",
            "queue": self._config.settings["queue"],
            "container": IMAGE,
            "workdir": task.folder,
        }
        return cells.get(name, "-")


def _time(milliseconds: int | None) -> str:
    if not milliseconds:
        return "-"
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
