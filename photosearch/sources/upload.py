"""Photos, and ZIPs of photos, that somebody hands in through the page; the library keeps their bytes."""

from __future__ import annotations

import hashlib
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

_TOLD_CHARS = 12  # of the SHA-256, enough to tell two files of one name apart
_MOST_CHARS = 200  # of a name


class UploadSource:
    """Keeps what was handed in, and lists it. A photo's key is its bytes' and its name: a second time it is known."""

    kind = UPLOAD
    described = False
    listed_in: str | None = None
    collection = "uploads"

    def __init__(self, uploads: Sequence[tuple[str, BinaryIO]], files: Files) -> None:
        """`uploads` are names with their bytes."""
        self._uploads = uploads
        self._files = files
        self.n_skipped = 0

    def covers(self, source_key: str) -> bool:  # noqa: ARG002
        """Nothing that was handed in before is missing now."""
        return False

    def listings(self, known: Mapping[str, str | None], watch: Watch) -> Iterator[Listing | Failure]:  # noqa: ARG002
        """Each photo once it is kept; raises `LibraryError` where there is no room."""
        from photosearch.images import MAX_FILE_BYTES  # with Pillow, which searching does without

        for n_done, (name, stream) in enumerate(self._uploads):
            if watch.is_cancelled():
                raise Cancelled("The upload was ended. What was kept stays.")
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
            except SourceError as error:  # which names the place where it lies for the moment
                yield Failure(name, str(error).replace(f'"{path.resolve()}"', "it"))
            self.n_skipped += source.n_skipped

    def _kept(self, name: str, data: bytes) -> Listing:
        sha256 = hashlib.sha256(data).hexdigest()
        return Listing(f"{sha256[:_TOLD_CHARS]}/{name}", sha256, self._files.keep_upload(sha256, data))


def _own_name(name: str) -> str:
    """A file's own name, as it can be kept and shown: no path, nothing that steers a terminal, not endless."""
    own = PurePosixPath(name.replace("\\", "/")).name.encode("utf-8", "replace").decode("utf-8")
    own = "".join(char if char.isprintable() else "_" for char in own) or "photo"
    stem, dot, suffix = own.rpartition(".")
    return own if len(own) <= _MOST_CHARS else (stem[: _MOST_CHARS - len(suffix) - 1] + dot + suffix)[:_MOST_CHARS]


def _read(resources: Resources, photo: Pending, max_bytes: int, _etag: str | None) -> Content:
    return Content(read_file(resources.settings.library_dir / (photo.address or ""), max_bytes))


KIND: SourceKind = SourceKind(
    UPLOAD,
    _read,
    title="Upload",
    note="The files are copied into the library. Give a large ZIP by its path instead, under *List of URLs*.",
)
