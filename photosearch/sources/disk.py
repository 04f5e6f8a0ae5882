"""Reading of files on this machine's disks."""

from __future__ import annotations

from pathlib import Path

from photosearch.errors import PhotoError
from photosearch.files import read_regular


def read_file(path: Path, max_bytes: int) -> bytes:
    """Read a photo's file; raise `PhotoError` when it is missing, unreadable or larger than `max_bytes`."""
    try:
        data = read_regular(path, max_bytes + 1)
    except FileNotFoundError as error:
        raise PhotoError("the file is no longer there") from error
    except OSError as error:
        raise PhotoError(f"the file cannot be read: {error.strerror or error}") from error
    if len(data) > max_bytes:
        raise PhotoError(f"the file is larger than {max_bytes // 1_000_000} MB")
    return data
