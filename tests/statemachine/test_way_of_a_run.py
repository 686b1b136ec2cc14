"""The real machine executed: what a run costs, and what starts one."""

from seqdrop.domain.identity import AnalysisId
from tests.lab import pair
from tests.statemachine.bench import Bench


def test_transitions_are_three_plus_waves_plus_stages(bench: Bench) -> None:
    sample = bench.new_sample()
    bench.drop_pair(sample, "patient/")  # no poll comes between, however slow the machine is
    bench.lab.wait_for(sample, "patient", "ANALYSED")
    entered = [e for e in bench.history(sample, "patient") if e["type"].endswith("StateEntered")]
    waves, stages = 2, 3
    assert len(entered) == 3 + waves + stages


def test_results_are_named_by_run_json(bench: Bench) -> None:
    sample = bench.new_sample()
    bench.drop_pair(sample)
    bench.lab.wait_for(sample, "quick", "ANALYSED")
    run = bench.lab.runs(sample, "quick")[-1]
    folder = f"{sample}/quick/runs/{run.run_key}/1/run.json"
    record = bench.lab.client("s3").get_object(Bucket=bench.lab.results, Key=folder)
    assert b'"left.txt"' in record["Body"].read()
    assert run.cost_usd is not None
    assert run.cost_usd > 0


def test_same_bytes_again_start_nothing(bench: Bench) -> None:
    sample = bench.new_sample()
    bench.drop_pair(sample)
    before = bench.lab.wait_for(sample, "quick", "ANALYSED")
    bench.drop_pair(sample)
    # A last new file shows that the queue has been worked through up to here.
    marker = bench.new_sample()
    bench.drop_pair(marker)
    bench.lab.wait_for(marker, "quick", "ANALYSED")
    after = bench.lab.analysis(sample, "quick")
    assert after is not None
    assert (after.generation, after.current_run) == (before.generation, before.current_run)
    assert len(bench.lab.runs(sample, "quick")) == 1


def test_second_flowcell_over_the_names_of_the_first_is_held(bench: Bench) -> None:
    """Nobody can tell whether it was meant to replace the first, or to be added to it."""
    sample, lab = bench.new_sample(), bench.lab
    bench.drop_pair(sample, flowcell="FIRST")
    first = lab.wait_for(sample, "quick", "ANALYSED").current_run
    bench.drop_pair(sample, flowcell="SECOND", seed=2)
    held = lab.wait_for(sample, "quick", "HELD")
    said = "; ".join(held.holds.values())
    assert "of lane 1 on flowcell FIRST, and was overwritten with R" in said
    assert held.current_run == first
    for read in ("R1", "R2"):
        lab.client("s3").delete_object(Bucket=lab.uploads, Key=f"{sample}_{read}.fastq.gz")
    lab.wait_until(lambda: (a := lab.analysis(sample, "quick")) and not a.files_seen)
    bench.drop_pair(sample, flowcell="SECOND", seed=2)
    lab.wait_until(
        lambda: (a := lab.analysis(sample, "quick")) and a.current_run != first and not a.active_run
    )
    assert [run.status for run in lab.runs(sample, "quick")] == ["SUCCEEDED", "SUCCEEDED"]
    files = lab.catalog.analyses.files(AnalysisId(sample, "quick"))
    flowcells = {file.identity.flowcell for file in files}
    assert flowcells == {"SECOND"}


def test_second_flowcell_makes_one_new_run_of_all_lanes(bench: Bench) -> None:
    sample, lab = bench.new_sample(), bench.lab
    names = (f"{sample}_S1_L001_R1_001.fastq.gz", f"{sample}_S1_L001_R2_001.fastq.gz")
    for name, body in zip(names, pair(50, flowcell="FIRST"), strict=True):
        lab.drop(f"quick/first/{name}", body)
    first = lab.wait_for(sample, "quick", "ANALYSED").current_run
    old = lab.runs(sample, "quick")[0]
    kept = {
        s.prefix: lab.client("s3").list_objects_v2(Bucket=lab.results, Prefix=s.prefix)["Contents"]
        for s in old.stages
    }
    for name, body in zip(names, pair(50, flowcell="SECOND", seed=2), strict=True):
        lab.drop(f"quick/second/{name}", body)
    lab.wait_until(
        lambda: (a := lab.analysis(sample, "quick")) and a.current_run != first and not a.active_run
    )
    runs = lab.runs(sample, "quick")
    assert [run.status for run in runs] == ["SUCCEEDED", "SUCCEEDED"]
    assert runs[1].metrics["reads"] == 2 * runs[0].metrics["reads"]
    for prefix, before in kept.items():
        after = lab.client("s3").list_objects_v2(Bucket=lab.results, Prefix=prefix)["Contents"]
        assert [(o["Key"], o["ETag"]) for o in after] == [(o["Key"], o["ETag"]) for o in before]
    assert bench.starts("count") == 2


def test_files_that_come_while_a_run_goes_on_get_a_run_of_their_own(bench: Bench) -> None:
    sample, lab = bench.new_sample(), bench.lab
    bench.hold("left")
    bench.drop_pair(sample)
    bench.pid("left")
    names = (f"{sample}_S1_L002_R1_001.fastq.gz", f"{sample}_S1_L002_R2_001.fastq.gz")
    for name, body in zip(names, pair(50, lane=2, seed=3), strict=True):
        lab.drop(name, body)
    lab.wait_for(sample, "quick", "READY")
    bench.let_go("left")
    lab.wait_until(lambda: len(lab.runs(sample, "quick")) == 2)
    lab.wait_for(sample, "quick", "ANALYSED")
    runs = lab.runs(sample, "quick")
    analysis = lab.analysis(sample, "quick")
    assert analysis is not None
    assert analysis.current_run == runs[1].id
    assert [run.status for run in runs] == ["SUCCEEDED", "SUCCEEDED"]


def test_jobs_name_the_revision_of_their_definition_that_was_claimed(bench: Bench) -> None:
    sample, lab = bench.new_sample(), bench.lab
    bench.drop_pair(sample)
    lab.wait_for(sample, "quick", "ANALYSED")
    ids = [job.job_id for job in lab.jobs(sample, "quick")]
    described = lab.client("batch").describe_jobs(jobs=ids)["jobs"]
    used = {job["jobDefinition"].rsplit("/", 1)[-1] for job in described}
    assert used == {
        "seqdrop-cpu-reads:1", "seqdrop-cpu-results:1", "seqdrop-fpga-genome-results:1",
    }  # fmt: skip
