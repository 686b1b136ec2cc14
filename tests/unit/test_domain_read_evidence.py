"""Whose reads these are: the name held against what the reads say themselves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqdrop.domain.assignment import assigned_by_name, identity_of
from seqdrop.domain.naming import FastqName, parse_fastq_name
from seqdrop.domain.read_evidence import Doubt, Owner, owner_of
from seqdrop.domain.read_name import parse_read_name
from tests.domain_support import PATTERNS

ILLUMINA = "A00:8:HCASEADSX5:2:1101:1:1 1:N:0:CGATGT"
TWO_INDICES = "A00:8:HCASEADSX5:2:1101:1:1 1:N:0:CGATGTAC+TTGACCTA"
OLD = "HWUSI-EAS100R:2:73:941:1973#CGATGT/1"
SRA = "SRR1.1 1 length=150"
ENA = "ERR1.1 A00:8:HCASEADSX5:2:1101:1:1/1"
MGI = "V300019058L2C001R0010000000/1"
MISEQ = "M01:7:000000000-A1B2C:1:1101:1:1 1:N:0:12"


def owner(file: str, header: str) -> Owner | Doubt:
    return owner_of(parse_fastq_name(file, PATTERNS), parse_read_name(header))


@pytest.mark.parametrize(
    ("file", "header", "sample", "lane", "flowcell"),
    [
        ("K5_L2_1.fq.gz", ILLUMINA, "K5", "2", "HCASEADSX5"),
        ("K5_L002_R1.fq.gz", ILLUMINA, "K5", "2", "HCASEADSX5"),
        ("K5_lane2_1.fq.gz", ILLUMINA, "K5", "2", "HCASEADSX5"),
        ("L2_K5_1.fq.gz", ILLUMINA, "K5", "2", "HCASEADSX5"),
        ("K5_L2_1.fq.gz", OLD, "K5", "2", ""),
        ("K5_L2_1.fq.gz", ENA, "K5", "2", "HCASEADSX5"),
        ("D77_HCASEADSX5_L2_1.fq.gz", ILLUMINA, "D77", "2", "HCASEADSX5"),
        ("D77_hcaseadsx5_1.fq.gz", ILLUMINA, "D77", "2", "HCASEADSX5"),
        ("D77-HCASEADSX5_1.fq.gz", ILLUMINA, "D77", "2", "HCASEADSX5"),
        ("D77_EKDN0001-1A_HCASEADSX5_L2_1.fq.gz", ILLUMINA, "D77", "2", "HCASEADSX5"),
        ("D77_EKDN0001-1A_HCASEADSX5_L2_1.fq.gz", SRA, "D77", "2", "HCASEADSX5"),
        ("D77_HCASEADSX5_S1_L001_R1_001.fastq.gz", ILLUMINA, "D77", "2", "HCASEADSX5"),
        ("D77_000000000-A1B2C_R1.fastq.gz", MISEQ, "D77", "1", "000000000-A1B2C"),
        ("Hm2_GTGAAA_L005_R1_001.fastq.gz", SRA, "Hm2", "5", ""),
        ("V300019058_L02_NA12878_1.fq.gz", MGI, "NA12878", "2", "V300019058"),
        ("a_x_HCASEADSX5_L2_b-c_1.fq.gz", ILLUMINA, "a_x_b-c", "2", "HCASEADSX5"),
    ],
)
def test_what_the_reads_tell_and_the_name_repeats_is_no_part_of_the_sample(
    file: str, header: str, sample: str, lane: str, flowcell: str
) -> None:
    assert owner(file, header) == Owner(sample, lane, flowcell, of_many_lanes=True)


@pytest.mark.parametrize(
    ("file", "header"),
    [
        ("A_CGATGT_1.fq.gz", ILLUMINA),
        ("A_CGATGT_1.fq.gz", OLD),
        ("A_CGATGA_1.fq.gz", ILLUMINA),  # one base misread
        ("A_CGATGTAC-TTGACCTA_1.fq.gz", TWO_INDICES),
    ],
)
def test_a_barcode_that_the_reads_tell_is_no_part_of_the_sample(file: str, header: str) -> None:
    found = owner(file, header)
    assert isinstance(found, Owner)
    assert found.sample == "A"


@pytest.mark.parametrize(
    ("file", "header"),
    [
        ("K5_L4_1.fq.gz", ILLUMINA),
        ("K5_L2_1.fq.gz", SRA),
        ("K5_L4_1.fq.gz", MGI),
        ("K5-L2_1.fq.gz", ILLUMINA),
        ("K5.L4_1.fq.gz", SRA),
        ("K5_HCASEBDSX5_1.fq.gz", ILLUMINA),
        ("K5_H2W7MDSXC_1.fq.gz", SRA),
        ("K5_000000000-A1B2C_1.fq.gz", SRA),
        ("K5_22ABCDLT3_1.fq.gz", SRA),
        ("K5_V300019058_1.fq.gz", SRA),
        ("K5_TTTTTT_1.fq.gz", ILLUMINA),
        ("K5_CGATGT_1.fq.gz", SRA),
    ],
)
def test_what_only_looks_like_a_lane_flowcell_or_barcode_is_in_doubt(
    file: str, header: str
) -> None:
    found = owner(file, header)
    assert isinstance(found, Doubt), found
    assert "rename it to K5" in found.remedy
    assert "manifest" in found.remedy
    assert parse_fastq_name(file, PATTERNS).sample in found.why


@pytest.mark.parametrize(
    ("file", "header"),
    [
        ("V300019058_L02_UDB-1_1.fq.gz", MGI),
        ("V300019058_L02_57_1.fq.gz", MGI),
        ("V300019058_L02_1.fq.gz", MGI),
        ("HCASEADSX5_L2_1.fq.gz", ILLUMINA),
        ("HCASEADSX5_1.fq.gz", ILLUMINA),
        ("HCASEADSX5_S1_L002_R1_001.fastq.gz", ILLUMINA),
    ],
)
def test_a_name_without_a_sample_is_in_doubt(file: str, header: str) -> None:
    found = owner(file, header)
    assert isinstance(found, Doubt)
    assert "no sample" in found.why


def test_a_file_whose_reads_are_of_another_flowcell_than_its_name_says_is_in_doubt() -> None:
    found = owner("D77_EKDN0001-1A_HCASEBDSX5_L2_1.fq.gz", ILLUMINA)
    assert isinstance(found, Doubt)
    assert "flowcell HCASEBDSX5, and its first read HCASEADSX5" in found.why


@pytest.mark.parametrize("header", [ILLUMINA, OLD, SRA, ENA, MGI, MISEQ])
@pytest.mark.parametrize(
    "sample",
    [
        "NA12878", "Hm2", "SRR1770413", "a.b-c", "L2", "CATTAG", "GATTACA", "P1_Lung", "K5_2",
        "E12345", "tumour_a", "S12_rep2", "PATIENTAX1", "LX2", "K5_lane", "RNA_LATE", "V3_x",
        "19L2_b", "K5_L9", "K5_LL2",
    ],
)  # fmt: skip
def test_ids_of_the_field_are_left_as_they_are(sample: str, header: str) -> None:
    found = owner(f"{sample}_1.fq.gz", header)
    assert isinstance(found, Owner)
    assert (found.sample, found.of_many_lanes) == (sample, False)


def test_a_demultiplexer_s_id_is_of_the_sample_sheet_whatever_it_looks_like() -> None:
    for header in (ILLUMINA, SRA):
        found = owner("K5_L4_GATTACA_S1_L002_R1_001.fastq.gz", header)
        assert found == Owner(
            "K5_L4_GATTACA", "2", parse_read_name(header).flowcell, of_many_lanes=True
        )


def test_two_files_of_a_sample_without_lanes_and_of_two_flowcells_are_two_lanes_files() -> None:
    name = FastqName("K5", "R1")
    heads = [parse_read_name(f"A:8:{f}:1:1:1:1 1:N:0:1") for f in ("HCASEADSX5", "HCASEBDSX5")]
    identities = [identity_of(assigned_by_name(name, "wgs", head), head) for head in heads]
    assert [each.flowcell for each in identities] == ["HCASEADSX5", "HCASEBDSX5"]
    assert identities[0].pair != identities[1].pair


def test_two_flowcells_that_only_the_names_tell_are_two_lanes_files() -> None:
    head, places = parse_read_name(SRA), []
    for flowcell in ("HCASEADSX5", "HCASEBDSX5"):
        name = parse_fastq_name(f"D77_EKDN0001-1A_{flowcell}_L2_1.fq.gz", PATTERNS)
        places.append(identity_of(assigned_by_name(name, "wgs", head), head))
    assert {each.pair for each in places} == {
        ("EKDN0001-1A", "HCASEADSX5", "2", "001"),
        ("EKDN0001-1A", "HCASEBDSX5", "2", "001"),
    }


WORDS = st.sampled_from(
    ["K5", "L2", "L4", "L002", "HCASEADSX5", "HCASEBDSX5", "CGATGT", "TTTTTT", "x", "57", "V3"]
)
HEADERS = st.sampled_from([ILLUMINA, OLD, SRA, ENA, MGI, MISEQ])


@given(st.lists(WORDS, min_size=1, max_size=4), HEADERS)  # of five, an id may be too long
def test_both_mates_of_a_file_have_one_owner_and_no_lane_of_the_reads_is_in_it(
    words: list[str], header: str
) -> None:
    head = parse_read_name(header)
    found = {owner(f"{'_'.join(words)}_{read}.fq.gz", header) for read in (1, 2)}
    owners = [each for each in found if isinstance(each, Owner)]
    assert len(owners) == len(found) or not owners
    for each in owners:
        assert len(found) == 1
        left = each.sample.split("_")
        assert left == [each.sample] or not {f"L{head.lane}", head.flowcell} & set(left)


@given(st.text(st.sampled_from("KL25_.-ACGTX"), min_size=1, max_size=30), HEADERS)
def test_any_name_has_an_owner_with_a_possible_id_or_is_in_doubt(text: str, header: str) -> None:
    name, head = FastqName(text, "R1"), parse_read_name(header)
    found = owner_of(name, head)
    if isinstance(found, Owner):
        place = assigned_by_name(name, "wgs", head)
        assert place.sample == found.sample
        assert found.sample[0].isalnum()
    else:
        assert found.remedy
