"""A look at all that an upload would send, here and at the deployment, before any of it goes."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cli import destination, inspection, replacement
from cli.deployed_library import deployed_library
from cli.drop import Drop
from cli.drop_by_manifest import drop_with_manifest
from cli.drop_by_name import drop_as_named, drop_with_options, leave_out_aside
from cli.gather import LeftOut, gather
from cli.manifest_file import named_by_manifests, read_manifest

if TYPE_CHECKING:
    from cli.stack import Stack
    from seqdrop.domain.manifest import SampleEntry


@dataclass(frozen=True)
class Look:
    """What would be sent, what would not, and all that is wrong or odd."""

    drop: Drop
    left_out: list[LeftOut]
    warnings: list[str]
    faults: list[str]


def look(
    stack: "Stack", paths: Sequence[Path], manifest: Path | None, given: "SampleEntry | None", *,
    partial: bool,
) -> Look:  # fmt: skip
    """Goes through all files, whatever is wrong with one.

    ``given`` is what options say of all of them, ``partial`` that a mate may be missing. Raises
    InvalidInput where a manifest or a sample id says nothing that can be used.
    """
    bucket = stack.output("UploadsBucket")
    with deployed_library(stack) as known:
        library = known.library
        default_assay = library.default_assay
        assays = library.assays().items()
        single = {name for name, assay in assays if assay.has_one_file_a_lane}
        if manifest:
            listed = read_manifest(manifest)
            gathered = gather(paths, {Path(name).name for name in listed.names})
            drop = drop_with_manifest(
                manifest, listed, gathered.files, bucket, gathered.from_folders
            )
        elif given:
            gathered = gather(paths)
            drop = drop_with_options(
                gathered.files, given, bucket, gathered.from_folders,
                are_single=not given.pipeline and (given.assay or default_assay) in single,
            )  # fmt: skip
        else:
            gathered = gather(paths, named_by_manifests(paths))
            folders = [path for path in paths if path.is_dir()]
            drop = drop_as_named(gathered.files, bucket, folders)
            destination.apply_expectations(drop, stack.catalog, bucket)
            leave_out_aside(drop, gathered.from_folders)
        lone = inspection.inspect(drop, default_assay, single)
        destination.check_samples_once(drop, default_assay)
        replacement.check_no_others_file(drop, stack, bucket, default_assay)
        destination.check_mates_there(drop, lone, stack.catalog, partial=partial)
        destination.warn_of_new_assays(drop, stack, default_assay)
        destination.check_choices(drop, known, stack)
        destination.warn_of_folders(gathered, drop, library)
    inspection.compare_with_sheets(gathered, drop)
    faults = [*gathered.faults, *drop.unfit.values(), *drop.faults]
    if not faults and not drop.files and not drop.manifest:
        faults = ["there is no FASTQ file to upload"]
    sent = list(drop.files.values())
    left_out = [
        one  # a folder of which a manifest names files is not left out
        for one in [*gathered.left_out, *drop.left_out]
        if not any(path.is_relative_to(one.path) for path in sent)
    ]
    return Look(drop, left_out, drop.warnings, faults)
