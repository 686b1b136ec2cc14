"""A reference's files as parts."""

import gzip
import hashlib
from pathlib import Path

import pysam
import pytest

from cli.parts import PreparedReference, prepare_parts, stored_parts
from seqdrop.domain.contigs import read_list, seqcol
from seqdrop.domain.errors import InvalidInput
from seqdrop.domain.flavour import Flavour, ParMask
from seqdrop.flow.references import part_of

GENES = b"".join(
    b"chr1\tx\t%s\t1\t6\t.\t+\t%s\t%s\n" % line
    for line in [
        (b"gene", b".", b"ID=gene:G;biotype=protein_coding"),
        (b"mRNA", b".", b"ID=transcript:T;Parent=gene:G;biotype=protein_coding"),
        (b"CDS", b"0", b"Parent=transcript:T"),
    ]
)
FASTA = b">chr1 first\nATGT\nAA\n>chr2\nGG\n"
TWICE = gzip.compress(gzip.compress(FASTA))
LONG = b">chr1\n" + b"ACGT" * 10 + b"\n" + b"ACGT" * 10 + b"\n"


def sites(ref: str = "A", contig: str = "chr1") -> bytes:
    """A VCF of 20 sites, the last of them first."""
    lines = [f"{contig}\t{n}\t.\t{ref}\tT\t9\tPASS\tDP=1;AF=0.5\n" for n in range(77, 0, -4)]
    header = "##fileformat=VCFv4.3\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
    return (header + "".join(lines)).encode()


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
        put(tmp_path, "genes.gff3.gz", gzip.compress(GENES)),
    ]
    prepared = prepare_parts(files, scratch)
    parts = prepared.parts
    assert prepared.bases == 8
    assert prepared.warnings == []
    assert {name: part.path for name, part in parts.items()} == {
        "sequence": "genome.fa",
        "targets:exome": "targets.bed",
        "annotation": "annotation.gff3.gz",
    }
    assert parts["sequence"].file.read_bytes() == FASTA
    assert parts["annotation"].file == files[2]


def test_parts_are_stored_below_their_version_with_their_checksums(tmp_path: Path) -> None:
    files = [put(tmp_path, "g.fa", FASTA), put(tmp_path, "exome.bed", b"chr1\t0\t4\n")]
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    stored = stored_parts(prepare_parts(files, scratch).parts, "refs", "tiny/1")
    exome, sequence = stored["targets:exome"].object, stored["sequence"].object
    assert exome.key == f"tiny/1/targets/exome/{exome.sha256}/targets.bed"
    assert sequence.sha256 == hashlib.sha256(FASTA).hexdigest()
    assert (sequence.bucket, sequence.key, sequence.size) == (
        "refs", f"tiny/1/sequence/{sequence.sha256}/genome.fa", len(FASTA),
    )  # fmt: skip


def test_parts_with_names_alike_are_kept_apart(tmp_path: Path) -> None:
    files = [
        put(tmp_path, "g.fa", FASTA),
        put(tmp_path, "a:b.bed", b"chr1\t0\t4\n"),
        put(tmp_path, "a-b.bed", b"chr1\t1\t4\n"),
    ]
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    parts = prepare_parts(files, scratch).parts
    assert parts["targets:a:b"].file.read_bytes() == b"chr1\t0\t4\n"
    assert parts["targets:a-b"].file.read_bytes() == b"chr1\t1\t4\n"


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"g.fa": b"ACGT\n"}, "g.fa, line 1 .* comes before the first contig"),
        ({"g.fa": b""}, "g.fa is empty"),
        ({"g.fa": b">chr1\n"}, "has no bases"),
        ({"g.fa": FASTA, "kit.bed": b"1\t0\t4\n"}, "kit.bed names no contig"),
        ({"g.fa": FASTA, "kit.bed.gz": gzip.compress(b"chr1\t4\t0\n")}, "kit.bed.gz, line 1"),
        ({"g.fa": FASTA, "g.gff3": b"x\n"}, "g.gff3, line 1"),
        (
            {"g.fa": b">chr1\nTAAATG\n", "g.gff3": GENES},
            "does not fit the sequence: 1 of 1 .*T in line 3",
        ),
        ({"g.fa": FASTA, "g.gff3.gz": gzip.compress(GENES)[:-9]}, "cut or damaged"),
        ({"g.fa": FASTA, "g.fa.alt": b"chr9_alt\t0\n"}, "g.fa.alt names no contig"),
        ({"g.fa": LONG, "s.fingerprint.vcf": sites("C")}, "line 3 has C for its REF, but .* has A"),
        ({"g.fa": LONG, "s.fingerprint.vcf.gz": sites(contig="1")}, "put 'chr' before the names"),
        ({"g.fa": FASTA, "s.fingerprint.vcf": sites()}, "past the contig's end"),
        ({"g.fa": FASTA, "h.fasta": FASTA}, "a second sequence"),
        ({"g.fa": FASTA, "notes.doc": b""}, "no part of a reference"),
        ({"t.bed": b"", "g.fa": FASTA}, "the sequence comes first"),
        ({"g.fa.gz": gzip.compress(FASTA)[:-9]}, "cut or damaged"),
        ({"g.fa.gz": TWICE}, "g.fa.gz is packed twice, gzip in gzip: unpack it once"),
        ({"g.fa": FASTA, "g.gff3.gz": TWICE}, "g.gff3.gz is packed twice"),
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


