"""What a stage that fails says, and whose fault it is."""

import gzip
from typing import Any

import pytest

from seqdrop.domain.failure import EXIT_CODES, FailureClass
from seqdrop.domain.pipeline import Output
from seqdrop.domain.plan import LocalFile, ReadPair, StagePlan, StoredObject
from tests.runner_support import (
    ALIGN_OUTPUTS,
    ALIGN_STEPS,
    BUCKET,
    UPLOADS,
    RunnerLab,
    a_stage,
    fastq,
    outcomes,
    pipe,
)


def failed(lab: RunnerLab, expected: FailureClass, *stages: StagePlan, **more: Any) -> str:
    """Run a stage that must fail so; the message, which must be in the log too."""
    plan = lab.plan(*(stages or (a_stage(),)), **more)
    ended = lab.run(plan)
    failure = lab.failure(plan)
    assert (failure.failure_class, ended.returncode) == (expected, EXIT_CODES[expected]), failure
    assert lab.result() is None
    line = outcomes(ended.stdout)[-1]
    assert line["outcome"] == "failed"
    assert line["message"] == failure.message.partition("\n")[0]
    assert (line["sample"], line["run_key"], line["stage"]) == ("S1", "abc", "align")
    return failure.message


def test_a_stage_without_its_need_is_a_plan_s_mistake(lab: RunnerLab) -> None:
    needy = a_stage(needs=("trim",))
    message = failed(lab, FailureClass.BAD_PLAN, needy, a_stage("trim"), pairs=(lab.pair(),))
    assert "stage trim has no results" in message


def test_a_fetched_file_with_another_checksum_is_refused(lab: RunnerLab) -> None:
    changed = lab.reference("g.fa", b">chr1\n", "0" * 64)
    stage = a_stage(reference_files=(changed,))
    assert "SHA-256" in failed(lab, FailureClass.TRANSFER_FAILED, stage, pairs=(lab.pair(),))


@pytest.mark.parametrize("path", ["../g.fa", "/g.fa", "a/../../g.fa", ""])
def test_a_path_that_leaves_its_folder_is_refused(lab: RunnerLab, path: str) -> None:
    stage = a_stage(reference_files=(LocalFile(path, lab.reference("g.fa", b"x").object),))
    assert "no path below" in failed(lab, FailureClass.BAD_PLAN, stage, pairs=(lab.pair(),))


@pytest.mark.parametrize("how", ["stream", "files"])
def test_a_shorter_mate_is_named_with_both_counts(lab: RunnerLab, how: str) -> None:
    pair = lab.pair(r2=gzip.compress(fastq(40, 2)))
    message = failed(lab, FailureClass.BAD_INPUT, a_stage(reads=how), pairs=(pair,))
    assert message == "R2 of lane L.1 (key in/L.1_R2.fastq.gz) has 40 reads, R1 has 50"


@pytest.mark.parametrize("how", ["stream", "files"])
def test_a_cut_file_is_the_input_s_fault(lab: RunnerLab, how: str) -> None:
    pair = lab.pair(gzip.compress(fastq(30_000), 1)[:-9])
    message = failed(lab, FailureClass.BAD_INPUT, a_stage(reads=how), pairs=(pair,))
    assert message.startswith("R1 of lane L.1 (key in/L.1_R1.fastq.gz) is cut off: the gzip")


def test_a_wrong_md5_is_the_input_s_fault(lab: RunnerLab) -> None:
    right = lab.pair()
    wrong = lab.put("in/again", gzip.compress(fastq(50, 1)), md5="f" * 32)
    pair = ReadPair(right.id, right.read_group, wrong, right.r2)
    message = failed(lab, FailureClass.BAD_INPUT, pairs=(pair,))
    assert f"the manifest says {'f' * 32}" in message


