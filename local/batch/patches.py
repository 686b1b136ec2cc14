"""What moto's CloudFormation loses of AWS::Batch resources; each patch has a test of its own."""

from typing import Any

from moto.batch.models import JobDefinition, batch_backends
from moto.batch.utils import lowercase_first_key

# Kept for the test that tells when the patch can go.
STOCK_CREATE_JOB_DEFINITION = JobDefinition.create_from_cloudformation_json


def apply() -> None:
    """Put every patch of this module in place; a second time changes nothing."""
    keep_job_definition_properties()


def keep_job_definition_properties() -> None:
    """Keep a template's time limit, tags and parameters, and let the retry strategy be absent."""
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
    return batch_backends[account_id][region_name].register_job_definition(
        def_name=resource_name,
        # Names that the user chose, whose case must stay.
        parameters=dict(properties.get("Parameters") or {}),
        tags=dict(properties.get("Tags") or {}),
        _type=lowered.get("type", "container"),
        retry_strategy=lowered.get("retryStrategy"),
        container_properties=lowered.get("containerProperties"),
        node_properties=lowered.get("nodeProperties"),
        eks_properties=lowered.get("eksProperties"),
        timeout=lowered.get("timeout"),
        platform_capabilities=lowered.get("platformCapabilities"),
        propagate_tags=lowered.get("propagateTags"),
    )
