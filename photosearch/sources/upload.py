"""Photos and ZIPs of photos that are uploaded on the Library page; the library keeps their bytes."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import BinaryIO

from photosearch.errors import Cancelled, PhotoError, SourceError
from photosearch.library import Pending
from photosearch.library.files import UPLOAD, Files
from photosearch.records import Failure, Listing, Progress, Watch
from photosearch.sources.archive import Archives
from photosearch.sources.folder import read_file
from photosearch.sources.photos_zip import PhotosZipSource, read_member
from photosearch.sources.source import Content, Resources, SourceKind

_HASH_CHARS = 12  # of the SHA-256 in a key, enough to distinguish files of one name
_MAX_NAME_CHARS = 200


class UploadSource:
    """Keeps and lists uploaded photos.

    A photo's key holds a part of its bytes' hash and its name, so that the same upload is recognised later.
    """

    kind = UPLOAD
    described = False
    listed_in: str | None = None
    collection = "uploads"

    def __init__(self, uploads: Sequence[tuple[str, BinaryIO]], files: Files) -> None:
        """Take the uploads, each a name with its bytes, and the files of the library that keeps them."""
        self._uploads = uploads
        self._files = files
        self.left_out: Counter[str] = Counter()

    def covers(self, source_key: str) -> bool:  # noqa: ARG002
        """Return False: earlier uploads stay when others are uploaded."""
        return False

    def listings(self, known: Mapping[str, str | None], watch: Watch) -> Iterator[Listing | Failure]:  # noqa: ARG002
        """Keep each photo and yield it; raise `LibraryError` when the disk is full."""
        from photosearch.images import MAX_FILE_BYTES  # it imports Pillow, which searching does not need

        for n_done, (name, stream) in enumerate(self._uploads):
            if watch.is_cancelled():
                raise Cancelled("The upload was cancelled. The photos kept until then stay.")
            watch.on_progress(Progress(n_done, len(self._uploads), "Keeping what was uploaded"))
            name = _own_name(name)
            if name.lower().endswith(".zip"):
                yield from self._from_zip(name, stream, watch)
            else:
                data = stream.read(MAX_FILE_BYTES + 1)
                if len(data) > MAX_FILE_BYTES:
                    yield Failure(name, f"the file is larger than {MAX_FILE_BYTES // 1_000_000} MB")
                else:
                    yield self._kept(name, data)

    def _from_zip(self, name: str, stream: BinaryIO, watch: Watch) -> Iterator[Listing | Failure]:
        from photosearch.images import MAX_FILE_BYTES

        with self._files.arriving(stream) as path, Archives() as archives:
            source = PhotosZipSource(path)
            try:
                for item in source.listings({}, watch):
                    key = f"{name}/{item.source_key.partition('/')[2]}"
                    if isinstance(item, Failure):
                        yield Failure(key, item.reason)
                        continue
                    try:
                        data = read_member(item.source_key, item.address or "", archives, MAX_FILE_BYTES)
                    except PhotoError as error:
                        yield Failure(key, str(error))
                    else:
                        yield self._kept(key, data)
            except SourceError as error:  # its message names the temporary file
                yield Failure(name, str(error).replace(f'"{path.resolve()}"', "it"))
            self.left_out += source.left_out

    def _kept(self, name: str, data: bytes) -> Listing:
        sha256 = hashlib.sha256(data).hexdigest()
        return Listing(f"{sha256[:_HASH_CHARS]}/{name}", sha256, self._files.keep_upload(sha256, data))


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
    return Content(read_file(resources.settings.library_dir / (photo.address or ""), max_bytes))


KIND: SourceKind = SourceKind(
    UPLOAD,
    _read,
    title="Upload",
    note="The files are copied into the library. Give a large ZIP by its path instead, under *List of URLs*.",
)
