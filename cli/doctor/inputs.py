"""What a deployment starts from here: parameters, pipelines, programs, this machine's disk."""

from collections.abc import Iterator
from pathlib import Path

from cli.deployment import broken_rules, faults
from cli.doctor.findings import Finding, Wanted, fail, ok, warn
from cli.library_check import mistakes_in_library
from cli.shell import PYTHON_FOR_LAMBDA, Shell
from cli.stack import PIPELINES
from seqdrop.disk import LEAST_FREE_MIB


def check_parameters(wanted: Wanted) -> Iterator[Finding]:
    """Would CloudFormation take every parameter?"""
    wrong = faults(wanted.declared, wanted.given)
    found = sorted(fault for fault in wrong if fault[0] not in wanted.built)
    for name, why in found:
        yield fail(f"{name}: {why}", _MEND)
    if not found:
        yield ok(f"{len(wanted.given)} given, the others by default")


def check_library(wanted: Wanted) -> Iterator[Finding]:
    """Are the lab's pipelines, assays and prices, which go with the deployment, right?"""
    mistakes = mistakes_in_library(PIPELINES)
    for mistake in mistakes:
        yield fail(mistake, "mend the file")
    if not mistakes:
        yield ok("every pipeline, assay and price is as it should be")
        yield from _default_assay(wanted)


def _default_assay(wanted: Wanted) -> Iterator[Finding]:
    """Can samples run for which nobody names an assay?"""
    assays, default = wanted.library.assays(), wanted.library.default_assay
    missing = wanted.missing_queues(assays[default])
    if missing:
        runs = [name for name, assay in assays.items() if not wanted.missing_queues(assay)]
        instead = f"set `default: {runs[0]}` in pipelines/assays.yaml" if runs else "add one"
        yield warn(
            f"the default assay {default} needs the queue {', '.join(missing)}, which is not to be "
            "deployed: samples without an assay will be held",
            f"{instead} before you deploy, or name an assay with every upload",
        )


def check_rules(wanted: Wanted) -> Iterator[Finding]:
    """Do the parameters go together, as the template's rules say, and with the region?"""
    to_be_built = dict.fromkeys(wanted.built, "built")
    for why in broken_rules({**wanted.given, **to_be_built}):
        yield fail(why, _MEND)
    if wanted.makes_network:
        for zone in wanted.values("NetworkZones"):
            if not zone.startswith(wanted.region):
                yield fail(f"NetworkZones: {zone} is no zone of {wanted.region}", _MEND)


_MEND = "mend samconfig.toml, or give --parameter Name=value"


def check_programs(shell: Shell) -> Iterator[Finding]:
    """Is there on this machine what `seqdrop deploy` calls?"""
    if shell.answers(*PYTHON_FOR_LAMBDA):
        yield ok("Python 3.13, for `make build`")
    else:
        yield fail(
            "`make build` needs make and Lambda's Python 3.13", "put make and python3.13 on PATH"
        )


def check_disk(folder: Path, free_bytes: int) -> Finding:
    """Has this machine's disk room for a sample, where the embedded runtime keeps its files?"""
    free = free_bytes / 1e9
    says = f"{folder} has {free:.1f} GB free"
    if free_bytes < LEAST_FREE_MIB << 20:
        return fail(f"{says}: uploads and jobs will fail for want of space", _OTHER_DISK)
    if free < _SMALL_GB:
        return warn(f"{says}: a sample takes some ten times its FASTQ files", _OTHER_DISK)
    return ok(says)


_SMALL_GB = 20.0
_OTHER_DISK = "free some, or start the runtime on another disk: seqdrop local up --dir DIR"
