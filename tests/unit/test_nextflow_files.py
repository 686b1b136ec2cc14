"""The files that `nextflow run` reads, held against its reference of options."""

import csv
import json
import re
from pathlib import Path

import pytest

from local.tools.nextflow_options import WrongUse, read_config, read_options
from runner.settings import TaskSettings, read_task_settings
from runner.tools.nextflow_files import (
    EVERY_PROCESS,
    TRACE_FIELDS,
    config_text,
    main,
    sheet_text,
)
from runner.tools.nextflow_store import NoSuchResult, check_trace, the_one
from seqdrop.domain.plan import StoredObject

AWS_BATCH = frozenset((
    "cliPath", "delayBetweenAttempts", "executionRole", "jobRole", "logsGroup",
    "maxParallelTransfers", "maxSpotAttempts", "maxTransferAttempts", "platformType", "retryMode",
    "schedulingPriority", "shareIdentifier", "terminateUnschedulableJobs", "volumes",
))  # fmt: skip
"""aws.batch of docs/reference/config.md of Nextflow 25.10.4, which the image takes."""
TRACE = frozenset((
    "task_id", "hash", "native_id", "process", "tag", "name", "status", "exit", "module",
    "container", "cpus", "time", "disk", "memory", "attempt", "submit", "start", "complete",
    "duration", "realtime", "queue", "%cpu", "%mem", "rss", "vmem", "peak_rss", "peak_vmem",
    "rchar", "wchar", "syscr", "syscw", "read_bytes", "write_bytes", "vol_ctxt", "inv_ctxt", "env",
    "workdir", "script", "scratch", "error_action", "hostname", "cpu_model",
))  # fmt: skip
"""Fields of a trace: its docs/reports.md."""
DIRECTIVES = frozenset((
    "accelerator", "arch", "container", "containerOptions", "cpus", "disk", "memory", "queue",
    "resourceLabels", "time",
))  # fmt: skip
"""Directives that the awsbatch executor knows: its docs/executor.md."""
ENVIRONMENT = {
    "AWS_BATCH_JQ_NAME": "seqdrop-nextflow-urgent",
    "AWS_DEFAULT_REGION": "eu-west-2",
    "SEQDROP_TASK_QUEUES": "seqdrop-cpu",
    "SEQDROP_TASK_ROLE": "arn:aws:iam::123456789012:role/seqdrop-NextflowTaskRole-x",
    "SEQDROP_TASK_LOG_GROUP": "/aws/batch/seqdrop",
    "SEQDROP_TASK_CLI": "/opt/aws-cli/v2/current/bin/aws",
}
TASKS = read_task_settings(ENVIRONMENT)
TAG = "S1/wgs/abc/1/workflow"


def scope(text: str, name: str) -> dict[str, str]:
    """The settings of the innermost scope of a name."""
    body = re.search(rf"^ *{re.escape(name)} \{{\n([^{{}}]*)\}}", text, re.MULTILINE)
    assert body, name
    return dict(re.findall(r"^\s*(\w+) = (.+)$", body[1], re.MULTILINE))


def test_the_configuration_has_only_settings_of_nextflow_s_reference() -> None:
    text = config_text(TASKS, TAG)
    assert scope(text, "batch").keys() <= AWS_BATCH
    assert scope(text, f"withName: '{EVERY_PROCESS}'").keys() - {"executor"} <= DIRECTIVES
    assert scope(text, "trace").keys() <= {"enabled", "fields", "file", "overwrite", "raw", "sep"}
    assert scope(text, "report").keys() <= {"enabled", "file", "overwrite"}
    assert set(TRACE_FIELDS) <= TRACE
    assert {"native_id", "name", "status"} <= set(TRACE_FIELDS)


def test_tasks_run_on_the_cpu_queue_of_their_head_s_priority_under_our_tags_and_as_nobody() -> None:
    selected = scope(config_text(TASKS, TAG), f"withName: '{EVERY_PROCESS}'")
    assert selected == {
        "executor": "'awsbatch'",
        "queue": "'seqdrop-cpu-urgent'",
        "resourceLabels": f"['seqdrop-task': '{TAG}', 'seqdrop-sample': 'S1']",
        "containerOptions": "'--user 65534:65534'",
    }


def test_our_selector_is_none_that_a_workflow_writes_and_matches_whatever_a_process_is_called() -> (
    None
):
    """Nextflow keeps the place of a selector that is in two configurations, and the last one wins
    (ProcessConfigBuilder.applyConfigSelectorWithName, matchesSelector)."""
    assert EVERY_PROCESS not in {".*", "*", ".+", "^.*$"}
    for name in ("FASTQC", "NFCORE_SAREK:SAREK:FASTQ_ALIGN:BWAMEM1_MEM", ""):
        assert re.fullmatch(EVERY_PROCESS, name)
    assert not EVERY_PROCESS.startswith("!")  # which would negate it


def test_neither_fusion_nor_wave_has_a_say_in_what_containers_are() -> None:
    text = config_text(TASKS, TAG)
    assert scope(text, "fusion") == {"enabled": "false"}
    assert scope(text, "wave") == {"enabled": "false"}


