"""What a stack gets is what was meant: no resource is renamed, lost or changed by the way."""

import json

from infrastructure.conditions import resolve_conditions
from tests.infrastructure.digests import DEPLOYMENTS, STORED, digests
from tests.infrastructure.stack import transformed

HELD: dict[str, dict[str, str]] = json.loads(STORED.read_text("utf-8"))
DATA = {"AWS::S3::Bucket", "AWS::DynamoDB::Table"}


def test_no_resource_is_renamed_or_lost() -> None:
    """Another logical id is another resource: of a bucket or table, an empty one."""
    found = digests()
    missing = {n: r["type"] for n, r in HELD.items() if found.get(n, {}).get("type") != r["type"]}
    assert missing == {}
    data = {name for name, resource in HELD.items() if resource["type"] in DATA}
    assert data == {f"{n}Bucket" for n in ("Uploads", "References", "Results", "Audit")} | {
        "CatalogTable"
    }


def test_only_resources_that_were_meant_have_changed() -> None:
    """`python -m tests.infrastructure.digests` accepts what has; review the file's difference."""
    found = digests()
    changed = {name for name, resource in found.items() if HELD.get(name) != resource}
    assert changed == set()


def test_every_condition_is_tried_both_ways() -> None:
    conditions = set(transformed()["Conditions"])
    asked = {**transformed(), "Resources": {name: {"Condition": name} for name in conditions}}
    held = [set(resolve_conditions(asked, given)["Resources"]) for given in DEPLOYMENTS]
    assert set.union(*held) == conditions
    assert set.intersection(*held) == set()
