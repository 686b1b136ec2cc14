"""What a function's cold start imports: each only what its first event needs."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.cold_import import BUILDS

PROJECT = Path(__file__).resolve().parents[2]
FUNCTIONS = sorted(path.parent.name for path in PROJECT.glob("functions/*/handler.py"))
NEVER = {"pysam", "pybwa", "moto", "isal", "typer", "rich", "local", "cli", "runner", "tests"}
LATER = {"yaml", "requests", "asyncio", "pydantic", "seqdrop.flow.manifests"}
NEEDED = {
    "register_upload": {"asyncio", "seqdrop.flow.manifests"},
    "record_job_event": {"asyncio"},  # Powertools' batches bring it
    "end_run": {"asyncio"},
    "copy_audit": {"asyncio"},
}


def loaded_by(code: str, folder: Path) -> set[str]:
    """The modules that are loaded after some code, in a fresh interpreter."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(folder), str(PROJECT / "layers/core")]),
        "AWS_DEFAULT_REGION": "us-east-1",
        "POWERTOOLS_SERVICE_NAME": folder.name,
        "POWERTOOLS_METRICS_NAMESPACE": "Seqdrop",
    }
    answer = subprocess.run(
        [sys.executable, "-c", f"import sys, json, {code}; print(json.dumps(sorted(sys.modules)))"],
        env=environment, capture_output=True, text=True, check=True, cwd=folder,
    )  # fmt: skip
    return set(json.loads(answer.stdout.splitlines()[-1]))


@pytest.fixture(scope="module")
def bare() -> set[str]:
    """What boto3 brings by itself."""
    return loaded_by("boto3", PROJECT)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_cold_start_imports_no_more_than_it_needs(function: str, bare: set[str]) -> None:
    loaded = loaded_by("handler", PROJECT / "functions" / function)
    assert {"boto3", "msgspec", "seqdrop.wiring"} <= loaded
    assert loaded & NEVER == set()
    assert (loaded - bare) & LATER <= NEEDED.get(function, set())


@pytest.mark.parametrize(
    "function", sorted(set(FUNCTIONS) - {"register_upload", "record_job_event"})
)
def test_only_what_reads_manifests_and_references_loads_their_rules(function: str) -> None:
    loaded = loaded_by("handler", PROJECT / "functions" / function)
    assert not {"seqdrop.flow.intake", "seqdrop.flow.references"} & loaded


def test_the_benchmark_knows_every_function() -> None:
    assert sorted(BUILDS) == FUNCTIONS
