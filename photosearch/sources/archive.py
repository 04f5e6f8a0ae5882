"""Reading of ZIP files without unpacking them to the disk; what a ZIP says about its members is checked."""

from __future__ import annotations

import io
import stat
import struct
import threading
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from photosearch.errors import PhotoError, SourceError
from photosearch.files import open_regular
from photosearch.sources.budget import expect_bytes
from photosearch.sources.source import Resources
from photosearch.sources.zip_names import (
    HEADER_BYTES,
    header_name_bytes,
    leads_out,
    name_members,
    unmark_header,
    unmark_names,
)

MAX_MEMBERS = 1_000_000
MAX_RATIO = 100  # unpacked to packed size; photos hardly shrink, the JSON of an export shrinks to a twentieth
RATIO_MATTERS_BYTES = 10_000_000  # a smaller member does no harm, whatever its ratio
MAX_PEEKED_BYTES = 1_000_000_000  # of a file whose first bytes are looked at; a few of them are unpacked
MAX_SUM_RATIO = 20  # of all that is read of a ZIP to its own size
SUM_MATTERS_BYTES = 100_000_000
MAX_OPEN = 64  # ZIPs open at the same time; systems limit the number of open files

_CHUNK_BYTES = 1 << 20
# Of compressed members only Deflate: for other methods `zipfile` may unpack far more bytes than a read asks for.
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1 | 0x40 | 0x2000  # APPNOTE 4.4.4: bits 0, 6 and 13
# Errors that `zipfile` raises for damaged files.
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    OverflowError,
    RuntimeError,
    ValueError,
)


class _TooManyMembers(Exception):
    """A ZIP's directory goes on after `MAX_MEMBERS` members."""


class _Members(list[zipfile.ZipInfo]):
    """The list that `zipfile` fills while it reads a directory, at a kilobyte of memory for each member."""

    def append(self, info: zipfile.ZipInfo) -> None:
        """Take a member; raise `_TooManyMembers` after the last one that is allowed."""
        if len(self) >= MAX_MEMBERS:
            raise _TooManyMembers
        super().append(info)


class _BoundedZip(zipfile.ZipFile):
    """A ZIP whose members are counted by the parser that reads them; another one could be led to see fewer."""

    @property
    def filelist(self) -> _Members:
        """Return the members read so far."""
        return self._members

    @filelist.setter
    def filelist(self, _: list[zipfile.ZipInfo]) -> None:
        self._members = _Members()


class _UnmarkedNames(io.FileIO):
    """A ZIP's file whose directory, when it is read, does not say of names that they are UTF-8 where they are not."""

    is_directory = True  # whether what is read now may be the directory

    def read(self, n_bytes: int | None = -1, /) -> bytes:
        """Read as files do."""
        data = super().read(n_bytes)
        if self.is_directory:
            return unmark_names(data)
        if n_bytes == HEADER_BYTES:
            name = super().read(header_name_bytes(data))
            self.seek(-len(name), io.SEEK_CUR)
            return unmark_header(data, name)
        return data


@dataclass(frozen=True)
class Member:
    """A file in a ZIP, as the ZIP's directory describes it."""

    name: str
    n_bytes: int  # unpacked
    crc: int
    refusal: str | None = None  # why it cannot be read; None: it can

    @property
    def stamp(self) -> str:
        """Return a text that changes with the content."""
        return f"{self.crc:08x}:{self.n_bytes}"