def test_a_fault_in_the_input_ends_a_tool_that_would_go_on(lab: RunnerLab) -> None:
    lab.tool("align", '#!/bin/sh\n[ "$1" = --version ] && exit\ncat "$1" "$2"\nsleep 600\n')
    message = failed(lab, FailureClass.BAD_INPUT, pairs=(lab.pair(b"no gzip at all"),))
    assert message.endswith("is not gzip")


def test_a_fault_in_the_input_wins_over_the_tool_s_own_error(lab: RunnerLab) -> None:
    reads = gzip.compress(fastq(90_000, length=40), 1)
    lab.tool("align", '#!/bin/sh\ncat "$2" >/dev/null\necho "mates differ" >&2\nexit 7\n')
    message = failed(lab, FailureClass.BAD_INPUT, pairs=(lab.pair(reads),))
    assert message.endswith("has 50 reads, R1 has 90,000")


def test_a_version_that_is_gone_is_the_input_s_fault(lab: RunnerLab) -> None:
    pair = lab.pair()
    lab.client.delete_object(Bucket=UPLOADS, Key=pair.r1.key, VersionId=pair.r1.version_id)
    assert "is gone (NoSuch" in failed(lab, FailureClass.BAD_INPUT, pairs=(pair,))


@pytest.mark.parametrize(
    ("script", "how"),
    [
        ("echo broken >&2; exit 3", "align ended with exit code 3\nbroken"),
        ("kill -9 $$", "align was killed by signal 9 (Killed)"),
    ],
)
def test_a_tool_that_fails_is_named_with_its_last_words(
    lab: RunnerLab, script: str, how: str
) -> None:
    lab.tool("align", f'#!/bin/sh\n[ "$1" = --version ] && exit\n{script}\n')
    assert failed(lab, FailureClass.TOOL_FAILED, pairs=(lab.pair(),)) == how


def test_what_our_own_tool_finds_wrong_in_its_input_is_told_in_its_words(lab: RunnerLab) -> None:
    script = 'echo "kit.bed, line 3 is blank" >&2; exit 65'
    lab.tool("seqdrop-tool", f'#!/bin/sh\n[ "$1" = --version ] && exit\n{script}\n')
    stage = a_stage(steps=(pipe(["seqdrop-tool", "look"]),), outputs=(Output("x"),), reads="")
    assert failed(lab, FailureClass.BAD_INPUT, stage) == "kit.bed, line 3 is blank"
    lab.tool("align", f'#!/bin/sh\n[ "$1" = --version ] && exit\n{script}\n')
    assert "exit code 65" in failed(lab, FailureClass.TOOL_FAILED, pairs=(lab.pair(),))


def test_a_full_disk_is_the_host_s_fault(lab: RunnerLab) -> None:
    lab.tool("align", '#!/bin/sh\necho "write: No space left on device" >&2\nexit 1\n')
    message = failed(lab, FailureClass.DISK_FULL, pairs=(lab.pair(),))
    assert message.startswith("the disk is full: align ended with exit code 1")


def test_a_tool_that_ends_well_though_it_could_not_write_is_found_out(lab: RunnerLab) -> None:
    lab.tool(
        "align",
        '#!/bin/sh\ncat "$1" "$2" >/dev/null\necho "[E::bgzf_close] File write failed" >&2\n',
    )
    message = failed(lab, FailureClass.TOOL_FAILED, pairs=(lab.pair(),))
    assert message == "align ended with exit code 0\n[E::bgzf_close] File write failed"


def test_a_tool_that_ignores_its_reads_is_found_out(lab: RunnerLab) -> None:
    lab.tool("align", "#!/bin/sh\necho done\n")
    message = failed(lab, FailureClass.TOOL_FAILED, pairs=(lab.pair(),))
    assert message.startswith("align ended without reading all of R1 of lane L.1")


def test_a_tool_that_exits_0_without_output_is_found_out(lab: RunnerLab) -> None:
    lab.tool("align", '#!/bin/sh\ncat "$1" "$2" >/dev/null\n')
    assert "output alignment.bam is empty" in failed(
        lab, FailureClass.TOOL_FAILED, pairs=(lab.pair(),)
    )


