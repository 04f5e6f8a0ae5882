"""Small files that nobody else may read: sessions, and where a listing stands."""

from __future__ import annotations

import json
import os
from pathlib import Path

from photosearch.errors import LibraryError
from photosearch.files import write_whole

_FOLDER_MODE = 0o700
_FILE_MODE = 0o600


def folder_within(library: Path) -> Path:
    """Return the folder for Instagram within a library's folder; it is made when something is written."""
    return library / "instagram"


def write_private(path: Path, content: object) -> None:
    """Write JSON, whole or not at all, readable by its owner alone from the first byte; raises `LibraryError`."""
    try:
        path.parent.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        path.parent.chmod(_FOLDER_MODE)  # it may have been there before
        with write_whole(path) as part:
            part.unlink(missing_ok=True)
            handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE_MODE)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(content, file)
                file.flush()
                os.fsync(file.fileno())
    except OSError as error:
        raise LibraryError(
            f'"{path}" cannot be written: {error.strerror}. Free some space, or check the access rights.'
        ) from error


def read_json(path: Path) -> object:
    """What such a file holds, None where it is missing, unreadable or damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
