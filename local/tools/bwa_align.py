"""bwa mem over chunks of reads: C memory in, mended alignment records out."""

import ctypes
import logging
import os
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from local.tools import libbwa
from local.tools.bwa_pairs import (
    Sizes,
    is_near_mean,
    is_preferred,
    parse_insert_sizes,
    sizes_by_position,
    sizes_by_read,
)
from local.tools.fastq_reads import LINES, Chunk

logger = logging.getLogger(__name__)

PAIRED_PROPER, UNMAPPED, MATE_UNMAPPED, REVERSE, MATE_REVERSE = 0x2, 0x4, 0x8, 0x10, 0x20
FIRST, SECOND = 0x41, 0x81
HARD_CLIP = 5
INT_MAX = 2**31 - 1

_WORDS = 6  # bwa's bseq1_t in 64-bit words: length and id, name, comment, bases, qualities, bams
_NUL_ENDED = bytes.maketrans(b"\n", b"\0")
_RecordsPointer = ctypes.POINTER(libbwa.Records)


class BwaFailed(Exception):
    """bwa's C code refused its input."""


@dataclass
class AlignedChunk:
    """bwa's sequences and their records; the buffers own the memory that C points into."""

    words: "array[int]"
    buffers: list[bytearray]
    sizes: Sizes
    paired: bool

    def records(self) -> Iterator[tuple[int, libbwa.Records]]:
        """Each read's index and records, in the input's order."""
        for index, address in enumerate(self.words[_WORDS - 1 :: _WORDS]):
            yield index, ctypes.cast(address, _RecordsPointer).contents


def _fill(words: "array[int]", lines: list[bytes], mate: int, mates: int) -> bytearray:
    """Lays out one mate's reads for C, and returns the text that the words point into."""
    text = bytearray(b"".join(lines).translate(_NUL_ENDED))
    base = ctypes.addressof(ctypes.c_char.from_buffer(text))
    starts = array("Q", accumulate(map(len, lines[:-1]), initial=base))
    step, at = mates * _WORDS, mate * _WORDS
    words[at::step] = array("Q", [len(bases) - 1 for bases in lines[1::LINES]])
    words[at + 1 :: step] = array("Q", [start + 1 for start in starts[0::LINES]])
    words[at + 3 :: step] = starts[1::LINES]
    words[at + 4 :: step] = starts[3::LINES]
    return text


class Aligner:
    """bwa mem with its default scores on one loaded index."""

    def __init__(
        self, prefix: str, *, threads: int, flags: int, verbosity: int, read_group: str | None,
        insert_sizes: Sizes | None = None,
    ) -> None:  # fmt: skip
        """``insert_sizes`` are given ones, instead of each chunk's own."""
        self._lib = libbwa.load()
        libbwa.set_verbosity(verbosity)
        self._verbosity = verbosity
        # bwa's own loader ends the process where a file is missing, so look first.
        if not Path(f"{prefix}.bwt").is_file():
            raise BwaFailed(f"fail to locate the index files of {prefix}")
        self._index = self._lib.bwa_idx_load(prefix.encode(), libbwa.IDX_ALL).contents
        self._options = self._lib.mem_opt_init().contents
        self._options.n_threads = threads
        self._options.flag |= flags
        self.read_group = self._set_read_group(read_group)
        self._given_sizes = insert_sizes
        self._statistics = _statistics(insert_sizes) if insert_sizes else None
        self._processed = 0

    def _set_read_group(self, line: str | None) -> bytes | None:
        if line is None:
            return None
        address = self._lib.bwa_set_rg(line.encode())
        if not address:
            raise BwaFailed("the read group line is not valid")
        return ctypes.string_at(address)

    def header(self, program_line: str) -> bytes:
        """The SAM header: sequences, read group, program."""
        text = libbwa.Text()
        self._lib.bwa_format_sam_hdr(self._index.bns, None, ctypes.byref(text))
        lines = ctypes.string_at(text.s, text.length)
        if self.read_group:
            lines += self.read_group + b"\n"
        return lines + program_line.encode() + b"\n"

    def align(self, chunk: Chunk) -> AlignedChunk:
        """Aligns one chunk; its pairs' insert sizes are measured on it alone, as bwa does."""
        mates = len(chunk.mates)
        words = array("Q", bytes(8 * _WORDS * chunk.reads))
        buffers = [_fill(words, lines, i, mates) for i, lines in enumerate(chunk.mates)]
        self._options.flag |= libbwa.MEM_F_PE if mates == 2 else 0
        report = self._process(words, chunk.reads)
        sizes = self._given_sizes or parse_insert_sizes(report)
        return AlignedChunk(words, buffers, sizes, mates == 2)

    def _process(self, words: "array[int]", reads: int) -> str:
        libbwa.set_verbosity(max(self._verbosity, 3))
        with libbwa.CapturedStderr() as captured:
            self._lib.mem_process_seqs(
                ctypes.byref(self._options),
                self._index.bwt,
                self._index.bns,
                self._index.pac,
                self._processed,
                reads,
                words.buffer_info()[0],
                self._statistics,
                None,
            )
        self._processed += reads
        if self._verbosity >= 3:
            logger.info("%s", captured.text.rstrip("\n"))
        return captured.text


