"""References: a new version is put, its indexes are made by Batch jobs, and it is ready."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from seqdrop.aws.batch import JobRequest
from seqdrop.aws.catalog import Catalog
from seqdrop.aws.catalog.layout import job_parameter, timestamp
from seqdrop.aws.objects import Objects
from seqdrop.aws.queues import JobEventsQueue
from seqdrop.domain import chain_file, fingerprint_sites, ploidy, primers
from seqdrop.domain.cost import REFERENCES
from seqdrop.domain.errors import Conflict, InvalidInput, Transient
from seqdrop.domain.failure import FailureClass
from seqdrop.domain.hosts import queue_name
from seqdrop.domain.identity import IndexOf, ReferenceId
from seqdrop.domain.job_definitions import definition_name
from seqdrop.domain.pipeline import Stage
from seqdrop.domain.plan import LocalFile, RunPlan, StagePlan
from seqdrop.domain.plan_making import timeout_seconds
from seqdrop.domain.records import Job
from seqdrop.domain.reference import (
    ReferenceState,
    ReferenceVersion,
    SequenceFacts,
    difference,
)
from seqdrop.flow.polling import Polling
from seqdrop.flow.recording import OWNER_PARAMETER
from seqdrop.flow.submission import Submission
from seqdrop.library import Library

CODES_PART = "iupac"
"""The part that says where codes for several bases were replaced."""
_SUFFIXES = {
    "targets": ".bed", "left_out": ".bed", primers.PART: ".bed", chain_file.PART: ".chain",
}  # fmt: skip
"""Of the kinds of parts of which a version may have several, each with a name."""

_IN_PLACE_OF = {"dragen-software": "dragen"}
"""Stages that make an index where there is no queue for the one that has its name."""


@dataclass(frozen=True)
class Preparation:
    """A version that is prepared is READY when its last index is there, or has FAILED."""

    catalog: Catalog
    objects: Objects
    library: Library
    queue: JobEventsQueue
    now: Callable[[], datetime]
    images: frozenset[str] = frozenset()
    """The images that are here, where that is known: no index of others is made."""

    def settle(self, reference: ReferenceId) -> None:
        """A job over a reference has ended: its version may be ready now, or has failed.

        An event of an earlier try, late or doubled, is no word on the newest.
        """
        if there := self.catalog.references.get(reference):
            self.settled(there)

    def settled(self, reference: ReferenceVersion) -> ReferenceVersion:
        """Takes in what the newest job of each index has left; the version as it is then."""
        if reference.state in {ReferenceState.READY, ReferenceState.RETIRED}:
            return reference
        jobs = self.catalog.jobs.of_reference(reference.id)
        newest = {job.stage: job for job in sorted(jobs, key=lambda job: job.owner.number)}
        for job in newest.values():
            if not job.has_ended or job.stage in reference.indexes:
                continue
            result = None
            if job.status == "SUCCEEDED":
                result = self.objects.read_result(job.bucket, job.prefix, job.stage)
            if result:
                objects = self.objects.describe_results(job.bucket, job.prefix, result)
                files = tuple(LocalFile(o.key.removeprefix(job.prefix), o) for o in objects)
                reference = self.catalog.references.add_index(reference.id, job.stage, files)
            elif job.owner.number >= reference.tries:
                why = _why_failed(job)
                self.catalog.references.settle(reference, ReferenceState.FAILED, why, self.now())
        wanted = reference.wanted or self.index_stages(reference.parts)
        if reference.indexes.keys() >= set(wanted):
            self.catalog.references.settle(reference, ReferenceState.READY, "", self.now())
        there = self.catalog.references.get(reference.id) or reference
        if there.to_announce:
            self.queue.reference_ready(there.id)
        return there

    def index_stages(self, parts: Collection[str]) -> dict[str, Stage]:
        """The stages that make the indexes of this deployment, over a version's parts.

        Where the image of one is not here, another may make it in its place.
        """
        stages = self.library.reference_indexes().stages
        here = self.images or {stage.image_name for stage in stages.values()}
        made = {
            index: stage
            for index, stage in stages.items()
            if stage.image_name in here and (not stage.when or stage.when in parts)
        }
        for other, index in _IN_PLACE_OF.items():
            if stage := made.pop(other, None):
                made.setdefault(index, stage)
        return made


@dataclass(frozen=True)
class ReferenceFlow:
    """A version is known by what it holds; the same version again goes on where it stopped."""

    catalog: Catalog
    objects: Objects
    preparation: Preparation
    submission: Submission
    polling: Polling
    references_bucket: str
    now: Callable[[], datetime]

    def add(
        self,
        reference: ReferenceId,
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
            reference.name, reference.version, ReferenceState.PREPARING, bases, parts,
            wanted=tuple(self.preparation.index_stages(parts)), created=timestamp(self.now()),
            facts=facts, warnings=tuple(warnings),
        )  # fmt: skip
        try:
            self.catalog.references.add(new, who, self.now())
        except Conflict:
            return self._go_on(new, who)
        return self._prepare(new)

    def _go_on(self, new: ReferenceVersion, who: str) -> ReferenceVersion:
        """Goes on with a version that is there already, where it stopped."""
        there = self._there(new)
        if there.state is ReferenceState.FAILED:
            jobs = self.catalog.jobs.of_reference(new.id)
            tries = max((job.owner.number for job in jobs), default=0) + 1
            with suppress(Conflict):  # somebody else was faster: what he did is read next
                self.catalog.references.retry(there, tries, new.wanted, who, self.now())
            there = self._there(new)
        return self._prepare(there) if there.state is ReferenceState.PREPARING else there

    def _there(self, new: ReferenceVersion) -> ReferenceVersion:
        """The version as it is. Raises InvalidInput where it can't be gone on with."""
        there = self.catalog.references.get(new.id)
        if there is None:
            raise Transient(f"reference {new.name} {new.version} was there, and is not any more")
        if different := difference(there, new):
            raise InvalidInput(
                f"reference {new.name} {new.version} is there already, {different}: "
                "a version never changes; give the new one another name"
            )
        if there.state is ReferenceState.RETIRED:
            raise InvalidInput(
                f"reference {new.name} {new.version} was retired"
                + (f" ({there.why})" if there.why else "")
                + ": give the new version another name"
            )
        return there

    def _prepare(self, reference: ReferenceVersion) -> ReferenceVersion:
        """Submits the jobs that are missing, after a look at what earlier ones have made."""
        reference = self.preparation.settled(reference)
        if reference.state is ReferenceState.PREPARING:
            self._submit(reference)
        return reference

    def retire(self, reference: ReferenceId, why: str, who: str) -> ReferenceVersion:
        """Withdraws a version: no claim uses it again. Twice is as good as once.

        Runs that used it keep its files, and their provenance. Raises InvalidInput where there is
        no such version.
        """
        there = self.catalog.references.get(reference)
        if there is None:
            raise InvalidInput(
                f"there is no reference {reference.name} {reference.version}: see "
                "`seqdrop references`"
            )
        self.catalog.references.retire(there, why, who, self.now())
        for job in self.catalog.jobs.of_reference(reference):
            if job.job_id and not job.has_ended:
                self.polling.batch.terminate(job.job_id, "stopped: its reference was retired")
        return self.catalog.references.get(reference) or there

    def refresh(self, reference: ReferenceId) -> ReferenceVersion | None:
        """Asks Batch after the jobs that have not ended, as a poll does for a run's."""
        for job in self.catalog.jobs.of_reference(reference):
            if job.job_id and not job.has_ended:
                known = self.polling.batch.describe([job.job_id])
                self.polling.take(job, job.job_id, known.get(job.job_id))
        there = self.catalog.references.get(reference)
        return self.preparation.settled(there) if there else None

    def _submit(self, reference: ReferenceVersion) -> None:
        folder = reference.id.folder
        plans = tuple(
            _index_plan(
                index, stage, reference.parts, self.references_bucket, folder,
                definition=definition_name(self.submission.queue_prefix, stage.image_name, "index"),
            )
            for index, stage in self.preparation.index_stages(reference.parts).items()
        )  # fmt: skip
        name, version = reference.name, reference.version
        plan = self.objects.freeze_plan(
            self.references_bucket,
            RunPlan(name, "reference", version, 1, folder, "references", plans),
        )
        for stage in plan.stages:
            if stage.stage not in reference.indexes:
                self._submit_one(IndexOf(reference.id, stage.stage, reference.tries), stage)

    def _submit_one(self, owner: IndexOf, stage: StagePlan) -> None:
        job = self.catalog.jobs.start(
            Job(
                owner=owner,
                name=owner.job_name,
                queue=queue_name(self.submission.queue_prefix, stage.queue),
                prefix=stage.prefix,
                bucket=stage.bucket,
                folder=owner.reference.folder,
                pipeline=REFERENCES,
                vcpus=stage.vcpus,
                memory_mib=stage.memory_mib,
                expected_seconds=stage.expected_seconds,
                timeout_seconds=stage.timeout_seconds,
                submitting=timestamp(self.now()),
            )
        )
        if job.job_id:
            return
        uri = f"s3://{self.references_bucket}/{job.folder}plan.json"
        request = JobRequest(
            name=job.name,
            kind=stage.queue,
            queue=job.queue,
            definition=stage.definition,
            parameters={
                "plan": uri,
                "stage": owner.index,
                OWNER_PARAMETER: job_parameter(owner),
            },
            vcpus=stage.vcpus,
            memory_mib=stage.memory_mib,
            timeout_seconds=stage.timeout_seconds,
            tags={"seqdrop-reference": owner.reference.name},
        )
        self.submission.place(job, request)


