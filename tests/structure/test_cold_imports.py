"""What a function's cold start imports: each only what its first event needs."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.cold_import import BUILDS, cold_environment
from seqdrop.composition import check_botocore

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
    environment = {**os.environ, **cold_environment(folder)}
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
    assert {"boto3", "msgspec", "seqdrop.composition"} <= loaded
    assert loaded & NEVER == set()
    assert (loaded - bare) & LATER <= NEEDED.get(function, set())


@pytest.mark.parametrize(
    "function", sorted(set(FUNCTIONS) - {"register_upload", "record_job_event", "sweep_catalog"})
)
def test_only_what_reads_manifests_and_references_loads_their_rules(function: str) -> None:
    loaded = loaded_by("handler", PROJECT / "functions" / function)
    assert not {"seqdrop.flow.intake", "seqdrop.flow.references"} & loaded


def test_the_benchmark_knows_every_function() -> None:
    assert sorted(BUILDS) == FUNCTIONS


@pytest.mark.parametrize("version", ["1.35.99", "1.9.42", "0.99.0"])
def test_a_runtime_whose_library_is_too_old_is_refused(version: str) -> None:
    with pytest.raises(RuntimeError, match="let Lambda update") as refusal:
        check_botocore(version)
    assert version in str(refusal.value)


@pytest.mark.parametrize("version", ["1.36.0", "1.100.2", "2.0.0b1"])
def test_a_runtime_whose_library_is_new_enough_is_taken(version: str) -> None:
    check_botocore(version)


def test_a_function_looks_at_its_runtime_s_library_before_its_first_event() -> None:
    code = "botocore; botocore.__version__ = '1.35.99'; import handler"
    with pytest.raises(subprocess.CalledProcessError) as refusal:
        loaded_by(code, PROJECT / "functions/register_upload")
    assert "botocore 1.35.99 of this runtime is older than 1.36" in refusal.value.stderr
