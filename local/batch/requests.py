"""SubmitJob and ListJobs requests, checked as AWS does, as what the scheduler understands."""

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from moto.batch.exceptions import ClientException
from moto.batch.models import BatchBackend, JobDefinition, JobQueue

from local.batch.consumables import resource_of
from local.batch.containers import Task
from local.batch.jobs import Job, Status
from local.batch.retry import RetryStrategy

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
_MAX_DEPENDENCIES = 20
_MAX_TAGS = 50
_PAGE = 100
_UNSUPPORTED = ("arrayProperties", "nodeOverrides", "eksPropertiesOverride")

Request = Mapping[str, Any]


def job_from(request: Request, backend: BatchBackend) -> Job:
    """The job that a SubmitJob request asks for; ClientException if it can't be."""
    name = str(request.get("jobName", ""))
    if not _NAME.fullmatch(name):
        raise ClientException("Job name should match valid pattern")
    for each in _UNSUPPORTED:
        if request.get(each):
            raise ClientException(f"{each} is not supported by the embedded runtime")
    definition = _definition(str(request.get("jobDefinition", "")), backend)
    depends_on = list(request.get("dependsOn") or [])
    if len(depends_on) > _MAX_DEPENDENCIES or not all("jobId" in each for each in depends_on):
        raise ClientException("dependsOn takes at most 20 dependencies, each with a jobId")
    job = Job(
        name=name,
        queue=_queue(str(request.get("jobQueue", "")), backend),
        definition=definition,
        backend=backend,
        task=Task.of(definition, request),
        parameters={**definition.parameters, **(request.get("parameters") or {})},
        retry=RetryStrategy.from_request(request.get("retryStrategy") or definition.retry_strategy),
        timeout_seconds=_timeout(request.get("timeout") or definition.timeout),
        depends_on=depends_on,
        consumes=_consumed(request, definition, backend),
        propagate_tags=request.get("propagateTags", definition.propagate_tags),
    )
    _tag(job, request.get("tags") or {})
    return job


def queue_of(identifier: str, backend: BatchBackend) -> JobQueue:
    """A queue by its name or ARN; ClientException if there is none."""
    queue = backend.get_job_queue(identifier)
    if queue is None:
        raise ClientException(f"Job queue {identifier} does not exist")
    return queue


def listing_of(request: Request, backend: BatchBackend) -> Callable[[Job], bool]:
    """Which jobs a ListJobs request wants: of one queue, by a filter or else by a status."""
    queue = queue_of(str(request.get("jobQueue", "")), backend)
    token = request.get("nextToken")
    before = int(token) if token else math.inf
    filters = [_filter(each) for each in request.get("filters") or []]
    status = request.get("jobStatus") or Status.RUNNING
    if status not in Status.__members__:
        raise ClientException(f"Job status {status} is not one of {', '.join(Status)}")
    if not filters:
        filters = [lambda job: job.status == status]
    return lambda job: (
        job.queue.arn == queue.arn
        and job.number < before
        and all(matches(job) for matches in filters)
    )


def page_size_of(request: Request) -> int:
    """How many jobs one answer of ListJobs holds."""
    return min(int(request.get("maxResults") or _PAGE), _PAGE)


def _filter(request: Request) -> Callable[[Job], bool]:
    values = [str(value) for value in request.get("values") or []]
    match request.get("name"):
        case "JOB_NAME":
            return lambda job: any(_names(value, job.name) for value in values)
        case "BEFORE_CREATED_AT":
            return lambda job: job.created_at < int(values[0])
        case "AFTER_CREATED_AT":
            return lambda job: job.created_at > int(values[0])
        case other:
            raise ClientException(f"Filter {other} is not supported by the embedded runtime")


def _names(value: str, name: str) -> bool:
    """Upper and lower case are the same; an asterisk at the end stands for any rest."""
    value, name = value.lower(), name.lower()
    return name.startswith(value[:-1]) if value.endswith("*") else name == value


def _queue(identifier: str, backend: BatchBackend) -> JobQueue:
    queue = queue_of(identifier, backend)
    if queue.state != "ENABLED":
        raise ClientException(f"Job queue {identifier} is in DISABLED state")
    return queue


def _definition(identifier: str, backend: BatchBackend) -> JobDefinition:
    """By ARN, `name:revision`, or the newest active revision of a name."""
    name, _, revision = identifier.rpartition("job-definition/")[2].partition(":")
    candidates = [
        each
        for each in backend.get_job_definitions(name)
        if each.status == "ACTIVE" and revision in ("", str(each.revision))
    ]
    if not candidates:
        raise ClientException(f"Job definition {identifier} does not exist or is not ACTIVE")
    definition = max(candidates, key=lambda each: int(each.revision))
    if definition.container_properties is None and definition.ecs_properties is None:
        raise ClientException("The embedded runtime runs containerProperties and ecsProperties")
    return definition


def _consumed(request: Request, definition: JobDefinition, backend: BatchBackend) -> dict[str, int]:
    """Quantities by the ARNs of consumable resources; the submission's take the place of all."""
    override = request.get("consumableResourcePropertiesOverride") or {}
    wanted = override.get("consumableResourceList") or definition.consumes
    return {
        resource_of(backend, each["consumableResource"]).arn: int(each["quantity"])
        for each in wanted
    }


def _timeout(request: Request | None) -> int | None:
    seconds = (request or {}).get("attemptDurationSeconds")
    return None if seconds is None else int(seconds)


def _tag(job: Job, tags: Mapping[str, str]) -> None:
    tagger = job.backend.tagger
    listed = tagger.convert_dict_to_tags_input(tags)
    if refusal := tagger.validate_tags(listed, _MAX_TAGS):
        raise ClientException(refusal)
    tagger.tag_resource(job.arn, listed)
