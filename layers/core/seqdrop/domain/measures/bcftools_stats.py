"""``bcftools stats -s -``: counts of variants, of one sample.

https://samtools.github.io/bcftools/bcftools.html#stats
"""

_COUNTS = {
    "number of SNPs": "snps",
    "number of indels": "indels",
}
NAMES = frozenset((*_COUNTS.values(), "transitions", "transversions", "het_calls", "hom_calls"))


def read(content: bytes) -> dict[str, float]:
    """Counts of records, and of the sample's SNP genotypes: ``het_calls`` and ``hom_calls``.

    A record with several alleles counts in each of its kinds.
    """
    figures: dict[str, float] = {}
    for line in content.decode().splitlines():
        fields = line.split("\t")
        if fields[0] == "SN" and fields[2].rstrip(":") in _COUNTS:
            figures[_COUNTS[fields[2].rstrip(":")]] = int(fields[3])
        elif fields[0] == "TSTV":
            figures["transitions"], figures["transversions"] = int(fields[2]), int(fields[3])
        elif fields[0] == "PSC":
            figures["hom_calls"], figures["het_calls"] = int(fields[4]), int(fields[5])
    if not set(_COUNTS.values()) <= figures.keys():
        raise ValueError("it lacks the summary numbers of SNPs and indels")
    return figures
