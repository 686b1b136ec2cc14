"""Workflows in pipelines: the steps that come of them, and what is refused before anything runs."""

import json
import re
from typing import Any
from uuid import UUID

import msgspec
import pytest
from msgspec import structs

from seqdrop.domain.assay_check import mistakes_of_assay
from seqdrop.domain.blueprint import check_images
from seqdrop.domain.errors import QueueNotHere
from seqdrop.domain.keys import stage_key
from seqdrop.domain.pipeline import Args, Assay, Pipeline, Stage
from seqdrop.domain.pipeline_check import mistakes_in
from seqdrop.domain.pipeline_files import mistakes_in_files
from seqdrop.domain.workflow import TASKS, session_of, tag_of, work_key
from seqdrop.library import Library
from tests.domain_support import stage as plain_stage
from tests.tools_support import ROOT
from tests.workflows import SHEET, STAGE, commands_of, pipeline_of, stage_of, workflow_of

RUN_OPTIONS = frozenset((
    "-E", "-ansi-log", "-bucket-dir", "-cache", "-d", "-deep", "-disable-jobs-cancellation",
    "-dump-channels", "-dump-hashes", "-entry", "-h", "-help", "-hub", "-latest", "-lib",
    "-main-script", "-name", "-offline", "-o", "-output-dir", "-params-file", "-plugins",
    "-preview", "-profile", "-qs", "-queue-size", "-resume", "-r", "-revision", "-stub-run",
    "-stub", "-test", "-user", "-with-apptainer", "-with-charliecloud", "-with-cloudcache",
    "-with-conda", "-with-dag", "-with-docker", "-N", "-with-notification", "-with-podman",
    "-with-report", "-with-singularity", "-with-spack", "-with-timeline", "-with-tower",
    "-with-trace", "-with-wave", "-with-weblog", "-without-conda", "-without-docker",
    "-without-podman", "-without-spack", "-without-wave", "-w", "-work-dir",
))  # fmt: skip
"""`run` in docs/reference/cli.md of Nextflow 25.10.4, which the image takes."""
OPTIONS = frozenset((
    "-C", "-D", "-bg", "-c", "-config", "-d", "-dockerize", "-h", "-log", "-q", "-quiet",
    "-remote-debug", "-syslog", "-trace", "-v", "-version",
))  # fmt: skip
"""Those before the command, in the same file."""


def mistakes(**changes: Any) -> list[str]:
    return [mistake.says for mistake in mistakes_in(pipeline_of({**STAGE, **changes}))]


def nextflow_of(stage: Stage) -> list[str]:
    (found,) = [command for command in commands_of(stage) if command[0] == "nextflow"]
    return found


def test_nextflow_gets_only_options_that_its_reference_has() -> None:
    changes = {"profile": "docker"}
    command = nextflow_of(stage_of(workflow=workflow_of(**changes)))
    run = command.index("run")
    assert {word for word in command[:run] if word.startswith("-")} == {"-log", "-c"} <= OPTIONS
    given = {word for word in command[run:] if word.startswith("-")}
    assert given == {
        "-r", "-profile", "-params-file", "-work-dir", "-with-cloudcache", "-resume", "-name",
        "-ansi-log", "-with-trace", "-with-report",
    }  # fmt: skip
    assert given <= RUN_OPTIONS


def test_revision_project_and_work_folder_are_on_the_command_line_and_nothing_secret_is() -> None:
    command = nextflow_of(stage_of())
    assert command[command.index("run") + 1] == "lab/counting"
    assert command[command.index("-r") + 1] == "1.2.0"
    assert command[command.index("-work-dir") + 1] == "{work}tasks"
    assert command[command.index("-resume") + 1] == "{session}"
    assert not [word for word in command if re.search("key|secret|token|password", word)]


def test_a_workflow_in_the_image_is_run_without_asking_anybody() -> None:
    here = workflow_of(project="/opt/workflows/counting", revision="")
    command = nextflow_of(stage_of(workflow=here))
    assert "-offline" in command
    assert "-r" not in command
    assert mistakes(workflow=here) == []


def test_parameters_are_the_workflow_s_own_with_the_sheet_and_the_outdir() -> None:
    (write, *_) = commands_of(stage_of())
    params = json.loads(write[write.index("--params") + 1])
    assert params == {
        "fasta": "{work}reference/genome.fa",
        "input": "{work}sheet.csv",
        "outdir": "{work}results",
    }


