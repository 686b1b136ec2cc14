"""``seqdrop-tool reference-check REF OUT``: looks at every part of a reference version.

The rules are those by which `seqdrop reference add` has looked at the files before they came;
what came otherwise is held by them too. Genes are tried with ``bcftools csq`` itself.
"""

import argparse
import gzip
import hashlib
import mmap
import re
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from runner.processes import BAD_DATA_EXIT_CODE
from seqdrop.domain.alt import check_alt
from seqdrop.domain.bases import Bases
from seqdrop.domain.bed import Region, listed, parse_bed
from seqdrop.domain.chain_file import check_chain
from seqdrop.domain.errors import InvalidReference
from seqdrop.domain.fasta import FastaContent, read_fasta
from seqdrop.domain.fingerprint_sites import FILE as SITES
from seqdrop.domain.fingerprint_sites import check_bases, parse_sites
from seqdrop.domain.gff import left_out_by_csq, parse_gff
from seqdrop.domain.ploidy import FILE as PAR
from seqdrop.domain.ploidy import parse_par
from seqdrop.domain.primers import parse_primers, primer_warnings
from seqdrop.domain.reading_frames import CodingSequence, check_reading_frames
from seqdrop.domain.targets import uncallable
from seqdrop.domain.text import text_lines
from seqdrop.domain.twins import twin_warnings

_CHUNK_BYTES = 1 << 20
_OTHER_BASE = {"A": "C", "C": "G", "G": "T", "T": "A"}
_MOST_TRIED = 5_000
"""Transcripts that csq is tried with; of more, as many from all over the file. A file
of a kind that csq leaves out shows it in these, and each one more takes time."""
_GENES_REMEDY = "mend these lines, or give the GFF3 that Ensembl has of this sequence"
_ADD = "add the version with `seqdrop reference add`, which writes it so"


def main(arguments: list[str]) -> int:
    """Looks at all parts, and writes where bases can be called; returns 65 if one is wrong."""
    parser = argparse.ArgumentParser(prog="seqdrop-tool reference-check", description=__doc__)
    parser.add_argument("ref", type=Path, help="the folder with the parts")
    parser.add_argument("out", type=Path, help="where callable.bed goes")
    options = parser.parse_args(arguments)
    try:
        content, warnings = check(options.ref)
    except InvalidReference as error:
        sys.stderr.write(f"{error}\n")
        return BAD_DATA_EXIT_CODE
    for warning in warnings:
        sys.stderr.write(f"WARN {warning}\n")
    with (options.out / "callable.bed").open("w", encoding="ascii") as lines:
        for region in content.callable:
            lines.write(f"{region.contig}\t{region.start}\t{region.end}\n")
    return 0


def check(ref: Path) -> tuple[FastaContent, list[str]]:
    """What the sequence holds, and warnings. Raises InvalidReference where a part is wrong."""
    content = _check_sequence(ref / "genome.fa")
    alt, genes = ref / "genome.fa.alt", ref / "annotation.gff3.gz"
    warnings = []
    if alt.exists():
        warnings += check_alt(_lines(alt), content.lengths, content.alternates, alt.name)
    for bed in sorted((ref / "targets").glob("*.bed")):
        warnings += _check_targets(bed, content)
    for primers in sorted((ref / "primers").glob("*.bed")):
        warnings += _check_primers(primers, content.lengths)
    if (ref / PAR).exists():
        _check_par(ref / PAR, content.lengths)
    for chain in sorted((ref / "chain").glob("*.chain")):
        _check_chain(chain, content.lengths)
    with _bases(ref / "genome.fa", content.lengths) as bases:
        warnings += twin_warnings(content, bases)
        if (ref / SITES).exists():
            warnings += _check_sites(ref / SITES, bases, content.lengths)
        if genes.exists():
            warnings += _check_genes(genes, ref / "genome.fa", bases, content.lengths)
    return content, warnings


def _check_sequence(fasta: Path) -> FastaContent:
    there, written = hashlib.sha256(), hashlib.sha256()
    with fasta.open("rb") as source:
        content = read_fasta(_chunks(source.read, there.update), written.update, fasta.name)
    if there.digest() != written.digest():
        raise InvalidReference(
            f"{fasta.name} has codes for several bases ({content.replaced}), blank lines or other "
            f"line ends than the tools want: {_ADD}"
        )
    return content


def _chunks(read: Callable[[int], bytes], look: Callable[[bytes], object]) -> Iterator[bytes]:
    while chunk := read(_CHUNK_BYTES):
        look(chunk)
        yield chunk


def _check_targets(bed: Path, content: FastaContent) -> list[str]:
    lines = list(_lines(bed))
    found = parse_bed(lines, content.lengths, bed.name)
    if [f"{line}\n" for line in found.lines] != lines:
        raise InvalidReference(
            f"{bed.name} has lines that are not regions of the sequence alone, divided by tabs: "
            f"{_ADD}"
        )
    return [*found.warnings, *uncallable(found.regions, content.callable, bed.name)]


def _check_primers(bed: Path, lengths: Mapping[str, int]) -> list[str]:
    lines = list(_lines(bed))
    kept = parse_primers(lines, lengths, bed.name)
    if [f"{line}\n" for line in kept] != lines:
        raise InvalidReference(f"{bed.name} has lines that are no primers: {_ADD}")
    return list(primer_warnings(kept, bed.name))


