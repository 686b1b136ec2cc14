"""What tools say when they fail, and whose move it is: theirs, their machine's, or the licence's.

Tools end with the same code for many reasons, so their last words decide; words that nobody has
seen are TOOL_FAILED. Those of disk and memory were made with the tools themselves (htslib 1.16, bwa
0.7.17, a full device, a limited memory). Those of the board are of Illumina's manual, of its quick
start for AWS, and of AWS's FPGA tools. No text of a licence that failed is public: a line must
speak of the licence, and say what is wrong with it.
"""

import re

from seqdrop.domain.failure import FailureClass

_SILENT_LOSS = re.compile(r"\[E::bgzf_(close|flush)\] file write (failed|error)", re.IGNORECASE)
_LICENCE = r"licen[sc]e\b[^\n]*"
_ANY_TOOL = (
    (r"no space left on device|disk quota exceeded", FailureClass.DISK_FULL),
    # bwa asks for this much where its index is broken
    (r"failed to allocate 1844674\d{13} bytes", FailureClass.TOOL_FAILED),
    (r"cannot allocate memory|std::bad_alloc|^memoryerror\b", FailureClass.OUT_OF_MEMORY),
    (r"\bout of memory\b|(couldn't|unable to) allocate memory", FailureClass.OUT_OF_MEMORY),
    (r"could not allocate \d+ bytes of memory", FailureClass.OUT_OF_MEMORY),
)
_DRAGEN = (
    (r"issue has been detected with the dragen card", FailureClass.BAD_BOARD),
    (r"dragen board is in a bad state|dragen requires a reset", FailureClass.BAD_BOARD),
    (r"over temperature alarm has been triggered", FailureClass.BAD_BOARD),
    (r"could not do initial partial reconfig program", FailureClass.BAD_BOARD),
    (r"error: \(\d+\) (busy|hardware-busy|afi-load-timeout|pci-device-missing|unresponsive"
     r"|afi-command-malformed|cl-ddr-calib-failed|unspecified-error|afi-power-violation)",
     FailureClass.BAD_BOARD),
    (_LICENCE + r"(credential|password)[^\n]*(invalid|rejected|failed|wrong|not accepted)",
     FailureClass.BAD_PLAN),
    (_LICENCE + r"(unauthori[sz]ed|forbidden)", FailureClass.BAD_PLAN),
    (_LICENCE + r"(expired|exceeded|exhausted|used up|not valid|invalid|denied)",
     FailureClass.LICENCE_EXHAUSTED),
    (_LICENCE + r"(unreachable|not reachable|timed out|refused|(could|can) ?not connect"
     r"|failed to connect|no response|unavailable)", FailureClass.LICENCE_UNAVAILABLE),
    (r"(could not|cannot|can't|failed to|unable to) (connect to|reach|contact)[^\n]*licen[sc]e",
     FailureClass.LICENCE_UNAVAILABLE),
)  # fmt: skip


def class_of_tool(program: str, said: str) -> FailureClass:
    """The class of a tool's bad end, from the last lines of its pipe."""
    texts = (*_DRAGEN, *_ANY_TOOL) if program == "dragen" else _ANY_TOOL
    for pattern, failure in texts:
        if re.search(pattern, said, re.IGNORECASE | re.MULTILINE):
            return failure
    return FailureClass.TOOL_FAILED


def has_lost_output(said: str) -> bool:
    """Whether a tool says that it could not write, though it may end with 0.

    ``bcftools view -Oz`` of htslib 1.16 does so where a small output does not fit on the disk.
    """
    return bool(_SILENT_LOSS.search(said))
