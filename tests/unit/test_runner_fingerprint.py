"""What `seqdrop-tool fingerprint` makes of mpileup's counts."""

from runner.tools.fingerprint import fingerprint, read_counts
from seqdrop.domain.contamination import LEAST_SITES
from seqdrop.domain.fingerprint_sites import Site

HEAD = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tbam\n"


def row(position: int, ref: str, alts: str, depths: str) -> str:
    return f"c\t{position}\t.\t{ref}\t{alts}\t0\t.\tDP=9\tPL:AD\t0,1,2:{depths}\n"


def test_reads_are_counted_for_each_base_with_and_without_a_reference() -> None:
    text = HEAD + row(5, "N", "C,A,<*>", "0,20,3,0") + row(9, "g", "<*>", "12,0")
    counts = read_counts(text.splitlines(keepends=True))
    assert counts == {
        ("c", 5): {"N": 0, "C": 20, "A": 3, "<*>": 0},
        ("c", 9): {"G": 12, "<*>": 0},
    }


def test_alleles_are_those_of_the_site_whatever_else_was_read() -> None:
    counts = {
        ("c", 1): {"N": 0, "A": 10, "G": 10, "T": 9},
        ("c", 2): {"T": 30},
        ("c", 3): {"A": 0, "C": 40, "<*>": 0},
    }
    sites = [Site("c", n, "A", "C" if n == 3 else "G") for n in (1, 2, 3, 4)]
    made = fingerprint(sites, counts)
    assert made.genotypes == {"c:1:A:G": "0/1", "c:3:A:C": "1/1"}
    assert made.metrics == {"fingerprint_sites": 2}


def test_contamination_is_told_with_sites_enough() -> None:
    sites = [Site("c", n, "A", "G", 0.5) for n in range(1, LEAST_SITES + 1)]
    counts = {("c", site.position): {"AG"[site.position % 2]: 30} for site in sites}
    assert fingerprint(sites, counts).metrics == {
        "fingerprint_sites": LEAST_SITES, "contamination": 0.0,
    }  # fmt: skip
    assert "contamination" not in fingerprint(sites[1:], counts).metrics
