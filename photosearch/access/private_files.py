"""Small files that only their owner may read: the key of sessions, the hashes of tokens."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from photosearch.files import write_whole
from photosearch.library.reserve import Reserve

MODE = 0o600


def write_private(path: Path, content: bytes) -> None:
    """Write a file whole in a library's folder, readable by its owner only; raises `OSError`.

    On a full disk it takes the space that the library keeps for itself: a token must be revoked there, too.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        _write(path, content)
    except OSError as error:
        if error.errno != errno.ENOSPC or not Reserve(path.parent).give_up():
            raise
        _write(path, content)


def _write(path: Path, content: bytes) -> None:
    with write_whole(path) as part:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, MODE)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
