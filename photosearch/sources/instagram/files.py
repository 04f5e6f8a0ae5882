"""Small JSON files that only their owner may read: sessions, and how far a profile has been listed."""

from __future__ import annotations

import json
import os
from pathlib import Path

from photosearch.errors import LibraryError
from photosearch.files import write_whole

_FOLDER_MODE = 0o700
_FILE_MODE = 0o600


def folder_within(library: Path) -> Path:
    """Return the path of the folder for Instagram in a library's folder; `write_private` makes the folder."""
    return library / "instagram"


def write_private(path: Path, content: object) -> None:
    """Write `content` as JSON, whole or not at all, into a file that only its owner can read from its first byte on.

    Raises:
        LibraryError: the file cannot be written.
    """
    try:
        path.parent.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        path.parent.chmod(_FOLDER_MODE)  # an existing folder keeps its mode in mkdir
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
    """Return the content of a JSON file, None if it is missing, unreadable or damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
