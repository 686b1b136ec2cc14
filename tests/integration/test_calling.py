"""What germline-cpu calls: scattered or not, in amplicons, filtered, and the same to the byte."""

import json
import random
import re
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise, product
from pathlib import Path
from typing import NamedTuple

import pytest
from msgspec import structs

from local.demo.genome import haplotypes, make_genome, plant_variants
from local.demo.reads import Lane, write_lane
from seqdrop.domain.blueprint import pair_files
from seqdrop.domain.pipeline import Calling, Stage, Step
from tests.domain_support import lane_pair
from tests.stage_support import (
    Sample,
    align,
    human_sample,
    indexed,
    measles_sample,
    run_stage,
    stage_of,
)
from tests.tools_support import SHARED_DATA, reverse_complement, run, shims, tool, write_fastq

needs_data = pytest.mark.skipif(not SHARED_DATA.is_dir(), reason="the real data are not here")
MARKED: dict[str, bool | str] = {"mark_duplicates": True}
AMPLICON: dict[str, bool | str] = Calling(
    max_depth=100_000, insert_size="300,200,1000,1", count_orphans=True
).variables


class Call(NamedTuple):
    """A record of a VCF, its sample's values by name."""

    contig: str
    position: int
    ref: str
    alt: str
    filter: str
    info: str
    values: dict[str, str]


def text_of(vcf: Path) -> str:
    return run(tool("bcftools", "view", "--no-version", vcf)).stdout.decode()


def records_of(vcf: Path) -> list[Call]:
    found = []
    for line in text_of(vcf).splitlines():
        if not line.startswith("#"):
            f = line.split("\t")
            values = dict(zip(f[8].split(":"), f[9].split(":"), strict=False))
            found.append(Call(f[0], int(f[1]), f[3], f[4], f[6], f[7], values))
    return found


def bases_with_genotypes(records: list[Call]) -> set[tuple[str, int]]:
    """Contig and base (from 0) of every block that is called, and of every variant with PASS."""
    found = set()
    for record in records:
        if "." in record.values["GT"] or (record.alt != "." and record.filter != "PASS"):
            continue
        end = re.search(r"(?:^|;)END=(\d+)", record.info)
        length = int(end[1]) - record.position + 1 if end else len(record.ref)
        first = record.position - 1
        found |= {(record.contig, base) for base in range(first, first + length)}
    return found


def call(
    sample: Sample, folder: Path, path: Path, *, size: int = 0, threads: int = 2,
    variables: dict[str, bool | str] | None = None,
) -> Path:  # fmt: skip
    """The stage `call` over what is aligned in the folder, cut into regions of a size."""
    stage = stage_of("germline-cpu", "call")
    for name in ("tmp", "out"):
        run(["rm", "-rf", str(folder / name)])
    run_stage(cut(stage, size), sample, folder, variables or {}, path, threads=threads)
    return folder / "out"


def cut(stage: Stage, size: int) -> Stage:
    """The stage with regions of so many bases, where a size is given."""
    if not size:
        return stage

    def cut_step(step: Step) -> Step:
        command = step.pipe[0]
        if command[1] != "regions":
            return step
        return structs.replace(step, pipe=((*command, "--size", str(size)),))

    return structs.replace(stage, steps=tuple(map(cut_step, stage.steps)))


def simulated_sample(folder: Path, *, kilobases: int = 20, masked: Sequence[int] = ()) -> Sample:
    """Two lanes of a genome of two contigs with SNPs, indels and multi-allelic sites.

    One contig has so many bases, the other three times as many.

    Of a masked sample all reads show N at some places of chr1, and there are no variants.
    """
    genome = make_genome(5, {"chr1": 3_000 * kilobases, "chr2": 1_000 * kilobases})
    chromosomes = haplotypes(genome, [] if masked else plant_variants(genome, 5), 5)
    for chromosome, place in product(chromosomes, masked):
        bases = chromosome["chr1"]
        chromosome["chr1"] = f"{bases[:place]}NNNN{bases[place + 4 :]}"
    lanes = {}
    for number in (1, 2):
        files = folder / f"{number}_R1.fastq.gz", folder / f"{number}_R2.fastq.gz"
        write_lane(chromosomes, files, Lane("FC", number), depth=15, seed=5)
        lanes[f"FC.{number}"] = files
    return indexed(folder, genome.fasta().encode(), lanes)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shims(tmp_path_factory.mktemp("tools") / "bin")


