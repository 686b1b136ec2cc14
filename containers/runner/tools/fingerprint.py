"""``seqdrop-tool fingerprint``: genotypes at fixed SNPs, from what ``bcftools mpileup`` counted.

Standard input is mpileup's VCF over the sites, with FORMAT/AD. Written is a fingerprint (see
``domain/fingerprint.py``) with how many sites are typed and, where there are enough of them, the
share of another person's reads (see ``domain/contamination.py``).
"""

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

import msgspec

from seqdrop.domain.contamination import Counted, contamination
from seqdrop.domain.fingerprint import Fingerprint, genotype
from seqdrop.domain.fingerprint_sites import Site, parse_sites
from seqdrop.domain.text import text_lines

_Place = tuple[str, int]


def main(arguments: list[str]) -> int:
    """Writes the fingerprint of the sample whose reads were counted."""
    parser = argparse.ArgumentParser(prog="seqdrop-tool fingerprint", description=__doc__)
    parser.add_argument("sites", type=Path, help="VCF of the sites, as the reference has it")
    parser.add_argument("output", type=Path)
    options = parser.parse_args(arguments)
    with options.sites.open("rb") as lines:
        sites = parse_sites(text_lines(lines), file=options.sites.name).sites
    made = fingerprint(sites, read_counts(sys.stdin))
    text = msgspec.json.format(msgspec.json.encode(made, order="deterministic"), indent=1)
    options.output.write_bytes(text + b"\n")
    return 0


def read_counts(lines: Iterable[str]) -> dict[_Place, dict[str, int]]:
    """Reads of each base at each place of mpileup's VCF."""
    counts = {}
    for line in lines:
        if line.startswith("#"):
            continue
        contig, position, _, ref, alts, _, _, _, names, values = line.rstrip("\n").split("\t")
        depths = values.split(":")[names.split(":").index("AD")].split(",")
        alleles = (ref, *alts.split(","))
        counts[contig, int(position)] = {
            allele.upper(): int(depth) for allele, depth in zip(alleles, depths, strict=True)
        }
    return counts


def fingerprint(sites: Iterable[Site], counts: dict[_Place, dict[str, int]]) -> Fingerprint:
    """What the reads at the sites say of a sample."""
    genotypes, counted = {}, []
    for site in sites:
        bases = counts.get((site.contig, site.position), {})
        ref, alt = bases.get(site.ref, 0), bases.get(site.alt, 0)
        others = sum(bases.values()) - ref - alt
        counted.append(Counted(ref, alt, others, site.frequency))
        if found := genotype(ref, alt):
            genotypes[site.id] = found
    metrics: dict[str, float] = {"fingerprint_sites": len(genotypes)}
    share = contamination(counted)
    if share is not None:
        metrics["contamination"] = round(share, 4)
    return Fingerprint(genotypes, metrics)
