"""References: a new version is put, its indexes are made by Batch jobs, and it is ready."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from seqdrop.aws.batch import JobRequest
from seqdrop.aws.catalog import Catalog
from seqdrop.aws.catalog.layout import timestamp
from seqdrop.aws.objects import Objects
from seqdrop.domain import fingerprint_sites
from seqdrop.domain.errors import Conflict, InvalidInput
from seqdrop.domain.failure import FailureClass
from seqdrop.domain.letters import SequenceFacts
from seqdrop.domain.pipeline import Stage
from seqdrop.domain.plan import LocalFile, RunPlan, StagePlan
from seqdrop.domain.planning import timeout_seconds
from seqdrop.domain.records import Job
from seqdrop.domain.reference import ReferenceState, ReferenceVersion
from seqdrop.flow.jobs import CATALOG_KEY, JobFlow
from seqdrop.library import Library

CODES_PART = "iupac"
"""The part that says where codes for several bases were replaced."""
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
        self,
        name: str,
        version: str,
        parts: dict[str, LocalFile],
        bases: int,
        who: str,
        *,
        facts: SequenceFacts | None = None,
        warnings: Iterable[str] = (),
    ) -> ReferenceVersion:
        """Puts a version and submits the jobs that look at it and make its indexes.

        Raises InvalidInput where the version is there with other content, or was retired.
        """
        new = ReferenceVersion(
            name, version, ReferenceState.PREPARING, bases, parts,
            wanted=tuple(self._index_stages()), created=timestamp(self.now()),
            facts=facts, warnings=tuple(warnings),
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
            if there.state is ReferenceState.RETIRED:
                raise InvalidInput(
                    f"reference {name} {version} was retired"
                    + (f" ({there.why})" if there.why else "")
                    + ": give the new version another name"
                ) from None
            if there.state is ReferenceState.READY:
                return there
            if there.state is ReferenceState.FAILED:
                self.catalog.references.retry(there, who, self.now())
        self._submit(name, version, parts)
        return new

    def retire(self, name: str, version: str, why: str, who: str) -> ReferenceVersion:
        """Withdraws a version: no claim uses it again. Twice is as good as once.

        Runs that used it keep its files, and their provenance. Raises InvalidInput where there is
        no such version.
        """
        there = self.catalog.references.get(name, version)
        if there is None:
            raise InvalidInput(f"there is no reference {name} {version}: see `seqdrop references`")
        self.catalog.references.retire(there, why, who, self.now())
        return self.catalog.references.get(name, version) or there

    def settle(self, job: Job) -> None:
        """A job over a reference has ended: its index is recorded, or the version has failed."""
        name = job.pk.removeprefix("REFERENCE#")
        version = job.sk.split("#")[1]
        reference = self.catalog.references.get(name, version)
        if reference is None or not job.has_ended:
            return
        result = self.objects.read_result(job.bucket, job.prefix, job.stage)
        if job.status == "FAILED" or result is None:
            why = job.message or "has no results"
            if job.failure_class != FailureClass.INPUT:  # such a message names the file itself
                why = f"its {job.stage} index: {why}"
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
        reference_files=tuple(_wanted_parts(stage, parts)),
    )


def _wanted_parts(stage: Stage, parts: dict[str, LocalFile]) -> Iterator[LocalFile]:
    """The parts that a stage's ``reference:`` names; all target regions, each by its name."""
    for name, file in parts.items():
        kind, _, which = name.partition(":")
        if kind in stage.reference:
            yield LocalFile(f"{kind}/{which}.bed", file.object) if which else file


def _content(reference: ReferenceVersion) -> dict[str, tuple[str, str]]:
    return {name: (file.path, file.object.sha256) for name, file in reference.parts.items()}


def part_of(file_name: str) -> tuple[str, str]:
    """The part of a reference that a file is by its name, and its path for the tools.

    Raises InvalidInput for other files.
    """
    stem = re.sub(r"\.gz$", "", file_name)
    if stem.endswith((".fa", ".fasta", ".fna")):
        return "sequence", "genome.fa"
    if stem.endswith(".fingerprint.vcf"):
        return fingerprint_sites.PART, fingerprint_sites.FILE
    if stem.endswith(".bed"):
        return f"targets:{stem.removesuffix('.bed')}", "targets.bed"
    if stem.endswith((".gff3", ".gff")):
        return "annotation", "annotation.gff3.gz"
    if stem.endswith(".alt"):
        return "alt", "genome.fa.alt"
    raise InvalidInput(
        f"{file_name!r} is no part of a reference: give FASTA (.fa), target regions (.bed), "
        "genes (.gff3), the names of ALT contigs (.alt) or SNPs for identity (.fingerprint.vcf)"
    )