@pytest.fixture(scope="module")
def quick_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For hundreds of short commands: native tools, and stand-ins where there are none."""
    return shims(tmp_path_factory.mktemp("quick") / "bin", native_first=True)


SAMPLES: dict[str, Callable[[Path], Sample]] = {
    "simulated": partial(simulated_sample, kilobases=10),
    "masked": partial(simulated_sample, kilobases=10, masked=range(6_500, 30_000, 5_000)),
    "measles": measles_sample,
    "human": human_sample,
}


@pytest.mark.parametrize("name", [*SAMPLES, "simulated with targets"])
def test_scattered_calls_equal_those_in_one_piece(
    name: str, tmp_path: Path, quick_path: Path
) -> None:
    if name in {"measles", "human"} and not SHARED_DATA.is_dir():
        pytest.skip("the real data are not here")
    (tmp_path / "made").mkdir()
    sample = SAMPLES[name.partition(" ")[0]](tmp_path / "made")
    on: dict[str, bool | str] = {"targets": name.endswith("targets")}
    if on["targets"]:
        starts = range(500, 28_000, 900)
        (sample.ref / "targets.bed").write_text(
            "".join(f"chr1\t{start}\t{start + 300}\n" for start in starts)
        )
    align(sample, tmp_path, quick_path, MARKED)
    out = call(sample, tmp_path, quick_path, variables=on)
    names = ("variants.g.vcf.gz", "variants.vcf.gz", "callability.json")
    whole = {file: (out / file).read_bytes() for file in names}
    records = records_of(out / "variants.g.vcf.gz")
    scope = (tmp_path / "tmp" / "scope.bed").read_text().splitlines()
    looked_at = {
        (contig, base)
        for contig, start, end in (line.split("\t") for line in scope)
        for base in range(int(start), int(end))
    }
    share = len(looked_at & bases_with_genotypes(records)) / len(looked_at)
    assert json.loads(whole["callability.json"]) == {"callability": round(share, 4)}
    indels = [r for r in records if "INDEL" in r.info]
    blocks = [r for r in records if r.alt == "."]
    cuts_near_indels, cuts_in_blocks = 0, 0
    for size in (611, 4_999):
        out = call(sample, tmp_path, quick_path, size=size, variables=on)
        assert {vcf: (out / vcf).read_bytes() for vcf in whole} == whole
        for contig, at in cuts_of(tmp_path / "tmp/regions"):
            cuts_near_indels += any(
                contig == r.contig and abs(r.position - at) < 200 for r in indels
            )
            cuts_in_blocks += any(
                contig == r.contig and r.position <= at < end_of(r) for r in blocks
            )
    assert cuts_in_blocks > 3
    assert cuts_near_indels > 0 or not indels


def cuts_of(regions: Path) -> list[tuple[str, int]]:
    """Contig and position of each cut between two regions."""
    found = []
    for bed in sorted(regions.glob("*.bed")):
        for row in bed.read_text().splitlines():
            contig, _, _, kept_start, _ = row.split("\t")
            found.append((contig, int(kept_start)))
    return [(one, at) for (one, _), (other, at) in pairwise(found) if one == other]


def end_of(record: Call) -> int:
    end = re.search(r"END=(\d+)", record.info)
    return int(end[1]) if end else record.position


def planned(lanes: list[str]) -> list[str]:
    """The ids of the pairs of a plan, for lanes whose files came in this order."""
    places = [lane.split(".") for lane in lanes]
    files = [file for flowcell, lane in places for file in lane_pair(lane, flowcell=flowcell)]
    return [pair.id for pair in pair_files("S1", files)]


def test_the_same_reads_give_the_same_bytes_by_any_number_of_threads(
    tmp_path: Path, path: Path
) -> None:
    (tmp_path / "made").mkdir()
    sample = simulated_sample(tmp_path / "made")
    found = []
    for number, (arrived, threads) in enumerate(
        ((list(sample.lanes), 1), (list(sample.lanes), 4), (list(reversed([*sample.lanes])), 2))
    ):
        folder = tmp_path / f"scratch-{number}"
        folder.mkdir()
        ordered = Sample(sample.ref, {lane: sample.lanes[lane] for lane in planned(arrived)})
        align(ordered, folder, path, MARKED, threads=threads)
        call(ordered, folder, path, threads=threads)
        found.append(
            {
                str(p.relative_to(folder / name)): p.read_bytes()
                for name in ("in", "out")
                for p in (folder / name).rglob("*")
                if p.is_file()
            }
        )
    assert {"alignment.bam", "flagstat/FC.2.json", "variants.vcf.gz"} < found[0].keys()
    assert found[0] == found[1] == found[2]
    header = run(tool("samtools", "view", "-H", "--no-PG", tmp_path / "scratch-0/in/alignment.bam"))
    assert str(tmp_path) not in header.stdout.decode()
    vcf = text_of(tmp_path / "scratch-0/out/variants.vcf.gz")
    assert str(tmp_path) not in vcf
    assert not re.search(r"##bcftools|Date=", vcf)


@needs_data
def test_all_true_snps_of_na12878_are_called_and_pass(tmp_path: Path, path: Path) -> None:
    (tmp_path / "made").mkdir()
    sample = human_sample(tmp_path / "made")
    align(sample, tmp_path, path, MARKED)
    called = records_of(call(sample, tmp_path, path) / "variants.vcf.gz")
    passed = {(r.position, r.ref, r.alt) for r in called if r.filter == "PASS"}
    (truth,) = (SHARED_DATA / "na12878-chr22").glob("*.vcf")
    true = {(r.position, r.ref, r.alt) for r in records_of(truth)}
    assert len(true) == 14
    assert true <= passed


def genome_of(length: int, seed: int = 11) -> str:
    return "".join(random.Random(seed).choices("ACGT", k=length))


def amplicon_pairs(
    fragments: list[str], folder: Path, length: int = 150, *, turned: bool = True
) -> tuple[Path, Path]:
    """Both ends of each fragment, in an order by chance; every second from the other strand."""
    made = [f if n % 2 or not turned else reverse_complement(f) for n, f in enumerate(fragments)]
    random.Random(1).shuffle(made)
    return (
        write_fastq(folder / "a_R1.fastq.gz", [f[:length] for f in made]),
        write_fastq(folder / "a_R2.fastq.gz", [reverse_complement(f)[:length] for f in made]),
    )


class Panel(NamedTuple):
    """A genome, and where its amplicons and variants are (0-based)."""

    reference: str
    sample: str


def with_snv(genome: str, at: int) -> str:
    return genome[:at] + {"A": "C", "C": "G", "G": "T", "T": "A"}[genome[at]] + genome[at + 1 :]


def panel_calls(
    tmp_path: Path, path: Path, reference: str, fragments: list[str],
    variables: dict[str, bool | str] = AMPLICON, *, targets: str = "",
) -> list[Call]:  # fmt: skip
    (tmp_path / "made").mkdir()
    mates = amplicon_pairs(fragments, tmp_path)
    fasta = f">chr1\n{reference}\n".encode()
    sample = indexed(tmp_path / "made", fasta, {"FC.1": mates})
    (sample.ref / "targets.bed").write_text(targets)
    variables = variables | {"keep_duplicates": True}
    align(sample, tmp_path, path, variables)
    return records_of(call(sample, tmp_path, path, variables=variables) / "variants.vcf.gz")


def test_a_heterozygous_amplicon_of_four_hundred_pairs_is_heterozygous(
    tmp_path: Path, path: Path
) -> None:
    reference = genome_of(14_000)
    sample = with_snv(reference, 7_000)
    fragments = [reference[6_799:7_099]] * 200 + [sample[6_799:7_099]] * 200
    (found,) = panel_calls(tmp_path, path, reference, fragments)
    assert (found.position, found.filter) == (7_001, "PASS")
    assert found.values["GT"] == "0/1"
    assert found.values["AD"] == "200,200"
    assert found.values["DP"] == "400"


def test_a_heterozygous_deletion_at_four_hundred_pairs_is_called(
    tmp_path: Path, path: Path
) -> None:
    reference = genome_of(14_000)
    deleted = reference[:6_870] + reference[6_874:]
    fragments = [reference[6_799:7_099]] * 200 + [deleted[6_799:7_095]] * 200
    (found,) = panel_calls(tmp_path, path, reference, fragments)
    assert len(found.ref) - len(found.alt) == 4
    assert abs(found.position - 6_870) < 5
    assert found.filter == "PASS"
    assert found.values["GT"] == "0/1"
    assert abs(int(found.values["AD"].split(",")[1]) - 200) < 20


@pytest.mark.parametrize("orphans", [False, True])
def test_a_longer_amplicon_beside_a_frequent_short_one_keeps_its_variant(
    tmp_path: Path, path: Path, orphans: bool
) -> None:
    reference = genome_of(14_000)
    sample = with_snv(with_snv(reference, 7_000), 3_000)
    fragments = [sample[2_920:3_080]] * 3_000 + [sample[6_799:7_099]] * 60
    variables = AMPLICON | {"count_orphans": orphans}
    found = panel_calls(tmp_path, path, reference, fragments, variables)
    assert [(r.position, r.values["GT"], r.filter) for r in found] == [
        (3_001, "1/1", "PASS"),
        (7_001, "1/1", "PASS"),
    ]
    assert [int(r.values["DP"]) for r in found] == [3_000, 60]


def test_without_a_given_insert_size_the_longer_amplicon_would_be_lost(
    tmp_path: Path, path: Path
) -> None:
    """What the panel's assay is for: bwa takes the frequent amplicon's size for everyone's."""
    reference = genome_of(14_000)
    sample = with_snv(with_snv(reference, 7_000), 3_000)
    fragments = [sample[2_920:3_080]] * 3_000 + [sample[6_799:7_099]] * 60
    variables = AMPLICON | {"insert_size": "", "count_orphans": False, "targets": True}
    targets = "chr1\t2920\t3080\tshort\nchr1\t6799\t7099\tlong\n"
    found = panel_calls(tmp_path, path, reference, fragments, variables, targets=targets)
    assert [r.position for r in found] == [3_001]
    first, *not_called = (tmp_path / "out" / "not_called.bed").read_text().splitlines()
    assert first.startswith("# target bases without a genotype")
    assert "chr1\t6799\t7099" in not_called, "the lab is told that nothing was said of it"
    share = json.loads((tmp_path / "out" / "callability.json").read_bytes())["callability"]
    rest = sum(int(end) - int(start) for _, start, end in (r.split("\t") for r in not_called))
    assert share == round(1 - rest / 460, 4) < 0.4


