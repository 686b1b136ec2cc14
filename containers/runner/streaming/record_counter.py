"""Every record of a FASTQ text looked at, many at a time, and counted."""

import numpy as np
from isal import isal_zlib

from runner.faults import FastqFault
from runner.streaming.mate_counts import BLOCK_READS, MOST_LANES, MateCounts
from runner.streaming.record_vectors import WORD, Lines, Records, Room, records_of
from seqdrop.domain.fastq_record import (
    BLANK_LINE_FAULT,
    CARRIAGE_RETURNS_FAULT,
    PADDING,
    has_carriage_returns_alone,
    record_fault,
    shown_bytes,
)

LONGEST_RECORD_BYTES = 64 * 2**20
"""More without a record's end is no FASTQ; the longest nanopore reads have some 4 Mbp."""

_SOME_ZEROS = np.zeros(256, np.uint8)
"""For a call that uses AVX. ISA-L leaves the upper halves of its registers in use, and until
some other code clears them (VZEROUPPER, as numpy's max does at its end) each SSE instruction
takes several times as long: a comparison of 1 MiB 120 µs instead of 19."""


class RecordCounter:
    """Takes a text that comes in pieces, cut anywhere."""

    def __init__(self) -> None:
        """No reads yet."""
        self.counts = MateCounts()
        self._room = Room()
        self._rest = b""
        self._only_blank_lines = False

    def feed(self, text: bytes | memoryview) -> None:
        """The next piece. Raises FastqFault with the first record that is wrong."""
        if self._only_blank_lines:
            self._check_blank(bytes(text))
            return
        _SOME_ZEROS.max()
        begin, size = len(self._rest), len(self._rest) + len(text)
        block = self._room.take("text", 2 * size + WORD)
        block[:begin] = np.frombuffer(self._rest, np.uint8)
        block[begin:size] = np.frombuffer(text, np.uint8)
        lines = Lines(block, size, self._room)
        self._rest = block[lines.end : size].tobytes()
        if records := lines.records():
            self._count(records)
        else:
            self._look_at_each(block[: lines.end].tobytes())
        if len(self._rest) > LONGEST_RECORD_BYTES:
            self._check_line_ends(self._rest)
            raise FastqFault(f"is not FASTQ: {self._record()} has no end")

    def finish(self) -> None:
        """No more pieces; the last line may lack its line end."""
        rest, self._rest = self._rest, b""
        if self._only_blank_lines or not rest.strip(b"\r\n"):
            return
        if self.counts.reads and not rest.strip(PADDING):
            others = shown_bytes(rest.translate(None, b"\r\n"))
            raise FastqFault(
                f"has bytes after its last record, number {self.counts.reads:,}, that are no line "
                f"ends ({others}): remove them"
            )
        header, *lines = (line.removesuffix(b"\r") for line in rest.split(b"\n"))
        if len(lines) != 3 or len(lines[0]) > len(lines[2]):
            if not header:
                raise FastqFault(f"is not FASTQ: {self._record()} {BLANK_LINE_FAULT}")
            self._check_line_ends(rest)
            reads = f"{self.counts.reads:,} reads"
            raise FastqFault(f"ends in the middle of a record after {reads}")
        self._look_at_each(rest + b"\n")

    @staticmethod
    def _check_line_ends(rest: bytes) -> None:
        if has_carriage_returns_alone(rest):
            raise FastqFault(CARRIAGE_RETURNS_FAULT)

    def _record(self) -> str:
        return f"record {self.counts.reads + 1:,}"

    def _check_blank(self, text: bytes) -> None:
        if text.strip(b"\r\n"):
            raise FastqFault(f"is not FASTQ: {self._record()} {BLANK_LINE_FAULT}")

    def _look_at_each(self, text: bytes) -> None:
        """The slow way, for whole records: the domain decides about each."""
        lines = [line.removesuffix(b"\r") for line in text.split(b"\n")[:-1]]
        right: list[list[bytes]] = []
        for index in range(0, len(lines), 4):
            record = lines[index : index + 4]
            if not record[0]:
                self._count(records_of(right))
                self._only_blank_lines = True
                self._check_blank(b"".join(lines[index:]) + self._rest)
                return
            if fault := record_fault(*record):
                number = self.counts.reads + len(right) + 1
                raise FastqFault(f"is not FASTQ: record {number:,} {fault}")
            right.append(record)
        self._count(records_of(right))

    def _count(self, records: Records) -> None:
        counts = self.counts
        counts.bases += records.bases
        counts.q30_bases += records.q30_bases
        counts.quality_min = min(counts.quality_min, records.quality_min)
        counts.quality_max = max(counts.quality_max, records.quality_max)
        if len(counts.lanes) < MOST_LANES:
            counts.lanes |= records.lanes
        done, reads = 0, len(records.names)
        while done < reads:
            if counts.reads % BLOCK_READS == 0:
                counts.names.append(0)
                counts.sequences.append(0)
            end = min(reads, done + BLOCK_READS - counts.reads % BLOCK_READS)
            counts.names[-1] = isal_zlib.crc32(records.names[done:end], counts.names[-1])
            counts.sequences[-1] = isal_zlib.crc32(
                records.sequences[done:end], counts.sequences[-1]
            )
            counts.reads += end - done
            done = end
