"""How two versions of a reference differ, and the chain files that lead from one to the other."""

import hashlib
import random
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from seqdrop.domain.bed import Region
from seqdrop.domain.chain_file import EqualBlocks, check_chain
from seqdrop.domain.comparison.chain import Reach, parse_chains
from seqdrop.domain.contigs import Contig
from seqdrop.domain.errors import InvalidReference
from seqdrop.domain.gene_changes import compare_genes, read_genes
from seqdrop.domain.pipeline import Pipeline
from seqdrop.domain.reference_diff import (
    SHOWN,
    BaseDifferences,
    ChangedContig,
    ContigChanges,
    OtherKeys,
    Renamed,
    Sized,
    changed_parts,
    compare_contigs,
    compare_lines,
    compare_targets,
    counterparts,
    other_letters,
    side_by_side,
    stages_with_other_keys,
)
from tests.domain_support import part, pipeline, reference, stage


def md5(bases: bytes) -> str:
    """As SAM has it of a contig."""
    return hashlib.md5(bases, usedforsecurity=False).hexdigest()


def contigs(*named: str) -> list[Contig]:
    """Contigs as ``name=bases``; their checksum is that of the bases."""
    found = []
    for one in named:
        name, bases = one.split("=")
        found.append(Contig(name, len(bases), md5(bases.encode())))
    return found


def test_the_same_contigs_do_not_differ() -> None:
    same = contigs("1=ACGT", "2=GG")
    assert not compare_contigs(same, same).any
    assert compare_contigs(same, same) == ContigChanges((), (), (), (), ())


def test_contigs_are_added_removed_and_renamed() -> None:
    before, after = contigs("1=ACGT", "2=GG", "MT=CAT"), contigs("chr1=ACGT", "2=GG", "x=TTT")
    changes = compare_contigs(before, after)
    assert changes.renamed == (Renamed("1", "chr1"),)
    assert changes.added == (Sized("x", 3),)
    assert changes.removed == (Sized("MT", 3),)
    assert (changes.changed, changes.reordered) == ((), ())


def test_one_of_two_equal_contigs_is_removed_and_the_other_one_renamed() -> None:
    changes = compare_contigs(contigs("M=CAT", "MT=CAT"), contigs("chrM=CAT"))
    assert changes.renamed == (Renamed("M", "chrM"),)
    assert changes.removed == (Sized("MT", 3),)


def test_the_fewest_contigs_that_moved_are_told() -> None:
    before = contigs("1=A", "2=C", "3=G", "4=T", "M=AA")
    after = contigs("M=AA", "1=A", "2=C", "3=G", "4=T")
    assert compare_contigs(before, after).reordered == ("M",)


@given(st.permutations(range(7)))
def test_what_did_not_move_is_in_order(order: list[int]) -> None:
    before = contigs(*(f"{n}={'A' * (n + 1)}" for n in range(7)))
    after = [before[n] for n in order]
    moved = set(compare_contigs(before, after).reordered)
    kept = [contig for contig in after if contig.name not in moved]
    assert kept == sorted(kept, key=before.index)


def test_other_bases_under_a_name_are_told_and_where_they_went() -> None:
    changes = compare_contigs(contigs("1=ACGT", "2=GG"), contigs("1=AC", "2=GC", "old=ACGT"))
    assert changes.changed == (ChangedContig("1", 4, 2, "old"), ChangedContig("2", 2, 2))
    assert changes.added == (Sized("old", 4),)


def compared(one: bytes, other: bytes, size: int = 5) -> ChangedContig:
    """What differs between two contigs, of which one comes in pieces."""
    found = BaseDifferences("c")
    pieces = side_by_side((one[at : at + size] for at in range(0, len(one), size)), [other])
    for at, here, there in pieces:
        found.take(at, here, there, other_letters(here, there))
    return found.of(ChangedContig("c", len(one), len(other)))


def test_differences_are_counted_and_near_ones_are_one_region() -> None:
    one = bytearray(b"A" * 300)
    for at in (0, 51, 103, 299):  # 50 equal bases between the first two, 51 before the third
        one[at] = ord("C")
    one[200:203] = b"NNN"
    found = compared(bytes(one), b"a" * 300)
    assert found.differing == 7
    assert found.with_n == 3
    assert found.regions == ("c:1-52", "c:104-104", "c:201-203", "c:300-300")
    assert found.more_regions == 0


