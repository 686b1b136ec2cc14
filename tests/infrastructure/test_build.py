"""What `make build` holds a built core layer against."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.infrastructure.built import LARGEST_BYTES, faults

PROJECT = Path(__file__).resolve().parents[2]
NATIVE = "_core.cpython-313-aarch64-linux-gnu.so"


@pytest.fixture
def layer(tmp_path: Path) -> Path:
    """A layer as it should be."""
    for name in ("seqdrop", "msgspec", "aws_lambda_powertools", "yaml"):
        (tmp_path / "python" / name).mkdir(parents=True)
        (tmp_path / "python" / name / "__init__.py").write_text("")
    (tmp_path / "python/msgspec" / NATIVE).write_bytes(b"\x7fELF")
    return tmp_path


def test_a_good_layer_has_no_faults(layer: Path) -> None:
    assert list(faults(layer)) == []


def test_a_layer_with_the_runtimes_own_library_is_told(layer: Path) -> None:
    (layer / "python/boto3").mkdir()
    assert list(faults(layer)) == ["boto3 is in it: the runtime has its own"]


def test_a_layer_without_the_package_is_told(layer: Path) -> None:
    (layer / "python/seqdrop/__init__.py").unlink()
    (layer / "python/seqdrop").rmdir()
    assert list(faults(layer)) == ["seqdrop is not in it"]


def test_a_layer_that_starts_slowly_is_told(layer: Path) -> None:
    with (layer / "python/data").open("wb") as file:
        file.truncate(LARGEST_BYTES + 1)
    assert list(faults(layer)) == ["it has 15.0 MiB: at most 15"]


def test_a_layer_for_another_machine_is_told(layer: Path) -> None:
    (layer / "python/msgspec" / NATIVE).rename(
        layer / "python/msgspec/_core.cpython-311-x86_64-linux-gnu.so"
    )
    (fault,) = faults(layer)
    assert fault == "_core.cpython-311-x86_64-linux-gnu.so is not for Python 3.13 on arm64"


def test_make_says_it_where_lambdas_python_is_missing(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    for name in ("sh", "make", "dirname"):
        (tmp_path / "bin" / name).symlink_to(str(shutil.which(name)))
    for name in ("locks/sam.txt", ".venv-sam/.ready"):  # the younger one last
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    answer = subprocess.run(
        ["make", "--file", str(PROJECT / "Makefile"), "build"], cwd=tmp_path, text=True,
        env={"HOME": str(tmp_path), "PATH": str(tmp_path / "bin")},
        capture_output=True, check=False,
    )  # fmt: skip
    assert answer.returncode == 2
    assert "make build needs Python 3.13" in answer.stderr
