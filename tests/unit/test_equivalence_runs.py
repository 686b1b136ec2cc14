"""Two runs of one sequence, compared: what is warned of, and what need not be."""

import gzip
import shutil
from pathlib import Path

import msgspec
import pytest

from runner.tools.comparison import TABLE_FILE, SideFiles, compare_files
from runner.tools.comparison_of_runs import compare_runs
from seqdrop.domain.comparison.contigs import BY_NAME_ALONE
from tests.comparison_support import line, vcf
from tests.equivalence_support import record

BASES = "ACGTTGCA" * 125
FACTS = {"run": "2b#1", "reference": "GRCh38/1", "pipeline": "germline-cpu"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folders of a job: one call in both runs, and the sequence that both have used."""
    calls = gzip.compress(vcf(line("101 T C")).encode())
    for name in ("ref/before", "now"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "variants.vcf.gz").write_bytes(calls)
    (tmp_path / "ref/before/run.json").write_bytes(msgspec.json.encode(record()))
    for name in ("ref/genome.fa", "ref/before/genome.fa"):
        (tmp_path / name).write_text(f">chr1\n{BASES}\n")
        (tmp_path / f"{name}.fai").write_text(f"chr1\t{len(BASES)}\t6\t{len(BASES)}\t1001\n")
    return tmp_path


def test_contigs_of_the_very_same_sequence_need_no_warning(folder: Path) -> None:
    same = frozenset({"genome.fa"})
    told = compare_runs(
        folder / "ref", folder / "now", FACTS, {}, folder / TABLE_FILE, same=same
    )  # fmt: skip
    assert told.verdict == "identical"
    assert [one for one in told.warnings if one.startswith(BY_NAME_ALONE)] == []


@pytest.mark.parametrize(
    ("annotated", "verdict"), [("ref/before", "different"), ("now", "identical")]
)
def test_annotation_of_one_run_alone_is_told_and_its_loss_is_a_difference(
    folder: Path, annotated: str, verdict: str
) -> None:
    shutil.copy(folder / annotated / "variants.vcf.gz", folder / annotated / "annotated.vcf.gz")
    told = compare_runs(
        folder / "ref", folder / "now", FACTS, {}, folder / TABLE_FILE,
        same=frozenset({"genome.fa"}),
    )  # fmt: skip
    assert told.verdict == verdict
    side = "A" if annotated == "ref/before" else "B"
    assert told.warnings == (
        f"only {side} has annotated.vcf.gz: consequences and classifications were not compared",
    )


def test_files_of_which_somebody_says_so_are_still_warned_of(folder: Path) -> None:
    one = SideFiles(reference=folder / "ref/genome.fa")
    calls = folder / "ref/before/variants.vcf.gz", folder / "now/variants.vcf.gz"
    told = compare_files(*calls, one, one)
    assert [warning for warning in told.warnings if warning.startswith(BY_NAME_ALONE)] != []
