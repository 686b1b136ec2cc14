"""Steps that run for each region: side by side, all or none; and what is recorded of commands."""

import signal
import time

from runner.commands import REGIONS
from seqdrop.domain.failure import FailureClass
from seqdrop.domain.pipeline import Output, Step
from tests.integration.runner.test_faults import failed
from tests.runner_support import RunnerLab, a_stage, pipe, prefix_of

VERSION = '[ "$1" = --version ] && echo "1.0" && exit\n'
CUT = f"""\
#!/bin/sh
{VERSION}mkdir -p {REGIONS}
for name in 1 2 3; do echo "chr$name" > {REGIONS}/$name.bed; done
"""
MEET = f"""\
#!/bin/sh
{VERSION}# Ends only when two of its kind have come: one after another they would wait for ever.
touch "tmp/$1.here"
for try in $(seq 200); do
    [ "$(ls tmp/*.here | wc -l)" -ge 2 ] && cat "$2" && exit
    sleep 0.05
done
exit 1
"""


def for_each_region(*command: str, stdout: str = "{tmp}/calls/{region.id}.txt") -> Step:
    return Step(pipe=(command,), for_each="region", stdout=stdout)


def test_regions_are_worked_on_side_by_side_and_listed_in_their_order(lab: RunnerLab) -> None:
    lab.tool("cut-up", CUT)
    lab.tool("meet", MEET)
    lab.tool("all-of", '#!/bin/sh\ncat "$1"/*.txt\n')
    steps = (
        pipe(["cut-up"]),
        for_each_region("meet", "{region.id}", "{region.bed}"),
        pipe(["all-of", "{tmp}/calls"], stdout="{out}/all"),
    )
    stage = a_stage(steps=steps, outputs=(Output("all"),), reads="", measures={})
    assert lab.run(lab.plan(stage)).returncode == 0
    assert lab.read(prefix_of("align") + "all") == b"chr1\nchr2\nchr3\n"
    result = lab.result()
    assert result is not None
    assert result.commands == ("cut-up", f"meet 1 {REGIONS}/1.bed", "all-of tmp/calls")


def test_one_region_s_fault_ends_the_others(lab: RunnerLab) -> None:
    lab.tool("cut-up", CUT)
    lab.tool(
        "call",
        f'#!/bin/sh\n{VERSION}[ "$1" = 2 ] && echo "bad region" >&2 && exit 3\nexec sleep 50\n',
    )
    steps = (pipe(["cut-up"]), for_each_region("call", "{region.id}"))
    stage = a_stage(steps=steps, outputs=(), reads="", measures={})
    started = time.monotonic()
    message = failed(lab, FailureClass.TOOL_FAILED, stage)
    assert "bad region" in message
    assert time.monotonic() - started < 30


def test_a_step_for_each_region_without_regions_is_the_plan_s_mistake(lab: RunnerLab) -> None:
    stage = a_stage(steps=(for_each_region("true"),), outputs=(), reads="", measures={})
    assert "no step before wrote a BED file" in failed(lab, FailureClass.BAD_PLAN, stage)


def test_a_stop_ends_all_regions(lab: RunnerLab) -> None:
    lab.tool("cut-up", CUT)
    lab.tool("call", f"#!/bin/sh\n{VERSION}echo begun >&2\nexec sleep 50\n")
    steps = (pipe(["cut-up"]), for_each_region("call", "{region.id}"))
    plan = lab.plan(a_stage(steps=steps, outputs=(), reads="", measures={}))
    process = lab.start(plan)
    assert process.stderr
    while "begun" not in process.stderr.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 128 + signal.SIGTERM
    process.communicate()
    assert not list(lab.scratch.iterdir())


def test_tools_are_given_paths_that_are_the_same_in_every_run(lab: RunnerLab) -> None:
    steps = (
        pipe(["env", "echo", "{ref}", "{in}", "{tmp}", "{out}", "{stage_key}", "{simulated}"],
             stdout="{out}/said"),
    )  # fmt: skip
    stage = a_stage(steps=steps, outputs=(Output("said"),), reads="", measures={})
    assert lab.run(lab.plan(stage)).returncode == 0
    assert lab.read(prefix_of("align") + "said") == b"ref in tmp out k false\n"
    result = lab.result()
    assert result is not None
    assert result.commands == ("env echo ref in tmp out k false",)


def test_no_secret_is_in_the_record_of_commands(lab: RunnerLab) -> None:
    command = ["true", "--lic-server", "SECRET1", "--lic-file=SECRET2", "https://me:SECRET3@h/"]
    stage = a_stage(steps=(pipe(command),), reads="", measures={}, outputs=())
    assert lab.run(lab.plan(stage)).returncode == 0
    result = lab.result()
    assert result is not None
    assert result.commands == ("true --lic-server *** --lic-file=*** https://***@h/",)
