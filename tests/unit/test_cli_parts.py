"""A reference's files as parts."""

import gzip
import hashlib
from pathlib import Path

import pytest

from cli.parts import count_bases, prepare_parts, stored_parts
from seqdrop.domain.errors import InvalidInput

FASTA = b">chr1 first\nACGT\nAC\n>chr2\nGG\n"


def put(folder: Path, name: str, body: bytes) -> Path:
    path = folder / name
    path.write_bytes(body)
    return path


def test_packed_fasta_is_unpacked_for_the_tools_and_genes_stay_packed(tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    files = [
        put(tmp_path, "g.fa.gz", gzip.compress(FASTA)),
        put(tmp_path, "exome.bed", b"chr1\t0\t4\n"),
        put(tmp_path, "genes.gff3.gz", gzip.compress(b"##gff-version 3\n")),
    ]
    parts, bases = prepare_parts(files, scratch)
    assert bases == 8
    assert {name: part.path for name, part in parts.items()} == {
        "sequence": "genome.fa",
        "targets:exome": "targets.bed",
        "annotation": "annotation.gff3.gz",
    }
    assert parts["sequence"].file.read_bytes() == FASTA
    assert parts["annotation"].file == files[2]


def test_parts_are_stored_below_their_version_with_their_checksums(tmp_path: Path) -> None:
    files = [put(tmp_path, "g.fa", FASTA), put(tmp_path, "exome.bed", b"chr1\t0\t4\n")]
    parts, _ = prepare_parts(files, tmp_path)
    stored = stored_parts(parts, "refs", "tiny/1")
    assert stored["targets:exome"].object.key == "tiny/1/targets/exome/targets.bed"
    sequence = stored["sequence"].object
    assert (sequence.bucket, sequence.key, sequence.size) == (
        "refs", "tiny/1/sequence/genome.fa", len(FASTA),
    )  # fmt: skip
    assert sequence.sha256 == hashlib.sha256(FASTA).hexdigest()


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"g.fa": b"ACGT\n"}, "does not begin with '>'"),
        ({"g.fa": b""}, "does not begin with '>'"),
        ({"g.fa": b">chr1\n"}, "has no bases"),
        ({"g.fa": FASTA, "h.fasta": FASTA}, "a second sequence"),
        ({"g.fa": FASTA, "notes.doc": b""}, "no part of a reference"),
        ({"t.bed": b"", "g.fa": FASTA}, "the sequence comes first"),
        ({"g.fa.gz": gzip.compress(FASTA)[:-9]}, "cut or damaged"),
    ],
)
def test_files_that_make_no_reference_are_refused(
    tmp_path: Path, files: dict[str, bytes], says: str
) -> None:
    paths = [put(tmp_path, name, body) for name, body in files.items()]
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with pytest.raises(InvalidInput, match=says):
        prepare_parts(paths, scratch)


def test_bases_are_counted_whatever_the_line_ends(tmp_path: Path) -> None:
    assert count_bases(put(tmp_path, "g.fa", FASTA.replace(b"\n", b"\r\n"))) == 8
