"""Memory that photos take while they are read: all readers of the process share it, so that their sum is bounded.

Small photos are read side by side. A photo that turns out larger waits until no other large one is in memory.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

SMALL_BYTES = 24_000_000  # eight readers take 200 MB together, and a large photo 250 MB beside them
_CHUNK_BYTES = 1 << 20

_large = threading.Lock()
_reader = threading.local()  # of each thread: whether it reads within the budget, and whether it holds `_large`


@contextmanager
def reading_one_photo() -> Iterator[None]:
    """Keep what the thread reads in the block within the budget; its bytes are to be dropped when the block ends."""
    _reader.is_bounded, _reader.has_large = True, False
    try:
        yield
    finally:
        _reader.is_bounded = False
        if _reader.has_large:
            _reader.has_large = False
            _large.release()


def expect_bytes(n_bytes: int) -> None:
    """Wait until the photo that this thread reads may take so many bytes of memory."""
    if n_bytes > SMALL_BYTES and getattr(_reader, "is_bounded", False) and not _reader.has_large:
        _large.acquire()
        _reader.has_large = True


def read_at_most(stream: BinaryIO, max_bytes: int) -> bytes | None:
    """Read a stream to its end, within the budget; return None when it has more than `max_bytes`."""
    chunks: list[bytes] = []
    n_bytes = 0
    while chunk := stream.read(_CHUNK_BYTES):
        n_bytes += len(chunk)
        if n_bytes > max_bytes:
            return None
        chunks.append(chunk)
        expect_bytes(n_bytes)
    return b"".join(chunks)
