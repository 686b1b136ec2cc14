"""The blueprint of a run: all that decides its results, frozen when the run is claimed."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

import msgspec

from seqdrop.domain.assay_check import mistakes_of_assay
from seqdrop.domain.errors import (
    IdenticalFiles,
    ImageNotApproved,
    ImageNotHere,
    InvalidAssay,
    MismatchedMates,
    QueueNotHere,
    ReadsWithoutUmi,
    ReferenceNotReady,
    SexNotGiven,
)
from seqdrop.domain.fastq import check_mates
from seqdrop.domain.identity import AnalysisId, FileIdentity
from seqdrop.domain.job_definitions import JobDefinitions
from seqdrop.domain.keys import digest, run_key, stage_key
from seqdrop.domain.metrics import measurable
from seqdrop.domain.pipeline import COMPARE, Assay, Limit, Pipeline, Stage, is_fpga, waves_of
from seqdrop.domain.plan import LocalFile, ReadPair, StoredObject
from seqdrop.domain.ploidy import PART as PAR
from seqdrop.domain.primers import PART as PRIMERS
from seqdrop.domain.read_name import is_of_one_read
from seqdrop.domain.records import Analysis, FastqFile
from seqdrop.domain.reference import ReferenceState, ReferenceVersion

_NO_MATE = StoredObject("", "", 0)
CALLS = "variants.vcf.gz"
CRAM = "alignment.cram"
_OF_TARGETS = {"targets", "left_out", PRIMERS}
"""Parts of which a version has one for each of its target regions."""


class Blueprint(msgspec.Struct, frozen=True, omit_defaults=True):
    """Nothing in it is ever resolved again: not a version, not a pipeline, not a file."""

    sample: str
    assay: str
    pipeline: str
    stages: dict[str, Stage]
    stage_keys: dict[str, str]
    images: dict[str, str]
    """By the image's name; that of an FPGA's image has the AMI of its hosts beside it."""
    variables: dict[str, bool | str]
    pairs: tuple[ReadPair, ...]
    reference: str
    files: dict[str, tuple[LocalFile, ...]]
    """Reference files to fetch, by stage."""
    parts: dict[str, str]
    qc: dict[str, Limit]
    poll_factor: float
    floors: dict[str, str] = {}
    sex_check: bool = False
    identity: str = "earlier"
    control_reads: int = 100
    control: bool = False
    """Whether it is judged as a control without a template."""
    definitions: dict[str, str] = {}
    """The job definition's revision for each stage: a deploy in mid-run does not change it."""

    @property
    def run_key(self) -> str:
        """The hash of the stage keys, and of how their results are judged."""
        analysis = AnalysisId(self.sample, self.assay)
        keys = [key for name, key in self.stage_keys.items() if name != COMPARE]
        return run_key(analysis, keys, is_control=self.control)

    @property
    def calls_by_sex(self) -> bool:
        """Whether X and Y are called by the sex that is measured."""
        return bool(self.variables.get("ploidy_by_sex"))

    @property
    def checks_sex(self) -> bool:
        """Whether depth is held against the manifest; it is where calls depend on it, too."""
        return self.sex_check or self.calls_by_sex

    @property
    def recipe(self) -> dict[str, str]:
        """What decides each stage's output beside the sample's own files.

        That is its key as that of a run without files. A stage of the same files has another key
        exactly where this is another one.
        """
        stages = {name: stage for name, stage in self.stages.items() if name != COMPARE}
        used = self._checksums(stages)
        return _stage_keys(stages, self.variables, (), used, self.images)

    @property
    def calling(self) -> str:
        """Tells what decides its calls, beside the sample's own files; "" where it makes none.

        It is of the stages that make them: what follows, as annotation does, changes no call.
        """
        recipe = self.recipe
        made = [recipe[n] for n in recipe if CALLS in self.stages[n].outputs_named]
        return "".join(made) if len(made) < 2 else digest(made)

    @property
    def made(self) -> str:
        """Tells it from what would be made otherwise of the same files, or say otherwise how."""
        return digest([self.pipeline, self.reference, self.parts, self.recipe])

    @property
    def judged(self) -> str:
        """The same, and by which limits the results are judged."""
        limits = [self.qc, self.floors, self.sex_check, self.identity, self.control_reads]
        return digest([self.made, limits])

    def for_files(
        self, analysis: AnalysisId, files: Iterable[FastqFile], *, control: bool
    ) -> "Blueprint":
        """A run of other files, made and judged as this one. Raises InvalidInput as it is made."""
        stages = {name: stage for name, stage in self.stages.items() if name != COMPARE}
        reads = _reads_of(self.variables)
        pairs = pair_files(analysis.sample, files, reads)
        keys = _stage_keys(stages, self.variables, pairs, self._checksums(stages), self.images)
        return msgspec.structs.replace(
            self,
            sample=analysis.sample,
            assay=analysis.assay,
            stages=stages,
            stage_keys=keys,
            pairs=pairs,
            files={name: self.files[name] for name in stages},
            control=control,
        )

    def _checksums(self, stages: dict[str, Stage]) -> dict[str, dict[str, str]]:
        """By stage, the checksum of each part of the reference that it uses."""
        return {
            name: {part: sha256 for part, sha256 in self.parts.items() if _uses(stage, part)}
            for name, stage in stages.items()
        }

    @property
    def flowcells(self) -> tuple[str, ...]:
        """Those on which its files were sequenced."""
        units = (pair.read_group.partition("PU:")[2].partition("\\t")[0] for pair in self.pairs)
        return tuple(sorted({unit.rpartition(".")[0] for unit in units}))

    @property
    def input_bytes(self) -> int:
        """Compressed bytes of all FASTQ files."""
        return sum(file.size for pair in self.pairs for file in pair.files)

    def files_not_among(self, files: Iterable[FastqFile]) -> list[str]:
        """Keys of the files that it reads and that are not among these, or have other content."""
        there = {(file.identity.read, _content(file.object)) for file in files}
        mates = ((read, one) for pair in self.pairs for read, one in pair.mates)
        return [one.key for read, one in mates if (read, _content(one)) not in there]


