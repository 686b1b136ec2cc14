"""What a run costs beside its jobs: DynamoDB's units at list prices, and the state transitions.

Every call of the functions from the first upload to the end of the run is recorded, and each item
is looked at before and after it, since units go by its size.
"""

import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from benchmarks.measure import Measure
from tests.cloud_support import TABLE, client_of, open_cloud
from tests.domain_support import part, reference
from tests.infrastructure.stack import PROJECT, of_type
from tests.lab import reads
from tests.run_support import Bench

AIM_USD = 0.00030
WRITE_UNIT_USD, READ_UNIT_USD = 0.625e-6, 0.125e-6
"""DynamoDB on demand, us-east-1: a unit is 1 KiB written, or 4 KiB read consistently."""
TRANSITION_USD = 0.025e-3
"""Step Functions, Standard."""
OF_A_JOB = ("RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED")
Item = dict[str, Any]


class Meter:
    """Counts the units of each call on the table, the writes of its indexes included."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.writes: Counter[str] = Counter()
        self.reads: Counter[str] = Counter()
        self.requests = 0
        (table,) = of_type("AWS::DynamoDB::Table").values()
        self._indexes = {
            f"{index['IndexName']}_pk": {"pk", "sk", *_key_names(index)}
            | set(index["Projection"].get("NonKeyAttributes", ()))
            for index in table["GlobalSecondaryIndexes"]
        }

    def get_item(self, **given: Any) -> Any:
        """A consistent read."""
        answer = self._client.get_item(**given)
        self._read(_kind(given["Key"]), _size(answer.get("Item", {})), given)
        return answer

    def query(self, **given: Any) -> Any:
        """A Query is charged for all of its items together."""
        answer = self._client.query(**given)
        size = sum(map(_size, answer["Items"]))
        kinds = sorted({_kind(item) for item in answer["Items"]}) or ["nothing"]
        self._read(f"query of {'+'.join(kinds)}", size, given)
        return answer

    def put_item(self, **given: Any) -> Any:
        """A write by itself."""
        return self._write([given["Item"]], 1, lambda: self._client.put_item(**given))

    def update_item(self, **given: Any) -> Any:
        """A write by itself."""
        return self._write([given["Key"]], 1, lambda: self._client.update_item(**given))

    def transact_write_items(self, **given: Any) -> Any:
        """Each item of it, a condition check too, is prepared and committed: two writes."""
        keys = [
            write["Put"]["Item"] if "Put" in write else next(iter(write.values()))["Key"]
            for write in given["TransactItems"]
        ]
        return self._write(keys, 2, lambda: self._client.transact_write_items(**given))

    def _read(self, kind: str, size: int, given: Item) -> None:
        self.requests += 1
        consistent = 1.0 if given.get("ConsistentRead") else 0.5
        self.reads[kind] += consistent * max(1, _units(size, 4_096))  # type: ignore[assignment]  # halves

    def _write(self, items: list[Item], factor: int, call: Any) -> Any:
        self.requests += 1
        keys = [{"pk": item["pk"], "sk": item["sk"]} for item in items]
        before = [self._look(key) for key in keys]
        try:
            return call()
        finally:  # a write whose condition fails is charged as well
            for key, old in zip(keys, before, strict=True):
                new = self._look(key)
                larger = max(_size(old), _size(new))
                self.writes[_kind(key)] += factor * max(1, _units(larger, 1_024))
                self.writes[f"index of {_kind(key)}"] += self._index_units(old, new)

    def _look(self, key: Item) -> Item:
        answer = self._client.get_item(TableName=TABLE, Key=key, ConsistentRead=True)
        found: Item = answer.get("Item", {})
        return found

    def _index_units(self, old: Item, new: Item) -> int:
        """An entry whose key changes is deleted and put; one that stays the same costs nothing."""
        units = 0
        for pk, projected in self._indexes.items():
            sides = [
                {name: value for name, value in item.items() if name in projected}
                if pk in item
                else {}
                for item in (old, new)
            ]
            keys = [(side.get(pk), side.get(pk.replace("_pk", "_sk"))) for side in sides]
            if sides[0] == sides[1]:
                continue
            written = sides if keys[0] != keys[1] else [max(sides, key=_size)]
            units += sum(_units(_size(side), 1_024) for side in written)
        return units


def _key_names(index: Item) -> list[str]:
    return [key["AttributeName"] for key in index["KeySchema"]]


def _kind(item: Item) -> str:
    """The kind of an item, by the beginnings of its keys."""
    pk, sk = (str(item[name]["S"]).partition("#")[0] for name in ("pk", "sk"))
    return sk if pk == "SAMPLE" else pk


def _units(size: int, unit: int) -> int:
    return -(-size // unit)


def _size(item: Item) -> int:
    """Bytes of an item, as DynamoDB's guide counts them: names, values, and what holds them."""
    return sum(len(name.encode()) + _value_size(value) for name, value in item.items())


