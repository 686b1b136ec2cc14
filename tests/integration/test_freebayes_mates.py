"""What freebayes calls where the mates of short fragments overlap: each fragment counts once."""

import random
from pathlib import Path

import pytest

from tests.integration.test_calling import AMPLICON, Call, call, genome_of, records_of, with_snv
from tests.stage_support import align, indexed
from tests.tools_support import native, reverse_complement, shims, write_fastq

pytestmark = pytest.mark.skipif(not native("freebayes"), reason="freebayes is not installed")
START, LENGTH, READ = 7_000, 200, 150
"""Fragments of 200 bases, of which both mates of 150 show 100."""


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shims(tmp_path_factory.mktemp("quick") / "bin", native_first=True)


def called(
    reference: str, fragments: list[str], tmp_path: Path, path: Path, bad_tail: int = 0
) -> list[Call]:
    made = list(fragments)
    random.Random(1).shuffle(made)
    (tmp_path / "made").mkdir()
    mates = (
        write_fastq(tmp_path / "a_R1.fastq.gz", [f[:READ] for f in made], bad_tail=bad_tail),
        write_fastq(
            tmp_path / "a_R2.fastq.gz",
            [reverse_complement(f)[:READ] for f in made],
            bad_tail=bad_tail,
        ),
    )
    sample = indexed(tmp_path / "made", f">chr1\n{reference}\n".encode(), {"FC.1": mates})
    variables = AMPLICON | {
        "call_bcftools": False, "call_freebayes": True, "min_mapq": "20", "keep_duplicates": True,
    }  # fmt: skip
    align(sample, tmp_path, path, variables)
    return records_of(call(sample, tmp_path, path, variables=variables) / "variants.vcf.gz")


@pytest.mark.parametrize("place", [70, 95, 105, 130])
def test_a_snp_in_the_bad_end_of_one_mate_is_called_by_the_other(
    place: int, tmp_path: Path, path: Path
) -> None:
    reference = genome_of(14_000)
    sample = with_snv(reference, START + place)
    ends = slice(START, START + LENGTH)
    fragments = [reference[ends]] * 10 + [sample[ends]] * 10
    (found,) = called(reference, fragments, tmp_path, path, bad_tail=50)
    assert (found.position, found.filter) == (START + place + 1, "PASS")
    assert (found.values["GT"], found.values["AD"]) == ("0/1", "10,10")


@pytest.mark.parametrize("place", [60, 80, 120, 140])
def test_a_repeat_that_one_mate_does_not_span_is_no_homozygous_one(
    place: int, tmp_path: Path, path: Path
) -> None:
    genome = genome_of(14_000)
    at = START + place
    reference = genome[: at - 1] + "C" + "T" * 9 + "G" + genome[at + 10 :]
    shorter = reference[:at] + reference[at + 1 :]
    fragments = [reference[START : START + LENGTH]] * 20
    fragments += [shorter[START : START + LENGTH - 1]] * 20
    (found,) = called(reference, fragments, tmp_path, path)
    assert (found.position, found.filter) == (at, "PASS")
    assert (found.values["GT"], found.values["AD"]) == ("0/1", "20,20")