def _content(file: StoredObject) -> tuple[str, int]:
    return file.checksum, file.size


def encode_blueprint(blueprint: Blueprint) -> bytes:
    """A blueprint as JSON, without blanks: it is kept for each run."""
    return msgspec.json.encode(blueprint)


def decode_blueprint(data: bytes) -> Blueprint:
    """A blueprint from its JSON; msgspec.ValidationError where it is none."""
    return msgspec.json.decode(data, type=Blueprint)


def make_blueprint(
    *,
    analysis: AnalysisId,
    assay: Assay,
    pipeline: Pipeline,
    reference: ReferenceVersion,
    files: Iterable[FastqFile],
    images: dict[str, str],
    definitions: JobDefinitions | None = None,
    control: bool = False,
) -> Blueprint:
    """Freezes a run. Raises InvalidInput where mates, limits or the reference do not fit."""
    check_limits(analysis.assay, assay, pipeline)
    check_ready(reference)
    _check_targets(assay, reference)
    _check_primers(analysis.assay, assay, pipeline, reference)
    _check_par(analysis.assay, assay, reference)
    variables = variables_of(analysis.assay, assay, reference.parts)
    stages = stages_under(pipeline, variables)
    check_images(pipeline.name, stages, images)
    used = {stage.image_name for stage in stages.values()}
    came = list(files)
    _check_umis(analysis.assay, assay, came)
    pairs = pair_files(analysis.sample, came, _reads_of(variables))
    parts = {name: _used_parts(stage, assay, reference) for name, stage in stages.items()}
    return Blueprint(
        sample=analysis.sample,
        assay=analysis.assay,
        pipeline=pipeline.name,
        stages=stages,
        stage_keys=_stage_keys(stages, variables, pairs, _checksums(parts), images),
        images={name: images[name] for name in used},
        variables=variables,
        pairs=pairs,
        reference=str(reference.id),
        files={n: _stage_files(s, parts[n], reference) for n, s in stages.items()},
        parts={p: f.object.sha256 for used in parts.values() for p, f in used.items()},
        qc=_limits(pipeline, assay),
        floors=assay.floors,
        sex_check=assay.checks_sex,
        identity=assay.identity,
        control_reads=assay.control_reads,
        control=control,
        poll_factor=assay.poll_factor,
        definitions={n: definitions.of(s) for n, s in stages.items()} if definitions else {},
    )