class Archive:
    """An open ZIP with its directory; not safe to use from several threads, as `Archives` is."""

    def __init__(self, path: Path) -> None:
        """Open a ZIP and read its directory.

        Raises:
            SourceError: the file is no ZIP, is damaged, is wholly encrypted, or has more than `MAX_MEMBERS` members.
        """
        self._by_file_name: dict[str, list[str]] | None = None  # made at the first search
        self._read: set[str] = set()  # names of the members that were read
        self._read_bytes = 0  # which these take together, unpacked
        if str(path) != str(path).encode("utf-8", "replace").decode("utf-8"):
            raise SourceError(f"The name of ZIP {str(path)!a} is not valid Unicode. Rename it.")
        try:
            with open_regular(path) as file:
                self._n_bytes = file.seek(0, 2)
            self._zip, self._file = _open_zip(path)
        except _TooManyMembers as error:
            raise SourceError(f'"{path}" holds more than {MAX_MEMBERS:,} files. Split it into several.') from error
        except OSError as error:
            raise SourceError(
                f'"{path}" cannot be opened: {error.strerror or error}. Check its access rights.'
            ) from error
        except _DAMAGED as error:
            raise SourceError(
                f'"{path}" is no ZIP, or not the whole of one ({error}). Download or copy it again.'
            ) from error
        self._infos = name_members(self._zip.infolist())
        try:
            self._check(path)
        except SourceError:
            self.close()
            raise

    def _check(self, path: Path) -> None:
        infos = self._infos.values()
        if infos and all(info.flag_bits & _ENCRYPTED for info in infos):
            raise SourceError(f'"{path}" is protected by a password. Pack its photos again without a password.')
        claimed = sum(info.compress_size for info in infos if not self._reaches_out(info))
        if claimed > self._n_bytes:  # overlapping members: a small file could unpack to a vast amount of data
            raise SourceError(f'"{path}" holds members that overlap. Pack its photos again.')

    def close(self) -> None:
        """Close the file; members that are being read can be read to their end, but for those of odd ZIPs."""
        self._zip.close()
        if self._file is not None:
            self._file.close()

    def names(self) -> Iterator[str]:
        """Return the files' names, in the ZIP's order."""
        return iter(self._infos)

    def member(self, name: str) -> Member | None:
        """Return the file of that name; None when there is none."""
        info = self._infos.get(name)
        return None if info is None else Member(name, info.file_size, info.CRC, self._refusal(info))

    def find(self, tail: str) -> Member | None:
        """Return the file whose path is `tail` or ends in it; of several, the one with the shortest path."""
        if tail not in self._infos:
            if self._by_file_name is None:
                self._by_file_name = _by_file_name(self._infos)
            names = self._by_file_name.get(tail.rpartition("/")[2], ())
            tail = min((name for name in names if name.endswith(f"/{tail}")), key=len, default=tail)
        return self.member(tail)

    def open(self, member: Member, max_bytes: int) -> IO[bytes]:
        """Open a file's stream, which ends after the number of bytes that the directory declares.

        Raises:
            PhotoError: the file is refused, or is larger than `max_bytes`, or too much of the ZIP was read with it.
        """
        stream = self._stream(member, max_bytes)
        if member.name not in self._read:
            self._read.add(member.name)
            self._read_bytes += member.n_bytes
        limit = max(SUM_MATTERS_BYTES, MAX_SUM_RATIO * self._n_bytes)
        if self._read_bytes > limit:
            stream.close()
            raise PhotoError(
                f"the ZIP of {self._n_bytes:,} bytes would unpack to more than {limit:,}, which no photos do"
            )
        return stream

    def _stream(self, member: Member, max_bytes: int) -> IO[bytes]:
        if member.refusal:
            raise PhotoError(member.refusal)
        if member.n_bytes > max_bytes:
            raise PhotoError(f"the file is larger than {max_bytes // 1_000_000} MB")
        return self._zip.open(self._infos[member.name])

    def read_start(self, member: Member, n_bytes: int) -> bytes:
        """Return the first bytes of a file; none where it is refused or damaged."""
        try:
            with self._stream(member, MAX_PEEKED_BYTES) as stream:
                return stream.read(n_bytes)
        except (PhotoError, OSError, *_DAMAGED):
            return b""

    def _reaches_out(self, info: zipfile.ZipInfo) -> bool:
        return not 0 <= info.header_offset <= self._n_bytes - info.compress_size

    def _refusal(self, info: zipfile.ZipInfo) -> str | None:
        kind = stat.S_IFMT(info.external_attr >> 16)
        if leads_out(info.orig_filename):
            return "its name points out of the ZIP, or cannot be a file's"
        if kind not in (0, stat.S_IFREG):
            return "this is a link or another special file"
        if info.flag_bits & _ENCRYPTED:
            return "it is protected by a password"
        if info.compress_type not in _METHODS:
            return "it is packed by a rare method; pack the ZIP again with the usual one (Deflate)"
        if self._reaches_out(info):
            return "the ZIP ends before it"
        if info.file_size > max(RATIO_MATTERS_BYTES, MAX_RATIO * info.compress_size):
            return f"{info.compress_size:,} bytes would unpack to {info.file_size:,}, which no photo does"
        return None


