"""Single reads through germline-cpu's own steps and real tools."""

import json
from pathlib import Path

import pytest

from local.demo.genome import haplotypes, make_genome, plant_variants
from local.demo.reads import Lane, write_lane
from tests.integration.test_calling import MARKED, call, records_of
from tests.integration.test_calling_freebayes import BY_FREEBAYES
from tests.stage_support import Sample, align, indexed
from tests.tools_support import native, run, shims, tool

SINGLE: dict[str, bool | str] = {"paired_reads": False}
GENOME = make_genome(5, {"chr1": 30_000, "chr2": 10_000})


def sample(folder: Path) -> Sample:
    """Two lanes, of which R2 is not kept."""
    lanes = {}
    for number in (1, 2):
        files = folder / f"{number}_R1.fastq.gz", folder / f"{number}_R2.fastq.gz"
        chromosomes = haplotypes(GENOME, plant_variants(GENOME, 5), 5)
        write_lane(chromosomes, files, Lane("FC", number), depth=40, seed=5)
        lanes[f"FC.{number}"] = files[:1]
    return indexed(folder / "made", GENOME.fasta().encode(), lanes)


@pytest.fixture(scope="module")
def aligned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Sample, Path, Path]:
    folder = tmp_path_factory.mktemp("single")
    made = sample(folder)
    path = shims(folder / "bin", native_first=True)
    align(made, folder, path, MARKED | SINGLE)
    return made, folder, path


@pytest.mark.parametrize(
    "caller",
    [
        pytest.param({}, id="bcftools"),
        pytest.param(
            BY_FREEBAYES,
            id="freebayes",
            marks=pytest.mark.skipif(not native("freebayes"), reason="freebayes is not installed"),
        ),
    ],
)
def test_all_planted_variants_are_called_and_no_others(
    aligned: tuple[Sample, Path, Path], caller: dict[str, bool | str]
) -> None:
    made, folder, path = aligned
    out = call(made, folder, path, variables=SINGLE | caller)
    passed = [one for one in records_of(out / "variants.vcf.gz") if one.filter == "PASS"]
    called = {(*one[:4], "hom" if set(one.values["GT"]) == {"1", "/"} else "het") for one in passed}
    planted = {(*one.allele, one.genotype) for one in plant_variants(GENOME, 5)}
    assert len(planted) > 60
    assert called == planted


def test_reads_are_counted_and_copies_marked(aligned: tuple[Sample, Path, Path]) -> None:
    _, folder, _ = aligned
    counts = json.loads((folder / "in/flagstat.json").read_text())["QC-passed reads"]
    lanes = [json.loads(path.read_text()) for path in (folder / "in/flagstat").iterdir()]
    assert len(lanes) == 2
    assert sum(lane["QC-passed reads"]["primary"] for lane in lanes) == counts["primary"]
    assert counts["paired in sequencing"] == 0
    assert counts["primary mapped"] == counts["primary"]
    # At 40×, some reads begin at one base by chance: of single reads nothing else is known.
    assert 0 < counts["primary duplicates"] < counts["primary"] / 2
    said = run(tool("samtools", "view", "-f", "1", "-c", folder / "in/alignment.bam"))
    assert said.stdout.strip() == b"0"
