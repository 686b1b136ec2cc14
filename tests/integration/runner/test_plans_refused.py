"""A plan that names another sample's objects is refused before any of them is touched."""

from collections.abc import Iterator
from typing import Any

import pytest
from msgspec import structs

from seqdrop.domain.failure import EXIT_CODES, FailureClass
from seqdrop.domain.plan import LocalFile, StagePlan, StoredObject, encode
from tests.faulty_store import Faults, faulty_store
from tests.runner_support import BUCKET, RunnerLab, a_stage, prefix_of

THEIRS = StoredObject(BUCKET, "S2/wgs/align/k/1/alignment.bam", 5, sha256="0" * 64)


@pytest.fixture
def faults(lab: RunnerLab) -> Iterator[Faults]:
    """A store that counts what the lab's runners ask it."""
    with faulty_store(lab.environment["AWS_ENDPOINT_URL"]) as (endpoint, faults):
        lab.environment["AWS_ENDPOINT_URL"] = endpoint
        yield faults


@pytest.mark.parametrize(
    ("stages", "run"),
    [
        ([structs.replace(a_stage(), prefix="S2/wgs/align/k/1/")], {}),
        ([structs.replace(a_stage(), prefix="S1/wgs/../../S2/wgs/align/k/1/")], {}),
        ([structs.replace(a_stage(), prefix="")], {}),
        ([structs.replace(a_stage(), prefix="/S1/wgs/align/k/1/")], {}),
        (
            [
                a_stage(needs=("trim",)),
                structs.replace(a_stage("trim"), prefix="S2/wgs/trim/k/1/"),
            ],
            {},
        ),
        ([a_stage(reference_files=(LocalFile("a.bam", THEIRS),))], {}),
        ([a_stage()], {"sample": "S2"}),
        ([a_stage()], {"sample": "..", "assay": "S2"}),
        ([a_stage()], {"folder": "S2/wgs/runs/abc/1/"}),
        ([a_stage()], {"folder": ""}),
    ],
)
def test_a_hostile_plan_is_refused_and_nothing_that_it_names_is_read_or_written(
    lab: RunnerLab, faults: Faults, stages: list[StagePlan], run: dict[str, Any]
) -> None:
    good = lab.plan(*stages)
    hostile = structs.replace(good, **run)
    lab.client.put_object(Bucket=BUCKET, Key=f"{good.folder}plan.json", Body=encode(hostile))
    ended = lab.run(good)
    assert ended.returncode == EXIT_CODES[FailureClass.BAD_PLAN]
    assert dict(faults.asked) == {f"/{BUCKET}/{good.folder}plan.json": 1}
    listed = lab.client.list_objects_v2(Bucket=BUCKET).get("Contents", [])
    names = {f"{good.folder}plan.json", f"{good.folder}align.failure.json"}
    assert {one["Key"] for one in listed} == names
    failure = lab.failure(good)
    assert failure.failure_class is FailureClass.BAD_PLAN
    assert failure.message.startswith("the plan is refused: ")


def test_a_plan_of_its_own_sample_is_run(lab: RunnerLab) -> None:
    assert lab.run(lab.plan(a_stage(), pairs=(lab.pair(),))).returncode == 0
    assert lab.read(f"{prefix_of('align')}align.json") is not None
