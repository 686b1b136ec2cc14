"""DRAGEN's command line, as far as the stand-in does what it asks for."""

import argparse
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn


class WrongUse(Exception):
    """The command line cannot be followed; the message is the one line to print."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise WrongUse(message)


@dataclass(frozen=True)
class Options:
    """One run of the stand-in."""

    force: bool
    ref_dir: Path | None
    fastq1: str
    fastq2: str
    bam_input: str
    fastq_list: str
    fastq_list_sample_id: str
    read_group: dict[str, str]
    map_align: bool
    map_align_output: bool
    output_format: str
    bam_indexing: bool
    mark_duplicates: bool
    variant_caller: bool
    emit_gvcf: bool
    emit_vcf: bool
    target_bed: str
    target_bed_padding: int
    coverage_region: str
    coverage_mapq: int
    ignore_overlaps: bool
    output_directory: Path
    prefix: str
    intermediate: Path
    threads: int
    build_hash_table: bool
    ht_reference: str
    software_mode: bool
    """Whether DRAGEN would do without an FPGA, with the same results; the stand-in has none."""
    licensed: bool
    """Whether a licence credentials file was given; what it holds is looked at and forgotten."""


def _true_or_false(text: str) -> bool:
    if text not in ("true", "false"):
        raise argparse.ArgumentTypeError(f"{text!r} is neither true nor false")
    return text == "true"


def _only_true(text: str) -> bool:
    if not _true_or_false(text):
        raise argparse.ArgumentTypeError("the stand-in cannot do without it")
    return True


def _least_mapq(text: str) -> int:
    """Of DRAGEN's ``mapq<20,bq<0``: reads, and bases, that do not count."""
    filters = re.fullmatch(r"mapq<(\d+),bq<(\d+)", text)
    if not filters or int(filters[2]):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not mapq<N,bq<0: it looks at no base quality"
        )
    return int(filters[1])


_CREDENTIALS = ("credentials-1", "credentials-2")
"""The names of a licence credentials file: user and password (DRAGEN 4.4, Cloud Licensing)."""
_PATHS_AND_NAMES = (
    ("-r", "--ref-dir"),
    ("-1", "--fastq-file1"),
    ("-2", "--fastq-file2"),
    ("-b", "--bam-input"),
    ("--fastq-list",),
    ("--fastq-list-sample-id",),
    ("--vc-target-bed",),
    ("--qc-coverage-region-1",),
    ("--output-directory",),
    ("--output-file-prefix",),
    ("--intermediate-results-dir",),
    ("--lic-credentials",),
    ("--ht-reference",),
    ("--RGID",),
    ("--RGSM",),
    ("--RGLB",),
    ("--RGPL",),
    ("--RGPU",),
)
_SWITCHES = {
    "--enable-map-align": True,
    "--enable-map-align-output": False,
    "--enable-bam-indexing": True,
    "--enable-duplicate-marking": False,
    "--enable-variant-caller": False,
    "--build-hash-table": False,
    "--qc-coverage-ignore-overlaps": False,
}


def _parser() -> _Parser:
    parser = _Parser(prog="dragen", allow_abbrev=False, add_help=False)
    parser.add_argument("-f", "--force", action="store_true")
    parser.add_argument("--sw-mode", action="store_true")  # as ICA's documents have it: no value
    for names in _PATHS_AND_NAMES:
        parser.add_argument(*names, default="")
    for name, default in _SWITCHES.items():
        parser.add_argument(name, type=_true_or_false, default=default)
    parser.add_argument("--enable-sort", type=_only_true, default=True)
    parser.add_argument("--vc-enable-vcf-output", type=_true_or_false, default=None)
    parser.add_argument("--vc-emit-ref-confidence", choices=("GVCF", "NONE"), default="NONE")
    parser.add_argument("--vc-target-bed-padding", type=int, default=0)
    parser.add_argument("--qc-coverage-filters-1", type=_least_mapq, default=1)
    parser.add_argument("--output-format", choices=("BAM", "CRAM"), default="BAM")
    parser.add_argument("--num-threads", type=int, default=os.cpu_count() or 1)
    return parser


def _without_passwords(arguments: list[str]) -> list[str]:
    """Drops every `--lic-…` option but the one that names a file: its value may hold a password."""
    kept: list[str] = []
    skip_value = False
    for argument in arguments:
        if skip_value:
            skip_value = False
        elif argument.startswith("--lic-") and argument.partition("=")[0] != "--lic-credentials":
            skip_value = "=" not in argument
        else:
            kept.append(argument)
    return kept


