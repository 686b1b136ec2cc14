"""The pipelines and assays that a deployment has: those that its functions read, from their layer.

This copy of Seqdrop may have others: somebody else may have deployed, or edited a file since.
"""

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import url2pathname, urlopen

from botocore.exceptions import BotoCoreError, ClientError

from cli.stack import PIPELINES, is_embedded
from seqdrop.library import Library

if TYPE_CHECKING:
    from cli.stack import Stack

_LAYER = "PipelinesLayer"
"""SAM adds a digest to the name."""
_SECONDS = 30


@dataclass(frozen=True)
class KnownLibrary:
    """Pipelines and assays, and whether they are surely the deployment's."""

    library: Library
    doubt: str = ""
    """Why this copy's stand in for them; "" where they are the deployment's own."""


@contextmanager
def deployed_library(stack: "Stack") -> Iterator[KnownLibrary]:
    """What the deployment's functions know; where nobody may ask, what this copy of Seqdrop has."""
    with TemporaryDirectory(prefix="seqdrop-") as scratch:
        try:
            folder = _fetch(_location(stack), Path(scratch))
        except (BotoCoreError, ClientError, OSError, LookupError, zipfile.BadZipFile) as error:
            why = " ".join(str(error).split())
            yield KnownLibrary(Library(str(PIPELINES)), why)
            return
        yield KnownLibrary(Library(str(folder)))


def _location(stack: "Stack") -> str:
    """Where the layer's content can be had. Raises LookupError where the stack has no such layer.

    Asks for cloudformation:ListStackResources and lambda:GetLayerVersion.
    """
    pages = stack.client("cloudformation").get_paginator("list_stack_resources")
    arn = next(
        (
            str(resource["PhysicalResourceId"])
            for page in pages.paginate(StackName=stack.name)
            for resource in page["StackResourceSummaries"]
            if resource["ResourceType"] == "AWS::Lambda::LayerVersion"
            and resource["LogicalResourceId"].startswith(_LAYER)
            and not resource["ResourceStatus"].startswith("DELETE")
        ),
        "",
    )
    if not arn:
        raise LookupError(f"the stack {stack.name!r} has no layer {_LAYER}")
    name, _, version = arn.rpartition(":")
    answer = stack.client("lambda").get_layer_version(
        LayerName=name.rpartition(":")[2], VersionNumber=int(version)
    )
    return str(answer["Content"]["Location"])


def _fetch(location: str, scratch: Path) -> Path:
    """The folder with the layer's content: the embedded runtime's is one on this machine."""
    place = urlsplit(location)
    if is_embedded() and place.scheme == "file":
        return Path(url2pathname(place.path))
    if place.scheme != "https":
        raise LookupError(f"the layer's content is said to be at {location}")
    with urlopen(location, timeout=_SECONDS) as answer:  # noqa: S310  # https, as was looked at
        zipfile.ZipFile(io.BytesIO(answer.read())).extractall(scratch)
    return scratch
