"""Space that a library keeps for itself, so that something can still be removed when the disk is full."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

FILE_NAME = "reserve"
N_BYTES = 16_000_000  # a transaction that removes some hundred photos writes two or three megabytes


class Reserve:
    """A file of zeros in the library's folder, given up when the disk is full and made again when it is not."""

    def __init__(self, folder: Path) -> None:
        """Take the folder; nothing is written yet."""
        self._folder = folder
        self._path = folder / FILE_NAME

    def fill(self) -> None:
        """Write the file unless it is there; without enough free space, do nothing."""
        with suppress(OSError):
            if self._path.exists() or shutil.disk_usage(self._folder).free < 4 * N_BYTES:
                return
            part = self._path.with_name(f"{FILE_NAME}.{os.getpid()}.part")
            try:
                with part.open("wb") as file:
                    _allocate(file, N_BYTES)
                part.chmod(0o600)
                part.replace(self._path)
            finally:
                part.unlink(missing_ok=True)

    def is_disk_full(self) -> bool:
        """Tell whether there is less free space than a removal may need."""
        with suppress(OSError):
            return shutil.disk_usage(self._folder).free < N_BYTES
        return False

    def give_up(self) -> bool:
        """Delete the file; return whether that made space."""
        try:
            self._path.unlink()
        except OSError:
            return False
        return True

    @contextmanager
    def spent(self) -> Iterator[None]:
        """Give the file up for the block where the disk is full, and make it again afterwards."""
        if self.is_disk_full():
            self.give_up()
        try:
            yield
        finally:
            self.fill()


def _allocate(file: BinaryIO, n_bytes: int) -> None:
    """Take space for a file of zeros; raise `OSError` where there is not enough."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file.fileno(), 0, n_bytes)
    else:
        file.write(bytes(n_bytes))
