"""Options and arguments that several commands share."""

from enum import StrEnum
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
Sample = Annotated[str, typer.Argument(metavar="SAMPLE", help="The sample's id.")]
Assay = Annotated[
    str, typer.Option(metavar="NAME", help="One assay, where the sample has several.")
]
Parameters = Annotated[
    list[str] | None,
    typer.Option(
        "--parameter", metavar="NAME=VALUE", help="A parameter of the template; may be repeated."
    ),
]


class Engine(StrEnum):
    """What the embedded runtime's jobs run in."""

    DOCKER = "docker"
    PROCESS = "process"


class Severity(StrEnum):
    """Of what ECR finds in an image, in rising order; the rest stops nothing."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"
