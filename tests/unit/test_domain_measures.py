"""Files of tools, read for their figures: odd rows, missing values, and what is no such file."""

import json

import pytest

from seqdrop.domain.errors import InvalidMeasure
from seqdrop.domain.measures import FORMATS, LANE_FIGURES, read_lanes, read_measures
from seqdrop.domain.pipeline import MeasureFormat

STATS = """\
# This file was produced by samtools stats
CHK\t4399dafe\t3557ddda\t88f5ceeb
SN\traw total sequences:\t4\t# excluding supplementary and secondary reads
SN\tbases mapped (cigar):\t10\t# more accurate
SN\tmismatches:\t2\t# from NM fields
SN\tinward oriented pairs:\t60
SN\toutward oriented pairs:\t30
SN\tpairs with other orientation:\t10
FFQ\t1\t{low}\t3\t2\t0
FFQ\t2\t{low}\t0\t0\t4
LFQ\t1\t{low}\t1
FTC\t10\t20\t30\t40\t5
LTC\t1\t2\t3\t4\t0
IS\t0\t0\t0\t0\t0
IS\t100\t3\t3\t0\t0
IS\t250\t2\t2\t0\t0
IS\t900\t1\t1\t0\t0
""".replace("{low}", "\t".join(["7"] * 29))
MAPPING = """\
MAPPING/ALIGNING SUMMARY,,Total input reads,1000,100.00
MAPPING/ALIGNING SUMMARY,,Number of duplicate marked reads,NA
MAPPING/ALIGNING SUMMARY,,Mapped reads,950,95.00
MAPPING/ALIGNING SUMMARY,,Mapped reads R1,480,96.00
MAPPING/ALIGNING SUMMARY,,Paired reads (itself & mate mapped),940,94.00
MAPPING/ALIGNING SUMMARY,,Properly paired reads,930,93.00
MAPPING/ALIGNING SUMMARY,,Q30 bases,8000,80.00
MAPPING/ALIGNING SUMMARY,,Insert length: median,376.00
MAPPING/ALIGNING SUMMARY,,Estimated sample contamination,0.0013
MAPPING/ALIGNING SUMMARY,,Bases in target bed [% of genome],NA
MAPPING/ALIGNING SUMMARY
MAPPING/ALIGNING PER RG,FC.1,Total reads in RG,600,100.00
MAPPING/ALIGNING PER RG,FC.1,Mapped reads,570,95.00
MAPPING/ALIGNING PER RG,FC.1,Paired reads (itself & mate mapped),560,93.33
MAPPING/ALIGNING PER RG,FC.1,Properly paired reads,555,92.50
MAPPING/ALIGNING PER RG,FC.1,Not properly paired reads (discordant),5,0.83
MAPPING/ALIGNING PER RG,FC.2,Total reads in RG,400,100.00
MAPPING/ALIGNING PER RG,FC.2,Properly paired reads,NA
TUMOR MAPPING/ALIGNING PER RG,T.1,Total reads in RG,9,100.00
MAPPING/ALIGNING SUMMARY,RG1,Mapped reads,8,0.80
"RUN TIME",,"Time loading reference",00:00:38.882,38.88
"""
COVERAGE = """\
COVERAGE SUMMARY,,Aligned bases,900000
COVERAGE SUMMARY,,Aligned bases in QC coverage region,450000,50.00
COVERAGE SUMMARY,,Average alignment coverage over QC coverage region,31.25
COVERAGE SUMMARY,,Uniformity of coverage (PCT > 0.2*mean) over QC coverage region,97.11
COVERAGE SUMMARY,,PCT of QC coverage region with coverage [100x: inf),0.10
COVERAGE SUMMARY,,PCT of QC coverage region with coverage [ 30x: inf),55.50
COVERAGE SUMMARY,,PCT of QC coverage region with coverage [  20x: inf),91.00
COVERAGE SUMMARY,,PCT of QC coverage region with coverage [10x:inf),98.00
COVERAGE SUMMARY,,PCT of QC coverage region with coverage [  1x: inf),NA
COVERAGE SUMMARY,,PCT of QC coverage region with coverage [  1x:  3x),0.30
COVERAGE SUMMARY,,Average chr X coverage over QC coverage region,15.00
COVERAGE SUMMARY,,Average chr Y coverage over QC coverage region,12.00
COVERAGE SUMMARY,,Average mitochondrial coverage over QC coverage region,2000.00
COVERAGE SUMMARY,,Average autosomal coverage over QC coverage region,30.00
COVERAGE SUMMARY,,XAvgCov/YAvgCov ratio over QC coverage region,inf
"""
HISTOGRAM = """\
STAND-IN/SIMULATED,,Simulated,1
Depth,Overall
0,100
1,100
9,100
10,100
29,500
30,50
1000+,50
"""
VARIANTS = """\
# This file was produced by bcftools stats
ID\t0\t<STDIN>
SN\t0\tnumber of samples:\t1
SN\t0\tnumber of SNPs:\t86
SN\t0\tnumber of indels:\t2
TSTV\t0\t55\t31\t1.77\t55\t31\t1.77
PSC\t0\tHm2\t0\t71\t15\t55\t31\t2\t0.0\t88\t0\t0\t0
"""
FLAGSTAT = {
    "QC-passed reads": {
        "total": 12, "primary": 10, "primary mapped": 9, "primary duplicates": 1,
        "with itself and mate mapped": 8, "properly paired": 6, "mapped %": None,
    },
    "QC-failed reads": {
        "total": 2, "primary": 2, "primary mapped": 1, "primary duplicates": 0,
        "with itself and mate mapped": 0, "properly paired": 0, "mapped %": None,
    },
}  # fmt: skip
DEPTH = {"mean_depth": 15.83, "breadth_20x": 0.2, "reporting_breadth": 0.2}
EXAMPLES: dict[MeasureFormat, tuple[str, dict[str, float]]] = {
    "flagstat": (
        json.dumps(FLAGSTAT),
        {"primary_out": 12, "mapped": 10, "duplicates": 1, "both_mapped": 8, "properly_paired": 6},
    ),
    "fingerprint": (
        '{"genotypes": {"chr1:5:A:G": "0/1"}, '
        '"metrics": {"fingerprint_sites": 1, "contamination": 0.02}}',
        {"fingerprint_sites": 1, "contamination": 0.02},
    ),
    "samtools-stats": (
        STATS,
        {
            # Of 29 columns for Q0 to Q28, then Q29, Q30 and Q31: 2 + 0, 0 + 4, and none.
            "q30_bases": 6, "gc_bases": 55, "acgt_bases": 110, "mismatches": 2,
            "aligned_bases": 10, "insert_size_median": 100,
            "same_strand_pairs": 10, "oriented_pairs": 100,
        },
    ),
    "bcftools-stats": (
        VARIANTS,
        {
            "snps": 86, "indels": 2, "transitions": 55, "transversions": 31,
            "het_calls": 15, "hom_calls": 71,
        },
    ),
    "depth": (json.dumps(DEPTH), DEPTH),
    "dragen-mapping": (
        MAPPING,
        {
            "primary_out": 1000, "mapped": 950, "both_mapped": 940, "properly_paired": 930,
            "q30_bases": 8000, "insert_size_median": 376,
        },
    ),
    "calls": (
        '{"calls_passed": 9, "calls_filtered": 2, "calls_at_codes": 1}',
        {"calls_passed": 9, "calls_filtered": 2, "calls_at_codes": 1},
    ),
    "primers": (
        '{"reads_looked_at": 10, "reads_with_primer": 9, "reads_without_primer": 1}',
        {"reads_looked_at": 10, "reads_with_primer": 9, "reads_without_primer": 1},
    ),
    "haploid": (
        '{"called_haploid": 1, "haploid_variants": 40, "mixed_haploid_sites": 3}',
        {
            "called_haploid": 1, "haploid_variants": 40, "mixed_haploid_sites": 3,
            "haploid_sites": 43,
        },
    ),
    "callability": ('{"callability": 0.98}', {"callability": 0.98}),
    "dragen-coverage": (
        COVERAGE,
        {
            "mean_depth": 31.25, "on_target_fraction": 0.5,
            "x_depth_ratio": 0.5, "y_depth_ratio": 0.4,
        },
    ),
    "dragen-histogram": (
        HISTOGRAM,
        {"breadth_1x": 0.9, "breadth_10x": 0.7, "breadth_20x": 0.6, "breadth_30x": 0.1},
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", EXAMPLES)
def test_a_tools_file_gives_its_figures(kind: MeasureFormat) -> None:
    content, figures = EXAMPLES[kind]
    assert read_measures(kind, content.encode()) == figures
    assert figures.keys() <= FORMATS[kind].metrics


def test_every_format_has_an_example() -> None:
    assert EXAMPLES.keys() == FORMATS.keys()


@pytest.mark.parametrize("kind", EXAMPLES)
@pytest.mark.parametrize("content", [b"", b"nothing\tof,the kind\n", b"\xff\xfe\x00", b"{}", b"[]"])
def test_another_file_is_refused(kind: MeasureFormat, content: bytes) -> None:
    with pytest.raises(InvalidMeasure, match=f"is not what {kind} is"):
        read_measures(kind, content)


def test_dragens_figures_over_the_whole_genome_have_no_targets() -> None:
    genome = COVERAGE.replace("QC coverage region", "genome")
    figures = read_measures("dragen-coverage", genome.encode())
    assert "on_target_fraction" not in figures
    assert figures["mean_depth"] == 31.25


@pytest.mark.parametrize(
    "figures",
    ['{"called_haploid": 1}', '{"called_haploid": "1"}',
     '{"called_haploid": 2, "haploid_variants": 0, "mixed_haploid_sites": 0}',
     '{"called_haploid": 0, "haploid_variants": 0, "mixed_haploid_sites": 3}'],
)  # fmt: skip
def test_copies_that_can_t_be_are_refused(figures: str) -> None:
    with pytest.raises(InvalidMeasure, match="is not what haploid is"):
        read_measures("haploid", figures.encode())


@pytest.mark.parametrize("rows", ["", "0,0\n", "1,2,3\nx,y\n", "5\n"])
def test_a_histogram_without_a_base_or_with_other_rows_is_refused(rows: str) -> None:
    with pytest.raises(InvalidMeasure, match="is not what dragen-histogram is"):
        read_measures("dragen-histogram", f"Depth,Overall\n{rows}".encode())


def test_stats_of_nothing_mapped_have_no_insert_size() -> None:
    nothing = "\n".join(line for line in STATS.splitlines() if not line.startswith("IS\t"))
    assert "insert_size_median" not in read_measures("samtools-stats", nothing.encode())


def test_depth_with_a_figure_of_another_name_is_refused() -> None:
    with pytest.raises(InvalidMeasure, match="deepness"):
        read_measures("depth", json.dumps({**DEPTH, "deepness": 1}).encode())


def test_dragens_read_groups_have_figures_of_their_own() -> None:
    lanes = read_lanes("dragen-mapping", MAPPING.encode())
    assert lanes == {
        "FC.1": {"primary_out": 600, "mapped": 570, "both_mapped": 560, "properly_paired": 555},
        "FC.2": {"primary_out": 400},
    }


@pytest.mark.parametrize("kind", sorted(EXAMPLES.keys() - {"dragen-mapping"}))
def test_other_files_say_nothing_of_lanes(kind: MeasureFormat) -> None:
    assert read_lanes(kind, EXAMPLES[kind][0].encode()) == {}


def test_lanes_are_judged_by_figures_that_files_of_lanes_have() -> None:
    of_primers = FORMATS["primers"].metrics
    for kind in ("flagstat", "dragen-mapping"):
        assert FORMATS[kind].metrics | of_primers >= LANE_FIGURES