def test_reads_that_show_no_base_make_no_pass_and_no_covered_base(
    tmp_path: Path, path: Path
) -> None:
    """Of 20 pairs 3 show the variant, and the others N, as where a primer was masked."""
    reference = genome_of(14_000)
    sample = with_snv(reference, 7_000)
    masked = sample[:6_990] + "N" * 21 + sample[7_011:]
    fragments = [masked[6_799:7_099]] * 17 + [sample[6_799:7_099]] * 3
    targets = "chr1\t6850\t7050\n"
    variables = AMPLICON | {"targets": True}
    found = panel_calls(tmp_path, path, reference, fragments, variables, targets=targets)
    for record in found:
        assert "PASS" not in record.filter
        assert record.values["AD"] == "0,3"
    first, *not_called = (tmp_path / "out" / "not_called.bed").read_text().splitlines()
    assert first.startswith("# target bases without a genotype")
    assert any(
        int(start) <= 7_000 < int(end) for _, start, end in (row.split("\t") for row in not_called)
    )


def test_a_split_site_has_a_record_for_each_allele_and_none_claims_reference(
    tmp_path: Path, path: Path
) -> None:
    reference = genome_of(14_000)
    one = with_snv(reference, 7_000)
    two = with_snv(one, 7_000)
    fragments = [one[6_799:7_099]] * 60 + [two[6_799:7_099]] * 60
    joined = panel_calls(tmp_path, path, reference, fragments)
    assert [(r.alt.count(","), r.values["GT"]) for r in joined] == [(1, "1/2")]
    (tmp_path / "split").mkdir()
    split = panel_calls(
        tmp_path / "split", path, reference, fragments,
        AMPLICON | {"split_multiallelics": True},
    )  # fmt: skip
    assert sorted(r.alt for r in split) == sorted(joined[0].alt.split(","))
    assert sorted(r.values["GT"] for r in split) == ["./1", "1/."]
    assert all(f"|{joined[0].alt}|" in r.info for r in split)


