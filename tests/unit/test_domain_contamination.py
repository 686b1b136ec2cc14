"""The share of another person's reads, in mixtures that are made to be known."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqdrop.domain.contamination import (
    LEAST_OF_EACH,
    LEAST_SITES,
    Counted,
    contamination,
    error_rate,
)
from seqdrop.domain.fingerprint import compared, genotype
from tests.fingerprints import Panel, balanced, panel


def estimate(
    share: float, *, depth: float = 30, sites: int = 250, seed: int = 1, known: bool = True
) -> float:
    rng = random.Random(seed)
    snps = panel(rng, sites)
    one, other = snps.person(rng), snps.person(rng)
    mixture = snps.counts(
        rng, balanced(one), other=other, mixed=share, depth=depth, known=known
    )  # fmt: skip
    found = contamination(mixture)
    assert found is not None
    return found


@pytest.mark.parametrize("depth", [30, 60, 100])
@pytest.mark.parametrize("seed", [1, 2, 3, 4])
@pytest.mark.parametrize(
    ("share", "least", "most"),
    [(0.0, 0.0, 0.004), (0.01, 0.002, 0.018), (0.03, 0.015, 0.045), (0.1, 0.07, 0.13),
     (0.25, 0.18, 0.32), (0.5, 0.4, 0.5)],
)  # fmt: skip
def test_the_share_of_another_person_is_found(
    share: float, least: float, most: float, depth: float, seed: int
) -> None:
    assert least <= estimate(share, depth=depth, seed=seed) <= most


def test_over_many_samples_the_estimate_is_neither_too_high_nor_too_low() -> None:
    found = [estimate(0.03, depth=40, sites=200, seed=seed) for seed in range(30)]
    assert sum(found) / len(found) == pytest.approx(0.03, abs=0.003)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("share", [0.0, 0.03, 0.1])
def test_without_frequencies_the_share_is_a_lower_bound(share: float, seed: int) -> None:
    found = estimate(share, sites=1_000, depth=60, seed=seed, known=False)
    assert share / 2 <= found <= share + 0.002


@pytest.mark.parametrize("copies", [(1 / 3, 2 / 3), (0.42, 0.58), (0.45, 0.45)])
@pytest.mark.parametrize("share", [0.0, 0.03])
def test_copy_numbers_and_reads_that_prefer_the_reference_are_no_other_person(
    copies: tuple[float, float], share: float
) -> None:
    """As of a whole genome with three copies; a trisomy is 2 % of one."""
    rng = random.Random(7)
    snps = panel(rng, 300)
    one, other = snps.person(rng), snps.person(rng)
    shares = [rng.choice(copies) if alleles == 1 else alleles / 2 for alleles in one]
    mixture = snps.counts(rng, shares, other=other, mixed=share, depth=60)
    assert contamination(mixture) == pytest.approx(share, abs=0.01)


def test_a_few_odd_sites_do_not_make_another_person() -> None:
    rng = random.Random(11)
    snps = panel(rng, 300)
    pure = snps.counts(rng, balanced(snps.person(rng)), depth=60)
    odd = [Counted(52, 8, 0, 0.5)] * 6  # as where two places of the genome look alike
    found = contamination([*pure, *odd])
    assert found is not None
    assert found < 0.02


@pytest.mark.parametrize("depth", [500, 20_000])
def test_depth_beyond_measure_finds_no_more_than_there_is(depth: int) -> None:
    """Errors differ from site to site: the deeper, the less can a model of one rate be true."""
    rng = random.Random(3)
    pure = [Counted(0, depth, 0, 0.5)] * LEAST_OF_EACH
    for _ in range(200):
        rate = rng.uniform(0, 0.002)
        wrong = round(depth * rate)
        pure.append(Counted(depth - 3 * wrong, wrong, 2 * wrong, 0.5))
    found = contamination(pure)
    assert found is not None
    assert found < 0.005


def test_of_too_few_sites_nothing_is_said() -> None:
    deep = [Counted(30, 0, 0, 0.5)]
    shallow = [Counted(9, 0, 0, 0.5)]
    other = [Counted(0, 30, 0, 0.5)] * LEAST_OF_EACH
    left = LEAST_SITES - LEAST_OF_EACH
    assert contamination(deep * (left - 1) + other + shallow * 100) is None
    assert contamination(deep * left + other) == 0.0
    assert contamination([]) is None


def test_errors_are_counted_where_no_allele_is_meant() -> None:
    assert error_rate([Counted(499_000, 499_000, 2_000)]) == pytest.approx(0.001, rel=0.01)
    assert 0 < error_rate([]) <= 0.5
    assert 0 < error_rate([Counted(100, 0, 0)]) < 0.01


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.builds(
            Counted, st.integers(0, 60_000), st.integers(0, 60_000), st.integers(0, 60_000),
            st.one_of(st.none(), st.floats(0, 1)),
        ),
        min_size=LEAST_SITES, max_size=LEAST_SITES + 20,
    )
)  # fmt: skip
def test_whatever_was_counted_gives_a_share_or_nothing(sites: list[Counted]) -> None:
    found = contamination(sites)
    assert found is None or 0 <= found <= 0.5


def typed(counted: list[Counted]) -> dict[str, str]:
    genotypes = {str(n): genotype(site.ref, site.alt) for n, site in enumerate(counted)}
    return {site: found for site, found in genotypes.items() if found}


@pytest.mark.parametrize("depth", [15, 30, 100])
@pytest.mark.parametrize("mixed", [0.0, 0.05])
def test_one_person_agrees_with_himself_and_two_people_do_not(depth: int, mixed: float) -> None:
    rng = random.Random(5)
    snps = Panel([rng.uniform(0.2, 0.8) for _ in range(60)])
    one, other = snps.person(rng), snps.person(rng)
    first = typed(snps.counts(rng, balanced(one), depth=depth))
    again = typed(snps.counts(rng, balanced(one), other=other, mixed=mixed, depth=depth))
    stranger = typed(snps.counts(rng, balanced(other), depth=depth))
    assert (compared("x", first, again).concordance or 0) >= 0.95
    assert (compared("x", first, stranger).concordance or 1) < 0.8


@pytest.mark.parametrize("allele", ["ref", "alt"])
def test_snps_at_which_everybody_is_the_same_say_nothing(allele: str) -> None:
    """Two people half and half look pure there."""
    usual = Counted(30, 0, 0, 0.5) if allele == "ref" else Counted(0, 30, 0, 0.5)
    odd = Counted(15, 15, 0, 0.5)
    assert contamination([usual] * 200 + [odd] * (LEAST_OF_EACH - 1)) is None
    assert contamination([usual] * 200 + [odd] * LEAST_OF_EACH) is not None
    rare = [usual._replace(frequency=0.0005), odd._replace(frequency=0.9999)]
    assert contamination(rare * 200) is None, "it is said that they are rare"
