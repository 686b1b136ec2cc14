"""What a job runs: its definition's containers under the overrides of its submission.

A definition has one nameless container (`containerProperties`), or a task of named ones
(`ecsProperties`). Here the essential one runs; the others are described, and never start.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from moto.batch.exceptions import ClientException

from local.batch.logs import LogStream

_DEFAULT_LOG_GROUP = "/aws/batch/job"
_REFERENCE = re.compile(r"Ref::([A-Za-z0-9_-]+)")
_NAMELESS = "default"

Properties = dict[str, Any]


@dataclass(frozen=True)
class Container:
    """The properties of one container, those of a job's overrides over its definition's."""

    properties: Properties

    @classmethod
    def of(cls, properties: Mapping[str, Any], overrides: Mapping[str, Any]) -> "Container":
        """Lay overrides over a copy of a definition's properties."""
        merged = dict(properties)
        for key in ("command", "instanceType", "memory", "vcpus"):
            if key in overrides:
                merged[key] = overrides[key]
        for key, name in (("environment", "name"), ("resourceRequirements", "type")):
            entries = {entry[name]: entry for entry in merged.get(key) or []}
            entries.update({entry[name]: entry for entry in overrides.get(key) or []})
            merged[key] = [dict(entry) for entry in entries.values()]
        return cls(merged)

    @property
    def name(self) -> str:
        """The container's name in its task; that of `containerProperties` has none."""
        return str(self.properties.get("name") or "")

    @property
    def essential(self) -> bool:
        """Whether the task ends with this container, as it does unless said otherwise."""
        return bool(self.properties.get("essential", True))

    @property
    def environment(self) -> dict[str, str]:
        """Variables of the definition and the overrides."""
        return {each["name"]: str(each.get("value", "")) for each in self.properties["environment"]}

    @property
    def secrets(self) -> dict[str, str]:
        """Variables whose values are kept elsewhere: where."""
        return {each["name"]: each["valueFrom"] for each in self.properties.get("secrets") or []}

    def command(self, parameters: Mapping[str, str]) -> list[str]:
        """The argument list, each `Ref::name` replaced once: values are never read again."""

        def value(match: re.Match[str]) -> str:
            return parameters.get(match[1], match[0])

        return [_REFERENCE.sub(value, str(part)) for part in self.properties.get("command") or []]

    def amount(self, kind: str, older_name: str) -> float:
        """How much VCPU or MEMORY (MiB) it asks for; older definitions name that otherwise."""
        for each in self.properties["resourceRequirements"]:
            if each["type"] == kind:
                return float(each["value"])
        return float(self.properties.get(older_name) or 0)

    def log_stream(self, account: str, region: str, definition: str, task_id: str) -> LogStream:
        """The stream of one attempt, where the definition's log configuration wants it."""
        configured = (self.properties.get("logConfiguration") or {}).get("options") or {}
        prefix = configured.get("awslogs-stream-prefix", definition)
        group = configured.get("awslogs-group", _DEFAULT_LOG_GROUP)
        return LogStream(account, region, group, f"{prefix}/{self.name or _NAMELESS}/{task_id}")


@dataclass(frozen=True)
class Task:
    """All containers of a job, and what an ECS task says beside them."""

    containers: tuple[Container, ...]
    around: Properties | None = None
    """The rest of `taskProperties[0]`; None for a definition with `containerProperties`."""

    @classmethod
    def of(cls, definition: Any, request: Mapping[str, Any]) -> "Task":
        """The task of a definition under a SubmitJob request; ClientException if they part."""
        overrides = request.get("containerOverrides") or {}
        ecs_overrides = request.get("ecsPropertiesOverride") or {}
        if definition.ecs_properties is None:
            if ecs_overrides:
                # Batch refuses this too; its wording is not documented.
                raise ClientException(
                    "ECS properties override should not be set for containerProperties jobs."
                )
            return cls((Container.of(definition.container_properties, overrides),))
        if overrides:
            raise ClientException("Container overrides should not be set for ecsProperties jobs.")
        (properties,) = definition.ecs_properties["taskProperties"]
        names = [str(each.get("name") or "") for each in properties["containers"]]
        by_name = _by_container(ecs_overrides, names)
        containers = tuple(
            Container.of(each, by_name.get(name, {}))
            for name, each in zip(names, properties["containers"], strict=True)
        )
        return cls(containers, {k: v for k, v in properties.items() if k != "containers"})

    @property
    def main(self) -> Container:
        """The essential container: the one that runs here."""
        return next(each for each in self.containers if each.essential)

    @property
    def vcpus(self) -> float:
        """What all containers ask for together."""
        return sum(each.amount("VCPU", "vcpus") for each in self.containers)

    @property
    def memory_mib(self) -> float:
        """What all containers ask for together."""
        return sum(each.amount("MEMORY", "memory") for each in self.containers)


def _by_container(overrides: Mapping[str, Any], names: Iterable[str]) -> dict[str, Properties]:
    """An `ecsPropertiesOverride` by the names of the containers that it is for."""
    tasks = overrides.get("taskProperties") or []
    if len(tasks) > 1:
        raise ClientException("ecsPropertiesOverride takes one element of taskProperties")
    wanted = {str(c.get("name") or ""): c for task in tasks for c in task.get("containers") or []}
    if strangers := wanted.keys() - set(names):
        raise ClientException(
            f"The job definition has no container {', '.join(sorted(strangers))!r}"
        )
    return wanted
