"""What a plan may name: results of its own sample, and references. A job refuses all else."""

from collections.abc import Iterator
from dataclasses import dataclass

from seqdrop.domain.identity import AnalysisId, ObjectName, ReferenceId, RunId
from seqdrop.domain.pipeline import COMPARE
from seqdrop.domain.plan import RunPlan, StagePlan, StoredObject
from seqdrop.domain.workflow import WORK, work_key

OF_A_REFERENCE = ("references", "reference")
"""Pipeline and assay of the plan that makes the indexes of a reference (``flow/references.py``)."""
_LEAST_PARTS = 3
"""Of a reference's key: ``<name>/<version>/<file>``."""


@dataclass(frozen=True)
class PlanScope:
    """A plan, and where it was found.

    Reads are not judged: they have the keys that the lab gave them, which say nothing of a sample.
    The sample's own results are told by their prefix, a reference's files by their bucket and key.
    """

    plan: RunPlan
    place: ObjectName
    """The job was told to read the plan there: its place says whose it is, whatever it holds."""

    def strays(self) -> Iterator[str]:
        """What the plan names that it may not, for a person; nothing where all is its own."""
        plan = self.plan
        whose = {"sample": plan.sample, "assay": plan.assay, "run key": plan.run_key}
        for what, name in whose.items():
            if not _is_name(name):
                yield f"its {what} {name!r} can't be a part of a path"
        if self.place.key != f"{self._folder}plan.json" or plan.folder != self._folder:
            whose_it_is = f"it is a plan for {self._folder}, with the folder {plan.folder!r}"
            yield f"{whose_it_is}, and was found at {self.place.uri}"
        for pair in plan.pairs:
            for mate in pair.files:
                if mate.bucket == self.place.bucket:
                    yield f"its reads {mate.key!r} are in the bucket of the results"
        for stage in plan.stages:
            yield from self._of_stage(stage)

    def is_of_reference(self, stored: StoredObject) -> bool:
        """Whether an object is a reference's and no sample's; of a plan without strays."""
        if self._is_index:
            return stored.bucket == self.place.bucket and stored.key.startswith(self._folder)
        return stored.bucket != self.place.bucket

    @property
    def _is_index(self) -> bool:
        return (self.plan.pipeline, self.plan.assay) == OF_A_REFERENCE

    @property
    def _folder(self) -> str:
        plan = self.plan
        if self._is_index:
            return ReferenceId(plan.sample, plan.run_key).folder
        return RunId(plan.sample, plan.assay, plan.run_key, plan.attempt).folder

    @property
    def _own(self) -> str:
        """Below this all is the sample's, or the reference's."""
        return self._folder if self._is_index else f"{self.plan.sample}/{self.plan.assay}/"

    def _of_stage(self, stage: StagePlan) -> Iterator[str]:
        name = stage.stage
        if not _is_name(name) or not _is_name(stage.key):
            yield f"its stage {name!r} with the key {stage.key!r} can't be a part of a path"
        if stage.bucket != self.place.bucket or not self._is_own_prefix(stage):
            where = ObjectName(stage.bucket, stage.prefix).uri
            yield f"stage {name} writes to {where}, which is no place of {self._own}"
        if stage.work and not self._is_own_work(stage):
            where = ObjectName(stage.bucket, stage.work).uri
            yield f"stage {name} works in {where}, which is no work folder of {self._own}"
        for output in stage.outputs:
            if not _is_path(output.name.removesuffix("/")):
                yield f"stage {name} has the output {output.name!r}, which is no path"
        buckets = set()
        for file in stage.reference_files:
            if self._is_results(file.object):
                continue
            buckets.add(file.object.bucket)
            if not self._is_reference(stage, file.object):
                where = ObjectName(file.object.bucket, file.object.key).uri
                yield f"stage {name} reads {where}, which is not its sample's nor its reference's"
        if len(buckets) > 1:
            yield f"stage {name} has references in several buckets: {', '.join(sorted(buckets))}"

    def _is_own_prefix(self, stage: StagePlan) -> bool:
        if self._is_index:
            return stage.prefix == f"{self._folder}indexes/{stage.stage}/"
        analysis = AnalysisId(self.plan.sample, self.plan.assay)
        return analysis.results(stage.stage, stage.key).number_of(stage.prefix) is not None

    def _is_own_work(self, stage: StagePlan) -> bool:
        results = AnalysisId(self.plan.sample, self.plan.assay).results(stage.stage, stage.key)
        own = stage.work.removeprefix(WORK)
        return stage.work == work_key(own) and results.number_of(own) is not None

    def _is_results(self, stored: StoredObject) -> bool:
        """Whether an object is of the same sample and assay, as what a comparison reads."""
        is_below = stored.key.startswith(self._own) and _is_path(stored.key)
        return stored.bucket == self.place.bucket and is_below

    def _is_reference(self, stage: StagePlan, stored: StoredObject) -> bool:
        """Whether an object can be the plan's reference, or the one that a comparison had before.

        Which reference that was, the plan does not say; the bucket's own name neither.
        """
        uploads = {mate.bucket for pair in self.plan.pairs for mate in pair.files}
        if stored.bucket in uploads | {self.place.bucket}:
            return False
        is_any = stage.stage == COMPARE or not self.plan.reference
        is_one = len(stored.key.split("/")) >= _LEAST_PARTS and _is_path(stored.key)
        return is_one and (is_any or stored.key.startswith(f"{self.plan.reference}/"))


def _is_path(text: str) -> bool:
    return all(map(_is_name, text.split("/")))


def _is_name(text: str) -> bool:
    return text not in {"", ".", ".."} and "/" not in text and "\0" not in text
