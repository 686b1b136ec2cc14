"""X and Y as one copy each, where depth says so: what is called there, and what is not."""

import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from local.demo.genome import Genome, make_genome
from local.demo.reads import Lane, write_lane
from tests.integration.test_calling import (
    MARKED,
    Call,
    bases_with_genotypes,
    call,
    records_of,
    text_of,
)
from tests.integration.test_calling_freebayes import BY_FREEBAYES
from tests.stage_support import Sample, align, indexed
from tests.tools_support import native, shims

LENGTHS = {"chr1": 30_000, "chrX": 30_000, "chrY": 14_000}
PAR = {"chrX": ((0, 2_000), (28_000, 30_000)), "chrY": ((0, 1_000), (13_000, 14_000))}
BY_SEX: dict[str, bool | str] = {"ploidy_by_sex": True}
HET, HOM = (5_000, 20_000), (9_000, 15_000)
"""Places of SNPs on chr1, counted from 0."""
SHARED, ON_X, ON_Y = (700, 29_100), (4_000, 16_000, 27_500), (5_000, 9_000)
"""Places of heterozygous SNPs in what X and Y share, and of SNPs on the rest of X, and on Y."""
MIXED = {11_000: 6, 22_000: 25}
"""Places on X, and how many reads show another base there, beside 15 that do not."""


@dataclass(frozen=True)
class Person:
    """The sample, aligned, and how its folder is called."""

    sample: Sample
    folder: Path
    path: Path


def other(base: str) -> str:
    return {"A": "C", "C": "G", "G": "T", "T": "A"}[base]


def changed(bases: str, *places: int) -> str:
    text = list(bases)
    for place in places:
        text[place] = other(text[place])
    return "".join(text)


def sequence() -> Genome:
    """Y's part of what it shares is N, as in sequences that are made for short reads."""
    genome = make_genome(11, LENGTHS)
    y = genome.contigs["chrY"]
    genome.contigs["chrY"] = "N" * 1_000 + y[1_000:13_000] + "N" * 1_000
    return genome


GENOME = sequence()


def from_mother() -> dict[str, str]:
    return {
        "chr1": changed(GENOME.contigs["chr1"], *HET, *HOM),
        "chrX": changed(GENOME.contigs["chrX"], *SHARED, *ON_X),
    }


def lanes_of(sex: str) -> list[tuple[dict[str, str], float]]:
    """What is sequenced in each lane, and how deeply."""
    chr1 = changed(GENOME.contigs["chr1"], *HOM)
    x, y = GENOME.contigs["chrX"], GENOME.contigs["chrY"]
    if sex == "female":
        return [(from_mother(), 15), ({"chr1": chr1, "chrX": changed(x, *ON_X)}, 15)]
    father = {"chr1": chr1, "first": x[:2_000], "last": x[28_000:]}
    if sex == "male":
        father["chrY"] = changed(y, *ON_Y)[1_000:13_000]
    some = [
        ({"part": changed(x, place)[place - 600 : place + 600]}, depth)
        for place, depth in MIXED.items()
    ]
    return [(from_mother(), 15), (father, 15), *some]


def made(folder: Path, sex: str, *, native_first: bool = True) -> Person:
    lanes = {}
    for number, (chromosomes, depth) in enumerate(lanes_of(sex), 1):
        files = folder / f"{number}_R1.fastq.gz", folder / f"{number}_R2.fastq.gz"
        write_lane([chromosomes], files, Lane("FC", number), depth=depth, seed=3)
        lanes[f"FC.{number}"] = files
    sample = indexed(folder / "made", GENOME.fasta().encode(), lanes)
    rows = (f"{name}\t{a}\t{b}\n" for name, regions in PAR.items() for a, b in regions)
    (sample.ref / "par.bed").write_text("".join(rows))
    # Debian's mosdepth lacks a library; test_qc_real_data holds the stand-in against it.
    path = shims(folder / "bin", native_first=native_first, always=["mosdepth"])
    align(sample, folder, path, MARKED)
    return Person(sample, folder, path)


