"""`seqdrop fingerprint`: genotypes that a lab supplies, which each run of a sample is held against.

What is printed is how many there are, and never a genotype.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.options import Json, Sample
from cli.screen import emit, say

if TYPE_CHECKING:
    from cli.stack import Stack
    from seqdrop.domain.supplied import SuppliedFingerprint

Document = dict[str, Any]


def fingerprint(
    sample: Sample,
    vcf: Annotated[
        Path | None,
        typer.Argument(
            metavar="VCF", exists=True, dir_okay=False,
            help="Its genotypes, as of a SNP array (.vcf, .vcf.gz). They replace earlier ones.",
        ),
    ] = None,
    *,
    column: Annotated[
        str,
        typer.Option(metavar="NAME", help="The sample's column, where the file has several."),
    ] = "",
    show: Annotated[
        bool, typer.Option("--show", help="Say how many were supplied, when and by whom.")
    ] = False,
    remove: Annotated[
        bool, typer.Option("--remove", help="Delete what was supplied, earlier ones too.")
    ] = False,
    json: Json = False,
) -> None:  # fmt: skip
    """Supplies a sample's genotypes: each later run has to be of the same person.

    They may come before the sample's files. No genotype is printed.
    """
    _check_usage(sample, vcf, column, show=show, remove=remove)
    from cli.stack import find_stack

    stack = find_stack()
    if vcf is not None:
        document, text = _supply(stack, sample, vcf, column)
    elif remove:
        document, text = _remove(stack, sample)
    else:
        document, text = _show(stack, sample)
    if json:
        emit(document)
    else:
        say(text)


def _check_usage(sample: str, vcf: Path | None, column: str, *, show: bool, remove: bool) -> None:
    """One thing at a time, for a sample that can be."""
    from seqdrop.domain.naming import sample_id_fault

    if [vcf is not None, show, remove].count(True) != 1:
        raise typer.BadParameter("give a VCF, --show or --remove", param_hint="VCF")
    if column and vcf is None:
        raise typer.BadParameter("it is a column of a VCF: give one", param_hint="--column")
    if fault := sample_id_fault(sample):
        raise typer.BadParameter(fault, param_hint="SAMPLE")


def _supply(stack: "Stack", sample: str, vcf: Path, column: str) -> tuple[Document, str]:
    import msgspec

    from cli.packed import opened
    from seqdrop.domain.genotypes import counts, parse_genotypes
    from seqdrop.domain.naming import supplied_key
    from seqdrop.domain.supplied import SuppliedFingerprint
    from seqdrop.domain.text import text_lines

    with opened(vcf) as source:
        found = parse_genotypes(text_lines(source), column, vcf.name)
    when = stack.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    supplied = SuppliedFingerprint(when, stack.who(), found.sites)
    bucket = stack.output("ResultsBucket")
    stack.objects.put(bucket, supplied_key(sample), msgspec.json.encode(supplied))
    known = bool(stack.catalog.analyses.of_sample(sample))
    text = (
        f"runs of {sample} are held against {len(found.sites):,} SNPs from now on"
        + ("" if known else f", but there is no sample {sample} yet")
        + counts(found.left_out)
    )
    left_out = {reason.value: count for reason, count in found.left_out.items()}
    return {**_document(sample, supplied), "left_out": left_out, "sample_known": known}, text


def _show(stack: "Stack", sample: str) -> tuple[Document, str]:
    from seqdrop.flow.identity_check import read_supplied

    supplied = read_supplied(stack.objects, stack.output("ResultsBucket"), sample)
    if supplied is None:
        return _document(sample, None), f"no genotypes were supplied for {sample}"
    text = f"{len(supplied.genotypes):,} SNPs, supplied {supplied.supplied} by {supplied.by}"
    return _document(sample, supplied), text


def _remove(stack: "Stack", sample: str) -> tuple[Document, str]:
    from seqdrop.domain.naming import supplied_key

    removed = stack.objects.erase(stack.output("ResultsBucket"), supplied_key(sample))
    text = (
        f"the genotypes supplied for {sample} are deleted"
        if removed
        else f"no genotypes were supplied for {sample}: there is nothing to delete"
    )
    return {"sample": sample, "removed": removed}, text


def _document(sample: str, supplied: "SuppliedFingerprint | None") -> Document:
    """What was supplied as JSON; null where nothing was."""
    return {
        "sample": sample,
        "sites": len(supplied.genotypes) if supplied else None,
        "supplied": supplied.supplied if supplied else None,
        "by": supplied.by if supplied else None,
    }
