"""The pipelines' command lines against the manuals of tools that can't be run in every test.

A table has the options that a tool's manual names, each with the form of its value. An option that
is not in its table, a value of another form, or none where one is needed fails here, and not on a
host that is paid by the hour.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from seqdrop.domain.pipeline import Stage
from seqdrop.library import Library
from tests.tools_support import ROOT

NUMBER, PATH, TEXT = r"\d+|\{threads\}", r"\{(ref|in|tmp|out)\}.*|\.", r"\S(.*\S)?"
ZERO_ONE, TRUE = "[01]", "true|false"
FLAG = ""


@dataclass(frozen=True)
class Manual:
    """What a tool takes."""

    source: str
    options: dict[str, str]
    """A pattern for the value of each; FLAG where it takes none."""
    needed: frozenset[str] = frozenset()
    words: int = 0
    """How many arguments it takes that belong to no option."""


ISAAC = Manual(
    "Isaac 04.18.11.09, src/markdown/manual.md, isaac-align",
    {
        "--reference-genome": PATH,
        "--base-calls": PATH,
        "--base-calls-format": "bam|bcl|bcl-gz|bcl-bgzf|fastq|fastq-gz",
        "--memory-limit": NUMBER,
        "--jobs": NUMBER,
        "--output-directory": PATH,
        "--temp-directory": PATH,
        "--pf-only": ZERO_ONE,
        "--keep-unaligned": "discard|front|back",
        "--mark-duplicates": ZERO_ONE,
        "--variable-read-length": ZERO_ONE,
        "--bam-gzip-level": "[0-9]",
        "--bam-produce-md5": ZERO_ONE,
        "--cleanup-intermediary": ZERO_ONE,
        "--disable-resume": ZERO_ONE,
    },
    frozenset({"--reference-genome", "--base-calls", "--base-calls-format"}),
)
STRELKA = Manual(
    "Strelka 2.9.10, configureStrelkaGermlineWorkflow.py and strelkaSharedOptions.py; before them "
    "the folder and the jobs that containers/strelka2/strelka2-germline gives to its two steps",
    {
        "--bam": PATH,
        "--referenceFasta": PATH,
        "--ploidy": PATH,
        "--callRegions": r"\{tmp\}.*\.bed\.gz",  # packed by bgzip, with an index beside it
        "--exome": FLAG,
    },
    frozenset({"--bam", "--referenceFasta"}),
    words=2,
)
SNPEFF_ANN = Manual(
    "snpEff 5.1, src/docs/snpeff/commandline.md: generic options and those of ann",
    {
        "-noLog": FLAG,
        "-nodownload": FLAG,
        "-noStats": FLAG,
        "-c": PATH,
        "-dataDir": PATH,
    },
    frozenset({"-nodownload", "-noLog", "-noStats"}),  # nothing is fetched, told or left beside
    words=2,  # the command, and the genome's name: the variants come by standard input
)
SNPEFF_BUILD = Manual(
    "snpEff 5.1, src/docs/snpeff/build_db.md and commandline.md",
    {
        "-noLog": FLAG, "-nodownload": FLAG, "-gff3": FLAG, "-noCheckCds": FLAG,
        "-noCheckProtein": FLAG, "-c": PATH, "-dataDir": PATH,
    },
    frozenset({"-gff3", "-noLog"}),
    words=2,
)  # fmt: skip
DRAGEN = Manual(
    "DRAGEN 4.4 product guide (help.dragen.illumina.com): Host Software; Small Variant Calling; "
    "QC Metrics Reporting (coverage regions, filters, overlaps)",
    {
        "-f": FLAG,
        "-r": PATH,
        "--fastq-list": PATH,
        "--fastq-list-sample-id": TEXT,
        "--enable-map-align": TRUE,
        "--enable-map-align-output": TRUE,
        "--output-format": "BAM|CRAM|SAM",
        "--enable-sort": TRUE,
        "--enable-bam-indexing": TRUE,
        "--enable-duplicate-marking": TRUE,
        "--enable-variant-caller": TRUE,
        "--vc-emit-ref-confidence": "GVCF|BP_RESOLUTION|NONE",
        "--vc-enable-vcf-output": TRUE,
        "--vc-target-bed": PATH,
        "--vc-target-bed-padding": NUMBER,
        "--qc-coverage-region-1": PATH,
        "--qc-coverage-filters-1": r"mapq<\d+,bq<\d+",
        "--qc-coverage-ignore-overlaps": TRUE,
        "--output-directory": PATH,
        "--output-file-prefix": TEXT,
        "--intermediate-results-dir": PATH,
        "--sw-mode": FLAG,  # Illumina's page "Run DRAGEN in Bench"
    },
    frozenset({"-r", "--output-directory", "--output-file-prefix", "--enable-variant-caller"}),
)
DRAGEN_BUILD = Manual(
    "DRAGEN 4.4 product guide: Host Software, Prepare a Reference Genome",
    {
        "--build-hash-table": TRUE,
        "--ht-reference": PATH,
        "--output-directory": PATH,
        "--sw-mode": FLAG,
    },
    frozenset({"--build-hash-table", "--ht-reference", "--output-directory"}),
)


def manual_of(command: list[str]) -> Manual | None:
    """The manual that a command line has to follow."""
    match command[0]:
        case "isaac-align":
            return ISAAC
        case "strelka2-germline":
            return STRELKA
        case "snpEff":
            return SNPEFF_BUILD if command[1] == "build" else SNPEFF_ANN
        case "dragen":
            return DRAGEN_BUILD if "--build-hash-table" in command else DRAGEN
    return None


def commands(stage: Stage) -> Iterator[list[str]]:
    """Every command of a stage, with all that depends on the sample in it."""
    for step in stage.steps:
        for command in step.pipe:
            words: list[str] = []
            for argument in command:
                words += [argument] if isinstance(argument, str) else argument.args
            yield words


def stages() -> Iterator[tuple[str, Stage]]:
    library = Library(str(ROOT / "pipelines"))
    for name in library.pipeline_names():
        for stage_name, stage in library.pipeline(name).stages.items():
            yield f"{name}.{stage_name}", stage
    for stage_name, stage in library.reference_indexes().stages.items():
        yield f"references.{stage_name}", stage


LINES = [
    (f"{name} {command[0]}", command, manual)
    for name, stage in stages()
    for command in commands(stage)
    if (manual := manual_of(command))
]


def faults(command: list[str], manual: Manual) -> list[str]:
    """What a manual does not know of a command line, in words."""
    found, given, words = [], set(), 0
    rest = iter(command[1:])
    for word in rest:
        if word in manual.options:
            given.add(word)
            if (form := manual.options[word]) != FLAG:
                value = next(rest, "")
                if not re.fullmatch(form, value):
                    found.append(f"{word} has {value!r}")
        elif word.startswith("-"):
            found.append(f"{word} is not in {manual.source}")
        else:
            words += 1
    found += [f"{name} is missing" for name in sorted(manual.needed - given)]
    if words != manual.words:
        found.append(f"{words} arguments are of no option, {manual.words} are expected")
    return found


@pytest.mark.parametrize(
    ("command", "manual"), [line[1:] for line in LINES], ids=[line[0] for line in LINES]
)
def test_a_command_line_is_one_that_its_manual_knows(command: list[str], manual: Manual) -> None:
    assert faults(command, manual) == []


def test_every_such_tool_has_a_command_line() -> None:
    manuals = {id(manual) for _, _, manual in LINES}
    every = (ISAAC, STRELKA, SNPEFF_ANN, SNPEFF_BUILD, DRAGEN, DRAGEN_BUILD)
    assert manuals == {id(manual) for manual in every}


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (["--bams", "{in}/a"], "--bams is not in Strelka"),
        (["--bam"], "--bam has ''"),
        (["--bam", "--exome"], "--bam has '--exome'"),
        (["--callRegions", "{tmp}/a.bed"], "--callRegions has '{tmp}/a.bed'"),
        (["more"], "3 arguments are of no option, 2 are expected"),
        ([], "--referenceFasta is missing"),
    ],
)
def test_a_mistake_is_seen(words: list[str], fault: str) -> None:
    found = faults(["strelka2-germline", "{tmp}/strelka", "{threads}", *words], STRELKA)
    assert [one for one in found if one.startswith(fault)]
