"""Stand-in for the `samtools` command on pysam: `python -m local.tools.samtools view …`."""

from local.tools.pysam_command import main

if __name__ == "__main__":
    main("samtools")