def check_limits(name: str, assay: Assay, pipeline: Pipeline) -> None:
    """Raises InvalidAssay for limits that nobody measures, floors that nobody knows, and settings
    of calling that the pipeline has no use for."""
    if mistakes := mistakes_of_assay(name, assay, pipeline):
        problems = "; ".join(mistake.says for mistake in mistakes)
        raise InvalidAssay(f"assay {name}: {problems}: mend pipelines/assays.yaml")


def check_ready(reference: ReferenceVersion) -> None:
    """Raises ReferenceNotReady unless every index is there."""
    if reference.state is ReferenceState.READY:
        return
    if reference.state is ReferenceState.RETIRED:
        raise ReferenceNotReady(
            f"reference {reference.name} {reference.version} was retired"
            + (f" ({reference.why})" if reference.why else ""),
            "name another version of it in the manifest or the assay",
            "then rerun the sample",
        )
    raise ReferenceNotReady(
        f"reference {reference.name} {reference.version} is {reference.state}"
        + (f": {reference.why}" if reference.why else ""),
        then="when it is ready, rerun the sample",
    )


def check_images(pipeline: str, stages: dict[str, Stage], images: dict[str, str]) -> None:
    """Raises QueueNotHere where a stage wants a kind of queue that is not here, and ImageNotHere
    where only its image is missing. Each kind of queue has an image of its own name."""
    missing = sorted({stage.queue for stage in stages.values()} - images.keys())
    if missing:
        raise QueueNotHere(
            f"this deployment has no {missing[0]} queue, which the pipeline {pipeline} needs",
            "choose an assay on CPU, or deploy with EnableFpga=true"
            if is_fpga(missing[0])
            else "deploy again: `seqdrop deploy` makes it where an assay's pipeline runs on it",
            "then rerun the sample",
        )
    without = sorted({stage.image_name for stage in stages.values()} - images.keys())
    if without:
        raise ImageNotHere(
            f"this deployment has no image {without[0]}, which the pipeline {pipeline} needs",
            "deploy again: `seqdrop deploy` builds the images of every assay's pipeline, "
            "as `seqdrop local up --engine docker` does on one machine",
            "then rerun the sample",
        )


def check_approved(blueprint: Blueprint, approved: Mapping[str, Collection[str]]) -> None:
    """Raises ImageNotApproved where an image has digests that were approved, and has another."""
    for name, image in sorted(blueprint.images.items()):
        digest = image.partition("|")[0].rpartition("@")[2]
        if name in approved and digest not in approved[name]:
            raise ImageNotApproved(
                f"the image {name} of this deployment is {digest}, which is not among its "
                "approved digests",
                f"approve it in pipelines/images.yaml, or deploy one that is ({name})",
                "then rerun the sample",
            )


def _check_targets(assay: Assay, reference: ReferenceVersion) -> None:
    if assay.targets and f"targets:{assay.targets}" not in reference.parts:
        raise ReferenceNotReady(
            f"reference {reference.name} {reference.version} has no target regions "
            f"{assay.targets!r}: add a version of it with {assay.targets}.bed"
        )


def _primers_of(assay: Assay) -> str:
    return f"{PRIMERS}:{assay.targets}"


