"""Stand-in for the `bwa` command on pybwa: `python -m local.tools.bwa index|mem …`."""

import argparse
import logging
import os
import shlex
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NoReturn

from local.tools import libbwa
from local.tools.bwa_align import Aligner, BwaFailed, SamWriter
from local.tools.bwa_pairs import given_insert_sizes
from local.tools.fastq_reads import BadFastq, read_chunks

logger = logging.getLogger("bwa")

CHUNK_BASES_PER_THREAD = 10_000_000

USAGE = f"""
Program: bwa (alignment via Burrows-Wheeler transformation)
Version: {libbwa.BWA_VERSION} (inside pybwa {libbwa.PYBWA_VERSION}; index and mem only)

Usage:   bwa <command> [options]

Command: index         index sequences in the FASTA format
         mem           BWA-MEM algorithm
"""


class _Parser(argparse.ArgumentParser):
    """Ends with bwa's exit code 1 on a wrong command line."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(1, f"[E::bwa] {message}\n")


def _index_parser() -> _Parser:
    parser = _Parser(prog="bwa index", allow_abbrev=False, add_help=False)
    parser.add_argument("-p", dest="prefix", metavar="PREFIX")
    parser.add_argument("fasta", metavar="in.fasta")
    return parser


def _mem_parser() -> _Parser:
    parser = _Parser(prog="bwa mem", allow_abbrev=False, add_help=False)
    parser.add_argument("-t", dest="threads", type=int, default=1)
    parser.add_argument("-K", dest="chunk_bases", type=int, default=0)
    parser.add_argument("-R", dest="read_group")
    parser.add_argument("-Y", dest="soft_clip", action="store_true")
    parser.add_argument("-M", dest="mark_secondary", action="store_true")
    parser.add_argument("-I", dest="insert_sizes", type=given_insert_sizes)
    parser.add_argument("-v", dest="verbosity", type=int, default=3)
    parser.add_argument("-o", dest="output", default="-")
    parser.add_argument("prefix", metavar="idxbase")
    parser.add_argument("reads", metavar="in.fq", nargs="+")
    return parser


def _index(arguments: list[str]) -> int:
    options = _index_parser().parse_args(arguments)
    if not Path(options.fasta).is_file():
        raise BwaFailed(f"fail to open file '{options.fasta}'")
    return libbwa.build_index(options.fasta, options.prefix or options.fasta)


def _program_line(arguments: list[str]) -> str:
    command = shlex.join(["bwa", "mem", *arguments]).replace("\t", "\\t")
    return f"@PG\tID:bwa\tPN:bwa\tVN:{libbwa.BWA_VERSION}\tCL:{command}"


def _mem(arguments: list[str]) -> int:
    parser = _mem_parser()
    options = parser.parse_args(arguments)
    if len(options.reads) > 2:
        parser.error("more than two files of reads")
    aligner = Aligner(
        options.prefix,
        threads=max(1, options.threads),
        flags=(libbwa.MEM_F_SOFTCLIP if options.soft_clip else 0)
        | (libbwa.MEM_F_NO_MULTI if options.mark_secondary else 0),
        verbosity=options.verbosity,
        read_group=options.read_group,
        insert_sizes=options.insert_sizes,
    )
    chunk_bases = options.chunk_bases or CHUNK_BASES_PER_THREAD * max(1, options.threads)
    writer = SamWriter(options.output, aligner.header(_program_line(arguments)))
    _align_all(aligner, writer, options.reads, chunk_bases)
    writer.close()
    return 0


def _align_all(aligner: Aligner, writer: SamWriter, reads: list[str], chunk_bases: int) -> None:
    """Reads the next chunk and writes the last one while one is aligned."""
    chunks = read_chunks(reads, chunk_bases)
    with ThreadPoolExecutor(2) as pool:
        upcoming = pool.submit(next, chunks, None)
        written = None
        while (chunk := upcoming.result()) is not None:
            upcoming = pool.submit(next, chunks, None)
            aligned = aligner.align(chunk)
            if written is not None:
                written.result()
            written = pool.submit(writer.write, aligned)
        if written is not None:
            written.result()


def main(arguments: list[str]) -> int:
    """Runs one bwa command; returns the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # end quietly with a closed pipe, as bwa does
    command = {"index": _index, "mem": _mem}.get(arguments[0]) if arguments else None
    if command is None:
        if arguments:
            logger.error("[main] unrecognized command '%s'", arguments[0])
        logger.error("%s", USAGE)
        return 1
    try:
        return command(arguments[1:])
    except (BwaFailed, BadFastq, OSError) as error:
        logger.error("[E::bwa] %s", error)
        return 1


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stderr.flush()
    # A reader of a FIFO that nobody writes any more would keep an ordinary exit waiting.
    os._exit(code)
