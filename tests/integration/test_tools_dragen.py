"""The DRAGEN stand-in as a program, on a small genome with planted SNPs."""

import csv
import gzip
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.lab import Lab
from tests.processes import lives
from tests.tools_support import (
    PlantedGenome,
    environment,
    planted_genome,
    run,
    shims,
    tool,
    write_pairs,
)

PAIRS = 900
LICENCE = "https://user:secret@licence.example"


class Bench:
    """A reference folder, two lanes of one sample, and tools on PATH."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = shims(folder / "bin")
        self.genome: PlantedGenome = planted_genome(folder)
        self.lanes = [
            write_pairs(folder, f"lane{n}", self.genome.sample, pairs=PAIRS, seed=n) for n in (1, 2)
        ]
        self.reference = folder / "ref"
        self.reference.mkdir()
        built = self.dragen(
            "--build-hash-table=true", "--ht-reference", self.genome.fasta, out=self.reference
        )
        assert built.returncode == 0, built.stderr

    def dragen(self, *arguments: object, out: Path) -> "subprocess.CompletedProcess[bytes]":
        return run(tool("dragen", *arguments, "--output-directory", out), path=self.path)

    def fastq_list(self) -> Path:
        path = self.folder / "list.csv"
        rows = [["RGID", "RGSM", "RGLB", "Lane", "Read1File", "Read2File"]]
        for number, (one, two) in enumerate(self.lanes, 1):
            rows.append([f"fc.{number}", "NA1", "lib", str(number), str(one), str(two)])
        rows.append(["fc.9", "another", "lib", "9", "nosuch_1.fq.gz", "nosuch_2.fq.gz"])
        with path.open("w", newline="") as handle:
            csv.writer(handle).writerows(rows)
        return path

    def analyse(self, out: Path, *more: object) -> "subprocess.CompletedProcess[bytes]":
        return self.dragen(
            *("-r", self.reference, "--fastq-list", self.fastq_list()),
            *("--fastq-list-sample-id", "NA1", "--enable-map-align", "true"),
            *("--enable-map-align-output", "true", "--enable-duplicate-marking=true"),
            *("--enable-variant-caller", "true", "--vc-emit-ref-confidence", "GVCF"),
            *("--vc-enable-vcf-output=true", "--output-file-prefix", "NA1"),
            *("--intermediate-results-dir", out, "--lic-server", LICENCE, *more),
            out=out,
        )


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("dragen"))


@pytest.fixture(scope="module")
def analysed(bench: Bench) -> Path:
    out = bench.folder / "analysed"
    out.mkdir()
    ended = bench.analyse(out)
    assert ended.returncode == 0, ended.stderr
    assert b"secret" not in ended.stdout + ended.stderr
    assert b"stand-in" in ended.stdout
    return out


def metric(path: Path, name: str) -> str:
    with path.open(newline="") as handle:
        return next(row[3] for row in csv.reader(handle) if row[2] == name)


def calls(vcf: Path) -> dict[int, tuple[str, str]]:
    lines = gzip.decompress(vcf.read_bytes()).decode().splitlines()
    rows = [line.split("\t") for line in lines if not line.startswith("#")]
    return {int(row[1]): (row[3], row[4]) for row in rows}


def test_every_file_has_dragen_s_name_and_nothing_else_is_left(analysed: Path) -> None:
    assert sorted(path.name for path in analysed.iterdir()) == [
        "NA1.bam",
        "NA1.bam.bai",
        "NA1.fastqc_metrics.csv",
        "NA1.fragment_length_hist.csv",
        "NA1.hard-filtered.gvcf.gz",
        "NA1.hard-filtered.gvcf.gz.tbi",
        "NA1.hard-filtered.vcf.gz",
        "NA1.hard-filtered.vcf.gz.tbi",
        "NA1.mapping_metrics.csv",
        "NA1.time_metrics.csv",
        "NA1.vc_metrics.csv",
        "NA1.wgs_coverage_metrics.csv",
        "NA1.wgs_fine_hist.csv",
        "NA1_usage.txt",
    ]


def test_planted_snps_are_found(bench: Bench, analysed: Path) -> None:
    assert calls(analysed / "NA1.hard-filtered.vcf.gz") == bench.genome.snps
    blocks = calls(analysed / "NA1.hard-filtered.gvcf.gz")
    assert {position for position, (_, alt) in blocks.items() if alt != "."} == set(
        bench.genome.snps
    )
    assert len(blocks) > len(bench.genome.snps)


def test_the_vcf_equals_what_bcftools_alone_calls(bench: Bench, analysed: Path) -> None:
    mpileup = ["mpileup", "-Ou", "-f", bench.genome.fasta, analysed / "NA1.bam"]
    piled = run(tool("bcftools", *mpileup)).stdout
    called = run(tool("bcftools", "call", "-mv", "-Ov"), given=piled).stdout
    query = ["query", "-f", "%CHROM %POS %REF %ALT %QUAL %INFO [%GT:%PL]\n"]
    expected = run(tool("bcftools", *query, "-"), given=called).stdout
    ours = run(tool("bcftools", *query, analysed / "NA1.hard-filtered.vcf.gz")).stdout
    assert ours == expected != b""


def test_the_software_mode_says_what_it_is_and_makes_the_same(
    bench: Bench, analysed: Path, tmp_path: Path
) -> None:
    ended = bench.analyse(tmp_path, "--sw-mode")
    assert ended.returncode == 0, ended.stderr
    assert b"software mode, without an FPGA" in ended.stdout
    for name in ("NA1.bam", "NA1.hard-filtered.vcf.gz", "NA1.mapping_metrics.csv"):
        assert (tmp_path / name).read_bytes() == (analysed / name).read_bytes()


def test_each_lane_is_a_read_group_of_one_sample(bench: Bench, analysed: Path) -> None:
    header = run(tool("samtools", "view", "-H", analysed / "NA1.bam")).stdout.decode()
    groups = [set(line.split("\t")) for line in header.splitlines() if line.startswith("@RG")]
    assert len(groups) == 2
    for number, group in enumerate(groups, 1):
        assert {f"ID:fc.{number}", "SM:NA1", "LB:lib", f"PU:fc.{number}.{number}"} <= group
        count = run(tool("samtools", "view", "-c", "-r", f"fc.{number}", analysed / "NA1.bam"))
        assert int(count.stdout) == 2 * PAIRS


def test_metrics_are_the_data_s(analysed: Path) -> None:
    mapping = analysed / "NA1.mapping_metrics.csv"
    assert metric(mapping, "Total input reads") == str(4 * PAIRS)
    counts = run(tool("samtools", "view", "-c", "-f", "1024", analysed / "NA1.bam")).stdout
    assert metric(mapping, "Number of duplicate marked reads") == counts.decode().strip()
    counts = run(tool("samtools", "view", "-c", "-f", "2", analysed / "NA1.bam")).stdout
    assert metric(mapping, "Properly paired reads") == counts.decode().strip()
    assert metric(mapping, "Mapped reads") == str(4 * PAIRS)
    depth = metric(
        analysed / "NA1.wgs_coverage_metrics.csv", "Average alignment coverage over genome"
    )
    assert 25 < float(depth) < 31


def test_the_histogram_of_depth_has_each_base_once(bench: Bench, analysed: Path) -> None:
    rows = (analysed / "NA1.wgs_fine_hist.csv").read_text().splitlines()
    assert rows[1] == "Depth,Overall"
    assert rows[-1].startswith("2000+,")
    bases = [int(row.split(",")[1]) for row in rows[2:]]
    assert sum(bases) == len(bench.genome.sample)
    mean = sum(depth * count for depth, count in enumerate(bases)) / sum(bases)
    told = metric(
        analysed / "NA1.wgs_coverage_metrics.csv", "Average alignment coverage over genome"
    )
    assert mean == pytest.approx(float(told), abs=0.01)


def test_lengths_of_fragments_are_those_that_samtools_counts(analysed: Path) -> None:
    text = run(tool("samtools", "stats", analysed / "NA1.bam")).stdout.decode()
    inserts = [row.split("\t")[1:3] for row in text.splitlines() if row.startswith("IS\t")]
    expected = {size: count for size, count in inserts if int(count)}
    rows = (analysed / "NA1.fragment_length_hist.csv").read_text().splitlines()
    assert rows[1] == "FragmentLength,Count"
    assert dict(row.split(",") for row in rows[2:]) == expected


def test_qualities_along_the_reads_are_those_of_the_files(bench: Bench, analysed: Path) -> None:
    with (analysed / "NA1.fastqc_metrics.csv").open(newline="") as handle:
        rows = {(section, mate, name): value for section, mate, name, value in csv.reader(handle)}
    for number, mate in enumerate(("Read1", "Read2")):
        reads = []
        for lane in bench.lanes:
            lines = gzip.decompress(lane[number].read_bytes()).decode().splitlines()
            reads += list(zip(lines[1::4], lines[3::4], strict=True))
        for position in (1, 7, len(reads[0][0])):
            for letter in "ACGTN":
                found = [ord(q[position - 1]) - 33 for b, q in reads if b[position - 1] == letter]
                name = f"ReadPos {position} {letter}"
                count = rows["POSITIONAL BASE CONTENT", mate, f"{name} Bases"]
                assert int(count) == len(found)
                mean = rows["POSITIONAL BASE MEAN QUALITY", mate, f"{name} Average Quality"]
                assert mean == (f"{sum(found) / len(found):.2f}" if found else "NA")
        total = [int(v) for (s, m, _), v in rows.items() if (s, m) == ("READ MEAN QUALITY", mate)]
        assert sum(total) == len(reads)
        gc = sum(100 * (b.count("G") + b.count("C")) / len(b) for b, _ in reads) / len(reads)
        shares = [
            int(name.split("%")[0]) * int(value)
            for (section, of, name), value in rows.items()
            if (section, of) == ("READ GC CONTENT", mate)
        ]
        assert sum(shares) / len(reads) == pytest.approx(gc, abs=0.5)


def test_everything_says_that_it_is_a_stand_in_s(bench: Bench, analysed: Path) -> None:
    for path in analysed.glob("*.csv"):
        first, _ = path.read_text().split("\n", 1)
        assert "stand-in" in first.lower()
        assert "simulated" in first.lower()
    for path in analysed.glob("*vcf.gz"):
        assert "##DRAGENStandIn=" in gzip.decompress(path.read_bytes()).decode()
    header = run(tool("samtools", "view", "-H", analysed / "NA1.bam")).stdout
    assert b"@CO\tDRAGEN stand-in (simulated)" in header
    assert "stand-in" in (analysed / "NA1_usage.txt").read_text()
    assert "stand_in = 1" in (bench.reference / "hash_table.cfg").read_text()
    told = run(tool("dragen", "--version")).stdout.decode()
    assert "stand-in" in told
    assert "simulated" in told
    assert told.count("\n") == 1


def test_equal_input_gives_equal_files(bench: Bench, analysed: Path, tmp_path: Path) -> None:
    assert bench.analyse(tmp_path).returncode == 0
    of_clock = {"NA1.time_metrics.csv"}
    for name in {path.name for path in analysed.iterdir()} - of_clock:
        assert (tmp_path / name).read_bytes() == (analysed / name).read_bytes()


def test_existing_outputs_stop_it_unless_forced(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "NA1.bam").write_text("old")
    stopped = bench.analyse(tmp_path)
    assert stopped.returncode != 0
    assert stopped.stderr.count(b"\n") == 1
    assert b"NA1.bam exists" in stopped.stderr
    assert (tmp_path / "NA1.bam").read_text() == "old"
    assert bench.analyse(tmp_path, "-f").returncode == 0
    assert (tmp_path / "NA1.bam").read_bytes()[:2] == b"\x1f\x8b"


def test_a_target_bed_bounds_calls_and_coverage(bench: Bench, tmp_path: Path) -> None:
    bed = tmp_path / "t.bed"
    bed.write_text("chr1\t1000\t3000\nchr1\t5000\t6000\n")
    ended = bench.analyse(
        tmp_path, "--vc-target-bed", bed, "--vc-target-bed-padding", "100", "--output-format=CRAM"
    )
    assert ended.returncode == 0, ended.stderr
    expected = {
        position: bases
        for position, bases in bench.genome.snps.items()
        if 900 < position <= 3100 or 4900 < position <= 6100
    }
    assert calls(tmp_path / "NA1.hard-filtered.vcf.gz") == expected
    coverage = tmp_path / "NA1.target_bed_coverage_metrics.csv"
    assert 25 < float(metric(coverage, "Average alignment coverage over target region")) < 34
    assert metric(coverage, "PCT of target region with coverage [  1x: inf)") == "100.00"
    assert (tmp_path / "NA1.cram.crai").is_file()


def test_one_pair_and_a_bam_are_inputs_too(bench: Bench, tmp_path: Path) -> None:
    one, two = bench.lanes[0]
    ref = ("-r", bench.reference, "--output-file-prefix", "P")
    pair = bench.dragen(
        *ref, "-1", one, "-2", two, "--RGID=a", "--RGSM=b", "--enable-map-align-output=true",
        out=tmp_path,
    )  # fmt: skip
    assert pair.returncode == 0, pair.stderr
    duplicates = metric(tmp_path / "P.mapping_metrics.csv", "Number of duplicate marked reads")
    assert duplicates == "NA"
    again = bench.dragen(
        *("-r", bench.reference, "--output-file-prefix", "Q", "-b", tmp_path / "P.bam"),
        *("--enable-map-align", "false", "--enable-variant-caller", "true"),
        out=tmp_path,
    )
    assert again.returncode == 0, again.stderr
    assert len(calls(tmp_path / "Q.hard-filtered.vcf.gz")) > len(bench.genome.snps) * 0.9
    assert not (tmp_path / "Q.hard-filtered.gvcf.gz").exists()


def test_input_that_is_not_whole_leaves_nothing_behind(bench: Bench, tmp_path: Path) -> None:
    one, two = bench.lanes[0]
    out = tmp_path / "out"
    out.mkdir()
    cut, short = tmp_path / "cut.fq.gz", tmp_path / "short.fq.gz"
    cut.write_bytes(two.read_bytes()[:-500])
    lines = gzip.decompress(two.read_bytes()).splitlines(keepends=True)
    short.write_bytes(gzip.compress(b"".join(lines[:-4])))
    for mate, message in ((cut, b"cut.fq.gz"), (short, b"fewer reads than its mate")):
        ended = bench.dragen(
            *("-r", bench.reference, "-1", one, "-2", mate, "--RGID", "a", "--RGSM", "b"),
            *("--output-file-prefix", "P", "--enable-variant-caller", "true"),
            out=out,
        )
        assert ended.returncode != 0
        assert ended.stderr.count(b"\n") == 1
        assert message in ended.stderr
        assert list(out.iterdir()) == []


def test_an_option_that_it_does_not_know_ends_it(bench: Bench, tmp_path: Path) -> None:
    ended = bench.analyse(tmp_path, "--enable-cnv", "true")
    assert ended.returncode == 1
    assert ended.stderr == b"ERROR: dragen stand-in: unknown option --enable-cnv\n"
    assert list(tmp_path.iterdir()) == []


def test_a_scheduler_s_signal_ends_it_and_nothing_is_left(bench: Bench, tmp_path: Path) -> None:
    scratch, out = tmp_path / "scratch", tmp_path / "out"
    slow = shims(tmp_path / "bin")
    (slow / "bwa").write_text(f"#!/bin/sh\necho $$ > {tmp_path / 'pid'}\nexec sleep 600\n")
    scratch.mkdir()
    out.mkdir()
    one, two = bench.lanes[0]
    words = ["-r", bench.reference, "-1", one, "-2", two, "--RGID", "a", "--RGSM", "b"]
    words += ["--output-file-prefix", "P", "--intermediate-results-dir", scratch]
    child = subprocess.Popen(
        tool("dragen", *words, "--output-directory", out),
        stdout=subprocess.DEVNULL,
        env=environment(slow),
    )
    while not (pid := tmp_path / "pid").exists() or not pid.read_text().strip():
        assert child.poll() is None
        time.sleep(0.02)
    child.terminate()
    assert child.wait() == 128 + signal.SIGTERM
    assert list(out.iterdir()) == list(scratch.iterdir()) == []
    Lab.wait_until(lambda: not lives(int(pid.read_text())))


def test_a_tool_that_fails_is_named_and_nothing_is_left(bench: Bench, tmp_path: Path) -> None:
    broken, out = shims(tmp_path / "bin"), tmp_path / "out"
    out.mkdir()
    (broken / "bcftools").write_text("#!/bin/sh\necho out of luck >&2\nexit 3\n")
    one, two = bench.lanes[0]
    words = ["-r", bench.reference, "-1", one, "-2", two, "--RGID", "a", "--RGSM", "b"]
    words += ["--output-file-prefix", "P", "--enable-variant-caller", "true"]
    ended = run(tool("dragen", *words, "--output-directory", out), path=broken)
    assert ended.returncode != 0
    assert b"bcftools" in ended.stderr
    assert b"out of luck" in ended.stderr
    assert list(out.iterdir()) == []


CUT_OFF = """
import subprocess, sys
from local.tools import child_tools

class CutOff(subprocess.Popen):
    def __init__(self, *given, **options):
        super().__init__(*given, **options)
        print(self.pid, flush=True)
        sys.exit(143)  # as the handler of a signal does that comes right now

child_tools.subprocess.Popen = CutOff
child_tools.run(["sleep", "60"])
"""


def test_a_child_whose_start_a_signal_cuts_off_is_ended_too() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", CUT_OFF], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 143, ended.stderr
    assert not lives(int(ended.stdout))
