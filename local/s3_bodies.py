"""An object that finds no room on the disk gives back what it took.

moto keeps an object that is too large for memory in a nameless file. Where the disk is full, the
half of it that was written stays until Python happens to collect it: there is then no room even
for a smaller one.
"""

from contextlib import suppress
from typing import Any

from moto.s3.models import FakeKey

_stock_value = FakeKey.value


def _write(key: Any, value: bytes) -> None:
    try:
        _stock_value.fset(key, value)
    except OSError:
        with suppress(OSError):  # to close it is to try once more to write what is left
            key._value_buffer.close()
        raise


def install() -> None:
    """Patches moto in this process; doing it twice is doing it once."""
    FakeKey.value = property(_stock_value.fget, _write)


def uninstall() -> None:
    """Gives moto its own property back."""
    FakeKey.value = _stock_value
