"""Files that are whole and hold no read: right for a control, and for anybody else a question."""

from collections.abc import Iterable

import msgspec

from seqdrop.domain.read_name import FastqHead

ENDED_WITHOUT_READS = "a control without template, and without a read in any file: as it should be"
"""Why such a sample ends without a run."""


class NoReads(msgspec.Struct, frozen=True):
    """What a file begins with that is whole gzip and has no read, as demultiplexers write it for a
    control: gzip of nothing, or the last block of blocked gzip alone.
    """


def is_rightly_empty(files: Iterable[FastqHead | NoReads], *, is_control: bool) -> bool:
    """Whether a sample ends without a run: a control, by its manifest, in whose files no read is.

    All files have to be there. One read in one of them is what a control is sequenced for.
    """
    heads = list(files)
    return is_control and bool(heads) and all(isinstance(head, NoReads) for head in heads)


def why_without_reads(mate: FastqHead | NoReads | None = None) -> str:
    """Why a file without reads holds a sample, to follow its name; ``mate`` is the other one of its
    lane, where that is known. Nobody is asked to upload again what is right as it is.
    """
    if isinstance(mate, FastqHead):
        return (
            "there is no read in it, but in its mate there are: its reads were lost before it was "
            "uploaded; make both anew from the run, and upload them"
        )
    return (
        "there is no read in it, and the file is whole. A control: say so in its manifest "
        '("control": true), and it ends by itself. A lane that gave no reads: drop a manifest of '
        "the sample that leaves it out. A sample that should have reads: look at its index in the "
        "demultiplexing"
    )
