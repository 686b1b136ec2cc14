"""The catalog's keys and index attributes: the one place that knows how items are laid out."""

import zlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from seqdrop.aws.catalog.table import Item, Key
from seqdrop.domain.naming import split_run_id

STATUS_SHARDS = 8
"""A status is one hot key; eight partitions take 8,000 writes a second."""


def analysis_key(sample: str, assay: str) -> Key:
    """The analysis item."""
    return f"SAMPLE#{sample}", f"ANALYSIS#{assay}"


def file_key(sample: str, assay: str, identity: str) -> Key:
    """A file item; identity is library#flowcell#lane#read#segment."""
    return f"SAMPLE#{sample}", f"FILE#{assay}#{identity}"


def run_item_key(sample: str, assay: str, run: str) -> Key:
    """A run item; ``run`` is a run id."""
    run_key, attempt = split_run_id(run)
    return f"SAMPLE#{sample}", f"RUN#{assay}#{run_key}#{attempt:04d}"


def job_key(sample: str, assay: str, run: str, stage: str, number: int = 1) -> Key:
    """A job item of a run's stage."""
    run_key, attempt = split_run_id(run)
    return f"SAMPLE#{sample}", f"JOB#{assay}#{run_key}#{attempt:04d}#{stage}#{number}"


def jobs_prefix(assay: str, run: str = "") -> str:
    """The sort key prefix of an analysis' jobs, or of one run's."""
    if not run:
        return f"JOB#{assay}#"
    run_key, attempt = split_run_id(run)
    return f"JOB#{assay}#{run_key}#{attempt:04d}#"


def uses_key(sample: str, assay: str, part: str) -> Key:
    """Which content of a reference's part the current run of an analysis uses."""
    return f"SAMPLE#{sample}", f"USES#{assay}#{part}"


def object_pk(bucket: str, key: str) -> str:
    """All that is known of an uploaded object: its versions, and where a manifest puts it."""
    return f"OBJECT#{bucket}/{key}"


def manifest_pk(manifest: str) -> str:
    """What is known of a manifest, by its object's key."""
    return f"MANIFEST#{manifest}"


def control_item(manifest: str, sample: str, assay: str) -> Item:
    """The item that finds a control by its manifest."""
    sk = f"CONTROL#{sample}#{assay}"
    return {"pk": manifest_pk(manifest), "sk": sk, "sample": sample, "assay": assay}


def reference_key(name: str, version: str) -> Key:
    """A reference version."""
    return f"REFERENCE#{name}", f"VERSION#{version}"


def hosts_key(hosts: str) -> Key:
    """What is known of the hosts of some queues; see ``domain/hosts.py``."""
    return f"HOSTS#{hosts}", "SEEN"


def status_attributes(sample: str, assay: str, status: str, now: datetime) -> dict[str, Any]:
    """An analysis' status with the keys of its index."""
    shard = zlib.crc32(sample.encode()) % STATUS_SHARDS
    return {
        "status": status,
        "updated": timestamp(now),
        "by_status_pk": f"STATUS#{status}#{shard}",
        "by_status_sk": f"{timestamp(now)}#{sample}#{assay}",
    }


def uses_item(sample: str, assay: str, part: str, checksum: str, run: str) -> Item:
    """The item that finds an analysis by the content of a reference's part."""
    pk, sk = uses_key(sample, assay, part)
    return {
        "pk": pk,
        "sk": sk,
        "sample": sample,
        "assay": assay,
        "part": part,
        "run": run,
        "by_reference_pk": f"PART#{checksum}",
        "by_reference_sk": f"{sample}#{assay}",
    }


def event_item(  # an audit event is made of all these
    sample: str, now: datetime, cause: str, *, who: str, what: str, **details: Any
) -> Item:
    """An audit event: written in the transaction of the change, and never again."""
    return {
        "pk": f"EVENTS#{sample}",
        "sk": f"{timestamp(now)}#{cause}",
        "who": who,
        "what": what,
        **{name: value for name, value in details.items() if value},
    }


def timestamp(now: datetime) -> str:
    """ISO 8601, UTC, milliseconds: sorts as text."""
    return now.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def group_partition(items: Sequence[Item]) -> dict[str, list[Item]]:
    """A sample's items by their kind (ANALYSIS, FILE, RUN, JOB, USES)."""
    groups: dict[str, list[Item]] = {}
    for item in items:
        groups.setdefault(str(item["sk"]).split("#", 1)[0], []).append(item)
    return groups
