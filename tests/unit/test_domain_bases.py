"""Bases by place, however the lines of the FASTA are divided."""

from hypothesis import given
from hypothesis import strategies as st

from seqdrop.domain.bases import Bases

CONTIGS = st.lists(st.tuples(st.text("ACGTNacgtn", min_size=1), st.integers(1, 12)), min_size=1)


@given(CONTIGS, st.booleans(), st.data())
def test_any_stretch_of_any_contig_is_read(
    contigs: list[tuple[str, int]], ended: bool, data: st.DataObject
) -> None:
    texts = {f"c{number}": text for number, (text, _) in enumerate(contigs)}
    fasta = "\n".join(
        "\n".join([f">{name} a > b", *(text[i : i + w] for i in range(0, len(text), w))])
        for (name, text), (_, w) in zip(texts.items(), contigs, strict=True)
    ) + ("\n" if ended else "")
    bases = Bases(fasta.encode(), {name: len(text) for name, text in texts.items()})
    for name, text in texts.items():
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, len(text)))
        assert bases.read(name, start, end) == text[start:end].upper().encode()
        assert bases.read(name, 0, len(text)) == text.upper().encode()
