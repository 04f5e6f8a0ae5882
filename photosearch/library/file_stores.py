"""Where a library's pictures can be kept: the interface, and a folder. An object store is in `object_store`.

Files are named by paths such as "thumbnails/ab/abcd.jpg", with slashes on every system.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from photosearch.files import force_to_disk, make_folder, mode_within, read_regular, write_whole


@dataclass(frozen=True)
class StoredFile:
    """A file in a store."""

    name: str
    n_bytes: int
    modified_at: float  # seconds since 1970, by the clock of whoever keeps the file


class FileStore(Protocol):
    """Keeps files by name. Use from any thread; all methods raise `OSError` for what fails."""

    title: str  # what messages call it
    is_on_disk: bool  # whether its files take space on a disk of this machine

    def read(self, name: str) -> bytes:
        """Return a file's bytes; raises `FileNotFoundError` where there is none."""
        ...

    def write(self, name: str, data: bytes, *, is_remade: bool = False) -> None:
        """Write a file whole or not at all; `is_remade`: it may be lost in a power cut, since it can be made again."""
        ...

    def size(self, name: str) -> int | None:
        """Return a file's size in bytes, None where there is none."""
        ...

    def delete(self, names: Sequence[str]) -> dict[str, OSError]:
        """Delete those of the files that exist; return which cannot be deleted, and why."""
        ...

    def files(self, folder: str) -> Iterator[StoredFile]:
        """Yield the files in a folder and its subfolders, those half written, too; none where there is no folder."""
        ...


class FolderStore:
    """A folder of a file system."""

    is_on_disk = True

    def __init__(self, folder: Path, title: str) -> None:
        self.folder = folder
        self.title = title

    def read(self, name: str) -> bytes:
        """Return a file's bytes; raises `OSError`, also for pipes and devices."""
        return read_regular(self.folder / name)

    def write(self, name: str, data: bytes, *, is_remade: bool = False) -> None:
        """Write a file that those can read who can read the folder, as `FileStore.write` says."""
        path = self.folder / name
        make_folder(path.parent)
        with write_whole(path, is_remade=is_remade) as part:
            part.write_bytes(data)
            part.chmod(mode_within(self.folder))
        if not is_remade:  # its folders may be new, and their names are lost in a power cut as files' are
            for above in path.relative_to(self.folder).parents[:-1]:
                force_to_disk((self.folder / above).parent)

    def size(self, name: str) -> int | None:
        """Return a file's size in bytes, None where there is none."""
        try:
            return (self.folder / name).stat().st_size
        except (FileNotFoundError, NotADirectoryError):
            return None

    def delete(self, names: Sequence[str]) -> dict[str, OSError]:
        """Delete those of the files that exist; return which cannot be deleted, and why."""
        failed: dict[str, OSError] = {}
        for name in names:
            try:
                (self.folder / name).unlink(missing_ok=True)
            except OSError as error:
                failed[name] = error
        return failed

    def files(self, folder: str) -> Iterator[StoredFile]:
        """Yield the files in a folder and its subfolders."""
        for parent, _, names in os.walk(self.folder / folder):
            for name in names:
                path = Path(parent, name)
                try:
                    status = path.lstat()
                except FileNotFoundError:
                    continue  # deleted meanwhile
                within = path.relative_to(self.folder).as_posix()
                yield StoredFile(within, status.st_size, status.st_mtime)
