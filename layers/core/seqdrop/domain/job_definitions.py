"""The job definitions of a deployment: one for each image, and for what its jobs reach.

A job's role is a part of its definition, so that what a job reaches is decided by which definition
it is submitted with.
"""

from dataclasses import dataclass
from typing import Literal, get_args

from seqdrop.domain.pipeline import Stage
from seqdrop.domain.plan import StagePlan

Reach = Literal["reads", "results", "index"]
"""A sample's reads, and all that "results" has; the results of stages before, and references; a
reference, to make its index. Each writes its own results."""


def definition_name(prefix: str, image: str, reach: Reach) -> str:
    """The name of a job definition, without its revision."""
    return f"{prefix}-{image}-{reach}"


def reach_of(stage: Stage | StagePlan) -> Reach:
    """What a stage of a sample's run reaches."""
    return "reads" if stage.reads else "results"


@dataclass(frozen=True)
class JobDefinitions:
    """The definitions that are deployed."""

    prefix: str
    revisions: dict[str, str]
    """By image: the revisions of its definitions, in the order of ``Reach``, joined by dots; one
    alone where all its jobs reach the same, as head jobs of workflows do."""

    def of(self, stage: Stage) -> str:
        """``name:revision`` for a stage of a run. Raises KeyError where its image is not here."""
        reach, image = reach_of(stage), stage.image_name
        first, *others = self.revisions[image].split(".")
        if not others:
            return f"{self.prefix}-{image}:{first}"
        by_reach = dict(zip(get_args(Reach), [first, *others], strict=True))
        return f"{definition_name(self.prefix, image, reach)}:{by_reach[reach]}"
