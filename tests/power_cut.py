"""What a power cut would leave: a test asks what was forced to the disk by then, and takes the rest away."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest


class Disk:
    """What is on the disk by now: files whose content was forced there, and the names that folders had by then."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._files: set[int] = set()
        self._names: dict[int, set[str]] = {}
        sync = os.fsync

        def note(number: int) -> None:
            status = os.fstat(number)
            if stat.S_ISDIR(status.st_mode):
                self._names[status.st_ino] = set(os.listdir(number))
            else:
                self._files.add(status.st_ino)
            sync(number)

        monkeypatch.setattr(os, "fsync", note)

    def has_name(self, path: Path, root: Path) -> bool:
        """Whether a file or folder is found from `root` on, which is on the disk."""
        above = [path, *(folder for folder in path.parents if folder.is_relative_to(root) and folder != root)]
        return all(one.name in self._names.get(one.parent.stat().st_ino, ()) for one in above)

    def has_content(self, path: Path) -> bool:
        """Whether what was written to a file is there."""
        return path.stat().st_ino in self._files
