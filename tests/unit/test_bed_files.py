"""One reader of BED: every tool of ours sees the same regions of a part."""

from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.tools.bed_files import read_bed
from runner.tools.calls import _codes
from runner.tools.main import main
from seqdrop.domain.text import text_lines, unprintable

NAMES = [
    b"M\xc3\xbcller exon 1",
    b"g\xe9ne",
    b"a\x0bb",
    b"a\x1cb",
    b"a\xc2\x85b",
    b"a\xe2\x80\xa8b",
]


@pytest.mark.parametrize("name", NAMES)
def test_all_tools_read_a_part_alike_whatever_its_names_hold(tmp_path: Path, name: bytes) -> None:
    """Parts that an earlier Seqdrop took have such names; none may cost a sample its run."""
    bed = tmp_path / "targets.bed"
    bed.write_bytes(b"chr1\t100\t200\t" + name + b"\nchr1\t300\t400\tlast\n")
    (tmp_path / "genome.fa.fai").write_text("chr1\t1000\t6\t1000\t1001\n")
    assert [tuple(r[:3]) for r in read_bed(bed)] == [("chr1", 100, 200), ("chr1", 300, 400)]

    assert main(["scope", "--callable", str(bed), "--targets", str(bed), f"{tmp_path}/scope"]) == 0
    assert (tmp_path / "scope").read_text() == "chr1\t100\t200\nchr1\t300\t400\n"

    fai, out = f"{tmp_path}/genome.fa.fai", str(tmp_path)
    assert main(["regions", fai, str(bed), out, "--targets", str(bed)]) == 0
    assert (tmp_path / "calling.bed").read_text() == "chr1\t0\t600\n"


def test_places_of_codes_are_read_on_contigs_of_any_name(tmp_path: Path) -> None:
    bed = tmp_path / "iupac.bed"
    bed.write_text("track\t4\t5\tM\nbrowser\t0\t1\tr\n")
    assert _codes(bed) == {("track", 5): {"A", "C"}, ("browser", 1): {"A", "G"}}


@given(st.lists(st.text(st.characters(exclude_characters="\n"), max_size=9), max_size=5))
def test_a_line_ends_at_its_line_feed_alone(lines: list[str]) -> None:
    body = "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogatepass")
    found = list(text_lines(BytesIO(body)))
    assert len(found) == len(lines)
    assert "".join(found).encode("utf-8", "surrogateescape") == body


@pytest.mark.parametrize("text", ["", "chr1\t1\tM\u00fcller exon 1", "\u4eba\t+"])
def test_text_that_can_be_printed_is_good(text: str) -> None:
    assert unprintable(text) == ""
