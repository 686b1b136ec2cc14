"""A priority that is raised while a run waits, through the real machine."""

from seqdrop.aws.batch import Batch
from seqdrop.composition import now
from seqdrop.flow.priorities import Priorities
from tests.lab import pair
from tests.statemachine.bench import Bench, entered
from tests.statemachine.test_failures import jobs_of


def waits(bench: Bench, sample: str) -> bool:
    return [job.status for job in jobs_of(bench, sample, "right")] == ["RUNNABLE"]


def test_a_sample_that_becomes_urgent_passes_those_that_wait(bench: Bench) -> None:
    lab = bench.lab
    first, other, raised = (bench.new_sample() for _ in range(3))
    bench.hold("right")
    bench.drop_pair(first)
    bench.pid("right")
    bench.drop_pair(other)
    lab.wait_until(lambda: waits(bench, other))
    bench.drop_pair(raised)
    lab.wait_until(lambda: waits(bench, raised))
    analysis = lab.analysis(raised, "quick")
    assert analysis
    priorities = Priorities(lab.catalog, Batch(lab.client("batch")), now)
    assert priorities.change(analysis, "urgent", "a test") == ["right"]
    lab.wait_until(lambda: len(jobs_of(bench, raised, "right")) == 2)
    lab.wait_until(lambda: jobs_of(bench, raised, "right")[1].status == "RUNNABLE")
    bench.let_go("right")
    lab.wait_for(raised, "quick", "ANALYSED")
    lab.wait_for(other, "quick", "ANALYSED")
    moved, second = jobs_of(bench, raised, "right")
    assert (moved.failure_class, moved.attempts) == ("Moved", ())
    assert second.queue == "seqdrop-fpga-genome-urgent"
    assert second.started < jobs_of(bench, other, "right")[0].started
    assert entered(bench, raised).count("SubmitJob") == 3, "a retry of its own stage alone"


def test_a_manifest_that_makes_a_sample_urgent_moves_its_jobs(bench: Bench) -> None:
    lab = bench.lab
    first, raised = bench.new_sample(), bench.new_sample()
    bench.hold("right")
    bench.drop_pair(first)
    bench.pid("right")
    names = [f"{raised}_R1.fastq.gz", f"{raised}_R2.fastq.gz"]
    files = {"lane": "L001", "r1": names[0], "r2": names[1]}
    sample = {"sample": raised, "assay": "quick", "files": [files]}
    lab.drop_manifest("batch.manifest.json", sample)
    for name, body in zip(names, pair(50, seed=77), strict=True):
        lab.drop(name, body)
    lab.wait_until(lambda: waits(bench, raised))
    lab.drop_manifest("batch.manifest.json", {**sample, "priority": "urgent"})
    lab.wait_until(lambda: len(jobs_of(bench, raised, "right")) == 2)
    bench.let_go("right")
    lab.wait_for(raised, "quick", "ANALYSED")
    assert jobs_of(bench, raised, "right")[1].queue == "seqdrop-fpga-genome-urgent"
    assert [run.status for run in lab.runs(raised, "quick")] == ["SUCCEEDED"]
