"""The template's policies and the recorder's model of requests, held against IAM's own tables."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from moto.iam.models import iam_backends

from local.actions import Request, needs_of
from local.permissions import Grant, allowed
from local.roles import grants_of_role, role_of
from local.runtime import Runtime, RuntimeSettings
from tests.policies.iam_tables import action_row

REGION = "us-east-1"
ARN = f"arn:aws:batch:{REGION}:123456789012"


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runtime]:
    with Runtime(RuntimeSettings(tmp_path_factory.mktemp("runtime"))) as runtime:
        yield runtime


@pytest.fixture(scope="module")
def grants(deployed: Runtime) -> list[Grant]:
    """Those of every role of the stack, of hosts and of the containers' start too."""
    names = [role.name for role in iam_backends["123456789012"]["aws"].roles.values()]
    return [grant for name in names for grant in grants_of_role(name)]


def test_every_action_that_a_role_grants_is_one_of_iam_s(grants: list[Grant]) -> None:
    assert grants
    assert [str(grant) for grant in grants if action_row(grant.action) is None] == []


def test_every_resource_that_a_role_grants_is_of_a_type_that_its_action_knows(
    grants: list[Grant],
) -> None:
    """A grant on another type of resource, or on an ARN where IAM asks about `*`, gives nothing."""
    wrong = []
    for grant in grants:
        row = action_row(grant.action)
        assert row is not None
        if grant.resource != "*" and not row.types_of(grant.resource):
            wrong.append(str(grant))
    assert wrong == []


def submit_job(**more: Any) -> Request:
    """A request to submit a job, as the function sends it."""
    body = {
        "jobName": "one",
        "jobQueue": "seqdrop-fpga-genome-routine",
        "jobDefinition": f"{ARN}:job-definition/seqdrop-fpga-genome-reads:1",
        "tags": {"seqdrop-sample": "NA1"},
        **more,
    }
    return Request("batch", REGION, "POST", "/v1/submitjob", {}, {}, json.dumps(body).encode())


def types_asked(request: Request, action: str) -> set[str]:
    row = action_row(action)
    assert row is not None
    needs = [resource for name, resource in needs_of(request) if name == action]
    assert all(row.types_of(resource) for resource in needs)
    return {kind for resource in needs for kind in row.types_of(resource)}


def test_the_model_asks_submit_job_about_every_type_that_iam_s_table_lists(
    deployed: Runtime,
) -> None:
    row = action_row("batch:SubmitJob")
    assert row is not None
    asked = types_asked(submit_job(), "batch:SubmitJob")
    assert asked >= row.required
    assert asked == row.types.keys()


def test_a_tagged_job_asks_for_tag_resource_on_all_that_it_touches_and_that_can_be_tagged(
    deployed: Runtime,
) -> None:
    row = action_row("batch:TagResource")
    assert row is not None
    touched = types_asked(submit_job(), "batch:SubmitJob")
    assert types_asked(submit_job(), "batch:TagResource") == touched & row.types.keys()
    assert types_asked(submit_job(tags={}), "batch:TagResource") == set()


def test_submit_job_is_denied_when_any_action_or_type_of_resource_is_taken_away(
    deployed: Runtime,
) -> None:
    role = role_of("function.seqdrop-submit-job")
    assert role is not None
    granted = grants_of_role(role)
    needs = needs_of(submit_job())
    assert all(allowed(granted, *need) for need in needs)
    batch = [g for g in granted if g.action in ("batch:SubmitJob", "batch:TagResource")]
    assert len(batch) == 8
    for taken in batch:
        rest = [grant for grant in granted if grant != taken]
        assert not all(allowed(rest, *need) for need in needs), f"without {taken}"
