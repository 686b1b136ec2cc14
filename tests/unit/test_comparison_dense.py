"""Files with a record at every base, as gVCFs have them: they are dealt with piece by piece."""

import random

import pytest

from seqdrop.domain.comparison.report import Change
from seqdrop.domain.comparison.walk import Walk
from tests.comparison_support import changes, compared, line, vcf


def test_blocks_at_every_base_do_not_hold_up_the_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(2)
    sequence = "".join(rng.choices("ACGT", k=60_000))
    held = []
    look = Walk._look

    def looking(walk: Walk, known: float) -> None:
        held.append(len(walk._a.lines))
        look(walk, known)

    monkeypatch.setattr(Walk, "_look", looking)
    texts = []
    for genotype in ("0/0", "./."):
        lines = [line(f"{at + 1} {base} <NON_REF>", genotype) for at, base in enumerate(sequence)]
        lines[50_000] = line(f"50001 {sequence[50_000]} {'ACGT'.replace(sequence[50_000], '')[0]}")
        texts.append(vcf(*lines, contigs={"chr1": len(sequence)}))
    texts[1] = texts[1].replace("50\tPASS\t.\tGT\t0/1", "50\tPASS\t.\tGT\t1/1")
    _, rows = compared(texts[0], texts[1], sequence, block=200_000)
    assert changes(rows) == [(Change.GENOTYPE, 50_001)]
    assert max(held) < 20_000