def prepare(folder: Path, **files: bytes) -> PreparedReference:
    """Files by their names, with `_` for a dot."""
    scratch = folder / "scratch"
    scratch.mkdir()
    paths = [put(folder, name.replace("_", "."), body) for name, body in files.items()]
    return prepare_parts(paths, scratch)


@pytest.mark.parametrize(
    "body",
    [
        FASTA.replace(b"\n", b"\r\n"),
        gzip.compress(FASTA, mtime=0),
        gzip.compress(FASTA[:9], mtime=0) + gzip.compress(FASTA[9:], mtime=0),
    ],
)
def test_the_working_copy_is_the_same_whatever_came(tmp_path: Path, body: bytes) -> None:
    prepared = prepare(tmp_path, g_fa=body)
    assert prepared.parts["sequence"].file.read_bytes() == FASTA
    assert prepared.facts.sha256 == hashlib.sha256(body).hexdigest()
    assert prepared.bases == 8


def test_plain_text_named_gz_is_text(tmp_path: Path) -> None:
    prepared = prepare(tmp_path, g_fa_gz=FASTA)
    assert prepared.parts["sequence"].file == tmp_path / "g.fa.gz"


def test_codes_are_one_base_in_the_copy_and_their_places_are_a_part(tmp_path: Path) -> None:
    prepared = prepare(tmp_path, g_fa=b">chr1\nACMMGTRNacgt\n")
    assert prepared.parts["sequence"].file.read_bytes() == b">chr1\nACAAGTANacgt\n"
    assert prepared.parts["iupac"].path == "iupac.bed"
    assert prepared.parts["iupac"].file.read_text() == "chr1\t2\t4\tM\nchr1\t6\t7\tR\n"
    assert (prepared.facts.replaced, prepared.facts.masked, prepared.facts.uncertain) == (3, 4, 1)


def test_checksums_of_contigs_are_those_of_the_sequence_that_tools_read(tmp_path: Path) -> None:
    """Codes are one base there. GA4GH gives this digest for ACGT."""
    prepared = prepare(tmp_path, g_fa=b">chr1 x\r\nMc\r\nGt\r\n>chr2\r\nACGTN")
    one, two = read_list(prepared.contig_list.file.read_bytes())
    assert (one.name, one.length, one.refget) == ("chr1", 4, "SQ.aKF498dAxcJAqme6QYQ7EZ07-fiw8Kw2")
    assert one.md5 == "f1f8f4bf413b16ad135722aa4591043e"
    assert (two.name, two.length) == ("chr2", 5)
    assert two.md5 == hashlib.md5(b"ACGTN", usedforsecurity=False).hexdigest()
    working = prepared.parts["sequence"].file.read_bytes()
    assert working[one.begin : one.end] == b"Ac\nGt\n"
    assert prepared.facts.seqcol == seqcol([one, two])


def test_checksums_are_those_that_samtools_writes_in_headers(tmp_path: Path) -> None:
    prepared = prepare(tmp_path, g_fa=b">chr1 x\nACRYmn\nACG\n>HLA-A*01:01\nNNacgu\n")
    sequence = prepared.parts["sequence"].file
    by_samtools = pysam.dict(str(sequence)).splitlines()[1:]
    tags = [dict(field.split(":", 1) for field in line.split("\t")[1:]) for line in by_samtools]
    contigs = read_list(prepared.contig_list.file.read_bytes())
    assert [(c.name, str(c.length), c.md5) for c in contigs] == [
        (tag["SN"], tag["LN"], tag["M5"]) for tag in tags
    ]


