"""What kind of sequence it is, by its contigs and by the stretches that are not N."""

import pytest

from seqdrop.domain.bed import Region
from seqdrop.domain.flavour import Flavour, OtherFlavour, ParMask, flavour, other_flavour, par_mask

GRCH38, GRCH37, CHM13 = 57_227_415, 59_373_566, 62_460_029


def test_contigs_have_their_kinds() -> None:
    lengths = {"1": 4, "HLA-A*01": 1, "chr1_x_alt": 1, "chrUn_1_decoy": 1, "odd": 1}
    found = flavour(lengths, ["odd", "HLA-A*01", "chrUn_1_decoy", "elsewhere"], 7)
    assert (found.contigs, found.bases, found.alt, found.decoy, found.hla) == (5, 8, 2, 1, 1)
    assert (found.uncertain, found.par_mask) == (7, None)


@pytest.mark.parametrize("name", ["hs37d5", "chrEBV", "NC_007605", "NC_007605.1", "chrUn_x_decoy"])
def test_decoys_are_known_by_their_names(name: str) -> None:
    assert flavour({name: 1}, [], 0).decoy == 1
    assert flavour({f"x{name}x": 1}, [], 0).decoy == 0


@pytest.mark.parametrize(
    ("name", "length", "between", "par1", "par2"),
    [
        ("chrY", GRCH38, (2_781_479, 56_887_902), (10_000, 2_781_479), (56_887_902, 57_217_415)),
        ("Y", GRCH37, (2_649_520, 59_034_049), (10_000, 2_649_520), (59_034_049, 59_363_566)),
        ("CP086569.2", CHM13, (2_458_320, 62_122_809), (0, 2_458_320), (62_122_809, CHM13)),
    ],
)
def test_the_mask_of_y_is_found_to_the_base(
    name: str,
    length: int,
    between: tuple[int, int],
    par1: tuple[int, int],
    par2: tuple[int, int],
) -> None:
    def found(*known: tuple[int, int]) -> ParMask:
        regions = [Region("chrX", 0, 9_999_999), *(Region(name, *place) for place in known)]
        return par_mask({"chrX": 9_999_999, name: length}, regions)

    assert found(between) is ParMask.MASKED
    assert found(par1, between, par2) is ParMask.UNMASKED
    assert found(par1, between) is found(between, par2) is ParMask.PARTLY
    first, last = between
    assert found((first - 1, last)) is found((first, last + 1)) is ParMask.PARTLY
    assert found((par1[0], par1[0] + 1), between, (par2[1] - 1, par2[1])) is ParMask.UNMASKED


def test_what_no_assembly_is_known_by_is_unknown() -> None:
    assert par_mask({"chrY": 91_744_698}, []) is ParMask.UNKNOWN
    assert par_mask({"chrY": GRCH38, "Y": 5}, []) is ParMask.UNKNOWN
    assert par_mask({"chrX": GRCH38, "chrY_KI270740v1_random": GRCH38}, []) is ParMask.NO_Y


def test_signs_that_differ_are_those_that_are_known_of_both() -> None:
    old = Flavour(25, 9, 0, 1, 0, None)
    new = Flavour(26, 9, 1, 1, 0, 3, ParMask.UNMASKED)
    later = Flavour(26, 9, 1, 1, 0, 3, ParMask.MASKED)
    assert other_flavour(old, new) == {"alt": OtherFlavour(0, 1)}
    assert other_flavour(new, later) == {"par_mask": OtherFlavour("unmasked", "masked")}
    assert other_flavour(None, new) == other_flavour(new, new) == {}