def test_lost_records_are_found_out(lab: RunnerLab) -> None:
    lab.tool("align", '#!/bin/sh\ncat "$1" "$2" | head -n 240\n')
    reads = gzip.compress(fastq(40))
    message = failed(lab, FailureClass.TOOL_FAILED, pairs=(lab.pair(reads, reads),))
    assert message == "80 reads went in, 60 primary records came out"


def test_a_failure_in_the_middle_of_a_pipe_counts(lab: RunnerLab) -> None:
    steps = (pipe(["yes"], ["false"], ["cat"], stdout="{out}/y"),)
    stage = a_stage(steps=steps, outputs=(Output("y"),), reads="", measures={})
    assert failed(lab, FailureClass.TOOL_FAILED, stage) == "false ended with exit code 1"


def test_unknown_placeholders_and_programs_are_the_plan_s_fault(lab: RunnerLab) -> None:
    for command, expected in (
        (["echo", "{nothing}"], "unknown placeholder {nothing}"),
        (["no-such-tool"], "'no-such-tool' is not installed"),
    ):
        stage = a_stage(steps=(pipe(command),), outputs=(), reads="", measures={})
        assert expected in failed(lab, FailureClass.BAD_PLAN, stage)


def test_what_a_stage_is_called_with_must_be_there(lab: RunnerLab) -> None:
    plan = lab.plan(a_stage())
    assert lab.run(plan, "other").returncode == 40
    assert lab.failure(plan, "other").message == "the plan has no stage 'other'"
    lab.client.put_object(Bucket=BUCKET, Key=f"{plan.folder}plan.json", Body=b"{}")
    assert lab.run(plan).returncode == 40


def test_reads_that_are_not_asked_for_or_not_used_are_the_plan_s_fault(lab: RunnerLab) -> None:
    pair = lab.pair()
    unasked = a_stage(steps=ALIGN_STEPS, reads="", measures={})
    message = failed(lab, FailureClass.BAD_PLAN, unasked, pairs=(pair,))
    assert message == "a step uses reads, but its stage asks for none"
    unused = a_stage(steps=(pipe(["true"]),), outputs=(), measures={})
    assert failed(lab, FailureClass.BAD_PLAN, unused, pairs=(pair,)) == "no step reads lane L.1"


def test_an_object_that_was_replaced_is_noticed_by_its_etag(lab: RunnerLab) -> None:
    right = lab.pair()
    etag = lab.client.head_object(Bucket=UPLOADS, Key=right.r1.key)["ETag"].strip('"')
    r1 = StoredObject(UPLOADS, right.r1.key, right.r1.size, checksum=f"etag:{etag}")
    pair = ReadPair(right.id, right.read_group, r1, right.r2)
    stage = a_stage(outputs=(*ALIGN_OUTPUTS, Output("more")))
    assert "output more" in failed(lab, FailureClass.TOOL_FAILED, stage, pairs=(pair,))
    lab.put(r1.key, b"x" * r1.size)
    assert "was replaced" in failed(lab, FailureClass.TRANSFER_FAILED, stage, pairs=(pair,))


def test_no_reads_at_all_are_the_input_s_fault(lab: RunnerLab) -> None:
    nothing = gzip.compress(b"")
    message = failed(lab, FailureClass.BAD_INPUT, pairs=(lab.pair(nothing, nothing),))
    assert message == "there is no read in any of the files"


def test_a_board_that_waits_for_ever_is_ended_by_a_neighbour_s_failure(lab: RunnerLab) -> None:
    steps = (pipe(["sleep", "600"], ["false"]),)
    stage = a_stage(steps=steps, outputs=(), reads="", measures={})
    assert failed(lab, FailureClass.TOOL_FAILED, stage) == "false ended with exit code 1"
