"""References from the field, added as a bioinformatician does: refused with a reason, or right."""

import gzip
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from seqdrop.domain.identity import ReferenceId
from seqdrop.domain.reference import ReferenceState
from tests.e2e.command import Command
from tests.field_cases import made, needs_cases
from tests.lab import Lab, fasta, make_genome, make_project, open_lab, own_pipelines, pair

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
ASSAYS = (
    "default: bed-crlf\nassays:\n"
    + "".join(f"  bed-{name}: {{reference: bed-{name}, {_ASSAY}}}\n" for name in CALLED_BED)
    + "  kit: {pipeline: germline-cpu, reference: patched, targets: kit}\n"
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
    """What lies in the bucket of a reference, or of its version (``name/version``)."""
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


GENE = "ATG" + "GCCGGC" * 48 + "TAA"
OLD = make_genome(1_000) + GENE + make_genome(3_000, 8)
PATCHED = OLD[:9] + {"A": "C"}.get(OLD[9], "A") + OLD[10:2_000] + "N" * 5 + OLD[2_005:]
SMALL = make_genome(600, 9)
GENES = "".join(
    f"{{contig}}\tx\t{kind}\t1001\t{{end}}\t.\t+\t{phase}\t{what}\n"
    for kind, phase, what in (
        ("gene", ".", "ID=gene:G1;Name=GENE1;biotype=protein_coding"),
        ("mRNA", ".", "ID=transcript:T1;Parent=gene:G1;biotype=protein_coding"),
        ("CDS", "0", "Parent=transcript:T1"),
    )
)
CHAIN = """\
chain 4290 chr1 {size} + 0 {size} chr1 {size} + 0 {size} 1
9\t1\t1
1990\t5\t5
{rest}

chain 600 2 600 + 0 600 chr2 600 + 0 600 2
600

"""


def put(folder: Path, name: str, body: bytes | str) -> str:
    """A file; its name."""
    (folder / name).write_bytes(body if isinstance(body, bytes) else body.encode())
    return name


@pytest.fixture(scope="module")
def patched(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Command:
    """A reference with a first version that a sample was analysed with, and a patched second one.

    The third has the first one's content with other target regions.
    """
    assert "N" not in OLD
    folder = tmp_path_factory.mktemp("patched")
    command = Command(folder, lab.runtime.url)
    end = 1_000 + len(GENE)
    first = put(folder, "old.fa", fasta(OLD) + fasta(SMALL, "2"))
    kit = put(folder, "kit.bed", "chr1\t100\t200\nchr1\t300\t400\n")
    genes = put(folder, "genes.gff3", GENES.format(contig="chr1", end=end))
    assert command.ask("reference", "add", "patched", "1", first, kit, genes)["state"] == "READY"
    for mate, body in enumerate(pair(300, genome=OLD), 1):
        lab.drop(f"patched/NA1_R{mate}.fastq.gz", body)
    files = [{f"r{mate}": f"patched/NA1_R{mate}.fastq.gz" for mate in (1, 2)}]
    how = {"pipeline": "germline-cpu", "reference": "patched", "reference_version": "1"}
    lab.drop_manifest("patched.manifest.json", {"sample": "NA1", "files": files, **how})
    put(folder, "new.fa", fasta(PATCHED) + fasta(SMALL.lower(), "chr2"))
    put(folder, "kit.bed", "chr1\t150\t200\nchr1\t300\t410\n")
    put(folder, "genes.gff3", GENES.format(contig="chr1", end=end - 3))
    put(folder, "1.chain", CHAIN.format(size=len(OLD), rest=len(OLD) - 2_005))
    parts = ("kit.bed", "genes.gff3", "1.chain")
    added = command.ask("reference", "add", "patched", "2", "new.fa", *parts)
    assert (added["state"], added["warnings"]) == ("READY", [])
    put(folder, "genes.gff3", GENES.format(contig="chr1", end=end))
    command.good("reference", "add", "patched", "3", "old.fa", "kit.bed", "genes.gff3", "--no-wait")
    lab.wait_for("NA1", "germline-cpu", "ANALYSED")
    return command


def test_the_difference_of_two_versions_is_told(patched: Command) -> None:
    found = patched.ask("reference", "diff", "patched", "1", "2")
    sequence = found["sequence"]
    assert sequence["renamed"] == [{"before": "2", "after": "chr2"}]
    [chr1] = sequence["changed"]
    assert (chr1["name"], chr1["differing"], chr1["with_n"]) == ("chr1", 6, 5)
    assert chr1["regions"] == ["chr1:10-10", "chr1:2001-2005"]
    assert found["targets"]["kit"]["removed"]["first"] == ["chr1:101-150"]
    assert found["targets"]["kit"]["added"]["first"] == ["chr1:401-410"]
    assert found["annotation"]["genes"]["changed"] == {"count": 1, "first": ["G1"]}
    assert found["annotation"]["consequences_may_change"] == ["G1"]
    assert found["lines"]["chain:1"] == {"added": 8, "removed": 0}
    assert (found["before"]["sequence"]["uncertain"], found["same"]) == (0, False)
    assert [meaning["says"] for meaning in found["meaning"]] == [
        "sequence: all (germline-cpu)",
        "targets:kit: call, qc, then annotate, snpeff (germline-cpu)",
        "annotation: annotate, snpeff (germline-cpu)",
        "chain:1: no stage uses it",
    ]
    text = patched.good("reference", "diff", "patched", "1", "2")
    assert f"  chr1, {len(OLD):,} bases, differs in 6 (5 with N in one of both): chr1:10-10" in text
    assert "where these bases lie in a gene, its consequences may change" in text
    assert "consequences may change in 1 gene: G1 (GENE1)" in text


def test_what_kind_of_sequence_a_version_has_is_kept_and_told(patched: Command, lab: Lab) -> None:
    decoy = make_genome(900, 5)
    put(patched.folder, "decoy.fa", fasta(OLD) + fasta(SMALL, "2") + fasta(decoy, "hs37d5"))
    added = patched.ask("reference", "add", "patched", "decoy", "decoy.fa", "--no-wait")
    assert added["flavour"] == {"alt": 0, "decoy": 1, "hla": 0, "par_mask": "no_y"}
    bucket, key = added["contig_list"]["uri"].removeprefix("s3://").split("/", 1)
    kept = lab.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    assert hashlib.sha256(kept).hexdigest() == added["contig_list"]["sha256"]
    contigs = json.loads(kept)["contigs"]
    assert [(one["name"], one["length"]) for one in contigs] == [
        ("chr1", len(OLD)), ("2", len(SMALL)), ("hs37d5", 900),
    ]  # fmt: skip
    assert contigs[2]["md5"] == hashlib.md5(decoy.encode(), usedforsecurity=False).hexdigest()
    found = patched.ask("reference", "diff", "patched", "1", "decoy")
    assert found["flavour"] == {"decoy": {"before": 0, "after": 1}}
    assert found["sequence"]["added"] == [{"name": "hs37d5", "length": 900}]
    told = patched.good("reference", "diff", "patched", "1", "decoy").splitlines()
    assert f"3 contigs (1 decoy), {len(OLD) + len(SMALL) + 900:,} bases, 0 N" in told[1]
    assert told[2] == "decoy contigs: 0 before, 1 now"
    assert "1 decoy" in patched.good("references")


def test_versions_without_a_difference_or_at_all_are_told(patched: Command) -> None:
    assert "both have the same content" in patched.good("reference", "diff", "patched", "1", "1")
    third = patched.ask("reference", "diff", "patched", "1", "3")
    assert (third["parts"], third["sequence"]) == ({"targets:kit": "changed"}, None)
    said = patched.bad("reference", "diff", "patched", "1", "4")
    assert said.startswith("seqdrop: there is no reference patched 4 (there are: 1, 2, 3")
    assert "there is no reference 'unknown'" in patched.bad(
        "reference", "diff", "unknown", "1", "2"
    )


def test_a_chain_file_is_written_where_lengths_are_the_same(patched: Command) -> None:
    options = ("--chain", "new.chain")
    written = patched.ask("reference", "diff", "patched", "1", "2", *options)
    text = (patched.folder / "new.chain").read_text()
    assert written["chain"] == "new.chain"
    assert text.split()[14:] == (patched.folder / "1.chain").read_text().split()[14:]
    again = patched.bad("reference", "diff", "patched", "1", "2", *options)
    assert "new.chain is there already" in again
    assert (patched.folder / "new.chain").read_text() == text
    put(patched.folder, "longer.fa", fasta(OLD + "ACGT") + fasta(SMALL, "2"))
    patched.good("reference", "add", "patched", "longer", "longer.fa", "--no-wait")
    said = patched.bad("reference", "diff", "patched", "1", "longer", "--chain", "longer.chain")
    assert f"chr1 ({len(OLD):,} and {len(OLD) + 4:,} bases) have other lengths" in said
    assert not [*patched.folder.glob("*longer.chain*")]
    told = patched.good("reference", "diff", "patched", "1", "longer")
    assert "only a chain file can relate the two" in told


def test_a_chain_file_that_does_not_fit_is_refused(patched: Command, lab: Lab) -> None:
    good = (patched.folder / "1.chain").read_text()
    tries: dict[str, tuple[bytes | str, str]] = {
        "1.chain": (good.replace("1990\t5", "1991\t5"), "1.chain, line 4 ends a chain"),
        "1.chain.gz": (gzip.compress(good.replace("chr2 600", "chr2 601", 1).encode()), "line 6"),
        "7.chain": (good, "there is no version '7' of patched, from which 7.chain would lead"),
        "5.chain": (good, "would lead from version 5 to itself"),
    }
    for name, (body, says) in tries.items():
        put(patched.folder, "bad-" + name, body)
        (patched.folder / ("bad-" + name)).rename(patched.folder / name)
        assert says in patched.bad("reference", "add", "patched", "5", "new.fa", name)
    assert uploaded(lab, "patched/5") == []
    assert lab.catalog.references.get(ReferenceId("patched", "5")) is None


def test_the_job_looks_at_a_chain_file_too(lab: Lab) -> None:
    parts: dict[str, Any] = {"chain:1": b"chain 9 1 9 + 0 9 chr1 3999 + 0 9 1\n9\n"}
    with pytest.raises(AssertionError, match=r"^1\.chain, line 1 has 3999 bases for 'chr1'"):
        lab.add_reference("unchained", fasta(make_genome(4_000)), **parts)


def test_who_uses_a_version_is_listed(patched: Command) -> None:
    listed = patched.ask("reference", "list")["references"]
    mine = [one for one in listed if one["name"] == "patched"]
    assert [*mine[0]][-1] == "users"
    users = {one["version"]: one["users"] for one in mine}
    assert users["1"] == users["3"] == {"analyses": 1, "samples": ["NA1"], "more": False}
    assert users["2"] == {"analyses": 0, "samples": [], "more": False}
    head, *rows = patched.good("references").splitlines()
    assert head.split()[-2:] == ["USERS", "WHY"]
    assert ["1: NA1" in row for row in rows if row.startswith("patched")][:3] == [True, False, True]
