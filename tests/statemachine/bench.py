"""A pipeline of two waves whose tools take no time, unless a test says what they are to do."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from local.batch import faults as faults_of_queues
from seqdrop.aws.catalog.layout import gate_key
from seqdrop.domain.assay_gate import FAMILY
from tests.lab import Lab, fasta, make_genome, make_project, open_lab, pair, tools_on

ASSAYS = """
default: quick
assays:
  quick: {pipeline: quick, reference: tiny, complete: {rule: pairs, quiet_seconds: 1}}
  patient: {pipeline: quick, reference: tiny, poll_factor: 600}
  pressing: {pipeline: quick, reference: tiny, priority: urgent}
  again: {pipeline: quick, reference: again, complete: {rule: manifest}}
  never: {pipeline: quick, reference: again, complete: {rule: manifest}, reanalysis: "off"}
"""
REFERENCES = """
name: references
description: none of the tools here needs an index
stages:
  none:
    queue: cpu
    reference: [sequence]
    size: {vcpus: 1, memory_mib: {base: 100}, seconds: {base: 1}}
    steps:
      - pipe: [[cp, "{ref}/genome.fa", "{out}/index"]]
    outputs: [{name: index}]
"""
QUICK = """
name: quick
description: two waves, the second of two stages
stages:
  count:
    queue: cpu
    reads: stream
    reference: [sequence]
    size: {vcpus: 1, memory_mib: {base: 100}, seconds: {base: 1}}
    steps:
      - for_each: read_pair
        pipe: [[counttool, "{tmp}/{pair.id}", "{pair.r1}", "{pair.r2}"]]
      - pipe:
          - - sumtool
            - count
            - "{out}/flagstat.json"
            - {for_each: read_pair, args: ["{tmp}/{pair.id}"]}
    measures: {flagstat.json: flagstat}
    outputs: [{name: flagstat.json}]
  left:
    queue: cpu
    needs: [count]
    size: {vcpus: 1, memory_mib: {base: 100}, seconds: {base: 1}}
    steps:
      - pipe: [[worktool, left, "{in}/flagstat.json", "{out}/left.txt"]]
    outputs: [{name: left.txt}]
  right:
    queue: fpga-genome
    needs: [count]
    size: {vcpus: 1, memory_mib: {base: 100}, seconds: {base: 1}}
    steps:
      - pipe: [[dragen, right, "{in}/flagstat.json", "{out}/right.txt"]]
    outputs: [{name: right.txt}]
"""
_OBEY = """
import os, pathlib, sys, time
control = pathlib.Path({control!r})
def obey(stage):
    (control / f"{{stage}}.pid").write_text(str(os.getpid()))
    with (control / f"{{stage}}.log").open("a") as log:
        log.write("started\\n")
    while (control / f"{{stage}}.wait").exists():
        time.sleep(0.02)
    fail = control / f"{{stage}}.fail"
    if fail.exists():
        words, times = fail.read_text().rsplit("\\t", 1)
        if int(times) == 1:
            fail.unlink()
        else:
            fail.write_text(f"{{words}}\\t{{int(times) - 1}}")
        sys.exit(words)
"""
_TOOLS = {
    "counttool": """
import threading
lines = {}
def count(path):
    with open(path, "rb") as reads:
        lines[path] = sum(1 for _ in reads)
