"""What germline-cpu calls by freebayes: filtered and scattered as bcftools' calls are."""

import json
import re
from itertools import groupby
from pathlib import Path

import pytest

from local.demo.genome import make_genome, plant_variants
from seqdrop.domain.letters import CODE_BASES
from tests.integration.test_calling import (
    AMPLICON,
    MARKED,
    SAMPLES,
    Call,
    amplicon_pairs,
    bases_with_genotypes,
    call,
    cuts_of,
    genome_of,
    needs_data,
    panel_calls,
    records_of,
    text_of,
    with_snv,
)
from tests.stage_support import Sample, align, human_sample, indexed, measles_sample
from tests.tools_support import SHARED_DATA, native, shims

pytestmark = pytest.mark.skipif(not native("freebayes"), reason="freebayes is not installed")
BY_FREEBAYES: dict[str, bool | str] = {
    "call_bcftools": False, "call_freebayes": True, "min_mapq": "20",
}  # fmt: skip
PANEL = AMPLICON | BY_FREEBAYES


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shims(tmp_path_factory.mktemp("quick") / "bin", native_first=True)


def alike(record: Call) -> tuple[object, ...]:
    """A record without what freebayes makes of where it began: QUAL, and GQ and ODDS with it."""
    values = {name: value for name, value in record.values.items() if name != "GQ"}
    info = re.sub(r"ODDS=[^;]*;|GTI=[^;]*;|(MinDP|MIN_DP)=\d+", "", record.info)
    return (*record[:5], info, "" if record.alt == "." else str(values))


def told_apart(vcf: Path) -> tuple[list[tuple[Call, float]], list[tuple[Call, float]]]:
    """Records with their QUAL: those that are surely there, and those that are barely one (3), and
    may be there or not by where a region begins."""
    lines = [line for line in text_of(vcf).splitlines() if not line.startswith("#")]
    quals = [float(line.split("\t")[5]) for line in lines]
    records = list(zip(records_of(vcf), quals, strict=True))
    return [one for one in records if one[1] >= 10], [one for one in records if one[1] < 10]


@pytest.mark.parametrize(
    ("name", "size"), [("human", 911), ("measles", 1_999), ("simulated with targets", 999)]
)
def test_scattered_calls_are_those_in_one_piece(
    name: str, size: int, tmp_path: Path, path: Path
) -> None:
    if name in {"measles", "human"} and not SHARED_DATA.is_dir():
        pytest.skip("the real data are not here")
    (tmp_path / "made").mkdir()
    sample = SAMPLES[name.partition(" ")[0]](tmp_path / "made")
    on = BY_FREEBAYES | {"targets": name.endswith("targets")}
    if on["targets"]:
        (sample.ref / "targets.bed").write_text(
            "".join(f"chr1\t{start}\t{start + 300}\n" for start in range(500, 28_000, 900))
        )
    align(sample, tmp_path, path, MARKED)
    out = call(sample, tmp_path, path, variables=on)
    whole, weak = told_apart(out / "variants.vcf.gz")
    blocks = [*map(alike, records_of(out / "variants.g.vcf.gz"))]
    share = (out / "callability.json").read_bytes()
    out = call(sample, tmp_path, path, size=size, variables=on)
    found, others = told_apart(out / "variants.vcf.gz")
    assert [alike(record) for record, _ in found] == [alike(record) for record, _ in whole]
    assert max(abs(a - b) for (_, a), (_, b) in zip(whole, found, strict=True)) < 15
    assert all("LowQual" in record.filter for record, _ in [*weak, *others])
    if {r[:4] for r, _ in weak} == {r[:4] for r, _ in others}:
        assert [*map(alike, records_of(out / "variants.g.vcf.gz"))] == blocks
        assert (out / "callability.json").read_bytes() == share
    cuts_near_variants = sum(
        any(contig == r.contig and abs(r.position - at) < 200 for r, _ in whole)
        for contig, at in cuts_of(tmp_path / "tmp/regions")
    )
    assert cuts_near_variants > 2