def test_no_more_regions_are_listed_than_are_read() -> None:
    one = bytes(ord("C" if at % 60 == 0 else "A") for at in range(60 * 25))
    found = compared(one, b"A" * len(one), 77)
    assert (found.differing, len(found.regions), found.more_regions) == (25, SHOWN, 5)


@given(st.data(), st.integers(1, 9))
def test_every_difference_is_in_a_region_and_its_ends_differ(
    data: st.DataObject, size: int
) -> None:
    one = data.draw(st.text("ACN", min_size=1, max_size=120)).encode()
    other = bytearray(one)
    for at in data.draw(st.lists(st.integers(0, len(one) - 1), max_size=8)):
        other[at] = ord("T")
    found = compared(one, bytes(other), size)
    differ = [at for at in range(len(one)) if one[at] != other[at]]
    assert found.differing == len(differ)
    assert found.with_n == sum(one[at] == ord("N") for at in differ)
    spans = [tuple(map(int, region.partition(":")[2].split("-"))) for region in found.regions]
    assert all(any(start <= at + 1 <= end for start, end in spans) for at in differ)
    assert all({start - 1, end - 1} <= set(differ) for start, end in spans)


def chain_between(one: bytes, other: bytes, size: int) -> str:
    """A chain file from one contig to another of its length."""
    blocks, lines = EqualBlocks(), list[str]()
    pieces = side_by_side((one[at : at + size] for at in range(0, len(one), size)), [other])
    for at, here, there in pieces:
        lines += blocks.take(at, len(here), other_letters(here, there))
    if not blocks.equal:
        return ""
    header = blocks.header(("1", len(one)), ("chr1", len(other)), 1)
    return header + "".join(lines) + blocks.last()


BASES = st.text("ACGTN", min_size=40, max_size=40).map(str.encode)


@given(BASES, BASES, st.integers(1, 41))
@example(b"ACGT" * 10, b"ACGT" * 10, 7)
@example(b"ACGT" * 10, b"ACGTT" * 8, 7)
def test_a_chain_of_equal_lengths_leads_every_base_to_its_own_place(
    one: bytes, other: bytes, size: int
) -> None:
    text = chain_between(one, other, size)
    if not text:
        assert all(one[at] != other[at] for at in range(40))
        return
    lines = text.splitlines()
    assert [*check_chain(lines, {"1": 40}, {"chr1": 40}, "1.chain")] == lines
    chains = parse_chains(lines)
    equal = [at for at in range(40) if one[at] == other[at]]
    for at in range(40):
        place = chains.lift("1", at, at + 1)
        assert (place is not None) == (equal[0] <= at <= equal[-1])
        assert place is None or (place.contig, place.start) == ("chr1", at)
        assert (chains.reach("chr1", at, at + 1) is Reach.SAME) == (at in equal)


def test_a_whole_contig_is_one_block() -> None:
    blocks = EqualBlocks.whole(9)
    text = blocks.header(("1", 9), ("one", 9), 4) + blocks.last()
    assert text == "chain 9 1 9 + 0 9 one 9 + 0 9 4\n9\n\n"


def test_another_sequence_of_the_same_length_is_told_from_changed_bases() -> None:
    rng = random.Random(1)
    one = bytes(rng.choices(b"ACGT", k=1_000))
    for other, is_another in (
        (bytes(rng.choices(b"ACGT", k=1_000)), True),
        (one[:100] + b"N" * 800 + one[900:], False),
        (one[1:] + one[:1], True),
        (one[:990] + b"ACGTACGTAC", False),
    ):
        found = BaseDifferences("c")
        found.take(0, one, other, other_letters(one, other))
        assert found.is_another_sequence is is_another


CHAIN = """\
##matrix=16
chain 4900 1 100 + 0 90 chr1 120 - 5 97 1
40\t0\t2
10\t5\t5
35

chain 1.5e3 2 50 + 10 20 chr2 50 + 10 20
10
"""
OLD, NEW = {"1": 100, "2": 50}, {"chr1": 120, "chr2": 50}


def checked(text: str, before: dict[str, int] | None = OLD) -> list[str]:
    return [*check_chain(text.splitlines(keepends=True), before, NEW, "7.chain")]


