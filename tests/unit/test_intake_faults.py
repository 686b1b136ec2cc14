"""What fails half-way or comes late: no sample stops for ever, and none starts wrongly."""

from collections.abc import Callable
from typing import Any

import pytest

from seqdrop.domain.errors import Transient
from seqdrop.domain.identity import AnalysisId, ObjectName
from seqdrop.domain.inputs import dismissed
from tests.intake_world import BUCKET, Event, Reads, World

S, T = AnalysisId("S", "wgs"), AnalysisId("T", "wgs")
OF_S = b'{"samples": [{"sample": "S", "files": [{"r1": "S_R1.fastq.gz", "r2": "S_R2.fastq.gz"}]}]}'
OF_T = b'{"samples": [{"sample": "T", "files": [{"r1": "T_R1.fastq.gz", "r2": "T_R2.fastq.gz"}]}]}'
MANIFEST = "m.manifest.json"


@pytest.fixture
def world() -> World:
    return World()


def failing_once(call: Callable[..., Any]) -> Callable[..., Any]:
    """A call that fails the first time."""
    fails = iter([True])

    def wrapped(*args: Any, **given: Any) -> Any:
        if next(fails, False):
            raise Transient("throttled")
        return call(*args, **given)

    return wrapped


def drop_pair(world: World) -> None:
    for read in ("R1", "R2"):
        world.deliver(world.bucket.put(f"S_{read}.fastq.gz", Reads(read)))


def test_a_fault_after_the_file_was_registered_is_forgotten_when_its_event_comes_again(
    world: World,
) -> None:
    first, second = (world.bucket.put(f"S_{read}.fastq.gz", Reads(read)) for read in ("R1", "R2"))
    world.deliver(first)
    claiming: Any = world.intake.claiming
    claiming.advance = failing_once(claiming.advance)
    with pytest.raises(Transient):
        world.deliver(second)
    world.intake.tell_trouble(ObjectName(BUCKET, second.key), "throttled")
    assert (world.starts, len(world.catalog.analyses[S].troubles)) == ([], 1)
    world.deliver(second)
    assert (len(world.starts), world.catalog.analyses[S].troubles) == (1, {})


def test_the_deletion_of_an_older_version_frees_no_file_of_a_manifest_that_is_refused(
    world: World,
) -> None:
    world.deliver(world.bucket.put(MANIFEST, OF_S[:-20]))
    deleted = world.bucket.put(MANIFEST, None)
    world.deliver(world.bucket.put(MANIFEST, OF_S[:-10]))
    world.settle()
    world.deliver(deleted)
    world.settle()
    drop_pair(world)
    world.settle()
    assert world.starts == []


def test_files_that_a_refused_manifest_held_back_go_on_even_if_its_correction_is_cut_twice(
    world: World,
) -> None:
    world.deliver(world.bucket.put(MANIFEST, OF_S[:-20]))
    world.settle()
    drop_pair(world)
    world.settle()
    assert world.starts == []
    manifests: Any = world.manifests
    object.__setattr__(manifests, "apply", failing_once(manifests.apply))
    corrected = world.bucket.put(MANIFEST, OF_T)
    with pytest.raises(Transient):
        world.deliver(corrected)
    world.deliver(corrected)
    world.settle()
    assert [analysis for analysis, _ in world.starts] == [S]


@pytest.mark.parametrize("in_order", [True, False])
def test_reads_of_another_lane_under_the_same_name_hold_the_sample(
    world: World, *, in_order: bool
) -> None:
    drop_pair(world)
    world.settle()
    first = world.bucket.put("S_R1.fastq.gz", Reads("R1", tag="b"))
    if in_order:
        world.deliver(first)
    second = world.bucket.put("S_R1.fastq.gz", Reads("R1", flowcell="FC2"))
    world.deliver(second)
    world.deliver(first)
    world.deliver(second)
    world.settle()
    held = world.catalog.analyses[S]
    assert (held.status, len(world.starts)) == ("HELD", 1 + in_order)
    assert "R1 of lane 1 on flowcell FC1, and was overwritten with R1 of lane 1 on" in held.why
    world.deliver(world.bucket.put("S_R1.fastq.gz", Reads("R1", tag="b")))
    world.settle()
    assert (world.catalog.analyses[S].status, len(world.starts)) == ("ANALYSED", 2)


def test_what_a_lifecycle_rule_removes_when_it_was_analysed_counts_in_a_top_up(
    world: World,
) -> None:
    drop_pair(world)
    world.settle()
    world.deliver(world.bucket.put("wgs/more/S_R1.fastq.gz", Reads("R1", lane="2")))
    for read in ("R1", "R2"):
        world.bucket.put(f"S_{read}.fastq.gz", None)
        world.intake.look(ObjectName(BUCKET, f"S_{read}.fastq.gz"), has_expired=True)
    assert len(world.catalog.analyses[S].files_seen) == 3


def half_applied(world: World) -> Event:
    """A manifest of S that has failed after it wrote the analysis; its event."""
    catalog: Any = world.catalog
    catalog.expect = failing_once(catalog.expect)
    told = world.bucket.put(MANIFEST, OF_S)
    with pytest.raises(Transient):
        world.deliver(told)
    return told


def test_a_manifest_that_was_deleted_before_it_had_told_all_keeps_no_file_back(
    world: World,
) -> None:
    told = half_applied(world)
    assert len(world.catalog.analyses[S].expected) == 2
    deleted = world.bucket.put(MANIFEST, None)
    world.deliver(deleted)
    world.deliver(told)
    drop_pair(world)
    world.settle()
    assert len(world.starts) == 1


def test_an_object_that_is_overwritten_before_its_manifest_had_told_all_loses_no_lane(
    world: World,
) -> None:
    told = half_applied(world)
    drop_pair(world)
    world.deliver(world.bucket.put("S_R1.fastq.gz", Reads("R1", lane="2")))
    world.deliver(told)
    world.settle()
    assert "was overwritten with" in world.catalog.analyses[S].why


def test_files_that_were_dismissed_with_their_sample_start_the_one_that_a_manifest_names(
    world: World,
) -> None:
    world.deliver(world.bucket.put("S_R1.fastq.gz", Reads("R1")))
    world.catalog.analyses[S] = dismissed(world.catalog.analyses[S], "by ana: wrong tube")
    world.deliver(world.bucket.put(MANIFEST, OF_S.replace(b'"S"', b'"T"')))
    world.settle()
    world.deliver(world.bucket.put("S_R2.fastq.gz", Reads("R2")))
    world.settle()
    assert [analysis for analysis, _ in world.starts] == [T]
    assert S not in world.catalog.analyses


def test_what_was_analysed_stays_if_it_is_deleted_while_its_manifest_can_not_be_used(
    world: World,
) -> None:
    drop_pair(world)
    world.settle()
    world.deliver(world.bucket.put(MANIFEST, OF_S[:-10]))
    world.settle()
    world.deliver(world.bucket.put("S_R1.fastq.gz", None))
    world.settle()
    assert (world.catalog.analyses[S].status, len(world.starts)) == ("ANALYSED", 1)
    assert len(world.catalog.analyses[S].files_seen) == 2
