"""The made genome, its planted variants and its reads."""

import gzip
from itertools import pairwise
from pathlib import Path

import pytest

from local.demo.compare import left_normalise
from local.demo.genome import Genome, Variant, haplotypes, make_genome, plant_variants
from local.demo.people import write_people, write_reference
from local.demo.reads import Lane, write_lane
from seqdrop.domain.fastq import read_head
from seqdrop.domain.manifest import parse_manifest
from seqdrop.domain.read_name import FastqHead

LENGTHS = {"one": 50_000, "two": 30_000}


@pytest.fixture(scope="module")
def genome() -> Genome:
    return make_genome(3, LENGTHS)


def test_a_seed_always_makes_the_same_genome_and_variants(genome: Genome) -> None:
    again = make_genome(3, LENGTHS)
    assert again == genome
    assert plant_variants(again, 5) == plant_variants(genome, 5)
    assert make_genome(4, LENGTHS) != genome


def test_a_genome_has_its_lengths_only_bases_and_exact_repeats(genome: Genome) -> None:
    assert {name: len(bases) for name, bases in genome.contigs.items()} == LENGTHS
    assert all(set(bases) == set("ACGT") for bases in genome.contigs.values())
    assert len(genome.repeats["one"]) == 3
    assert len({genome.contigs["one"][a:b] for a, b in genome.repeats["one"]}) == 1


def test_planted_variants_are_of_all_kinds_and_say_what_the_genome_has(genome: Genome) -> None:
    planted = plant_variants(genome, 5)
    assert {(v.kind, v.genotype) for v in planted} == {
        (kind, genotype) for kind in ("SNP", "indel") for genotype in ("het", "hom")
    }
    for variant in planted:
        bases, start = genome.contigs[variant.contig], variant.position - 1
        assert bases[start : start + len(variant.ref)] == variant.ref


def test_planted_variants_are_left_normalised_in_order_and_off_the_repeats(genome: Genome) -> None:
    planted = plant_variants(genome, 5)
    for variant in planted:
        bases = genome.contigs[variant.contig]
        shape = (variant.position, variant.ref, variant.alt)
        assert left_normalise(bases, *shape) == shape
        assert not any(a < variant.position <= b for a, b in genome.repeats[variant.contig])
    for one, next_one in pairwise(planted):
        assert one.contig != next_one.contig or next_one.position - one.position > 200


def test_haplotypes_carry_their_variants() -> None:
    genome = Genome({"c": "AACCGGTTAA"})
    variants = [
        Variant("c", 2, "A", "T", "hom"),
        Variant("c", 4, "CGG", "C", "hom"),
        Variant("c", 8, "T", "TCC", "het"),
    ]
    assert {h["c"] for h in haplotypes(genome, variants, 1)} == {"ATCCTTAA", "ATCCTTCCAA"}


def test_reads_are_illumina_pairs_and_the_same_files_for_a_seed(tmp_path: Path) -> None:
    genome = make_genome(3, {"one": 20_000})
    people = haplotypes(genome, [], 1)
    pairs = []
    for name in ("a", "b"):
        files = tmp_path / f"{name}_1.fastq.gz", tmp_path / f"{name}_2.fastq.gz"
        pairs.append(write_lane(people, files, Lane("HFLOW", 2), depth=6, seed=9))
    assert pairs[0].r1.read_bytes() == pairs[1].r1.read_bytes()
    assert pairs[0].r2.read_bytes() == pairs[1].r2.read_bytes()
    assert pairs[0].pairs == 400
    for read, path in (("R1", pairs[0].r1), ("R2", pairs[0].r2)):
        head = read_head(path.read_bytes(), path.stat().st_size)
        assert isinstance(head, FastqHead)
        assert (head.flowcell, head.lane, head.read) == ("HFLOW", "2", read)


def test_reads_have_few_errors_and_name_their_mates_alike(tmp_path: Path) -> None:
    genome = make_genome(3, {"one": 20_000})
    files = tmp_path / "1.fastq.gz", tmp_path / "2.fastq.gz"
    write_lane(haplotypes(genome, [], 1), files, Lane("HFLOW", 1), depth=6, seed=9)
    records = [gzip.decompress(path.read_bytes()).decode().split("\n") for path in files]
    assert [n.split()[0] for n in records[0][::4] if n] == [
        n.split()[0] for n in records[1][::4] if n
    ]
    both = genome.contigs["one"] + genome.contigs["one"][::-1].translate(
        str.maketrans("ACGT", "TGCA")
    )
    reads = records[0][1::4] + records[1][1::4]
    assert {len(read) for read in reads} == {150}
    whole = sum(read in both for read in reads) / len(reads)
    assert 0.6 < whole < 0.85  # 0.998 ** 150 is 0.74


def test_the_people_of_the_demo_have_a_manifest_that_seqdrop_reads(tmp_path: Path) -> None:
    genome = write_reference(tmp_path, 1)
    by_lanes, plain = write_people(tmp_path, genome, 1)
    manifest = parse_manifest((tmp_path / by_lanes.upload[1]).read_bytes(), by_lanes.upload[1])
    (entry,) = manifest.samples
    assert (entry.sample, entry.pipeline) == (by_lanes.sample, by_lanes.pipeline)
    named = [file for lane in entry.files for file in (lane.r1, lane.r2)]
    assert len(named) == 4
    assert all((tmp_path / name).is_file() for name in [*named, *plain.upload[:2]])
    assert by_lanes.planted != plain.planted
