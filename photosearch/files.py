"""Files on disk: written whole or not at all, under names that every system accepts."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

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


def clean_name(name: str, n_bytes: int = MAX_NAME_BYTES) -> str:
    """Return a name without characters that some system refuses in a file's name, at most `n_bytes` long in UTF-8.

    Nothing may be left of it: the result is empty for "..".
    """
    cut = name.encode("utf-8", "replace")[:n_bytes].decode("utf-8", "ignore")
    return _REFUSED.sub("_", cut).strip(". ")
