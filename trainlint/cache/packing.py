"""Facts as bytes and back: what is kept between runs, and what processes hand each other."""

from __future__ import annotations

import json
from typing import TypeVar

import msgspec

Value = TypeVar("Value")

_QUICK, _ANY_TEXT = b"m", b"j"
_encoder = msgspec.msgpack.Encoder()


def pack(value: object) -> bytes:
    """Structs, or containers of them, as bytes."""
    try:
        return _QUICK + _encoder.encode(value)
    except UnicodeEncodeError:
        # Lone surrogates: file names that are no UTF-8, texts written with escapes like "\ud800".
        return _ANY_TEXT + json.dumps(msgspec.to_builtins(value, str_keys=True)).encode("ascii")


def unpack(data: bytes, kind: type[Value]) -> Value:
    """What `pack` was given. Raises msgspec.DecodeError or ValueError for bytes that are not its."""
    if data[:1] == _ANY_TEXT:
        return msgspec.convert(json.loads(data[1:]), kind, str_keys=True)
    return msgspec.msgpack.decode(memoryview(data)[1:], type=kind)