threads = [threading.Thread(target=count, args=[path]) for path in sys.argv[2:]]
[t.start() for t in threads]
[t.join() for t in threads]
pathlib.Path(sys.argv[1]).write_text(str(sum(lines.values()) // 4))
""",
    "sumtool": """
import json
obey(sys.argv[1])
total = sum(int(pathlib.Path(path).read_text()) for path in sys.argv[3:])
counts = {"primary": total, "primary mapped": total, "primary duplicates": 0,
          "properly paired": total}
none = dict.fromkeys(counts, 0)
pathlib.Path(sys.argv[2]).write_text(
    json.dumps({"QC-passed reads": counts, "QC-failed reads": none})
)
""",
    "worktool": """
obey(sys.argv[1])
pathlib.Path(sys.argv[3]).write_text("made from " + pathlib.Path(sys.argv[2]).read_text())
""",
    "dragen_reset": """
with (control / "resets.log").open("a") as log:
    log.write("reset\\n")
""",
}
_TOOLS["dragen"] = _TOOLS["worktool"]


_SHORT = "IntervalSeconds: 1, BackoffRate: 1"


class Bench:
    """The lab, and the strings that its tools hang on."""

    def __init__(self, lab: Lab, control: Path) -> None:
        self.lab = lab
        self._control = control
        self._samples = 0

    def hold(self, stage: str) -> None:
        """The stage's tool waits until ``let_go``; ``pid`` is then that of the one that waits."""
        (self._control / f"{stage}.pid").unlink(missing_ok=True)
        (self._control / f"{stage}.wait").touch()

    def let_go(self, stage: str) -> None:
        """The stage's tool goes on."""
        (self._control / f"{stage}.wait").unlink(missing_ok=True)

    def break_(self, stage: str, words: str = "told to fail", times: int = 99) -> None:
        """The stage's tool fails with these words, so many times or until ``mend``."""
        (self._control / f"{stage}.fail").write_text(f"{words}\t{times}")

    def mend(self, stage: str) -> None:
        """The stage's tool works again."""
        (self._control / f"{stage}.fail").unlink(missing_ok=True)

    def pid(self, stage: str) -> int:
        """The process of the stage's tool, once it runs."""
        path = self._control / f"{stage}.pid"
        return int(self.lab.wait_until(lambda: path.exists() and path.read_text()))

    def starts(self, stage: str) -> int:
        """How often the stage's tool was started."""
        path = self._control / f"{stage}.log"
        return len(path.read_text().splitlines()) if path.exists() else 0

    def resets(self) -> int:
        """How often the board was reset."""
        path = self._control / "resets.log"
        return len(path.read_text().splitlines()) if path.exists() else 0

    def forget(self) -> None:
        """Everything as at first; what failed for tests before is no word on the next one's."""
        gates = self.lab.catalog.gates
        for gate in gates.of_family(FAMILY):
            gates._table.delete(gate_key(gate.kind))
        for path in self._control.iterdir():
            path.unlink()

    def queue_arn(self, kind: str = "cpu") -> str:
        """The queue that the samples' jobs of a kind go to."""
        name = f"{self.lab.runtime.outputs['JobQueuePrefix']}-{kind}-routine"
        queues = self.lab.client("batch").describe_job_queues(jobQueues=[name])["jobQueues"]
        return str(queues[0]["jobQueueArn"])

    @contextmanager
    def playing(self, kind: str = "cpu", **faults: str) -> Iterator[None]:
        """Faults of ``local.batch.faults`` by their names there, at the queue of a kind."""
        arn, batch = self.queue_arn(kind), self.lab.client("batch")
        tags = {getattr(faults_of_queues, name): value for name, value in faults.items()}
        batch.tag_resource(resourceArn=arn, tags=tags)
        try:
            yield
        finally:
            if tags:
                batch.untag_resource(resourceArn=arn, tagKeys=list(tags))

    def new_sample(self) -> str:
        """A sample id that no test has used."""
        self._samples += 1
        return f"sample{self._samples}"

    def drop_pair(self, sample: str, folder: str = "", **options: Any) -> None:
        """Drops a plain pair."""
        r1, r2 = pair(50, **options)
        self.lab.drop(f"{folder}{sample}_R1.fastq.gz", r1)
        self.lab.drop(f"{folder}{sample}_R2.fastq.gz", r2)

    def history(self, sample: str, assay: str = "quick") -> list[dict[str, Any]]:
        """The events of the newest run's execution."""
        run = self.lab.runs(sample, assay)[-1]
        stepfunctions = self.lab.client("stepfunctions")
        answer = stepfunctions.get_execution_history(executionArn=run.execution, maxResults=1000)
        return list(answer["events"])


def entered(bench: Bench, sample: str, assay: str = "quick") -> list[str]:
    """The states that the newest run's execution has come to."""
    events = bench.history(sample, assay)
    details = [e["stateEnteredEventDetails"] for e in events if "stateEnteredEventDetails" in e]
    return [str(detail["name"]) for detail in details]


@contextmanager
def open_bench(
    folder: Path,
    pipelines: dict[str, str] | None = None,
    wait_for_hosts_seconds: int | None = None,
    machine: Path | None = None,
    **settings: Any,
) -> Iterator[Bench]:
    """A runtime with the quick pipeline, or others, its tools and a reference.

    ``wait_for_hosts_seconds`` is PollJob's own limit: the template takes none below ten minutes.
    ``machine`` is a folder with a state machine in place of the project's own of its name. Those
    wait seconds where they would wait minutes before a job follows on one that failed.
    """
    control, tools, project = folder / "control", folder / "tools", folder / "project"
    for new in (control, tools, project):
        new.mkdir()
    for name, body in _TOOLS.items():
        head = f"#!{sys.executable} -S\n" + _OBEY.format(control=str(control))
        version = f"if '--version' in sys.argv:\n    sys.exit(print('{name} 1.0'))\n"
        (tools / name).write_text(head + version + body)
        (tools / name).chmod(0o755)
    quick = {"assays.yaml": ASSAYS, "quick.yaml": QUICK, "references.yaml": REFERENCES}
    make_project(project, {**quick, **(pipelines or {})})
    own = project / "statemachine"
    made = _without_pauses(own, folder / "statemachine")
    for file in machine.iterdir() if machine else ():
        (made / file.name).write_text(file.read_text("utf-8"), "utf-8")
    own.unlink()  # a link to the project's own
    own.symlink_to(made)
    if wait_for_hosts_seconds is not None:
        _limit_waiting(project / "template.yaml", wait_for_hosts_seconds)
    given = {"shortest_poll_seconds": 3, "cpu_slots": 4, **settings}
    with open_lab(folder / "runtime", project=project, tool_path=tools_on(tools), **given) as lab:
        lab.add_reference("tiny", fasta(make_genome(5_000)))
        yield Bench(lab, control)


def _without_pauses(machines: Path, copy: Path) -> Path:
    copy.mkdir()
    for file in machines.iterdir():
        text = re.sub(r"IntervalSeconds: \d\d+, BackoffRate: \d", _SHORT, file.read_text("utf-8"))
        (copy / file.name).write_text(text, "utf-8")
    return copy


def _limit_waiting(template: Path, seconds: int) -> None:
    variable = "RUNNABLE_TIMEOUT_SECONDS: "
    text, asked = template.read_text("utf-8"), f"{variable}!Ref RunnableTimeoutSeconds"
    assert asked in text
    template.unlink()  # a link to the project's own
    template.write_text(text.replace(asked, f'{variable}"{seconds}"'), "utf-8")
