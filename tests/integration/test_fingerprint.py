"""The fingerprint of two people and of their mixture, by the pipeline's own steps and tools."""

from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from seqdrop.domain.fingerprint import Fingerprint, compared
from seqdrop.domain.measures import read_measures
from seqdrop.domain.pipeline import Stage
from tests.fingerprints import People, two_people
from tests.stage_support import Sample, align, indexed, run_stage, stage_of
from tests.tools_support import native, shims

HAS_NATIVE = all(native(program) for program in ("bwa", "samtools", "bcftools", "mosdepth"))
SITES, DEPTH = 240, 30


@dataclass(frozen=True)
class Laboratory:
    """Two people, and a reference that is ready."""

    folder: Path
    people: People
    ready: Sample

    def sample(self, name: str, *depths: tuple[int, float]) -> Sample:
        """Reads of some of the people, to a depth each."""
        folder = self.folder / name
        folder.mkdir()
        lanes = {}
        for number, (who, depth) in enumerate(depths, 1):
            files = folder / f"{number}_R1.fastq.gz", folder / f"{number}_R2.fastq.gz"
            seed = len(name) * 100 + number
            self.people.write_lane(who, files, number, depth=depth, seed=seed)
            lanes[f"FC.{number}"] = files
        return Sample(self.ready.ref, lanes)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Laboratory:
    folder = tmp_path_factory.mktemp("people")
    people = two_people(SITES)
    ready = indexed(folder, people.genome.fasta().encode(), {})
    (ready.ref / "fingerprint.vcf").write_text(people.sites())
    return Laboratory(folder, people, ready)


def step_of_fingerprint() -> Stage:
    """The steps of `qc` that make the fingerprint, without depth."""
    stage = stage_of("germline-cpu", "qc")
    return msgspec.structs.replace(
        stage,
        steps=tuple(step for step in stage.steps if step.when == "fingerprint"),
        outputs=tuple(output for output in stage.outputs if output.when == "fingerprint"),
    )


def fingerprint(
    lab: Laboratory, name: str, *depths: tuple[int, float], path: Path | None = None
) -> tuple[Fingerprint, dict[str, float]]:
    """Reads, alignment and fingerprint of a sample."""
    sample = lab.sample(name, *depths)
    folder = lab.folder / name
    align(sample, folder, path, {"mark_duplicates": True})
    run_stage(step_of_fingerprint(), sample, folder, {"fingerprint": True}, path)
    content = (folder / "out" / "fingerprint.json").read_bytes()
    return msgspec.json.decode(content, type=Fingerprint), read_measures("fingerprint", content)


@pytest.mark.parametrize("tools", ["stand-ins", "native"])
def test_people_are_known_by_their_genotypes_and_mixtures_by_their_shares(
    lab: Laboratory, tools: str
) -> None:
    if tools == "native" and not HAS_NATIVE:
        pytest.skip("native tools are not here")
    path = shims(lab.folder / "bin-of-tools") if tools == "stand-ins" else None
    suffix = tools[0]
    first, figures = fingerprint(lab, f"first-{suffix}", (0, DEPTH), path=path)
    again, _ = fingerprint(lab, f"once-more-{suffix}", (0, DEPTH / 2), (0, DEPTH / 2), path=path)
    other, _ = fingerprint(lab, f"another-one-{suffix}", (1, DEPTH), path=path)
    mixed, of_mixture = fingerprint(
        lab, f"the-mixture-{suffix}", (0, 0.9 * DEPTH), (1, 0.1 * DEPTH), path=path
    )

    assert figures["fingerprint_sites"] > 0.9 * SITES
    assert compared("x", first.genotypes, lab.people.truth(0)).concordance == pytest.approx(
        1, abs=0.01
    )
    assert compared("x", other.genotypes, lab.people.truth(1)).concordance == pytest.approx(
        1, abs=0.01
    )
    assert (compared("x", first.genotypes, again.genotypes).concordance or 0) > 0.98
    assert (compared("x", first.genotypes, other.genotypes).concordance or 1) < 0.7
    assert figures["contamination"] < 0.005
    assert of_mixture["contamination"] == pytest.approx(0.1, abs=0.03)
    assert (compared("x", first.genotypes, mixed.genotypes).concordance or 0) > 0.95


def test_a_sample_without_a_read_at_the_sites_has_no_genotype(
    lab: Laboratory, tmp_path: Path
) -> None:
    """As a good control: its fingerprint is there, and says nothing."""
    mates = tmp_path / "1.fastq", tmp_path / "2.fastq"
    for mate, base in zip(mates, "AC", strict=True):
        mate.write_text(f"@r\n{base * 100}\n+\n{'I' * 100}\n")
    sample = Sample(lab.ready.ref, {"FC.1": mates})
    path = shims(tmp_path / "bin")
    align(sample, tmp_path, path, {"mark_duplicates": True})
    run_stage(step_of_fingerprint(), sample, tmp_path, {"fingerprint": True}, path)
    content = (tmp_path / "out" / "fingerprint.json").read_bytes()
    assert read_measures("fingerprint", content) == {"fingerprint_sites": 0}
    assert msgspec.json.decode(content, type=Fingerprint).genotypes == {}