def test_tasks_have_the_role_region_and_logs_of_the_deployment() -> None:
    text = config_text(TASKS, TAG)
    batch = scope(text, "batch")
    assert batch["jobRole"] == f"'{ENVIRONMENT['SEQDROP_TASK_ROLE']}'"
    assert batch["logsGroup"] == "'/aws/batch/seqdrop'"
    assert batch["cliPath"] == "'/opt/aws-cli/v2/current/bin/aws'"
    assert "    region = 'eu-west-2'\n" in text


def test_no_text_ends_the_string_that_it_is_in() -> None:
    tasks = TaskSettings("q'; x = 'y", "r\\", "l\nm", "/a/b/c", "r")
    text = config_text(tasks, "a'b/c")
    assert "queue = 'q\\'; x = \\'y'\n" in text
    assert "jobRole = 'r\\\\'\n" in text
    assert "logsGroup = 'l\\nm'\n" in text


def test_a_job_of_another_queue_is_told_what_it_lacks() -> None:
    with pytest.raises(KeyError, match="SEQDROP_TASK_QUEUES"):
        read_task_settings({"AWS_BATCH_JQ_NAME": "seqdrop-cpu-routine"})


def test_a_sheet_has_a_row_for_each_lane_and_quotes_what_csv_wants_quoted() -> None:
    rows = [["S1", "L,1", "s3://b/1"], ["S1", 'L"2', "s3://b/2"]]
    text = sheet_text(["sample", "lane", "fastq_1"], rows, ["sample"])
    assert list(csv.reader(text.splitlines())) == [["sample", "lane", "fastq_1"], *rows]


def write(folder: Path, monkeypatch: pytest.MonkeyPatch, *rows: list[str]) -> int:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    given = [word for row in rows for word in ("--row", *row)]
    return main([
        str(folder), "--task", TAG, "--params", '{"outdir": "s3://b/r", "input": "s3://b/s.csv"}',
        "--columns", "sample", "sex", "--required", "sex", *given,
    ])  # fmt: skip


def test_a_row_without_a_required_value_holds_the_sample_and_names_row_and_column(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert write(tmp_path / "f", monkeypatch, ["S1", "XX"], ["S1", " "]) == 65
    said = capsys.readouterr().err
    assert "row 2" in said
    assert "'sex'" in said
    assert not (tmp_path / "f").exists()


def test_values_that_look_like_options_are_values(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert write(tmp_path / "f", monkeypatch, ["S1", "-XX"]) == 0
    assert (tmp_path / "f/sheet.csv").read_text() == "sample,sex\nS1,-XX\n"
    assert json.loads((tmp_path / "f/params.json").read_text())["outdir"] == "s3://b/r"


def test_the_stand_in_reads_the_configuration_as_it_is_written(tmp_path: Path) -> None:
    (tmp_path / "c").write_text(config_text(TASKS, TAG))
    config = read_config(tmp_path / "c")
    assert config.settings["queue"] == "seqdrop-cpu-urgent"
    assert config.labels == {"seqdrop-task": TAG, "seqdrop-sample": "S1"}
    assert config.fields == list(TRACE_FIELDS)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["run", "p", "--resume", "x"], "Unknown option: --resume"),
        (["run", "p", "-work-dir"], "-work-dir wants a value"),
        (["-params-file", "x", "run", "p"], "Unknown option: -params-file"),
        (["-log", "x"], "no project"),
    ],
)
def test_the_stand_in_refuses_a_command_line_that_nextflow_does_not_document(
    words: list[str], says: str
) -> None:
    with pytest.raises(WrongUse, match=says):
        read_options(words)


def there(*paths: str) -> dict[str, StoredObject]:
    return {path: StoredObject("b", path, 1) for path in paths}


def test_a_pattern_matches_folder_by_folder() -> None:
    found = there("a/S1.vcf.gz", "a/b/S1.vcf.gz", "S1.vcf.gz", "a/S1.vcf.gz.tbi")
    assert the_one("v", "a/*.vcf.gz", found) == "a/S1.vcf.gz"
    assert the_one("v", "*/b/S1.vcf.gz", found) == "a/b/S1.vcf.gz"
    assert the_one("v", "S1.vcf.gz", found) == "S1.vcf.gz"


def test_an_output_that_is_not_made_or_not_told_is_refused_with_what_is_there() -> None:
    with pytest.raises(NoSuchResult, match=r"variants.vcf.gz is not there.*a/S1.bcf"):
        the_one("variants.vcf.gz", "a/*.vcf.gz", there("a/S1.bcf"))
    with pytest.raises(NoSuchResult, match="results there are: none"):
        the_one("variants.vcf.gz", "a/*.vcf.gz", {})
    with pytest.raises(NoSuchResult, match="2 results of the workflow"):
        the_one("v", "*.vcf", there("a.vcf", "b.vcf"))


def test_a_trace_that_names_no_task_is_no_proof_of_a_run(tmp_path: Path) -> None:
    for content in ("", "task_id\tnative_id\tname\tstatus\n", "what\n1\n"):
        (tmp_path / "t").write_text(content)
        with pytest.raises(NoSuchResult):
            check_trace(tmp_path / "t")
    (tmp_path / "t").write_text("native_id\tname\tstatus\n1\ta\tCACHED\n")
    check_trace(tmp_path / "t")
