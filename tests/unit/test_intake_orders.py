"""Every order of uploads, replacements, deletions and manifests ends as the facts say."""

import itertools
import json
import random

import pytest

from tests.intake_world import Event, Reads, World, check_outcome

R1, R2 = Reads("R1"), Reads("R2")
A1, A2 = "S_R1.fastq.gz", "S_R2.fastq.gz"
B1, B2 = "run/S_R1.fastq.gz", "run/S_R2.fastq.gz"


def manifest(sample: str, *keys: str, assay: str = "wgs") -> bytes:
    """One that names pairs of files."""
    files = [{"r1": r1, "r2": r2} for r1, r2 in zip(keys[::2], keys[1::2], strict=True)]
    return json.dumps({"samples": [{"sample": sample, "assay": assay, "files": files}]}).encode()


OPERATIONS: dict[str, tuple[str, Reads | bytes | None]] = {
    "R1": (A1, R1),
    "R2": (A2, R2),
    "R1 with other bytes": (A1, R1._replace(tag="b")),
    "R1 of another lane": (A1, R1._replace(lane="2")),
    "R1 that can't be read": (A1, R1._replace(fault="broken")),
    "R1 deleted": (A1, None),
    "R2 deleted": (A2, None),
    "R1 in the run's folder": (B1, R1),
    "R2 in the run's folder": (B2, R2),
    "other R1 in the run's folder": (B1, R1._replace(tag="c")),
    "copy of R1 beside it": ("S_1.fastq.gz", R1),
    "other R1 beside it": ("S_1.fastq.gz", R1._replace(tag="d")),
    "manifest of the run's folder": ("m.json", manifest("S", B1, B2)),
    "the same manifest for another sample": ("m.json", manifest("T", A1, A2)),
    "the same manifest for another assay": ("m.json", manifest("S", A1, A2, assay="wes")),
    "another manifest": ("n.json", manifest("S", A1, A2)),
    "another manifest for another sample": ("n.json", manifest("U", B1, A2)),
}


def play(operations: tuple[str, ...], chance: random.Random, *, doubled: bool = True) -> World:
    """Does the operations in their order, and lets their events come at any later time."""
    world, pending = World(), list[Event]()
    for name in operations:
        key, content = OPERATIONS[name]
        if content is None and world.bucket.now(key) is None:
            continue
        pending.append(world.bucket.put(key, content))
        while pending and chance.random() < 0.3:
            _deliver_one(world, pending, chance, doubled=doubled)
            _do_something(world, chance)
    while pending:
        _deliver_one(world, pending, chance, doubled=doubled)
        _do_something(world, chance)
    world.settle()
    return world


def _deliver_one(
    world: World, pending: list[Event], chance: random.Random, *, doubled: bool
) -> None:
    event = pending.pop(chance.randrange(len(pending)))
    if doubled and chance.random() < 0.3:
        pending.append(event)
    world.deliver(event)


def _do_something(world: World, chance: random.Random) -> None:
    """Now and then a message to ourselves comes, or a run ends."""
    if world.queue and chance.random() < 0.5:
        message = world.queue.pop(chance.randrange(len(world.queue)))
        if chance.random() < 0.2:
            world.queue.append(message)
        world.handle(message)
    if world.running and chance.random() < 0.4:
        world.end(chance.choice(sorted(world.running)))


@pytest.mark.parametrize("first", OPERATIONS)
def test_every_three_operations_after_a_pair_end_as_the_facts_say(first: str) -> None:
    for rest in itertools.product(OPERATIONS, repeat=2):
        for seed in range(4):
            operations = ("R1", "R2", first, *rest)
            world = play(operations, random.Random(repr((operations, seed))))
            try:
                check_outcome(world)
            except AssertionError as error:
                raise AssertionError((operations, seed)) from error