def test_a_good_chain_file_stays_as_it_is() -> None:
    assert checked(CHAIN) == CHAIN.splitlines()
    assert checked(CHAIN.replace("\n", "\r\n")) == CHAIN.splitlines()
    assert checked(CHAIN, None) == CHAIN.splitlines()
    assert checked(CHAIN.rstrip("\n")) == CHAIN.splitlines()


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("chain 4900", "chains 4900", "line 2 is not of a chain: a header"),
        ("chain 4900 1 100", "chain 4900", "line 2 has 11 fields: 'chain', score"),
        ("4900", "many", "line 2 has 'many' for its score"),
        ("1 100 +", "1 100 -", "line 2 has the strands '-' and '-'"),
        ("1 100 + 0 90", "1 100 + 0 x", "line 2 has a size, start or end of '1' that is no"),
        ("1 100 + 0 90", "1 100 + 0 101", "line 2 has 0 to 101 of 100 bases of '1'"),
        ("1 100 + 0 90", "1 100 + 90 90", "line 2 has 90 to 90 of 100"),
        ("1 100 + 0 90", "1 99 + 0 90", "line 2 has 99 bases for '1', which has 100 in the earl"),
        ("1 100 + 0 90", "x 100 + 0 90", "line 2 names 'x', which the earlier version does not"),
        ("chr1 120", "chr1 121", "line 2 has 121 bases for 'chr1', which has 120 in the new seq"),
        ("chr1 120", "1 120", r"line 2 names '1', which the new sequence does not have \(.*chr"),
        ("40\t0\t2", "41\t0\t2", "line 5 ends a chain whose .* 1 more .* 1 more .* than line 2"),
        ("40\t0\t2", "40\t0\t3", "0 fewer bases of the earlier sequence and 1 more of the new"),
        ("40\t0\t2", "40\t0\t200", "line 3 reaches past the end of its chain, which line 2"),
        ("40\t0\t2", "40\t-1\t2", "line 3 is no block"),
        ("40\t0\t2", "40\t2", "line 3 is no block"),
        ("40\t0\t2", "0\t40\t42", "line 3 is a block of no bases"),
        ("10\t5\t5", "", "line 4 is within a chain: delete it"),
        ("35\n", "", "line 5 is within a chain: delete it"),
        ("10\n", "10\t0\t0\n", "line 7 begins a chain that has not ended by line 8"),
        ("\nchain 1.5e3", "3\n\nchain 1.5e3", "line 6 is not of a chain"),
    ],
)
def test_a_wrong_chain_file_is_refused_with_the_line(old: str, new: str, says: str) -> None:
    assert old in CHAIN
    with pytest.raises(InvalidReference, match=rf"7\.chain, .*{says}"):
        checked(CHAIN.replace(old, new, 1))


def test_a_file_without_a_chain_is_refused() -> None:
    with pytest.raises(InvalidReference, match="has no chain: give one as UCSC's liftOver"):
        checked("# nothing\n")


def test_a_chain_file_of_the_other_direction_is_told() -> None:
    back = "chain 9 chr2 50 + 0 9 2 50 + 0 9 1\n9\n"
    with pytest.raises(InvalidReference, match="line 1 leads from 'chr2' of the new sequence"):
        checked(back)


def test_without_the_earlier_sequence_only_the_new_one_is_looked_at() -> None:
    assert checked(CHAIN.replace("1 100 +", "x 95 +"), None)
    with pytest.raises(InvalidReference, match="line 2 has 121 bases"):
        checked(CHAIN.replace("chr1 120", "chr1 121"), None)


def test_targets_differ_by_bases_whatever_their_lines() -> None:
    before = [Region("1", 0, 10), Region("1", 5, 20), Region("2", 0, 5)]
    after = [Region("1", 15, 30, "a"), Region("1", 2, 4), Region("3", 7, 9)]
    found = compare_targets(before, after)
    assert (found.bases_before, found.bases_after) == (25, 19)
    assert found.added.first == ("1:21-30", "3:8-9")
    assert found.removed.first == ("1:1-2", "1:5-15", "2:1-5")
    assert (found.added.bases, found.removed.bases, found.removed.regions) == (12, 18, 3)


REGIONS = st.lists(
    st.tuples(st.sampled_from("ab"), st.integers(0, 30), st.integers(1, 9)).map(
        lambda r: Region(r[0], r[1], r[1] + r[2])
    ),
    max_size=8,
)