def _statistics(sizes: Sizes) -> "ctypes.Array[libbwa.PairStatistics]":
    """Given insert sizes as bwa's own main lays them out."""
    rows = [(s.low, s.high, 0, s.mean, s.sd) if s else (0, 0, 1, 0.0, 0.0) for s in sizes]
    return (libbwa.PairStatistics * len(rows))(*(libbwa.PairStatistics(*row) for row in rows))


class SamWriter:
    """Mends records and writes them as SAM text."""

    def __init__(self, path: str, header: bytes) -> None:
        self._lib = libbwa.load()
        self._header = self._lib.sam_hdr_parse(len(header), header)
        self._out = self._lib.hts_open(path.encode(), b"w")
        if not self._out:
            raise _last_error(f"cannot write {path}")
        self._must(self._lib.sam_hdr_write(self._out, self._header))

    def _must(self, code: int) -> None:
        if code < 0:
            raise _last_error("writing SAM failed")

    def write(self, chunk: AlignedChunk) -> None:
        """Writes a chunk's records and frees them."""
        flags = (0, 0)
        first: libbwa.Records | None = None
        for index, records in chunk.records():
            if chunk.paired and index % 2 == 0:
                first = records
                continue
            if first is not None:
                proper = PAIRED_PROPER if self._is_proper(first, records, chunk.sizes) else 0
                flags = (FIRST | proper, SECOND | proper)
                self._write_read(chunk, index - 1, first, flags[0])
            self._write_read(chunk, index, records, flags[1])

    def _write_read(
        self, chunk: AlignedChunk, index: int, records: libbwa.Records, flags: int
    ) -> None:
        for number in range(records.count):
            record = records.bams[number]
            bam = record.contents
            bam.flag |= flags | _mate_strand(bam.flag)
            if number and bam.flag & REVERSE:
                _mend_bases(bam, chunk.words[_WORDS * index : _WORDS * (index + 1)])
            self._must(self._lib.sam_write1(self._out, self._header, record))
        self._lib.bams_destroy(ctypes.addressof(records))

    def _is_proper(
        self,
        first: libbwa.Records,
        second: libbwa.Records,
        sizes: Sizes,
    ) -> bool:
        bam = first.bams[0].contents
        flag, tlen = bam.flag, bam.tlen
        if flag & (UNMAPPED | MATE_UNMAPPED) or bam.tid != bam.mate_tid:
            return False
        view = (sizes, bool(flag & REVERSE), bool(flag & MATE_REVERSE), tlen)
        bounds = sizes_by_position(*view)
        # bwa judges split reads, and pairs that score nothing, by read 1's orientation alone.
        if bounds is not None and first.count == second.count == 1:
            if is_near_mean(bounds, tlen):
                return True
            preferred = is_preferred(bounds, tlen, self._score(first) + self._score(second))
            if preferred is not None:
                return preferred
        return sizes_by_read(*view) is not None

    def _score(self, records: libbwa.Records) -> int:
        score: int = self._lib.bam_aux2i(self._lib.bam_aux_get(records.bams[0], b"AS"))
        return score

    def close(self) -> None:
        """Flushes; an error here means that the output is not whole."""
        self._must(self._lib.hts_close(self._out))


def _last_error(doing: str) -> OSError:
    """Why the C library failed: the runner tells a full disk by its words."""
    return OSError(f"{doing}: {os.strerror(ctypes.get_errno())}")


def _mate_strand(flag: int) -> int:
    """bwa puts an unmapped mate on the read's own strand; pybwa forgets to say so."""
    alone_and_reverse = flag & (UNMAPPED | MATE_UNMAPPED | REVERSE) == MATE_UNMAPPED | REVERSE
    return MATE_REVERSE if alone_and_reverse else 0


def _mend_bases(bam: libbwa.Bam, words: "array[int]") -> None:
    """Rebuilds a hard-clipped record's bases: pybwa cuts a reverse one at the wrong ends."""
    cigar_at = bam.data + bam.l_qname
    cigar = array("I", ctypes.string_at(cigar_at, 4 * bam.n_cigar))
    left, right = (op >> 4 if op & 0xF == HARD_CLIP else 0 for op in (cigar[0], cigar[-1]))
    if left == right:
        return
    length, bases_address = words[0] & INT_MAX, words[3]
    codes = ctypes.string_at(bases_address, length)  # 0 to 4 for A, C, G, T, N
    kept = codes[right : length - left]
    nibbles = [(8, 4, 2, 1, 15)[code] for code in reversed(kept)]
    nibbles += [0] * (len(nibbles) % 2)
    packed = bytes(high << 4 | low for high, low in zip(nibbles[0::2], nibbles[1::2], strict=True))
    ctypes.memmove(cigar_at + 4 * bam.n_cigar, packed, len(packed))
