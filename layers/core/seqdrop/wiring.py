"""Adapters and flows over the environment's settings: each made once, when it is first needed."""

from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
import botocore
from botocore.config import Config

from seqdrop.aws.batch import Batch
from seqdrop.aws.catalog import Catalog
from seqdrop.aws.executions import Executions
from seqdrop.aws.objects import Objects
from seqdrop.aws.queues import UploadsQueue
from seqdrop.library import Library
from seqdrop.settings import load_settings

if TYPE_CHECKING:
    from seqdrop.flow.claims import Claims
    from seqdrop.flow.closing import Closing
    from seqdrop.flow.jobs import JobFlow

_CONFIG = Config(
    connect_timeout=3,
    read_timeout=15,
    retries={"mode": "standard", "max_attempts": 4},
)
OLDEST_BOTOCORE = (1, 36)
"""Lambda's runtime brings its own, of an age that AWS chooses. An older one leaves S3's checksum of
a whole object out of its answers, without a word: results of the same file would get other keys."""
settings = cache(load_settings)


def check_botocore(version: str) -> None:
    """Raises RuntimeError for a botocore that is too old for what the functions ask."""
    if tuple(map(int, version.split(".")[:2])) < OLDEST_BOTOCORE:
        oldest = ".".join(map(str, OLDEST_BOTOCORE))
        raise RuntimeError(
            f"botocore {version} of this runtime is older than {oldest}: let Lambda update the "
            "function's runtime (its runtime management is to be Auto)"
        )


check_botocore(botocore.__version__)


def now() -> datetime:
    """The one clock."""
    return datetime.now(UTC)


def _client(service: str) -> Any:
    return boto3.client(service, config=_CONFIG)  # type: ignore[call-overload]  # by name


@cache
def catalog() -> Catalog:
    """The catalog's table."""
    return Catalog(_client("dynamodb"), settings().catalog_table)


@cache
def objects() -> Objects:
    """S3."""
    return Objects(_client("s3"))


@cache
def batch() -> Batch:
    """AWS Batch."""
    return Batch(_client("batch"))


@cache
def executions() -> Executions:
    """The state machine that analyses samples."""
    return Executions(_client("stepfunctions"), settings().analyse_sample_arn)


@cache
def queue() -> UploadsQueue:
    """The queue that register_upload reads."""
    return UploadsQueue(_client("sqs"), settings().uploads_queue_url)


@cache
def library() -> Library:
    """Pipelines and assays."""
    return Library(settings().pipelines_dir)


@cache
def claims() -> "Claims":
    """Whether analyses may start."""
    from seqdrop.flow.claims import Claims

    return Claims(
        catalog=catalog(),
        executions=executions(),
        queue=queue(),
        library=library(),
        images=settings().images,
        definitions=settings().job_definitions,
        now=now,
    )


@cache
def job_flow() -> "JobFlow":
    """Submitting, polling and recording jobs."""
    from seqdrop.flow.jobs import JobFlow

    return JobFlow(
        catalog=catalog(),
        objects=objects(),
        batch=batch(),
        executions=executions(),
        results_bucket=settings().results_bucket,
        queue_prefix=settings().job_queue_prefix,
        prices=library().prices,
        now=now,
        runnable_timeout_seconds=settings().runnable_timeout_seconds,
        scratch_gib=settings().scratch_gib,
    )


@cache
def closing() -> "Closing":
    """The end of runs."""
    from seqdrop.flow.closing import Closing

    return Closing(
        catalog=catalog(),
        objects=objects(),
        queue=queue(),
        jobs=job_flow(),
        results_bucket=settings().results_bucket,
        now=now,
    )
