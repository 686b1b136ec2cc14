"""The Batch API's job calls, answered by the scheduler in place of moto's pretence.

Calls that moto takes but keeps only a part of (`ecsProperties`, time limits of queues) and those
that it does not know (consumable resources) are in `local.batch.resource_calls`.
"""

import json
from typing import Any

from moto.batch.exceptions import ClientException
from moto.batch.models import BatchBackend
from moto.batch.responses import BatchResponse

from local.batch import resource_calls
from local.batch.detail import job_detail, job_summary
from local.batch.jobs import Job
from local.batch.requests import job_from, listing_of, page_size_of
from local.batch.resource_calls import request_of
from local.batch.scheduler import Scheduler

_MAX_PAYLOAD_BYTES = 30 * 1024
_MAX_DESCRIBED = 100

_serving: list[Scheduler] = []
_stock_reset = BatchBackend.reset
_stock_update = BatchBackend.update_compute_environment


def serve(scheduler: Scheduler) -> None:
    """Answer job calls by this scheduler from now on."""
    _serving[:] = [scheduler]
    BatchResponse.submitjob = _submit_job
    BatchResponse.describejobs = _describe_jobs
    BatchResponse.listjobs = _list_jobs
    BatchResponse.terminatejob = _terminate_job
    BatchResponse.canceljob = _cancel_job
    resource_calls.serve(scheduler)
    BatchBackend.reset = _reset
    BatchBackend.update_compute_environment = _update_compute_environment


def stop_serving() -> None:
    """Refuse job calls from now on."""
    _serving.clear()


def _scheduler() -> Scheduler:
    if not _serving:
        raise ClientException("The embedded Batch is shut down")
    return _serving[0]


def _submit_job(response: BatchResponse) -> str:
    if len(response.body or "") > _MAX_PAYLOAD_BYTES:
        raise ClientException("The payload of SubmitJob is larger than 30 KiB")
    job = job_from(request_of(response), response.batch_backend)
    _scheduler().submit(job)
    return json.dumps({"jobArn": job.arn, "jobId": job.id, "jobName": job.name})


def _describe_jobs(response: BatchResponse) -> str:
    wanted = list(request_of(response).get("jobs") or [])
    if len(wanted) > _MAX_DESCRIBED:
        raise ClientException("DescribeJobs takes at most 100 jobs")
    ids = dict.fromkeys(each.rpartition("/")[2] for each in wanted)
    backend = response.batch_backend
    jobs = _scheduler().select(lambda job: job.backend is backend, job_detail, ids)
    return json.dumps({"jobs": jobs})


def _list_jobs(response: BatchResponse) -> str:
    request = request_of(response)
    wanted = listing_of(request, response.batch_backend)
    newest_first = _scheduler().select(wanted, _numbered)[::-1]
    page = newest_first[: page_size_of(request)]
    answer: dict[str, Any] = {"jobSummaryList": [summary for _, summary in page]}
    if len(page) < len(newest_first):
        answer["nextToken"] = str(page[-1][0])
    return json.dumps(answer)


def _numbered(job: Job) -> tuple[int, dict[str, Any]]:
    return job.number, job_summary(job)


def _terminate_job(response: BatchResponse) -> str:
    _scheduler().terminate(*_job_and_reason(response))
    return ""


def _cancel_job(response: BatchResponse) -> str:
    _scheduler().cancel(*_job_and_reason(response))
    return ""


def _job_and_reason(response: BatchResponse) -> tuple[str, str]:
    request = request_of(response)
    for field in ("jobId", "reason"):
        if not request.get(field):
            raise ClientException(f"'{field}' is a required field (cannot be an empty string)")
    return str(request["jobId"]), str(request["reason"])


def _reset(backend: BatchBackend) -> None:
    for scheduler in _serving:
        scheduler.forget(backend.account_id, backend.region_name)
    _stock_reset(backend)


def _update_compute_environment(backend: BatchBackend, *args: Any, **kwargs: Any) -> Any:
    """An environment that was enabled again may have jobs that wait for it."""
    return _scheduler().change(lambda: _stock_update(backend, *args, **kwargs))
