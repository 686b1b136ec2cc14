"""Whether S3 tells that two objects are the same bytes: CRCs of parts, and what says nothing."""

import base64
import hashlib
import zlib
from collections.abc import Callable
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqdrop.domain.crc import CRCS, combine
from seqdrop.domain.sameness import (
    Fingerprints,
    Part,
    Verdict,
    compare,
    fingerprints,
)

CHECK = {"CRC32": 0xCBF43926, "CRC32C": 0xE3069283, "CRC64NVME": 0xAE8B14860A799888}
"""Of ``123456789``, as the catalogue of parametrised CRC algorithms has them."""


def crc(algorithm: str, data: bytes) -> int:
    """The checksum, bit by bit."""
    ones = (1 << CRCS[algorithm].bits) - 1
    found = ones
    for byte in data:
        found ^= byte
        for _ in range(8):
            found = found >> 1 ^ (CRCS[algorithm].polynomial if found & 1 else 0)
    return found ^ ones


def sha256(data: bytes) -> str:
    return base64.b64encode(hashlib.sha256(data).digest()).decode()


def in_base64(algorithm: str, data: bytes) -> str:
    """A CRC as S3 writes it."""
    return base64.b64encode(
        crc(algorithm, data).to_bytes(CRCS[algorithm].bits // 8, "big")
    ).decode()


def of_algorithm(algorithm: str) -> Callable[[bytes], str]:
    return sha256 if algorithm == "SHA256" else lambda data: in_base64(algorithm, data)


def put_whole(data: bytes, *algorithms: str, kms: bool = False) -> Fingerprints:
    """An object that came in one piece."""
    checksums = {name: of_algorithm(name)(data) for name in algorithms}
    etag = hashlib.md5(data, usedforsecurity=False).hexdigest()
    return fingerprints(len(data), etag, checksums, is_of_parts=False, is_etag_digest=not kms)


def put_in_parts(data: bytes, cuts: list[int], *algorithms: str, kms: bool = False) -> Fingerprints:
    """An object that came in parts, with checksums of the parts' checksums."""
    pieces = [data[a:b] for a, b in pairwise([0, *cuts, len(data)])]
    parts = tuple(
        Part(len(piece), {name: of_algorithm(name)(piece) for name in algorithms})
        for piece in pieces
    )
    composite = {
        name: of_algorithm(name)(b"".join(base64.b64decode(p.checksums[name]) for p in parts))
        + f"-{len(parts)}"
        for name in algorithms
    }
    md5s = b"".join(hashlib.md5(piece, usedforsecurity=False).digest() for piece in pieces)
    etag = f"{hashlib.md5(md5s, usedforsecurity=False).hexdigest()}-{len(parts)}"
    return fingerprints(
        len(data), etag, composite, is_of_parts=True, is_etag_digest=not kms, parts=parts
    )


@pytest.mark.parametrize("algorithm", list(CRCS))
def test_the_polynomials_are_those_of_the_catalogue(algorithm: str) -> None:
    assert crc(algorithm, b"123456789") == CHECK[algorithm]


@pytest.mark.parametrize("algorithm", list(CRCS))
@given(st.lists(st.binary(max_size=40), max_size=6))
def test_the_crcs_of_parts_make_the_crc_of_the_whole(algorithm: str, parts: list[bytes]) -> None:
    combined = combine(algorithm, [(crc(algorithm, part), len(part)) for part in parts])
    assert combined == crc(algorithm, b"".join(parts))


def test_large_parts_are_combined_as_zlib_counts_them() -> None:
    parts = [bytes([n]) * (8 * 2**20) for n in range(3)] + [b"rest"]
    combined = combine("CRC32", [(zlib.crc32(part), len(part)) for part in parts])
    assert combined == zlib.crc32(b"".join(parts))


DATA = bytes(range(256)) * 4
OTHER = DATA[:-1] + b"\0"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (put_whole(DATA, "CRC32"), put_in_parts(DATA, [300], "CRC32")),
        (put_whole(DATA, "CRC32C", kms=True), put_in_parts(DATA, [300, 700], "CRC32C", kms=True)),
        (put_in_parts(DATA, [300], "CRC32"), put_in_parts(DATA, [500, 900], "CRC32")),
        (put_whole(DATA, "CRC32"), put_whole(DATA, "CRC64NVME")),  # by the MD5 that both ETags are
        (put_whole(DATA), put_whole(DATA)),
        (put_whole(DATA, "SHA256"), put_in_parts(DATA, [], "SHA256")),
        (put_in_parts(DATA, [300], "SHA256"), put_in_parts(DATA, [300], "SHA256", kms=True)),
        (put_in_parts(DATA, [300]), put_in_parts(DATA, [300])),
        (put_whole(b""), put_whole(b"", "CRC32", kms=True)),
    ],
)
def test_the_same_bytes_are_seen_wherever_s3_can_tell(
    one: Fingerprints, other: Fingerprints
) -> None:
    assert compare(one, other).verdict is Verdict.SAME
    assert compare(other, one).verdict is Verdict.SAME


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (put_whole(DATA), put_whole(DATA[1:])),
        (put_whole(DATA, kms=True), put_whole(DATA[1:], kms=True)),
        (put_whole(DATA), put_whole(OTHER)),
        (put_whole(DATA, "CRC32", kms=True), put_in_parts(OTHER, [300], "CRC32")),
        (put_in_parts(DATA, [300], "SHA256"), put_in_parts(OTHER, [300], "SHA256")),
        (put_in_parts(DATA, [300], "CRC32"), put_in_parts(OTHER, [700], "CRC32")),
    ],
)
def test_other_bytes_are_seen_wherever_s3_can_tell(one: Fingerprints, other: Fingerprints) -> None:
    assert compare(one, other).verdict is Verdict.DIFFERENT
    assert compare(other, one).verdict is Verdict.DIFFERENT


