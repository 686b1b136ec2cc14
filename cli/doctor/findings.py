"""The deployment that `seqdrop doctor` is asked about, and what it may find."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from cli.deployment import KINDS, PLACEHOLDER
from cli.doctor.facts import StackFacts
from cli.faults import CommandFailed
from seqdrop.domain.errors import InvalidPipeline
from seqdrop.domain.pipeline import Assay
from seqdrop.domain.workflow import QUEUE
from seqdrop.library import Library


class Verdict(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Finding:
    """What a check found, and what to do about it."""

    verdict: Verdict
    says: str
    do: str = ""


@dataclass(frozen=True)
class Wanted:
    """The deployment that is asked about."""

    declared: Mapping[str, Mapping[str, Any]]
    given: Mapping[str, str]
    parameters: Mapping[str, str]
    """Those given, and the template's defaults."""
    library: Library
    stack: StackFacts | None
    """The stack that is there, if it is whole."""
    built: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Parameters of images that nobody gave, so that `seqdrop deploy` builds them: name and tag."""
    unfinished: StackFacts | None = None
    """A stack that is not whole: a first try, or one that is being deleted."""
    region: str = ""
    """The region; "" where only the session knows it."""
    resources: tuple[Mapping[str, Any], ...] = ()
    """What `seqdrop deploy` makes under these parameters, in both templates."""

    @property
    def has_fpga(self) -> bool:
        """Whether it has FPGA hosts."""
        return self.parameters.get("EnableFpga") == "true"

    @property
    def has_nextflow(self) -> bool:
        """Whether it has hosts for workflows' head jobs."""
        name = f"{KINDS[QUEUE]}Image"
        return bool(self.parameters.get(name)) or name in self.built

    @property
    def makes_network(self) -> bool:
        """Whether the template makes the hosts' network."""
        return self.parameters.get("CreateNetwork") == "true"

    @property
    def kinds(self) -> list[str]:
        """The kinds of queue that it has."""
        there = {"cpu": True, QUEUE: self.has_nextflow}
        return [kind for kind in KINDS if there.get(kind, self.has_fpga)]

    @property
    def smallest_cpu_host(self) -> int:
        """vCPUs of the smallest CPU host, which has a host's whole scratch too.

        Raises InvalidPipeline where the lab's prices have no CPU hosts.
        """
        price = self.library.prices().queues.get("cpu")
        if price is None:
            raise InvalidPipeline("prices.yaml has no price for the queue cpu: add it")
        return price.host_vcpus

    def missing_queues(self, assay: Assay) -> list[str]:
        """The kinds of queue that an assay's pipeline uses, and that it does not have."""
        stages = self.library.pipeline(assay.pipeline).stages.values()
        return sorted({stage.queue for stage in stages} - set(self.kinds))

    def of(self, kind: str) -> list[Mapping[str, Any]]:
        """Properties of the resources of a type that it makes."""
        return [one.get("Properties", {}) for one in self.resources if one["Type"] == kind]

    def values(self, name: str) -> list[str]:
        """A parameter that is a list; empty for a placeholder, which is reported by itself."""
        text = self.parameters.get(name, "")
        return [
            each.strip()
            for each in text.split(",")
            if each.strip() and not each.startswith(PLACEHOLDER)
        ]

    def number(self, name: str) -> int:
        """A parameter that is a number; 0 where it is none, which is reported by itself."""
        text = self.parameters.get(name, "")
        return int(text) if text.isdecimal() else 0


def ok(says: str) -> Finding:
    """Nothing in the way."""
    return Finding(Verdict.OK, says)


def warn(says: str, do: str = "") -> Finding:
    """Something to know of."""
    return Finding(Verdict.WARN, says, do)


def fail(says: str, do: str = "") -> Finding:
    """The deployment, or its first sample, would fail."""
    return Finding(Verdict.FAIL, says, do)


def refuse_failures(findings: Iterable[Finding]) -> None:
    """Raises CommandFailed with all that failed, each remedy once."""
    failed: dict[str, list[str]] = {}
    for one in findings:
        if one.verdict is Verdict.FAIL:
            failed.setdefault(one.do, []).append(one.says)
    if failed:
        raise CommandFailed("; ".join(f"{'; '.join(says)} ({do})" for do, says in failed.items()))
