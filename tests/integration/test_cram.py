"""A CRAM instead of a BAM: the same reads, the same calls and figures, and no way to a server."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fingerprints import two_people
from tests.integration.test_calling import MARKED, call, needs_data
from tests.integration.test_calling_freebayes import BY_FREEBAYES
from tests.stage_support import (
    Sample,
    align,
    human_sample,
    indexed,
    measles_sample,
    run_stage,
    stage_of,
)
from tests.tools_support import environment, native, run, shims, tool

AS_CRAM: dict[str, bool | str] = {
    "alignment": "cram", "alignment_bam": False, "alignment_cram": True,
}  # fmt: skip
NO_SERVER = {"REF_PATH": "/dev/null/%s", "REF_CACHE": ""}
"""As the runner sets it: see ``test_a_tool_asks_no_server_for_a_sequence``."""


@dataclass(frozen=True)
class Both:
    """One sample's reads, kept in both ways, each in a folder of its own."""

    sample: Sample
    bam: Path
    cram: Path
    path: Path


def both(folder: Path, sample: Sample, *, native_first: bool) -> Both:
    path = shims(folder / "shims", native_first=native_first)
    made = Both(sample, folder / "of-bam", folder / "of-cram", path)
    for place, variables in ((made.bam, {}), (made.cram, AS_CRAM)):
        place.mkdir()
        align(sample, place, path, MARKED | variables)
    return made


