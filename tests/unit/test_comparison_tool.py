"""The command that compares two files: reading, indexes, sequences, chains, and its results."""

import csv
import gzip
import hashlib
import random
from pathlib import Path

import msgspec
import pytest

from runner.tools.comparison import SideFiles, compare_files, main
from runner.tools.comparison_sequence import Fasta
from runner.tools.comparison_text import contig_offsets, text_blocks
from seqdrop.domain.comparison.chain import Reach, lifted_line, parse_chains
from seqdrop.domain.comparison.report import Absence, Change, Report, Row, Verdict
from seqdrop.domain.errors import InvalidInput
from tests.comparison_support import line, vcf
from tests.tools_support import SHARED_DATA, reverse_complement, write_fasta

pysam = pytest.importorskip("pysam")
TWO = {"chr1": 1000, "chr2": 500}
SEQUENCE = "".join(random.Random(3).choices("ACGT", k=1000))


def snv(position: int, contig: str = "chr1", sequence: str = SEQUENCE) -> str:
    """A heterozygous call of another base."""
    ref = sequence[position - 1]
    return line(f"{position} {ref} {'ACGT'.replace(ref, '')[0]}", contig=contig)


def packed(path: Path, text: str, *, index: bool = True, csi: bool = False) -> Path:
    """A VCF as bgzip makes it, with its index."""
    plain = path.with_suffix("")
    plain.write_text(text)
    pysam.tabix_compress(str(plain), str(path), force=True)
    if index:
        pysam.tabix_index(str(path), preset="vcf", force=True, csi=csi)
    return path


def test_plain_gzip_and_bgzip_are_read(tmp_path: Path) -> None:
    text = vcf(snv(5), snv(900))
    plain, gz = tmp_path / "a.vcf", tmp_path / "a.gz"
    plain.write_text(text)
    gz.write_bytes(gzip.compress(text.encode()))
    bgz = packed(tmp_path / "b.vcf.gz", text)
    for path in (plain, gz, bgz):
        assert b"".join(text_blocks(path)).decode() == text
        assert compare_files(plain, path).verdict is Verdict.IDENTICAL


def test_files_that_were_cut_off_are_refused(tmp_path: Path) -> None:
    text = vcf(*(snv(n) for n in range(1, 900)))
    bgz = packed(tmp_path / "b.vcf.gz", text, index=False)
    for content, name in (
        (bgz.read_bytes()[:-28], "no_end.vcf.gz"),
        (bgz.read_bytes()[:-200], "cut.vcf.gz"),
        (gzip.compress(text.encode())[:-300], "plain.gz"),
    ):
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(InvalidInput, match=f"{name}.*cut off"):
            compare_files(bgz, path)
    with pytest.raises(InvalidInput, match="is not there"):
        compare_files(bgz, tmp_path / "none.vcf")


@pytest.mark.parametrize("csi", [False, True])
def test_contigs_in_another_order_are_found_by_the_index(tmp_path: Path, csi: bool) -> None:
    one = [snv(n) for n in range(1, 900)]
    two = [snv(n, "chr2") for n in range(1, 400)]
    a = packed(tmp_path / "a.vcf.gz", vcf(*one, *two, contigs=TWO))
    swapped = dict(reversed(TWO.items())) | {"chr3": 7}
    more = line("2 A C", contig="chr3")
    b = packed(tmp_path / "b.vcf.gz", vcf(*two[:-1], more, *one, contigs=swapped), csi=csi)
    table = tmp_path / "rows.tsv"
    report = compare_files(a, b, table=table)
    rows = list(csv.DictReader(table.open(), delimiter="\t"))
    found = [(row["contig"], row["position"], row["change"]) for row in rows]
    assert found == [("chr2", "399", "only_a"), ("chr3", "2", "not_comparable")]
    assert (report.a.variants, report.b.variants) == (1298, 1298)


def test_an_index_of_another_file_is_refused(tmp_path: Path) -> None:
    one, two = snv(5), snv(5, "chr2")
    a = packed(tmp_path / "a.vcf.gz", vcf(one, two, contigs=TWO))
    swapped = dict(reversed(TWO.items()))
    b = packed(tmp_path / "b.vcf.gz", vcf(two, one, contigs=swapped))
    other = packed(tmp_path / "c.vcf.gz", vcf(one, contigs=TWO))
    index = b.with_name("b.vcf.gz.tbi")
    index.write_bytes(Path(f"{other}.tbi").read_bytes())
    assert set(contig_offsets(index)) == {"chr1"}
    with pytest.raises(InvalidInput, match="does not belong to it"):
        compare_files(a, b)
    index.write_bytes(b"no index")
    with pytest.raises(InvalidInput, match="no index of a VCF"):
        compare_files(a, b)


