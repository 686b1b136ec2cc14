"""What tools say when they fail: real words, and words that only look like something else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqdrop.domain.failure import FailureClass
from seqdrop.domain.tool_failure import class_of_tool, has_lost_output

HEALTHY = """\
LICENSE_MSG| License server: https://license.dragen.illumina.com, connected ok
LICENSE_MSG| License Genome          : used 882.5/100000 Gbases since 2021-Nov-16 (0.9%)
LICENSE_MSG| Requested streams:empty
Downloading 4.3.6 HW bitstream (agfi-0123) - do not interrupt
INFO: Loaded empty agfi
"""
"""What DRAGEN says when all is well: no word of it may count."""


@pytest.mark.parametrize(
    ("program", "said", "expected"),
    [
        # disk
        ("samtools", "[E::bgzf_flush] File write failed (wrong size)\\nsamtools view: writing to "
         "\"/dev/full\" failed: No space left on device", "DiskFull"),
        ("samtools", "samtools sort: failed to create temporary file \"/tmp/x.0224.bam\": No space "
         "left on device", "DiskFull"),
        ("bwa", "[puts] No space left on device", "DiskFull"),
        ("sort", "sort: write failed: /tmp/sortZqagw9: No space left on device", "DiskFull"),
        ("bwa", "Disk quota exceeded", "DiskFull"),
        ("dragen", "write /scratch/x: No space left on device", "DiskFull"),
        # memory
        ("bwa", "[bwt_resample_sa] Failed to allocate 6191354832 bytes at bwt.c line 809: Cannot "
         "allocate memory", "OutOfMemory"),
        ("samtools", "samtools sort: couldn't allocate memory for bam_mem", "OutOfMemory"),
        ("samtools", "samtools sort: Out of memory", "OutOfMemory"),
        ("samtools", "[markdup] error, unable to allocate memory for x", "OutOfMemory"),
        ("bcftools", "Error: could not allocate 100 bytes of memory, try reducing --max-mem",
         "OutOfMemory"),
        ("tool", "terminate called after throwing an instance of 'std::bad_alloc'", "OutOfMemory"),
        ("tool", "Traceback (most recent call last):\\nMemoryError", "OutOfMemory"),
        # signs of memory that are none
        ("bwa", "[fread] Unexpected end of file", "ToolFailed"),
        ("bwa", "[bns_fasta2bntseq] Failed to allocate 0 bytes at bntseq.c line 303: Success",
         "ToolFailed"),
        ("bwa", "Failed to allocate 18446744025547218160 bytes at bwase.c line 66: Cannot allocate "
         "memory", "ToolFailed"),
        ("java", 'Exception in thread "main" java.lang.OutOfMemoryError: Java heap space',
         "ToolFailed"),  # its own limit: more memory would change nothing
        # the board
        ("dragen", "**  An issue has been detected with the dragen card.    **", "BadBoard"),
        ("dragen", "WARNING: FPGA software over temperature alarm has been triggered -- temp "
         "threshold: 85 (Chip status: 0x80000001)", "BadBoard"),
        ("dragen", "Dragen board is in a bad state - running dragen_reset", "BadBoard"),
        ("dragen", "Could not do initial Partial Reconfig program for FPGA", "BadBoard"),
        ("dragen", "Error: (20) pci-device-missing", "BadBoard"),
        ("dragen", "Error: (3) busy", "BadBoard"),
        ("dragen", "Error: (5) invalid-afi-id", "ToolFailed"),
        # the licence; these are made up: no real text is public of one that failed
        ("dragen", "ERROR: the license has expired", "LicenceExhausted"),
        ("dragen", "LICENSE_MSG| license quota exceeded", "LicenceExhausted"),
        ("dragen", "LICENSE_MSG| License server: https://license.dragen.illumina.com, timed out",
         "LicenceUnavailable"),
        ("dragen", "Failed to connect to the license server", "LicenceUnavailable"),
        ("dragen", "ERROR: license credentials are not accepted", "BadPlan"),
        # what only speaks of a licence, or of one that nobody asked for
        ("dragen", "Checking license, credentials file found", "ToolFailed"),
        ("dragen", "license timeout_seconds=30", "ToolFailed"),
        ("dragen", "LICENSE_MSG| License Somatic : used 0.0/0 Gbases", "ToolFailed"),
        # not DRAGEN's
        ("bwa", "ERROR: the license has expired", "ToolFailed"),
        # what nobody has seen, and what is the tool's own
        ("dragen", "Please set no more than one of fastq_list, fastq_list_rows and bam_input",
         "ToolFailed"),
        ("dragen", "FATAL: Caught signal Aborted (6)", "ToolFailed"),
        ("bwa", "the moon is in the wrong house", "ToolFailed"),
        ("bwa", "", "ToolFailed"),
    ],
)  # fmt: skip
def test_a_tools_words_decide(program: str, said: str, expected: str) -> None:
    assert class_of_tool(program, said.replace("\\n", "\n")) == expected
    if program == "dragen" and "Aborted" not in said:
        assert class_of_tool(program, HEALTHY + said) == expected


def test_what_dragen_says_when_all_is_well_is_no_cause() -> None:
    assert class_of_tool("dragen", HEALTHY) is FailureClass.TOOL_FAILED


@given(st.text(max_size=200), st.sampled_from(["dragen", "bwa"]))
def test_any_words_have_a_class(said: str, program: str) -> None:
    assert class_of_tool(program, said) in FailureClass


def test_a_tool_that_could_not_write_has_lost_its_output_whatever_its_code() -> None:
    assert has_lost_output("[E::bgzf_close] File write failed")
    assert has_lost_output("x\n[E::bgzf_close] file write error\n")
    assert not has_lost_output("[E::idx_find_and_load] Could not retrieve index file for 'x'")
