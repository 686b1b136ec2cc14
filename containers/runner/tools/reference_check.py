"""``seqdrop-tool reference-check REF OUT``: looks at every part of a reference version.

The rules are those by which `seqdrop reference add` has looked at the files before they came;
what came otherwise is held by them too. Genes are tried with ``bcftools csq`` itself.
"""

import argparse
import gzip
import hashlib
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from runner.processes import BAD_DATA_EXIT_CODE
from seqdrop.domain.alt import check_alt
from seqdrop.domain.bed import Region, parse_bed
from seqdrop.domain.errors import InvalidReference
from seqdrop.domain.fasta import FastaContent, read_fasta
from seqdrop.domain.gff import parse_gff
from seqdrop.domain.text import text_lines

_CHUNK_BYTES = 1 << 20
_OTHER_BASE = {"A": "C", "C": "G", "G": "T", "T": "A"}
_ADD = "add the version with `seqdrop reference add`, which writes it so"


def main(arguments: list[str]) -> int:
    """Look at all parts, and write where bases can be called; 65 where a part is wrong."""
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
        warnings += check_alt(_lines(alt), content.lengths, alt.name)
    for bed in sorted((ref / "targets").glob("*.bed")):
        warnings += _check_targets(bed, content.lengths)
    if genes.exists():
        found = parse_gff(_lines(genes), content.lengths, genes.name)
        warnings += found.warnings
        _try_csq(ref / "genome.fa", genes, found.coding)
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


def _check_targets(bed: Path, lengths: Mapping[str, int]) -> list[str]:
    lines = list(_lines(bed))
    found = parse_bed(lines, lengths, bed.name)
    if [f"{line}\n" for line in found.lines] != lines:
        raise InvalidReference(
            f"{bed.name} has lines that are not regions of the sequence alone, divided by tabs: "
            f"{_ADD}"
        )
    return found.warnings


def _lines(path: Path) -> Iterator[str]:
    """A file's lines, unpacked where they are packed."""
    with path.open("rb") as head:
        packed = head.read(2) == b"\x1f\x8b"
    try:
        with gzip.open(path) if packed else path.open("rb") as source:
            yield from text_lines(source)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InvalidReference(f"{path.name} is cut or damaged: {error}") from error


def _try_csq(fasta: Path, genes: Path, coding: list[Region]) -> None:
    """Lets csq name the consequence of a change in coding sequence, as it will for samples."""
    with TemporaryDirectory() as folder:
        vcf = Path(folder) / "coding.vcf"
        vcf.write_text(_changes(fasta, coding), encoding="ascii")
        ran = subprocess.run(
            ["bcftools", "csq", "-p", "a", "-f", fasta, "-g", genes, vcf],
            capture_output=True, text=True, errors="replace", check=False,
        )  # fmt: skip
    said = "; ".join(ran.stderr.strip().splitlines()[-3:])
    if ran.returncode != 0:
        raise InvalidReference(f"bcftools csq can't read {genes.name}: {said}")
    names = [region.name for region in coding]
    found = [line for line in ran.stdout.splitlines() if "BCSQ=" in line and line[0] != "#"]
    if not any(f"|{name}|" in line for name in names for line in found):
        raise InvalidReference(
            f"bcftools csq finds no consequence of changes within {', '.join(names)} of "
            f"{genes.name}, which are coding by it: give the GFF3 that Ensembl has ({said})"
        )


def _changes(fasta: Path, coding: list[Region]) -> str:
    """A VCF with one change in the middle of each region."""
    lines = []
    for region in coding:
        position = (region.start + region.end) // 2 + 1
        asked = f"{{{region.contig}}}:{position}-{position}"  # braces: names may have colons
        text = subprocess.run(
            ["samtools", "faidx", fasta, asked], capture_output=True, text=True, check=True
        ).stdout
        base = text.splitlines()[1].upper()
        other = _OTHER_BASE.get(base, "A")
        lines.append((region.contig, position, f".\t{base}\t{other}\t.\t.\t.\n"))
    contigs = dict.fromkeys(region.contig for region in coding)
    head = "##fileformat=VCFv4.2\n" + "".join(f"##contig=<ID={name}>\n" for name in contigs)
    order = {name: number for number, name in enumerate(contigs)}
    lines.sort(key=lambda line: (order[line[0]], line[1]))
    body = "".join(f"{contig}\t{position}\t{rest}" for contig, position, rest in lines)
    return f"{head}#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n{body}"