def _check_par(bed: Path, lengths: Mapping[str, int]) -> None:
    lines = list(_lines(bed))
    if [f"{line}\n" for line in parse_par(lines, lengths, bed.name)] != lines:
        raise InvalidReference(f"{bed.name} has lines that are not regions of X and Y: {_ADD}")


def _check_chain(chain: Path, lengths: Mapping[str, int]) -> None:
    """The sequence that it leads from is not here: the sizes of that one were looked at before."""
    for _ in check_chain(_lines(chain), None, lengths, chain.name):
        continue


def _check_sites(vcf: Path, bases: Bases, lengths: Mapping[str, int]) -> list[str]:
    lines = list(_lines(vcf))
    found = parse_sites(lines, lengths, vcf.name)
    if [f"{line}\n" for line in found.lines] != lines:
        raise InvalidReference(f"{vcf.name} has more than sorted sites of the autosomes: {_ADD}")
    check_bases(found.sites, bases, vcf.name)
    return found.warnings


def _check_genes(
    genes: Path, fasta: Path, bases: Bases, lengths: Mapping[str, int]
) -> Iterator[str]:
    found = parse_gff(_lines(genes), lengths, genes.name)
    yield from found.warnings
    yield from check_reading_frames(found.coding, bases.read, genes.name)
    yield from _try_csq(fasta, genes, found.coding)


@contextmanager
def _bases(fasta: Path, lengths: Mapping[str, int]) -> Iterator[Bases]:
    """The sequence's bases, read where they are looked at."""
    with fasta.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
        yield Bases(text, lengths)


def _lines(path: Path) -> Iterator[str]:
    """A file's lines, unpacked where they are packed."""
    with path.open("rb") as head:
        packed = head.read(2) == b"\x1f\x8b"
    try:
        with gzip.open(path) if packed else path.open("rb") as source:
            yield from text_lines(source)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InvalidReference(f"{path.name} is cut or damaged: {error}") from error


def _try_csq(fasta: Path, genes: Path, coding: list[CodingSequence]) -> list[str]:
    """Lets csq name the consequence of a change in each transcript, as it will for samples."""
    tried = [one.longest_piece for one in coding[:: -(-len(coding) // _MOST_TRIED)]]
    with TemporaryDirectory() as folder:
        vcf = Path(folder) / "coding.vcf"
        vcf.write_text(_changes(fasta, tried, Path(folder)), encoding="ascii")
        ran = subprocess.run(
            # -l: each change by itself, though there are several in a gene.
            ["bcftools", "csq", "-l", "-p", "a", "-f", fasta, "-g", genes, vcf],
            capture_output=True, text=True, errors="replace", check=False,
        )  # fmt: skip
    if ran.returncode != 0:
        raise InvalidReference(_why_csq_stopped(genes, ran.stderr))
    found = set(_transcripts_in(ran.stdout))
    unseen = [region.name for region in tried if region.name not in found]
    if not unseen:
        return []
    why = "it names no consequence of a change in the middle of their coding sequence"
    return [left_out_by_csq(genes.name, unseen, len(tried), why)]


def _transcripts_in(vcf: str) -> Iterator[str]:
    """The transcripts that csq names consequences in: BCSQ=kind|gene|transcript|…,…"""
    for line in vcf.splitlines():
        info = "" if line.startswith("#") else line.split("\t")[7]
        for pair in info.split(";"):
            if pair.startswith("BCSQ="):
                for consequence in pair.removeprefix("BCSQ=").split(","):
                    yield "".join(consequence.split("|")[2:3])


def _why_csq_stopped(genes: Path, stderr: str) -> str:
    """csq's own words, and the lines of what it names: it has no line numbers."""
    said = "; ".join(stderr.strip().splitlines()[-3:])
    words = {word.partition(":")[2] or word for word in re.findall(r"[\w.:-]+", said)}
    named = []
    for number, line in enumerate(_lines(genes), 1):
        match = re.search(r"(?:ID|Parent)=transcript:([^;,\s]+)", line)
        if match and match[1] in words:
            named.append(str(number))
    where = f" (see line {listed(named, quoted=False)})" if named else ""
    return f"bcftools csq can't read {genes.name}{where}: {said}: {_GENES_REMEDY}"


def _changes(fasta: Path, coding: list[Region], folder: Path) -> str:
    """A VCF with one change in the middle of each region; one that several share is there once."""
    sites = dict.fromkeys((r.contig, (r.start + r.end) // 2 + 1) for r in coding)
    asked = folder / "sites.txt"  # braces: names may have colons
    asked.write_text("".join(f"{{{name}}}:{at}-{at}\n" for name, at in sites), encoding="ascii")
    text = subprocess.run(
        ["samtools", "faidx", "-r", asked, fasta], capture_output=True, text=True, check=True
    ).stdout
    bases = [line.upper() for line in text.splitlines() if not line.startswith(">")]
    order = {name: number for number, name in enumerate(dict.fromkeys(name for name, _ in sites))}
    changes = sorted(zip(sites, bases, strict=True), key=lambda c: (order[c[0][0]], c[0][1]))
    head = "##fileformat=VCFv4.2\n" + "".join(f"##contig=<ID={name}>\n" for name in order)
    body = "".join(
        f"{name}\t{at}\t.\t{base}\t{_OTHER_BASE.get(base, 'A')}\t.\t.\t.\n"
        for (name, at), base in changes
    )
    return f"{head}#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n{body}"
