"""A whole stage on a store of objects: what goes in, what is published."""

import gzip
from pathlib import Path
from typing import Any

from seqdrop.domain.failure import FailureClass
from seqdrop.domain.pipeline import Args, Output
from tests.integration.runner.test_faults import failed
from tests.runner_support import (
    ALIGN_STEPS,
    RunnerLab,
    a_stage,
    fastq,
    pipe,
    prefix_of,
)

COUNTS = {
    "reads_in": 100,
    "bases_in": 2000,
    "q30_bases": 2000,
    "quality_min": ord("I"),
    "quality_max": ord("I"),
    "identical_mates": 50,
    "without_end_block": 0,
    "merged_files": 0,
}
METRICS = {
    "primary_out": 100,
    "mapped": 100,
    "duplicates": 0,
    "properly_paired": 100,
}
COUNTED = ("primary_out", "mapped", "properly_paired")


def test_streamed_reads_are_counted_and_results_published(lab: RunnerLab) -> None:
    ended = lab.run(lab.plan(a_stage(), pairs=(lab.pair(md5=True),)))
    assert ended.returncode == 0, ended.stderr
    result = lab.result()
    assert result is not None
    assert result.counts == COUNTS
    assert result.metrics == METRICS
    assert [file.name for file in result.files] == ["alignment.bam", "flagstat.json"]
    assert result.tools == {"align": "align 1.0", "flagstat": "flagstat 3.1"}
    assert not result.simulated
    assert result.started < result.ended
    assert {"fetch", "upload", "step_1_align", "step_2_cat"} <= set(result.timings)
    assert result.peak_memory_mib > 0
    assert lab.read(prefix_of("align") + "alignment.bam") == fastq(50, 1) + fastq(50, 2)


def test_reads_as_files_come_with_a_list(lab: RunnerLab) -> None:
    steps = (
        pipe(["cat", "{tmp}/fastq_list.csv"], stdout="{out}/list.csv"),
        pipe(
            ["cat", Args(args=("{pair.r1}", "{pair.r2}"), for_each="read_pair")],
            ["gzip", "-dc"],
            ["flagstat"],
            stdout="{out}/flagstat.json",
        ),
    )
    stage = a_stage(
        steps=steps, reads="files", outputs=(Output("list.csv"), Output("flagstat.json"))
    )
    pairs = (lab.pair(lane="FC.5", md5=True), lab.pair(lane="FC.6"))
    assert lab.run(lab.plan(stage, pairs=pairs)).returncode == 0
    result = lab.result()
    assert result is not None
    assert result.counts["reads_in"] == result.metrics["primary_out"] == 200
    header, first, second = (lab.read(prefix_of("align") + "list.csv") or b"").decode().split()
    assert header == "RGID,RGSM,RGLB,Lane,Read1File,Read2File"
    assert first.startswith("FC.5,S1,lib,5,/")
    assert first.endswith("/tmp/FC.5_R2.fastq.gz")
    assert second.startswith("FC.6,S1,lib,6,/")


def test_several_lanes_are_streamed_one_after_another(lab: RunnerLab) -> None:
    steps = (
        pipe(["align", "{pair.r1}", "{pair.r2}"], each=True, stdout="{tmp}/{pair.id}.sam"),
        pipe(
            ["cat", Args(args=("{tmp}/{pair.id}.sam",), for_each="read_pair")],
            stdout="{out}/alignment.bam",
        ),
        *ALIGN_STEPS[2:],
    )
    more = gzip.compress(fastq(7))
    pairs = (lab.pair(), lab.pair(more, more, lane="L.2"))
    assert lab.run(lab.plan(a_stage(steps=steps), pairs=pairs)).returncode == 0
    result = lab.result()
    assert result is not None
    assert result.counts["reads_in"] == result.metrics["primary_out"] == 114