def test_a_fasta_is_read_plain_and_packed_and_no_file_is_left_beside_it(tmp_path: Path) -> None:
    plain = write_fasta(tmp_path / "g.fa", {"chr1": SEQUENCE.lower(), "chr2": "ACGTN"})
    bgz = tmp_path / "p.fa.gz"
    pysam.tabix_compress(str(plain), str(bgz))
    for path in (plain, bgz):
        fasta = Fasta(path)
        assert fasta.bases("chr1", 10, 30) == SEQUENCE[10:30]
        assert fasta.bases("chr2", 3, 30) == "TN"
        checksum = hashlib.md5(b"ACGTN", usedforsecurity=False).hexdigest()
        assert fasta.contigs(with_checksums=True)["chr2"].md5 == checksum
    assert sorted(path.name for path in tmp_path.iterdir()) == ["g.fa", "p.fa.gz"]
    with pytest.raises(InvalidInput, match="no contig 'chrX'"):
        Fasta(plain).bases("chrX", 1, 2)


def test_two_references_are_compared_base_by_base(tmp_path: Path) -> None:
    other = SEQUENCE[:500] + ("A" if SEQUENCE[500] != "A" else "C") + SEQUENCE[501:]
    one = write_fasta(tmp_path / "1.fa", {"chr1": SEQUENCE})
    same = write_fasta(tmp_path / "2.fa", {"1": SEQUENCE})
    changed = write_fasta(tmp_path / "3.fa", {"chr1": other})
    a, b = tmp_path / "a.vcf", tmp_path / "b.vcf"
    a.write_text(vcf(snv(5)))
    b.write_text(vcf(snv(5, "1"), contigs={"1": 1000}))
    report = compare_files(a, b, SideFiles(reference=one), SideFiles(reference=same))
    assert (report.verdict, report.rows) == (Verdict.EQUIVALENT, ())
    report = compare_files(a, a, SideFiles(reference=one), SideFiles(reference=changed))
    assert {row.change for row in report.rows} == {Change.NOT_COMPARABLE}


def chains(length: int, *, reverse: bool) -> str:
    """A's first 400 bases, and those from 420 on, in B after 10 others."""
    size = length - 20 + 10
    strand = "-" if reverse else "+"
    rest = length - 420
    return (
        f"chain 900 chr1 {length} + 0 {length} chrB {size} {strand} 10 {size} 1\n"
        f"400 20 0\n{rest}\n\n"
    )


@pytest.mark.parametrize("reverse", [False, True])
def test_a_chain_file_brings_calls_to_the_other_sequence(tmp_path: Path, reverse: bool) -> None:
    shared = SEQUENCE[:400] + SEQUENCE[420:]
    changed = "ACGT"[("ACGT".index(shared[600]) + 1) % 4]
    shared = shared[:600] + changed + shared[601:]
    other = reverse_complement(shared) + "A" * 10 if reverse else "A" * 10 + shared
    size = len(other)

    def there(position: int) -> int:
        at = position - 1 if position <= 400 else position - 21
        return size - 10 - at if reverse else at + 11

    places = [100, 380, 500, 700]
    a_lines = [snv(n) for n in sorted([*places, 410, 621])]
    deletion = line(f"200 {SEQUENCE[199:202]} {SEQUENCE[199]}")
    a_lines.insert(1, deletion)
    b_lines = []
    for place in places:
        _, _, _, ref, alt = snv(place).split("\t")[:5]
        if reverse:
            ref, alt = reverse_complement(ref), reverse_complement(alt)
        b_lines.append((there(place), line(f"{there(place)} {ref} {alt}", contig="chrB")))
    at = there(202) - 2 if reverse else there(200) - 1
    b_lines.append((at + 1, line(f"{at + 1} {other[at : at + 3]} {other[at]}", contig="chrB")))
    b_lines.append((1, line("5 A C", contig="chrB") if not reverse else line("1000 A C")))
    b_text = vcf(*(text for _, text in sorted(b_lines[:-1])), contigs={"chrB": size})
    paths = {name: tmp_path / name for name in ("a.vcf", "b.vcf", "c.chain")}
    paths["a.vcf"].write_text(vcf(*a_lines))
    paths["b.vcf"].write_text(b_text)
    paths["c.chain"].write_text(chains(1000, reverse=reverse))
    one = write_fasta(tmp_path / "1.fa", {"chr1": SEQUENCE})
    two = write_fasta(tmp_path / "2.fa", {"chrB": other})
    report = compare_files(
        paths["a.vcf"],
        paths["b.vcf"],
        SideFiles(reference=one, facts={"run": "before"}),
        SideFiles(reference=two, facts={"run": "now"}),
        chain=paths["c.chain"],
    )
    assert [(side.variants, side.passed) for side in (report.a, report.b)] == [(7, 7), (5, 5)]
    assert [side.facts["run"] for side in (report.a, report.b)] == ["before", "now"]
    assert report.a.facts["##fileformat"] == "VCFv4.2"
    assert sorted((row.change, row.contig, row.position) for row in report.rows) == [
        (Change.NOT_COMPARABLE, "chr1", 410),
        (Change.REFERENCE, "chr1", 621),
    ]
    assert report.verdict is Verdict.DIFFERENT
    assert sum(tally.same + tally.rewritten for tally in report.tallies) == 5


