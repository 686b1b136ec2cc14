"""The only reader of the environment: what the template tells each function."""

import os
from collections.abc import Mapping
from typing import TypeVar, get_origin

import msgspec

T = TypeVar("T", bound=msgspec.Struct)


class MissingSetting(RuntimeError):
    """A function can't start: the template does not tell it what it must know."""


class RegisterUploadSettings(msgspec.Struct, frozen=True):
    """What register_upload must know."""

    catalog_table: str
    uploads_queue_url: str
    analyse_sample_arn: str
    pipelines_dir: str
    images: dict[str, str]
    """By name; of an FPGA's image, the AMI of its hosts and where DRAGEN is come after it."""
    job_definitions: dict[str, str]
    """By image, the revisions of its job definitions (``JobDefinitions``)."""
    job_queue_prefix: str


class PlanRunSettings(msgspec.Struct, frozen=True):
    """What plan_run must know."""

    catalog_table: str
    results_bucket: str
    shortest_poll_seconds: int


class SubmitJobSettings(msgspec.Struct, frozen=True):
    """What submit_job must know."""

    catalog_table: str
    results_bucket: str
    job_queue_prefix: str
    """Queues are ``<prefix>-<kind>-<priority>``, definitions ``<prefix>-<image>-<reach>``."""
    cpu_instance_types: str


class PollJobSettings(msgspec.Struct, frozen=True):
    """What poll_job must know."""

    catalog_table: str
    job_events_queue_url: str
    pipelines_dir: str
    runnable_timeout_seconds: int
    scratch_gib: int


class RecordJobEventSettings(msgspec.Struct, frozen=True):
    """What record_job_event must know."""

    catalog_table: str
    job_events_queue_url: str
    job_log_group: str
    pipelines_dir: str
    reanalyse_arn: str
    scratch_gib: int


class SweepCatalogSettings(msgspec.Struct, frozen=True):
    """What sweep_catalog must know."""

    catalog_table: str
    results_bucket: str
    uploads_queue_url: str
    job_events_queue_url: str
    analyse_sample_arn: str
    reanalyse_arn: str
    pipelines_dir: str
    job_queue_prefix: str
    queue_kinds: frozenset[str]
    runnable_timeout_seconds: int
    alert_after_seconds: int
    """How long a sample may wait for its files, or to be started, before a person is told."""
    scratch_gib: int


class EndRunSettings(msgspec.Struct, frozen=True):
    """What end_run must know."""

    catalog_table: str
    results_bucket: str
    uploads_queue_url: str
    analyse_sample_arn: str


class ClosingSettings(msgspec.Struct, frozen=True):
    """What finish_run and record_failure must know."""

    catalog_table: str
    results_bucket: str
    uploads_queue_url: str


class PlanReanalysisSettings(msgspec.Struct, frozen=True):
    """What plan_reanalysis must know."""

    catalog_table: str
    results_bucket: str
    pipelines_dir: str
    images: dict[str, str]
    scratch_gib: int


class ReanalyseSampleSettings(msgspec.Struct, frozen=True):
    """What reanalyse_sample must know."""

    catalog_table: str
    results_bucket: str
    uploads_queue_url: str
    analyse_sample_arn: str
    pipelines_dir: str
    images: dict[str, str]
    job_definitions: dict[str, str]
    job_queue_prefix: str


class ReportReanalysisSettings(msgspec.Struct, frozen=True):
    """What ask_approval and report_reanalysis must know."""

    catalog_table: str
    results_bucket: str


class CopyAuditSettings(msgspec.Struct, frozen=True):
    """What copy_audit must know."""

    audit_bucket: str


def load_settings(kind: type[T], environment: Mapping[str, str] = os.environ) -> T:
    """A function's settings, from the variables of the same names in capitals.

    Raises MissingSetting, with the variable's name, where one is missing, empty or of another form.
    """
    given: dict[str, object] = {}
    for field in msgspec.structs.fields(kind):
        name = field.name.upper()
        text = environment.get(name, "")
        if not text:
            raise MissingSetting(f"the variable {name} is missing or empty: deploy the template")
        try:
            given[field.name] = msgspec.convert(
                _read(text, get_origin(field.type)), field.type, strict=False
            )
        except (msgspec.ValidationError, msgspec.DecodeError) as error:
            raise MissingSetting(f"the variable {name} is {text[:100]!r}: {error}") from error
    return kind(**given)


def _read(text: str, kind: object) -> object:
    """What a variable's text says: ``name=value,…`` for a mapping, and a set as JSON."""
    if kind is frozenset:
        return msgspec.json.decode(text)
    return _mapping(text) if kind is dict else text


def _mapping(text: str) -> dict[str, str]:
    """``name=value,…``, in which an entry may be empty: the template has slots for images."""
    found: dict[str, str] = {}
    for entry in filter(None, text.split(",")):
        name, _, value = entry.partition("=")
        if not name or not value:
            raise msgspec.ValidationError(f"{entry!r} is not name=value")
        if name in found:
            raise msgspec.ValidationError(f"{name!r} is there twice")
        found[name] = value
    return found
