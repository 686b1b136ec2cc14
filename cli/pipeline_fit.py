"""Whether the stages of a pipeline fit a deployment: its hosts, and what its images hold."""

import re
from collections.abc import Iterator
from functools import cache

from cli.deployment import PROJECT, template_parameters
from seqdrop.domain.cost import HEAD_SCRATCH_GIB
from seqdrop.domain.hosts import largest_cpu_host
from seqdrop.domain.pipeline import Mistake, Pipeline, Size, Stage, is_fpga
from seqdrop.domain.workflow import QUEUE

GENOME_GIB = 60
"""The FASTQ files of a human genome at 30×."""
GENOME_BYTES = GENOME_GIB * 2**30
_FPGA_HOST = 24, 256 * 1024
"""vCPUs and memory (MiB) of an f2.6xlarge, the template's only FPGA host."""
_HEAD_HOST = 2, 7_400
"""The same for jobs on the smallest host of head jobs; its scratch is 100 GiB."""
_OR_LARGER = ", or raise the stack's ScratchGib, which this check knows nothing of"
_COMMENT = re.compile(r"^\s*#.*$", re.MULTILINE)
_WORD = r"(?<![A-Za-z0-9_]){}(?![A-Za-z0-9_])"
_IN_EVERY_IMAGE = frozenset((
    "seqdrop-tool", "python3",  # the runner's
    "awk", "base64", "basename", "bash", "cat", "chmod", "cmp", "comm", "cp", "cut", "date", "dd",
    "diff", "dirname", "echo", "env", "expr", "false", "find", "fold", "grep", "gunzip", "gzip",
    "head", "join", "ln", "ls", "md5sum", "mkdir", "mkfifo", "mktemp", "mv", "nl", "od", "paste",
    "perl", "printf", "pwd", "rm", "rmdir", "sed", "seq", "sh", "sha256sum", "shuf", "sleep",
    "sort", "split", "stat", "tac", "tail", "tar", "tee", "test", "timeout", "touch", "tr", "true",
    "truncate", "uniq", "wc", "xargs", "zcat",
))  # fmt: skip
"""What Debian's smallest image has, on which ours are built."""


def oversized(pipeline: Pipeline) -> Iterator[Mistake]:
    """Sizes for a human genome at 30× that no host of the template's defaults can hold."""
    for name, stage in pipeline.stages.items():
        asked = asked_for_genome(stage.size)
        for word, (most, unit) in _most(stage).items():
            if asked[word] > most:
                says = (
                    f"stage {name}: {word} is {asked[word]:,} for {GENOME_GIB} GiB of FASTQ, and "
                    f"no host of the template's defaults has more than {most:,} {unit}: ask for "
                    f"less{_OR_LARGER if word == 'scratch_mib' else ''}"
                )
                yield Mistake(("stages", name, "size", word), says)


def asked_for_genome(size: Size) -> dict[str, int]:
    """What a stage asks for to analyse a human genome at 30×, by the words of ``size``."""
    return {
        "vcpus": size.vcpus_of(GENOME_BYTES),
        "memory_mib": size.memory_mib.of(GENOME_BYTES),
        "scratch_mib": size.scratch_mib.of(GENOME_BYTES),
        "seconds": size.seconds.of(GENOME_BYTES),
    }


def _most(stage: Stage) -> dict[str, tuple[int, str]]:
    """The most that a host can give a stage, by the words of ``size``."""
    if is_fpga(stage.queue):  # with disks of its own
        vcpus, memory = _FPGA_HOST
        return {"vcpus": (vcpus, "vCPUs"), "memory_mib": (memory, "MiB")}
    types, scratch_gib = _defaults()
    vcpus, memory = largest_cpu_host(types)
    if stage.queue == QUEUE:
        (vcpus, memory), scratch_gib = _HEAD_HOST, HEAD_SCRATCH_GIB
    return {
        "vcpus": (vcpus, "vCPUs"),
        "memory_mib": (memory, "MiB"),
        "scratch_mib": (scratch_gib * 1024, "MiB"),
    }


@cache
def _defaults() -> tuple[str, int]:
    """The types of the template's CPU hosts, and their scratch in GiB."""
    declared = template_parameters()
    return str(declared["CpuInstanceTypes"]["Default"]), int(declared["ScratchGib"]["Default"])


def unmentioned_programs(pipeline: Pipeline) -> Iterator[Mistake]:
    """Programs of which the Dockerfile of their image says nothing: warnings, no more.

    A package's name need not be that of its program. What an image really holds is known only where
    it runs, as by ``seqdrop pipeline test --engine docker``.
    """
    for name, stage in pipeline.stages.items():
        recipe = _recipe(stage.image_name)
        for program in _programs(stage):
            if recipe and program not in _IN_EVERY_IMAGE and not _mentions(recipe, program):
                yield Mistake(
                    ("stages", name, "steps", program),
                    f"stage {name}: containers/{stage.image_name}/Dockerfile does not mention "
                    f"{program!r}: install it there, or name the image that has it with `image:`",
                )


def _programs(stage: Stage) -> list[str]:
    """Each program of its steps once, in their order."""
    first = [command[0] for step in stage.steps for command in step.pipe if command]
    return list(dict.fromkeys(program for program in first if isinstance(program, str)))


def _recipe(image: str) -> str:
    """An image's Dockerfile without its comments; "" of one that is not built here."""
    path = PROJECT / "containers" / image / "Dockerfile"
    return _COMMENT.sub("", path.read_text("utf-8")) if path.is_file() else ""


def _mentions(recipe: str, program: str) -> bool:
    """Whether a program's name is a word of the recipe."""
    word = re.escape(program.rpartition("/")[2])
    return re.search(_WORD.format(word), recipe, re.IGNORECASE) is not None