def _check_primers(
    name: str, assay: Assay, pipeline: Pipeline, reference: ReferenceVersion
) -> None:
    """Raises InvalidAssay where reads would keep their primers' bases, or be taken for copies."""
    if _primers_of(assay) not in reference.parts:
        return
    fact = f"reference {reference.name} {reference.version} has primers of {assay.targets!r}"
    if not any("primers" in stage.asked for stage in pipeline.stages.values()):
        raise InvalidAssay(
            f"{fact}, and pipeline {pipeline.name} does not clip primers: their bases would be "
            f"called as the patient's: let the assay {name} name a pipeline that does, as "
            "germline-cpu, or a version of the reference without them"
        )
    if assay.duplicates == "mark":
        raise InvalidAssay(
            f"{fact}, and the assay {name} marks duplicates by position: all reads of an amplicon "
            "begin at the same base, so nearly all would be left out: say duplicates: none (or "
            "umi) in pipelines/assays.yaml"
        )


def _check_par(name: str, assay: Assay, reference: ReferenceVersion) -> None:
    """Raises ReferenceNotReady where nobody knows of what there is one copy."""
    if assay.ploidy == "by_sex" and PAR not in reference.parts:
        raise ReferenceNotReady(
            f"reference {reference.name} {reference.version} does not say what X and Y share, and "
            f"the assay {name} calls them by sex",
            "add a version of it with par.bed, or say ploidy: diploid in pipelines/assays.yaml",
            "then rerun the sample",
        )


def check_sex_given(analysis: Analysis, blueprint: Blueprint) -> None:
    """Raises SexNotGiven where calls depend on it, and nobody could see that they are wrong."""
    if blueprint.calls_by_sex and not analysis.sex and not analysis.control:
        raise SexNotGiven(
            f"the assay {analysis.assay} calls X and Y by sex, and no manifest gives the sample's",
            "give its sex in a manifest, or use an assay with ploidy: diploid",
            "it goes on by itself when a manifest gives it",
        )


def _check_umis(name: str, assay: Assay, files: Iterable[FastqFile]) -> None:
    """Raises ReadsWithoutUmi by each file's first read; a job looks at all of them."""
    for file in files if assay.umi_pattern else ():
        if file.first_read and not re.search(assay.umi_pattern, file.first_read):
            raise ReadsWithoutUmi(
                f"the first read of {file.object.key} has no UMI at the end of its name "
                f"({file.first_read}), and the assay {name} tells copies by UMIs",
                "make the FASTQ files anew with the UMIs in the reads' names, or use another assay "
                "(umi_separator says what the UMI follows)",
            )


def stages_under(pipeline: Pipeline, variables: Mapping[str, bool | str]) -> dict[str, Stage]:
    """The stages that a run has, by what ``when`` asks; those that fetch a CRAM by name get the
    sequence, without which it can't be read."""
    stages = {n: s for n, s in pipeline.stages.items() if not s.when or variables.get(s.when)}
    if not variables.get("alignment_cram"):
        return stages
    return {n: _with_sequence(s) if CRAM in s.inputs else s for n, s in stages.items()}


def _with_sequence(stage: Stage) -> Stage:
    parts = tuple(dict.fromkeys(("sequence", *stage.reference)))
    return msgspec.structs.replace(stage, reference=parts)


def variables_of(name: str, assay: Assay, parts: Collection[str]) -> dict[str, bool | str]:
    """What ``when`` may ask of a run under an assay, over a reference with these parts."""
    annotation = "annotation" in parts
    return {
        "paired_reads": assay.reads != "single",
        "interleaved_reads": assay.reads == "interleaved",
        "mark_duplicates": assay.marks_duplicates,
        "umi_pattern": assay.umi_pattern,
        "keep_duplicates": not assay.marks_duplicates,
        "targets": bool(assay.targets),
        "whole_genome": not assay.targets,
        "annotation": annotation,
        "annotate_csq": annotation and assay.annotator == "csq",
        "annotate_snpeff": annotation and assay.annotator == "snpeff",
        "call_bcftools": assay.caller == "bcftools",
        "call_freebayes": assay.caller == "freebayes",
        "ploidy_by_sex": assay.ploidy == "by_sex",
        "alignment": assay.alignment,
        "alignment_bam": assay.alignment == "bam",
        "alignment_cram": assay.alignment == "cram",
        "iupac": "iupac" in parts,
        "fingerprint": "fingerprint" in parts,
        "left_out": f"left_out:{assay.targets}" in parts,
        "primers": _primers_of(assay) in parts,
        "assay": name,
        "reporting_depth": str(assay.reporting_depth),
        **assay.calling.variables,
    }


