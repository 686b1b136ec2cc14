"""What moto loses of AWS::Batch resources; each patch has a test of its own."""

from typing import Any

from moto.batch import urls
from moto.batch.models import JobDefinition, JobQueue, batch_backends
from moto.batch.responses import BatchResponse
from moto.batch.utils import lowercase_first_key

from local.batch.blocked import checked_time_limits, time_limit_actions
from local.batch.definitions import register

# Kept for the test that tells when the patch can go.
STOCK_CREATE_JOB_DEFINITION = JobDefinition.create_from_cloudformation_json
STOCK_DESCRIBE_QUEUE = JobQueue.describe
_stock_create_queue = JobQueue.create_from_cloudformation_json.__func__

_CONSUMABLE_CALLS = ("create", "describe", "update", "delete", "list")


def apply() -> None:
    """Put every patch of this module in place; a second time changes nothing."""
    keep_job_definition_properties()
    keep_time_limits_of_queues()
    know_consumable_resources()


def keep_job_definition_properties() -> None:
    """Keep a template's time limit, tags, parameters and ECS task; a retry strategy is a choice."""
    JobDefinition.create_from_cloudformation_json = classmethod(_create_job_definition)


def _create_job_definition(
    _cls: type[JobDefinition],
    /,
    resource_name: str,
    cloudformation_json: dict[str, Any],
    account_id: str,
    region_name: str,
    **_: Any,
) -> JobDefinition:
    properties = cloudformation_json["Properties"]
    lowered = lowercase_first_key(properties)
    request = {
        **lowered,
        "jobDefinitionName": resource_name,
        "type": lowered.get("type", "container"),
        # Names that the user chose, whose case must stay.
        "parameters": dict(properties.get("Parameters") or {}),
        "tags": dict(properties.get("Tags") or {}),
    }
    return register(batch_backends[account_id][region_name], request)


def keep_time_limits_of_queues() -> None:
    """Keep and show `jobStateTimeLimitActions` of a template's queues."""
    JobQueue.create_from_cloudformation_json = classmethod(_create_queue)
    JobQueue.describe = _describe_queue


def _create_queue(
    cls: type[JobQueue],
    /,
    resource_name: str,
    cloudformation_json: dict[str, Any],
    account_id: str,
    region_name: str,
    **kwargs: Any,
) -> JobQueue:
    queue = _stock_create_queue(
        cls, resource_name, cloudformation_json, account_id, region_name, **kwargs
    )
    actions = cloudformation_json["Properties"].get("JobStateTimeLimitActions") or []
    queue.time_limit_actions = checked_time_limits(lowercase_first_key(a) for a in actions)
    return queue


def _describe_queue(queue: JobQueue) -> dict[str, Any]:
    return {**STOCK_DESCRIBE_QUEUE(queue), "jobStateTimeLimitActions": time_limit_actions(queue)}


def know_consumable_resources() -> None:
    """Let moto's server pass the calls on; the model makes itself known to CloudFormation."""
    for verb in _CONSUMABLE_CALLS:
        noun = "consumableresources" if verb == "list" else "consumableresource"
        urls.url_paths[f"{{0}}/v1/{verb}{noun}$"] = BatchResponse.dispatch
