"""Reading of files on this machine's disks."""

from __future__ import annotations

from pathlib import Path

from photosearch.errors import PhotoError
from photosearch.files import open_regular
from photosearch.sources.budget import read_at_most


def read_file(path: Path | str, max_bytes: int) -> bytes:
    """Read a photo's file; raise `PhotoError` when it is missing, unreadable or larger than `max_bytes`."""
    try:
        with open_regular(path) as file:
            data = read_at_most(file, max_bytes)
    except FileNotFoundError as error:
        raise PhotoError("the file is no longer there") from error
    except OSError as error:
        raise PhotoError(f"the file cannot be read: {error.strerror or error}") from error
    if data is None:
        raise PhotoError(f"the file is larger than {max_bytes // 1_000_000} MB")
    return data