def test_a_lifted_call_that_is_only_in_a_is_told_at_its_place_in_a() -> None:
    found = parse_chains(["chain 1 chr1 9 + 0 9 chrB 9 - 0 9 1", "9"])
    text = lifted_line(line("2 A C"), found, lambda _c, s, e: "GGGGGGGTG"[s:e], 9)
    assert isinstance(text, str)
    assert text.split("\t")[:5] == ["chrB", "8", "lifted:chr1:2:A:C", "T", "G"]
    assert found.reach("chrB", 0, 9) is Reach.SAME
    assert found.reach("chrB", 5, 10) is Reach.NONE


def test_bases_that_the_sequence_changed_are_no_change_of_the_call() -> None:
    """As many bases of each lie between two blocks: whoever has the new one was told to differ."""
    found = parse_chains(["chain 1 chr1 9 + 0 9 chr1 9 + 0 9 1", "4 1 1", "4"])

    def bases(_contig: str, start: int, end: int) -> str:
        return "AAAACAAAA"[start:end]

    rows = lifted_line(line("5 A C", "1/1"), found, bases, 9)
    assert isinstance(rows, list)
    assert [(row.change, row.position) for row in rows] == [(Change.REFERENCE, 5)]
    assert isinstance(lifted_line(line("4 A C"), found, bases, 9), str)
    assert found.reach("chr1", 4, 5) is Reach.OTHER_BASES
    assert found.reach("chr1", 3, 4) is Reach.SAME


@pytest.mark.parametrize("text", ["", "chain 1 chr1\n", "9\n", "chain a b c\n1 2\n"])
def test_what_is_no_chain_file_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="chain"):
        parse_chains(text.splitlines())


def test_the_command_writes_report_and_table(tmp_path: Path) -> None:
    a = packed(tmp_path / "a.vcf.gz", vcf(snv(5), snv(90)))
    b = packed(tmp_path / "b.vcf.gz", vcf(snv(5)))
    block = line("1 A .", "0/0", filters=".", info="END=100")
    gvcf = packed(tmp_path / "b.g.vcf.gz", vcf(block))
    fasta = write_fasta(tmp_path / "g.fa", {"chr1": SEQUENCE})
    bed = tmp_path / "x.bed"
    bed.write_text("chr1\t80\t100\n")
    out = tmp_path / "out"
    arguments = [a, b, "--reference", fasta, "--gvcf-b", gvcf, "--regions", f"X={bed}"]
    code = main([*map(str, arguments), "--label-a", "one", "--out", str(out)])
    report = msgspec.json.decode((out / "comparison.json").read_bytes(), type=Report)
    assert (code, report.verdict, report.a.label) == (1, Verdict.DIFFERENT, "one")
    assert report.rows[0].absence is Absence.REFERENCE
    assert report.rows[0].regions == ("X",)
    table = (out / "comparison.tsv").read_text().splitlines()
    assert table[0].split("\t") == list(Row.__struct_fields__)
    assert len(table) == 2
    assert main([str(a), str(a), "--out", str(out)]) == 0
    assert main([str(a), str(out / "none"), "--out", str(out)]) == 2


def test_the_control_of_na12878_is_itself(tmp_path: Path) -> None:
    folder = SHARED_DATA / "na12878-chr22"
    calls, fasta = folder / "NA12878.chr22.tiny.giab.vcf", folder / "q.fa"
    if not calls.is_file():
        pytest.skip("the control's files are not here")
    sides = SideFiles(reference=fasta), SideFiles(reference=fasta)
    report = compare_files(calls, calls, *sides)
    assert (report.verdict, report.a.variants) == (Verdict.IDENTICAL, 14)
    text = calls.read_text().splitlines(keepends=True)
    fewer = tmp_path / "fewer.vcf"
    fewer.write_text("".join(text[:-1]))
    report = compare_files(calls, fewer, *sides)
    assert (report.verdict, report.rows[0].change) == (Verdict.DIFFERENT, Change.ONLY_A)