def test_the_same_reads_give_the_same_bytes_in_any_folder_by_any_number_of_threads(
    tmp_path: Path, path: Path
) -> None:
    (tmp_path / "made").mkdir()
    sample = SAMPLES["simulated"](tmp_path / "made")
    found = []
    for threads in (1, 4):
        folder = tmp_path / f"scratch-{threads}"
        folder.mkdir()
        align(sample, folder, path, MARKED)
        out = call(sample, folder, path, threads=threads, size=19_999, variables=BY_FREEBAYES)
        found.append({file.name: file.read_bytes() for file in out.iterdir()})
    assert {"variants.vcf.gz", "variants.g.vcf.gz", "callability.json"} < found[0].keys()
    assert found[0] == found[1]
    header = text_of(out / "variants.g.vcf.gz").partition("#CHROM")[0]
    assert "##source=freeBayes v" in header
    assert not re.search(r"fileDate|commandline|reference=ref|bcftools_|/", header.split("##FI")[0])
    assert str(tmp_path) not in header


def test_all_planted_variants_are_called_with_their_genotypes_and_no_others(
    tmp_path: Path, path: Path
) -> None:
    (tmp_path / "made").mkdir()
    sample = SAMPLES["simulated"](tmp_path / "made")
    genome = make_genome(5, {"chr1": 30_000, "chr2": 10_000})
    align(sample, tmp_path, path, MARKED)
    out = call(sample, tmp_path, path, variables=BY_FREEBAYES)
    passed = [r for r in records_of(out / "variants.vcf.gz") if r.filter == "PASS"]
    called = {(*r[:4], "hom" if set(r.values["GT"]) == {"1", "/"} else "het") for r in passed}
    planted = {(*v.allele, v.genotype) for v in plant_variants(genome, 5)}
    assert len(planted) > 60
    missed, wrong = planted - called, called - planted
    assert not wrong
    assert not missed


@needs_data
def test_all_true_snps_of_na12878_are_called_and_pass(tmp_path: Path, path: Path) -> None:
    (tmp_path / "made").mkdir()
    sample = human_sample(tmp_path / "made")
    align(sample, tmp_path, path, MARKED)
    out = call(sample, tmp_path, path, variables=BY_FREEBAYES)
    called = records_of(out / "variants.vcf.gz")
    passed = {(r.position, r.ref, r.alt) for r in called if r.filter == "PASS"}
    (truth,) = (SHARED_DATA / "na12878-chr22").glob("*.vcf")
    true = {(r.position, r.ref, r.alt) for r in records_of(truth)}
    assert len(true) == 14
    assert true <= passed


@needs_data
def test_no_base_is_called_like_the_reference_in_which_either_caller_sees_a_variant(
    tmp_path: Path, path: Path
) -> None:
    (tmp_path / "made").mkdir()
    sample = measles_sample(tmp_path / "made")
    align(sample, tmp_path, path, MARKED)
    theirs = records_of(call(sample, tmp_path, path) / "variants.g.vcf.gz")
    out = call(sample, tmp_path, path, variables=BY_FREEBAYES)
    records = records_of(out / "variants.g.vcf.gz")
    variants = [r for r in records if r.alt != "."]
    blocks = [r for r in records if r.alt == "."]
    claimed = bases_with_genotypes(blocks)
    alone = [r for r in theirs if r.alt != "." and r[:2] not in {v[:2] for v in variants}]
    assert alone
    assert variants
    for record in [*variants, *alone]:
        spanned = range(record.position - 1, record.position - 1 + len(record.ref))
        assert not claimed & {(record.contig, base) for base in spanned}
    scope = (tmp_path / "tmp" / "scope.bed").read_text().split("\t")
    share = len(bases_with_genotypes(records)) / (int(scope[2]) - int(scope[1]))
    assert json.loads((out / "callability.json").read_bytes()) == {"callability": round(share, 4)}


def test_two_alleles_of_one_site_are_two_records_where_the_assay_says_so(
    tmp_path: Path, path: Path
) -> None:
    """Neither of them claims the reference."""
    reference = genome_of(14_000)
    one = with_snv(reference, 7_000)
    two = with_snv(one, 7_000)
    fragments = [one[6_799:7_099]] * 60 + [two[6_799:7_099]] * 60
    variables = PANEL | {"split_multiallelics": True}
    found = panel_calls(tmp_path, path, reference, fragments, variables)
    assert {r.position for r in found} == {7_001}
    assert sorted(r.alt for r in found) == sorted({one[7_000], two[7_000]})
    assert sorted(r.values["GT"] for r in found) == ["./1", "1/."]
    assert {r.values["AD"] for r in found} == {"0,60"}
    assert {r.filter for r in found} == {"PASS"}


