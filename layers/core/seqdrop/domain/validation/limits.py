"""What an assay asks of its validations."""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Annotated

import msgspec

_Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class Least(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one class of variants must reach; None asks for nothing.

    ``recall_low`` and ``precision_low`` are held against the lower end of the interval of 95 %: a
    control with few variants can't show much.
    """

    recall: _Share | None = None
    precision: _Share | None = None
    f1: _Share | None = None
    recall_low: _Share | None = None
    precision_low: _Share | None = None


class Validation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How an assay is validated, and whether it has to be."""

    required: bool = False
    """Samples are analysed only by a version of the pipeline that has passed; see
    ``docs/validation.md``."""
    controls: tuple[str, ...] = ()
    """Names of samples (``*`` and ``?`` as in file names) that a version is tried on before."""
    limits: dict[str, Least] = {}
    """By class: ``all``, ``snv``, ``indel``, ``insertion``, ``deletion``, ``complex``; of one
    genotype ``snv/het``, ``snv/hom``, ``snv/het_alt``."""
    minimum_count: Annotated[int, msgspec.Meta(ge=1)] = 10
    """Variants of the truth that a class must have to be judged."""

    def holds_back(self, sample: str) -> bool:
        """Whether a sample may be analysed only by a version that has passed."""
        return self.required and not any(fnmatchcase(sample, name) for name in self.controls)


def mistakes_of_validation(asked: Validation) -> Iterator[tuple[tuple[str, ...], str]]:
    """What is wrong with an assay's settings: the place within them, and what it is."""
    from seqdrop.domain.comparison.accuracy import CLASSES

    for name in asked.limits:
        if name not in CLASSES:
            yield (
                ("limits", name),
                (
                    f"validation has limits for {name!r}, which is no class of variants: "
                    f"{', '.join(sorted(CLASSES))}"
                ),
            )
    for name, least in asked.limits.items():
        if not any(getattr(least, what) for what in least.__struct_fields__):
            yield ("limits", name), f"validation asks for nothing of {name!r}"
    for number, name in enumerate(asked.controls):
        if not any(map(str.isalnum, name)):
            yield (
                ("controls", str(number)),
                (f"validation has {name!r} among its controls, which all samples are like"),
            )
    if asked.required and not asked.limits:
        yield ("required",), "validation is required, and has no limits that anything could pass"
    if asked.required and not asked.controls:
        yield (
            ("required",),
            "validation is required, and names no controls: nothing could be analysed to validate "
            "a new version",
        )
