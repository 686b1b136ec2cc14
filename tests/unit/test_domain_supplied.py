"""A run's genotypes against those that a lab supplied."""

from collections.abc import Mapping
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqdrop.domain.fingerprint import Comparison, compared
from seqdrop.domain.supplied import Genotype, SuppliedFingerprint, compared_with_supplied

RUN = {f"chr1:{position}:A:G": "0/1" for position in range(1, 31)}


def against(mine: Mapping[str, str], theirs: Mapping[str, Genotype]) -> Comparison:
    return compared_with_supplied(
        mine, SuppliedFingerprint("2026-03-02T14:05:11Z", "a person", dict(theirs))
    )


def supplied(
    positions: range, told: Genotype = "0/1", alleles: str = "A:G", contig: str = "chr1"
) -> dict[str, Genotype]:
    """The same genotype at each position."""
    return {f"{contig}:{position}:{alleles}": told for position in positions}


PEOPLE = st.dictionaries(
    st.builds("chr1:{}:A:{}".format, st.integers(1, 60), st.sampled_from("CGT")),
    st.sampled_from(get_args(Genotype)),
)


@given(PEOPLE, PEOPLE)
def test_sites_are_compared_as_those_of_two_runs(
    mine: dict[str, str], theirs: dict[str, Genotype]
) -> None:
    found, wanted = against(mine, theirs), compared("x", mine, theirs)
    assert (found.sites, found.same) == (wanted.sites, wanted.same)


@given(PEOPLE)
def test_a_person_is_the_same_where_the_file_names_no_alt(person: dict[str, Genotype]) -> None:
    """As exports of one sample do of all sites that are like the reference."""
    plain = {
        f"{site[:-1]}." if told == "0/0" else site: told for site, told in person.items()
    }  # fmt: skip
    found = against(person, plain)
    assert (found.sites, found.same) == (len(person), len(person))


def test_no_alt_is_another_genotype_than_one_with_an_alt() -> None:
    assert against(RUN, supplied(range(1, 31), "0/0", "A:."))[1:3] == (30, 0)
    assert against(RUN, supplied(range(1, 31), "0/0", "C:.")).sites == 0


def test_what_was_supplied_is_named_by_its_time() -> None:
    found = against(RUN, supplied(range(1, 31)))
    assert found.other == "the genotypes supplied 2026-03-02T14:05:11Z"
    assert (found.concordance, found.supplied, found.remedy) == (1.0, True, "")


@pytest.mark.parametrize(
    ("theirs", "words"),
    [
        (supplied(range(1, 20)), "supply genotypes of the reference's own assembly"),
        (supplied(range(100, 200)), "supply genotypes of the reference's own assembly"),
        (supplied(range(1, 31), contig="1"), "put 'chr' before the names"),
        (supplied(range(1, 31), contig="NC_000001.11"), "no contig has the same name; supply"),
        (supplied(range(1, 31), alleles="G:A"), "REF or ALT differ at 30 of 30 positions"),
        (supplied(range(1, 31), alleles="T:C"), "on the forward strand, with the reference's"),
    ],
)
def test_what_keeps_sites_apart_is_said(theirs: dict[str, Genotype], words: str) -> None:
    found = against(RUN, theirs)
    assert found.concordance is None
    assert words in found.remedy


def test_a_run_that_typed_too_few_sites_is_not_the_files_fault() -> None:
    mine = dict(list(RUN.items())[:7])
    assert against(mine, supplied(range(1, 31))).remedy.startswith("this run could type 7 sites")


def test_contigs_with_colons_in_their_names_are_told_apart() -> None:
    mine = {f"HLA:1:{position}:A:G": "0/1" for position in range(1, 31)}
    found = against(mine, supplied(range(1, 31), alleles="G:A", contig="HLA:1"))
    assert "at 30 of 30 positions" in found.remedy


@pytest.mark.parametrize(("fitting", "told"), [(24, None), (25, 0.0), (50, 0.0)])
def test_where_most_alleles_differ_no_other_person_is_found(
    fitting: int, told: float | None
) -> None:
    """As of the other strand, where A and T may seem to fit the wrong way round."""
    mine = {f"chr1:{position}:A:T": "0/0" for position in range(1, 51)}
    wrong = supplied(range(1, fitting + 1), "1/1", "A:T")
    found = against(mine, wrong | supplied(range(fitting + 1, 51), "1/1", "T:A"))
    assert found.concordance == told
    assert ("REF or ALT differ at 26 of 50 positions" in found.problem) == (told is None)


def test_sites_that_fit_and_agree_are_enough() -> None:
    """As of an export whose REF is the more frequent allele."""
    found = against(RUN, supplied(range(1, 21)) | supplied(range(21, 31), alleles="G:A"))
    assert found.concordance == 1.0
    most = {f"chr1:{position}:A:G": "0/1" for position in range(1, 101)}
    assert against(most, supplied(range(1, 21)) | supplied(range(21, 101), alleles="G:A"))[1:3] == (
        20, 20,
    )  # fmt: skip
