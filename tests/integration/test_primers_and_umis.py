"""Amplicon panels whose primers are clipped, and duplicates that are told by UMIs: the real steps
of germline-cpu over simulated samples, with the tools of this machine and with those of PyPI."""

import gzip
import json
import random
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import pytest

from seqdrop.domain.pipeline import Assay, Calling
from tests.stage_support import Sample, align, indexed, run_stage, stage_of
from tests.tools_support import reverse_complement, run, shims, tool

GENOME = "".join(random.Random(11).choices("ACGT", k=12_000))
START, END = 6_800, 7_100
"""An amplicon: 0-based, without its end. A primer of 24 bases is at each of its ends."""
PRIMERS = f"chr1\t{START}\t{START + 24}\tf\t0\t+\nchr1\t{END - 24}\t{END}\tr\t0\t-\n"
AMPLICON = Calling(max_depth=100_000, insert_size="300,200,1000,1", count_orphans=True).variables
PANEL: dict[str, bool | str] = AMPLICON | {"keep_duplicates": True, "primers": True}
PATTERN = Assay("germline-cpu", duplicates="umi").umi_pattern
UMIS: dict[str, bool | str] = {"mark_duplicates": True, "umi_pattern": PATTERN}
IS_DUPLICATE, IS_SECOND = 0x400, 0x80


@pytest.fixture(params=["native", "pypi"])
def path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the steps find their tools: the machine's own where it has them, or those of PyPI."""
    return shims(tmp_path_factory.mktemp("tools") / "bin", native_first=request.param == "native")


def with_snvs(*places: int) -> str:
    """The genome with another base at each place."""
    bases = list(GENOME)
    for at in places:
        bases[at] = {"A": "C", "C": "G", "G": "T", "T": "A"}[bases[at]]
    return "".join(bases)


class Fragment(NamedTuple):
    """Bases that were sequenced from both ends, and what their UMI is."""

    bases: str
    umi: str = "ACGT+TTGA"


def sample_of(
    folder: Path, fragments: Iterable[Fragment], primers: str = "", *, turned: bool = True
) -> Sample:
    """A sample of one lane, whose reads are named as Illumina's software does with UMIs.

    With ``turned`` every second fragment is read from the other strand.
    """
    (folder / "made").mkdir()
    mates: tuple[list[str], list[str]] = ([], [])
    for number, (bases, umi) in enumerate(fragments):
        read = reverse_complement(bases) if turned and number % 2 else bases
        ends = read[:150], reverse_complement(read)[:150]
        for mate, end in zip(mates, ends, strict=True):
            mate.append(f"@A1:7:FC:1:1101:{number}:9:{umi}\n{end}\n+\n{'I' * len(end)}\n")
    files = folder / "a_R1.fastq.gz", folder / "a_R2.fastq.gz"
    for file, lines in zip(files, mates, strict=True):
        file.write_bytes(gzip.compress("".join(lines).encode(), 1))
    sample = indexed(folder / "made", f">chr1\n{GENOME}\n".encode(), {"FC.1": files})
    (sample.ref / "primers.bed").write_text(primers)
    return sample


class Record(NamedTuple):
    """An alignment."""

    name: str
    flag: int
    position: int
    cigar: str
    tags: dict[str, str]


def records_of(bam: Path) -> list[Record]:
    text = run(tool("samtools", "view", bam)).stdout.decode()
    rows = [line.split("\t") for line in text.splitlines()]
    return [Record(r[0], int(r[1]), int(r[3]), r[5], {t[:2]: t[5:] for t in r[11:]}) for r in rows]


def genotypes(folder: Path, sample: Sample, path: Path) -> dict[int, tuple[str, str, str]]:
    """By position (1-based), each call's filter, genotype and reads of both alleles."""
    run_stage(stage_of("germline-cpu", "call"), sample, folder, PANEL, path)
    out = folder / "out" / "variants.vcf.gz"
    text = run(tool("bcftools", "query", "-f", "%POS %FILTER[ %GT %AD]\n", out)).stdout.decode()
    rows = [line.split() for line in text.splitlines()]
    return {int(at): (verdict, genotype, depths) for at, verdict, genotype, depths in rows}


def test_a_primers_own_base_is_not_called_as_the_patients(tmp_path: Path, path: Path) -> None:
    """The oligo differs from the genome at one base, the patient at another."""
    oligo, patient = START + 10, START + 150
    fragments = [Fragment(with_snvs(oligo, patient)[START:END])] * 100
    sample = sample_of(tmp_path, fragments, PRIMERS)
    align(sample, tmp_path, path, PANEL)
    assert genotypes(tmp_path, sample, path) == {patient + 1: ("PASS", "1/1", "0,100")}


def test_without_primers_the_oligos_base_would_be_a_variant(tmp_path: Path, path: Path) -> None:
    """What clipping is for: the test above would pass over a sample that shows nothing."""
    oligo, patient = START + 10, START + 150
    fragments = [Fragment(with_snvs(oligo, patient)[START:END])] * 100
    sample = sample_of(tmp_path, fragments)
    align(sample, tmp_path, path, PANEL | {"primers": False})
    assert genotypes(tmp_path, sample, path).keys() == {oligo + 1, patient + 1}


