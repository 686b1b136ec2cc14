"""References from the field, added as a bioinformatician does: refused with a reason, or right."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from seqdrop.domain.identity import ReferenceId
from seqdrop.domain.reference import ReferenceState
from tests.e2e.command import Command
from tests.field_cases import made, needs_cases
from tests.lab import Lab, fasta, make_genome, make_project, open_lab, own_pipelines

BAD_BED = {
    "header": "line 1", "twocolumns": "line 1", "nochr": "put 'chr'", "empty": "no region",
    "comments": "no region", "blankmiddle": "line 2", "blankfirst": "line 1", "bom": "line 1",
    "negative": "negative start (-5)", "backwards": "line 2", "float": "line 1",
}  # fmt: skip
GOOD_BED = {
    "good": "", "crlf": "", "hash": "", "named": "", "unsorted": "", "beyond": "line 3",
    "lifted": "'chr9_random'", "track": "line 1", "browser": "line 1",
}  # fmt: skip
CALLED_BED = ("crlf", "track", "beyond", "unsorted")
"""Those that samples are analysed with: each is another file than the one that was given."""
_ASSAY = "pipeline: germline-cpu, targets: targets, complete: {rule: manifest}"
ASSAYS = "default: bed-crlf\nassays:\n" + "".join(
    f"  bed-{name}: {{reference: bed-{name}, {_ASSAY}}}\n" for name in CALLED_BED
)
BAD_FASTA = {
    "twice": "'chr1' as line 1 does", "comma": "'chr1,x'", "nobase": "'chr0'",
    "angle": "'<chr1>'", "noname": "line 1 gives a contig no name",
}  # fmt: skip
GOOD_FASTA = ["described", "hla", "bgzf", "plainnamedgz", "members"]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    folder = tmp_path_factory.mktemp("references")
    own = own_pipelines()
    (folder / "project").mkdir()
    project = make_project(folder / "project", {**own, "assays.yaml": ASSAYS})
    with open_lab(folder / "runtime", project=project) as lab:
        yield lab


@pytest.fixture
def command(lab: Lab, tmp_path: Path) -> Command:
    return Command(tmp_path, lab.runtime.url)


def uploaded(lab: Lab, name: str) -> list[str]:
    """What lies in the bucket of a reference."""
    bucket = lab.runtime.outputs["ReferencesBucket"]
    answer = lab.client("s3").list_objects_v2(Bucket=bucket, Prefix=f"{name}/")
    return [item["Key"] for item in answer.get("Contents", [])]


def refused(command: Command, lab: Lab, name: str, *files: Path) -> str:
    """Why files are refused: nothing of them may be anywhere then."""
    ended = command.run("reference", "add", name, "1", *map(str, files))
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert "Traceback" not in ended.stderr
    assert uploaded(lab, name) == []
    assert lab.catalog.references.get(ReferenceId(name, "1")) is None
    return ended.stderr


def add(command: Command, name: str, *files: Path, wait: bool = False) -> dict[str, Any]:
    """The version's document, after it was taken."""
    options = ["--json"] if wait else ["--json", "--no-wait"]
    ended = command.run("reference", "add", name, "1", *map(str, files), *options)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    document: dict[str, Any] = json.loads(ended.stdout)
    assert ended.stderr.splitlines() == [f"WARN {warning}" for warning in document["warnings"]]
    return document


def drop(lab: Lab, name: str, files: Path, stem: str, **how: str) -> None:
    """Drops a case's pair, with a manifest that says how it is to be analysed."""
    pair = {f"r{mate}": f"{name}/{stem}_R{mate}.fastq.gz" for mate in (1, 2)}
    for mate, key in zip((1, 2), pair.values(), strict=True):
        (source,) = files.glob(f"{stem}*R{mate}*.fastq.gz")
        lab.drop(key, source.read_bytes())
    lab.drop_manifest(f"{name}.manifest.json", {"sample": name, "files": [pair], **how})


def result(lab: Lab, sample: str, assay: str, stage: str, name: str) -> bytes:
    """A file of the newest run's results."""
    (found,) = (s for s in lab.runs(sample, assay)[-1].stages if s.stage == stage)
    answer = lab.client("s3").get_object(Bucket=lab.results, Key=found.prefix + name)
    return bytes(answer["Body"].read())


def records(vcf: bytes) -> list[tuple[str, ...]]:
    """The columns of a VCF's records."""
    lines = gzip.decompress(vcf).decode().splitlines()
    return [tuple(line.split("\t")) for line in lines if not line.startswith("#")]


def analyse(lab: Lab, name: str, files: Path, stem: str) -> dict[str, list[tuple[str, ...]]]:
    """Analyses a case's pair with a reference; the records of both VCFs."""
    drop(lab, name, files, stem, pipeline="germline-cpu", reference=name)
    lab.wait_for(name, "germline-cpu", "ANALYSED")
    vcfs = ("variants.vcf.gz", "variants.g.vcf.gz")
    return {vcf: records(result(lab, name, "germline-cpu", "call", vcf)) for vcf in vcfs}


