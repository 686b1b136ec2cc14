"""The small parts of the flows that need no AWS."""

from collections.abc import Callable

import pytest

from seqdrop.domain.errors import Conflict, InvalidInput, Transient
from seqdrop.domain.records import JobState
from seqdrop.flow.closing import _message
from seqdrop.flow.intake import until_settled
from seqdrop.flow.jobs import StageInput, catalog_key
from seqdrop.flow.references import part_of


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("GRCh38.fa", ("sequence", "genome.fa")),
        ("GRCh38.fasta.gz", ("sequence", "genome.fa")),
        ("x.fna", ("sequence", "genome.fa")),
        ("exome.bed", ("targets:exome", "targets.bed")),
        ("exome.bed.gz", ("targets:exome", "targets.bed")),
        ("genes.gff3.gz", ("annotation", "annotation.gff3.gz")),
        ("GRCh38.fa.alt", ("alt", "genome.fa.alt")),
        ("snps.fingerprint.vcf.gz", ("fingerprint", "fingerprint.vcf")),
    ],
)
def test_a_references_parts_are_known_by_their_endings(name: str, part: tuple[str, str]) -> None:
    assert part_of(name) == part


def test_another_file_is_no_part_of_a_reference() -> None:
    with pytest.raises(InvalidInput, match=r"'x.vcf' is no part of a reference"):
        part_of("x.vcf")


@pytest.mark.parametrize(
    ("parameters", "key"),
    [
        (
            {"catalog": "SAMPLE#NA1|JOB#wgs#k#0001#align#1"},
            ("SAMPLE#NA1", "JOB#wgs#k#0001#align#1"),
        ),
        ({"catalog": ""}, None),
        ({"catalog": "nonsense"}, None),
        ({}, None),
    ],
)
def test_a_job_of_ours_brings_its_catalog_key_back(
    parameters: dict[str, str], key: tuple[str, str] | None
) -> None:
    assert catalog_key(JobState("id", "RUNNING", parameters=parameters)) == key


@pytest.mark.parametrize(
    ("cause", "message"),
    [
        ('{"errorMessage": "no plan", "errorType": "ResultsIncomplete"}', "no plan"),
        ("align: R2 is shorter", "align: R2 is shorter"),
        ('{"other": 1}', '{"other": 1}'),
        ("", ""),
    ],
)
def test_a_functions_error_is_told_in_its_own_words(cause: str, message: str) -> None:
    assert _message(cause) == message


def failing(times: int) -> Callable[[], str]:
    """An attempt that meets other writers some times."""
    left = [times]

    def attempt() -> str:
        left[0] -= 1
        if left[0] >= 0:
            raise Conflict("the catalog changed meanwhile")
        return "done"

    return attempt


def test_what_meets_another_writer_looks_again() -> None:
    assert until_settled(failing(3), "a.gz") == "done"


def test_what_always_meets_another_writer_comes_again_later() -> None:
    with pytest.raises(Transient, match=r"'a.gz': its place in the catalog changes all the time"):
        until_settled(failing(4), "a.gz")


def test_a_stage_knows_its_run() -> None:
    assert StageInput("NA1", "wgs", "abc", 2, "align").run == "abc#2"
