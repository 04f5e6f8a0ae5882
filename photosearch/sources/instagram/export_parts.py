"""The parts of an Instagram export: ZIPs, and folders that a browser or a person unpacked."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from photosearch.errors import PhotoError, SourceError
from photosearch.sources.archive import MAX_MEMBERS, Archives, Member
from photosearch.sources.disk import read_file


class Part(Protocol):
    """A ZIP or a folder, with its files by their paths in it."""

    path: Path

    def names(self) -> Iterable[str]:
        """Return the paths of its files, with slashes."""

    def stamp(self, name: str) -> str:
        """Return a text that changes with a file's content; raise `PhotoError` where the file cannot be read."""

    def address(self, name: str) -> str:
        """Return where the library finds the file's bytes later."""

    def read(self, name: str, max_bytes: int) -> bytes:
        """Read a file; raise `PhotoError` where that fails, or where it is larger than `max_bytes`."""


class ZipPart:
    """A part in a ZIP."""

    def __init__(self, path: Path, archives: Archives) -> None:
        """Open the ZIP; raise `SourceError` as `Archive` does."""
        self.path = path
        self._archives = archives
        self._archive = archives.open(path)

    def names(self) -> Iterable[str]:
        """Return the paths of its files."""
        return self._archive.names()

    def stamp(self, name: str) -> str:
        """Return a text that changes with the content; raise `PhotoError` for a member that is refused."""
        member = self._archive.member(name)
        if member is None:
            raise PhotoError("the ZIP no longer holds it")
        if member.refusal:
            raise PhotoError(member.refusal)
        return member.stamp

    def address(self, name: str) -> str:  # noqa: ARG002
        """Return the path of the ZIP; the photo's key says which member it is."""
        return str(self.path)

    def read(self, name: str, max_bytes: int) -> bytes:
        """Read a member; raise `PhotoError` as `Archives.read` does."""
        return self._archives.read(self.path, name, max_bytes)


class FolderPart:
    """A part in a folder; links are not followed."""

    def __init__(self, path: Path) -> None:
        """List the folder's files; raise `SourceError` where it has too many."""
        self.path = path
        self._names: list[str] = []
        for parent, _, files in os.walk(path):
            prefix = Path(parent).relative_to(path).as_posix()
            self._names += (name if prefix == "." else f"{prefix}/{name}" for name in files)
            if len(self._names) > MAX_MEMBERS:
                raise SourceError(f'"{path}" holds more than {MAX_MEMBERS:,} files. Add the export\'s own folder.')
        self._names = sorted(name for name in self._names if name == name.encode("utf-8", "replace").decode("utf-8"))

    def names(self) -> Iterable[str]:
        """Return the paths of its files, in alphabetical order."""
        return self._names

    def stamp(self, name: str) -> str:
        """Return size and time of the last change; raise `PhotoError` for links and other special files."""
        return file_stamp(self.path / name)

    def address(self, name: str) -> str:
        """Return the path of the file."""
        return str(self.path / name)

    def read(self, name: str, max_bytes: int) -> bytes:
        """Read a file; raise `PhotoError` where that fails."""
        self.stamp(name)  # opening a pipe could block for ever
        return read_file(self.path / name, max_bytes)


def file_stamp(path: Path) -> str:
    """Return a file's size and time of the last change; raise `PhotoError` for links and other special files."""
    try:
        status = path.lstat()
    except OSError as error:
        raise PhotoError(f"the file cannot be read: {error.strerror}") from error
    if not stat.S_ISREG(status.st_mode):
        raise PhotoError("this is a link or another special file")
    return f"{status.st_size}:{status.st_mtime_ns}"


def open_part(path: Path, archives: Archives) -> Part:
    """Open a part; raise `SourceError` where that fails."""
    return FolderPart(path) if path.is_dir() else ZipPart(path, archives)


def read_photo(photo_key: str, address: str, archives: Archives, max_bytes: int) -> bytes:
    """Read a listed photo's bytes; raise `PhotoError` where that fails.

    Args:
        photo_key: the photo's path in the export.
        address: the path of the ZIP that holds it, or that of the photo itself.
        archives: opens the ZIP, or has it open.
        max_bytes: a larger photo is refused.
    """
    path = Path(address)
    if path.suffix.lower() != ".zip":
        file_stamp(path)
        return read_file(path, max_bytes)
    member = find_in_zip(photo_key, path, archives)
    return archives.read(path, member.name if member else photo_key, max_bytes)


def find_in_zip(photo_key: str, path: Path, archives: Archives) -> Member | None:
    """Return the member of a ZIP that a photo's key means; raise `PhotoError` where the ZIP cannot be opened."""
    try:
        return archives.open(path).find(photo_key)
    except SourceError as error:
        raise PhotoError(str(error)) from error
