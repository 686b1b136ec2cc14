"""Faults that people reported in public of other systems: files that generators beside us make."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tools_support import ROOT

CASES = ROOT.parent / "shared/cases"
needs_cases = pytest.mark.skipif(not CASES.is_dir(), reason="the cases are not here")
Variant = tuple[str, int, str, str]


def made(case: str, folder: Path) -> Path:
    """The case's files, in the folder."""
    subprocess.run(
        [sys.executable, str(CASES / case / "make.py"), str(folder)], check=True,
        capture_output=True, env={"PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    return folder


def planted(folder: Path) -> set[Variant]:
    """Contig, position, REF and ALT of what a case's sample differs in."""
    truth = json.loads((folder / "expected.json").read_text())["truth"]
    return {(contig, position, ref, alt) for contig, position, ref, alt in truth}
