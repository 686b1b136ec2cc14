"""The judge itself: what a policy grants, which calls it denies, and what nobody needs."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.calls import Call
from local.permissions import CannotRead, Grant, grants_of
from tests.policies.deployed import Policies, lasting

BUCKET = "arn:aws:s3:::results"


def policies(*statements: dict[str, Any], who: str = "function.f") -> Policies:
    document = {"Statement": [{"Effect": "Allow", **statement} for statement in statements]}
    return Policies({who: "role"}, frozenset(grants_of("role", document)))


def test_a_call_without_a_grant_is_denied() -> None:
    held = policies({"Action": "s3:GetObject", "Resource": f"{BUCKET}/*"})
    good = ("function.f", "s3:GetObject", f"{BUCKET}/a/b.json")
    other_action = ("function.f", "s3:PutObject", f"{BUCKET}/a/b.json")
    other_bucket = ("function.f", "s3:GetObject", "arn:aws:s3:::uploads/a")
    assert held.denied([good, other_action, other_bucket]) == [other_bucket, other_action]


def test_a_caller_without_a_role_is_denied() -> None:
    held = policies({"Action": "*", "Resource": "*"})
    call = ("function.stranger", "s3:GetObject", f"{BUCKET}/a")
    assert held.denied([call]) == [call]


def test_a_grant_without_which_nothing_is_denied_is_found_for_each_action_and_resource() -> None:
    statement = {"Action": ["s3:GetObject", "s3:PutObject"], "Resource": [f"{BUCKET}/*", "b/*"]}
    held = policies(statement)
    calls = [("function.f", "s3:GetObject", f"{BUCKET}/a"), ("function.f", "s3:PutObject", "b/c")]
    assert held.needless(calls) == [
        Grant("role", "s3:GetObject", "b/*"),
        Grant("role", "s3:PutObject", f"{BUCKET}/*"),
    ]


_ACTIONS = st.sampled_from(["s3:GetObject", "s3:PutObject", "s3:*"])
_RESOURCES = st.sampled_from([f"{BUCKET}/a", f"{BUCKET}/b", f"{BUCKET}/*", "*"])
_CALLS = st.tuples(
    st.just("function.f"), st.sampled_from(["s3:GetObject", "s3:PutObject"]),
    st.sampled_from([f"{BUCKET}/a", f"{BUCKET}/b"]),
)  # fmt: skip


@given(st.sets(st.builds(Grant, st.just("role"), _ACTIONS, _RESOURCES)), st.sets(_CALLS))
def test_a_grant_is_needless_where_nothing_more_is_denied_without_it(
    grants: set[Grant], calls: set[Call]
) -> None:
    held = Policies({"function.f": "role"}, frozenset(grants))
    denied = held.denied(calls)
    for grant in grants:
        without = Policies(held.roles, held.grants - {grant})
        assert (without.denied(calls) == denied) is (grant in held.needless(calls))


def test_what_is_granted_twice_is_needless() -> None:
    held = policies({"Action": "s3:GetObject", "Resource": [f"{BUCKET}/*", f"{BUCKET}/a*"]})
    assert len(held.needless([("function.f", "s3:GetObject", f"{BUCKET}/a")])) == 2


def test_whoever_has_a_role_needs_its_grants_for_all() -> None:
    roles = {"job.one": "role", "job.two": "role"}
    held = Policies(roles, frozenset({Grant("role", "s3:GetObject", "*")}))
    assert held.needless([("job.two", "s3:GetObject", f"{BUCKET}/a")]) == []


def test_roles_that_no_function_or_job_has_are_not_judged() -> None:
    held = Policies({"job.one": "role"}, frozenset({Grant("host", "ecs:Poll", "*")}))
    assert held.needless([]) == []


@pytest.mark.parametrize(
    ("action", "resource", "allowed"),
    [
        ("s3:GetObject", f"{BUCKET}/a/b/c", True),
        ("s3:GetObjectVersion", f"{BUCKET}/x", True),
        ("S3:getobject", f"{BUCKET}/x", True),
        ("s3:GetObject", BUCKET, False),
        ("s3:GetObject", f"{BUCKET.upper()}/x", False),
        ("s3:ListBucket", f"{BUCKET}/x", False),
        ("s3:GetObject", "*", False),
    ],
)
def test_an_asterisk_is_any_text(action: str, resource: str, allowed: bool) -> None:
    assert Grant("role", "s3:Get*", f"{BUCKET}/*").allows(action, resource) is allowed


def test_a_question_mark_is_one_letter_and_a_dot_only_itself() -> None:
    grant = Grant("role", "s3:GetObject", "arn:aws:s3:::a.b/?.gz")
    assert grant.allows("s3:GetObject", "arn:aws:s3:::a.b/1.gz")
    assert not grant.allows("s3:GetObject", "arn:aws:s3:::a.b/10.gz")
    assert not grant.allows("s3:GetObject", "arn:aws:s3:::a-b/1.gz")


def test_an_action_without_resources_is_allowed_on_all_resources_only() -> None:
    assert Grant("role", "batch:ListJobs", "*").allows("batch:ListJobs", "*")
    assert not Grant("role", "batch:ListJobs", "arn:aws:batch:*").allows("batch:ListJobs", "*")


@pytest.mark.parametrize(
    "statement",
    [
        {"Effect": "Deny", "Action": "s3:*", "Resource": "*"},
        {"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"},
        {"Effect": "Allow", "Action": "s3:*", "NotResource": "*"},
    ],
)
def test_a_statement_that_would_be_judged_wrongly_is_refused(statement: dict[str, Any]) -> None:
    with pytest.raises(CannotRead):
        grants_of("role", {"Statement": statement})


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("function.seqdrop-EndRunFunction-0A1B2C3D4E5F", "function.seqdrop-EndRunFunction"),
        ("arn:aws:s3:::seqdrop-a-0a1b2c3d4e5f/s/x.gz", "arn:aws:s3:::seqdrop-a/s/x.gz"),
        ("job-queue/seqdrop-cpu-urgent", "job-queue/seqdrop-cpu-urgent"),
        ("execution:seqdrop-analyse-sample:one", "execution:seqdrop-analyse-sample:one"),
    ],
)
def test_names_lose_what_each_deployment_makes_up(name: str, expected: str) -> None:
    assert lasting(name) == expected