def test_reference_that_one_read_saw_is_no_call(tmp_path: Path, path: Path) -> None:
    reference = genome_of(14_000)
    fragments = [reference[2_000:2_400], *[reference[9_000:9_300]] * 30]
    panel_calls(tmp_path, path, reference, fragments)
    blocks = [r for r in records_of(tmp_path / "out/variants.g.vcf.gz") if r.alt == "."]
    seen = {r.values["GT"]: 0 for r in blocks}
    for block in blocks:
        seen[block.values["GT"]] += end_of(block) - block.position + 1
        is_lone = block.position < 5_000
        assert block.values["GT"] == ("./." if is_lone else "0/0")
    assert seen.keys() == {"./.", "0/0"}


def test_what_touches_a_target_is_reported_and_nothing_beside_it(
    tmp_path: Path, path: Path
) -> None:
    """A deletion of the target's first base is; an SNV ten bases outside is not."""
    genome = genome_of(14_000)
    reference = genome[:6_999] + "GTACA" + genome[7_004:]  # no repeat at the target's start
    start, end = 7_001, 7_120
    sample = with_snv(with_snv(reference, start - 10), 7_060)
    sample = sample[:start] + sample[start + 1 :]
    (tmp_path / "made").mkdir()
    mates = amplicon_pairs([sample[6_900:7_190]] * 60, tmp_path)
    made = indexed(tmp_path / "made", f">chr1\n{reference}\n".encode(), {"FC.1": mates})
    (made.ref / "targets.bed").write_text(f"chr1\t{start}\t{end}\n")
    variables = AMPLICON | {"keep_duplicates": True, "targets": True}
    align(made, tmp_path, path, variables)
    out = call(made, tmp_path, path, variables=variables)
    found = {(r.position, r.ref, len(r.alt)) for r in records_of(out / "variants.vcf.gz")}
    assert found == {(start, reference[start - 1 : start + 1], 1), (7_061, reference[7_060], 1)}
    seen = {r.position for r in records_of(out / "variants.g.vcf.gz") if r.alt != "."}
    assert start - 9 in seen


