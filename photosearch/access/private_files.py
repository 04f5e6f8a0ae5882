"""Small files that only their owner may read: the key of sessions, the hashes of tokens."""

from __future__ import annotations

import os
from pathlib import Path

from photosearch.files import write_whole

MODE = 0o600


def write_private(path: Path, content: bytes) -> None:
    """Write a file whole, readable by its owner only; raises `OSError`."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with write_whole(path) as part:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, MODE)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
