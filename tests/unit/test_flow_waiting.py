"""Which queues a job may wait for."""

import pytest

from seqdrop.domain.records import Job
from seqdrop.flow.waiting import _hosts


@pytest.mark.parametrize(
    ("queue", "hosts"),
    [
        ("my-fpga-lab-cpu-bulk", {"my-fpga-lab-cpu"}),
        ("lab-fpga-exome-urgent", {"lab-fpga-genome", "lab-fpga-exome"}),
    ],
)
def test_fpga_kinds_wait_for_each_others_licence(queue: str, hosts: set[str]) -> None:
    job = Job("pk", "sk", "stage", "name", queue, "prefix/", "bucket", "folder/")
    assert set(_hosts(job)) == hosts
