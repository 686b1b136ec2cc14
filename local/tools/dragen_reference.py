"""The stand-in's reference folder: what `--build-hash-table` makes and `-r` reads."""

import os
import shutil
from pathlib import Path

from local.tools.child_tools import run
from local.tools.dragen_options import WrongUse

CONFIG = "hash_table.cfg"
_REFERENCE = "reference"
_CONFIG_TEXT = """\
# Written by a stand-in for DRAGEN: this is not a DRAGEN hash table.
stand_in = 1
simulated = 1
{key} = {name}
"""


def build(fasta: Path, directory: Path, *, force: bool) -> None:
    """Fills `directory` with the FASTA, its indexes and a config that says what it is."""
    config = directory / CONFIG
    if config.exists() and not force:
        raise WrongUse(f"{config} exists; use -f to overwrite it")
    copy = directory / fasta.name
    if not (copy.exists() and copy.samefile(fasta)):
        copy.unlink(missing_ok=True)
        try:
            os.link(fasta, copy)
        except OSError:  # another file system, or one without hard links
            shutil.copyfile(fasta, copy)
    run(["samtools", "faidx", str(copy)])
    run(["bwa", "index", str(copy)])
    config.write_text(_CONFIG_TEXT.format(key=_REFERENCE, name=fasta.name), encoding="utf-8")


def fasta_of(directory: Path) -> Path:
    """The FASTA of a folder that `build` made."""
    config = directory / CONFIG
    if not config.is_file():
        raise WrongUse(f"{directory} is no reference folder: it has no {CONFIG}")
    pairs = [line.split(" = ", 1) for line in config.read_text(encoding="utf-8").splitlines()]
    settings = {pair[0]: pair[1] for pair in pairs if len(pair) == 2}
    if settings.get("stand_in") != "1" or _REFERENCE not in settings:
        raise WrongUse(f"{config} is not the stand-in's: build it with --build-hash-table true")
    fasta = directory / settings[_REFERENCE]
    if not fasta.is_file():
        raise WrongUse(f"the reference {fasta} does not exist")
    return fasta