def _value_size(value: Item) -> int:
    ((kind, content),) = value.items()
    if kind in {"S", "B"}:
        return len(content.encode() if kind == "S" else bytes(content))
    if kind == "N":
        return len(content.lstrip("-").replace(".", "")) // 2 + 2
    if kind == "M":
        return 3 + sum(len(n.encode()) + _value_size(v) + 1 for n, v in content.items())
    if kind == "L":
        return 3 + sum(_value_size(each) + 1 for each in content)
    if kind == "SS":
        return sum(len(each.encode()) for each in content)
    return 1


def measure() -> Iterator[Measure]:
    """A pair of files through two stages of the pipeline on CPU."""
    with tempfile.TemporaryDirectory(prefix="seqdrop-bench-") as folder:
        meter, transitions = _play(Path(folder))
    writes, reads_ = sum(meter.writes.values()), sum(meter.reads.values())
    usd = writes * WRITE_UNIT_USD + reads_ * READ_UNIT_USD + transitions * TRANSITION_USD
    yield Measure(
        "a run beside its jobs", usd, "USD", AIM_USD, "the aim",
        notes=(
            f"{transitions} transitions: {transitions * TRANSITION_USD:.6f} USD",
            f"{writes} write units: {writes * WRITE_UNIT_USD:.6f} USD ({_parts(meter.writes)})",
            f"{reads_:.1f} read units: {reads_ * READ_UNIT_USD:.6f} USD ({_parts(meter.reads)})",
            f"{meter.requests} requests of DynamoDB",
        ),
    )  # fmt: skip


def _parts(units: Counter[str]) -> str:
    return ", ".join(f"{kind} {count:g}" for kind, count in units.most_common() if count)


def _two_stages() -> str:
    """Alignment and calling of the pipeline on CPU, as they are deployed."""
    pipeline = yaml.safe_load((PROJECT / "pipelines/germline-cpu.yaml").read_text("utf-8"))
    stages = {name: pipeline["stages"][name] for name in ("align", "call")}
    text: str = yaml.safe_dump({"name": "quick", "description": "two stages", "stages": stages})
    return text


def _play(folder: Path) -> tuple[Meter, int]:
    """Calls the functions as AWS would; returns what was counted, and the state transitions."""
    with pytest.MonkeyPatch.context() as patch, open_cloud(folder, patch) as cloud:
        (folder / "quick.yaml").write_text(_two_stages())
        indexes = {name: (part(f"genome.fa.{name}", name),) for name in ("sequence", "bwa")}
        newest = reference(version="2", created="2026-03-02", indexes=indexes)
        cloud.catalog.references.add(newest, "benchmark", cloud.clock())
        meter = Meter(client_of("dynamodb"))
        patch.setattr(
            "tests.cloud_support.client_of",
            lambda service: meter if service == "dynamodb" else client_of(service),
        )
        for mate in (1, 2):
            cloud.upload(f"NA1_{mate}.fastq.gz", reads(5, mate=mate))
        (run,) = cloud.executions.started.values()
        bench = Bench(cloud, run)
        waves = bench.state("plan_run")["waves"]
        stages = [stage["stage"] for wave in waves for stage in wave["stages"]]
        for number, stage in enumerate(stages, 1):
            bench.stage("submit_job", stage)
            for status in OF_A_JOB[:-1]:
                cloud.deliver("record_job_event", bench.event(status, number))
            bench.publish(stage)
            cloud.deliver("record_job_event", bench.ended("SUCCEEDED", number=number))
        bench.state("finish_run")
        return meter, 3 + len(waves) + len(stages)