def test_figures_of_lanes_are_beside_what_was_counted_in_their_files(lab: RunnerLab) -> None:
    by_lane = pipe(["flagstat", "{tmp}/{pair.id}.sam"], each=True, stdout="{out}/s/{pair.id}.json")
    steps = (
        ALIGN_STEPS[0],
        by_lane,
        pipe(
            ["cat", Args(args=("{tmp}/{pair.id}.sam",), for_each="read_pair")],
            stdout="{out}/alignment.bam",
        ),
        *ALIGN_STEPS[2:],
    )
    more = gzip.compress(fastq(7))
    stage = a_stage(
        steps=steps,
        outputs=(Output("flagstat.json"), Output("s/")),
        measures={"flagstat.json": "flagstat", "s/": "flagstat"},
    )
    pairs = (lab.pair(), lab.pair(more, more, lane="L.2"))
    assert lab.run(lab.plan(stage, pairs=pairs)).returncode == 0
    result = lab.result()
    assert result is not None
    assert {file.name for file in result.files} == {"flagstat.json", "s/L.1.json", "s/L.2.json"}
    assert result.metrics == {**METRICS, **dict.fromkeys(COUNTED, 114)}
    for lane, reads in (("L.1", 100), ("L.2", 14)):
        assert {name: result.lanes[lane][name] for name in COUNTED} == dict.fromkeys(COUNTED, reads)
        assert result.lanes[lane]["reads_in"] == reads
        assert "duplicates" not in result.lanes[lane]


def test_a_lane_s_file_that_is_no_such_file_is_named(lab: RunnerLab) -> None:
    steps = (*ALIGN_STEPS, pipe(["echo", "none"], each=True, stdout="{out}/s/{pair.id}.json"))
    stage = a_stage(steps=steps, outputs=(Output("s/"),), measures={"s/": "flagstat"})
    plan = lab.plan(stage, pairs=(lab.pair(),))
    assert lab.run(plan).returncode != 0
    failure = lab.failure(plan)
    assert "s/L.1.json is not what flagstat is" in failure.message


def test_a_stage_gets_its_reference_and_what_it_needs(lab: RunnerLab) -> None:
    assert lab.run(lab.plan(a_stage(), pairs=(lab.pair(),))).returncode == 0
    sequence = lab.reference("index/genome.fa", b">chr1\nACGT\n")
    steps = (
        pipe(["cat", "{ref}/index/genome.fa", "{in}/alignment.bam"], stdout="{out}/parts/both"),
    )
    call = a_stage(
        "call",
        needs=("align",),
        steps=steps,
        outputs=(Output("parts/"),),
        reads="",
        measures={},
        reference_files=(sequence,),
    )
    assert lab.run(lab.plan(a_stage(), call), "call").returncode == 0
    published = lab.read(prefix_of("call") + "parts/both")
    assert published == b">chr1\nACGT\n" + fastq(50, 1) + fastq(50, 2)


def test_the_frozen_version_is_read_when_a_newer_one_is_there(lab: RunnerLab) -> None:
    pair = lab.pair()
    lab.put(pair.r1.key, b"something else")
    assert lab.run(lab.plan(a_stage(), pairs=(pair,))).returncode == 0


def test_a_reader_that_leaves_early_fails_the_stage_by_its_name(lab: RunnerLab) -> None:
    """As under bash's pipefail: what it made may be of a part of its input."""
    steps = (pipe(["yes"], ["head", "-n", "1"], stdout="{out}/y"),)
    stage = a_stage(steps=steps, outputs=(Output("y"),), reads="", measures={})
    message = failed(lab, FailureClass.TOOL_FAILED, stage)
    assert message.startswith("head ended well without reading all that yes wrote")


def test_a_reader_that_crashes_is_blamed_and_not_its_writer(lab: RunnerLab) -> None:
    lab.tool("crash", '#!/bin/sh\n[ "$1" = --version ] && echo 1 && exit\nread a\nexit 3\n')
    steps = (pipe(["yes"], ["crash"], stdout="{out}/y"),)
    stage = a_stage(steps=steps, outputs=(Output("y"),), reads="", measures={})
    assert "crash ended with exit code 3" in failed(lab, FailureClass.TOOL_FAILED, stage)


