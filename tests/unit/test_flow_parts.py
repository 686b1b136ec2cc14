"""The small parts of the flows that need no AWS."""

from collections.abc import Callable

import pytest

from seqdrop.domain.errors import Conflict, InvalidInput, Transient
from seqdrop.domain.identity import IndexOf, JobOwner, ReferenceId, RunId, StageOf
from seqdrop.domain.records import JobState
from seqdrop.flow.closing import _message
from seqdrop.flow.recording import owner_of
from seqdrop.flow.references import part_of
from seqdrop.flow.retry import TRIES, retry_on_conflict


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


STAGE = StageOf(RunId("NA1", "wgs", "k", 1), "align")
INDEX = IndexOf(ReferenceId("GRCh38", "2"), "bwa", 3)


@pytest.mark.parametrize(
    ("parameters", "owner"),
    [
        ({"catalog": "SAMPLE#NA1|JOB#wgs#k#0001#align#1"}, STAGE),
        ({"catalog": "REFERENCE#GRCh38|JOB#2#bwa#3"}, INDEX),
        ({"catalog": ""}, None),
        ({"catalog": "nonsense"}, None),
        ({"catalog": "SAMPLE#NA1|JOB#wgs#k"}, None),
        ({"catalog": "SAMPLE#NA1|JOB#wgs#k#first#align#1"}, None),
        ({"catalog": "SAMPLE#NA1|RUN#wgs#k#0001"}, None),
        ({}, None),
    ],
)
def test_a_job_of_ours_brings_its_owner_back(
    parameters: dict[str, str], owner: JobOwner | None
) -> None:
    assert owner_of(JobState("id", "RUNNING", parameters=parameters)) == owner


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
    assert retry_on_conflict(failing(3), Transient("never")) == "done"


def test_what_always_meets_another_writer_fails_as_its_caller_says() -> None:
    with pytest.raises(Transient, match=r"^a\.gz changes all the time$"):
        retry_on_conflict(failing(TRIES), Transient("a.gz changes all the time"))


def test_another_fault_is_no_reason_to_try_again() -> None:
    attempts = iter([InvalidInput("an empty file")])

    def attempt() -> str:
        raise next(attempts)

    with pytest.raises(InvalidInput, match="an empty file"):
        retry_on_conflict(attempt, Transient("never"))