@given(REGIONS, REGIONS)
def test_the_bases_of_target_regions_are_those_of_sets(
    one: list[Region], other: list[Region]
) -> None:
    def bases(regions: list[Region]) -> set[tuple[str, int]]:
        return {(r.contig, at) for r in regions for at in range(r.start, r.end)}

    found = compare_targets(one, other)
    assert found.added.bases == len(bases(other) - bases(one))
    assert found.removed.bases == len(bases(one) - bases(other))


def gff(*lines: str) -> Iterator[str]:
    """Lines with blanks for tabs, of which the feature, its place and its attributes are given."""
    yield "##gff-version 3\n"
    for line in lines:
        kind, start, end, text = line.split()
        phase = "0" if kind == "CDS" else "."
        yield f"1\tx\t{kind}\t{start}\t{end}\t.\t+\t{phase}\t{text}\n"


def gene(name: str, start: int, *exons: int, biotype: str = "protein_coding") -> list[str]:
    """A gene of a hundred bases with a transcript of exons of ten."""
    return [
        f"gene {start} {start + 99} ID=gene:{name};Name={name.upper()};biotype={biotype}",
        f"mRNA {start} {start + 99} ID=transcript:t{name};Parent=gene:{name};biotype={biotype}",
        *(f"CDS {at} {at + 9} ID=CDS:x;Parent=transcript:t{name}" for at in exons),
    ]


def test_genes_are_added_removed_and_changed() -> None:
    before = gff(*gene("a", 1, 1, 21), *gene("b", 101, 101), *gene("c", 201, 201), *gene("d", 301))
    after = gff(
        *gene("d", 301),
        *reversed(gene("a", 1, 1, 21)),  # the order of lines says nothing
        *gene("b", 101, 111),
        *gene("e", 401),
    )
    found = compare_genes(read_genes(before), read_genes(after))
    assert (found.genes.added.first, found.genes.removed.first) == (("e",), ("c",))
    assert found.genes.changed.count == 0
    assert found.transcripts.changed.first == ("tb",)
    assert (found.transcripts.added.first, found.transcripts.removed.first) == (("te",), ("tc",))
    assert set(found.consequences_may_change) == {"b", "c", "e"}
    assert found.symbols == {"b": "B", "c": "C", "e": "E"}


def test_another_biotype_changes_a_gene_and_another_name_does_not() -> None:
    before, text = read_genes(gff(*gene("a", 1, 1))), [*gene("a", 1, 1)]
    renamed = read_genes(gff(*(line.replace("Name=A", "Name=Z") for line in text)))
    assert compare_genes(before, renamed).consequences_may_change == ()
    other = read_genes(gff(*gene("a", 1, 1, biotype="pseudogene")))
    assert compare_genes(before, other).genes.changed.first == ("a",)


def test_lines_are_counted_whatever_their_order() -> None:
    found = compare_lines(["a\n", "b\n", "b\n", "c\n"], ["c", "a", "b", "d", "e"])
    assert (found.added, found.removed) == (2, 1)


def test_parts_are_told_apart_by_their_content() -> None:
    before = reference(parts={"sequence": part("genome.fa", "s1"), "alt": part("x", "a")})
    after = reference(
        parts={"sequence": part("genome.fa", "s2"), "targets:kit": part("targets.bed", "t")}
    )
    assert changed_parts(before, before) == {}
    assert changed_parts(before, after) == {
        "sequence": "changed", "alt": "removed", "targets:kit": "added",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "keys"),
    [
        ("sequence", OtherKeys(("align", "call", "annotate"), (), is_all=True)),
        ("targets:kit", OtherKeys(("call",), ("annotate",), is_all=False)),
        ("annotation", OtherKeys(("annotate",), (), is_all=False)),
        ("chain:1", OtherKeys((), (), is_all=False)),
    ],
)
def test_stages_get_other_keys_by_the_parts_that_they_name(changed: str, keys: OtherKeys) -> None:
    assert stages_with_other_keys(pipeline(), changed) == keys


def test_all_stages_get_other_keys_where_the_first_one_does() -> None:
    stages = {"a": stage(reference=("alt",)), "b": stage(needs=("a",)), "c": stage(needs=("b",))}
    found = stages_with_other_keys(Pipeline("p", "test", stages), "alt")
    assert found == OtherKeys(("a",), ("b", "c"), is_all=True)


def test_a_contig_has_its_counterpart_by_its_name_before_its_bases() -> None:
    before, after = contigs("1=AC", "2=GG"), contigs("2=AC", "chr2=GG")
    assert [(p.before.name, p.after.name) for p in counterparts(before, after)] == [("2", "2")]