def _why_failed(job: Job) -> str:
    why = job.message or "has no results"
    # A message on a wrong part names the file itself.
    return why if job.failure_class == FailureClass.BAD_INPUT else f"its {job.stage} index: {why}"


def _index_plan(
    index: str, stage: Stage, parts: dict[str, LocalFile], bucket: str, folder: str, *,
    definition: str,
) -> StagePlan:  # fmt: skip
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
        definition=definition,
        vcpus=stage.size.vcpus_of(size),
        memory_mib=stage.size.memory_mib.of(size),
        expected_seconds=seconds,
        timeout_seconds=timeout_seconds(stage, size),
        poll_seconds=seconds,
        steps=stage.steps,
        outputs=stage.outputs,
        reference_files=tuple(_wanted_parts(stage, parts)),
    )


def _wanted_parts(stage: Stage, parts: dict[str, LocalFile]) -> Iterator[LocalFile]:
    """The parts that a stage's ``reference:`` names; where there may be several, all of them."""
    for name, file in parts.items():
        kind, _, which = name.partition(":")
        if kind in stage.reference:
            yield LocalFile(f"{kind}/{which}{_SUFFIXES[kind]}", file.object) if which else file


def left_out_part(targets: str) -> tuple[str, str]:
    """The part with the regions of ``targets:<name>`` that the sequence lacks, and its path."""
    return targets.replace("targets:", "left_out:", 1), "targets.left_out.bed"


