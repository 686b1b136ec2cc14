"""References in the catalog: a version never changes, and the newest ready one is meant."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from seqdrop.domain.errors import Conflict, ReferenceNotReady
from seqdrop.domain.reference import ReferenceState, ReferenceVersion
from tests.cloud_support import Cloud, open_cloud
from tests.domain_support import part, reference


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    with open_cloud(tmp_path, monkeypatch) as cloud:
        yield cloud


def preparing(version: str = "1", created: str = "2026-01-01") -> ReferenceVersion:
    """A version without its indexes."""
    return reference(
        name="GRCh38", version=version, state=ReferenceState.PREPARING, indexes={}, created=created
    )


def there(cloud: Cloud, version: str = "1") -> ReferenceVersion:
    """A version as it is."""
    found = cloud.catalog.references.get("GRCh38", version)
    assert found is not None
    return found


def test_a_version_is_added_once_and_listed(cloud: Cloud) -> None:
    cloud.catalog.references.add(preparing(), "an analyst", cloud.clock())
    with pytest.raises(Conflict):
        cloud.catalog.references.add(preparing(), "another", cloud.clock())
    assert there(cloud) == preparing()
    assert list(cloud.catalog.references.names()) == ["GRCh38", "tiny"]


def test_the_newest_ready_version_is_meant_where_none_is_named(cloud: Cloud) -> None:
    for version, created in (("1", "2026-01-02"), ("2", "2026-01-01"), ("3", "2026-01-03")):
        cloud.catalog.references.add(preparing(version, created), "x", cloud.clock())
    for version in ("1", "2"):
        cloud.catalog.references.settle(
            there(cloud, version), ReferenceState.READY, "", cloud.clock()
        )
    assert cloud.catalog.references.choose("GRCh38").version == "1"
    assert cloud.catalog.references.choose("GRCh38", "2").version == "2"


@pytest.mark.parametrize(
    ("name", "version", "why"),
    [
        ("GRCh37", "", "no ready version of the reference 'GRCh37'; add it with"),
        ("GRCh38", "", r"no ready version of the reference 'GRCh38' \(1 is PREPARING\)"),
        ("GRCh38", "9", "there is no reference GRCh38 9; add it with"),
    ],
)
def test_a_reference_that_is_not_there_says_how_to_add_it(
    cloud: Cloud, name: str, version: str, why: str
) -> None:
    cloud.catalog.references.add(preparing(), "x", cloud.clock())
    with pytest.raises(ReferenceNotReady, match=why):
        cloud.catalog.references.choose(name, version)


def test_indexes_are_added_one_by_one_in_any_order_and_twice(cloud: Cloud) -> None:
    cloud.catalog.references.add(preparing(), "x", cloud.clock())
    for name in ("dragen", "bwa", "dragen"):
        cloud.catalog.references.add_index("GRCh38", "1", name, (part(name, name),))
    assert set(there(cloud).indexes) == {"bwa", "dragen"}


@pytest.mark.parametrize("first", [ReferenceState.READY, ReferenceState.FAILED])
def test_preparation_ends_once(cloud: Cloud, first: ReferenceState) -> None:
    cloud.catalog.references.add(preparing(), "x", cloud.clock())
    version = there(cloud)
    for state in (first, ReferenceState.READY, ReferenceState.FAILED):
        cloud.catalog.references.settle(version, state, "because", cloud.clock())
    assert there(cloud).state is first


def test_only_a_failed_version_is_prepared_again(cloud: Cloud) -> None:
    cloud.catalog.references.add(preparing(), "x", cloud.clock())
    with pytest.raises(Conflict):
        cloud.catalog.references.retry(there(cloud), "x", cloud.clock())
    cloud.catalog.references.settle(there(cloud), ReferenceState.FAILED, "no disk", cloud.clock())
    cloud.catalog.references.retry(there(cloud), "x", cloud.clock())
    assert (there(cloud).state, there(cloud).why) == (ReferenceState.PREPARING, "")
