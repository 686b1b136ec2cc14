"""Two assays, and two pipelines, on the same files, by the real tools: started, and compared."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.command import Command
from tests.lab import Lab, fasta, make_genome, make_project, open_lab, own_pipelines, pair

_CALLING = "min_depth: 2, min_gq: 5"
_REST = (
    "pipeline: germline-cpu, reference: tiny, reanalysis: 'off', "
    "complete: {rule: pairs, quiet_seconds: 1}"
)
ASSAYS = f"""
default: one
assays:
  one: {{{_REST}, calling: {{{_CALLING}}}}}
  same: {{{_REST}, calling: {{{_CALLING}}}}}
  strict: {{{_REST}, calling: {{{_CALLING}, min_qual: 5000}}}}
"""
ANOTHER = "name: another\nbase: germline-cpu\ndescription: the same under another name\n"
SAMPLES = ("E1", "E2")
GENOME = make_genome(3_000)
VARIANTS = 5


def person(number: int) -> str:
    """A genome that has some bases otherwise."""
    bases = list(GENOME)
    for place in random.Random(number).sample(range(600, 2_400, 40), VARIANTS):
        bases[place] = "ACGT"[("ACGT".index(bases[place]) + 2) % 4]
    return "".join(bases)


def pipelines() -> dict[str, str]:
    """The project's own, without the stage that measures depth: it is not what is tested here."""
    own = own_pipelines("germline-cpu.yaml", "references.yaml")
    pipeline = yaml.safe_load(own["germline-cpu.yaml"])
    del pipeline["stages"]["qc"]
    pipeline["qc"] = {"mapped_fraction": {"warn_below": 0.5}}
    return own | {"germline-cpu.yaml": yaml.safe_dump(pipeline, sort_keys=False)}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Both samples, analysed under the first assay alone."""
    folder = tmp_path_factory.mktemp("equivalence")
    (folder / "project").mkdir()
    own = {**pipelines(), "assays.yaml": ASSAYS, "another.yaml": ANOTHER}
    project = make_project(folder / "project", own)
    with open_lab(folder / "runtime", project=project, cpu_slots=2) as lab:
        lab.add_reference("tiny", fasta(GENOME))
        for number, sample in enumerate(SAMPLES):
            r1, r2 = pair(250, genome=person(number), flowcell=f"HE{number}", seed=number)
            lab.drop(f"{sample}_R1.fastq.gz", r1)
            lab.drop(f"{sample}_R2.fastq.gz", r2)
        for sample in SAMPLES:
            lab.wait_for(sample, "one", "ANALYSED")
        yield lab


@pytest.fixture
def command(lab: Lab, tmp_path: Path) -> Command:
    return Command(tmp_path, lab.runtime.url)


def keys(lab: Lab, assay: str) -> list[list[str]]:
    """The runs of each sample under an assay."""
    return [[run.id.short for run in lab.runs(sample, assay)] for sample in SAMPLES]


def copies(lab: Lab) -> list[str]:
    """Every version of every object that the command has made."""
    found = lab.client("s3").list_object_versions(Bucket=lab.uploads, Prefix="equivalence-")
    return sorted(f"{one['Key']} {one['VersionId']}" for one in found.get("Versions", []))


def test_an_assay_of_the_same_settings_gives_the_same_and_is_started_once(
    lab: Lab, command: Command, tmp_path: Path
) -> None:
    before = [lab.analysis(sample, "one") for sample in SAMPLES]
    asked = ("equivalence", *SAMPLES, "--assay-a", "one", "--assay-b", "same")
    assert "without --no-run it is started" in command.bad(*asked[:2], *asked[3:], "--no-run")
    assert copies(lab) == []
    # Given, given up at once, and given again.
    assert "still waiting: E1 (same) is" in command.bad(*asked, "--timeout", "0")
    made = copies(lab)
    assert len(made) == len(SAMPLES) * 3, "two files and a manifest each"
    told = command.ask(*asked, "--out", "filed", "--exit-code")
    assert told["verdict"] == "identical", json.dumps(told["pairs"])[:3_000]
    assert (told["missing"], told["simulated"]) == ([], False)
    assert [one["differences"] + one["warnings"] for one in told["pairs"]] == [[], []]
    assert told["whole"]["concordance"] == [
        {"kind": "snv", "both": len(SAMPLES) * VARIANTS, "total": len(SAMPLES) * VARIANTS}
    ]
    for figure in ("jobs", "wall", "cost"):
        assert told["whole"][figure]["samples"] == len(SAMPLES)
    assert {metric["differ"] for metric in told["whole"]["metrics"]} == {0}
    assert json.loads((tmp_path / "filed/equivalence.json").read_text()) == told
    page = (tmp_path / "filed/equivalence.html").read_text()
    assert "<h1>Identical</h1>" in page
    for sample in SAMPLES:
        assert f'href="{sample}.one/comparison.html"' in page
        assert (tmp_path / f"filed/{sample}.one/comparison.html").is_file()
    runs = keys(lab, "same")
    assert [len(some) for some in runs] == [1, 1]
    assert "identical: 2 samples compared: 2 identical" in command.good(*asked)
    assert (keys(lab, "same"), copies(lab)) == (runs, made)
    assert [lab.analysis(sample, "one") for sample in SAMPLES] == before


def test_an_assay_that_calls_otherwise_differs_and_says_in_what(lab: Lab, command: Command) -> None:
    asked = [
        "equivalence",
        "E1",
        "--assay-a",
        "one",
        "--assay-b",
        "strict",
        "--exit-code",
        "--json",
    ]
    ended = command.run(*asked)
    assert ended.returncode == 1, ended.stderr
    told: dict[str, Any] = json.loads(ended.stdout)
    [one] = told["pairs"]
    assert (told["verdict"], one["verdict"], one["reportable"]) == (
        "different", "different", VARIANTS,
    )  # fmt: skip
    by_kind = {one["of"]: one for one in one["differences"]}
    assert by_kind.keys() == {"setting", "command"}
    assert (by_kind["setting"]["what"], by_kind["setting"]["b"]) == ("min_qual", "5000")
    assert "--min-qual 5000" in by_kind["command"]["b"]


def test_a_pipeline_is_tried_on_the_version_of_the_reference_that_the_other_had(
    lab: Lab, command: Command
) -> None:
    lab.add_reference("tiny", fasta(GENOME + "ACGT"), version="2")
    asked = ["equivalence", "E2", "--pipeline-a", "germline-cpu", "--pipeline-b", "another"]
    told = command.ask(*asked, "--assay", "one")
    [one] = told["pairs"]
    assert (one["assay"], one["a"]["reference"], one["b"]["reference"]) == (
        "one → another", "tiny/1", "tiny/1",
    )  # fmt: skip
    assert told["verdict"] in {"identical", "equivalent"}
    assert {one["of"] for one in one["differences"]} <= {"setting", "command"}