def test_what_kind_of_sequence_it_is_is_seen_in_names_descriptions_and_the_alt_file(
    tmp_path: Path,
) -> None:
    names = (b"chr1", b"NT_1 alternate locus group x", b"odd", b"HLA-A*01", b"chrEBV", b"Y")
    fasta = b"".join(b">%s\nACGT\n" % name for name in names)
    prepared = prepare(tmp_path, g_fa=fasta, g_fa_alt=b"@SQ\tSN:x\nodd\t0\r\nHLA-A*01\t0\n")
    assert prepared.facts.flavour == Flavour(6, 24, 2, 1, 1, 0, ParMask.UNKNOWN)


def test_target_regions_are_stored_clean(tmp_path: Path) -> None:
    given = b"track name=kit\r\nchr2 0 9 last\r\nchr1\t1\t3\tfirst\r\nchr9\t0\t4\tnone"
    prepared = prepare(tmp_path, g_fa=FASTA, kit_bed=given)
    targets = prepared.parts["targets:kit"]
    assert targets.file.read_bytes() == b"chr2\t0\t2\tlast\nchr1\t1\t3\tfirst\n"
    assert [warning.partition(" ")[0] for warning in prepared.warnings] == ["kit.bed"] * 3
    left_out = prepared.parts["left_out:kit"]
    assert left_out.path == "targets.left_out.bed"
    assert left_out.file.read_bytes() == b"chr2\t2\t9\tlast\nchr9\t0\t4\tnone\n"


def test_sites_of_a_fingerprint_are_stored_plain_and_sorted(tmp_path: Path) -> None:
    fasta, vcf = put(tmp_path, "g.fa.gz", gzip.compress(LONG)), tmp_path / "s.fingerprint.vcf.gz"
    vcf.write_bytes(gzip.compress(sites().replace(b"\n", b"\r\n")))
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    prepared = prepare_parts([fasta, vcf], scratch)
    part = prepared.parts["fingerprint"]
    assert part.path == "fingerprint.vcf"
    [warning] = prepared.warnings
    assert "19 sites within 10,000 bases" in warning
    lines = part.file.read_bytes().splitlines()
    assert lines[3] == b"chr1\t1\t.\tA\tT\t.\t.\tAF=0.5"
    assert len(lines) == 3 + 20


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (b"g\xe9ne", "line 2 holds the byte 0xE9, which is not UTF-8: save the file as UTF-8"),
        (b"a\x0bb", r"line 2 holds the character U\+000B"),
        ("a\x85b".encode(), r"line 2 holds the character U\+0085"),
        ("a\u2028b".encode(), r"line 2 holds the character U\+2028"),
    ],
)
def test_names_of_regions_that_a_reader_would_stop_or_break_at_are_refused(
    tmp_path: Path, name: bytes, said: str
) -> None:
    with pytest.raises(InvalidInput, match=said):
        prepare(tmp_path, g_fa=FASTA, kit_bed=b"chr1\t0\t1\tone\nchr1\t1\t3\t" + name + b"\n")


def test_alt_contigs_want_their_file(tmp_path: Path) -> None:
    fasta = FASTA + b">chr2_1_alt\nAC\n"
    (tmp_path / "without").mkdir()
    [warning] = prepare(tmp_path / "without", g_fa=fasta).warnings
    assert "'chr2_1_alt'" in warning
    prepared = prepare(tmp_path, g_fa=fasta, g_fa_alt=b"chr2_1_alt\t0\tchr2\r\n")
    assert prepared.warnings == []
    assert prepared.parts["alt"].path == "genome.fa.alt"
    assert prepared.parts["alt"].file.read_bytes() == b"chr2_1_alt\t0\tchr2\n"


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("G.FA", "sequence"), ("g.fa.bgz", "sequence"), ("g.Fasta.GZ", "sequence"),
        ("Kit.BED", "targets:Kit"), ("kit.v1.bed.BGZ", "targets:kit.v1"),
        ("G.GFF3.gz", "annotation"), ("g.fa.ALT", "alt"),
        ("1.chain", "chain:1"), ("GRCh38.p13.Chain.GZ", "chain:GRCh38.p13"),
    ],
)  # fmt: skip
def test_parts_are_known_by_their_names_in_any_case(name: str, part: str) -> None:
    assert part_of(name)[0] == part