def _limits(pipeline: Pipeline, assay: Assay) -> dict[str, Limit]:
    """The pipeline's, but for the metrics that the assay limits itself or does not have."""
    known = measurable(
        pipeline, duplicates_marked=assay.marks_duplicates, in_pairs=assay.reads != "single"
    )
    return {name: limit for name, limit in pipeline.qc.items() if name in known} | assay.qc


def _used_parts(stage: Stage, assay: Assay, reference: ReferenceVersion) -> dict[str, LocalFile]:
    used = {}
    for wanted in stage.reference:
        name = f"{wanted}:{assay.targets}" if wanted in _OF_TARGETS else wanted
        if wanted == PAR and assay.ploidy != "by_sex":
            continue  # it decides nothing of this run
        if name in reference.parts:
            used[name] = reference.parts[name]
        elif wanted == "sequence":
            raise ReferenceNotReady(f"reference {reference.name} has no sequence")
    return used


def _stage_files(
    stage: Stage, parts: dict[str, LocalFile], reference: ReferenceVersion
) -> tuple[LocalFile, ...]:
    indexes = [file for name in stage.indexes for file in reference.indexes.get(name, ())]
    missing = [name for name in stage.indexes if name not in reference.indexes]
    if missing:
        raise ReferenceNotReady(
            f"reference {reference.name} {reference.version} has no {missing[0]} index: "
            "add a version of it that has one"
        )
    return (*parts.values(), *indexes)


def _uses(stage: Stage, part: str) -> bool:
    """Whether a part of the reference decides a stage's output; ``targets:wes`` is of targets."""
    return part.partition(":")[0] in stage.reference


def _checksums(parts: dict[str, dict[str, LocalFile]]) -> dict[str, dict[str, str]]:
    return {
        stage: {part: file.object.sha256 for part, file in used.items()}
        for stage, used in parts.items()
    }


def _stage_keys(
    stages: dict[str, Stage],
    variables: dict[str, bool | str],
    pairs: tuple[ReadPair, ...],
    parts: dict[str, dict[str, str]],
    images: dict[str, str],
) -> dict[str, str]:
    keys: dict[str, str] = {}
    reads, md5s = [], []
    for pair in pairs:
        r1, r2 = pair.r1, pair.r2 or _NO_MATE
        reads.append((pair.read_group, r1.checksum, r2.checksum, r1.size, r2.size))
        if r1.md5 or r2.md5:
            md5s.append((pair.read_group, r1.md5, r2.md5))
    for wave in waves_of({name: stage.needs for name, stage in stages.items()}):
        for name in wave:
            stage = stages[name]
            keys[name] = stage_key(
                stage,
                image=images[stage.image_name],
                variables={v: variables[v] for v in sorted(stage.asked) if v in variables},
                reference_checksums=parts[name],
                reads=reads if stage.reads else [],
                md5s=md5s if stage.reads else [],
                upstream=[keys[need] for need in stage.needs],
            )
    return keys


