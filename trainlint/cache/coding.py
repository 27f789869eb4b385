"""Values of the cache as bytes: packed, then compressed. What cannot be read back is no value."""

from __future__ import annotations

import zlib
from typing import Any, TypeVar

from trainlint.cache.packing import pack, unpack
from trainlint.cache.store import MOST_VALUE

Value = TypeVar("Value")

_LEVEL = 1
_MOST_DECODED = 8 * MOST_VALUE


def encode(value: Any) -> bytes:
    """The bytes of a value."""
    return zlib.compress(pack(value), _LEVEL)


def decode(data: bytes | None, kind: type[Value]) -> Value | None:
    """The value that bytes hold; None where they hold no such value."""
    if data is None:
        return None
    stream = zlib.decompressobj()
    try:
        packed = stream.decompress(data, _MOST_DECODED)
    except (zlib.error, MemoryError):
        return None
    return unpacked(packed, kind) if stream.eof else None


def unpacked(packed: bytes, kind: type[Value]) -> Value | None:
    """What was packed; None where that is no such value."""
    try:
        return unpack(packed, kind)
    except (ValueError, TypeError, RecursionError, MemoryError):
        # Errors of msgspec are ValueErrors; of the wrong type it is told by a TypeError.
        return None
