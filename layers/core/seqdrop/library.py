"""The lab's own choices on disk: pipelines, assays, names of files and prices."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from seqdrop.domain.admission import ProjectsFile
from seqdrop.domain.cost import Prices
from seqdrop.domain.errors import InvalidPipeline, UnknownAssay, UnknownPipeline
from seqdrop.domain.images import ImagesFile
from seqdrop.domain.name_patterns import NamePatterns, NamesFile
from seqdrop.domain.pipeline import COMPARE, Assay, Assays, Pipeline, Stage
from seqdrop.domain.pipeline_check import check_pipeline
from seqdrop.domain.records import Analysis
from seqdrop.domain.workflow_steps import with_workflow_steps
from seqdrop.misfit import place_of
from seqdrop.yaml_file import find_line, load_yaml

T = TypeVar("T")
NOT_PIPELINES = {
    "assays", "comparison", "images", "names", "prices", "projects", "reanalyses", "references",
}  # fmt: skip
"""Files beside the pipelines, which no pipeline can be called."""


class Library:
    """Pipelines and assays of a deployment, read when they are first asked for."""

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)
        self._names: NamePatterns | None = None

    @property
    def default_assay(self) -> str:
        """The assay that is meant where nothing names one."""
        return self.all_assays().default

    def assays(self) -> dict[str, Assay]:
        """All assays by name."""
        return dict(self.all_assays().assays)

    def has_assay(self, name: str) -> bool:
        """Whether an assay of this name exists."""
        return name in self.all_assays().assays

    def assay_of(self, analysis: Analysis) -> Assay:
        """The assay of an analysis, or what its manifest chose in its place.

        Raises UnknownAssay.
        """
        if analysis.pipeline:
            return Assay(
                analysis.pipeline, analysis.reference, reference_version=analysis.reference_version
            )
        return self.assay_named(analysis.assay)

    def assay_named(self, name: str) -> Assay:
        """An assay of the file. Raises UnknownAssay."""
        assays = self.all_assays().assays
        if name not in assays:
            known = ", ".join(sorted(assays))
            raise UnknownAssay(
                f"there is no assay {name!r} (there are: {known}): upload the files "
                "under an assay's folder, or drop a manifest that names one"
            )
        return assays[name]

    def pipeline(self, name: str) -> Pipeline:
        """A pipeline by name. Raises UnknownPipeline."""
        names = self.pipeline_names()
        if name not in names:
            raise UnknownPipeline(f"there is no pipeline {name!r} (there are: {', '.join(names)})")
        pipeline = self.unchecked(name)
        check_pipeline(pipeline)
        return pipeline

    def unchecked(self, name: str) -> Pipeline:
        """A file of stages as it stands, whatever may be wrong with what it says."""
        return with_workflow_steps(self._read(name, self._with_base(name), Pipeline))

    def _with_base(self, name: str) -> object:
        """A pipeline's YAML; with ``base: other`` the other's, where it says nothing itself."""
        own = load_yaml(self._folder / f"{name}.yaml")
        if not isinstance(own, dict) or "base" not in own:
            return own
        base = str(own["base"])
        line, _ = find_line(self._folder / f"{name}.yaml", ("base",))
        place = f"{name}.yaml, line {line}"
        if base == name or base not in self.pipeline_names():
            raise InvalidPipeline(f"{place}: its base {base!r} is not another pipeline")
        theirs = load_yaml(self._folder / f"{base}.yaml")
        if not isinstance(theirs, dict) or "base" in theirs:
            raise InvalidPipeline(f"{place}: its base {base!r} may not have a base of its own")
        return _merged(theirs, {key: value for key, value in own.items() if key != "base"})

    def pipeline_names(self) -> list[str]:
        """All pipelines that samples may run."""
        return sorted(p.stem for p in self._folder.glob("*.yaml") if p.stem not in NOT_PIPELINES)

    def reference_indexes(self) -> Pipeline:
        """The stages that make a reference's indexes."""
        indexes = self.unchecked("references")
        check_pipeline(indexes)
        return indexes

    def comparison(self) -> Stage:
        """The stage that compares two runs."""
        return self.unchecked("comparison").stages[COMPARE]

    def prices(self) -> Prices:
        """What an hour costs on each kind of queue, and the volumes of its hosts."""
        return self._read("prices", self._load("prices"), Prices)

    def images(self) -> ImagesFile:
        """The images that stages may name, and the digests that were approved; none of a lab that
        has no such file."""
        if not (self._folder / "images.yaml").is_file():
            return ImagesFile()
        return self._read("images", self._load("images"), ImagesFile)

    def projects(self) -> ProjectsFile:
        """What each project may have; all that there is, where no file says otherwise."""
        if not (self._folder / "projects.yaml").is_file():
            return ProjectsFile()
        return self._read("projects", self._load("projects"), ProjectsFile)

    def names(self) -> NamesFile:
        """The file of the names, whatever may be wrong with its patterns."""
        return self._read("names", self._load("names"), NamesFile)

    def name_patterns(self) -> NamePatterns:
        """How files are named here. Raises InvalidPipeline."""
        if self._names is None:
            self._names = NamePatterns(self.names())
        return self._names

    def where(self, name: str, place: Sequence[str | int]) -> str:
        """File and line of a place in a file, or in its base where that alone has it."""
        names = self.files_of(name)
        found = {each: find_line(self._folder / f"{each}.yaml", place) for each in names}
        best = max(names, key=lambda each: found[each][1])  # its own, where both have as much
        return f"{best}.yaml, line {found[best][0]}"

    def files_of(self, name: str) -> list[str]:
        """The files that a pipeline is made of: its own, and its base's."""
        own = load_yaml(self._folder / f"{name}.yaml")
        base = [str(own["base"])] if isinstance(own, dict) and "base" in own else []
        return [name, *(each for each in base if each in self.pipeline_names())]

    def all_assays(self) -> Assays:
        """The file of the assays."""
        return self._read("assays", self._load("assays"), Assays)

    def _load(self, name: str) -> object:
        return load_yaml(self._folder / f"{name}.yaml")

    def _read(self, name: str, found: object, kind: type[T]) -> T:
        """What a file says as its type. Raises InvalidPipeline with file and line."""
        try:
            return msgspec.convert(found, kind)
        except msgspec.ValidationError as error:
            place = place_of(error, found, kind)
            raise InvalidPipeline(f"{self.where(name, place)}: {error}") from error


def _merged(base: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """Mappings key by key, in the order of the base; all else as its own. What is ``~`` goes."""
    merged = {key: value for key, value in base.items() if key not in own or own[key] is not None}
    for key, value in own.items():
        if value is None and key in base:
            continue
        before = base.get(key)
        if isinstance(before, dict) and isinstance(value, dict):
            merged[key] = _merged(before, value)
        else:
            merged[key] = value
    return merged
