"""FPGA jobs, whose definitions are ECS tasks, through the real machine, queue and events."""

from typing import Any

from tests.statemachine.bench import Bench


def fpga_job(bench: Bench, sample: str) -> tuple[Any, dict[str, Any]]:
    """The catalog's item of the stage on the FPGA queue, and what Batch says of its job."""
    (item,) = (job for job in bench.lab.jobs(sample, "quick") if "-fpga-" in job.queue)
    (described,) = bench.lab.client("batch").describe_jobs(jobs=[item.job_id])["jobs"]
    return item, described


def test_a_job_on_an_fpga_queue_is_an_ecs_task_of_the_plans_size(bench: Bench) -> None:
    sample = bench.new_sample()
    bench.drop_pair(sample)
    bench.lab.wait_for(sample, "quick", "ANALYSED")
    item, described = fpga_job(bench, sample)
    assert "container" not in described
    (task,) = described["ecsProperties"]["taskProperties"]
    (container,) = task["containers"]
    size = {each["type"]: each["value"] for each in container["resourceRequirements"]}
    assert size == {"VCPU": "1", "MEMORY": "100"}
    assert task["pidMode"] == "host"
    assert (item.status, item.exit_code) == ("SUCCEEDED", 0)
    assert item.log_stream == container["logStreamName"]
    assert item.cost_usd > 0, "its attempts' times were read"


def test_why_an_fpga_job_failed_reaches_the_catalog(bench: Bench) -> None:
    sample = bench.new_sample()
    bench.break_("right")
    bench.drop_pair(sample)
    bench.lab.wait_for(sample, "quick", "FAILED")
    item, described = fpga_job(bench, sample)
    (container,) = described["ecsProperties"]["taskProperties"][0]["containers"]
    assert (item.status, item.failure_class) == ("FAILED", "ToolFailed")
    assert item.exit_code == container["exitCode"] == 20
    assert len(item.attempts) == 1, "a tool's failure is not tried again"
