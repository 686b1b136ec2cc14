"""Stand-in for the `bcftools` command on pysam: `python -m local.tools.bcftools view …`."""

from local.tools.pysam_command import main

if __name__ == "__main__":
    main("bcftools")