def test_conditions_and_variables_are_the_plan_s(lab: RunnerLab) -> None:
    steps = (
        pipe(["false"], when="unknown"),
        pipe(
            ["echo", "{build}", Args(args=("twice",), when="twice"), Args(args=("no",), when="x")],
            stdout="{out}/said",
        ),
    )
    outputs = (Output("said"), Output("never", when="x"))
    stage = a_stage(steps=steps, outputs=outputs, reads="", measures={})
    assert lab.run(lab.plan(stage, variables={"build": "{x}", "twice": True})).returncode == 0
    assert lab.read(prefix_of("align") + "said") == b"{x} twice\n"


def test_a_tool_asks_no_server_for_a_sequence(lab: RunnerLab) -> None:
    """Without REF_PATH htslib would ask the EBI's for that of a CRAM."""
    lab.environment |= {"REF_PATH": "", "REF_CACHE": "/somewhere/%s"}
    lab.tool("told", '#!/bin/sh\necho "REF_PATH=$REF_PATH REF_CACHE=$REF_CACHE"\n')
    stage = a_stage(
        steps=(pipe(["told"], stdout="{out}/told"),),
        outputs=(Output("told"),),
        reads="",
        measures={},
    )
    assert lab.run(lab.plan(stage)).returncode == 0
    assert lab.read(prefix_of("align") + "told") == b"REF_PATH=/dev/null/%s REF_CACHE=\n"


def test_hostile_keys_stay_data(lab: RunnerLab, tmp_path: Path) -> None:
    folder = f"""a b;touch {tmp_path}/x;$(touch {tmp_path}/x)'"`../../\\n/"""
    plan = lab.plan(a_stage(), pairs=(lab.pair(folder=folder),))
    assert lab.run(plan).returncode == 0
    assert not (tmp_path / "x").exists()


def test_licences_and_logins_are_nowhere_to_be_read(lab: RunnerLab) -> None:
    lab.tool("board", '#!/bin/sh\necho "called as $*" >&2\nexit 2\n')
    command = ["board", "--lic-server", "SECRET1", "--lic-file=SECRET2", "https://me:SECRET3@host/"]
    stage = a_stage(steps=(pipe(command),), reads="", measures={}, outputs=())
    plan = lab.plan(stage)
    ended = lab.run(plan)
    assert ended.returncode == 20
    said = ended.stdout + ended.stderr + lab.failure(plan).message
    assert "SECRET" not in said
    assert "https://***@host/" in said


def test_a_simulated_tool_is_told_from_a_real_one(lab: RunnerLab) -> None:
    lab.tool("flagstat", "#!/bin/sh\necho 'f 1 (simulated)'\n")
    stage = a_stage(steps=(pipe(["flagstat"]),), outputs=(), reads="", measures={})
    assert lab.run(lab.plan(stage)).returncode == 0
    result = lab.result()
    assert result is not None
    assert result.simulated


def test_what_is_made_of_simulated_results_is_simulated_too(lab: RunnerLab) -> None:
    lab.tool("flagstat", "#!/bin/sh\necho 'f 1 (simulated)'\n")
    nothing: dict[str, Any] = {"reads": "", "measures": {}}
    first = a_stage(steps=(pipe(["flagstat"]),), outputs=(), **nothing)
    say = pipe(["echo", "{simulated}"], stdout="{out}/said")
    second = a_stage("call", steps=(say,), outputs=(Output("said"),), needs=("align",), **nothing)
    third = a_stage("report", steps=(say,), outputs=(Output("said"),), needs=("call",), **nothing)
    plan = lab.plan(first, second, third)
    for stage in ("align", "call", "report"):
        assert lab.run(plan, stage).returncode == 0
        result = lab.result(stage)
        assert result is not None
        assert result.simulated
    assert (
        lab.read(prefix_of("call") + "said") == lab.read(prefix_of("report") + "said") == b"true\n"
    )
