"""A function that is not told what it must know does not start, and says what it lacks."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.cold_import import cold_environment
from seqdrop.settings import MissingSetting, RegisterUploadSettings, SubmitJobSettings
from seqdrop.settings import PlanRunSettings as Plan
from seqdrop.settings import load_settings as load

PROJECT = Path(__file__).resolve().parents[2]
GOOD = {"CATALOG_TABLE": "t", "RESULTS_BUCKET": "r", "SHORTEST_POLL_SECONDS": "60"}


def test_settings_are_the_variables_of_their_names() -> None:
    assert load(Plan, {**GOOD, "OTHER": "x"}) == Plan("t", "r", 60)


REGISTER = {name.upper(): "x" for name in RegisterUploadSettings.__struct_fields__}


def test_what_is_kept_by_name_is_a_list_in_which_slots_may_be_empty() -> None:
    given = {**REGISTER, "IMAGES": "cpu=a@1,,report=b|with=a bar,", "JOB_DEFINITIONS": "cpu=1.2.3"}
    found = load(RegisterUploadSettings, given)
    assert found.images == {"cpu": "a@1", "report": "b|with=a bar"}
    assert found.job_definitions == {"cpu": "1.2.3"}


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize("given", [None, ""])
def test_a_variable_that_is_missing_or_empty_is_named(name: str, given: str | None) -> None:
    environment = {key: value for key, value in GOOD.items() if key != name}
    if given is not None:
        environment[name] = given
    with pytest.raises(MissingSetting, match=f"the variable {name} is missing or empty"):
        load(Plan, environment)


@pytest.mark.parametrize(
    ("name", "text"), [("SHORTEST_POLL_SECONDS", "soon"), ("SHORTEST_POLL_SECONDS", "1.5")]
)
def test_a_number_that_is_none_is_named(name: str, text: str) -> None:
    with pytest.raises(MissingSetting, match=f"the variable {name} is '{text}'"):
        load(Plan, {**GOOD, name: text})


@pytest.mark.parametrize("text", ["cpu", "cpu=a,report", "=a", "cpu=a,report="])
def test_an_image_without_a_name_or_a_name_without_an_image_is_told(text: str) -> None:
    with pytest.raises(MissingSetting, match=r"the variable IMAGES is .* is not name=value"):
        load(RegisterUploadSettings, {**REGISTER, "IMAGES": text, "JOB_DEFINITIONS": "cpu=1.2.3"})


def test_two_images_of_one_name_are_refused() -> None:
    given = {**REGISTER, "IMAGES": "report=a@1,report=b@2", "JOB_DEFINITIONS": "cpu=1.2.3"}
    with pytest.raises(MissingSetting, match="'report' is there twice"):
        load(RegisterUploadSettings, given)


def test_a_function_fails_when_it_starts_and_not_at_its_first_event() -> None:
    folder = PROJECT / "functions/submit_job"
    for name in map(str.upper, SubmitJobSettings.__struct_fields__):
        environment = cold_environment(folder) | {name: ""}
        ended = subprocess.run(
            [sys.executable, "-c", "import handler"],
            env=environment, capture_output=True, text=True, check=False, cwd=folder,
        )  # fmt: skip
        assert ended.returncode == 1
        assert ended.stderr.splitlines()[-1] == (
            f"seqdrop.settings.MissingSetting: the variable {name} is missing or empty: "
            "deploy the template"
        )
