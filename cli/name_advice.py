"""What `seqdrop upload` makes of names: as the bucket would, by this copy's name patterns."""

import unicodedata
from collections.abc import Collection
from functools import cache

from seqdrop.domain import name_advice, naming
from seqdrop.domain.errors import UnplaceableFile
from seqdrop.domain.litter import why_litter
from seqdrop.domain.name_advice import holds_reads, why_aside, why_unpaired
from seqdrop.domain.name_patterns import NamePatterns
from seqdrop.domain.naming import FastqName

__all__ = ["holds_reads", "why_aside"]

_NOT_IN_XML = "\ufffe\uffff"


@cache
def name_patterns() -> NamePatterns:
    """Those of this copy of Seqdrop, read when they are first asked for."""
    from cli.stack import PIPELINES
    from seqdrop.library import Library

    return Library(str(PIPELINES)).name_patterns()


def parse_fastq_name(key: str) -> FastqName:
    """What a key's last part says. Raises UnplaceableFile where it fits no pattern."""
    return naming.parse_fastq_name(key, name_patterns())


def why_left_out(name: str) -> str:
    """Why a file of this name takes no part, wherever it is found; "" where it may."""
    if why := why_litter(name) or why_unpaired(name):
        return why
    try:
        return parse_fastq_name(name).left_out
    except UnplaceableFile:
        return ""


def why_no_key(name: str) -> str:
    """Why a file of this name can't be in a bucket, where listings are XML in UTF-8, and its name
    a line of text; "" where it can.
    """
    if any(unicodedata.category(c) == "Cs" for c in name):
        return "its name is not in UTF-8: rename it"
    if any(unicodedata.category(c) == "Cc" or c in _NOT_IN_XML for c in name):
        return "its name has a line end or another control character in it: rename it"
    return ""


def advice(name: str, taken: Collection[str] = ()) -> str:
    """What to do with a file whose name fits nothing; ``taken`` are names that can't be given."""
    return name_advice.advice(name, name_patterns(), taken)


def proposed_name(name: str) -> str:
    """A name that fits, with the same mate of the same sample, as far as it can be told; or ""."""
    return name_advice.proposed_name(name, name_patterns())
