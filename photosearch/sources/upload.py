"""Photos and ZIPs of photos that are uploaded on the Library page; the library keeps their bytes."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from photosearch.errors import Cancelled, PhotoError, SourceError
from photosearch.library import Pending
from photosearch.library.files import UPLOAD, Files
from photosearch.pictures.names import name_details
from photosearch.records import Failure, Listing, Progress, Watch
from photosearch.sources.archive import Archives
from photosearch.sources.instagram import export_source
from photosearch.sources.instagram.export_layout import (
    POSTS,
    account_of_file,
    is_html_export,
    is_of_export,
    list_choice,
)
from photosearch.sources.instagram.export_parts import read_photo
from photosearch.sources.instagram.export_source import ExportSource
from photosearch.sources.photos_zip import PhotosZipSource, read_member
from photosearch.sources.source import NO_OPTIONS, Content, Options, Resources, SourceKind

_HASH_CHARS = 12  # of the SHA-256 in a key, enough to distinguish files of one name
_MAX_NAME_CHARS = 200
_MAX_FILE_NAME_BYTES = 200  # most file systems allow 255
_QUOTED_PATH = re.compile(r'"/[^"]*"|"[A-Za-z]:\\[^"]*"')


class UploadSource:
    """Keeps and lists uploaded photos.

    A photo's key holds a part of its bytes' hash and its name, so that the same upload is recognised later.
    """

    kind = UPLOAD
    described = False
    listed_in: str | None = None
    collection = "uploads"

    def __init__(self, uploads: Sequence[tuple[str, BinaryIO]], files: Files, options: Options = NO_OPTIONS) -> None:
        """Take the uploads.

        Args:
            uploads: each a name with its bytes.
            files: of the library that keeps them.
            options: `also` is used, for exports of Instagram.
        """
        self._uploads = uploads
        self._files = files
        self._options = options
        self.left_out: Counter[str] = Counter()
        self.notes: tuple[str, ...] = ()  # what exports left out

    def covers(self, source_key: str) -> bool:  # noqa: ARG002
        """Return False: earlier uploads stay when others are uploaded."""
        return False

    def listings(self, known: Mapping[str, str | None], watch: Watch) -> Iterator[Listing | Failure]:  # noqa: ARG002
        """Keep each photo and yield it; raise `LibraryError` when the disk is full."""
        from photosearch.pictures.images import MAX_FILE_BYTES  # it imports Pillow, which searching does not need

        parts: dict[Path, str] = {}  # of Instagram exports, which are read together, by their temporary files
        with ExitStack() as arrived:
            for n_done, (name, stream) in enumerate(self._uploads):
                if watch.is_cancelled():
                    raise Cancelled("The upload was cancelled. The photos kept until then stay.")
                watch.on_progress(Progress(n_done, len(self._uploads), "Keeping what was uploaded"))
                name = _own_name(name)
                if name.lower().endswith(".zip"):
                    path = _renamed(arrived.enter_context(self._files.arriving(stream)), name)
                    if _is_of_export(path):
                        parts[path] = name
                    else:
                        yield from self._from_source(PhotosZipSource(path), name, watch)
                    continue
                data = stream.read(MAX_FILE_BYTES + 1)
                if len(data) > MAX_FILE_BYTES:
                    yield Failure(name, f"the file is larger than {MAX_FILE_BYTES // 1_000_000} MB")
                else:
                    yield self._kept(name, data)
            if parts:
                yield from self._from_export(parts, watch)

    def _from_export(self, parts: Mapping[Path, str], watch: Watch) -> Iterator[Listing | Failure]:
        """Keep the photos of the posts in an export, and nothing else of it."""
        try:
            sources = export_source.recognise(list(parts), self._options) or ()
        except SourceError as error:
            yield Failure(", ".join(parts.values()), _without_folder(str(error)))
            return
        for source in sources:
            yield from self._from_source(source, ", ".join(parts.values()), watch)
            self.notes += source.notes

    def _from_source(
        self, source: PhotosZipSource | ExportSource, name: str, watch: Watch
    ) -> Iterator[Listing | Failure]:
        """Keep what a source of uploaded ZIPs lists; `name` is what a failure of the whole is filed under."""
        from photosearch.pictures.images import MAX_FILE_BYTES

        is_export = isinstance(source, ExportSource)
        with Archives() as archives:
            try:
                for item in source.listings({}, watch):
                    key = item.source_key if is_export else f"{name}/{item.source_key.partition('/')[2]}"
                    if isinstance(item, Failure):
                        yield Failure(key, item.reason)
                        continue
                    if item.no_picture:
                        yield item
                        continue
                    read = read_photo if is_export else read_member
                    try:
                        data = read(item.source_key, item.address or "", archives, MAX_FILE_BYTES)
                    except PhotoError as error:
                        yield Failure(key, str(error))
                    else:
                        yield replace(self._kept(key, data), details=item.details)
            except SourceError as error:
                yield Failure(name, _without_folder(str(error)))
            self.left_out += source.left_out

    def _kept(self, name: str, data: bytes) -> Listing:
        sha256 = hashlib.sha256(data).hexdigest()
        address = self._files.keep_upload(sha256, data)
        return Listing(f"{sha256[:_HASH_CHARS]}/{name}", sha256, address, name_details("", name.rpartition("/")[2]))


def collection_of(names: Sequence[str]) -> str:
    """Return the collection's name for uploads: the account of an Instagram export, else that of all uploads."""
    accounts = {account_of_file(PurePosixPath(name).stem) for name in names if name.lower().endswith(".zip")}
    return (accounts.pop() if len(accounts) == 1 else None) or UploadSource.collection


def _is_of_export(path: Path) -> bool:
    """Return whether a ZIP is an Instagram export or a part of one."""
    with Archives() as archives:
        try:
            names = list(archives.open(path).names())
        except SourceError:  # said when the ZIP is listed
            return False
    return is_of_export(names) or any(list_choice(name) == POSTS for name in names) or is_html_export(names)


def _renamed(path: Path, name: str) -> Path:
    """Give a temporary file the name of its upload, which says whose export it is; return its new path."""
    return path.rename(path.with_name(name if len(name.encode()) <= _MAX_FILE_NAME_BYTES else "upload.zip"))


def _without_folder(message: str) -> str:
    """Return an error's message without the path of the temporary file, which says nothing to the user."""
    return _QUOTED_PATH.sub("it", message)


def _own_name(name: str) -> str:
    """Return a file's name without its path, shortened, with "_" in place of unprintable characters."""
    own = PurePosixPath(name.replace("\\", "/")).name.encode("utf-8", "replace").decode("utf-8")
    own = "".join(char if char.isprintable() else "_" for char in own) or "photo"
    stem, dot, suffix = own.rpartition(".")
    return (
        own
        if len(own) <= _MAX_NAME_CHARS
        else (stem[: _MAX_NAME_CHARS - len(suffix) - 1] + dot + suffix)[:_MAX_NAME_CHARS]
    )


def _read(resources: Resources, photo: Pending, max_bytes: int, _etag: str | None) -> Content:
    files = Files(resources.settings.library_dir, resources.settings.files)
    return Content(files.read_upload(photo.address or "", max_bytes))


KIND: SourceKind = SourceKind(
    UPLOAD,
    _read,
    title="Upload",
    note="The files are copied into the library. Give a large ZIP by its path instead, under *List of URLs*.",
)
