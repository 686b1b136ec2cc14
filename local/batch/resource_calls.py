"""Calls on definitions, queues and consumable resources: moto answers them in part, or not."""

import json
from collections.abc import Callable
from typing import Any

from moto.batch.responses import BatchResponse

from local.batch import consumables, definitions
from local.batch.blocked import checked_time_limits
from local.batch.requests import queue_of
from local.batch.scheduler import Scheduler

_stock_create_queue = BatchResponse.createjobqueue
_stock_update_queue = BatchResponse.updatejobqueue
_stock_tags = BatchResponse.tags


def serve(scheduler: Scheduler) -> None:
    """Answer these calls from now on; what is changed may let jobs of a scheduler run."""
    BatchResponse.registerjobdefinition = _register_definition
    BatchResponse.createjobqueue = _create_queue
    BatchResponse.updatejobqueue = _woken(_update_queue, scheduler)
    BatchResponse.tags = _woken(_stock_tags, scheduler)  # see `local.batch.faults`
    BatchResponse.createconsumableresource = _woken(_create_resource, scheduler)
    BatchResponse.updateconsumableresource = _woken(_update_resource, scheduler)
    BatchResponse.describeconsumableresource = _describe_resource
    BatchResponse.listconsumableresources = _list_resources
    BatchResponse.deleteconsumableresource = _delete_resource


def request_of(response: BatchResponse) -> dict[str, Any]:
    """What a call asks for."""
    return dict(json.loads(response.body or "{}"))


def _woken(
    answer: Callable[[BatchResponse], str], scheduler: Scheduler
) -> Callable[[BatchResponse], str]:
    def answer_and_wake(response: BatchResponse) -> str:
        return scheduler.change(lambda: answer(response))

    return answer_and_wake


def _register_definition(response: BatchResponse) -> str:
    made = definitions.register(response.batch_backend, request_of(response))
    answer = {"jobDefinitionArn": made.arn, "jobDefinitionName": made.name}
    return json.dumps({**answer, "revision": made.revision})


def _create_queue(response: BatchResponse) -> str:
    return _with_time_limits(_stock_create_queue, response)


def _update_queue(response: BatchResponse) -> str:
    return _with_time_limits(_stock_update_queue, response)


def _with_time_limits(stock: Callable[[BatchResponse], str], response: BatchResponse) -> str:
    actions = request_of(response).get("jobStateTimeLimitActions")
    checked = None if actions is None else checked_time_limits(actions)
    answer = stock(response)
    if checked is not None:
        queue = queue_of(json.loads(answer)["jobQueueArn"], response.batch_backend)
        queue.time_limit_actions = checked
    return answer


def _create_resource(response: BatchResponse) -> str:
    request = request_of(response)
    made = consumables.create(response.batch_backend, request["consumableResourceName"], request)
    return _named(made)


def _update_resource(response: BatchResponse) -> str:
    resource = _resource(response)
    consumables.update(resource, request_of(response))
    return json.dumps({**json.loads(_named(resource)), "totalQuantity": resource.total})


def _describe_resource(response: BatchResponse) -> str:
    return json.dumps(_resource(response).describe())


def _list_resources(response: BatchResponse) -> str:
    found = consumables.resources_of(response.batch_backend).values()
    return json.dumps({"consumableResources": [each.summary() for each in found]})


def _delete_resource(response: BatchResponse) -> str:
    del consumables.resources_of(response.batch_backend)[_resource(response).arn]
    return "{}"


def _resource(response: BatchResponse) -> consumables.ConsumableResource:
    return consumables.resource_of(
        response.batch_backend, str(request_of(response).get("consumableResource"))
    )


def _named(resource: consumables.ConsumableResource) -> str:
    answer = {"consumableResourceArn": resource.arn, "consumableResourceName": resource.name}
    return json.dumps(answer)
