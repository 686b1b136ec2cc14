"""What the tests of the comparison share: small VCFs as text, and their comparison."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from seqdrop.domain.comparison.callfile import CallFile
from seqdrop.domain.comparison.compare import About, compare
from seqdrop.domain.comparison.headers import FIXED, Contig
from seqdrop.domain.comparison.report import Change, Report, Row

FILTERS = ("PASS", "LowQual")
HEADER = (
    "##fileformat=VCFv4.2",
    *(f'##FILTER=<ID={name},Description="x">' for name in FILTERS),
    '##FORMAT=<ID=GT,Number=1,Type=String,Description="x">',
)


def line(
    place: str,
    genotype: str = "0/1",
    *,
    filters: str = "PASS",
    info: str = ".",
    phase_set: str = "",
    contig: str = "chr1",
) -> str:
    """A record of ``position REF ALT``."""
    position, ref, alt = place.split()
    names, values = ("GT:PS", f"{genotype}:{phase_set}") if phase_set else ("GT", genotype)
    return "\t".join([contig, position, ".", ref, alt, "50", filters, info, names, values])


def vcf(
    *lines: str,
    contigs: Mapping[str, int] | None = None,
    more: Sequence[str] = (),
    sample: str = "S1",
    with_filters: bool = True,
) -> str:
    """A whole VCF."""
    header = [text for text in HEADER if with_filters or "FILTER" not in text]
    named = {"chr1": 1000} if contigs is None else contigs
    header += [f"##contig=<ID={name},length={length}>" for name, length in named.items()]
    columns = "\t".join((*FIXED, sample))
    return "\n".join([*header, *more, columns, *lines]) + "\n"


def call_file(text: str, name: str, sample: str = "", block: int = 0) -> CallFile:
    """A file of calls; ``block`` cuts its text into pieces of so many bytes."""
    data = text.encode()
    step = block or max(1, len(data))
    return CallFile([data[at : at + step] for at in range(0, len(data), step)], name, sample)


def about(
    reference: str | Mapping[str, str] | None,
    checksums: Mapping[str, str] | None = None,
    **more: Any,
) -> About:
    """A side with its sequence; one without a name is chr1."""
    named = {"chr1": reference} if isinstance(reference, str) else reference
    contigs = {
        name: Contig(len((named or {}).get(name, "")), md5)
        for name, md5 in (checksums or {}).items()
    }
    if named is None:
        return About(contigs=contigs, **more)

    def bases(contig: str, start: int, end: int) -> str:
        return named[contig][start:end]

    return About(bases=bases, contigs=contigs, **more)


def compared(
    a: str,
    b: str,
    reference: str | Mapping[str, str] | None = None,
    *,
    block: int = 0,
    sides: tuple[About, About] | None = None,
    **options: Any,
) -> tuple[Report, list[Row]]:
    """Two VCFs compared, with all rows."""
    rows: list[Row] = []
    both = sides or (about(reference), about(reference))
    files = call_file(a, "a.vcf", block=block), call_file(b, "b.vcf", block=block)
    report = compare(*files, both, on_row=rows.append, **options)
    return report, rows


def changes(rows: Iterable[Row]) -> list[tuple[Change, int]]:
    """What changed, and where."""
    return [(row.change, row.position) for row in rows]
