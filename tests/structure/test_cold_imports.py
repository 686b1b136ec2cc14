"""What a function's cold start imports: each only what its first event needs."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
FUNCTIONS = sorted(path.parent.name for path in PROJECT.glob("functions/*/handler.py"))
NEVER = {"pysam", "pybwa", "moto", "isal", "typer", "rich", "local", "cli", "runner", "tests"}
LATER = {"yaml", "csv", "concurrent.futures", "asyncio", "s3transfer.manager", "requests"}
PARSES_CSV = {"register_upload"}


def cold_imports(function: str) -> set[str]:
    """The modules that are loaded once a function's handler is, in a fresh interpreter."""
    script = "import sys, json, handler; print(json.dumps(sorted(sys.modules)))"
    path = [str(PROJECT / "functions" / function), str(PROJECT / "layers/core")]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(path),
        "AWS_DEFAULT_REGION": "us-east-1",
        "POWERTOOLS_SERVICE_NAME": function,
        "POWERTOOLS_METRICS_NAMESPACE": "Seqdrop",
    }
    answer = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True,
        cwd=PROJECT / "functions" / function,
    )  # fmt: skip
    return set(json.loads(answer.stdout.splitlines()[-1]))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_cold_start_imports_no_more_than_it_needs(function: str) -> None:
    loaded = cold_imports(function)
    assert {"boto3", "msgspec", "seqdrop.wiring"} <= loaded
    assert loaded & NEVER == set()
    late = LATER - ({"csv"} if function in PARSES_CSV else set())
    assert loaded & late == set()
