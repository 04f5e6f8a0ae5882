"""Messages between the process that wants pictures decoded and the one that decodes: a JSON header and byte strings.

Nothing is pickled: who decodes a malicious picture may have been taken over by it.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import BinaryIO

from photosearch.records import Details, TextKind

_SIZE = struct.Struct("<Q")
_MAX_HEADER_BYTES = 15_000_000  # all texts at their longest, in escapes
MAX_TEXT_CHARS, MAX_TEXTS = 10_000, 200  # of one photo; cameras and people write less
Header = Mapping[str, object]


class BrokenOff(Exception):
    """The other process has ended, or what it sends is no message (`is_odd`)."""

    def __init__(self, *, is_odd: bool = False) -> None:
        super().__init__()
        self.is_odd = is_odd


def send(stream: BinaryIO, header: Header, blobs: Sequence[bytes] = ()) -> None:
    """Write a message; raises `OSError` when nobody reads it."""
    text = json.dumps({**header, "blobs": [len(blob) for blob in blobs]}).encode()
    stream.write(_SIZE.pack(len(text)) + text)
    for blob in blobs:
        stream.write(blob)
    stream.flush()


def receive(stream: BinaryIO, max_bytes: int) -> tuple[Header, list[bytes]]:
    """Read a message whose byte strings take at most `max_bytes` together; raises `BrokenOff`."""
    (n_bytes,) = _SIZE.unpack(_exactly(stream, _SIZE.size))
    if n_bytes > _MAX_HEADER_BYTES:
        raise BrokenOff(is_odd=True)
    try:
        header = json.loads(_exactly(stream, n_bytes))
        sizes = [int(size) for size in header["blobs"]]
    except (ValueError, TypeError, KeyError) as error:
        raise BrokenOff(is_odd=True) from error
    if any(size < 0 for size in sizes) or sum(sizes) > max_bytes:
        raise BrokenOff(is_odd=True)
    return header, [_exactly(stream, size) for size in sizes]


def as_json(details: Details) -> dict[str, object]:
    """Return what is known of a photo's details; its texts are cut to what the library keeps of them at most."""
    facts = {
        name: {"time": value.isoformat()} if isinstance(value, datetime) else value
        for name, value in details.known.items()
    }
    return {"facts": facts, "texts": [(kind, text[:MAX_TEXT_CHARS]) for kind, text in details.texts[:MAX_TEXTS]]}


def from_json(details: object) -> Details:
    """Return the details that `as_json` has written; raises `LookupError`, `TypeError` or `ValueError` for others."""
    if not isinstance(details, dict):
        raise TypeError("these are no details")
    facts = {name: _time_or_value(value) for name, value in details["facts"].items()}
    texts = tuple((TextKind(kind), str(text)) for kind, text in details["texts"])
    return Details(**facts, texts=texts)  # type: ignore[arg-type]


def _time_or_value(value: object) -> object:
    if isinstance(value, dict):
        return datetime.fromisoformat(value["time"])
    if not isinstance(value, str | int | float):
        raise TypeError("this is no fact")
    return value


def _exactly(stream: BinaryIO, n_bytes: int) -> bytes:
    data = stream.read(n_bytes)
    if len(data) != n_bytes:
        raise BrokenOff
    return data
