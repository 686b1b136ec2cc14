"""Which job definition, and so which role, a stage's job is submitted with."""

import pytest

from seqdrop.domain.job_definitions import JobDefinitions, definition_name
from tests.domain_support import stage

DEPLOYED = JobDefinitions("lab", {"cpu": "3.5.7", "report": "1.1.2", "nextflow": "4"})


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"reads": "stream"}, "lab-cpu-reads:3"),
        ({"reads": "files"}, "lab-cpu-reads:3"),
        ({}, "lab-cpu-results:5"),
        ({"image": "report"}, "lab-report-results:1"),
        ({"queue": "nextflow", "reads": "copies"}, "lab-nextflow:4"),
    ],
)
def test_a_job_reaches_uploads_only_where_its_stage_reads_them(
    given: dict[str, str], name: str
) -> None:
    made = {"reads": "", **given}
    assert DEPLOYED.of(stage("tool", **made)) == name


def test_an_image_that_is_not_deployed_has_none() -> None:
    with pytest.raises(KeyError):
        DEPLOYED.of(stage("tool", image="snpeff"))


def test_an_index_is_made_by_the_newest_definition() -> None:
    assert definition_name("lab", "snpeff", "index") == "lab-snpeff-index"