@pytest.fixture(scope="module", params=["native", "PyPI"])
def man(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Person:
    is_native = request.param == "native"
    if is_native and not all(map(native, ("samtools", "bcftools", "bwa"))):
        pytest.skip("the tools are not installed")
    return made(tmp_path_factory.mktemp(request.param), "male", native_first=is_native)


@pytest.fixture(scope="module", params=["female", "undetermined"])
def other_person(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Person:
    """A woman, and somebody with one X and no Y."""
    return made(tmp_path_factory.mktemp(request.param), request.param)


def called(person: Person, *choices: dict[str, bool | str], size: int = 0) -> Path:
    """What comes of the same choices is made once."""
    variables = {name: value for choice in choices for name, value in choice.items()}
    name = "-".join(map(str, ["out", size, *sorted(variables.items())]))
    out = person.folder / re.sub(r"[^\w-]", "", name)
    if variables.get("targets") or not out.exists():
        shutil.rmtree(out, ignore_errors=True)
        call(person.sample, person.folder, person.path, size=size, variables=variables).rename(out)
    return out


def is_haploid(contig: str, place: int) -> bool:
    return contig in PAR and not any(a <= place < b for a, b in PAR[contig])


def copies(record: Call) -> int:
    return record.values["GT"].count("/") + 1


def end_of(record: Call) -> int:
    ends = [text[4:] for text in record.info.split(";") if text.startswith("END=")]
    return int(ends[0]) if ends else record.position


def snps(vcf: Path) -> dict[tuple[str, int], str]:
    return {
        (one.contig, one.position - 1): one.values["GT"]
        for one in records_of(vcf)
        if one.filter == "PASS"
    }


CALLERS = [
    pytest.param({}, id="bcftools"),
    pytest.param(
        BY_FREEBAYES,
        id="freebayes",
        marks=pytest.mark.skipif(not native("freebayes"), reason="freebayes is not installed"),
    ),
]


@pytest.mark.parametrize("caller", CALLERS)
def test_each_base_of_x_and_y_has_as_many_alleles_as_copies(
    man: Person, caller: dict[str, bool | str]
) -> None:
    out = called(man, BY_SEX, caller)
    records = records_of(out / "variants.g.vcf.gz")
    for record in records:
        if "MixedAlleles" in record.filter:
            assert copies(record) == 2
            continue
        places = range(record.position - 1, end_of(record))
        expected = {1 if is_haploid(record.contig, place) else 2 for place in places}
        assert expected == {copies(record)}, record
    assert snps(out / "variants.vcf.gz") == {
        **{("chr1", place): "0/1" for place in HET},
        **{("chr1", place): "1/1" for place in HOM},
        **{("chrX", place): "0/1" for place in SHARED},
        **{("chrX", place): "1" for place in ON_X},
        **{("chrY", place): "1" for place in ON_Y},
    }
    assert json.loads((out / "haploid.json").read_text())["called_haploid"] == 1


def test_no_base_loses_its_genotype_where_the_number_of_copies_changes(man: Person) -> None:
    as_one = records_of(called(man, BY_SEX) / "variants.g.vcf.gz")
    as_two = records_of(called(man) / "variants.g.vcf.gz")
    lost = bases_with_genotypes(as_two) - bases_with_genotypes(as_one)
    assert lost == {("chrX", place) for place in MIXED}
    of_chr1 = [[one for one in found if one.contig == "chr1"] for found in (as_one, as_two)]
    assert of_chr1[0] == of_chr1[1]
    blocks = [one for one in as_one if one.alt == "." and one.contig == "chrX"]
    bases = GENOME.contigs["chrX"]
    assert all(one.ref == bases[one.position - 1] for one in blocks)
    assert {2_001, 28_001} <= {one.position for one in blocks}


@pytest.mark.parametrize("caller", CALLERS)
def test_a_second_allele_of_one_copy_is_listed_and_not_called(
    man: Person, caller: dict[str, bool | str]
) -> None:
    out = called(man, BY_SEX, caller)
    header, *rows = (out / "mixed_haploid.tsv").read_text().splitlines()
    assert header.startswith("#contig\tposition")
    bases = GENOME.contigs["chrX"]
    found = [line.split("\t") for line in rows]
    assert [row[:5] for row in found] == [
        ["chrX", str(place + 1), bases[place], other(bases[place]), "0/1"] for place in MIXED
    ]
    assert all(int(count) > 1 for row in found for count in row[5].split(","))
    figures = json.loads((out / "haploid.json").read_text())
    assert figures == {
        "called_haploid": 1, "haploid_variants": len(ON_X + ON_Y), "mixed_haploid_sites": 2,
    }  # fmt: skip
    as_two = snps(called(man, caller) / "variants.vcf.gz")
    assert [as_two["chrX", place] for place in MIXED] == ["0/1", "0/1"]


@pytest.mark.parametrize("caller", CALLERS)
def test_no_base_with_two_alleles_is_said_to_be_like_the_reference(
    man: Person, caller: dict[str, bool | str]
) -> None:
    """bcftools, told of one copy, says so where a third of the reads shows the reference."""
    out = called(man, BY_SEX, caller)
    with_genotypes = bases_with_genotypes(records_of(out / "variants.g.vcf.gz"))
    assert not with_genotypes & {("chrX", place) for place in MIXED}
    assert not snps(out / "variants.vcf.gz").keys() & {("chrX", place) for place in MIXED}


def test_regions_change_nothing(man: Person) -> None:
    whole, cut = called(man, BY_SEX), called(man, BY_SEX, size=3_999)
    assert records_of(cut / "variants.g.vcf.gz") == records_of(whole / "variants.g.vcf.gz")
    assert (cut / "mixed_haploid.tsv").read_bytes() == (whole / "mixed_haploid.tsv").read_bytes()


@pytest.mark.parametrize("caller", CALLERS)
def test_who_has_not_one_copy_of_each_is_called_as_ever(
    other_person: Person, caller: dict[str, bool | str]
) -> None:
    by_sex, as_ever = called(other_person, BY_SEX, caller), called(other_person, caller)
    for name in ("variants.g.vcf.gz", "variants.vcf.gz"):
        lines = text_of(by_sex / name).splitlines()
        assert [line for line in lines if "ID=MixedAlleles," not in line] == text_of(
            as_ever / name
        ).splitlines()
    assert (by_sex / "mixed_haploid.tsv").read_text().count("\n") == 1
    figures = json.loads((by_sex / "haploid.json").read_text())
    assert figures == {"called_haploid": 0, "haploid_variants": 0, "mixed_haploid_sites": 0}


def test_only_targets_are_looked_at_for_second_alleles(man: Person) -> None:
    """Autosomes are among them, else nobody can say how many copies of X there are."""
    targets = man.sample.ref / "targets.bed"
    try:
        found = []
        for first in (10_700, 11_300):
            regions = [
                ("chr1", 4_000, 9_500),
                ("chrX", first, first + 500),
                ("chrX", 15_800, 16_200),
            ]
            regions.append(("chrY", 4_800, 5_200))
            targets.write_text("".join("\t".join(map(str, one)) + "\n" for one in regions))
            out = called(man, BY_SEX, {"targets": True})
            assert snps(out / "variants.vcf.gz")["chrX", 16_000] == "1"
            found.append(json.loads((out / "haploid.json").read_text())["mixed_haploid_sites"])
        assert found == [1, 0]
    finally:
        targets.unlink()