def test_what_the_workflow_makes_is_published_beside_trace_report_and_log() -> None:
    stage = stage_of()
    names = [output.name for output in stage.outputs]
    assert names == [
        "variants.vcf.gz", "workflow_trace.tsv", "workflow_report.html", "workflow.log",
    ]  # fmt: skip
    assert not any(output.source for output in stage.outputs)
    fetch = stage.steps[-1].pipe[0]
    assert Args(("--output", "variants.vcf.gz", "variants/{sample}.vcf.gz")) in fetch


def test_a_good_workflow_has_no_mistake_and_its_files_can_be_there() -> None:
    assert mistakes() == []
    assert list(mistakes_in_files(pipeline_of({**STAGE, "reference": ["sequence"]}))) == []


def test_a_reference_that_the_workflow_reads_has_to_be_asked_for() -> None:
    (mistake,) = mistakes_in_files(pipeline_of(STAGE))
    assert "{work}reference/genome.fa will not be there" in mistake.says


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"queue": "cpu"}, "whose head job runs on the queue nextflow, not cpu"),
        ({"queue": "fpga-genome"}, "whose head job runs on the queue nextflow, not fpga-genome"),
        ({"reads": "files"}, "it needs `reads: copies`"),
        ({"image": "snpeff"}, "in the image nextflow: name no other"),
        ({"steps": [{"pipe": [["true"]]}]}, "of which its steps come: write none"),
        ({"outputs": [{"name": "calls/"}]}, "'calls/' is a folder: name files"),
        ({"outputs": [{"name": "workflow.log"}]}, "its outputs need names of their own"),
        ({"workflow": workflow_of(revision="master")}, "'master' is not frozen"),
        ({"workflow": workflow_of(revision="")}, "'' is not frozen"),
        ({"workflow": workflow_of(revision="feature/x")}, "'feature/x' is not frozen"),
        ({"workflow": workflow_of(project="sarek; rm -rf")}, "is not <owner>/<name>"),
        ({"workflow": workflow_of(project="-with-tower")}, "is not <owner>/<name>"),
        ({"workflow": workflow_of(project="/opt/mine")}, "a folder of the image has no revision"),
        ({"workflow": workflow_of(params={"outdir": "s3://x"})}, "'outdir' is set by the runner"),
        ({"workflow": workflow_of(params={"input": "x"})}, "'input' is set by the runner"),
        (
            {"workflow": workflow_of(sheet={**SHEET, "columns": {"sample": "{sample}"}})},
            "leaves the required column 'fastq_1' empty",
        ),
        (
            {"workflow": workflow_of(sheet={**SHEET, "required": ["sex"]})},
            "leaves the required column 'sex' empty",
        ),
        (
            {"workflow": workflow_of(sheet={**SHEET, "columns": {"sample": "{patient}"}})},
            "{patient} in '{patient}' is unknown",
        ),
    ],
)
def test_what_could_not_be_run_is_told_before_any_sample_is(
    changes: dict[str, Any], says: str
) -> None:
    found = mistakes(**changes)
    assert any(says in mistake for mistake in found), found


def test_the_queue_of_head_jobs_and_copies_of_reads_are_for_workflows_alone() -> None:
    plain = {k: v for k, v in STAGE.items() if k != "workflow"}
    steps = [{"pipe": [["touch", "{out}/variants.vcf.gz"]]}]
    outputs = [{"name": "variants.vcf.gz"}]

    def says(**changes: Any) -> str:
        stage = {**plain, "steps": steps, "outputs": outputs, **changes}
        return "; ".join(mistake.says for mistake in mistakes_in(pipeline_of(stage)))

    assert "the queue nextflow is for workflows" in says()
    assert "`reads: copies` is for workflows" in says(queue="cpu")
    assert "it has no steps" in says(queue="cpu", steps=[], reads="")
    assert "{work} in" in says(queue="cpu", reads="", steps=[{"pipe": [["ls", "{work}"]]}])
    assert says(queue="cpu", reads="", outputs=outputs) == ""