@pytest.mark.parametrize(
    ("one", "other", "why"),
    [
        (
            put_whole(DATA, "CRC32", kms=True),
            put_whole(DATA, "CRC64NVME"),
            "CRC32 of one, CRC64NVME, MD5 of the other",
        ),
        (
            put_whole(DATA, "SHA256", kms=True),
            put_in_parts(DATA, [300], "SHA256"),
            "SHA256 of one, ETag of parts, SHA256 of parts of the other",
        ),
        (put_in_parts(DATA, [300]), put_in_parts(DATA, [500]), "ETag of parts"),
        (put_whole(DATA, kms=True), put_whole(DATA, kms=True), "no checksum of one"),
    ],
)
def test_what_s3_can_not_tell_is_unknown_and_says_what_there_is(
    one: Fingerprints, other: Fingerprints, why: str
) -> None:
    said = compare(one, other)
    assert said.verdict is Verdict.UNKNOWN
    assert why in said.why


def test_parts_that_are_not_all_of_the_object_are_not_taken_for_the_whole() -> None:
    composite = put_in_parts(DATA, [300, 700], "CRC32", kms=True)
    some = msgspec.structs.replace(composite, parts=composite.parts[:-1])
    assert compare(some, put_whole(DATA, "CRC32")).verdict is Verdict.UNKNOWN


CUTS = st.lists(st.integers(1, 79), max_size=4, unique=True).map(sorted)
WAYS = st.tuples(
    CUTS, st.sets(st.sampled_from(["CRC32", "CRC32C", "CRC64NVME", "SHA256"])), st.booleans()
)


@given(
    st.binary(min_size=80, max_size=80),
    st.binary(min_size=80, max_size=80) | st.none(),
    WAYS,
    WAYS,
    st.booleans(),
)
def test_a_verdict_is_never_wrong_however_two_objects_were_put(
    data: bytes,
    changed: bytes | None,
    first: tuple[list[int], set[str], bool],
    second: tuple[list[int], set[str], bool],
    whole: bool,
) -> None:
    cuts, algorithms, kms = first
    one = put_whole(data, *algorithms, kms=kms) if whole else put_in_parts(
        data, cuts, *algorithms, kms=kms
    )  # fmt: skip
    cuts, algorithms, kms = second
    other_data = data if changed is None else changed
    verdict = compare(one, put_in_parts(other_data, cuts, *algorithms, kms=kms)).verdict
    assert verdict in {Verdict.UNKNOWN, Verdict.SAME if other_data == data else Verdict.DIFFERENT}


def test_parts_are_worth_asking_for_only_where_there_are_checksums_of_them() -> None:
    composite = put_in_parts(DATA, [300], "CRC32")
    bare = Fingerprints(composite.size, composite.whole, composite.of_parts)
    assert bare.may_have_parts
    assert not composite.may_have_parts
    assert not put_whole(DATA, "CRC32").may_have_parts
    assert not Fingerprints(4, of_parts={"ETag": "0-2"}).may_have_parts