def parse(arguments: list[str]) -> Options:
    """Reads the command line; raises WrongUse with one line that says what is wrong."""
    found, unknown = _parser().parse_known_args(_without_passwords(arguments))
    if unknown:
        raise WrongUse(f"unknown option {unknown[0].split('=')[0]}")
    gvcf = found.vc_emit_ref_confidence == "GVCF"
    wants_vcf = not gvcf if found.vc_enable_vcf_output is None else found.vc_enable_vcf_output
    names = ("RGID", "RGSM", "RGLB", "RGPL", "RGPU")
    options = Options(
        force=found.force,
        ref_dir=Path(found.ref_dir) if found.ref_dir else None,
        fastq1=found.fastq_file1,
        fastq2=found.fastq_file2,
        bam_input=found.bam_input,
        fastq_list=found.fastq_list,
        fastq_list_sample_id=found.fastq_list_sample_id,
        read_group={name[2:]: getattr(found, name) for name in names if getattr(found, name)},
        map_align=found.enable_map_align,
        map_align_output=found.enable_map_align_output,
        output_format=found.output_format,
        bam_indexing=found.enable_bam_indexing,
        mark_duplicates=found.enable_duplicate_marking,
        variant_caller=found.enable_variant_caller,
        emit_gvcf=gvcf,
        emit_vcf=wants_vcf,
        target_bed=found.vc_target_bed,
        target_bed_padding=found.vc_target_bed_padding,
        coverage_region=found.qc_coverage_region_1,
        coverage_mapq=found.qc_coverage_filters_1,
        ignore_overlaps=found.qc_coverage_ignore_overlaps,
        output_directory=Path(found.output_directory),
        prefix=found.output_file_prefix,
        intermediate=Path(found.intermediate_results_dir or found.output_directory),
        threads=max(1, found.num_threads),
        build_hash_table=found.build_hash_table,
        ht_reference=found.ht_reference,
        software_mode=found.sw_mode,
        licensed=_has_licence(found.lic_credentials),
    )
    _require(options, given_directory=bool(found.output_directory))
    return options


def _has_licence(credentials: str) -> bool:
    """Whether there is a licence; WrongUse for a file that DRAGEN, or its owner, would not want."""
    if not credentials:
        return False
    file = Path(credentials)
    if not file.is_file():
        raise WrongUse("unable to open the license credentials file")
    if stat.S_IMODE(file.stat().st_mode) & 0o077:
        raise WrongUse("the license credentials file is open to others: its mode must be 0600")
    lines = [line.partition("=") for line in file.read_text("utf-8").splitlines()]
    given = {name for name, _, value in lines if value}
    if missing := [name for name in _CREDENTIALS if name not in given]:
        raise WrongUse(f"the license credentials file has no {missing[0]}")
    return True


def _require(options: Options, *, given_directory: bool) -> None:
    if not given_directory:
        raise WrongUse("--output-directory is needed")
    if not options.output_directory.is_dir():
        raise WrongUse(f"the output directory {options.output_directory} does not exist")
    if options.build_hash_table:
        if not Path(options.ht_reference).is_file():
            raise WrongUse("--build-hash-table needs --ht-reference, a FASTA file")
        return
    if options.ref_dir is None or not options.prefix:
        raise WrongUse("--ref-dir and --output-file-prefix are needed")
    if not options.intermediate.is_dir():
        raise WrongUse(f"the intermediate results directory {options.intermediate} does not exist")
    if options.target_bed and not Path(options.target_bed).is_file():
        raise WrongUse(f"the target regions {options.target_bed} do not exist")
    if options.coverage_region and not Path(options.coverage_region).is_file():
        raise WrongUse(f"the coverage region {options.coverage_region} does not exist")
    _require_one_input(options)


def _require_one_input(options: Options) -> None:
    given = [options.fastq1, options.fastq_list, options.bam_input]
    if sum(map(bool, given)) != 1:
        raise WrongUse("exactly one of -1, --fastq-list and -b is needed")
    if options.bam_input:
        if options.map_align:
            raise WrongUse("-b needs --enable-map-align false: the stand-in never maps again")
        if not Path(options.bam_input).is_file():
            raise WrongUse(f"the input {options.bam_input} does not exist")
    elif not options.map_align:
        raise WrongUse("FASTQ input needs --enable-map-align true")
    if options.fastq1 and not {"ID", "SM"} <= options.read_group.keys():
        raise WrongUse("-1 needs --RGID and --RGSM")
    if options.fastq_list and not options.fastq_list_sample_id:
        raise WrongUse("--fastq-list needs --fastq-list-sample-id")