def targeted(
    tmp_path: Path, path: Path, reference: str, sample: str, target: tuple[int, int]
) -> list[Call]:
    """The variants of a sample read evenly at 60×, within one target."""
    chance = random.Random(3)
    starts = [chance.randrange(len(sample) - 400) for _ in range(len(sample) * 60 // 300)]
    fragments = [sample[start : start + chance.randrange(300, 400)] for start in starts]
    (tmp_path / "made").mkdir()
    mates = amplicon_pairs(fragments, tmp_path)
    made = indexed(tmp_path / "made", f">chr1\n{reference}\n".encode(), {"FC.1": mates})
    (made.ref / "targets.bed").write_text(f"chr1\t{target[0]}\t{target[1]}\n")
    align(made, tmp_path, path, MARKED)
    return records_of(call(made, tmp_path, path, variables={"targets": True}) / "variants.vcf.gz")


def test_a_long_deletion_that_reaches_into_a_target_is_reported(tmp_path: Path, path: Path) -> None:
    reference = genome_of(6_000)
    (found,) = targeted(
        tmp_path, path, reference, reference[:2_970] + reference[3_030:], (3_000, 3_300)
    )
    assert len(found.ref) - len(found.alt) == 60
    assert found.filter == "PASS"


def test_a_deletion_in_a_repeat_that_reaches_into_a_target_is_reported(
    tmp_path: Path, path: Path
) -> None:
    genome = genome_of(6_000)
    reference = genome[:2_940] + "CA" * 40 + genome[3_020:]
    sample = genome[:2_940] + "CA" * 35 + genome[3_020:]
    (found,) = targeted(tmp_path, path, reference, sample, (3_000, 3_300))
    assert len(found.ref) - len(found.alt) == 10
    assert (found.position, found.filter) == (2_940, "PASS")


def test_copies_of_one_chimeric_molecule_make_no_variant(tmp_path: Path, path: Path) -> None:
    """Duplicates are copies with all of their alignments, the supplementary ones too."""
    reference = genome_of(14_000)
    chance = random.Random(4)
    starts = [chance.randrange(len(reference) - 400) for _ in range(14_000 * 12 // 300)]
    fragments = [reference[start : start + chance.randrange(300, 400)] for start in starts]
    wrong = with_snv(reference, 10_030)
    chimera = reference[3_000:3_090] + wrong[10_000:10_060] + reference[3_090:3_300]
    (tmp_path / "made").mkdir()
    mates = amplicon_pairs([*fragments, *[chimera] * 40], tmp_path, turned=False)
    made = indexed(tmp_path / "made", f">chr1\n{reference}\n".encode(), {"FC.1": mates})
    align(made, tmp_path, path, MARKED)
    called = records_of(call(made, tmp_path, path) / "variants.vcf.gz")
    assert [(r.position, r.filter) for r in called if r.filter == "PASS"] == []


@pytest.mark.parametrize(("min_mapq", "genotype"), [("0", "0/0"), ("20", "")])
def test_reads_that_fit_two_places_say_nothing_where_certainty_is_asked_for(
    tmp_path: Path, path: Path, min_mapq: str, genotype: str
) -> None:
    genome = genome_of(9_000)
    reference = genome[:6_000] + genome[2_000:4_000] + genome[6_000:]
    chance = random.Random(5)
    starts = [chance.randrange(len(reference) - 400) for _ in range(len(reference) * 30 // 300)]
    fragments = [reference[start : start + 350] for start in starts]
    (tmp_path / "made").mkdir()
    mates = amplicon_pairs(fragments, tmp_path)
    made = indexed(tmp_path / "made", f">chr1\n{reference}\n".encode(), {"FC.1": mates})
    align(made, tmp_path, path, MARKED)
    out = call(made, tmp_path, path, variables={"min_mapq": min_mapq})
    at = [
        r.values["GT"]
        for r in records_of(out / "variants.g.vcf.gz")
        if r.position <= 3_000 <= end_of(r)
    ]
    assert at == ([genotype] if genotype else [])
