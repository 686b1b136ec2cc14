"""The only reader of the environment."""

import os
from pathlib import Path
from typing import get_origin

import msgspec


class Settings(msgspec.Struct, frozen=True):
    """What the template tells a function; each gets only what it uses."""

    catalog_table: str = ""
    results_bucket: str = ""
    audit_bucket: str = ""
    uploads_queue_url: str = ""
    analyse_sample_arn: str = ""
    job_queue_prefix: str = ""
    """Queues are ``<prefix>-<kind>-<priority>``, definitions ``<prefix>-<kind>``."""
    images: dict[str, str] = {}
    """What runs on each kind of queue: an image's digest, or a host's AMI and DRAGEN version."""
    job_definitions: dict[str, str] = {}
    """The revision of the job definition that belongs to each image, by the same kinds."""
    pipelines_dir: str = "/opt"
    shortest_poll_seconds: int = 60
    runnable_timeout_seconds: int = 14_400
    scratch_gib: int = 1_000


def load_settings() -> Settings:
    """Settings from the environment's variables of the same names in capitals."""
    given: dict[str, object] = {}
    for field in msgspec.structs.fields(Settings):
        value = os.environ.get(field.name.upper())
        if value:
            is_json = get_origin(field.type) is dict
            given[field.name] = msgspec.json.decode(value) if is_json else value
    settings = msgspec.convert(given, Settings, strict=False)
    return msgspec.structs.replace(settings, pipelines_dir=str(Path(settings.pipelines_dir)))