@pytest.mark.parametrize("in_deletion", [False, True])
def test_a_base_that_the_references_code_stands_for_says_so(
    in_deletion: bool, tmp_path: Path, path: Path
) -> None:
    """Also where freebayes has it in one record with the deletion of the other chromosome."""
    reference = genome_of(14_000)
    sample = with_snv(reference, 7_000)
    pair = {reference[7_000], sample[7_000]}
    code = next(code for code, bases in CODE_BASES.items() if set(bases) == pair)
    other = reference[6_799:6_998] + reference[7_003:7_104]
    (tmp_path / "made").mkdir()
    fragments = [other if in_deletion else reference[6_799:7_099]] * 30
    mates = amplicon_pairs([*fragments, *[sample[6_799:7_099]] * 30], tmp_path)
    made = indexed(tmp_path / "made", f">chr1\n{reference}\n".encode(), {"FC.1": mates})
    (made.ref / "iupac.bed").write_text(f"chr1\t7000\t7001\t{code}\n")
    variables = PANEL | {"keep_duplicates": True, "iupac": True, "split_multiallelics": True}
    align(made, tmp_path, path, variables)
    out = call(made, tmp_path, path, variables=variables)
    found = {(r.ref, r.alt): r for r in records_of(out / "variants.vcf.gz")}
    snp = found.pop((reference[7_000], sample[7_000]))
    assert (snp.position, snp.filter) == (7_001, "RefCode")
    assert [r.filter for r in found.values()] == ["PASS"] * in_deletion
    counts = json.loads((out / "calls.json").read_bytes())
    assert counts == {"calls_at_codes": 1, "calls_filtered": 1, "calls_passed": int(in_deletion)}


@pytest.mark.parametrize("orphans", [False, True])
def test_reads_whose_mate_is_elsewhere_count_only_where_the_assay_says_so(
    tmp_path: Path, path: Path, orphans: bool
) -> None:
    """bwa takes the frequent amplicon's size for everyone's: pairs of the longer are improper."""
    reference = genome_of(14_000)
    sample = with_snv(with_snv(reference, 7_000), 3_000)
    fragments = [sample[2_920:3_080]] * 600 + [sample[6_799:7_099]] * 60
    variables = PANEL | {"insert_size": "", "count_orphans": orphans, "targets": True}
    targets = "chr1\t2920\t3080\tshort\nchr1\t6799\t7099\tlong\n"
    found = panel_calls(tmp_path, path, reference, fragments, variables, targets=targets)
    assert [r.position for r in found] == ([3_001, 7_001] if orphans else [3_001])


def test_too_few_reads_make_no_pass_and_regions_without_any_no_record(
    tmp_path: Path, path: Path
) -> None:
    reference = genome_of(14_000)
    sample = with_snv(with_snv(reference, 7_000), 3_000)
    fragments = [sample[2_850:3_150]] * 4 + [sample[6_799:7_099]] * 60
    (tmp_path / "made").mkdir()
    mates = amplicon_pairs(fragments, tmp_path)
    made = indexed(tmp_path / "made", f">chr1\n{reference}\n".encode(), {"FC.1": mates})
    variables = PANEL | {"keep_duplicates": True}
    align(made, tmp_path, path, variables)
    out = call(made, tmp_path, path, variables=variables, size=3_500)
    found = [(r.position, r.filter) for r in records_of(out / "variants.vcf.gz")]
    assert found == [(3_001, "LowDepth"), (7_001, "PASS")]
    seen = [r.position // 1_000 for r in records_of(out / "variants.g.vcf.gz")]
    assert [place for place, _ in groupby(seen)] == [2, 3, 6, 7]


def test_three_fragments_are_three_reads_although_their_mates_overlap(
    tmp_path: Path, path: Path
) -> None:
    reference = genome_of(14_000)
    sample = with_snv(reference, 7_000)
    (found,) = panel_calls(tmp_path, path, reference, [sample[6_900:7_100]] * 3, PANEL)
    assert (found.position, found.values["AD"], found.values["DP"]) == (7_001, "0,3", "3")
    assert "LowDepth" in found.filter


def test_a_sample_without_a_read_has_no_record(tmp_path: Path, path: Path) -> None:
    (tmp_path / "made").mkdir()
    foreign = genome_of(3_000, seed=99)
    mates = amplicon_pairs([foreign[100:400]] * 5, tmp_path)
    fasta = f">chr1\n{genome_of(3_000)}\n".encode()
    made: Sample = indexed(tmp_path / "made", fasta, {"FC.1": mates})
    align(made, tmp_path, path, MARKED)
    out = call(made, tmp_path, path, variables=BY_FREEBAYES)
    assert records_of(out / "variants.g.vcf.gz") == []
    assert json.loads((out / "callability.json").read_bytes()) == {"callability": 0.0}
