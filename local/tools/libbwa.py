"""The C functions of bwa inside pybwa's extension module, called directly.

pybwa's own `align` copies reads base by base, gives no insert sizes and needs a `.dict`. The
extension exports bwa's functions, so they are called as bwa's `main` would. The layouts below are
those of the pinned version; `load` refuses any other.
"""

import ctypes
import ctypes.util
import importlib.metadata
import sys
from functools import cache

import pybwa.libbwaindex
import pybwa.libbwamem

PYBWA_VERSION = "2.3.2"
BWA_VERSION = "0.7.18-r1243"

IDX_ALL = 7
MEM_F_PE = 0x2
MEM_F_NO_MULTI = 0x10
MEM_F_SOFTCLIP = 0x200


class MemOptions(ctypes.Structure):
    """The first fields of bwa's `mem_opt_t`; bwa allocates the whole of it."""

    _fields_ = (
        ("scores_and_penalties", ctypes.c_int * 11),
        ("max_mem_intv", ctypes.c_uint64),
        ("min_output_score", ctypes.c_int),
        ("flag", ctypes.c_int),
        ("min_seed_len", ctypes.c_int),
        ("min_chain_weight", ctypes.c_int),
        ("max_chain_extend", ctypes.c_int),
        ("split_factor", ctypes.c_float),
        ("split_width", ctypes.c_int),
        ("max_occ", ctypes.c_int),
        ("max_chain_gap", ctypes.c_int),
        ("n_threads", ctypes.c_int),
        ("chunk_size", ctypes.c_int),
    )


class PairStatistics(ctypes.Structure):
    """bwa's `mem_pestat_t`: the insert sizes of one orientation."""

    _fields_ = (
        ("low", ctypes.c_int),
        ("high", ctypes.c_int),
        ("failed", ctypes.c_int),
        ("mean", ctypes.c_double),
        ("sd", ctypes.c_double),
    )


class Index(ctypes.Structure):
    """bwa's `bwaidx_t`: the FM index, the sequence names and the packed sequence."""

    _fields_ = (
        ("bwt", ctypes.c_void_p),
        ("bns", ctypes.c_void_p),
        ("pac", ctypes.c_void_p),
    )


class Bam(ctypes.Structure):
    """htslib's `bam1_t`: one alignment record."""

    _fields_ = (
        ("pos", ctypes.c_int64),
        ("tid", ctypes.c_int32),
        ("bin", ctypes.c_uint16),
        ("mapq", ctypes.c_uint8),
        ("l_extranul", ctypes.c_uint8),
        ("flag", ctypes.c_uint16),
        ("l_qname", ctypes.c_uint16),
        ("n_cigar", ctypes.c_uint32),
        ("l_seq", ctypes.c_int32),
        ("mate_tid", ctypes.c_int32),
        ("mate_pos", ctypes.c_int64),
        ("tlen", ctypes.c_int64),
        ("id", ctypes.c_uint64),
        ("data", ctypes.c_void_p),
        ("l_data", ctypes.c_int),
    )


class Records(ctypes.Structure):
    """pybwa's `bams_t`: the records of one read, the primary one first."""

    _fields_ = (
        ("count", ctypes.c_int),
        ("capacity", ctypes.c_int),
        ("bams", ctypes.POINTER(ctypes.POINTER(Bam))),
    )


class Text(ctypes.Structure):
    """htslib's `kstring_t`."""

    _fields_ = (("length", ctypes.c_size_t), ("size", ctypes.c_size_t), ("s", ctypes.c_void_p))


_P, _I = ctypes.c_void_p, ctypes.c_int
_MEM_SIGNATURES = {
    "mem_opt_init": (ctypes.POINTER(MemOptions),),
    "bwa_idx_infer_prefix": (_P, ctypes.c_char_p),
    "bwa_idx_load": (ctypes.POINTER(Index), ctypes.c_char_p, _I),
    "bwa_set_rg": (_P, ctypes.c_char_p),
    "bwa_format_sam_hdr": (None, _P, _P, ctypes.POINTER(Text)),
    "mem_process_seqs": (None, _P, _P, _P, _P, ctypes.c_int64, _I, _P, _P, _P),
    "bams_destroy": (None, _P),
    "bam_aux_get": (_P, _P, ctypes.c_char_p),
    "bam_aux2i": (ctypes.c_int64, _P),
    "sam_hdr_parse": (_P, ctypes.c_size_t, _P),
    "sam_hdr_write": (_I, _P, _P),
    "sam_write1": (_I, _P, _P, _P),
    "hts_open": (_P, ctypes.c_char_p, ctypes.c_char_p),
    "hts_close": (_I, _P),
}


@cache
def load() -> ctypes.CDLL:
    """Opens pybwa's extension as a C library."""
    found = importlib.metadata.version("pybwa")
    if found != PYBWA_VERSION:
        raise RuntimeError(f"pybwa {PYBWA_VERSION} is needed, {found} is installed")
    library = ctypes.CDLL(pybwa.libbwamem.__file__, use_errno=True)
    for name, (result, *arguments) in _MEM_SIGNATURES.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


def build_index(fasta: str, prefix: str) -> int:
    """Writes bwa's five index files of a FASTA beside `prefix`; returns bwa's exit code."""
    library = ctypes.CDLL(pybwa.libbwaindex.__file__)
    automatic, block_bases = 0, 10_000_000
    code: int = library.bwa_idx_build(fasta.encode(), prefix.encode(), automatic, block_bases)
    return code


def set_verbosity(level: int) -> None:
    """Sets what bwa prints on its standard error; at 3 and over it reports insert sizes."""
    ctypes.c_int.in_dll(load(), "bwa_verbose").value = level


class CapturedStderr:
    """What C code prints on `stderr`, kept in memory; the file descriptor is not touched."""

    def __enter__(self) -> "CapturedStderr":
        self._libc = ctypes.CDLL(None)
        self._libc.open_memstream.restype = _P
        self._libc.fclose.argtypes = (_P,)
        self._libc.free.argtypes = (_P,)
        self._buffer, self._size = _P(), ctypes.c_size_t()
        name = "__stderrp" if sys.platform == "darwin" else "stderr"
        self._slot = _P.in_dll(self._libc, name)
        self._saved = self._slot.value
        self._stream = self._libc.open_memstream(
            ctypes.byref(self._buffer), ctypes.byref(self._size)
        )
        self._slot.value = self._stream
        return self

    def __exit__(self, *_: object) -> None:
        self._slot.value = self._saved
        self._libc.fclose(self._stream)
        self.text = ctypes.string_at(self._buffer, self._size.value).decode(errors="replace")
        self._libc.free(self._buffer)