def part_of(file_name: str) -> tuple[str, str]:
    """The part of a reference that a file is by its name, and its path for the tools.

    Raises InvalidInput for other files.
    """
    stem = re.sub(r"\.b?gz$", "", file_name, flags=re.IGNORECASE)
    kind = stem.lower()
    if kind.endswith((".fa", ".fasta", ".fna")):
        return "sequence", "genome.fa"
    if kind.endswith(".fingerprint.vcf"):
        return fingerprint_sites.PART, fingerprint_sites.FILE
    if kind.endswith(".bed"):
        return _part_of_bed(stem[: -len(".bed")], file_name)
    if kind.endswith((".gff3", ".gff")):
        return "annotation", "annotation.gff3.gz"
    if kind.endswith(".alt"):
        return "alt", "genome.fa.alt"
    if kind.endswith(".chain"):
        return f"{chain_file.PART}:{stem[: -len('.chain')]}", chain_file.FILE
    raise InvalidInput(
        f"{file_name!r} is no part of a reference: give FASTA (.fa), target regions (.bed), "
        "the primers of a panel (<targets>.primers.bed), what X and Y share (par.bed), genes "
        "(.gff3), the names of ALT contigs (.alt), SNPs for identity (.fingerprint.vcf) or the way "
        "from an earlier version (<version>.chain)"
    )


def _part_of_bed(stem: str, file_name: str) -> tuple[str, str]:
    """What X and Y share, target regions, or the primers of a panel, named after those."""
    targets, dot, kind = stem.rpartition(".")
    if kind.lower() == ploidy.PART:
        return ploidy.PART, ploidy.FILE
    if kind.lower() != primers.PART:
        return f"targets:{stem}", "targets.bed"
    if not dot:
        raise InvalidInput(
            f"{file_name!r} does not say whose primers they are: name it after the target regions "
            "of its panel, as amplicon.primers.bed is named after amplicon.bed"
        )
    return f"{primers.PART}:{targets}", primers.FILE
