"""References in the catalog: a version never changes, and the newest ready one is meant."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cli import references as command
from seqdrop.aws.catalog.layout import uses_item
from seqdrop.domain.errors import Conflict, ReferenceNotReady
from seqdrop.domain.flavour import Flavour, ParMask
from seqdrop.domain.identity import ReferenceId
from seqdrop.domain.plan import StoredObject
from seqdrop.domain.records import Run
from seqdrop.domain.reference import ReferenceState, ReferenceVersion, SequenceFacts
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
    found = cloud.catalog.references.get(ReferenceId("GRCh38", version))
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
        cloud.catalog.references.add_index(ReferenceId("GRCh38", "1"), name, (part(name, name),))
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
        cloud.catalog.references.retry(there(cloud), 2, ("bwa",), "x", cloud.clock())
    cloud.catalog.references.settle(there(cloud), ReferenceState.FAILED, "no disk", cloud.clock())
    cloud.catalog.references.retry(there(cloud), 2, ("bwa",), "x", cloud.clock())
    assert (there(cloud).state, there(cloud).why) == (ReferenceState.PREPARING, "")


def test_an_end_of_an_earlier_try_ends_no_newer_one(cloud: Cloud) -> None:
    references = cloud.catalog.references
    references.add(preparing(), "x", cloud.clock())
    first = there(cloud)
    references.settle(first, ReferenceState.FAILED, "no disk", cloud.clock())
    references.retry(first, 2, ("bwa",), "x", cloud.clock())
    references.settle(first, ReferenceState.FAILED, "no disk", cloud.clock())
    found = there(cloud)
    assert (found.state, found.why, found.tries) == (ReferenceState.PREPARING, "", 2)
    references.settle(found, ReferenceState.READY, "", cloud.clock())
    assert there(cloud).state is ReferenceState.READY


def test_a_retired_version_is_never_meant_and_says_so_once(cloud: Cloud) -> None:
    references = cloud.catalog.references
    for version, created in (("1", "2026-01-01"), ("2", "2026-01-02")):
        references.add(preparing(version, created), "x", cloud.clock())
        references.settle(there(cloud, version), ReferenceState.READY, "", cloud.clock())
    for why in ("its names are wrong", "another reason"):
        references.retire(there(cloud, "2"), why, "an analyst", cloud.clock())
    assert references.choose("GRCh38").version == "1"
    found = references.choose("GRCh38", "2")
    assert (found.state, found.why) == (ReferenceState.RETIRED, "its names are wrong")
    events = cloud.catalog.analyses.events("REFERENCE#GRCh38")
    assert [e["who"] for e in events if e["what"] == "reference retired"] == ["an analyst"]
    references.retire(there(cloud, "1"), "", "an analyst", cloud.clock())
    with pytest.raises(ReferenceNotReady, match="1 is RETIRED, 2 is RETIRED"):
        references.choose("GRCh38")


def test_a_version_that_is_retired_while_it_is_prepared_never_becomes_ready(cloud: Cloud) -> None:
    references = cloud.catalog.references
    references.add(preparing(), "x", cloud.clock())
    references.retire(there(cloud), "a mistake", "an analyst", cloud.clock())
    references.settle(there(cloud), ReferenceState.READY, "", cloud.clock())
    assert there(cloud).state is ReferenceState.RETIRED
    with pytest.raises(Conflict):
        references.retry(there(cloud), 2, ("bwa",), "x", cloud.clock())


def test_what_is_known_of_a_version_is_kept(cloud: Cloud) -> None:
    facts = SequenceFacts(
        "g.fa.gz", "f" * 64, 25, masked=7, uncertain=5, replaced=2, seqcol="XZlr",
        flavour=Flavour(25, 9, 1, 2, 3, 5, ParMask.MASKED),
        contig_list=StoredObject("references", "GRCh38/1/contigs/c/contigs.json", 9, sha256="c"),
    )  # fmt: skip
    version = reference(name="GRCh38", facts=facts, warnings=("kit.bed has overlaps",))
    cloud.catalog.references.add(version, "x", cloud.clock())
    assert there(cloud) == version


def use(cloud: Cloud, sample: str, assay: str = "wgs", **parts: str) -> None:
    """The current run of an analysis uses these contents; in names of parts ``_`` for a colon."""
    named = {name.replace("_", ":"): content for name, content in parts.items()}
    run = Run(sample, assay, "f" * 24, 1, 1, parts=named)
    table = cloud.catalog.runs._table
    table.transact([table.put_write(uses_item(run, name)) for name in named])


def versions() -> list[ReferenceVersion]:
    """Two of one sequence, with other genes, and the regions of a kit in the second alone."""
    sequence, kit = part("genome.fa", "s"), part("targets.bed", "t")
    return [
        reference(parts={"sequence": sequence, "annotation": part("a", "a1")}),
        reference(
            version="2",
            parts={"sequence": sequence, "annotation": part("a", "a2"), "targets:kit": kit},
        ),
    ]


def test_a_version_is_used_where_all_that_a_run_has_of_them_is_its_content(cloud: Cloud) -> None:
    use(cloud, "both", sequence="s")
    use(cloud, "first", sequence="s", annotation="a1", fingerprint="another's")
    use(cloud, "second", sequence="s", annotation="a2")
    use(cloud, "second", "panel", sequence="s", targets_kit="t")
    use(cloud, "mixed", annotation="a1", targets_kit="t")
    use(cloud, "elsewhere", targets_other="t")
    use(cloud, "nothing", sequence="another's")
    assert command.users_of(versions(), cloud.catalog.current_runs) == {
        "1": {"analyses": 2, "samples": ["both", "first"], "more": False},
        "2": {"analyses": 3, "samples": ["both", "second"], "more": False},
    }


def test_users_are_counted_to_an_end_that_is_told(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(8):
        use(cloud, f"NA{number}", sequence="s", annotation="a2")
    users = command.users_of(versions(), cloud.catalog.current_runs)
    assert users["2"]["samples"] == ["NA0", "NA1", "NA2", "NA3", "NA4"]
    assert command._users(users["2"]) == "8: NA0, NA1, NA2, NA3, NA4 …"
    for most, more in ((8, False), (7, True)):
        monkeypatch.setattr(command, "_MOST_COUNTED", most)
        users = command.users_of(versions(), cloud.catalog.current_runs)
        assert (users["2"]["analyses"], users["2"]["more"]) == (most, more)
    assert command._users(users["2"]) == "more than 7: NA0, NA1, NA2, NA3, NA4 …"
    assert (users["1"]["analyses"], users["1"]["more"]) == (0, True)
    assert command._users(users["1"]) == "?"