def test_no_stage_and_no_assay_is_called_as_the_folder_is_that_tasks_may_write_into() -> None:
    """The role of tasks reaches ``_work/*/tasks/*``, whatever folder of that name it is."""
    pipeline = pipeline_of(STAGE)
    named = structs.replace(pipeline, stages={TASKS: pipeline.stages["workflow"]})
    assert any("'tasks'" in one.says for one in mistakes_in(named))
    plain = Pipeline("p", "", {"tasks": plain_stage("tasks")})
    assert any("'tasks'" in one.says for one in mistakes_in(plain))
    assert any("'tasks'" in one.says for one in mistakes_of_assay("tasks", Assay("p"), plain))
    assert not any("'tasks'" in one.says for one in mistakes_of_assay("task", Assay("p"), plain))
    command = nextflow_of(stage_of())
    assert command[command.index("-work-dir") + 1] == f"{{work}}{TASKS}"


def test_revision_parameters_and_sheet_decide_the_stage_s_key() -> None:
    def key(stage: Stage) -> str:
        return stage_key(
            stage, image="i", variables={}, reference_checksums={}, reads=[], md5s=[], upstream=[]
        )

    columns = {**SHEET["columns"], "sex": "XX"}
    stages = [
        stage_of(),
        stage_of(workflow=workflow_of(revision="1.2.1")),
        stage_of(workflow=workflow_of(params={"fasta": "{work}reference/genome.fa", "x": 1})),
        stage_of(workflow=workflow_of(sheet={**SHEET, "columns": columns})),
        stage_of(workflow=workflow_of(profile="docker")),
        stage_of(outputs=[{"name": "variants.vcf.gz", "source": "others/*.vcf.gz"}]),
    ]
    assert len({key(stage) for stage in stages}) == len(stages)
    assert key(stage_of()) == key(stage_of())


def test_a_frozen_stage_is_read_back_as_it_was() -> None:
    stage = stage_of()
    assert msgspec.json.decode(msgspec.json.encode(stage), type=Stage) == stage


def test_a_deployment_without_head_jobs_holds_the_sample_and_says_what_to_do() -> None:
    with pytest.raises(QueueNotHere, match=r"no nextflow queue.*deploy again"):
        check_images("counting", {"workflow": stage_of()}, {"cpu": "image"})


def test_a_work_folder_has_one_session_and_others_have_another() -> None:
    first = session_of("_work/S1/wgs/workflow/abc/1/")
    assert first == session_of("_work/S1/wgs/workflow/abc/1/")
    assert first != session_of("_work/S1/wgs/workflow/abc/2/")
    assert str(UUID(first)) == first
    assert work_key("S1/wgs/workflow/abc/1/") == "_work/S1/wgs/workflow/abc/1/"


def test_a_run_s_name_is_one_that_nextflow_takes() -> None:
    """CmdRun's pattern; without a history on the host, it wants to be given a name."""
    command = nextflow_of(stage_of())
    name = command[command.index("-name") + 1].replace("{session}", session_of("S1/wgs/w/k/1/"))
    assert re.fullmatch(r"[a-z](?:[a-z\d]|[-_](?=[a-z\d])){0,79}", name)


def test_tags_hold_only_what_batch_takes_in_the_value_of_a_tag() -> None:
    tag = tag_of("S-1.a_b", "wgs", "0f" * 12, 3, "workflow")
    assert re.fullmatch(r"[\w .:/=+@-]{1,256}", tag)


def test_sarek_s_sheet_is_as_its_schema_wants_it() -> None:
    """assets/schema_input.json of nf-core/sarek 3.10.0."""
    stage = Library(str(ROOT / "pipelines")).pipeline("sarek").stages["workflow"]
    assert stage.workflow
    sheet = stage.workflow.sheet
    properties = {
        "patient", "sample", "sex", "status", "lane", "fastq_1", "fastq_2", "spring_1", "spring_2",
        "table", "cram", "crai", "bam", "bai", "contamination", "vcf", "variantcaller",
    }  # fmt: skip
    assert set(sheet.columns) <= properties
    assert {"patient", "sample"} <= set(sheet.required)  # its `required`
    assert {"lane", "fastq_1"} <= set(sheet.required)  # its `dependentRequired`
    assert sheet.columns["sex"] in {"XX", "XY", "NA"}
    assert sheet.columns["status"] in {"0", "1"}
    assert stage.workflow.revision == "3.10.0"