def test_a_variant_below_a_primer_is_told_by_the_amplicon_beside_it(
    tmp_path: Path, path: Path
) -> None:
    """Reads of one amplicon have its primer there, like the reference: they do not count."""
    below = START + 10
    own = Fragment(GENOME[START:END])
    beside = Fragment(with_snvs(below)[START - 120 : START + 180])
    tiled = PRIMERS + (
        f"chr1\t{START - 120}\t{START - 100}\tf2\t0\t+\n"
        f"chr1\t{START + 160}\t{START + 180}\tr2\t0\t-\n"
    )
    sample = sample_of(tmp_path, [own, beside] * 80, tiled)
    align(sample, tmp_path, path, PANEL)
    assert genotypes(tmp_path, sample, path) == {below + 1: ("PASS", "1/1", "0,80")}


def test_every_read_is_kept_and_those_without_a_primer_are_counted(
    tmp_path: Path, path: Path
) -> None:
    foreign = [Fragment(GENOME[at : at + 280]) for at in (1_000, 2_000, 3_000)]
    short = Fragment(GENOME[START : START + 24] + GENOME[END - 24 : END])  # a dimer of both primers
    unmapped = Fragment("".join(random.Random(3).choices("ACGT", k=200)))
    fragments = [*[Fragment(GENOME[START:END])] * 50, *foreign, short, unmapped]
    sample = sample_of(tmp_path, fragments, PRIMERS)
    align(sample, tmp_path, path, PANEL)
    made = tmp_path / "in"
    counts = json.loads((made / "primers.json").read_bytes())
    assert counts["reads_without_primer"] == 2 * len(foreign)
    assert counts["reads_looked_at"] == sum(counts.values()) - counts["reads_looked_at"]
    flagstat = json.loads((made / "flagstat.json").read_bytes())["QC-passed reads"]
    assert flagstat["primary"] == 2 * len(fragments)
    assert genotypes(tmp_path, sample, path) == {}


def test_what_clipping_moves_is_made_right_again(tmp_path: Path, path: Path) -> None:
    """Order, mates and the tags of differing bases."""
    patient = START + 60
    fragments = [Fragment(with_snvs(patient)[START - n : END]) for n in (0, 3)] * 20
    sample = sample_of(tmp_path, fragments, PRIMERS)
    align(sample, tmp_path, path, PANEL)
    records = records_of(tmp_path / "in" / "alignment.bam")
    positions = [record.position for record in records]
    assert positions == sorted(positions)
    mates = {(record.name, bool(record.flag & IS_SECOND)): record for record in records}
    for record in records:
        mate = mates[record.name, not record.flag & IS_SECOND]
        assert record.tags["MC"] == mate.cigar
        left = START + 24 + 1
        if record.position == left:
            assert (record.tags["NM"], record.tags["MD"][:3]) == ("1", "36" + GENOME[patient])
        assert record.position >= left
    assert {record.cigar for record in records} == {"24S126M", "27S123M", "126M24S"}


def duplicates(folder: Path, fragments: list[Fragment], path: Path) -> list[bool]:
    """Of each fragment, whether it was marked as a copy."""
    align(sample_of(folder, fragments, turned=False), folder, path, UMIS)
    marks: dict[int, set[bool]] = {}
    for record in records_of(folder / "in" / "alignment.bam"):
        number = int(record.name.split(":")[5])
        marks.setdefault(number, set()).add(bool(record.flag & IS_DUPLICATE))
    return [marks[number] == {True} for number in range(len(fragments))]


def test_copies_have_the_same_place_and_the_same_umi(tmp_path: Path, path: Path) -> None:
    here, there = GENOME[2_000:2_300], GENOME[5_000:5_300]
    kinds = {
        "one molecule": Fragment(here, "ACGT+TTGA"),
        "another one": Fragment(here, "ACGT+TTGC"),
        "read backwards": Fragment(here, "ACGT+rTTGA"),
        "elsewhere": Fragment(there, "ACGT+TTGA"),
    }
    fragments = [fragment for fragment in kinds.values() for _ in range(3)]
    marked = duplicates(tmp_path, fragments, path)
    copies = {kind: marked[3 * n : 3 * n + 3].count(True) for n, kind in enumerate(kinds)}
    assert copies == dict.fromkeys(kinds, 2)


def test_umis_of_another_separator_are_found(tmp_path: Path, path: Path) -> None:
    pattern = Assay("germline-cpu", duplicates="umi", umi_separator="_").umi_pattern
    fragments = [Fragment(GENOME[2_000:2_300], f"x_{umi}") for umi in ("AC", "AC", "GT")]
    sample = sample_of(tmp_path, fragments, turned=False)
    align(sample, tmp_path, path, UMIS | {"umi_pattern": pattern})
    records = records_of(tmp_path / "in" / "alignment.bam")
    copies = [r.name.rpartition("_")[2] for r in records if r.flag & IS_DUPLICATE]
    assert copies == ["AC", "AC"], "both mates of one pair"


def test_primers_are_clipped_before_umis_tell_copies(tmp_path: Path, path: Path) -> None:
    fragments = [Fragment(GENOME[START:END], umi) for umi in ("ACGT", "ACGT", "ACGT", "TTTT")]
    sample = sample_of(tmp_path, fragments, PRIMERS, turned=False)
    align(sample, tmp_path, path, AMPLICON | UMIS | {"primers": True})
    records = records_of(tmp_path / "in" / "alignment.bam")
    assert {record.cigar for record in records} == {"24S126M", "126M24S"}
    marked = [record.name for record in records if record.flag & IS_DUPLICATE]
    assert [name.rpartition(":")[2] for name in marked] == ["ACGT"] * 4, "two pairs of three"
