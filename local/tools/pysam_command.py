"""Runs the samtools and bcftools programs inside pysam as if they were on PATH.

pysam's own wrappers hold standard error back until the end and turn exit codes into exceptions.
Its extension modules export the programs' entry points, so they are called on this process' own
standard streams.
"""

import ctypes
import os
import signal
import sys
from typing import NoReturn

import pysam.libcbcftools
import pysam.libcsamtools

_MODULES = {
    "samtools": pysam.libcsamtools.__file__,
    "bcftools": pysam.libcbcftools.__file__,
}
STDOUT, STDERR = 1, 2
_IONBF = 2


def _unbuffer(library: ctypes.CDLL, stream: str) -> None:
    """Shows messages when they are printed, and keeps them if the process is killed."""
    address = ctypes.c_void_p.in_dll(library, stream)
    ctypes.CDLL(None).setvbuf(address, None, _IONBF, ctypes.c_size_t(0))


def run(program: str, arguments: list[str]) -> int:
    """Runs one samtools or bcftools command line on this process' streams; returns its code."""
    library = ctypes.CDLL(_MODULES[program])
    getattr(library, f"{program}_set_stdout")(os.dup(STDOUT))
    getattr(library, f"{program}_set_stderr")(os.dup(STDERR))
    _unbuffer(library, f"{program}_stderr")
    getattr(library, f"{program}_set_stdout_fn")(b"-")
    argv = [program.encode(), *map(os.fsencode, arguments)]
    c_argv = (ctypes.c_char_p * (len(argv) + 1))(*argv, None)
    code: int = getattr(library, f"{program}_dispatch")(len(argv), c_argv)
    # Some subcommands close their stream themselves, so all are flushed and none is closed.
    flushed = ctypes.CDLL(None).fflush(None) == 0
    return code if code or flushed else 1


def main(program: str) -> NoReturn:
    """Runs the program with this process' arguments, and ends with its exit code."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # end quietly with a closed pipe
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Python cannot see an interrupt inside C
    sys.exit(run(program, sys.argv[1:]) & 0xFF)
