"""How far a mate's process is with its file, in memory that the runner shares with it."""

import mmap

_BYTES, _READS = 0, 1


class Tally:
    """Written by the process for each piece of text, read by the runner whenever it likes.

    Each number is one aligned word, which is never seen half written. It is made before the fork.
    """

    def __init__(self) -> None:
        """Nothing is read yet."""
        self._shared = memoryview(mmap.mmap(-1, mmap.PAGESIZE)).cast("Q")

    def note(self, compressed_bytes: int, reads: int) -> None:
        """So much is read. A file that is read once more does not count back."""
        shared = self._shared
        if compressed_bytes > shared[_BYTES]:
            shared[_BYTES], shared[_READS] = compressed_bytes, reads

    @property
    def compressed_bytes(self) -> int:
        """Of the file."""
        return self._shared[_BYTES]

    @property
    def reads(self) -> int:
        """Whole records that were found right."""
        return self._shared[_READS]