@pytest.fixture(scope="module", params=["native", "PyPI"])
def people(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Both:
    """Simulated reads of a person, whose SNPs tell who it is, by tools of two versions."""
    is_native = request.param == "native"
    if is_native and not all(map(native, ("samtools", "bcftools", "bwa"))):
        pytest.skip("the tools are not installed")
    folder = tmp_path_factory.mktemp(request.param)
    two = two_people(60)
    ready = indexed(folder / "made", two.genome.fasta().encode(), {})
    (ready.ref / "fingerprint.vcf").write_text(two.sites())
    files = folder / "1_R1.fastq.gz", folder / "1_R2.fastq.gz"
    two.write_lane(0, files, 1, depth=30, seed=3)
    return both(folder, Sample(ready.ref, {"FC.1": files}), native_first=is_native)


@pytest.fixture(scope="module", params=[measles_sample, human_sample])
def real(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Both:
    folder = tmp_path_factory.mktemp("real")
    (folder / "made").mkdir()
    return both(folder, request.param(folder / "made"), native_first=True)


def records_of(alignment: Path, fasta: Path) -> list[tuple[object, ...]]:
    """Each record's fields, its tags in no order: a CRAM has an order of its own."""
    said = run(tool("samtools", "view", "--no-PG", "-T", fasta, alignment))
    assert said.returncode == 0, said.stderr
    rows = (line.split("\t") for line in said.stdout.decode().splitlines())
    return [(*row[:11], frozenset(row[11:])) for row in rows]


def assert_the_same_reads(made: Both) -> None:
    found = records_of(made.cram / "in/alignment.cram", made.sample.fasta)
    assert len(found) > 1_000
    assert found == records_of(made.bam / "in/alignment.bam", made.sample.fasta)
    for file in ("flagstat.json", "flagstat/FC.1.json", "flagstat/FC.5.json"):
        here, there = made.cram / "in" / file, made.bam / "in" / file
        assert here.exists() == there.exists()
        assert not here.exists() or here.read_bytes() == there.read_bytes()


def calls_of(made: Both, variables: dict[str, bool | str]) -> list[dict[str, bytes]]:
    found = []
    for place, kept in ((made.bam, {}), (made.cram, AS_CRAM)):
        out = call(made.sample, place, made.path, variables=variables | kept)
        found.append({file.name: file.read_bytes() for file in out.iterdir()})
    return found


def test_a_cram_holds_the_reads_of_the_bam(people: Both) -> None:
    assert_the_same_reads(people)


@needs_data
def test_a_cram_holds_the_reads_of_the_bam_on_real_data(real: Both) -> None:
    assert_the_same_reads(real)


def test_only_the_alignment_that_the_assay_wants_is_there(people: Both) -> None:
    names = [{file.name for file in (place / "in").glob("alignment*")}
             for place in (people.bam, people.cram)]  # fmt: skip
    assert names == [
        {"alignment.bam", "alignment.bam.bai"},
        {"alignment.cram", "alignment.cram.crai"},
    ]


def test_a_cram_names_its_sequence_by_md5_and_no_folder_of_the_job(people: Both) -> None:
    cram = people.cram / "in/alignment.cram"
    assert cram.read_bytes()[:6] == b"CRAM\x03\x00"
    assert str(people.cram.parent).encode() not in cram.read_bytes()
    header = run(tool("samtools", "view", "-H", "--no-PG", cram)).stdout.decode()
    known = (people.sample.ref / "genome.dict").read_text()
    md5s = {line.split("\tM5:")[1].split("\t")[0] for line in known.splitlines() if "M5:" in line}
    lines = [line for line in header.splitlines() if line.startswith("@SQ")]
    assert {line.split("\tM5:")[1].split("\t")[0] for line in lines} == md5s
    assert not any("UR:" in line for line in lines)
    assert "@PG" not in header


def test_without_its_sequence_a_cram_is_not_read_and_nobody_is_asked_for_it(people: Both) -> None:
    cram = people.cram / "in/alignment.cram"
    command = [str(people.path / "samtools"), "view", "-c", "-e", 'seq=~"A"', str(cram)]
    if not (people.path / "samtools").exists():
        command[0] = str(native("samtools"))
    ended = subprocess.run(
        command, env=environment(people.path) | NO_SERVER, capture_output=True, check=False,
        timeout=60, cwd=people.cram,
    )  # fmt: skip
    assert ended.returncode != 0
    assert b"ebi.ac.uk" not in ended.stderr.lower()


def test_a_cram_is_the_same_to_the_byte_by_any_number_of_threads(
    people: Both, tmp_path: Path
) -> None:
    align(people.sample, tmp_path, people.path, MARKED | AS_CRAM, threads=4)
    for name in ("alignment.cram", "alignment.cram.crai"):
        found = (tmp_path / "in" / name).read_bytes()
        assert found == (people.cram / "in" / name).read_bytes()


@pytest.mark.parametrize("caller", ["bcftools", "freebayes"])
def test_calls_from_a_cram_are_those_from_the_bam_to_the_byte(people: Both, caller: str) -> None:
    if caller == "freebayes" and not native("freebayes"):
        pytest.skip("freebayes is not installed")
    of_bam, of_cram = calls_of(people, BY_FREEBAYES if caller == "freebayes" else {})
    assert "variants.g.vcf.gz" in of_bam
    assert of_bam == of_cram


@needs_data
def test_calls_from_a_cram_are_those_from_the_bam_on_real_data(real: Both) -> None:
    of_bam, of_cram = calls_of(real, {})
    assert of_bam == of_cram


def test_figures_from_a_cram_are_those_from_the_bam(
    people: Both, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By our own equal of mosdepth, and by the native one where it finds its library."""
    path, found = people.path, []
    if not (path / "mosdepth").exists():
        library = next(Path("/usr/lib").glob("*/libhts.so.3"), None)
        if library is None:
            pytest.skip("mosdepth's library is not here")
        (tmp_path / "libhts.so").symlink_to(library)
        monkeypatch.setenv("LD_LIBRARY_PATH", str(tmp_path))
    for place, kept in ((people.bam, {}), (people.cram, AS_CRAM)):
        for name in ("tmp", "out"):
            shutil.rmtree(place / name, ignore_errors=True)
        qc = stage_of("germline-cpu", "qc")
        run_stage(qc, people.sample, place, {"fingerprint": True, **kept}, path)
        found.append({file.name: file.read_bytes() for file in (place / "out").iterdir()})
    assert {"depth.json", "samtools_stats.txt", "fingerprint.json"} < found[0].keys()
    assert b'"fingerprint_sites": 60' in found[0]["fingerprint.json"]
    assert found[0] == found[1]
