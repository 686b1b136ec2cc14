"""Job definitions of both shapes; moto knows no `ecsProperties` and no consumable resources."""

from collections.abc import Mapping
from typing import Any

from moto.batch.exceptions import ClientException
from moto.batch.models import BatchBackend, JobDefinition

_MAX_CONTAINERS = 10
_SHAPES = ("containerProperties", "ecsProperties", "eksProperties", "nodeProperties")
_SIZES = {"VCPU", "MEMORY"}

Request = Mapping[str, Any]


class Definition(JobDefinition):  # type: ignore[misc]  # moto has no types
    """A revision of a definition, with what moto leaves out."""

    def __init__(self, request: Request, backend: BatchBackend, revision: int) -> None:
        self.ecs_properties: dict[str, Any] | None = request.get("ecsProperties")
        consumed = request.get("consumableResourceProperties") or {}
        self.consumes = [dict(each) for each in consumed.get("consumableResourceList") or []]
        super().__init__(
            name=request["jobDefinitionName"],
            parameters=request.get("parameters"),
            _type=request["type"],
            container_properties=request.get("containerProperties"),
            node_properties=request.get("nodeProperties"),
            eks_properties=request.get("eksProperties"),
            tags=request.get("tags") or {},
            retry_strategy=_lower_actions(request.get("retryStrategy")),
            timeout=request.get("timeout"),
            backend=backend,
            platform_capabilities=request.get("platformCapabilities"),
            propagate_tags=request.get("propagateTags"),
            revision=revision,
        )

    def _validate(self) -> None:
        if self.ecs_properties is None:
            super()._validate()
        else:
            _check_task(self.ecs_properties)

    def describe(self) -> dict[str, Any]:
        """As DescribeJobDefinitions shows it."""
        shown: dict[str, Any] = super().describe()
        if self.ecs_properties is not None:
            shown |= {"ecsProperties": self.ecs_properties, "containerOrchestrationType": "ECS"}
        if self.consumes:
            shown["consumableResourceProperties"] = {"consumableResourceList": self.consumes}
        return shown


def register(backend: BatchBackend, request: Request) -> Definition:
    """A new revision, from a RegisterJobDefinition request or from a template's properties."""
    given = [shape for shape in _SHAPES if request.get(shape)]
    if len(given) != 1:
        raise ClientException(f"A job definition takes one of {', '.join(_SHAPES)}")
    newest = backend.get_job_definition_by_name(request["jobDefinitionName"])
    definition = Definition(request, backend, newest.revision if newest else 0)
    backend._job_definitions[definition.arn] = definition
    return definition


def _check_task(properties: Request) -> None:
    """What Batch asks of `ecsProperties`: one task, one to ten containers, an essential one."""
    tasks = properties.get("taskProperties") or []
    if len(tasks) != 1:
        raise ClientException("ecsProperties takes one element of taskProperties")
    containers = tasks[0].get("containers") or []
    if not 1 <= len(containers) <= _MAX_CONTAINERS:
        raise ClientException("taskProperties takes 1 to 10 containers")
    names = [each.get("name") for each in containers]
    if len(set(names)) < len(names):
        raise ClientException("Containers of one task need names of their own")
    essential = [each for each in containers if each.get("essential", True)]
    if not essential:
        raise ClientException("A task needs an essential container")
    if len(essential) > 1:
        raise ClientException("The embedded runtime runs one essential container of a task")
    for each in containers:
        sizes = {size["type"] for size in each.get("resourceRequirements") or []}
        if not each.get("image") or not sizes >= _SIZES:
            raise ClientException("A container needs an image, VCPU and MEMORY")


def _lower_actions(strategy: Request | None) -> dict[str, Any] | None:
    """A retry strategy as Batch shows it: it takes RETRY, and says retry."""
    if not strategy:
        return None
    shown = dict(strategy)
    if rules := strategy.get("evaluateOnExit"):
        shown["evaluateOnExit"] = [
            {**rule, "action": str(rule.get("action", "")).lower()} for rule in rules
        ]
    return shown
