"""Identities, and the names that follow from them."""

import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqdrop.domain.identity import (
    AnalysisId,
    FileIdentity,
    IndexOf,
    ReferenceId,
    RunId,
    StageInput,
    StageOf,
)

NA1 = AnalysisId("NA1", "wgs")
SAMPLE_IDS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,47}", fullmatch=True)
RUN_KEYS = st.from_regex(r"[0-9a-f]{24}", fullmatch=True)
ASSAYS = st.from_regex(r"[A-Za-z0-9._-]{1,64}", fullmatch=True)
RUNS = st.builds(RunId, SAMPLE_IDS, ASSAYS, RUN_KEYS, st.integers(1, 99_999))


def test_a_run_is_told_to_people_by_its_key_attempt_and_sample() -> None:
    run = RunId("NA1", "wgs", "0a1b", 2)
    assert (str(run), run.short, str(run.analysis)) == ("run 0a1b#2 of NA1", "0a1b#2", "NA1 (wgs)")
    assert run.folder == "NA1/wgs/runs/0a1b/2/"


@given(RUNS)
def test_an_execution_name_keeps_to_aws_limits(run: RunId) -> None:
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,80}", run.execution_name)


@given(RUNS, st.sampled_from(["align", "call"]))
def test_a_job_name_keeps_to_aws_limits_and_tells_stages_apart(run: RunId, stage: str) -> None:
    name = run.job_name(stage)
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,128}", name)
    assert name != run.job_name("annotate")


def test_the_job_of_an_index_has_a_name_that_batch_takes() -> None:
    owner = IndexOf(ReferenceId("GRCh38.p14", "2026.1 (new)"), "bwa", 2)
    assert owner.job_name == "reference-GRCh38_p14-2026_1__new_-bwa-2"
    assert len(IndexOf(ReferenceId("r" * 200, "1"), "bwa").job_name) == 128


@given(RUNS)
def test_a_run_s_json_is_the_input_of_its_execution(run: RunId) -> None:
    fields = {"sample": run.sample, "assay": run.assay, "run_key": run.run_key}
    assert msgspec.to_builtins(run) == {**fields, "attempt": run.attempt}


@given(RUNS)
def test_a_stage_s_input_knows_its_run_and_its_job(run: RunId) -> None:
    given_to_it = {**msgspec.to_builtins(run), "stage": "align", "poll_seconds": 60}
    stage = msgspec.convert(given_to_it, StageInput)
    assert stage.run == run
    assert stage.job == StageOf(run, "align", 1)


@given(st.integers(1, 10_000))
def test_a_result_s_number_is_read_off_its_own_prefix(number: int) -> None:
    assert NA1.results("align", "k1").number_of(f"NA1/wgs/align/k1/{number}/") == number


@pytest.mark.parametrize(
    "prefix",
    [
        "NA1/wgs/align/k2/1/",
        "NA1/wgs/align/k1/",
        "NA1/wgs/align/k1/1",
        "NA1/wgs/align/k1/one/",
        "NA1/wgs/align/k1/01/",
        "",
        "3/",
    ],
)
def test_what_is_no_result_of_a_stage_key_has_no_number_there(prefix: str) -> None:
    assert NA1.results("align", "k1").number_of(prefix) is None


def test_a_mate_is_of_the_same_lane() -> None:
    r1 = FileIdentity("lib", "HXY", "3", "R1", "001")
    assert r1.mate == FileIdentity("lib", "HXY", "3", "R2", "001")
    assert r1.mate.mate == r1
