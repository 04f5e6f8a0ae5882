"""A library's pictures in an object store, such as `s3://bucket/prefix`: all that fsspec opens by an address.

Credentials and the service's address are those of its own tools, for S3 `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`,
`AWS_ENDPOINT_URL`, or the files that they stand for. A request is given up after a minute.
"""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from photosearch.errors import LibraryError
from photosearch.library.file_stores import StoredFile

CONNECT_S, ANSWER_S = 5, 30  # how long S3 may take, each time it is asked
_N_TRIES = 2
_AT_ONCE = 1000  # files deleted by one request
_S3: dict[str, Any] = {
    "config_kwargs": {
        "connect_timeout": CONNECT_S,
        "read_timeout": ANSWER_S,
        "retries": {"total_max_attempts": _N_TRIES, "mode": "standard"},
    },
    "use_listings_cache": False,  # others write, too
}


class ObjectStore:
    """A place in an object store, as `FileStore` says. What it raises is an `OSError`, whatever went wrong."""

    is_on_disk = False

    def __init__(self, address: str, title: str) -> None:
        """Ask for nothing yet; raise `LibraryError` where fsspec or what it needs for the address is not installed."""
        self.title = title
        scheme = address.partition("://")[0]
        try:
            import fsspec

            options = _S3 if scheme in ("s3", "s3a") else {}
            # One of its own: fsspec would hand out another of the same options, opened with earlier keys and address.
            self._system, self._root = fsspec.url_to_fs(address.rstrip("/"), skip_instance_cache=True, **options)
        except (ImportError, ValueError) as error:  # fsspec knows no such scheme, or not how to open it
            raise LibraryError(
                f"{title} cannot be opened: {error}. For S3 install it with: pip install -r requirements-s3.txt"
            ) from error
        if hasattr(self._system, "retries"):
            self._system.retries = _N_TRIES

    def read(self, name: str) -> bytes:
        """Return a file's bytes; raises `FileNotFoundError` where there is none."""
        with _os_errors():
            return bytes(self._system.cat_file(self._path(name)))

    def write(self, name: str, data: bytes, *, is_remade: bool = False) -> None:  # noqa: ARG002 - a request is whole
        """Write a file by one request."""
        with _os_errors():
            self._system.pipe_file(self._path(name), data)

    def size(self, name: str) -> int | None:
        """Return a file's size in bytes, None where there is none."""
        with _os_errors():
            try:
                return int(self._system.info(self._path(name))["size"])
            except FileNotFoundError:
                return None

    def delete(self, names: Sequence[str]) -> dict[str, OSError]:
        """Delete those of the files that exist; return which cannot be deleted, and why."""
        failed: dict[str, OSError] = {}
        for first in range(0, len(names), _AT_ONCE):
            some = names[first : first + _AT_ONCE]
            try:
                with _os_errors():
                    self._system.rm([self._path(name) for name in some])
            except OSError:  # some systems refuse all where one is missing
                failed |= self._delete_each(some)
        return failed

    def _delete_each(self, names: Sequence[str]) -> dict[str, OSError]:
        failed: dict[str, OSError] = {}
        for name in names:
            try:
                with _os_errors():
                    self._system.rm_file(self._path(name))
            except FileNotFoundError:
                continue
            except OSError as error:
                failed[name] = error
        return failed

    def files(self, folder: str) -> Iterator[StoredFile]:
        """Yield the files in a folder and its subfolders; one subfolder's are in memory at a time."""
        try:
            with _os_errors():
                entries = self._system.ls(self._path(folder), detail=True)
        except FileNotFoundError:
            return
        for entry in entries:
            if entry["type"] == "directory":
                with _os_errors():
                    found = list(self._system.find(entry["name"], detail=True).values())
            else:
                found = [entry]
            yield from (self._stored(info) for info in found if not str(info["name"]).endswith("/"))

    def _stored(self, info: dict[str, Any]) -> StoredFile:
        name = str(info["name"]).removeprefix(self._root).lstrip("/")
        changed = next((info[key] for key in ("LastModified", "last_modified", "created", "mtime") if key in info), 0.0)
        return StoredFile(
            name, int(info["size"]), changed.timestamp() if isinstance(changed, datetime) else float(changed)
        )

    def _path(self, name: str) -> str:
        return f"{self._root.rstrip('/')}/{name}"


@contextlib.contextmanager
def _os_errors() -> Iterator[None]:
    """Raise what an object store's library raises as `OSError`, with its first line as the reason."""
    try:
        yield
    except FileNotFoundError as error:
        raise FileNotFoundError(errno.ENOENT, _first_line(error)) from error
    except PermissionError as error:
        raise PermissionError(errno.EACCES, _first_line(error)) from error
    except Exception as error:  # of any library that fsspec has for the store: connections, credentials, answers
        raise OSError(errno.EIO, _first_line(error)) from error


def _first_line(error: Exception) -> str:
    text = (getattr(error, "strerror", None) or str(error)).strip()
    return (text.splitlines()[0] if text else type(error).__name__).rstrip(".")