@needs_cases
def test_target_regions_from_the_field(command: Command, lab: Lab, tmp_path: Path) -> None:
    files = made("24_bed_lines", tmp_path / "files")
    for name, word in BAD_BED.items():
        why = refused(
            command, lab, f"bed-{name}", files / "genome.fa", files / name / "targets.bed"
        )
        assert "targets.bed" in why
        assert word in why
    for name, word in GOOD_BED.items():
        document = add(command, f"bed-{name}", files / "genome.fa", files / name / "targets.bed")
        assert word in "".join(document["warnings"])
        assert bool(document["warnings"]) == bool(word)

    def states() -> set[str]:
        found = [lab.catalog.references.get(ReferenceId(f"bed-{name}", "1")) for name in GOOD_BED]
        assert all(version and version.state is not ReferenceState.FAILED for version in found)
        return {version.state for version in found if version}

    lab.wait_until(lambda: states() == {"READY"}, 120)
    for name in CALLED_BED:
        drop(lab, f"bed-{name}", files, "bed", assay=f"bed-{name}")
    truth = json.loads((files / "expected.json").read_text())["truth"]
    for name in CALLED_BED:
        sample = assay = f"bed-{name}"
        lab.wait_for(sample, assay, "ANALYSED", seconds=240)
        found = records(result(lab, sample, assay, "call", "variants.vcf.gz"))
        assert [[r[0], int(r[1]), r[3], r[4]] for r in found] == [list(one) for one in truth], name
        assert {r[6] for r in found} == {"PASS"}
    table = result(lab, "bed-beyond", "bed-beyond", "qc", "targets.tsv").decode()
    row = ("chr1", "14000", "99000", ".", "85000", "0.00", "0.0000", "85000")
    assert table.splitlines()[-1].split("\t") == list(row)
    below = result(lab, "bed-beyond", "bed-beyond", "qc", "below_depth.bed").decode()
    assert "chr1\t14000\t99000\t" in below


@needs_cases
def test_names_in_fasta_from_the_field(command: Command, lab: Lab, tmp_path: Path) -> None:
    files = made("25_fasta_names", tmp_path / "files")
    for name, word in BAD_FASTA.items():
        assert word in refused(command, lab, f"fasta-{name}", files / name / "genome.fa")
    for name in GOOD_FASTA:
        (path,) = (files / name).glob("genome.fa*")
        document = add(command, f"fasta-{name}", path, wait=name == "hla")
        assert document["bases"] == (20_600 if name == "hla" else 20_000)
    assert document["state"] in {"PREPARING", "READY"}
    truth = json.loads((files / "expected.json").read_text())["truth"]
    found = analyse(lab, "fasta-hla", files, "names")["variants.vcf.gz"]
    assert [[r[0], int(r[1]), r[3], r[4]] for r in found] == [list(one) for one in truth]


@needs_cases
def test_letters_in_fasta_from_the_field(command: Command, lab: Lab, tmp_path: Path) -> None:
    files = made("27_fasta_letters", tmp_path / "files")
    truth = json.loads((files / "expected.json").read_text())["truth"]
    masked = add(command, "letters-masked", files / "masked/genome.fa", wait=True)
    assert (masked["soft_masked"], masked["replaced"]) == (9_999 + 3_999, 0)
    codes = add(command, "letters-codes", files / "codes/genome.fa", wait=True)
    assert (codes["soft_masked"], codes["replaced"], codes["uncertain"]) == (0, 2, 0)
    assert codes["original"]["sha256"] != codes["parts"]["sequence"]["sha256"]
    bucket, key = codes["parts"]["iupac"]["uri"].removeprefix("s3://").split("/", 1)
    kept = lab.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read().decode()
    assert kept == "chr1\t3000\t3001\tM\nchr1\t5000\t5001\tR\n"
    assert "2 ambiguous" in command.good("references")

    found = analyse(lab, "letters-masked", files, "letters")["variants.vcf.gz"]
    assert [[r[0], int(r[1]), r[3], r[4]] for r in found] == [list(one) for one in truth]
    both = analyse(lab, "letters-codes", files, "letters")
    places = [(r[0], int(r[1])) for r in both["variants.vcf.gz"]]
    assert {tuple(one[:2]) for one in truth} <= set(places)
    covered = {(r[0], int(r[1])): r[3] for r in both["variants.g.vcf.gz"]}
    assert (covered["chr1", 3001], covered["chr1", 5001]) == ("A", "A")


def test_a_wrong_version_is_withdrawn(command: Command, lab: Lab, tmp_path: Path) -> None:
    path = tmp_path / "g.fa"
    path.write_bytes(fasta(make_genome(4_000)))
    add(command, "withdrawn", path, wait=True)
    said = command.good("reference", "retire", "withdrawn", "1", "--why", "wrong patches")
    assert said == "reference withdrawn 1 is RETIRED\n"
    again = command.ask("reference", "retire", "withdrawn", "1")
    assert (again["state"], again["why"]) == ("RETIRED", "wrong patches")
    assert "was retired (wrong patches)" in command.bad(
        "reference", "add", "withdrawn", "1", "g.fa"
    )
    listed = command.ask("reference", "list")["references"]
    assert [one["state"] for one in listed if one["name"] == "withdrawn"] == ["RETIRED"]
    assert "there is no reference withdrawn 2" in command.bad(
        "reference", "retire", "withdrawn", "2"
    )


def test_a_part_that_came_another_way_is_found_by_the_job(lab: Lab) -> None:
    """As by a script of a lab's own, which puts objects and calls the flow."""
    text = fasta(make_genome(4_000))
    parts: dict[str, Any] = {"targets:kit": b"chr1\t0\t9\n\nchr1\t20\t29\n"}
    with pytest.raises(AssertionError, match=r"^kit\.bed, line 2 is blank"):
        lab.add_reference("unseen", text, **parts)
