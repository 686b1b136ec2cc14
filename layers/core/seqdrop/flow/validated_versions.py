"""By which version of its pipeline a sample is analysed where its assay asks for a validation."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from seqdrop.aws.catalog import Catalog
from seqdrop.domain.blueprint import Blueprint, check_images, check_ready, decode_blueprint
from seqdrop.domain.errors import InvalidInput, NotValidated
from seqdrop.domain.identity import ReferenceId, RunId
from seqdrop.domain.pipeline import Assay, is_fpga
from seqdrop.domain.records import Analysis, FastqFile
from seqdrop.domain.reference import ReferenceVersion
from seqdrop.domain.validation.record import Passed
from seqdrop.library import Library


@dataclass(frozen=True)
class ValidatedVersions:
    """What has passed is looked up for each run anew: a record may be withdrawn at any time."""

    catalog: Catalog
    library: Library
    images: dict[str, str]

    def passed(self, analysis: Analysis, config: Assay) -> list[Passed]:
        """The versions that have passed, the last one last: of the assay that makes its run."""
        return self.catalog.validations.passed(self._maker(analysis, config))

    def check(self, analysis: Analysis, config: Assay, blueprint: Blueprint) -> None:
        """Raises NotValidated where a run may be made so of controls alone."""
        if not config.validation.holds_back(analysis.sample):
            return
        if blueprint.calling not in {one.version for one in self.passed(analysis, config)}:
            raise NotValidated(
                f"assay {self._maker(analysis, config)} asks for a validated version of its "
                "pipeline, and this one has not passed"
            )

    def as_last(
        self, analysis: Analysis, config: Assay, files: Sequence[FastqFile]
    ) -> tuple[ReferenceVersion, Blueprint]:
        """Its run as the last version makes it that has passed and can be used here.

        Raises NotValidated where there is none, and what a blueprint of these files raises.
        """
        assay = self._maker(analysis, config)
        why = ""
        for version in reversed(self.passed(analysis, config)):
            try:
                reference, example = self._example(version.run, config)
            except InvalidInput as error:
                why = why or f"{version.run}, by which it was validated: {error.to_mend}"
                continue
            made = example.for_files(analysis.id, files, control=analysis.control)
            # Whose files these are, and whether they are a control's, is no matter of calling.
            judged = msgspec.structs.replace(
                made, sex_check=config.checks_sex, identity=config.identity,
                control_reads=config.control_reads,
            )  # fmt: skip
            return reference, judged
        controls = ", ".join(config.validation.controls)
        raise NotValidated(
            f"assay {assay} asks for a validated version of its pipeline, and "
            + (f"none can be used ({why})" if why else "none has passed"),
            f"analyse a control ({controls}), and give `seqdrop validate {assay}` what is known "
            "of it",
            "then rerun the sample",
        )

    def _maker(self, analysis: Analysis, config: Assay) -> str:
        """The assay whose version it is: that of the fall-back, where the run is made as one."""
        own = self.library.assay_of(analysis)
        return own.fallback if own.pipeline != config.pipeline else analysis.assay

    def _example(self, run: RunId, config: Assay) -> tuple[ReferenceVersion, Blueprint]:
        """How the validated run was made. Raises InvalidInput where no other can be made so."""
        made = self.catalog.runs.get(run)
        try:
            example = decode_blueprint(self.catalog.runs.blueprint(made) if made else b"")
        except msgspec.DecodeError as error:
            raise NotValidated("its record is gone, or of another release") from error
        check_images(example.pipeline, example.stages, self.images)
        self._check_hosts(example)
        _check_asks_the_same(example, config)
        name, _, version = example.reference.partition("/")
        reference = self.catalog.references.get(ReferenceId(name, version))
        if reference is None:
            raise NotValidated(f"reference {name} {version} is gone")
        check_ready(reference)
        return reference, example

    def _check_hosts(self, example: Blueprint) -> None:
        """An FPGA's hosts have one AMI at a time, which brings DRAGEN: none can be kept."""
        for kind, image in example.images.items():
            if is_fpga(kind) and _host(image) != _host(self.images[kind]):
                raise NotValidated(f"the hosts of {kind} have another AMI since")


def _host(image: str) -> str:
    """What follows an image in its key: the AMI, and where DRAGEN comes from."""
    return image.partition("|")[2]


def _check_asks_the_same(example: Blueprint, config: Assay) -> None:
    """Raises NotValidated where the assay asks for something else of the same reads by now."""
    targets = {name for name in example.parts if name.startswith("targets:")}
    wanted = {f"targets:{config.targets}"} if config.targets else set()
    asked = {
        "targets": targets == wanted,
        "duplicates": example.variables.get("mark_duplicates") == config.marks_duplicates
        and example.variables.get("umi_pattern", "") == config.umi_pattern,
        "reference": example.reference.partition("/")[0] == config.reference,
    }
    if other := [name for name, same in asked.items() if not same]:
        raise NotValidated(f"the assay asks for other {' and '.join(other)} since")