class Archives:
    """ZIPs that stay open, so that many members can be read one by one; use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # `zipfile` counts its open streams without a lock
        self._opened: dict[Path, tuple[tuple[int, int], Archive]] = {}  # the most recently used comes last

    def __enter__(self) -> Archives:
        """Return itself; no ZIP is open yet."""
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all ZIPs."""
        with self._lock:
            for _, archive in self._opened.values():
                archive.close()
            self._opened.clear()

    def open(self, path: Path) -> Archive:
        """Open the ZIP, anew if its file has changed; raise `SourceError` as `Archive` does."""
        with self._lock:
            return self._current(path)

    def read(self, zip_path: Path, member: str, max_bytes: int) -> bytes:
        """Read the bytes of the member of exactly that name.

        Raises:
            PhotoError: the ZIP or the member is gone, damaged, refused, or larger than `max_bytes`.
        """
        try:
            with self._lock:
                archive = self._current(zip_path)
                info = archive.member(member)
                if info is None:
                    raise PhotoError("the ZIP no longer holds it")
                stream = archive.open(info, max_bytes)
            expect_bytes(info.n_bytes)
            try:
                return _read_all(stream, info.n_bytes)
            finally:
                with self._lock:
                    stream.close()
        except SourceError as error:
            raise PhotoError(str(error)) from error
        except (OSError, *_DAMAGED) as error:
            raise PhotoError(f"the ZIP is damaged there ({str(error) or type(error).__name__})") from error

    def _current(self, path: Path) -> Archive:
        """Return the open ZIP, opened anew if its file has changed; the caller holds the lock."""
        opened_version, archive = self._opened.pop(path, (None, None))
        try:
            status = path.stat()
        except OSError as error:
            if archive is not None:
                archive.close()
            raise SourceError(
                f'"{path}" cannot be opened: {error.strerror or error}. Put it back, or add it anew.'
            ) from error
        version = (status.st_mtime_ns, status.st_size)
        if archive is None or opened_version != version:
            if archive is not None:
                archive.close()
            archive = Archive(path)
        self._opened[path] = (version, archive)
        if len(self._opened) > MAX_OPEN:
            self._opened.pop(next(iter(self._opened)))[1].close()
        return archive


def _open_zip(path: Path) -> tuple[zipfile.ZipFile, io.FileIO | None]:
    """Open a ZIP; return it, and its file where that is to be closed, too."""
    try:
        return _BoundedZip(path), None
    except UnicodeDecodeError:  # one name that is said to be UTF-8, and is not, would refuse all
        file = _UnmarkedNames(path)
        try:
            opened = _BoundedZip(file)
        except BaseException:
            file.close()
            raise
        file.is_directory = False
        return opened, file


def open_archives(_: Resources) -> Archives:
    """Return the ZIPs for all photos that are read in one run; each is opened when first needed."""
    return Archives()


def are_zips(paths: Sequence[Path]) -> bool:
    """Return whether all files are named like ZIPs."""
    return all(path.suffix.lower() == ".zip" for path in paths)


def _by_file_name(names: Iterable[str]) -> dict[str, list[str]]:
    paths: dict[str, list[str]] = {}
    for name in names:
        paths.setdefault(name.rpartition("/")[2], []).append(name)
    return paths


def _read_all(stream: IO[bytes], n_bytes: int) -> bytes:
    chunks: list[bytes] = []
    while chunk := stream.read(_CHUNK_BYTES):
        chunks.append(chunk)
    data = b"".join(chunks)
    if len(data) != n_bytes:  # only fewer: a longer stream ends there, and its checksum fails
        raise EOFError(f"{len(data):,} bytes instead of {n_bytes:,}")
    return data
