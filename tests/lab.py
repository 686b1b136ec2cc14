"""A lab at the bench: the embedded runtime, with what a test drops into it and reads out of it."""

import gzip
import json
import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import yaml
from moto.secretsmanager.utils import SecretsManagerSecretIdentifier
from moto.utilities.id_generator import moto_id_manager

from cli.stack import Outputs
from local.deploy import ACCOUNT, REGION, STACK
from local.runtime import Runtime, RuntimeSettings
from seqdrop.aws.catalog import Catalog
from seqdrop.aws.catalog.layout import read_sample
from seqdrop.composition import Composition
from seqdrop.domain.identity import AnalysisId, ReferenceId
from seqdrop.domain.plan import LocalFile, StoredObject
from seqdrop.domain.records import Analysis, Job, Run
from seqdrop.domain.reference import ReferenceState
from seqdrop.flow.references import ReferenceFlow

PROJECT = Path(__file__).resolve().parent.parent
WAIT_SECONDS = 120.0


@dataclass
class Lab:
    """One runtime, and the clients to look at it."""

    runtime: Runtime
    _clients: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        """A boto3 client of the runtime's endpoint."""
        if service not in self._clients:
            session: Any = boto3.Session("local", "local", region_name=REGION)
            self._clients[service] = session.client(service, endpoint_url=self.runtime.url)
        return self._clients[service]

    @property
    def catalog(self) -> Catalog:
        """The catalog's table."""
        return Catalog(self.client("dynamodb"), self.runtime.outputs["CatalogTable"])

    @property
    def uploads(self) -> str:
        """The uploads bucket."""
        return self.runtime.outputs["UploadsBucket"]

    @property
    def results(self) -> str:
        """The results bucket."""
        return self.runtime.outputs["ResultsBucket"]

    def drop(self, key: str, body: bytes) -> str:
        """Uploads an object; returns its version id."""
        answer = self.client("s3").put_object(Bucket=self.uploads, Key=key, Body=body)
        return str(answer["VersionId"])

    def drop_manifest(self, name: str, *samples: dict[str, Any]) -> None:
        """Uploads a JSON manifest."""
        self.drop(name, json.dumps({"samples": list(samples)}).encode())

    def analysis(self, sample: str, assay: str) -> Analysis | None:
        """An analysis as the catalog has it."""
        return self.catalog.analyses.get(AnalysisId(sample, assay))

    def runs(self, sample: str, assay: str) -> list[Run]:
        """All runs of an analysis, oldest first."""
        runs = read_sample(self.catalog.analyses.partition(sample)).runs
        return sorted((run for run in runs if run.assay == assay), key=lambda run: run.claimed)

    def jobs(self, sample: str, assay: str) -> list[Job]:
        """All jobs of an analysis."""
        return self.catalog.jobs.of_analysis(AnalysisId(sample, assay))

    def wait_for(
        self, sample: str, assay: str, *statuses: str, seconds: float = WAIT_SECONDS
    ) -> Analysis:
        """Waits until an analysis has one of some statuses."""

        def reached() -> Analysis | None:
            analysis = self.analysis(sample, assay)
            return analysis if analysis and analysis.status in statuses else None

        def describe() -> str:
            return "\n".join([self.describe(sample), *self.complaints()])

        found: Analysis = self.wait_until(reached, seconds, describe)
        return found

    @staticmethod
    def wait_until(
        condition: Callable[[], Any],
        seconds: float = WAIT_SECONDS,
        describe: Callable[[], str] = lambda: "",
    ) -> Any:
        """Waits until a condition holds, and returns its value."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if value := condition():
                return value
            time.sleep(0.05)
        raise AssertionError(f"not within {seconds} s; {describe()}")

    def describe(self, sample: str) -> str:
        """What the catalog says of a sample, for a failed test's message."""
        items = self.catalog.analyses.partition(sample)
        shown = [{k: v for k, v in i.items() if k not in {"blueprint", "token"}} for i in items]
        return json.dumps(shown, indent=1, default=str)

    def complaints(self) -> list[str]:
        """Every line of the functions' logs that is not of a good end."""
        logs, found = self.client("logs"), []
        for group in logs.describe_log_groups(logGroupNamePrefix="/aws/lambda/")["logGroups"]:
            events = logs.filter_log_events(logGroupName=group["logGroupName"])["events"]
            found += [
                e["message"]
                for e in events
                if any(w in e["message"] for w in ('"ERROR"', '"WARNING"', "Traceback", "Error:"))
            ]
        return found[-20:]

    def live_batch_jobs(self) -> list[dict[str, Any]]:
        """Every job in any queue that has not ended."""
        batch = self.client("batch")
        found = []
        for queue in batch.describe_job_queues()["jobQueues"]:
            for status in ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING"):
                answer = batch.list_jobs(jobQueue=queue["jobQueueName"], jobStatus=status)
                found += answer["jobSummaryList"]
        return found

    def add_reference(self, name: str, fasta: bytes, version: str = "1", **parts: bytes) -> None:
        """Adds a reference and waits until it is ready."""
        import hashlib

        bucket, s3 = self.runtime.outputs["ReferencesBucket"], self.client("s3")
        files = {"sequence": ("genome.fa", fasta)}
        paths = {
            "annotation": "annotation.gff3.gz",
            "alt": "genome.fa.alt",
            "fingerprint": "fingerprint.vcf",
        }
        for part, body in parts.items():
            kind = part.partition(":")[0]
            other = "before.chain" if kind == "chain" else f"{kind}.bed"
            files[part] = (paths.get(part, other), body)
        stored = {}
        for part, (path, body) in files.items():
            key = f"{name}/{version}/{part.replace(':', '/')}/{path}"
            s3.put_object(Bucket=bucket, Key=key, Body=body)
            sha = hashlib.sha256(body).hexdigest()
            stored[part] = LocalFile(path, StoredObject(bucket, key, len(body), sha256=sha))
        flow = self.references()
        bases = sum(len(line) for line in fasta.splitlines() if not line.startswith(b">"))
        flow.add(ReferenceId(name, version), stored, bases, "test")

        def ready() -> bool:
            found = flow.refresh(ReferenceId(name, version))
            assert found is not None
            assert found.state is not ReferenceState.FAILED, found.why
            return found.state is ReferenceState.READY

        self.wait_until(ready)

    def references(self) -> ReferenceFlow:
        """The flow that adds references."""
        (stack,) = self.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
        given = {one["ParameterKey"]: one["ParameterValue"] for one in stack["Parameters"]}
        settings = Outputs(STACK, self.runtime.outputs, given)
        settings.pipelines_dir = str(self.runtime.settings.project / "pipelines")
        return Composition(settings, self.client).reference_flow


