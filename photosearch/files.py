"""Files on disk: opened so that nothing blocks, written whole or not at all, under names that every system accepts."""

from __future__ import annotations

import errno
import os
import re
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

MAX_NAME_BYTES = 255  # of one file's name, on most file systems
PART = ".part"  # ends the names of files that are still being written
_ADVICE = (  # to whoever could not use a file, by the numbers of errors
    ("Free some space", ("ENOSPC", "EDQUOT", "EFBIG")),
    ("Check its access rights", ("EACCES", "EPERM", "EROFS")),
    ("Check that it exists", ("ENOENT", "ENOTDIR")),
    ("Check that it can be reached", ("EIO", "ESTALE", "ETIMEDOUT", "ENOTCONN", "EHOSTDOWN", "EHOSTUNREACH")),
)
_REFUSED = re.compile(r'[\x00-\x1f<>:"/\\|?*]')  # by Windows; other systems refuse fewer


def open_regular(path: Path | str) -> BinaryIO:
    """Open a file to read; a pipe or a device, which could block for ever, is refused.

    Raises:
        OSError: it cannot be opened, or is no regular file.
    """
    number = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        mode = os.fstat(number).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "it is no regular file", str(path))
        return os.fdopen(number, "rb")
    except BaseException:
        os.close(number)
        raise


def read_regular(path: Path, max_bytes: int | None = None) -> bytes:
    """Return a file's bytes, up to `max_bytes`; raises as `open_regular` does, or where it cannot be read."""
    with open_regular(path) as file:
        return file.read() if max_bytes is None else file.read(max_bytes)


def advice_on(error: OSError, otherwise: str = "Check free space and access rights") -> str:
    """Return what to do where a file cannot be used, or else `otherwise`; without the full stop."""
    for advice, names in _ADVICE:
        if error.errno in {getattr(errno, name, None) for name in names} - {None}:  # Windows lacks some
            return advice
    return otherwise


def readable_name(name: str) -> str:
    """Return a file's name or path as text that can be stored and shown.

    A part that is no UTF-8 is read as Windows-1252, and where that lacks a byte, too, bytes are written as numbers.
    """
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        raw = os.fsencode(name).split(os.fsencode(os.sep))
        return os.sep.join(_decoded(part) for part in raw)
    return name


def _decoded(raw: bytes) -> str:
    for encoding in ("utf-8", "cp1252"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return raw.decode("utf-8", "backslashreplace")


@contextmanager
def write_whole(path: Path, *, is_remade: bool = False) -> Iterator[Path]:
    """Yield a path beside `path` to write to; it gets the name `path` when the block ends without an error.

    A file that was there stays as it is until then. After an error nothing of the new one is left. When the power
    fails, either the old file is there or the whole new one. Nobody may read it who may not read its folder.

    Args:
        path: of the file.
        is_remade: whether the file may be lost when the power fails right after, since it can be made again.

    Raises:
        OSError: the file cannot be written or renamed, or its folder is missing.
    """
    part = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}{PART}")
    try:
        yield part
        with suppress(OSError):  # some file systems know no rights
            part.chmod(stat.S_IMODE(part.stat().st_mode) & mode_within(path.parent))
        force_to_disk(part)
        part.replace(path)
        if not is_remade:
            force_to_disk(path.parent)
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def make_folder(path: Path) -> None:
    """Create a folder in a library, and those above it that are missing, with the rights of the one that they lie in.

    Raises:
        OSError: it cannot be made, or is a file.
    """
    if path.is_dir():
        return
    make_folder(path.parent)
    try:
        path.mkdir()
    except FileExistsError:  # made meanwhile
        if not path.is_dir():
            raise
        return
    with suppress(OSError):  # some file systems know no rights
        path.chmod(stat.S_IMODE(path.parent.stat().st_mode) & ~stat.S_ISVTX)


def mode_within(folder: Path) -> int:
    """Return the access rights of files in a folder: they may be read and written by those who may do so there."""
    return stat.S_IMODE(folder.stat().st_mode) & 0o666


def force_to_disk(path: Path) -> None:
    """Have the system write a file's content, or a folder's names, to the disk before anything that follows.

    Raises:
        OSError: it cannot be written.
    """
    is_folder = path.is_dir()
    if is_folder and os.name == "nt":
        return  # there folders cannot be opened
    number = os.open(path, os.O_RDONLY if is_folder else os.O_RDWR)
    try:
        os.fsync(number)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network drives cannot
            raise
    finally:
        os.close(number)


def clean_name(name: str, n_bytes: int = MAX_NAME_BYTES) -> str:
    """Return a name without characters that some system refuses in a file's name, at most `n_bytes` long in UTF-8.

    Nothing may be left of it: the result is empty for "..".
    """
    cut = name.encode("utf-8", "replace")[:n_bytes].decode("utf-8", "ignore")
    return _REFUSED.sub("_", cut).strip(". ")
