"""Operations on a bucket in their order, and their events in any; see ``intake_world``."""

import json
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from unittest import mock

from seqdrop.domain.errors import Transient
from seqdrop.flow import retry
from tests.intake_world import Event, Reads, World

R1, R2 = Reads("R1"), Reads("R2")
A1, A2 = "S_R1.fastq.gz", "S_R2.fastq.gz"
B1, B2 = "run/S_R1.fastq.gz", "run/S_R2.fastq.gz"


def manifest(sample: str, *keys: str, assay: str = "wgs") -> bytes:
    """One that names pairs of files."""
    return manifest_of({sample: keys}, assay)


def manifest_of(samples: Mapping[str, Sequence[str]], assay: str = "wgs") -> bytes:
    """One that names pairs of files of several samples."""
    entries = [
        {"sample": sample, "assay": assay, "files": [{"r1": r1, "r2": r2} for r1, r2 in pairs]}
        for sample, keys in samples.items()
        if (pairs := list(zip(keys[::2], keys[1::2], strict=True)))
    ]
    return json.dumps({"samples": entries}).encode()


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
    "the one beside it deleted": ("S_1.fastq.gz", None),
    "manifest of the run's folder": ("m.manifest.json", manifest("S", B1, B2)),
    "the same manifest for another sample": ("m.manifest.json", manifest("T", A1, A2)),
    "the same manifest for another assay": ("m.manifest.json", manifest("S", A1, A2, assay="wes")),
    "manifest of two samples": ("m.manifest.json", manifest_of({"S": (B1, B2), "V": (A1, A2)})),
    "another manifest": ("n.manifest.json", manifest("S", A1, A2)),
    "another manifest for another sample": ("n.manifest.json", manifest("U", B1, A2)),
    "single reads beside the pair": ("S.fastq.gz", R1._replace(tag="e")),
    "a manifest that is cut off": ("m.manifest.json", manifest("S", A1, A2)[:-9]),
    "another manifest that is cut off": ("m.manifest.json", manifest("T", B1, B2)[:-9]),
    "the manifest deleted": ("m.manifest.json", None),
}


class Player:
    """Does operations in their order, and lets their events come at any later time.

    An event may come twice, in between two others, or while another one is being handled: between
    what was read and what is written.
    """

    def __init__(self, seed: object, world: Any = None, *, races: bool = False) -> None:
        self._chance = random.Random(repr(seed))
        self._pending: list[Event] = []
        self._rest: list[str] = []
        self._depth = 0
        self.world = world or World()
        if races:
            self.world.catalog.before_write = self._interfere

    def play(self, operations: Sequence[str]) -> Any:
        """The world after all operations, with all of their events handled."""
        self._rest = list(operations)
        with mock.patch.object(retry, "pause"):  # nobody else is at work meanwhile
            while self._rest or self._pending:
                if self._rest and (not self._pending or self._chance.random() < 0.5):
                    self._do_next()
                else:
                    self._go_on()
            self.world.settle()
        return self.world

    def _do_next(self) -> None:
        key, content = OPERATIONS[self._rest.pop(0)]
        if content is not None or self.world.bucket.now(key) is not None:
            self._pending.append(self.world.bucket.put(key, content))

    def _go_on(self) -> None:
        self._deliver_one()
        if self.world.queue and self._chance.random() < 0.5:
            self._handle_one()
        if self.world.running and self._chance.random() < 0.4:
            self.world.end(self._chance.choice(sorted(self.world.running)))

    def _deliver_one(self) -> None:
        event = self._pending.pop(self._chance.randrange(len(self._pending)))
        if self._chance.random() < 0.3:
            self._pending.append(event)
        self._tried(lambda: self.world.deliver(event), lambda: self._pending.append(event))

    def _handle_one(self) -> None:
        queue = self.world.queue
        message = queue.pop(self._chance.randrange(len(queue)))
        if self._chance.random() < 0.2:
            queue.append(message)
        self._tried(lambda: self.world.handle(message), lambda: queue.append(message))

    @staticmethod
    def _tried(attempt: Callable[[], None], again: Callable[[], None]) -> None:
        """What fails because others are at the same all the time comes again, as from a queue."""
        try:
            attempt()
        except Transient:
            again()

    def _interfere(self) -> None:
        """Others do up to three things, and a run may end, while one is about to write."""
        if self._depth or self._chance.random() < 0.5:
            return
        self._depth += 1
        for _ in range(self._chance.randint(1, 3)):
            if self._rest and self._chance.random() < 0.5:
                self._do_next()
            if self._pending and self._chance.random() < 0.6:
                self._deliver_one()
            elif self.world.queue:
                self._handle_one()
            if self.world.running and self._chance.random() < 0.3:
                self.world.end(self._chance.choice(sorted(self.world.running)))
        self._depth -= 1