LICENCE_SECRET = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:dragen-licence-AbCdEf"
"""What a stack is deployed with; ``put_licence`` makes it."""


def put_licence(lab: Lab, text: str) -> None:
    """Makes the licence's secret, under the ARN that the stack knows."""
    name, _, suffix = LICENCE_SECRET.rpartition(":")[2].rpartition("-")
    identifier = SecretsManagerSecretIdentifier(ACCOUNT, REGION, name)
    moto_id_manager.set_custom_id(identifier, suffix)
    made = lab.client("secretsmanager").create_secret(Name=name, SecretString=text)
    assert made["ARN"] == LICENCE_SECRET


@contextmanager
def open_lab(folder: Path, **settings: Any) -> Iterator[Lab]:
    """A lab whose runtime ends with the block."""
    with Runtime(RuntimeSettings(folder, **settings)) as runtime:
        yield Lab(runtime)


@contextmanager
def open_cpu_lab(
    folder: Path, assays: str, reference: str, sequence: bytes, **parts: Any
) -> Iterator[Lab]:
    """A lab with germline-cpu alone, its assays, and a reference that is ready."""
    (folder / "project").mkdir()
    pipelines = own_pipelines("germline-cpu.yaml", "references.yaml", "comparison.yaml")
    project = make_project(folder / "project", {**pipelines, "assays.yaml": assays})
    with open_lab(folder / "runtime", project=project) as lab:
        lab.add_reference(reference, sequence, **parts)
        yield lab


def reads(
    count: int, *, flowcell: str = "HTEST", lane: int = 1, mate: int = 1, length: int = 100,
    genome: str = "", seed: int = 1,
) -> bytes:  # fmt: skip
    """Gzip FASTQ with Illumina names; both mates of a pair for the same seed."""
    rng = random.Random(seed)
    genome = genome or make_genome(5_000)
    lines = []
    for number in range(count):
        start = rng.randrange(len(genome) - 3 * length)
        insert = rng.randrange(2 * length, 3 * length)
        fragment = genome[start : start + insert]
        bases = fragment[:length] if mate == 1 else reverse(fragment)[:length]
        name = f"@M01:7:{flowcell}:{lane}:1101:{1000 + number}:{2000 + number} {mate}:N:0:ACGT"
        lines.append(f"{name}\n{bases}\n+\n{'F' * length}\n")
    return gzip.compress("".join(lines).encode(), mtime=0)


def pair(count: int = 300, **options: Any) -> tuple[bytes, bytes]:
    """R1 and R2."""
    return reads(count, mate=1, **options), reads(count, mate=2, **options)


def reverse(bases: str) -> str:
    """The reverse complement."""
    return bases.translate(str.maketrans("ACGT", "TGCA"))[::-1]


def make_genome(length: int, seed: int = 7) -> str:
    """Random bases, the same for a seed."""
    return "".join(random.Random(seed).choices("ACGT", k=length))


def fasta(genome: str, name: str = "chr1") -> bytes:
    """One contig as FASTA."""
    lines = [genome[i : i + 60] for i in range(0, len(genome), 60)]
    return (f">{name}\n" + "\n".join(lines) + "\n").encode()


def tools_on(folder: Path) -> str:
    """A PATH with a folder before the machine's own."""
    return os.pathsep.join([str(folder), os.environ.get("PATH", os.defpath)])


def own_pipelines(*names: str) -> dict[str, str]:
    """Files of the project's pipelines, all unless named, for tests that don't read a report.

    It is left out: MultiQC takes longer than all other tools on a small sample. Tests of the
    pipelines' tools, of the demo and of real data make it.
    """
    found = names or tuple(path.name for path in (PROJECT / "pipelines").glob("*.yaml"))
    texts = {name: (PROJECT / "pipelines" / name).read_text("utf-8") for name in found}
    for name in texts.keys() & {"germline-cpu.yaml", "germline-fpga.yaml"}:
        pipeline = yaml.safe_load(texts[name])
        del pipeline["stages"]["report"]
        texts[name] = yaml.safe_dump(pipeline, sort_keys=False)
    return texts


def make_project(folder: Path, pipelines: dict[str, str]) -> Path:
    """The project with its own pipelines in place of the lab's; prices and names of images stay."""
    for name in ("template.yaml", "functions", "layers", "statemachine"):
        (folder / name).symlink_to(PROJECT / name)
    (folder / "pipelines").mkdir()
    for name, text in {
        "images.yaml": (PROJECT / "pipelines/images.yaml").read_text(),
        "names.yaml": (PROJECT / "pipelines/names.yaml").read_text(),
        "prices.yaml": (PROJECT / "pipelines/prices.yaml").read_text(),
        **pipelines,
    }.items():
        (folder / "pipelines" / name).write_text(text)
    return folder
