"""The lab's own choices on disk: pipelines, assays and prices."""

from functools import cache
from pathlib import Path
from typing import TypeVar

import msgspec

from seqdrop.domain.errors import InvalidPipeline, UnknownAssay, UnknownPipeline
from seqdrop.domain.pipeline import Assay, Assays, Pipeline, QueuePrice
from seqdrop.domain.pipeline_check import check_pipeline
from seqdrop.domain.records import Analysis

T = TypeVar("T")
_NOT_PIPELINES = {"assays", "prices", "references"}


class Library:
    """Pipelines and assays of a deployment, read when they are first asked for."""

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)

    @property
    def default_assay(self) -> str:
        """The assay that is meant where nothing names one."""
        return self._assays().default

    def assays(self) -> dict[str, Assay]:
        """All assays by name."""
        return dict(self._assays().assays)

    def has_assay(self, name: str) -> bool:
        """Whether an assay of this name exists."""
        return name in self._assays().assays

    def assay_of(self, analysis: Analysis) -> Assay:
        """The assay of an analysis, or what its manifest chose in its place.

        Raises UnknownAssay.
        """
        if analysis.pipeline:
            return Assay(
                analysis.pipeline, analysis.reference, reference_version=analysis.reference_version
            )
        assays = self._assays().assays
        if analysis.assay not in assays:
            known = ", ".join(sorted(assays))
            raise UnknownAssay(
                f"there is no assay {analysis.assay!r} (there are: {known}): upload the files "
                "under an assay's folder, or drop a manifest that names one"
            )
        return assays[analysis.assay]

    def pipeline(self, name: str) -> Pipeline:
        """A pipeline by name. Raises UnknownPipeline."""
        names = self.pipeline_names()
        if name not in names:
            raise UnknownPipeline(f"there is no pipeline {name!r} (there are: {', '.join(names)})")
        return _read_pipeline(self._folder / f"{name}.yaml")

    def pipeline_names(self) -> list[str]:
        """All pipelines that samples may run."""
        return sorted(p.stem for p in self._folder.glob("*.yaml") if p.stem not in _NOT_PIPELINES)

    def reference_indexes(self) -> Pipeline:
        """The stages that make a reference's indexes."""
        return _read_pipeline(self._folder / "references.yaml")

    def prices(self) -> dict[str, QueuePrice]:
        """What an hour costs on each kind of queue."""
        return _read_yaml(self._folder / "prices.yaml", dict[str, QueuePrice])

    def _assays(self) -> Assays:
        return _read_yaml(self._folder / "assays.yaml", Assays)


@cache
def _load_yaml(path: Path) -> object:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return yaml.load(path.read_text("utf-8"), loader)  # noqa: S506  # safe, in C where it can be
    except yaml.YAMLError as error:
        raise InvalidPipeline(f"{path.name}: {error}") from error


def _read_yaml(path: Path, kind: type[T]) -> T:
    try:
        return msgspec.convert(_load_yaml(path), kind)
    except msgspec.ValidationError as error:
        raise InvalidPipeline(f"{path.name}: {error}") from error


def _read_pipeline(path: Path) -> Pipeline:
    pipeline = _read_yaml(path, Pipeline)
    check_pipeline(pipeline)
    return pipeline