def test_the_same_sequence_under_two_names_is_told(tmp_path: Path) -> None:
    twice = b"".join(b">%s\n" % name + b"ACCGT" * 300 + b"\n" for name in (b"chrM", b"MT"))
    [warning] = prepare(tmp_path, g_fa=twice).warnings
    assert "'chrM' = 'MT'" in warning


def test_target_regions_in_n_alone_are_told(tmp_path: Path) -> None:
    prepared = prepare(tmp_path, g_fa=b">chr1\nACGTNNNN\n", kit_bed=b"chr1\t0\t5\nchr1\t4\t8\n")
    assert any("1 region where the sequence has N alone" in w for w in prepared.warnings)


CHAIN = b"chain 6 1 6 + 0 6 chr1 6 + 0 6 1\n6\n\n"


def prepare_with_chain(folder: Path, name: str, body: bytes) -> PreparedReference:
    """A sequence with the way from version 1, which has the contigs 1 and old."""
    earlier = {"1": {"1": 6, "old": 9}}
    scratch = folder / "scratch"
    scratch.mkdir()
    paths = [put(folder, "g.fa", FASTA), put(folder, name, body)]
    return prepare_parts(paths, scratch, lambda version: earlier[version])


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("1.chain", CHAIN),
        ("1.chain.gz", gzip.compress(CHAIN, mtime=0)),
        ("1.chain", CHAIN.replace(b"\n", b"\r\n")),
    ],
)
def test_a_chain_file_is_stored_unpacked_under_the_version_it_leads_from(
    tmp_path: Path, name: str, body: bytes
) -> None:
    prepared = prepare_with_chain(tmp_path, name, body)
    chain = prepared.parts["chain:1"]
    assert (chain.path, chain.file.read_bytes()) == ("before.chain", CHAIN)
    assert prepared.warnings == [
        f"{name} has no chain from 1 of 2 contigs of the earlier version ('old'): no variant there "
        "can be brought over"
    ]
    stored = stored_parts(prepared.parts, "refs", "tiny/2")["chain:1"].object
    assert stored.key == f"tiny/2/chain/1/{stored.sha256}/before.chain"


def test_a_wrong_chain_file_is_refused_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(
        InvalidInput, match=r"1\.chain, line 1 names 'x', which the earlier version"
    ):
        prepare_with_chain(tmp_path, "1.chain", CHAIN.replace(b" 1 6 +", b" x 6 +"))


def test_a_chain_file_from_no_version_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="there is no version '1' from which a chain file"):
        prepare_parts([put(tmp_path, "g.fa", FASTA), put(tmp_path, "1.chain", CHAIN)], tmp_path)


PRIMERS = b"chr1\t0\t20\tf\t0\t+\nchr1 60 80 r 0 -\n"


def test_primers_are_kept_beside_the_targets_that_they_are_named_after(tmp_path: Path) -> None:
    files = [
        put(tmp_path, "g.fa", LONG),
        put(tmp_path, "panel.bed", b"chr1\t20\t60\n"),
        put(tmp_path, "panel.primers.bed.gz", gzip.compress(PRIMERS)),
    ]
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    prepared = prepare_parts(files, scratch)
    assert prepared.warnings == []
    part = prepared.parts["primers:panel"]
    assert part.path == "primers.bed"
    assert part.file.read_bytes() == PRIMERS.replace(b" ", b"\t")
    stored = stored_parts(prepared.parts, "refs", "tiny/1")["primers:panel"]
    assert stored.path == "primers.bed"
    assert stored.object.key.startswith("tiny/1/primers/panel/")


def test_primers_of_targets_that_are_not_given_are_refused(tmp_path: Path) -> None:
    files = [
        put(tmp_path, "g.fa", LONG),
        put(tmp_path, "exome.bed", b"chr1\t20\t60\n"),
        put(tmp_path, "panel.primers.bed", PRIMERS),
    ]
    with pytest.raises(InvalidInput, match=r"give panel\.bed, too"):
        prepare_parts(files, tmp_path)


@pytest.mark.parametrize("line", [b"chr9\t0\t20\tf\t0\t+\n", b"chr1\t0\t20\tf\n"])
def test_primers_that_would_stay_in_the_reads_are_refused(tmp_path: Path, line: bytes) -> None:
    files = [
        put(tmp_path, "g.fa", LONG),
        put(tmp_path, "panel.bed", b"chr1\t20\t60\n"),
        put(tmp_path, "panel.primers.bed", line),
    ]
    with pytest.raises(InvalidInput, match=r"panel\.primers\.bed"):
        prepare_parts(files, tmp_path)
