"""Checksums of parts combined into the checksum of the whole, without the bytes.

A CRC is a remainder of polynomials over GF(2). To put ``n`` bytes behind others shifts their CRC by
``8n`` bits, which is a multiplication by ``x^8n`` modulo the CRC's polynomial; the CRC of those
bytes is then added. That holds for CRCs that begin with and are inverted by the same value, as all
of these do (zlib's ``crc32_combine`` works so).
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple


class _Crc(NamedTuple):
    bits: int
    polynomial: int
    """With the lowest power first, as the checksum's bits are."""


CRCS = {
    "CRC32": _Crc(32, 0xEDB88320),
    "CRC32C": _Crc(32, 0x82F63B78),
    "CRC64NVME": _Crc(64, 0x9A6C9329AC4BC9B5),
}
"""S3's names; polynomials from RFC 1952, RFC 3720 and the NVM command set specification."""


def combine(algorithm: str, parts: Iterable[tuple[int, int]]) -> int:
    """The CRC of all parts one behind the other, from each part's CRC and its size in bytes."""
    crc, whole = CRCS[algorithm], 0
    for checksum, size in parts:
        whole = _multiply(crc, whole, _power_of_x(crc, 8 * size)) ^ checksum
    return whole


def _multiply(crc: _Crc, left: int, right: int) -> int:
    """The product modulo the polynomial; the highest bit is the lowest power."""
    product = 0
    for bit in range(crc.bits - 1, -1, -1):
        if left >> bit & 1:
            product ^= right
        right = right >> 1 ^ (crc.polynomial if right & 1 else 0)
    return product


@lru_cache(maxsize=64)
def _power_of_x(crc: _Crc, exponent: int) -> int:
    """``x^exponent`` modulo the polynomial, by squaring."""
    power, square = 1 << crc.bits - 1, 1 << crc.bits - 2
    while exponent:
        if exponent & 1:
            power = _multiply(crc, power, square)
        square = _multiply(crc, square, square)
        exponent >>= 1
    return power
