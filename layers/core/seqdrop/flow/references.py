"""References: a new version is put, its indexes are made by Batch jobs, and it is ready."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from seqdrop.aws.batch import JobRequest
from seqdrop.aws.catalog import Catalog
from seqdrop.aws.catalog.layout import timestamp
from seqdrop.aws.objects import Objects
from seqdrop.domain.errors import Conflict, InvalidInput
from seqdrop.domain.pipeline import Stage
from seqdrop.domain.plan import LocalFile, RunPlan, StagePlan
from seqdrop.domain.planning import timeout_seconds
from seqdrop.domain.records import Job, ReferenceState, ReferenceVersion
from seqdrop.flow.jobs import CATALOG_KEY, JobFlow
from seqdrop.library import Library

_PRIORITY = "routine"


@dataclass(frozen=True)
class ReferenceFlow:
    """A version is known by what it holds; the same version again goes on where it stopped."""

    catalog: Catalog
    objects: Objects
    jobs: JobFlow
    library: Library
    references_bucket: str
    now: Callable[[], datetime]
    queue_kinds: frozenset[str] = frozenset()
    """The kinds of queues that are here, where that is known: no others' indexes are made."""

    def add(
        self, name: str, version: str, parts: dict[str, LocalFile], bases: int, who: str
    ) -> ReferenceVersion:
        """Puts a version and submits the jobs that make its indexes.

        Raises InvalidInput where the version is there with other content.
        """
        new = ReferenceVersion(
            name, version, ReferenceState.PREPARING, bases, parts,
            wanted=tuple(self._index_stages()), created=timestamp(self.now()),
        )  # fmt: skip
        try:
            self.catalog.references.add(new, who, self.now())
        except Conflict:
            there = self.catalog.references.get(name, version)
            if there is None or _content(there) != _content(new):
                raise InvalidInput(
                    f"reference {name} {version} is there already, with other content: "
                    "a version never changes; give the new one another name"
                ) from None
            if there.state is ReferenceState.READY:
                return there
            if there.state is ReferenceState.FAILED:
                self.catalog.references.retry(there, who, self.now())
        self._submit(name, version, parts)
        return new

    def settle(self, job: Job) -> None:
        """A job over a reference has ended: its index is recorded, or the version has failed."""
        name = job.pk.removeprefix("REFERENCE#")
        version = job.sk.split("#")[1]
        reference = self.catalog.references.get(name, version)
        if reference is None or not job.has_ended:
            return
        result = self.objects.read_result(job.bucket, job.prefix, job.stage)
        if job.status == "FAILED" or result is None:
            why = f"its {job.stage} index: {job.message or 'has no results'}"
            self.catalog.references.settle(reference, ReferenceState.FAILED, why, self.now())
            return
        objects = self.objects.describe_results(job.bucket, job.prefix, result)
        files = tuple(LocalFile(o.key.removeprefix(job.prefix), o) for o in objects)
        reference = self.catalog.references.add_index(name, version, job.stage, files)
        if reference.indexes.keys() >= set(reference.wanted or self._index_stages()):
            self.catalog.references.settle(reference, ReferenceState.READY, "", self.now())

    def refresh(self, name: str, version: str) -> ReferenceVersion | None:
        """Asks Batch after the jobs that have not ended, as a poll does for a run's."""
        for job in self.catalog.jobs.of_reference(name, version):
            if job.job_id and not job.has_ended:
                state = self.jobs.batch.describe([job.job_id]).get(job.job_id)
                recorded = self.jobs.record((job.pk, job.sk), state) if state else None
                if recorded and recorded.has_ended:
                    self.settle(recorded)
        return self.catalog.references.get(name, version)

    def _index_stages(self) -> dict[str, Stage]:
        stages = self.library.reference_indexes().stages
        here = self.queue_kinds or {stage.queue for stage in stages.values()}
        return {index: stage for index, stage in stages.items() if stage.queue in here}

    def _submit(self, name: str, version: str, parts: dict[str, LocalFile]) -> None:
        folder = f"{name}/{version}/"
        plans = tuple(
            _index_plan(index, stage, parts, self.references_bucket, folder)
            for index, stage in self._index_stages().items()
        )
        plan = self.objects.freeze_plan(
            self.references_bucket,
            RunPlan(name, "reference", version, 1, folder, "references", plans),
        )
        before = self.catalog.jobs.of_reference(name, version)
        for stage in plan.stages:
            tries = [job for job in before if job.stage == stage.stage]
            if any(job.status == "SUCCEEDED" for job in tries):
                continue
            number = len([job for job in tries if job.has_ended]) + 1
            self._submit_one(name, version, stage, folder, number)

    def _submit_one(
        self, name: str, version: str, stage: StagePlan, folder: str, number: int
    ) -> None:
        pk, sk = self.catalog.jobs.reference_key(name, version, stage.stage, number)
        job_name = f"reference-{name}-{version}-{stage.stage}-{number}"
        job = self.catalog.jobs.start(
            Job(
                pk=pk,
                sk=sk,
                stage=stage.stage,
                name=re.sub(r"[^A-Za-z0-9_-]", "_", job_name)[:128],
                queue=f"{self.jobs.queue_prefix}-{stage.queue}-{_PRIORITY}",
                prefix=stage.prefix,
                bucket=stage.bucket,
                folder=folder,
                vcpus=stage.vcpus,
                submitting=timestamp(self.now()),
            )
        )
        if job.job_id:
            return
        uri = f"s3://{self.references_bucket}/{folder}plan.json"
        request = JobRequest(
            name=job.name,
            kind=stage.queue,
            queue=job.queue,
            definition=f"{self.jobs.queue_prefix}-{stage.queue}",
            parameters={"plan": uri, "stage": stage.stage, CATALOG_KEY: f"{pk}|{sk}"},
            vcpus=stage.vcpus,
            memory_mib=stage.memory_mib,
            timeout_seconds=stage.timeout_seconds,
            tags={"seqdrop-reference": name},
        )
        self.jobs.place(job, request)


def _index_plan(
    index: str, stage: Stage, parts: dict[str, LocalFile], bucket: str, folder: str
) -> StagePlan:
    sequence = parts["sequence"]
    size = sequence.object.size
    seconds = stage.size.seconds.of(size)
    return StagePlan(
        stage=index,
        key=sequence.object.sha256,
        needs=(),
        prefix=f"{folder}indexes/{index}/",
        bucket=bucket,
        queue=stage.queue,
        image="",
        vcpus=stage.size.vcpus,
        memory_mib=stage.size.memory_mib.of(size),
        expected_seconds=seconds,
        timeout_seconds=timeout_seconds(stage, size),
        poll_seconds=seconds,
        steps=stage.steps,
        outputs=stage.outputs,
        reference_files=(sequence,),
    )


def _content(reference: ReferenceVersion) -> dict[str, tuple[str, str]]:
    return {name: (file.path, file.object.sha256) for name, file in reference.parts.items()}


def part_of(file_name: str) -> tuple[str, str]:
    """The part of a reference that a file is by its name, and its path for the tools.

    Raises InvalidInput for other files.
    """
    stem = re.sub(r"\.gz$", "", file_name)
    if stem.endswith((".fa", ".fasta", ".fna")):
        return "sequence", "genome.fa"
    if stem.endswith(".bed"):
        return f"targets:{stem.removesuffix('.bed')}", "targets.bed"
    if stem.endswith((".gff3", ".gff")):
        return "annotation", "annotation.gff3.gz"
    raise InvalidInput(
        f"{file_name!r} is no part of a reference: give FASTA (.fa), target regions (.bed) or "
        "genes (.gff3)"
    )