def pair_files(
    sample: str, files: Iterable[FastqFile], reads: str = "pairs"
) -> tuple[ReadPair, ...]:
    """Read pairs with their read groups, in a fixed order; of other reads, R1 of each lane.

    Raises MismatchedMates where two files do not begin with the same read, or a lane of one file
    has R2, and IdenticalFiles where a file, or a lane's reads, came twice.
    """
    by_pair: dict[tuple[str, str, str, str], dict[str, FastqFile]] = defaultdict(dict)
    for file in files:
        by_pair[file.identity.pair][file.identity.read] = file
    check_not_twice(file for _, mates in sorted(by_pair.items()) for file in mates.values())
    if reads != "pairs":
        check_no_mates(by_pair.values(), reads)
    pairs = []
    lanes: dict[str, FastqFile] = {}
    for _, mates in sorted(by_pair.items()):
        r1 = mates["R1"]
        check_is_another_lane(r1, lanes)
        lane = ReadPair(
            _pair_id(r1.identity), read_group(sample, r1.identity), r1.object,
            interleaved=reads == "interleaved",
        )  # fmt: skip
        if reads == "pairs":
            r2 = mates["R2"]
            check_mates(r1.first_read, r2.first_read, r1.identity.describe_lane())
            lane = msgspec.structs.replace(lane, r2=r2.object)
        pairs.append(lane)
    return tuple(pairs)


def _reads_of(variables: Mapping[str, bool | str]) -> str:
    """An assay's ``reads``; those of a run of the release before were pairs."""
    if variables.get("interleaved_reads"):
        return "interleaved"
    return "pairs" if variables.get("paired_reads", True) else "single"


def check_no_mates(lanes: Iterable[Mapping[str, FastqFile]], reads: str) -> None:
    """Raises MismatchedMates where a lane has R2, of an assay that takes one file a lane."""
    for r2 in (lane["R2"] for lane in lanes if "R2" in lane):
        raise MismatchedMates(
            f"{r2.object.key} is {r2.identity.describe()}, and the assay takes {reads} reads: use "
            "an assay of pairs, or delete the file if its reads are not wanted"
        )


def check_not_twice(files: Iterable[FastqFile]) -> None:
    """Raises IdenticalFiles where two of a sample's files hold the same bytes.

    As both mates of a lane they map as no pair can; as two lanes they double every read.
    """
    seen: dict[tuple[str, int], FastqFile] = {}  # by checksum or ETag, and size
    for file in sorted(files, key=lambda file: (file.identity.pair, file.identity.read)):
        known = [(said, file.object.size) for said in (file.object.checksum, file.etag) if said]
        first = next((seen[one] for one in known if one in seen), None)
        seen = dict.fromkeys(known, file) | seen
        if first is None:
            continue
        if first.identity.pair == file.identity.pair:
            remedy = f"upload the right {file.identity.read}"
        else:
            remedy = "each lane needs a file of its own"
        raise IdenticalFiles(
            f"{file.object.key} is the same file as {first.object.key} (equal checksums), which is "
            f"{first.identity.describe()}: {remedy}"
        )


def check_is_another_lane(r1: FastqFile, lanes: dict[str, FastqFile]) -> None:
    """Raises IdenticalFiles where a lane begins with the read that another one begins with.

    The same reads, packed anew, have other bytes. ``lanes`` has the R1 files that were looked at
    before this one, by their first read.
    """
    if not is_of_one_read(r1.first_read):
        return
    first = lanes.setdefault(r1.first_read, r1)
    if first is not r1:
        raise IdenticalFiles(
            f"{r1.object.key} begins with the same read ({r1.first_read}) as {first.object.key}, "
            f"which is {first.identity.describe()}: each lane needs reads of its own, so delete "
            "the copy, or take it out of the manifest that names it"
        )


def _lane_id(identity: FileIdentity) -> str:
    lane = f"{identity.flowcell}.{identity.lane}"
    return lane if identity.library == "-" else f"{lane}.{identity.library}"


def _pair_id(identity: FileIdentity) -> str:
    lane = _lane_id(identity)
    return lane if identity.segment == "001" else f"{lane}.{identity.segment}"


def read_group(sample: str, identity: FileIdentity) -> str:
    """The lane's read group, as the SAM specification names its fields.

    ID ``flowcell.lane`` (and library, where one is named), PU ``flowcell.lane``.
    """
    library = sample if identity.library == "-" else identity.library
    return (
        f"@RG\\tID:{_lane_id(identity)}\\tPU:{identity.flowcell}.{identity.lane}"
        f"\\tLB:{library}\\tSM:{sample}\\tPL:ILLUMINA"
    )
