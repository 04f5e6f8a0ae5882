"""Photos and ZIPs of photos that are uploaded on the Library page; the library keeps their bytes."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from photosearch.errors import Cancelled, PhotoError, SourceError
from photosearch.library import Pending
from photosearch.library.files import UPLOAD, Files
from photosearch.pictures.names import name_details
from photosearch.records import Failure, Listing, Progress, Watch
from photosearch.sources.archive import Archives
from photosearch.sources.budget import expect_bytes
from photosearch.sources.instagram import export_source
from photosearch.sources.instagram.export_layout import LEGACY, has_legacy_media, is_of_export, list_choices
from photosearch.sources.instagram.export_parts import read_photo
from photosearch.sources.instagram.export_source import ExportSource
from photosearch.sources.photos_zip import PhotosZipSource, read_member
from photosearch.sources.source import Content, Options, Resources, SourceKind

_HASH_CHARS = 12  # of the SHA-256 in a key, enough to distinguish files of one name
_MAX_NAME_CHARS = 200
_MAX_FILE_NAME_BYTES = 200  # most file systems allow 255
_QUOTED_PATH = re.compile(r'"/[^"]*"|"[A-Za-z]:\\[^"]*"')


@contextmanager
def received(
    uploads: Sequence[tuple[str, BinaryIO]], files: Files, options: Options, watch: Watch
) -> Iterator[list[UploadSource]]:
    """Keep uploaded ZIPs until the block ends, and yield the sources in all that was uploaded.

    That is one source for photos and ZIPs of photos, and one for each account whose Instagram export was uploaded.

    Args:
        uploads: each a name with its bytes.
        files: of the library that keeps the photos.
        options: `also` is used, for exports of Instagram.
        watch: receives progress, and may end it.

    Raises:
        LibraryError: the disk is full.
        Cancelled: `watch` cancelled it.
    """
    photos: list[tuple[str, BinaryIO]] = []
    zips: dict[Path, str] = {}  # the names of uploaded ZIPs, by their temporary files
    with ExitStack() as arrived:
        for n_done, (name, stream) in enumerate(uploads):
            name = _own_name(name)
            if not name.lower().endswith(".zip"):
                photos.append((name, stream))
                continue
            if watch.is_cancelled():
                raise Cancelled("The upload was cancelled.")
            watch.on_progress(Progress(n_done, len(uploads), "Keeping what was uploaded"))
            zips[_renamed(arrived.enter_context(files.arriving(stream)), name)] = name
        parts = _parts_of_exports(zips)
        whole, refused = _recognised(parts, options)
        others = {path: name for path, name in zips.items() if path not in parts}
        names = ", ".join(parts.values())
        sources = [UploadSource(photos, files, others, failures=refused)] if photos or others or refused else []
        yield [*sources, *(UploadSource((), files, export=(export, names)) for export in whole)]


def _recognised(parts: Mapping[Path, str], options: Options) -> tuple[list[ExportSource], list[Failure]]:
    """Return a source for each account whose export some ZIPs are, or why they cannot be used."""
    try:
        return (export_source.recognise(list(parts), options) or [] if parts else []), []
    except SourceError as error:
        return [], [Failure(", ".join(parts.values()), _without_folder(str(error)))]


class UploadSource:
    """Keeps and lists uploaded photos.

    A photo's key holds a part of its bytes' hash and its name, so that the same upload is recognised later.
    """

    kind = UPLOAD
    described = False
    listed_in: str | None = None

    def __init__(
        self,
        photos: Sequence[tuple[str, BinaryIO]],
        files: Files,
        zips: Mapping[Path, str] | None = None,
        *,
        export: tuple[ExportSource, str] | None = None,
        failures: Sequence[Failure] = (),
    ) -> None:
        """Take what was uploaded.

        Args:
            photos: each a name with its bytes.
            files: of the library that keeps them.
            zips: the names of ZIPs of photos, by their paths.
            export: an Instagram export, with the names of its ZIPs.
            failures: what else could not be used.
        """
        self._photos = photos
        self._files = files
        self._zips = zips or {}
        self._export = export
        self._failures = failures
        self.collection = export[0].collection if export else "uploads"
        self.left_out: Counter[str] = Counter()

    @property
    def is_export(self) -> bool:
        """Return whether it lists an Instagram export."""
        return self._export is not None

    @property
    def notes(self) -> tuple[str, ...]:
        """Return what an export leaves out."""
        return self._export[0].notes if self._export else ()

    def covers(self, source_key: str) -> bool:  # noqa: ARG002
        """Return False: earlier uploads stay when others are uploaded."""
        return False

    def listings(self, known: Mapping[str, str | None], watch: Watch) -> Iterator[Listing | Failure]:  # noqa: ARG002
        """Keep each photo and yield it; raise `LibraryError` when the disk is full."""
        from photosearch.pictures.images import MAX_FILE_BYTES  # it imports Pillow, which searching does not need

        yield from self._failures
        for n_done, (name, stream) in enumerate(self._photos):
            if watch.is_cancelled():
                raise Cancelled("The upload was cancelled. The photos kept until then stay.")
            watch.on_progress(Progress(n_done, len(self._photos), "Keeping what was uploaded"))
            data = stream.read(MAX_FILE_BYTES + 1)
            if len(data) > MAX_FILE_BYTES:
                yield Failure(_own_name(name), f"the file is larger than {MAX_FILE_BYTES // 1_000_000} MB")
            else:
                yield self._kept(_own_name(name), data)
        for path, name in self._zips.items():
            yield from self._from_source(PhotosZipSource(path), name, watch)
        if self._export:
            yield from self._from_source(*self._export, watch)

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


def _parts_of_exports(zips: Mapping[Path, str]) -> dict[Path, str]:
    """Return those of uploaded ZIPs that are Instagram exports or parts of one."""
    names: dict[Path, list[str]] = {}
    with Archives() as archives:
        for path in zips:
            try:
                names[path] = list(archives.open(path).names())
            except SourceError:  # said when the ZIP is listed
                continue
    parts = {path for path, own in names.items() if is_of_export(own)}
    if any(LEGACY in list_choices(names[path]) for path in parts):  # its other parts look like ZIPs of photos
        parts |= {path for path, own in names.items() if has_legacy_media(own)}
    return {path: name for path, name in zips.items() if path in parts}


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
    return Content(files.read_upload(photo.address or "", max_bytes, expect_bytes))


KIND: SourceKind = SourceKind(
    UPLOAD,
    _read,
    title="Upload",
    note="The files are copied into the library. Give what is too large for the box by its path instead: an Instagram"
    " export under *Instagram export*, a ZIP of photos under *List of URLs*.",
)
