"""Files on disk: written whole or not at all, under names that every system accepts."""

from __future__ import annotations

import errno
import os
import re
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

MAX_NAME_BYTES = 255  # of one file's name, on most file systems
PART = ".part"  # ends the names of files that are still being written
_REFUSED = re.compile(r'[\x00-\x1f<>:"/\\|?*]')  # by Windows; other systems refuse fewer


@contextmanager
def write_whole(path: Path) -> Iterator[Path]:
    """Yield a path beside `path` to write to; it gets the name `path` when the block ends without an error.

    A file that was there stays as it is until then. After an error nothing of the new one is left.

    Raises:
        OSError: the file cannot be written or renamed, or its folder is missing.
    """
    part = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}{PART}")
    try:
        yield part
        part.replace(path)
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def read_regular(path: Path, max_bytes: int | None = None) -> bytes:
    """Return a file's bytes, up to `max_bytes`; a pipe, socket or device is refused, since reading it could block.

    Raises:
        OSError: the file is missing, cannot be read, or is none.
    """
    with open_regular(path) as file:
        return file.read() if max_bytes is None else file.read(max_bytes)


def open_regular(path: Path) -> BinaryIO:
    """Open a file for reading; raise `OSError` for a pipe, socket or device, at once."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "it is no regular file", str(path))
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def clean_name(name: str, n_bytes: int = MAX_NAME_BYTES) -> str:
    """Return a name without characters that some system refuses in a file's name, at most `n_bytes` long in UTF-8.

    Nothing may be left of it: the result is empty for "..".
    """
    cut = name.encode("utf-8", "replace")[:n_bytes].decode("utf-8", "ignore")
    return _REFUSED.sub("_", cut).strip(". ")
